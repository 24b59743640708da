//! Which requests a live curve is made from, and what they add up to.
//!
//! SHARDS with a fixed size (Waldspurger and others, FAST 2015): a key is in the sample if its hash
//! is below a threshold, so every request of a sampled key is seen, and a distance among them is the
//! true one times the rate. The threshold halves whenever there are more keys, or more requests a
//! second, than the sample may have. A request that was drawn at a rate `r` counts 1/`r`: that is what
//! the paper reaches by rescaling all older counts at each change. A sample that drew more or fewer
//! requests than its share was lucky or unlucky with popular keys; the difference is added at the
//! smallest distance (SHARDS-adj of the same paper).
//!
//! Counts are kept in two halves of a window, so that the curve forgets: it speaks of the last half
//! window at least and the last whole one at most.

use std::time::Duration;

use super::scale::Scale;
use super::stack::{KEYS_MAX, Stack};

/// 64 buckets for each doubling: a size is off by 1.6 % at most.
const SCALE: Scale = Scale::new(6);
/// Sizes below so many keys of the sample are not resolved by it.
const RESOLVED_KEYS: f64 = 8.0;
/// Points of a curve at most: every half doubling up to 2^48.
const POINTS_MAX: u32 = 96;
/// Distances beyond this count as this: 2^48 bytes are 256 TiB.
const DISTANCE_MAX: u64 = (1 << 48) - 1;
const BUCKETS: usize = SCALE.bucket_of(DISTANCE_MAX) + 1;

/// What a sample may cost.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SamplerConfig {
    /// The most keys in the sample, from 64 to 65,534: about 130 bytes of memory each.
    pub keys_max: usize,
    /// The share of keys to begin with: above 0, at most 1.
    pub rate: f64,
    /// The most requests a second that are looked at, on average over so many requests; beyond it the
    /// share of keys halves.
    pub requests_per_second_max: u32,
    /// How far back the curve looks at most.
    pub window: Duration,
}

impl Default for SamplerConfig {
    /// 8,192 keys, all of them while they fit, 10,000 requests a second, an hour.
    fn default() -> Self {
        Self {
            keys_max: 8_192,
            rate: 1.0,
            requests_per_second_max: 10_000,
            window: Duration::from_secs(3_600),
        }
    }
}

/// A sample of requests. Its memory does not grow.
#[derive(Debug)]
pub struct Sampler {
    config: SamplerConfig,
    threshold: u64,
    stack: Stack,
    current: Half,
    previous: Half,
    /// The number of the half window that is being filled, from 1.
    epoch: u32,
    sampled: u64,
    /// When the last [`SamplerConfig::requests_per_second_max`] requests began, and how many there are.
    pace: (u64, u32),
}

/// What half a window adds up to. Counts are of all requests, sampled or not: each sampled one stands
/// for others.
#[derive(Debug)]
struct Half {
    by_entries: Box<[f64]>,
    by_bytes: Box<[f64]>,
    cold: f64,
    begun_ms: u64,
    /// All requests of the cache when it began.
    total: u64,
}

/// The curve as it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct LiveCurve {
    /// The share of the keys that is sampled.
    pub rate: f64,
    /// Different keys that were asked for within the window, estimated.
    pub keys: f64,
    /// Their bytes, estimated.
    pub footprint_bytes: f64,
    /// Requests that the curve speaks of, sampled or not.
    pub requests: u64,
    /// How far back it looks.
    pub window: Duration,
    /// Miss ratios by cache size in entries, every half doubling, smallest first. Sizes that the sample
    /// does not resolve are left out; empty without a request.
    pub by_entries: Vec<SizePoint>,
    /// The same by size in bytes.
    pub by_bytes: Vec<SizePoint>,
    /// All weights by bytes, to answer for one size.
    cumulated_bytes: Vec<(u64, f64)>,
}

/// One point of a curve.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SizePoint {
    /// Entries or bytes of the cache.
    pub size: u64,
    /// Misses over requests.
    pub miss_ratio: f64,
}

impl Sampler {
    /// An empty sample. Times are milliseconds of any clock that does not run backwards; `total` is
    /// the number of requests that the cache has had before.
    #[must_use]
    pub fn new(config: SamplerConfig, now_ms: u64, total: u64) -> Self {
        // One key more than it may have is in the stack for a moment.
        let keys_max = config.keys_max.clamp(64, KEYS_MAX - 1);
        let rate = if config.rate > 0.0 { config.rate.min(1.0) } else { 1.0 };
        Self {
            config: SamplerConfig { keys_max, rate, ..config },
            threshold: if rate >= 1.0 { u64::MAX } else { (rate * 2_f64.powi(64)) as u64 },
            stack: Stack::new(keys_max),
            current: Half::new(now_ms, total),
            previous: Half::new(now_ms, total),
            epoch: 1,
            sampled: 0,
            pace: (now_ms, 0),
        }
    }

    /// A key is in the sample if its hash, of which all bits must be good, is at most this. It only
    /// falls.
    #[must_use]
    pub const fn threshold(&self) -> u64 {
        self.threshold
    }

    /// The share of the keys that is sampled.
    #[must_use]
    pub fn rate(&self) -> f64 {
        if self.threshold == u64::MAX { 1.0 } else { self.threshold as f64 / 2_f64.powi(64) }
    }

    /// Requests that were looked at so far.
    #[must_use]
    pub const fn sampled(&self) -> u64 {
        self.sampled
    }

    /// A request of a sampled key; others are ignored. Without a size, the key's last known one holds.
    /// `total` is asked for the number of requests of the cache so far, seldom.
    pub fn add(&mut self, hash: u64, bytes: Option<u32>, now_ms: u64, total: impl FnOnce() -> u64) {
        if hash > self.threshold {
            return;
        }
        if self.is_over(now_ms) {
            self.turn(now_ms, total());
        }
        self.sampled += 1;
        let (rate, weight) = (self.rate(), 1.0 / self.rate());
        match self.stack.touch(hash, bytes, self.epoch) {
            Some(distance) => {
                self.current.by_entries[bucket(distance.entries, rate)] += weight;
                self.current.by_bytes[bucket(distance.bytes, rate)] += weight;
            }
            None => self.current.cold += weight,
        }
        if self.stack.len() > self.config.keys_max {
            self.halve();
        }
        self.keep_pace(now_ms);
    }

    /// The size of a value that a miss brought; ignored for keys that are not sampled.
    pub fn resize(&mut self, hash: u64, bytes: u32) {
        if hash <= self.threshold {
            self.stack.resize(hash, bytes);
        }
    }

    /// Halves the share of keys if requests come faster than they may.
    fn keep_pace(&mut self, now_ms: u64) {
        self.pace.1 += 1;
        if self.pace.1 >= self.config.requests_per_second_max.max(1) {
            if now_ms.saturating_sub(self.pace.0) < 1_000 {
                self.halve();
            }
            self.pace = (now_ms, 0);
        }
    }

    fn halve(&mut self) {
        self.threshold /= 2;
        let threshold = self.threshold;
        self.stack.retain(|hash, _| hash <= threshold);
    }

    fn is_over(&self, now_ms: u64) -> bool {
        let half_ms = self.config.window.as_millis() / 2;
        u128::from(now_ms.saturating_sub(self.current.begun_ms)) >= half_ms.max(1)
    }

    /// Begins the next half of the window, and forgets what is older than a whole one.
    fn turn(&mut self, now_ms: u64, total: u64) {
        std::mem::swap(&mut self.current, &mut self.previous);
        self.current.begin(now_ms, total);
        let oldest = self.epoch;
        self.epoch += 1;
        self.stack.retain(|_, epoch| epoch >= oldest);
    }

    /// The curve as it stands. `total` is the number of requests of the cache so far.
    #[must_use]
    pub fn curve(&mut self, now_ms: u64, total: u64) -> LiveCurve {
        if self.is_over(now_ms) {
            self.turn(now_ms, total);
        }
        let rate = self.rate();
        let requests = total.saturating_sub(self.previous.total);
        let keys = self.stack.len() as f64 / rate;
        let footprint_bytes = self.stack.bytes() as f64 / rate;
        let entries = self.cumulated(requests, |half| &half.by_entries);
        let cumulated_bytes = self.cumulated(requests, |half| &half.by_bytes);
        let each_bytes = footprint_bytes / keys.max(1.0);
        LiveCurve {
            rate,
            keys,
            footprint_bytes,
            requests,
            window: Duration::from_millis(now_ms.saturating_sub(self.previous.begun_ms)),
            by_entries: points(&entries, RESOLVED_KEYS / rate, keys),
            by_bytes: points(&cumulated_bytes, RESOLVED_KEYS / rate * each_bytes, footprint_bytes),
            cumulated_bytes,
        }
    }

    /// The highest size of each bucket in use, and the hit ratio of a cache of that size.
    fn cumulated(&self, requests: u64, counts: impl Fn(&Half) -> &[f64]) -> Vec<(u64, f64)> {
        let (one, other) = (counts(&self.previous), counts(&self.current));
        let seen: f64 = one.iter().chain(other).sum::<f64>() + self.previous.cold + self.current.cold;
        if requests == 0 || seen == 0.0 {
            return Vec::new();
        }
        let requests = requests as f64;
        let mut hits = requests - seen;
        let both = one.iter().zip(other).map(|(one, other)| one + other).enumerate();
        let mut rows = vec![(0, (hits / requests).clamp(0.0, 1.0))];
        rows.extend(both.filter(|(_, count)| *count > 0.0).map(|(bucket, count)| {
            hits += count;
            (SCALE.highest_of(bucket), (hits / requests).clamp(0.0, 1.0))
        }));
        rows
    }
}

impl LiveCurve {
    /// The miss ratio of an LRU cache of so many bytes; none without a request.
    #[must_use]
    pub fn miss_ratio_of_bytes(&self, bytes: u64) -> Option<f64> {
        (!self.cumulated_bytes.is_empty()).then(|| miss_ratio(&self.cumulated_bytes, bytes))
    }
}

impl Half {
    fn new(begun_ms: u64, total: u64) -> Self {
        let counts = || vec![0.0; BUCKETS].into_boxed_slice();
        Self { by_entries: counts(), by_bytes: counts(), cold: 0.0, begun_ms, total }
    }

    fn begin(&mut self, begun_ms: u64, total: u64) {
        self.by_entries.fill(0.0);
        self.by_bytes.fill(0.0);
        self.cold = 0.0;
        self.begun_ms = begun_ms;
        self.total = total;
    }
}

/// The bucket of a distance in the sample.
fn bucket(distance: u64, rate: f64) -> usize {
    SCALE.bucket_of(((distance as f64 / rate) as u64).min(DISTANCE_MAX))
}

fn miss_ratio(rows: &[(u64, f64)], size: u64) -> f64 {
    let end = rows.partition_point(|(highest, _)| *highest <= size);
    1.0 - end.checked_sub(1).map_or(0.0, |place| rows[place].1)
}

/// Every half doubling from what the sample resolves to the first size that holds everything.
fn points(rows: &[(u64, f64)], smallest: f64, footprint: f64) -> Vec<SizePoint> {
    if rows.is_empty() {
        return Vec::new();
    }
    let sizes = (0..POINTS_MAX).map(|half| 2_f64.powf(f64::from(half) / 2.0).round() as u64);
    let mut points: Vec<SizePoint> = Vec::new();
    for size in sizes.filter(|size| *size as f64 >= smallest.min(footprint)) {
        if points.last().is_some_and(|last| last.size as f64 >= footprint || last.size == size) {
            continue;
        }
        points.push(SizePoint { size, miss_ratio: miss_ratio(rows, size) });
    }
    points
}

#[cfg(test)]
mod tests;
