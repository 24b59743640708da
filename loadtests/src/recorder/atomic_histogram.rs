//! A histogram that any thread may add to without a lock: HdrHistogram's buckets, in atomics.
//!
//! It has the buckets of an HdrHistogram from 1 ns to 60 s with three significant digits (2048
//! sub-buckets, half of them reused by each doubling; see the HdrHistogram source for the scheme),
//! so that emptying it into one moves counts from bucket to equal bucket and loses nothing. It has
//! memory only for doublings in which a latency fell, some ten of 27: four kilobytes each.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use hitmark_schema::measurement::LATENCY_NS_MAX;

/// Values below this have a bucket of their own: 2 · 10^3, rounded up to a power of two.
const SUB_BUCKETS: u64 = 2048;
const HALF: usize = SUB_BUCKETS as usize / 2;
const SUB_BUCKET_BITS: u32 = SUB_BUCKETS.trailing_zeros();
/// The buckets of all doublings, the first of which has two halves.
const PARTS: usize = bucket_of(LATENCY_NS_MAX) / HALF + 1;

/// The counts of one doubling.
type Part = Box<[AtomicU32]>;

/// Counts of latencies.
#[derive(Debug)]
pub(crate) struct AtomicHistogram {
    parts: [OnceLock<Part>; PARTS],
}

impl AtomicHistogram {
    pub(crate) const fn new() -> Self {
        Self { parts: [const { OnceLock::new() }; PARTS] }
    }

    /// Counts one latency; one above the range counts as the longest. The first one of a doubling
    /// allocates its counts.
    pub(crate) fn record(&self, value_ns: u64) {
        let bucket = bucket_of(value_ns.min(LATENCY_NS_MAX));
        let part = self.parts[bucket / HALF].get_or_init(|| (0..HALF).map(|_| AtomicU32::new(0)).collect());
        part[bucket % HALF].fetch_add(1, Ordering::Relaxed);
    }

    /// The bytes of its counts.
    #[cfg(test)]
    pub(crate) fn bytes(&self) -> usize {
        self.parts.iter().filter_map(OnceLock::get).map(|part| size_of_val(&**part)).sum()
    }

    /// Takes out all counts: a value of each bucket that was in use, and its count.
    pub(crate) fn drain(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        let parts = self.parts.iter().enumerate().filter_map(|(place, part)| Some((place, part.get()?)));
        let buckets = parts.flat_map(|(place, part)| (place * HALF..).zip(part.iter()));
        buckets.filter_map(|(bucket, count)| {
            // Looking first keeps a drain from writing to zeros.
            if count.load(Ordering::Relaxed) == 0 {
                return None;
            }
            Some((lowest_of(bucket), u64::from(count.swap(0, Ordering::Relaxed))))
        })
    }
}

/// The bucket of a value: the value itself below 2048, then 1024 buckets for each doubling.
const fn bucket_of(value: u64) -> usize {
    let doublings = (u64::BITS - (value | (SUB_BUCKETS - 1)).leading_zeros() - SUB_BUCKET_BITS) as usize;
    doublings * HALF + (value >> doublings) as usize
}

/// The lowest value of a bucket.
const fn lowest_of(bucket: usize) -> u64 {
    if bucket < SUB_BUCKETS as usize {
        return bucket as u64;
    }
    let doublings = bucket / HALF - 1;
    ((bucket - doublings * HALF) as u64) << doublings
}

#[cfg(test)]
mod tests {
    use hitmark_schema::measurement::latency_histogram;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_longer_latency_counts_as_the_longest() {
        let ours = AtomicHistogram::new();
        ours.record(u64::MAX);
        ours.record(LATENCY_NS_MAX);
        assert_eq!(ours.drain().map(|(_, count)| count).collect::<Vec<_>>(), [2]);
    }

    proptest! {
        #[test]
        fn it_counts_as_an_hdrhistogram_does(values in proptest::collection::vec(0_u64..=LATENCY_NS_MAX, 1..200)) {
            let ours = AtomicHistogram::new();
            let mut direct = latency_histogram();
            for value in &values {
                ours.record(*value);
                direct.saturating_record(*value);
            }
            let mut moved = latency_histogram();
            for (value, count) in ours.drain() {
                moved.saturating_record_n(value, count);
            }
            prop_assert!(moved == direct, "values {:?}", values);
            prop_assert_eq!(ours.drain().count(), 0);
        }

        #[test]
        fn a_bucket_holds_its_lowest_value_and_spans_a_thousandth(value in 0_u64..=LATENCY_NS_MAX) {
            let bucket = bucket_of(value);
            prop_assert!(bucket / HALF < PARTS);
            prop_assert_eq!(bucket_of(lowest_of(bucket)), bucket);
            prop_assert!(lowest_of(bucket) <= value);
            prop_assert!((value - lowest_of(bucket)) as f64 <= value as f64 / 1000.0);
        }
    }
}
