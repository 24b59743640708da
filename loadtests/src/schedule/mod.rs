//! Whose turn it is: slices of about 20 ms of one variant, gathered into super-blocks.
//!
//! Both variants run on the same machine in the same seconds, in an order drawn from the seed, so
//! that a neighbour's noise falls on both alike. [`closed`] lets all users finish a slice before
//! the next begins; [`open`] derives the turn of an arrival from its intended time alone.

mod arrivals;
pub mod closed;
pub mod open;
pub(crate) mod pacer;

use std::time::Duration;

use hitmark_schema::Variant;

use crate::keys::mix;
use crate::recorder::Drained;

/// The shape of a schedule.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    /// How long a variant keeps its turn.
    pub slice: Duration,
    /// How long each variant is under load within a super-block.
    pub superblock: Duration,
    /// How long the load runs before anything is recorded.
    pub warmup: Duration,
    /// Number of the first super-block.
    pub first_block: u32,
    /// Super-blocks to measure.
    pub blocks: u32,
    /// The seed of the order.
    pub seed: u64,
    /// Whether there is a candidate at all.
    pub sides: Sides,
    /// Requests at most, over all users.
    pub requests_max: u64,
}

/// The variants that a schedule alternates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sides {
    /// Baseline and candidate.
    Both,
    /// The baseline alone.
    BaselineOnly,
}

impl Shape {
    /// The wall time of a super-block.
    #[must_use]
    pub fn block_length(&self) -> Duration {
        match self.sides {
            Sides::Both => self.superblock * 2,
            Sides::BaselineOnly => self.superblock,
        }
    }

    /// Which variant has the first or the second slice of a pair of slices.
    #[must_use]
    pub const fn variant_of(&self, pair: u64, second: bool) -> Variant {
        match self.sides {
            Sides::BaselineOnly => Variant::Baseline,
            Sides::Both => {
                let candidate_first = mix(self.seed ^ mix(pair)) & 1 == 1;
                if candidate_first != second { Variant::Candidate } else { Variant::Baseline }
            }
        }
    }
}

/// A super-block that has just ended.
#[derive(Debug)]
pub struct EndedBlock {
    /// Its number.
    pub index: u32,
    /// When it began, nanoseconds since the Unix epoch.
    pub started_unix_ns: u64,
    /// Wall time.
    pub duration: Duration,
    /// Time under load, by variant.
    pub active: [Duration; 2],
    /// What was recorded, by variant.
    pub drained: [Drained; 2],
}

/// Nanoseconds since the Unix epoch.
#[must_use]
pub fn unix_now_ns() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPE: Shape = Shape {
        slice: Duration::from_millis(20),
        superblock: Duration::from_secs(1),
        warmup: Duration::ZERO,
        first_block: 0,
        blocks: 1,
        seed: 42,
        sides: Sides::Both,
        requests_max: u64::MAX,
    };

    #[test]
    fn each_pair_holds_both_variants_in_an_order_that_the_seed_draws() {
        let firsts: Vec<Variant> = (0..1000).map(|pair| SHAPE.variant_of(pair, false)).collect();
        for (pair, first) in firsts.iter().enumerate() {
            assert_eq!(SHAPE.variant_of(pair as u64, true), first.other());
        }
        let candidates = firsts.iter().filter(|first| **first == Variant::Candidate).count();
        assert!((430..570).contains(&candidates), "{candidates} of 1000 pairs begin with the candidate");
        let other_seed = Shape { seed: 43, ..SHAPE };
        assert!((0..1000).any(|pair| other_seed.variant_of(pair, false) != SHAPE.variant_of(pair, false)));
    }
}
