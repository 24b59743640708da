//! Figures for people: three significant digits, a unit, and words for a ratio.
//!
//! Numbers that machines read are never formatted here.

/// A latency: `61.2 µs`, `4.02 ms`, `1.25 s`.
#[must_use]
pub fn latency(ns: f64) -> String {
    let (value, unit) = in_unit(round(ns, 3));
    format!("{} {unit}", significant(value))
}

fn in_unit(ns: f64) -> (f64, &'static str) {
    match ns {
        value if value < 1e3 => (value, "ns"),
        value if value < 1e6 => (value / 1e3, "µs"),
        value if value < 1e9 => (value / 1e6, "ms"),
        value => (value / 1e9, "s"),
    }
}

/// A latency, or a dash where there is none.
#[must_use]
pub fn latency_or_dash(ns: Option<u64>) -> String {
    ns.map_or_else(|| "–".to_owned(), |ns| latency(ns as f64))
}

/// Three significant digits: `0.0312`, `2.10`, `32.7`, `1,235`.
#[must_use]
pub fn significant(value: f64) -> String {
    if !value.is_finite() {
        return "–".to_owned();
    }
    let rounded = round(value, 3);
    if rounded == 0.0 {
        return "0".to_owned();
    }
    let magnitude = rounded.abs().log10().floor() as i32;
    if magnitude >= 3 {
        return count(value.abs().round() as u64);
    }
    format!("{rounded:.*}", usize::try_from(2 - magnitude).unwrap_or(0))
}

/// A round figure at an axis, without zeros that say nothing: `0.02`, `10`, `1.002`.
#[must_use]
pub fn tick(value: f64) -> String {
    format!("{}", round(value, 6))
}

/// A round latency at an axis: `10 ms`, `200 µs`.
#[must_use]
pub fn latency_tick(ns: f64) -> String {
    let (value, unit) = in_unit(round(ns, 6));
    format!("{} {unit}", tick(value))
}

/// A whole number in groups of three: `116,400`.
#[must_use]
pub fn count(value: u64) -> String {
    let digits = value.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// A share: `97.2 %`.
#[must_use]
pub fn percent(share: f64) -> String {
    let hundred = share * 100.0;
    // Near the whole, the distance to it is what matters: 99.97 % must not become 100 %.
    let digits = if hundred > 99.9 && hundred < 100.0 { 3 } else { 1 };
    format!("{hundred:.digits$} %")
}

/// A share, or a dash where there is none.
#[must_use]
pub fn percent_or_dash(share: Option<f64>) -> String {
    share.map_or_else(|| "–".to_owned(), percent)
}

/// Bytes: `1.21 MB`, in powers of 1000.
#[must_use]
pub fn bytes(value: u64) -> String {
    let value = value as f64;
    let (scale, unit) = [(1e9, "GB"), (1e6, "MB"), (1e3, "kB")]
        .into_iter()
        .find(|(scale, _)| value >= *scale)
        .unwrap_or((1.0, "B"));
    if scale == 1.0 { format!("{value} B") } else { format!("{} {unit}", significant(value / scale)) }
}

/// Bytes of memory, in powers of 1024 as memory is bought: `64.0 MiB`.
#[must_use]
pub fn binary(bytes: u64) -> String {
    let value = bytes as f64;
    match value {
        value if value >= 1_073_741_824.0 => format!("{} GiB", significant(value / 1_073_741_824.0)),
        value if value >= 1_048_576.0 => format!("{} MiB", significant(value / 1_048_576.0)),
        value if value >= 1_024.0 => format!("{} KiB", significant(value / 1_024.0)),
        value => format!("{value} B"),
    }
}

/// A duration in seconds: `61.2 s`, or as a latency below one second; the sign is kept.
#[must_use]
pub fn seconds(value: f64) -> String {
    let sign = if value < 0.0 { "−" } else { "" };
    format!("{sign}{}", latency(value.abs() * 1e9))
}

/// A ratio as a change of speed: `32.7× faster`, `1.08× slower`.
#[must_use]
pub fn speed_up(ratio: f64) -> String {
    let (factor, word) = factor(ratio);
    format!("{}× {word}", significant(factor))
}

/// Like [`speed_up`], with the interval turned the same way: `32.7× faster (31.9–33.4)`.
#[must_use]
pub fn speed_up_with(ratio: f64, interval: Option<(f64, f64)>) -> String {
    match interval {
        Some(interval) => format!("{} ({})", speed_up(ratio), speed_up_interval(ratio, interval)),
        None => speed_up(ratio),
    }
}

/// The interval of a ratio in the direction in which [`speed_up`] tells it: `31.9–33.4`.
#[must_use]
pub fn speed_up_interval(ratio: f64, (lower, upper): (f64, f64)) -> String {
    let (low, high) = if ratio <= 1.0 { (1.0 / upper, 1.0 / lower) } else { (lower, upper) };
    format!("{}–{}", significant(low), significant(high))
}

fn factor(ratio: f64) -> (f64, &'static str) {
    if ratio <= 1.0 { (1.0 / ratio, "faster") } else { (ratio, "slower") }
}

/// Rounds to this many significant digits.
fn round(value: f64, digits: i32) -> f64 {
    if value == 0.0 || !value.is_finite() {
        return value;
    }
    // Powers of ten above one are exact, so the scale is applied in the exact direction.
    let shift = digits - 1 - value.abs().log10().floor() as i32;
    let scale = 10f64.powi(shift.abs());
    if shift >= 0 { (value * scale).round() / scale } else { (value / scale).round() * scale }
}

/// A figure for a machine: nine significant digits, so that noise in the last bits of a sum does
/// not look like a finding.
pub(crate) fn number(value: f64) -> f64 {
    round(value, 9)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn latencies_have_three_digits_and_the_unit_that_fits() {
        for (ns, shown) in [
            (850.0, "850 ns"),
            (61_234.0, "61.2 µs"),
            (999_600.0, "1.00 ms"),
            (4_020_000.0, "4.02 ms"),
            (1_250_000_000.0, "1.25 s"),
            (60_000_000_000.0, "60.0 s"),
            (0.0, "0 ns"),
        ] {
            assert_eq!(latency(ns), shown);
        }
        assert_eq!(latency_or_dash(None), "–");
        assert_eq!([10e6, 200e3, 1.002e9].map(latency_tick), ["10 ms", "200 µs", "1.002 s"]);
        assert_eq!([0.02, 1.002, 10.0].map(tick), ["0.02", "1.002", "10"]);
    }

    #[test]
    fn ratios_are_told_in_the_direction_of_the_change() {
        assert_eq!(speed_up(1.0 / 32.7), "32.7× faster");
        assert_eq!(speed_up(1.25), "1.25× slower");
        assert_eq!(speed_up_with(0.5, Some((0.4, 0.625))), "2.00× faster (1.60–2.50)");
        assert_eq!(speed_up_with(2.0, Some((1.5, 3.0))), "2.00× slower (1.50–3.00)");
        assert_eq!(speed_up_with(0.5, None), "2.00× faster");
    }

    #[test]
    fn counts_shares_and_sizes_are_readable() {
        assert_eq!([0, 999, 1_000, 1_234_567].map(count), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!([0.972, 0.9997, 1.0, 0.0].map(percent), ["97.2 %", "99.970 %", "100.0 %", "0.0 %"]);
        assert_eq!([12, 1_500, 24_700_000_000].map(bytes), ["12 B", "1.50 kB", "24.7 GB"]);
        assert_eq!(seconds(-0.0021), "−2.10 ms");
        assert_eq!([0.0312, 0.000_123_4, 1_234.6].map(significant), ["0.0312", "0.000123", "1,235"]);
    }
}
