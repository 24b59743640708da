//! The smallest effect that a run could have seen, given its own noise.

/// Quantile of the standard normal law at 0.99: the level of a verdict.
const Z_LEVEL: f64 = 2.326_347_874;
/// Quantile of the standard normal law at 0.95: the power.
const Z_POWER: f64 = 1.644_853_627;

/// The relative change (0.05 is 5 %) that `differences.len()` pairs with the spread of these
/// logarithmic differences catch with power 95 % at a level of 1 %: exp((t₀.₉₉ + t₀.₉₅)·sd/√K) − 1,
/// with Student's quantiles for K − 1 degrees of freedom. None below two pairs.
#[must_use]
pub fn detectable(differences: &[f64]) -> Option<f64> {
    let pairs = differences.len();
    (pairs >= 2).then(|| detectable_for(standard_deviation(differences), pairs))
}

fn detectable_for(sd: f64, pairs: usize) -> f64 {
    let freedom = (pairs - 1) as f64;
    let reach = student(Z_LEVEL, freedom) + student(Z_POWER, freedom);
    (reach * sd / (pairs as f64).sqrt()).exp() - 1.0
}

/// Student's quantile from the normal one, good to 0.01 from five degrees of freedom on:
/// Abramowitz and Stegun, Handbook of Mathematical Functions, 26.7.5.
fn student(z: f64, freedom: f64) -> f64 {
    let (z3, z5, z7) = (z.powi(3), z.powi(5), z.powi(7));
    z + (z3 + z) / (4.0 * freedom)
        + (5.0 * z5 + 16.0 * z3 + 3.0 * z) / (96.0 * freedom.powi(2))
        + (3.0 * z7 + 19.0 * z5 + 17.0 * z3 - 15.0 * z) / (384.0 * freedom.powi(3))
}

fn standard_deviation(values: &[f64]) -> f64 {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    (squares / (values.len() - 1) as f64).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_table_is_reproduced() {
        // The last column is published in whole per cent.
        for (pairs, expected) in [(20, [1.9, 4.4, 7.5, 15.5, 41.0]), (40, [1.3, 3.0, 5.0, 10.3, 26.0])] {
            for (sd, expected) in [0.02, 0.045, 0.075, 0.15, 0.36].into_iter().zip(expected) {
                let found = 100.0 * detectable_for(sd, pairs);
                let rounding = if expected > 20.0 { 0.5 } else { 0.15 };
                assert!(
                    (found - expected).abs() <= rounding,
                    "sd {sd}, {pairs} pairs: {found} not {expected}"
                );
            }
        }
    }

    #[test]
    fn no_noise_sees_everything_and_one_pair_sees_nothing() {
        assert_eq!(detectable(&[0.3, 0.3, 0.3]), Some(0.0));
        assert_eq!(detectable(&[0.3]), None);
    }
}
