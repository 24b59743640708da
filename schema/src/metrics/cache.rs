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
    "Time of a cache operation, without the origin. Of lookups in a backend of this process, one in 16 is timed.",
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
/// Origin calls now.
pub const CACHE_ORIGIN_IN_FLIGHT: Metric =
    Metric::gauge("cache_origin_in_flight", "Origin calls that are under way.", &["backend"]);
/// The most origin calls at once.
pub const CACHE_ORIGIN_IN_FLIGHT_PEAK: Metric = Metric::gauge(
    "cache_origin_in_flight_peak",
    "The most origin calls that were under way at once since the process began.",
    &["backend"],
);
/// Misses by reason.
pub const CACHE_MISSES: Metric = Metric::counter(
    "cache_misses_total",
    "Values that a caller did not get from the cache, by reason; cold where the reason is not known.",
    &["backend", "reason"],
);
/// Stale values served.
pub const CACHE_STALE_SERVED: Metric = Metric::counter(
    "cache_stale_served_total",
    "Values served after their freshness ended, by why that was allowed.",
    &["backend", "why"],
);
/// How stale they were.
pub const CACHE_STALENESS_SECONDS: Metric = Metric::histogram(
    "cache_staleness_seconds",
    "How long the freshness of a stale value had been over when it was served.",
    &["backend"],
);
/// Background refreshes.
pub const CACHE_REFRESHES: Metric = Metric::counter(
    "cache_background_refreshes_total",
    "Refreshes in the background: started, or skipped because too many were under way.",
    &["backend", "result"],
);
/// Bytes of values.
pub const CACHE_VALUE_BYTES: Metric = Metric::counter(
    "cache_value_bytes_total",
    "Bytes of values that went into the cache and came out of it.",
    &["backend", "direction"],
);
/// Invalidations.
pub const CACHE_INVALIDATIONS: Metric =
    Metric::counter("cache_invalidations_total", "Invalidations done, by scope.", &["backend", "scope"]);
/// Invalidations that wait.
pub const CACHE_INVALIDATIONS_PENDING: Metric = Metric::gauge(
    "cache_invalidations_pending",
    "Invalidations that wait for the cache server; nothing of it, in a Cluster of the shard, is served meanwhile.",
    &["backend"],
);
/// Invalidations that waited.
pub const CACHE_INVALIDATIONS_REPLAYED: Metric = Metric::counter(
    "cache_invalidations_replayed_total",
    "Invalidations done after the cache server came back.",
    &["backend"],
);
/// What the breaker lets through.
pub const CACHE_BREAKER_STATE: Metric = Metric::gauge(
    "cache_breaker_state",
    "1 for the state of the circuit breaker before the cache server, 0 for the others.",
    &["backend", "state"],
);
/// How often the breaker opened.
pub const CACHE_BREAKER_OPENED: Metric = Metric::counter(
    "cache_breaker_opened_total",
    "How often the circuit breaker before the cache server opened.",
    &["backend"],
);
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

/// Bytes that the backend may hold.
pub const CACHE_CAPACITY_BYTES: Metric = Metric::gauge(
    "cache_capacity_bytes",
    "Bytes that the backend may hold, counted as cache_size_bytes, where it knows.",
    &["backend"],
);

/// Time of coding.
pub const CACHE_CODEC_SECONDS: Metric = Metric::histogram(
    "cache_codec_duration_seconds",
    "Time to write an entry in its stored form or to read it, with checksum and compression.",
    &["backend", "op"],
);
/// Lookups that a copy answered.
pub const CACHE_COPY_HITS: Metric = Metric::counter(
    "cache_copy_hits_total",
    "Lookups that a copy in this process answered without the cache server.",
    &["backend"],
);

/// Every metric of the caching layer.
pub const CACHE: &[Metric] = &[
    CACHE_OPERATIONS,
    CACHE_OPERATION_SECONDS,
    CACHE_ORIGIN_CALLS,
    CACHE_ORIGIN_COALESCED,
    CACHE_ORIGIN_SECONDS,
    CACHE_ORIGIN_IN_FLIGHT,
    CACHE_ORIGIN_IN_FLIGHT_PEAK,
    CACHE_MISSES,
    CACHE_STALE_SERVED,
    CACHE_STALENESS_SECONDS,
    CACHE_REFRESHES,
    CACHE_VALUE_BYTES,
    CACHE_INVALIDATIONS,
    CACHE_INVALIDATIONS_PENDING,
    CACHE_INVALIDATIONS_REPLAYED,
    CACHE_BREAKER_STATE,
    CACHE_BREAKER_OPENED,
    CACHE_INVALIDATED_KEYS,
    CACHE_INVALIDATIONS_EMPTY,
    CACHE_BACKEND_UP,
    CACHE_ENTRIES,
    CACHE_SIZE_BYTES,
    CACHE_CAPACITY_BYTES,
    CACHE_CODEC_SECONDS,
    CACHE_COPY_HITS,
];
