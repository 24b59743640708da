//! What the caching layer says of itself, at the client: the only place where hits are known per
//! use, since a server's own counters mix every client and command.

use super::Metric;

/// Operations by result.
pub const CACHE_OPERATIONS: Metric = Metric::counter(
    "cache_operations_total",
    "Cache operations by backend, operation and result.",
    &["backend", "op", "result"],
);
/// Time of operations.
pub const CACHE_OPERATION_SECONDS: Metric = Metric::histogram(
    "cache_operation_duration_seconds",
    "Time of a cache operation, without the origin.",
    &["backend", "op"],
);
/// Origin calls.
pub const CACHE_ORIGIN_CALLS: Metric = Metric::counter(
    "cache_origin_calls_total",
    "Calls of the origin to compute a value, by result.",
    &["backend", "result"],
);
/// Origin calls that another caller's call made needless.
pub const CACHE_ORIGIN_COALESCED: Metric = Metric::counter(
    "cache_origin_coalesced_total",
    "Misses that waited for another caller's origin call instead of making their own.",
    &["backend"],
);
/// Time in the origin.
pub const CACHE_ORIGIN_SECONDS: Metric =
    Metric::histogram("cache_origin_duration_seconds", "Time of an origin call.", &["backend"]);
/// Keys removed.
pub const CACHE_INVALIDATED_KEYS: Metric = Metric::counter(
    "cache_invalidated_keys_total",
    "Keys that invalidations removed, by scope.",
    &["backend", "scope"],
);
/// Invalidations that removed nothing.
pub const CACHE_INVALIDATIONS_EMPTY: Metric = Metric::counter(
    "cache_invalidations_empty_total",
    "Invalidations that matched no key, by scope: often a pattern that can never match.",
    &["backend", "scope"],
);
/// Whether the backend answers.
pub const CACHE_BACKEND_UP: Metric =
    Metric::gauge("cache_backend_up", "1 if the backend answered the last operation, else 0.", &["backend"]);
/// Entries held, where the backend knows.
pub const CACHE_ENTRIES: Metric =
    Metric::gauge("cache_entries", "Entries in the backend, where it knows.", &["backend"]);

/// Bytes held, where the backend knows.
pub const CACHE_SIZE_BYTES: Metric = Metric::gauge(
    "cache_size_bytes",
    "Bytes of keys, values and their estimated overhead in the backend, where it knows.",
    &["backend"],
);

/// Every metric of the caching layer.
pub const CACHE: &[Metric] = &[
    CACHE_OPERATIONS,
    CACHE_OPERATION_SECONDS,
    CACHE_ORIGIN_CALLS,
    CACHE_ORIGIN_COALESCED,
    CACHE_ORIGIN_SECONDS,
    CACHE_INVALIDATED_KEYS,
    CACHE_INVALIDATIONS_EMPTY,
    CACHE_BACKEND_UP,
    CACHE_ENTRIES,
    CACHE_SIZE_BYTES,
];
