//! What a load test says of itself while it goes.

use super::Metric;

/// Requests by side and outcome.
pub const LOAD_REQUESTS: Metric = Metric::counter(
    "hitmark_load_requests_total",
    "Requests that were sent and ended, by side and cache outcome.",
    &["experiment", "variant", "outcome"],
);
/// Failed requests.
pub const LOAD_ERRORS: Metric = Metric::counter(
    "hitmark_load_errors_total",
    "Failed requests, by side and kind.",
    &["experiment", "variant", "kind"],
);
/// Bytes of bodies.
pub const LOAD_BODY_BYTES: Metric = Metric::counter(
    "hitmark_load_body_bytes_total",
    "Bytes of response bodies as they crossed the wire.",
    &["experiment", "variant"],
);
/// Time under load.
pub const LOAD_ACTIVE_SECONDS: Metric = Metric::counter(
    "hitmark_load_active_seconds_total",
    "Time for which a side was under load.",
    &["experiment", "variant"],
);
/// Latency of the last super-block.
pub const LOAD_LATENCY: Metric = Metric::gauge(
    "hitmark_load_latency_seconds",
    "Latency to the last body byte in the last super-block, by side, outcome and quantile.",
    &["experiment", "variant", "outcome", "quantile"],
);
/// Pairs that are done.
pub const LOAD_PAIRS_DONE: Metric =
    Metric::gauge("hitmark_load_pairs_done", "Super-block pairs that are done.", &["experiment"]);
/// Pairs that were asked for.
pub const LOAD_PAIRS: Metric =
    Metric::gauge("hitmark_load_pairs", "Super-block pairs that the plan asks for.", &["experiment"]);

/// Every metric of a load test.
pub const LOAD: &[Metric] = &[
    LOAD_REQUESTS,
    LOAD_ERRORS,
    LOAD_BODY_BYTES,
    LOAD_ACTIVE_SECONDS,
    LOAD_LATENCY,
    LOAD_PAIRS_DONE,
    LOAD_PAIRS,
];
