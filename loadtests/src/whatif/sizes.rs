//! Cache sizes as people write them: `5000`, `64MiB`, `10%`.

use std::str::FromStr;

/// A cache size.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum CacheSize {
    /// So many entries.
    Entries(u64),
    /// So many bytes.
    Bytes(u64),
    /// So many percent of all keys of the trace.
    Percent(f64),
}

/// The text is no size.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "'{0}' is no cache size: write entries (5000), bytes (64MiB, 1.5GB, 800B) or a share of all keys (10%)"
)]
pub struct SizeError(String);

const UNITS: [(&str, f64); 10] = [
    ("kib", 1024.0),
    ("mib", 1_048_576.0),
    ("gib", 1_073_741_824.0),
    ("tib", 1_099_511_627_776.0),
    ("kb", 1e3),
    ("mb", 1e6),
    ("gb", 1e9),
    ("tb", 1e12),
    ("b", 1.0),
    ("%", 0.0),
];

impl FromStr for CacheSize {
    type Err = SizeError;

    fn from_str(text: &str) -> Result<Self, SizeError> {
        let fault = || SizeError(text.to_owned());
        let lower = text.trim().to_ascii_lowercase();
        let unit = UNITS.iter().find(|(unit, _)| lower.ends_with(unit));
        let Some((unit, factor)) = unit else {
            return match lower.replace('_', "").parse() {
                Ok(entries) if entries > 0 => Ok(Self::Entries(entries)),
                _ => Err(fault()),
            };
        };
        let number: f64 = lower.trim_end_matches(unit).trim().parse().map_err(|_| fault())?;
        match *unit {
            "%" if number > 0.0 && number <= 100.0 => Ok(Self::Percent(number)),
            "%" => Err(fault()),
            _ if number.is_finite() && number * factor >= 1.0 && number * factor < 2_f64.powi(63) => {
                Ok(Self::Bytes((number * factor) as u64))
            }
            _ => Err(fault()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_in_entries_bytes_and_shares() {
        for (text, size) in [
            ("5000", CacheSize::Entries(5000)),
            ("1_000", CacheSize::Entries(1000)),
            ("64MiB", CacheSize::Bytes(64 << 20)),
            ("1.5gb", CacheSize::Bytes(1_500_000_000)),
            ("800 B", CacheSize::Bytes(800)),
            ("10%", CacheSize::Percent(10.0)),
        ] {
            assert_eq!(text.parse(), Ok(size), "{text}");
        }
        for text in ["", "0", "-5", "10 apples", "0%", "101%", "nanMiB", "1.5", "0.1B"] {
            assert!(text.parse::<CacheSize>().is_err(), "{text}");
        }
    }
}
