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

/// Every metric of the reference service.
pub const TESTBED: &[Metric] = &[TESTBED_REQUESTS, TESTBED_REQUEST_SECONDS, TESTBED_QUERIES];
