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

/// Writes of which the database told.
pub const TESTBED_FOREIGN_WRITES: Metric = Metric::counter(
    "testbed_foreign_writes_total",
    "Writes of which the database told, by whether the cache took the invalidation, lets it wait, or could not read it.",
    &["result"],
);
/// Lost connections of the listener.
pub const TESTBED_FOREIGN_LOST: Metric = Metric::counter(
    "testbed_foreign_connections_lost_total",
    "How often the connection that hears of writes was lost; all tables are invalidated after it.",
    &[],
);
/// Whether the service hears of writes.
pub const TESTBED_FOREIGN_LISTENING: Metric = Metric::gauge(
    "testbed_foreign_listening",
    "1 while writes by others are heard, 0 while they are not.",
    &[],
);

/// Slow requests.
pub const TESTBED_SLOW_REQUESTS: Metric = Metric::counter(
    "testbed_slow_requests_total",
    "Requests that took longer than the service's limit for slow ones, by matched route.",
    &["route"],
);

/// Every metric of the reference service.
pub const TESTBED: &[Metric] = &[
    TESTBED_REQUESTS,
    TESTBED_REQUEST_SECONDS,
    TESTBED_QUERIES,
    TESTBED_SLOW_REQUESTS,
    TESTBED_FOREIGN_WRITES,
    TESTBED_FOREIGN_LOST,
    TESTBED_FOREIGN_LISTENING,
];
