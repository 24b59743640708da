//! `claims.toml`: figures that a text states, each with the experiment that measures it.
//!
//! ```toml
//! source = "performance-guide.md"   # the text that states the figures
//!
//! [[claim]]
//! id = "3.13"                       # how the list of features names it
//! stated = "p95 of a prediction falls from 200 ms to 5 ms (40×)"
//! experiment = "prediction"         # the name of the experiment that measures it
//! figure = "speed_up"               # see `Figure`
//! metric = "p95"                    # for times: p50, p90, p95, p99, p999; speed_up and time_saved up to p99
//! min = 40                          # min, max or both; times as "200ms", shares from 0 to 1
//! # for latency, throughput, queries_per_request and success_ratio: variant = "baseline"; default "candidate"
//! # for times: outcome = "hit"
//!
//! [[claim]]
//! id = "3.16"
//! stated = "one worker takes about 300 MB"
//! not_measured = "why no run can hold this claim"
//! ```
//!
//! A file is checked whole: every mistake is told at once, with its line.

use std::path::Path;

use toml::de::DeTable;

use super::figure::Kind;
use super::reading::checked;
use crate::fields::line_of;

/// The claims of one text.
#[derive(Debug, Clone, PartialEq)]
pub struct Claims {
    /// The file of claims, as it was named.
    pub path: String,
    /// The text that states them.
    pub source: String,
    /// The claims, in the order of the file.
    pub claims: Vec<Claim>,
}

/// One stated figure.
#[derive(Debug, Clone, PartialEq)]
pub struct Claim {
    /// How the list of features names it.
    pub id: String,
    /// The text that states it.
    pub source: String,
    /// What is stated, in words.
    pub stated: String,
    /// How it is measured.
    pub how: How,
    /// The line of the file of claims, from 1.
    pub line: usize,
}

/// How a claim is measured.
#[derive(Debug, Clone, PartialEq)]
pub enum How {
    /// By an experiment.
    Measured {
        /// The experiment's name.
        experiment: String,
        /// The figure.
        kind: Kind,
        /// What is stated of it.
        bounds: Bounds,
    },
    /// By no run.
    Not {
        /// Why.
        why: String,
    },
}

/// What a figure is stated to be: from `min` to `max`, each included, none where nothing is stated.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bounds {
    /// The least.
    pub min: Option<f64>,
    /// The most.
    pub max: Option<f64>,
}

impl Bounds {
    /// Whether a value is as stated.
    #[must_use]
    pub fn hold(self, value: f64) -> bool {
        self.min.is_none_or(|min| value >= min) && self.max.is_none_or(|max| value <= max)
    }

    /// Whether all values from `lower` to `upper` lie outside, on one side.
    pub(super) fn lie_outside(self, lower: f64, upper: f64) -> bool {
        self.min.is_some_and(|min| upper < min) || self.max.is_some_and(|max| lower > max)
    }

    /// In words, with a figure's own way of showing a value.
    #[must_use]
    pub fn shown(self, show: impl Fn(f64) -> String) -> String {
        match (self.min, self.max) {
            (Some(min), Some(max)) => format!("{} to {}", show(min), show(max)),
            (Some(min), None) => format!("at least {}", show(min)),
            (None, Some(max)) => format!("at most {}", show(max)),
            (None, None) => "nothing".to_owned(),
        }
    }
}

/// Everything that is wrong with a file of claims.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.shown())]
pub struct ClaimErrors {
    /// The file, as it was named.
    pub path: String,
    /// Line, from 1, and what is wrong there.
    pub mistakes: Vec<(usize, String)>,
}

impl ClaimErrors {
    fn shown(&self) -> String {
        let lines = self.mistakes.iter().map(|(line, mistake)| format!("{}:{line}: {mistake}", self.path));
        lines.collect::<Vec<_>>().join("\n")
    }
}

impl Claims {
    /// Reads and checks a file of claims. `path` only names it in messages.
    ///
    /// # Errors
    ///
    /// [`ClaimErrors`] with every mistake and its line.
    pub fn parse(text: &str, path: &Path) -> Result<Self, ClaimErrors> {
        let path = path.display().to_string();
        let (document, syntax) = DeTable::parse_recoverable(text);
        let place = |error: &toml::de::Error| line_of(text, error.span().map_or(0, |span| span.start));
        let mut mistakes: Vec<(usize, String)> =
            syntax.iter().map(|error| (place(error), error.message().to_owned())).collect();
        // What follows a broken line would be a list of consequences.
        let claims = mistakes.is_empty().then(|| checked(text, &path, &document, &mut mistakes));
        mistakes.sort();
        match claims {
            Some(claims) if mistakes.is_empty() => Ok(claims),
            _ => Err(ClaimErrors { path, mistakes }),
        }
    }
}
