//! What any cache of the tier is worth, under one set of names: stores, edges, proxies.
//!
//! The native names of each server stand beside these. The label is `tier`, since `cluster` and
//! `service` are labels that Prometheus' own configurations give.

use super::Metric;
use super::declare::metrics;

metrics! {
    /// Every neutral metric of a cache tier.
    TIER;

    counter TIER_HITS "cache_tier_hits_total" ["tier"] "Lookups that the tier answered from its store.";
    counter TIER_MISSES "cache_tier_misses_total" ["tier"] "Lookups that the tier could not answer from its store.";
    counter TIER_EVICTIONS "cache_tier_evictions_total" ["tier"] "Entries removed because room was short.";
    counter TIER_EVICTED_UNEXPIRED "cache_tier_evicted_unexpired_total" ["tier"] "Entries evicted although their time to live had not passed, as far as the tier tells for certain.";
    counter TIER_EVICTED_UNCLEAR "cache_tier_evicted_unclear_total" ["tier"] "Entries evicted of which the tier does not tell whether they had a time to live.";
    gauge TIER_USED "cache_tier_used_bytes" ["tier"] "Bytes of the entries that the tier holds.";
    gauge TIER_LIMIT "cache_tier_limit_bytes" ["tier"] "Bytes that the tier may hold; absent without a limit.";
    gauge TIER_HEADROOM "cache_tier_headroom_bytes" ["tier"] "Bytes left before the limit; absent without one.";
    gauge TIER_UNTIL_FULL "cache_tier_until_full_seconds" ["tier"] "Seconds until the limit is reached at the rate of the last five minutes; absent without a limit or growth.";
    gauge TIER_HIT_RATIO "cache_tier_hit_ratio" ["tier", "window"] "Hits divided by lookups within the window, from the exact counters; absent if there were none.";
    gauge TIER_HITS_PER_MIB "cache_tier_hits_per_mib" ["tier", "window"] "Hits per second within the window for each MiB that is held.";
}
