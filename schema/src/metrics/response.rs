//! What the response cache says of itself: HTTP answers, apart from the cache operations under them.

use super::Metric;

/// Answers by outcome.
pub const RESPONSE_CACHE_ANSWERS: Metric = Metric::counter(
    "response_cache_answers_total",
    "Answers of the response cache by outcome: hit, stale, revalidated, miss, collapsed, bypass, error.",
    &["outcome"],
);
/// Responses kept.
pub const RESPONSE_CACHE_STORED: Metric =
    Metric::counter("response_cache_stored_total", "Responses that were stored or updated.", &[]);
/// Responses not kept, and why.
pub const RESPONSE_CACHE_NOT_STORED: Metric = Metric::counter(
    "response_cache_not_stored_total",
    "Responses to GET that were not stored, by reason.",
    &["reason"],
);
/// Refreshes behind stale answers.
pub const RESPONSE_CACHE_REFRESHES: Metric = Metric::counter(
    "response_cache_refreshes_total",
    "Refreshes in the background, by result: stored, failed, skipped.",
    &["result"],
);
/// Invalidations, and whether they removed anything.
pub const RESPONSE_CACHE_INVALIDATIONS: Metric = Metric::counter(
    "response_cache_invalidations_total",
    "URIs invalidated by unsafe methods or purged, by cause and whether something was stored.",
    &["cause", "result"],
);

pub(super) const RESPONSE: &[Metric] = &[
    RESPONSE_CACHE_ANSWERS,
    RESPONSE_CACHE_STORED,
    RESPONSE_CACHE_NOT_STORED,
    RESPONSE_CACHE_REFRESHES,
    RESPONSE_CACHE_INVALIDATIONS,
];
