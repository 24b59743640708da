//! Classic histograms with fixed bounds: of times, 250 ns, where a lookup in memory lies, to 10 s,
//! where an origin has long been too slow; and of ages, a millisecond to a month.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use hitmark_schema::exposition::Value;

/// Upper bounds in nanoseconds, ascending.
const BOUNDS_NS: [u64; 24] = [
    250,
    500,
    1_000,
    2_500,
    5_000,
    10_000,
    25_000,
    50_000,
    100_000,
    250_000,
    500_000,
    1_000_000,
    2_500_000,
    5_000_000,
    10_000_000,
    25_000_000,
    50_000_000,
    100_000_000,
    250_000_000,
    500_000_000,
    1_000_000_000,
    2_500_000_000,
    5_000_000_000,
    10_000_000_000,
];

/// Upper bounds of ages in nanoseconds, as many as those of times.
const AGES_NS: [u64; BOUNDS_NS.len()] = {
    let steps_ms: [u64; BOUNDS_NS.len()] = [
        1,
        5,
        10,
        50,
        100,
        250,
        500,
        1_000,
        2_500,
        5_000,
        10_000,
        30_000,
        60_000,
        120_000,
        300_000,
        600_000,
        1_800_000,
        3_600_000,
        7_200_000,
        21_600_000,
        43_200_000,
        86_400_000,
        604_800_000,
        2_592_000_000,
    ];
    let mut bounds = [0; BOUNDS_NS.len()];
    let mut at = 0;
    while at < bounds.len() {
        bounds[at] = steps_ms[at] * 1_000_000;
        at += 1;
    }
    bounds
};

/// Counts by bound, the last one for everything above, and their sum.
#[derive(Debug)]
pub(crate) struct Histogram {
    bounds_ns: &'static [u64; BOUNDS_NS.len()],
    buckets: [AtomicU64; BOUNDS_NS.len() + 1],
    sum_ns: AtomicU64,
}

impl Default for Histogram {
    /// Of times.
    fn default() -> Self {
        Self { bounds_ns: &BOUNDS_NS, buckets: Default::default(), sum_ns: AtomicU64::new(0) }
    }
}

/// A histogram of ages.
#[derive(Debug)]
pub(super) struct Ages(pub(super) Histogram);

impl Default for Ages {
    fn default() -> Self {
        Self(Histogram { bounds_ns: &AGES_NS, ..Histogram::default() })
    }
}

impl Histogram {
    pub(crate) fn record(&self, time: Duration) {
        let time_ns = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        let bucket = self.bounds_ns.partition_point(|bound| *bound < time_ns);
        self.buckets[bucket].fetch_add(1, Ordering::Relaxed);
        self.sum_ns.fetch_add(time_ns, Ordering::Relaxed);
    }

    /// Several histograms of the same bounds as one sample, in seconds. The count is that of the buckets, so that the
    /// sample is consistent in itself while others record.
    pub(super) fn merged(parts: &[&Self]) -> Value {
        let at = |bucket: usize| -> u64 {
            parts.iter().map(|part| part.buckets[bucket].load(Ordering::Relaxed)).sum()
        };
        let mut count = 0;
        let mut buckets = Vec::with_capacity(BOUNDS_NS.len());
        let bounds_ns = parts.first().map_or(&BOUNDS_NS, |part| part.bounds_ns);
        for (bucket, bound_ns) in bounds_ns.iter().enumerate() {
            count += at(bucket);
            buckets.push((*bound_ns as f64 / 1e9, count));
        }
        count += at(BOUNDS_NS.len());
        let sum_ns: u64 = parts.iter().map(|part| part.sum_ns.load(Ordering::Relaxed)).sum();
        Value::Histogram { buckets, count, sum: sum_ns as f64 / 1e9 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_lands_at_the_first_bound_that_is_not_below_it() {
        let (one, other) = (Histogram::default(), Histogram::default());
        for time_ns in [0, 250, 251] {
            one.record(Duration::from_nanos(time_ns));
        }
        other.record(Duration::from_secs(10));
        other.record(Duration::from_secs(11));
        let Value::Histogram { buckets, count, sum } = Histogram::merged(&[&one, &other]) else {
            panic!("a histogram")
        };
        assert_eq!(buckets[0], (0.000_000_25, 2));
        assert_eq!(buckets[1], (0.000_000_5, 3));
        assert_eq!(buckets[23], (10.0, 4));
        assert_eq!(count, 5);
        assert!((sum - 21.000_000_501).abs() < 1e-9);
        assert!(BOUNDS_NS.is_sorted() && AGES_NS.is_sorted());
    }
}
