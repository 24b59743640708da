//! Times in messages: ISO 8601 texts become seconds since 1970.
//!
//! It is separate because two layouts write such texts. It reads only the extended form that
//! Python's `isoformat` writes, with or without an offset; without one the time is UTC.

/// Seconds since 1970 of `2026-11-21T10:00:00.25+00:00`.
pub(crate) fn epoch_seconds(text: &str) -> Option<f64> {
    let part = |from: usize, to: usize| text.get(from..to)?.parse::<i64>().ok();
    let (year, month, day) = (part(0, 4)?, part(5, 7)?, part(8, 10)?);
    let (hour, minute, second) = (part(11, 13)?, part(14, 16)?, part(17, 19)?);
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) || hour > 24 || minute > 59 || second > 60 {
        return None;
    }
    let rest = text.get(19..)?;
    let end = rest.find(['Z', '+', '-']).unwrap_or(rest.len());
    let (fraction, offset) = rest.split_at(end);
    let fraction: f64 = if fraction.is_empty() { 0.0 } else { format!("0{fraction}").parse().ok()? };
    let seconds = days(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second;
    Some(seconds as f64 + fraction - offset_seconds(offset)? as f64)
}

fn offset_seconds(text: &str) -> Option<i64> {
    let sign = match text.chars().next() {
        None | Some('Z') => return Some(0),
        Some('-') => -1,
        Some(_) => 1,
    };
    let (hours, minutes) = text.get(1..)?.split_once(':')?;
    Some(sign * (hours.parse::<i64>().ok()? * 3_600 + minutes.get(..2)?.parse::<i64>().ok()? * 60))
}

/// Days since 1970-01-01 in the Gregorian calendar, with years that begin in March so that the leap
/// day comes last.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = year - i64::from(month <= 2);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    365 * year + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + day_of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_with_fraction_and_offset() {
        for (text, seconds) in [
            ("1970-01-01T00:00:00", Some(0.0)),
            ("2000-02-29T12:00:00Z", Some(951_825_600.0)),
            ("2000-02-29T12:00:00.250000+00:00", Some(951_825_600.25)),
            ("2000-02-29T14:30:00+02:30", Some(951_825_600.0)),
            ("2000-02-29T07:00:00-05:00", Some(951_825_600.0)),
            ("2000-13-01T00:00:00", None),
            ("soon", None),
            ("", None),
            ("2000-02-29T12:00:00.x", None),
            ("é000-02-29T12:00:00", None),
        ] {
            assert_eq!(epoch_seconds(text), seconds, "{text}");
        }
    }
}
