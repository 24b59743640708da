//! The two sides of an experiment.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A side of an experiment. The two differ in exactly one declared thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Variant {
    /// What is there today: the side that the other is compared with.
    Baseline,
    /// What is proposed.
    Candidate,
}

/// The text is no variant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not a variant; the variants are baseline and candidate")]
pub struct UnknownVariant(String);

impl Variant {
    /// Both variants, baseline first.
    pub const ALL: [Self; 2] = [Self::Baseline, Self::Candidate];

    /// The name in files and tables.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Baseline => "baseline",
            Self::Candidate => "candidate",
        }
    }

    /// 0 for the baseline, 1 for the candidate.
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }

    /// The opposite side.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Baseline => Self::Candidate,
            Self::Candidate => Self::Baseline,
        }
    }
}

impl fmt::Display for Variant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Variant {
    type Err = UnknownVariant;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|variant| variant.as_str() == text)
            .ok_or_else(|| UnknownVariant(text.to_owned()))
    }
}
