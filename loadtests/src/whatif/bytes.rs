//! Distances in bytes, counted in buckets: 256 for each doubling, so a size is off by less than
//! half a percent, and a curve over terabytes fits into kilobytes.

use hitmark_schema::curve::Scale;

const SCALE: Scale = Scale::new(8);

/// Requests and bytes by distance.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ByteBuckets {
    /// Requests and their bytes in each bucket.
    counts: Vec<(u64, u64)>,
}

impl ByteBuckets {
    pub(super) fn add(&mut self, distance_bytes: u64, size_bytes: u32) {
        let bucket = SCALE.bucket_of(distance_bytes);
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
            (SCALE.highest_of(bucket), sum.0, sum.1)
        })
    }
}
