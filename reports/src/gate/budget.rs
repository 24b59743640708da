//! `budget.toml`: the rules that a run must keep to.
//!
//! ```toml
//! [gate]
//! alpha = 0.01               # chance of any false alarm over all timed rules (Holm); default 0.01
//! on_inconclusive = "warn"   # "pass" and "warn" end with 0, "fail" with 3; default "warn"
//!
//! [[rule]]                   # candidate ÷ baseline within the run, paired
//! experiment = "product detail"
//! kind = "ratio"
//! metric = "p50"             # p50, p90, p95, p99
//! outcome = "hit"            # optional: only the candidate's answers of this outcome
//! max = 1.05                 # pass if the 95 % interval lies below it …
//! tolerance = 0.02           # … fail if the ratio is proven to be above 1 + tolerance, or above max if that is less
//! # or, instead of max and tolerance:
//! min_speed_up = 5.0         # pass if baseline ÷ candidate is proven to be at least this
//!
//! [[rule]]                   # a time, over all super-blocks of one variant
//! experiment = "product detail"
//! kind = "absolute"
//! variant = "candidate"      # default
//! metric = "p99"             # p50, p90, p95, p99, p999
//! outcome = "hit"            # optional
//! max = "5ms"                # ns, us, ms or s; or max_ms = 5
//!
//! [[rule]]                   # a count: exact, no statistics
//! experiment = "product detail"
//! kind = "count"
//! variant = "candidate"      # default; errors, error_ratio, mismatches and stale_reads default to both
//! metric = "hit_ratio"       # see `Metric`
//! min = 0.90                 # min, max or both
//! max_increase = 0           # optional, with --baseline RUN_DIR: at most this much above that run
//!
//! [[rule]]                   # what a scenario found, in its own unit: seconds, bytes, shares of 1
//! experiment = "expiry of a report"
//! kind = "figure"
//! variant = "candidate"      # default
//! figure = "herd factor"     # as the table of the run names it
//! max = 1.0                  # min, max or both
//! ```
//!
//! A budget is checked whole: every mistake is told at once, with its line. An unknown key is a
//! mistake, since a misspelt limit would otherwise never be held.

use std::fmt;
use std::path::Path;

use hitmark_schema::{Outcome, Variant};
use toml::de::DeTable;

use super::reading::checked;
use super::rules::count;
use crate::fields::line_of;
use crate::statistics::Quantile;

/// A checked budget.
#[derive(Debug, Clone, PartialEq)]
pub struct Budget {
    /// The file, as it was named.
    pub path: String,
    /// Chance of any false alarm over all timed rules.
    pub alpha: f64,
    /// What an inconclusive rule does.
    pub on_inconclusive: OnInconclusive,
    /// The rules, in the order of the file.
    pub rules: Vec<Rule>,
}

/// What an inconclusive rule does to the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnInconclusive {
    /// Nothing.
    Pass,
    /// Nothing, but formats with warnings show one.
    Warn,
    /// The gate ends with 3.
    Fail,
}

/// One rule.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// The name of the experiment.
    pub experiment: String,
    /// What it limits, and how.
    pub kind: Kind,
    /// The figure.
    pub metric: Metric,
    /// Only answers of this outcome.
    pub outcome: Option<Outcome>,
    /// Of which side; none for both, and for ratios.
    pub variant: Option<Variant>,
    /// The line of the budget file, from 1.
    pub line: usize,
}

/// What a rule limits.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    /// The ratio candidate ÷ baseline.
    Ratio {
        /// The largest accepted ratio.
        max: f64,
        /// The ratio that is proven to be exceeded when the rule fails.
        fail_above: f64,
        /// How the limit was written.
        limit: String,
    },
    /// A time in nanoseconds.
    Absolute {
        /// The longest accepted time.
        max_ns: f64,
    },
    /// An exact count.
    Count {
        /// The smallest accepted value.
        min: Option<f64>,
        /// The largest accepted value.
        max: Option<f64>,
        /// How far it may lie above the baseline run's.
        max_increase: Option<f64>,
    },
    /// A figure of a scenario.
    Figure {
        /// Its name.
        name: String,
        /// The smallest accepted value, in the figure's unit.
        min: Option<f64>,
        /// The largest accepted value.
        max: Option<f64>,
    },
}

/// The figure of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Metric {
    /// A latency quantile.
    Latency(Quantile),
    /// An exact count: its place in the table of [`Metric::counts`].
    Count(count::CountMetric),
    /// A figure of a scenario, which the kind names.
    Figure,
}

/// Everything that is wrong with a budget file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.shown())]
pub struct BudgetErrors {
    /// The file, as it was named.
    pub path: String,
    /// Line, from 1, and what is wrong there.
    pub mistakes: Vec<(usize, String)>,
}

impl BudgetErrors {
    fn shown(&self) -> String {
        let lines = self.mistakes.iter().map(|(line, mistake)| format!("{}:{line}: {mistake}", self.path));
        lines.collect::<Vec<_>>().join("\n")
    }
}

impl Budget {
    /// Reads and checks a budget. `path` only names it in messages.
    ///
    /// # Errors
    ///
    /// [`BudgetErrors`] with every mistake and its line.
    pub fn parse(text: &str, path: &Path) -> Result<Self, BudgetErrors> {
        let path = path.display().to_string();
        let (document, syntax) = DeTable::parse_recoverable(text);
        let mut mistakes: Vec<(usize, String)> = syntax
            .iter()
            .map(|error| {
                (line_of(text, error.span().map_or(0, |span| span.start)), error.message().to_owned())
            })
            .collect();
        // What follows a broken line would be a list of consequences.
        let budget =
            if mistakes.is_empty() { Some(checked(text, &path, &document, &mut mistakes)) } else { None };
        mistakes.sort();
        match budget {
            Some(budget) if mistakes.is_empty() => Ok(budget),
            _ => Err(BudgetErrors { path, mistakes }),
        }
    }
}

impl Kind {
    /// Exact counts first, then ratios, then absolute times.
    pub(super) const fn order(&self) -> u8 {
        match self {
            Self::Count { .. } | Self::Figure { .. } => 0,
            Self::Ratio { .. } => 1,
            Self::Absolute { .. } => 2,
        }
    }

    /// The word in files and tables.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Ratio { .. } => "ratio",
            Self::Absolute { .. } => "absolute",
            Self::Count { .. } => "count",
            Self::Figure { .. } => "figure",
        }
    }

    /// The limit in words.
    #[must_use]
    pub fn limit(&self) -> String {
        match self {
            Self::Ratio { limit, .. } => limit.clone(),
            Self::Absolute { max_ns } => format!("at most {}", crate::format::latency(*max_ns)),
            Self::Count { min, max, max_increase } => {
                let parts = [
                    min.map(|min| format!("at least {min}")),
                    max.map(|max| format!("at most {max}")),
                    max_increase.map(|by| format!("at most {by} above the baseline run")),
                ];
                parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
            }
            Self::Figure { min, max, .. } => {
                let parts =
                    [min.map(|min| format!("at least {min}")), max.map(|max| format!("at most {max}"))];
                parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
            }
        }
    }
}

impl Metric {
    /// The name in files and tables.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Latency(quantile) => quantile.as_str(),
            Self::Count(metric) => metric.as_str(),
            Self::Figure => "figure",
        }
    }

    /// Whether a failed rule on it means that answers were wrong.
    pub(super) fn is_functional(self) -> bool {
        matches!(self, Self::Count(metric) if metric.is_functional())
    }

    /// The names of all exact counts.
    #[must_use]
    pub fn counts() -> Vec<&'static str> {
        count::CountMetric::ALL.into_iter().map(count::CountMetric::as_str).collect()
    }
}

impl Rule {
    /// The name of what is limited: a metric, or a scenario's figure.
    #[must_use]
    pub fn metric_name(&self) -> &str {
        match &self.kind {
            Kind::Figure { name, .. } => name,
            _ => self.metric.as_str(),
        }
    }

    /// The rule in words, without its limit: `product detail · p50 ratio (hit)`.
    #[must_use]
    pub fn name(&self) -> String {
        let what = match (&self.kind, self.variant) {
            (Kind::Ratio { .. }, _) => format!("{} ratio", self.metric.as_str()),
            (_, Some(Variant::Baseline)) => format!("{} of the baseline", self.metric_name()),
            _ => self.metric_name().to_owned(),
        };
        let outcome = self.outcome.map_or_else(String::new, |outcome| format!(" ({outcome})"));
        format!("{} · {what}{outcome}", self.experiment)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
