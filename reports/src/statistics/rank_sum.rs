//! The exact law of the Mann–Whitney statistic, for two samples that are not paired.
//!
//! U counts the pairs (a, b) with a below b. If both samples come from one distribution, all
//! orders are equally likely: the largest of the m + n values is an `a` with chance m / (m + n), and
//! the rest is the same question for one value less. Mann and Whitney, Annals of Mathematical
//! Statistics 18 (1947).

use super::signed_rank::accumulate;

/// P(U <= u) for u from 0 to m·n. Takes time in (m·n)².
#[must_use]
pub fn cumulative(m: usize, n: usize) -> Vec<f64> {
    // row[j] is the law for `i` values of the first sample and j of the second.
    let mut row: Vec<Vec<f64>> = vec![vec![1.0]; n + 1];
    for i in 1..=m {
        let mut next = vec![vec![1.0]];
        for j in 1..=n {
            let share = i as f64 / (i + j) as f64;
            let mut law = vec![0.0; i * j + 1];
            // The largest is a `b`: it is above all i values of the first sample.
            for (u, chance) in next[j - 1].iter().enumerate() {
                law[u + i] += (1.0 - share) * chance;
            }
            for (u, chance) in row[j].iter().enumerate() {
                law[u] += share * chance;
            }
            next.push(law);
        }
        row = next;
    }
    accumulate(row.swap_remove(n))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statistics::signed_rank::critical;

    #[test]
    fn small_laws_are_those_of_counting_by_hand() {
        // Two and two values: six orders, of which one has U = 0, one U = 1, two U = 2.
        let law = cumulative(2, 2);
        for (u, sixths) in [1.0, 2.0, 4.0, 5.0, 6.0].into_iter().enumerate() {
            assert!((law[u] - sixths / 6.0).abs() < 1e-12, "{u}");
        }
    }

    #[test]
    fn the_critical_values_are_those_of_the_published_table() {
        // Two-sided 5 %: the largest u that rejects is 13, 23 and 127, so there is one more of them.
        assert_eq!(critical(&cumulative(8, 8), 0.025), 14);
        assert_eq!(critical(&cumulative(10, 10), 0.025), 24);
        assert_eq!(critical(&cumulative(20, 20), 0.025), 128);
        assert_eq!(critical(&cumulative(3, 3), 0.025), 0);
    }
}
