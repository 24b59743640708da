//! The Hodges–Lehmann estimate of a shift, with exact bounds from the law of a rank statistic.
//!
//! Paired: the median of the Walsh averages (d_i + d_j)/2, i <= j, with Wilcoxon's signed-rank law.
//! Unpaired: the median of all differences b_j − a_i, with the Mann–Whitney law. Both are the same
//! shape: a sorted list of pairwise figures, and the law of how many of them lie on one side.
//! Hodges and Lehmann, Annals of Mathematical Statistics 34 (1963).

use super::{rank_sum, signed_rank};

/// A shift with everything that its bounds need.
#[derive(Debug, Clone, PartialEq)]
pub struct Shift {
    /// Pairwise figures, ascending.
    pairwise: Vec<f64>,
    /// Chance that at most this many of them lie on the wrong side, without any shift.
    law: Vec<f64>,
}

impl Shift {
    /// The shift of paired differences; none without any.
    #[must_use]
    pub fn paired(differences: &[f64]) -> Option<Self> {
        let mut pairwise = Vec::with_capacity(differences.len() * (differences.len() + 1) / 2);
        for (place, first) in differences.iter().enumerate() {
            pairwise.extend(differences[place..].iter().map(|second| f64::midpoint(*first, *second)));
        }
        Self::new(pairwise, signed_rank::cumulative(differences.len()))
    }

    /// The shift from `before` to `after`, two samples that are not paired; none if one is empty.
    #[must_use]
    pub fn unpaired(before: &[f64], after: &[f64]) -> Option<Self> {
        let pairwise = before.iter().flat_map(|a| after.iter().map(move |b| b - a)).collect();
        Self::new(pairwise, rank_sum::cumulative(before.len(), after.len()))
    }

    fn new(mut pairwise: Vec<f64>, law: Vec<f64>) -> Option<Self> {
        pairwise.sort_by(f64::total_cmp);
        (!pairwise.is_empty()).then_some(Self { pairwise, law })
    }

    /// The Hodges–Lehmann estimate: the median of the pairwise figures.
    #[must_use]
    pub fn estimate(&self) -> f64 {
        median(&self.pairwise)
    }

    /// The lower bound at the one-sided level `alpha`; none if there are too few observations.
    #[must_use]
    pub fn lower(&self, alpha: f64) -> Option<f64> {
        let critical = signed_rank::critical(&self.law, alpha);
        self.pairwise.get(critical.checked_sub(1)?).copied()
    }

    /// The upper bound at the one-sided level `alpha`; none if there are too few observations.
    #[must_use]
    pub fn upper(&self, alpha: f64) -> Option<f64> {
        let critical = signed_rank::critical(&self.law, alpha);
        self.pairwise.get(self.pairwise.len().checked_sub(critical)?).copied()
    }

    /// One-sided p-value of "the shift is below `limit`": at most `alpha` exactly if the upper
    /// bound at `alpha` is below `limit`.
    #[must_use]
    pub fn p_below(&self, limit: f64) -> f64 {
        let first = self.pairwise.partition_point(|figure| *figure < limit);
        self.chance(self.pairwise.len() - first)
    }

    /// One-sided p-value of "the shift is above `limit`".
    #[must_use]
    pub fn p_above(&self, limit: f64) -> f64 {
        self.chance(self.pairwise.partition_point(|figure| *figure <= limit))
    }

    fn chance(&self, wrong_side: usize) -> f64 {
        self.law.get(wrong_side).copied().unwrap_or(1.0)
    }
}

/// The median of an ascending, non-empty slice.
pub(crate) fn median(ascending: &[f64]) -> f64 {
    let middle = ascending.len() / 2;
    if ascending.len() % 2 == 1 {
        ascending[middle]
    } else {
        f64::midpoint(ascending[middle - 1], ascending[middle])
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const DIFFERENCES: [f64; 20] = [
        0.012, 0.031, -0.004, 0.022, 0.018, 0.027, 0.009, 0.041, -0.011, 0.015, 0.024, 0.007, 0.019, 0.033,
        0.002, 0.028, 0.013, 0.021, -0.001, 0.017,
    ];

    #[test]
    fn the_test_vector_gives_its_estimate_bounds_and_p_value() {
        let shift = Shift::paired(&DIFFERENCES).unwrap();
        assert!((shift.estimate() - 0.0165).abs() < 1e-12);
        assert!((shift.lower(0.01).unwrap() - 0.0085).abs() < 1e-12);
        assert!((shift.upper(0.025).unwrap() - 0.0225).abs() < 1e-12);
        assert!((shift.p_above(0.0) - 4.1008e-5).abs() < 1e-9);
        assert!((shift.estimate().exp() - 1.0166).abs() < 5e-5);
    }

    #[test]
    fn the_unpaired_shift_finds_the_offset_of_two_samples() {
        let before: Vec<f64> = (0..12).map(f64::from).collect();
        let after: Vec<f64> = before.iter().map(|value| value + 5.0).collect();
        let shift = Shift::unpaired(&before, &after).unwrap();
        assert_eq!(shift.estimate(), 5.0);
        assert!(shift.lower(0.025).unwrap() > 0.0 && shift.upper(0.025).unwrap() < 10.0);
        assert!(Shift::unpaired(&before, &[]).is_none() && Shift::paired(&[]).is_none());
    }

    #[test]
    fn five_pairs_have_an_estimate_and_no_interval() {
        let shift = Shift::paired(&DIFFERENCES[..5]).unwrap();
        assert_eq!((shift.lower(0.025), shift.upper(0.025)), (None, None));
    }

    proptest! {
        #[test]
        fn bounds_enclose_the_estimate_and_agree_with_the_p_value(
            differences in prop::collection::vec(-1.0f64..1.0, 8..30), limit in -0.5f64..0.5,
        ) {
            let shift = Shift::paired(&differences).unwrap();
            let (lower, upper) = (shift.lower(0.01).unwrap(), shift.upper(0.01).unwrap());
            prop_assert!(lower <= shift.estimate() && shift.estimate() <= upper);
            prop_assert_eq!(shift.p_below(limit) <= 0.01, upper < limit);
            prop_assert_eq!(shift.p_above(limit) <= 0.01, lower > limit);
        }

        #[test]
        fn swapping_the_sides_mirrors_the_interval(differences in prop::collection::vec(-1.0f64..1.0, 6..20)) {
            let mirrored: Vec<f64> = differences.iter().map(|d| -d).collect();
            let (there, back) = (Shift::paired(&differences).unwrap(), Shift::paired(&mirrored).unwrap());
            prop_assert!((there.lower(0.025).unwrap() + back.upper(0.025).unwrap()).abs() < 1e-12);
            prop_assert!((there.estimate() + back.estimate()).abs() < 1e-12);
        }
    }
}
