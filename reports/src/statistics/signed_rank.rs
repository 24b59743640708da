//! The exact law of Wilcoxon's signed-rank statistic.
//!
//! W+ is the sum of the ranks of the positive differences. If differences are symmetric around
//! zero, each rank is in the sum with chance one half, independently: the law is that of a sum of
//! independent terms, which a dynamic programme adds up one rank at a time. Wilcoxon, "Individual
//! comparisons by ranking methods", Biometrics Bulletin 1 (1945).

/// P(W+ <= w) for w from 0 to n(n+1)/2. Takes time in the cube of `pairs`.
#[must_use]
pub fn cumulative(pairs: usize) -> Vec<f64> {
    let mut law = vec![1.0];
    for rank in 1..=pairs {
        let mut next = vec![0.0; law.len() + rank];
        for (sum, chance) in law.iter().enumerate() {
            next[sum] += chance / 2.0;
            next[sum + rank] += chance / 2.0;
        }
        law = next;
    }
    accumulate(law)
}

/// c = #{w : P(W+ <= w) <= alpha}: the c-th smallest Walsh average is the lower bound at that
/// level, the c-th largest the upper. 0 means that no bound exists.
#[must_use]
pub fn critical(cumulative: &[f64], alpha: f64) -> usize {
    cumulative.partition_point(|chance| *chance <= alpha)
}

/// Turns chances into chances of at most.
pub(super) fn accumulate(mut law: Vec<f64>) -> Vec<f64> {
    let mut sum = 0.0;
    for chance in &mut law {
        sum += *chance;
        *chance = sum;
    }
    law
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_critical_index_is_that_of_the_table() {
        for (pairs, expected) in [
            (12, [14, 10, 8, 6]),
            (16, [30, 24, 20, 18]),
            (20, [53, 44, 38, 35]),
            (30, [138, 121, 110, 104]),
            (40, [265, 239, 221, 212]),
            (60, [649, 601, 568, 551]),
        ] {
            let law = cumulative(pairs);
            assert_eq!(
                [0.025, 0.01, 0.005, 0.01 / 3.0].map(|alpha| critical(&law, alpha)),
                expected,
                "{pairs}"
            );
        }
    }

    #[test]
    fn too_few_pairs_have_no_bound() {
        assert_eq!(critical(&cumulative(5), 0.025), 0);
        assert_eq!(critical(&cumulative(6), 0.025), 1);
        assert_eq!(critical(&cumulative(8), 0.0033), 0, "8 pairs cannot reach 0.33 %");
    }

    #[test]
    fn the_law_is_whole_and_symmetric() {
        let law = cumulative(9);
        assert_eq!(law.len(), 46);
        assert!((law[45] - 1.0).abs() < 1e-12);
        assert!((law[21] - (1.0 - law[23])).abs() < 1e-12);
    }
}
