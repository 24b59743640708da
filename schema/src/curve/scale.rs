//! Sizes counted in buckets: so many for each doubling, so that a curve over terabytes fits into
//! kilobytes and a size is off by a known share of itself.

/// Buckets whose ends are 1/2^`bits` apart, and exact below 2^`bits`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scale {
    bits: u32,
}

impl Scale {
    /// 2^`bits` buckets for each doubling; at most 16.
    #[must_use]
    pub const fn new(bits: u32) -> Self {
        Self { bits: if bits > 16 { 16 } else { bits } }
    }

    /// The bucket of a value.
    #[must_use]
    pub const fn bucket_of(self, value: u64) -> usize {
        if value < 1 << self.bits {
            return value as usize;
        }
        let doublings = value.ilog2() - self.bits;
        // The top bit of `value >> doublings` is always set: it carries into the bucket's number.
        ((doublings as usize) << self.bits) + (value >> doublings) as usize
    }

    /// The largest value of a bucket.
    #[must_use]
    pub const fn highest_of(self, bucket: usize) -> u64 {
        let sub = 1 << self.bits;
        if bucket < sub {
            return bucket as u64;
        }
        let doublings = (bucket >> self.bits) - 1;
        (((bucket - (doublings << self.bits)) as u64 + 1) << doublings) - 1
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_bucket_ends_less_than_its_share_above_its_values(value in 0_u64..1 << 50, bits in 0_u32..10) {
            let scale = Scale::new(bits);
            let highest = scale.highest_of(scale.bucket_of(value));
            prop_assert!(highest >= value);
            prop_assert_eq!(scale.bucket_of(highest), scale.bucket_of(value));
            prop_assert!((highest - value) as f64 <= value as f64 / f64::from(1 << bits));
        }
    }
}
