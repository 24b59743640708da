//! What the reference service says of itself.

use super::Metric;

/// Requests by route and outcome.
pub const TESTBED_REQUESTS: Metric = Metric::counter(
    "testbed_http_requests_total",
    "Requests by matched route, status class and cache outcome.",
    &["route", "status", "outcome"],
);
/// Time of requests.
pub const TESTBED_REQUEST_SECONDS: Metric = Metric::histogram(
    "testbed_http_request_duration_seconds",
    "Time of a request inside the service, by matched route.",
    &["route"],
);
/// Database queries.
pub const TESTBED_QUERIES: Metric =
    Metric::counter("testbed_database_queries_total", "Database queries by matched route.", &["route"]);

/// Writes by others.
pub const TESTBED_FOREIGN_WRITES: Metric = Metric::counter(
    "testbed_foreign_writes_total",
    "Commits to watched tables that the database told of, by whether the cache took the invalidation.",
    &["result"],
);
/// Connections of the listener.
pub const TESTBED_LISTENER_CONNECTS: Metric = Metric::counter(
    "testbed_write_listener_connects_total",
    "How often the connection that tells of writes was made; each time all watched tables are cleared.",
    &[],
);
/// Whether writes are heard.
pub const TESTBED_LISTENER_UP: Metric =
    Metric::gauge("testbed_write_listener_up", "1 while writes by others are heard, else 0.", &[]);

/// Every metric of the reference service.
pub const TESTBED: &[Metric] = &[
    TESTBED_REQUESTS,
    TESTBED_REQUEST_SECONDS,
    TESTBED_QUERIES,
    TESTBED_FOREIGN_WRITES,
    TESTBED_LISTENER_CONNECTS,
    TESTBED_LISTENER_UP,
];
