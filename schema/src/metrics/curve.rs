//! The miss-ratio curve of a running cache, estimated from a sample of its lookups.
//!
//! Names of their own, since the lookups of a sample are not those of `cache_operations_total`, and
//! since what another size would miss is an estimate and not a count.

use super::Metric;
use super::declare::metrics;

metrics! {
    /// Every metric of the live miss-ratio curve.
    CURVE;

    gauge CURVE_MISS_RATIO "cache_curve_miss_ratio" ["backend", "entries"] "Estimated miss ratio of an LRU cache of so many entries for the lookups of the window; sizes that the sample does not resolve are absent.";
    gauge CURVE_BYTES_MISS_RATIO "cache_curve_bytes_miss_ratio" ["backend", "bytes"] "Estimated miss ratio of an LRU cache of so many bytes, of keys, values and, in memory, their bookkeeping.";
    gauge CURVE_CAPACITY_MISS_RATIO "cache_curve_capacity_miss_ratio" ["backend", "factor"] "Estimated miss ratio of an LRU cache of so many times the present capacity; absent where the capacity is not known.";
    gauge CURVE_KEYS "cache_curve_keys" ["backend"] "Different keys looked up within the window, estimated: from so many entries on, more cache buys nothing.";
    gauge CURVE_FOOTPRINT "cache_curve_footprint_bytes" ["backend"] "Bytes of these keys and their values, estimated.";
    gauge CURVE_RATE "cache_curve_sampled_keys_ratio" ["backend"] "The share of all keys whose lookups the curve is made from; falls when the sample outgrows its limits.";
    gauge CURVE_LOOKUPS "cache_curve_window_lookups" ["backend"] "Lookups that the curve speaks of, sampled or not.";
    gauge CURVE_WINDOW "cache_curve_window_seconds" ["backend"] "How far back the curve looks.";
    counter CURVE_SAMPLED "cache_curve_sampled_lookups_total" ["backend"] "Lookups that the sample took.";
    counter CURVE_DROPPED "cache_curve_dropped_lookups_total" ["backend"] "Lookups of sampled keys that were left out because another thread held the sample.";
}
