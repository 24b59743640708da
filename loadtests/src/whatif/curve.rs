//! From distances to hit ratios: a cache of `n` entries hits every request whose distance is at
//! most `n`.
//!
//! In a sample, distances and sizes are scaled by the rate. A sample that has drawn more or fewer
//! requests than its share was lucky or unlucky with popular keys; as they hit at the smallest
//! distances, the difference is added there (SHARDS-adj of the same paper).

use hitmark_schema::whatif::{BytePoint, CurvePoint, Knee};

use super::distances::Distances;
use super::sample::Sample;

/// Points of a curve that a document holds at most.
const POINTS_MAX: u64 = 400;

/// Hit ratios of a trace over cache sizes.
#[derive(Debug, Clone)]
pub struct Curve {
    /// `hits[n]`: requests that hit a cache of `n` entries of the sample.
    hits: Vec<u64>,
    /// Sizes in bytes of the sample, with the requests and bytes that hit.
    bytes: Vec<(u64, u64, u64)>,
    rate: f64,
    /// Requests that the sample should have drawn, and that number less those it drew.
    expected: f64,
    adjustment: f64,
    expected_bytes: f64,
    byte_adjustment: f64,
}

impl Curve {
    /// The curve of a sample.
    #[must_use]
    pub fn new(sample: &Sample, distances: &Distances) -> Self {
        let mut sum = 0;
        let hits = distances.by_entries.iter().map(|count| {
            sum += count;
            sum
        });
        let (requests, bytes) = sample.totals();
        let rate = sample.rate();
        let drawn_bytes: u64 = match &distances.by_bytes {
            Some(_) => sample.accesses().iter().map(|access| u64::from(access.size_bytes)).sum(),
            None => 0,
        };
        Self {
            hits: hits.collect(),
            bytes: distances.by_bytes.iter().flat_map(|buckets| buckets.cumulated()).collect(),
            rate,
            expected: requests as f64 * rate,
            adjustment: requests as f64 * rate - distances.requests as f64,
            expected_bytes: bytes as f64 * rate,
            byte_adjustment: bytes as f64 * rate - drawn_bytes as f64,
        }
    }

    /// The hit ratio of an LRU cache of so many entries.
    #[must_use]
    pub fn hit_ratio(&self, entries: u64) -> f64 {
        let place = ((entries as f64 * self.rate).round() as usize).min(self.hits.len() - 1);
        if entries == 0 || self.expected == 0.0 {
            return 0.0;
        }
        ((self.hits[place] as f64 + self.adjustment) / self.expected).clamp(0.0, 1.0)
    }

    /// The hit ratio of an LRU cache of so many bytes; none if sizes are unknown.
    #[must_use]
    pub fn hit_ratio_of_bytes(&self, bytes: u64) -> Option<f64> {
        if self.bytes.is_empty() {
            return None;
        }
        let end = self.bytes.partition_point(|(size, ..)| *size as f64 / self.rate <= bytes as f64);
        Some(end.checked_sub(1).map_or(0.0, |place| self.byte_point(place).hit_ratio))
    }

    /// The highest hit ratio that any cache could have had.
    #[must_use]
    pub fn hit_ratio_max(&self) -> f64 {
        self.hit_ratio(self.entries_max())
    }

    /// The smallest cache in entries that reaches a hit ratio.
    #[must_use]
    pub fn entries_for(&self, hit_ratio: f64) -> Option<u64> {
        let wanted = hit_ratio * self.expected - self.adjustment;
        let place = self.hits.partition_point(|hits| (*hits as f64) < wanted - 1e-9 * self.expected);
        (place < self.hits.len()).then(|| (place as f64 / self.rate).ceil() as u64)
    }

    /// The smallest cache in bytes that reaches a hit ratio.
    #[must_use]
    pub fn bytes_for(&self, hit_ratio: f64) -> Option<u64> {
        let wanted = hit_ratio * self.expected - self.adjustment;
        let place = self.bytes.partition_point(|(_, hits, _)| (*hits as f64) < wanted - 1e-9 * self.expected);
        self.bytes.get(place).map(|(size, ..)| (*size as f64 / self.rate) as u64)
    }

    /// Entries of a cache that holds every key.
    #[must_use]
    pub fn entries_max(&self) -> u64 {
        ((self.hits.len() - 1) as f64 / self.rate).ceil() as u64
    }

    /// The curve over entries, thinned to what a page can show, evenly on a logarithmic axis.
    #[must_use]
    pub fn points(&self) -> Vec<CurvePoint> {
        let last = self.entries_max();
        let first = (1.0 / self.rate).ceil();
        let growth = (last as f64 / first).max(1.0).powf(1.0 / (POINTS_MAX - 1) as f64);
        let mut sizes: Vec<u64> =
            (0..POINTS_MAX).map(|nth| (first * growth.powf(nth as f64)).round() as u64).collect();
        sizes.push(last);
        sizes.retain(|size| (1..=last).contains(size));
        sizes.dedup();
        sizes.into_iter().map(|entries| CurvePoint { entries, hit_ratio: self.hit_ratio(entries) }).collect()
    }

    /// The curve over bytes, thinned likewise; none if sizes are unknown.
    #[must_use]
    pub fn byte_points(&self) -> Option<Vec<BytePoint>> {
        let step = self.bytes.len().div_ceil(POINTS_MAX as usize).max(1);
        let last = self.bytes.len().checked_sub(1)?;
        let places = (0..last).step_by(step).chain([last]);
        Some(places.map(|place| self.byte_point(place)).collect())
    }

    fn byte_point(&self, place: usize) -> BytePoint {
        let (size, hits, bytes) = self.bytes[place];
        let ratio = |part: f64, whole: f64| if whole > 0.0 { (part / whole).clamp(0.0, 1.0) } else { 0.0 };
        BytePoint {
            bytes: (size as f64 / self.rate) as u64,
            hit_ratio: ratio(hits as f64 + self.adjustment, self.expected),
            byte_hit_ratio: Some(ratio(bytes as f64 + self.byte_adjustment, self.expected_bytes)),
        }
    }

    /// Where the curve lies furthest above the line between its ends.
    #[must_use]
    pub fn knee(&self) -> Option<Knee> {
        let last = self.entries_max();
        let (low, high) = (self.hit_ratio(1), self.hit_ratio_max());
        if last < 3 || high - low < 0.01 {
            return None;
        }
        let above = |place: &usize| {
            let entries = *place as f64 / self.rate;
            (self.hit_ratio(entries as u64) - low) / (high - low) - entries / last as f64
        };
        let place = (1..self.hits.len()).max_by(|one, other| above(one).total_cmp(&above(other)))?;
        let entries = (place as f64 / self.rate) as u64;
        let hit_ratio = self.hit_ratio(entries);
        Some(Knee { entries, hit_ratio, bytes: self.bytes_for(hit_ratio) })
    }
}
