//! Distances in bytes, counted in buckets: 256 for each doubling, so a size is off by less than
//! half a percent, and a curve over terabytes fits into kilobytes.

const BITS: u32 = 8;
const SUB: usize = 1 << BITS;

/// Requests and bytes by distance.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ByteBuckets {
    /// Requests and their bytes in each bucket.
    counts: Vec<(u64, u64)>,
}

impl ByteBuckets {
    pub(super) fn add(&mut self, distance_bytes: u64, size_bytes: u32) {
        let bucket = bucket_of(distance_bytes);
        if bucket >= self.counts.len() {
            self.counts.resize(bucket + 1, (0, 0));
        }
        self.counts[bucket].0 += 1;
        self.counts[bucket].1 += u64::from(size_bytes);
    }

    /// The largest distance of each bucket in use, with the requests and the bytes that hit a cache
    /// of that size.
    pub fn cumulated(&self) -> impl Iterator<Item = (u64, u64, u64)> + '_ {
        let mut sum = (0, 0);
        self.counts.iter().enumerate().filter(|(_, count)| count.0 > 0).map(move |(bucket, count)| {
            sum = (sum.0 + count.0, sum.1 + count.1);
            (highest_of(bucket), sum.0, sum.1)
        })
    }
}

const fn bucket_of(value: u64) -> usize {
    if value < SUB as u64 {
        return value as usize;
    }
    let doublings = value.ilog2() - BITS;
    // The top bit of `value >> doublings` is always set: it carries into the bucket's number.
    doublings as usize * SUB + (value >> doublings) as usize
}

const fn highest_of(bucket: usize) -> u64 {
    if bucket < SUB {
        return bucket as u64;
    }
    let doublings = bucket / SUB - 1;
    (((bucket - doublings * SUB) as u64 + 1) << doublings) - 1
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_bucket_ends_less_than_half_a_percent_above_its_values(value in 0_u64..1 << 50) {
            let highest = highest_of(bucket_of(value));
            prop_assert!(highest >= value);
            prop_assert_eq!(bucket_of(highest), bucket_of(value));
            prop_assert!((highest - value) as f64 <= value as f64 * 0.004);
        }
    }
}
