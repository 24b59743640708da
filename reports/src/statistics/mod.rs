//! The statistics of a comparison: ranks, never random numbers, so the same file gives the same
//! verdict.
//!
//! Nothing here knows runs, experiments or units: slices of numbers go in, bounds come out.

pub mod detectable;
pub mod hodges_lehmann;
pub mod holm;
pub mod quantile;
pub mod rank_sum;
pub mod signed_rank;

pub use detectable::detectable;
pub use hodges_lehmann::Shift;
pub use holm::holm;
pub use quantile::Quantile;

/// The level of each side of a shown interval: together a two-sided 95 % interval.
pub const ALPHA_INTERVAL: f64 = 0.025;

/// The level of a verdict, before Holm's correction.
pub const ALPHA_VERDICT: f64 = 0.01;

/// Pairs below which no 95 % interval exists: with 5 pairs the rarest rank sum has a chance of
/// 1/32, which is more than 2.5 %.
pub const PAIRS_MIN: usize = 6;

/// Observations that are looked at, at most, on each side. The exact laws cost the cube of it;
/// longer runs have neighbouring super-blocks merged.
pub const PAIRS_MAX: usize = 400;
