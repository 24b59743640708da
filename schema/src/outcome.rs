//! How a cache answered a request. Every latency is kept apart by outcome, because one percentile
//! over hits and misses describes neither.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// How a response came about, as far as its headers tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Served from the cache, fresh.
    Hit,
    /// Not in the cache: computed by the origin, and stored.
    Miss,
    /// Served from the cache although its freshness had ended.
    Stale,
    /// Served from the cache after the origin confirmed it.
    Revalidated,
    /// The cache was not asked, by request or by configuration.
    Bypass,
    /// The request failed: no response, a wrong status, a wrong body.
    Error,
    /// The response does not tell.
    Unknown,
}

/// The text is no outcome.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not an outcome; the outcomes are hit, miss, stale, revalidated, bypass, error, unknown")]
pub struct UnknownOutcome(String);

impl Outcome {
    /// Every outcome, in the order in which tables show them.
    pub const ALL: [Self; 7] =
        [Self::Hit, Self::Miss, Self::Stale, Self::Revalidated, Self::Bypass, Self::Error, Self::Unknown];

    /// The name in files, labels and tables.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hit => "hit",
            Self::Miss => "miss",
            Self::Stale => "stale",
            Self::Revalidated => "revalidated",
            Self::Bypass => "bypass",
            Self::Error => "error",
            Self::Unknown => "unknown",
        }
    }

    /// The place in [`Outcome::ALL`]: an index for tables that hold one cell per outcome.
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }

    /// Whether the body came out of the cache.
    #[must_use]
    pub const fn is_served_from_cache(self) -> bool {
        matches!(self, Self::Hit | Self::Stale | Self::Revalidated)
    }

    /// Whether the cache was asked at all: only these count in a hit ratio.
    #[must_use]
    pub const fn asked_the_cache(self) -> bool {
        matches!(self, Self::Hit | Self::Miss | Self::Stale | Self::Revalidated)
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Outcome {
    type Err = UnknownOutcome;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|outcome| outcome.as_str() == text)
            .ok_or_else(|| UnknownOutcome(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_outcome_survives_its_name_and_its_index() {
        for (place, outcome) in Outcome::ALL.into_iter().enumerate() {
            assert_eq!(outcome.as_str().parse::<Outcome>(), Ok(outcome));
            assert_eq!(outcome.index(), place);
        }
    }

    #[test]
    fn an_unknown_name_lists_the_names_that_exist() {
        let error = "hits".parse::<Outcome>().expect_err("hits is no outcome");
        assert!(error.to_string().contains("'hits' is not an outcome"));
        assert!(error.to_string().contains("revalidated"));
    }
}
