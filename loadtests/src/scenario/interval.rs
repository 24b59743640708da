//! Intervals for what a scenario repeats: a mean by Student's t, a drift by Theil and Sen.
//!
//! Repetitions of a scenario are few and costly, so the intervals are for small numbers. The paired
//! comparison of two variants is not done here; it is the business of `reports`.

use hitmark_schema::{Figure, Unit};

/// The 0.975 quantile of Student's t by degrees of freedom, from 1; beyond the table the last one is
/// used, which is a little too wide (Student, "The probable error of a mean", 1908).
const T_975: [f64; 30] = [
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131,
    2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042,
];

/// The mean; none of nothing.
#[must_use]
pub fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// The 95 % interval of the mean, values taken as independent; none with fewer than two.
#[must_use]
pub fn of_mean(values: &[f64]) -> Option<(f64, f64)> {
    let mean = mean(values)?;
    let freedom = values.len().checked_sub(1).filter(|freedom| *freedom > 0)?;
    let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / freedom as f64;
    let half = T_975[freedom.min(T_975.len()) - 1] * (variance / values.len() as f64).sqrt();
    Some((mean - half, mean + half))
}

/// The mean of repetitions as a figure; not measured if there are none. What is counted or timed is
/// never below 0, and neither is its interval.
#[must_use]
pub fn figure(name: &str, unit: Unit, values: &[f64]) -> Figure {
    let bounds = of_mean(values).map(|(lower, upper)| (lower.max(0.0), upper));
    Figure { value: mean(values), ..Figure::within(name, unit, 0.0, bounds, values.len() as u64) }
}

/// The value below which a share of the values lies, by nearest rank; none of nothing.
#[must_use]
pub fn quantile(values: &[f64], share: f64) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let rank = (share * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.max(1) - 1).copied()
}

/// A slope with its 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Slope {
    /// The median of the slopes between all pairs of points (Theil, 1950).
    pub estimate: f64,
    /// The interval that ranks of those slopes give (Sen, "Estimates of the regression coefficient
    /// based on Kendall's tau", 1968, without ties); none for fewer than five points.
    pub bounds: Option<(f64, f64)>,
}

/// How fast the second coordinate changes with the first; none without two different places.
#[must_use]
pub fn slope(points: &[(f64, f64)]) -> Option<Slope> {
    let mut slopes = Vec::with_capacity(points.len() * points.len() / 2);
    for (place, (x, y)) in points.iter().enumerate() {
        for (later_x, later_y) in &points[place + 1..] {
            if later_x != x {
                slopes.push((later_y - y) / (later_x - x));
            }
        }
    }
    slopes.sort_by(f64::total_cmp);
    let count = slopes.len();
    let middle = slopes.get(count / 2)?;
    let estimate = if count % 2 == 1 { *middle } else { f64::midpoint(slopes[count / 2 - 1], *middle) };
    let n = points.len() as f64;
    let half = 1.96 * (n * (n - 1.0) * (2.0 * n + 5.0) / 18.0).sqrt();
    let lower = ((count as f64 - half) / 2.0).floor();
    let upper = ((count as f64 + half) / 2.0).ceil();
    let bounds = (points.len() >= 5 && lower >= 0.0 && (upper as usize) < count)
        .then(|| (slopes[lower as usize], slopes[upper as usize]));
    Some(Slope { estimate, bounds })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_of_a_mean_is_that_of_the_table() {
        // Mean 3, standard deviation sqrt(2.5), n = 5: half width 2.776 × sqrt(2.5 / 5) = 1.963.
        let (lower, upper) = of_mean(&[1.0, 2.0, 3.0, 4.0, 5.0]).unwrap();
        assert!((lower - 1.037).abs() < 0.001 && (upper - 4.963).abs() < 0.001, "{lower} {upper}");
        assert_eq!((of_mean(&[7.0]), of_mean(&[]), mean(&[])), (None, None, None));
        assert_eq!(of_mean(&[2.0; 40]), Some((2.0, 2.0)));
    }

    #[test]
    fn the_interval_of_a_count_does_not_go_below_nothing() {
        let calls = figure("calls", Unit::Count, &[0.0, 0.0, 1.0]);
        assert_eq!((calls.value, calls.lower, calls.observations), (Some(1.0 / 3.0), Some(0.0), 3));
        assert_eq!(figure("calls", Unit::Count, &[]).value, None);
    }

    #[test]
    fn quantiles_are_nearest_ranks() {
        let values = [4.0, 1.0, 3.0, 2.0];
        for (share, value) in [(0.0, 1.0), (0.25, 1.0), (0.5, 2.0), (0.99, 4.0), (1.0, 4.0)] {
            assert_eq!(quantile(&values, share), Some(value), "{share}");
        }
        assert_eq!(quantile(&[], 0.5), None);
    }

    #[test]
    fn a_slope_is_not_moved_by_one_wild_point_and_says_how_sure_it_is() {
        let line = |x: usize| (x as f64, 5.0 + 0.5 * x as f64);
        let mut points: Vec<_> = (0..20).map(line).collect();
        points[7].1 = 900.0;
        let slope = slope(&points).unwrap();
        assert_eq!(slope.estimate, 0.5);
        let (lower, upper) = slope.bounds.unwrap();
        assert!(lower <= 0.5 && upper >= 0.5 && lower > 0.0, "{lower} {upper}");
    }

    #[test]
    fn noise_without_a_drift_has_an_interval_around_nothing() {
        let points: Vec<_> = (0..30_u64).map(|x| (x as f64, (crate::keys::mix(x) % 100) as f64)).collect();
        let (lower, upper) = slope(&points).unwrap().bounds.unwrap();
        assert!(lower < 0.0 && upper > 0.0, "{lower} {upper}");
        assert_eq!(slope(&points[..4]).unwrap().bounds, None);
        assert_eq!(slope(&points[..1]), None);
    }
}
