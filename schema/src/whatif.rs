//! `whatif.json`: what an LRU cache of another size, or of another policy, would have made of a trace.
//!
//! Written by `hitmark whatif`, drawn by reports. Sizes are in entries and, where the trace tells
//! sizes, in bytes; ratios are shares of 1.

use serde::{Deserialize, Serialize};

/// The version of the document.
pub const WHATIF_SCHEMA: u32 = 1;

/// What a trace tells of other caches.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WhatIf {
    /// The version of the format: [`WHATIF_SCHEMA`].
    pub schema: u32,
    /// The trace's file name.
    pub trace: String,
    /// Requests of the trace.
    pub requests: u64,
    /// The share of the keys that was looked at: 1 means that the curve is exact.
    pub rate: f64,
    /// Requests of those keys.
    pub sampled_requests: u64,
    /// Different keys; an estimate if `rate` is below 1.
    pub keys: u64,
    /// Bytes of all keys, each with its last size; none if the trace tells no sizes.
    pub footprint_bytes: Option<u64>,
    /// The highest hit ratio that any cache could have had: first requests always miss.
    pub hit_ratio_max: f64,
    /// The curve over entries, smallest cache first.
    pub by_entries: Vec<CurvePoint>,
    /// The curve over bytes; none if the trace tells no sizes.
    pub by_bytes: Option<Vec<BytePoint>>,
    /// Where the curve bends most; none if it is too short to bend.
    pub knee: Option<Knee>,
    /// The sizes that were asked for.
    pub sizes: Vec<SizeRow>,
    /// Other policies at those sizes; empty if none was asked for.
    pub policies: Vec<PolicyRow>,
    /// What is known beside if the requests are those of a running cache.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub live: Option<Live>,
}

/// What a running cache tells beside its curve.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Live {
    /// How far back the curve looks, in seconds.
    pub window_seconds: f64,
    /// Lookups of sampled keys that were left out since the process began.
    pub dropped: u64,
    /// The most that the cache holds now; none if it does not say.
    pub capacity_bytes: Option<u64>,
    /// What an LRU cache of that size would hit, and what more would cost.
    pub now: Option<SizeRow>,
}

/// One point of the curve over entries.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct CurvePoint {
    /// Entries of the cache.
    pub entries: u64,
    /// Hits over requests.
    pub hit_ratio: f64,
}

/// One point of the curve over bytes.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct BytePoint {
    /// Bytes of the cache.
    pub bytes: u64,
    /// Hits over requests.
    pub hit_ratio: f64,
    /// Bytes served from the cache over bytes asked for; none if it was not measured.
    pub byte_hit_ratio: Option<f64>,
}

/// Where more cache begins to buy less: the point of the curve that lies furthest above the line from
/// its first to its last point (Satopää and others, "Finding a kneedle in a haystack", 2011).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Knee {
    /// Entries at the knee.
    pub entries: u64,
    /// The hit ratio there.
    pub hit_ratio: f64,
    /// Bytes that reach the same hit ratio, where sizes are known.
    pub bytes: Option<u64>,
}

/// One size that was asked for, and what more would cost.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct SizeRow {
    /// Entries of the cache; for a size in bytes, those that reach the same hit ratio.
    pub entries: u64,
    /// Bytes of the cache; for a size in entries, those that reach the same hit ratio.
    pub bytes: Option<u64>,
    /// Hits over requests.
    pub hit_ratio: f64,
    /// Further entries that raise the hit ratio by one point (0.01); none if no cache reaches it.
    pub next_point_entries: Option<u64>,
    /// Further bytes that raise the hit ratio by one point; none if unknown or if no cache reaches it.
    pub next_point_bytes: Option<u64>,
}

/// One policy at one size, simulated.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PolicyRow {
    /// The policy, for example `sieve`.
    pub policy: String,
    /// Entries of the cache.
    pub entries: u64,
    /// Hits over requests.
    pub hit_ratio: f64,
}
