//! The quantiles that hitmark shows, and how many values each needs.

use std::fmt;
use std::str::FromStr;

use hdrhistogram::Histogram;

/// A quantile of latencies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Quantile {
    /// The median.
    P50,
    /// One request in 10 is slower.
    P90,
    /// One request in 20 is slower.
    P95,
    /// One request in 100 is slower.
    P99,
    /// One request in 1000 is slower.
    P999,
}

/// The text is no quantile.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not a quantile; the quantiles are p50, p90, p95, p99, p999")]
pub struct UnknownQuantile(String);

impl Quantile {
    /// Every quantile.
    pub const ALL: [Self; 5] = [Self::P50, Self::P90, Self::P95, Self::P99, Self::P999];

    /// Those that are compared between variants.
    pub const COMPARED: [Self; 4] = [Self::P50, Self::P90, Self::P95, Self::P99];

    /// The name in files and tables.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::P50 => "p50",
            Self::P90 => "p90",
            Self::P95 => "p95",
            Self::P99 => "p99",
            Self::P999 => "p999",
        }
    }

    /// One request in this many is slower.
    #[must_use]
    pub const fn one_in(self) -> u64 {
        match self {
            Self::P50 => 2,
            Self::P90 => 10,
            Self::P95 => 20,
            Self::P99 => 100,
            Self::P999 => 1000,
        }
    }

    /// The share of requests that are at most this slow.
    #[must_use]
    pub fn share(self) -> f64 {
        1.0 - 1.0 / self.one_in() as f64
    }

    /// Values that a super-block needs on each side for this quantile to mean something: 5/(1−q),
    /// so that five values lie beyond it.
    #[must_use]
    pub const fn values_needed(self) -> u64 {
        5 * self.one_in()
    }

    /// The quantile of a histogram in nanoseconds; none if no value can lie beyond it.
    #[must_use]
    pub fn of(self, histogram: &Histogram<u64>) -> Option<u64> {
        let enough = histogram.len() >= if self == Self::P50 { 1 } else { self.one_in() };
        enough.then(|| histogram.value_at_quantile(self.share()))
    }
}

impl fmt::Display for Quantile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Quantile {
    type Err = UnknownQuantile;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|quantile| quantile.as_str() == text)
            .ok_or_else(|| UnknownQuantile(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_without_a_value_beyond_it_is_not_invented() {
        let mut histogram = hitmark_schema::measurement::latency_histogram();
        assert_eq!(Quantile::P50.of(&histogram), None);
        for value in 1..=99 {
            histogram.saturating_record(value * 1_000);
        }
        assert_eq!(Quantile::P99.of(&histogram), None);
        assert!(Quantile::P90.of(&histogram).unwrap().abs_diff(90_000) <= 1_000);
    }

    #[test]
    fn five_values_lie_beyond_a_quantile_that_is_compared() {
        let needed: Vec<u64> = Quantile::COMPARED.into_iter().map(Quantile::values_needed).collect();
        assert_eq!(needed, [10, 50, 100, 500]);
        assert_eq!("p95".parse(), Ok(Quantile::P95));
        assert!("p42".parse::<Quantile>().unwrap_err().to_string().contains("p50, p90"));
    }
}
