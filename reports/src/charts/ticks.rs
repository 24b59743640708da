//! Ticks at round values, for linear and logarithmic axes.

use super::panel::Axis;

/// A logarithmic axis (base 10) around positive values, with a margin of 6 % on each side.
pub(crate) fn logarithmic(
    values: impl Iterator<Item = f64>,
    title: &str,
    text: impl Fn(f64) -> String,
) -> Axis {
    let (low, high) = range(values.filter(|value| *value > 0.0).map(f64::log10)).unwrap_or((0.0, 1.0));
    let margin = ((high - low) * 0.06).max(0.01);
    let range = (low - margin, high + margin);
    let ticks = log_ticks(10f64.powf(range.0), 10f64.powf(range.1));
    let ticks = ticks.into_iter().map(|value| (value.log10(), text(value))).collect();
    Axis { range, ticks, title: title.to_owned() }
}

/// A linear axis between two values.
pub(crate) fn linear(low: f64, high: f64, title: &str, text: impl Fn(f64) -> String) -> Axis {
    let high = if high > low { high } else { low + 1.0 };
    let ticks = nice(low, high, 8).into_iter().map(|value| (value, text(value))).collect();
    Axis { range: (low, high), ticks, title: title.to_owned() }
}

/// Smallest and largest of some values.
pub(crate) fn range(values: impl Iterator<Item = f64>) -> Option<(f64, f64)> {
    values.fold(None, |range, value| match range {
        None => Some((value, value)),
        Some((low, high)) => Some((f64::min(low, value), f64::max(high, value))),
    })
}

/// 1-2-5 in each decade, decades alone over more than three, and evenly spaced values within a
/// factor of four.
fn log_ticks(low: f64, high: f64) -> Vec<f64> {
    if high / low < 4.0 {
        return nice(low, high, 6);
    }
    let factors: &[f64] = if high / low > 2_000.0 { &[1.0] } else { &[1.0, 2.0, 5.0] };
    let decades = low.log10().floor() as i32..=high.log10().ceil() as i32;
    decades
        .flat_map(|decade| factors.iter().map(move |factor| factor * 10f64.powi(decade)))
        .filter(|value| (low..=high).contains(value))
        .collect()
}

/// Multiples of 1, 2 or 5 times a power of ten: `count` of them at most.
fn nice(low: f64, high: f64, count: usize) -> Vec<f64> {
    let rough = (high - low) / count as f64;
    let decade = 10f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].into_iter().map(|factor| factor * decade).find(|step| *step >= rough);
    let step = step.unwrap_or(10.0 * decade);
    let first = (low / step - 1e-9).ceil() as i64;
    let last = (high / step + 1e-9).floor() as i64;
    (first..=last).map(|multiple| multiple as f64 * step).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(found: &[f64], expected: &[f64]) -> bool {
        found.len() == expected.len()
            && found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-9 * b.abs().max(1.0))
    }

    #[test]
    fn ticks_are_round_and_within_the_range() {
        assert!(close(&nice(0.0, 40.0, 8), &[0.0, 5.0, 10.0, 15.0, 20.0, 25.0, 30.0, 35.0, 40.0]));
        assert!(close(&log_ticks(30.0, 1_200.0), &[50.0, 100.0, 200.0, 500.0, 1_000.0]));
        assert!(close(&log_ticks(1.0, 1e5), &[1.0, 10.0, 100.0, 1e3, 1e4, 1e5]));
        assert!(close(&log_ticks(0.96, 1.05), &[0.96, 0.98, 1.0, 1.02, 1.04]));
    }

    #[test]
    fn an_axis_without_values_is_still_an_axis() {
        let axis = logarithmic(std::iter::empty(), "latency", |value| value.to_string());
        assert!(axis.range.0 < axis.range.1);
        assert_eq!(linear(3.0, 3.0, "", |value| value.to_string()).range, (3.0, 4.0));
    }
}
