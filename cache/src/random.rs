//! Chance for jitter and early refresh: cheap, shared by all threads, and replaceable by a fixed
//! sequence, so that tests know what will happen. Not for secrets.

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Where a layer takes its random numbers from.
#[derive(Clone)]
pub struct Randomness(Source);

#[derive(Clone)]
enum Source {
    SplitMix(Arc<AtomicU64>),
    Given(Arc<dyn Fn() -> f64 + Send + Sync>),
}

impl Randomness {
    /// A sequence that depends on the seed only.
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        Self(Source::SplitMix(Arc::new(AtomicU64::new(seed))))
    }

    /// Numbers that the caller makes, each at least 0 and below 1.
    #[must_use]
    pub fn given(next: impl Fn() -> f64 + Send + Sync + 'static) -> Self {
        Self(Source::Given(Arc::new(next)))
    }

    /// The next number, at least 0 and below 1.
    pub(crate) fn next(&self) -> f64 {
        match &self.0 {
            // 53 bits are what an f64 holds.
            Source::SplitMix(state) => (mix(state) >> 11) as f64 / (1_u64 << 53) as f64,
            Source::Given(next) => next().clamp(0.0, 1.0 - f64::EPSILON),
        }
    }
}

impl Default for Randomness {
    /// Another sequence in each process and layer.
    fn default() -> Self {
        Self::seeded(RandomState::new().hash_one(std::process::id()))
    }
}

/// SplitMix64 (Steele, Lea and Flood, OOPSLA 2014): its state is a counter, so threads can share it.
fn mix(state: &AtomicU64) -> u64 {
    const GAMMA: u64 = 0x9E37_79B9_7F4A_7C15;
    let mut z = state.fetch_add(GAMMA, Ordering::Relaxed).wrapping_add(GAMMA);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

impl fmt::Debug for Randomness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Source::SplitMix(_) => "Randomness::seeded",
            Source::Given(_) => "Randomness::given",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_one_sequence_that_fills_the_range_evenly() {
        let (one, other) = (Randomness::seeded(7), Randomness::seeded(7));
        let mut counts = [0_u32; 10];
        for _ in 0..10_000 {
            let number = one.next();
            assert_eq!(number.to_bits(), other.next().to_bits());
            counts[(number * 10.0) as usize] += 1;
        }
        assert!(counts.iter().all(|count| (850..1150).contains(count)), "{counts:?}");
    }
}
