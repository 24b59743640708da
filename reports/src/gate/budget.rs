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
//! ```
//!
//! A budget is checked whole: every mistake is told at once, with its line. An unknown key is a
//! mistake, since a misspelt limit would otherwise never be held.

use std::fmt;
use std::path::Path;

use hitmark_schema::{Outcome, Variant};
use toml::Spanned;
use toml::de::DeTable;

use super::fields::{Fields, line_of};
use super::rules::count;
use crate::statistics::{ALPHA_VERDICT, Quantile};
use crate::verdict::TOLERANCE;

/// Rules of a budget, at most.
const RULES_MAX: usize = 1_000;

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
}

/// The figure of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Metric {
    /// A latency quantile.
    Latency(Quantile),
    /// An exact count: its place in the table of [`Metric::counts`].
    Count(count::CountMetric),
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
            Self::Count { .. } => 0,
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
    /// The rule in words, without its limit: `product detail · p50 ratio (hit)`.
    #[must_use]
    pub fn name(&self) -> String {
        let what = match (&self.kind, self.variant) {
            (Kind::Ratio { .. }, _) => format!("{} ratio", self.metric.as_str()),
            (_, Some(Variant::Baseline)) => format!("{} of the baseline", self.metric.as_str()),
            _ => self.metric.as_str().to_owned(),
        };
        let outcome = self.outcome.map_or_else(String::new, |outcome| format!(" ({outcome})"));
        format!("{} · {what}{outcome}", self.experiment)
    }
}

fn checked(
    text: &str,
    path: &str,
    document: &Spanned<DeTable<'_>>,
    mistakes: &mut Vec<(usize, String)>,
) -> Budget {
    let mut root = Fields::new(text, document.get_ref(), 1, "the budget");
    let (mut alpha, mut on_inconclusive) = (ALPHA_VERDICT, OnInconclusive::Warn);
    if let Some((line, table)) = root.table("gate") {
        let mut gate = Fields::new(text, table, line, "[gate]");
        alpha = gate.number("alpha").unwrap_or(alpha);
        if !(alpha > 0.0 && alpha <= 0.2) {
            gate.mistake("alpha", format!("alpha is {alpha}; it lies between 0 and 0.2"));
        }
        on_inconclusive = gate.one_of("on_inconclusive", on_inconclusive_named).unwrap_or(on_inconclusive);
        gate.finish(mistakes);
    }
    let mut rules = Vec::new();
    for (line, table) in root.tables("rule", RULES_MAX) {
        let mut fields = Fields::new(text, table, line, "a rule");
        rules.extend(rule(&mut fields, line));
        fields.finish(mistakes);
    }
    root.finish(mistakes);
    if rules.is_empty() && mistakes.is_empty() {
        mistakes.push((1, "the budget has no [[rule]], so it would pass everything".to_owned()));
    }
    Budget { path: path.to_owned(), alpha, on_inconclusive, rules }
}

fn rule(fields: &mut Fields<'_>, line: usize) -> Option<Rule> {
    let experiment = fields.required_text("experiment");
    let kind = fields.required_text("kind");
    let outcome = fields.one_of("outcome", |text| {
        text.parse().map_err(|error: hitmark_schema::outcome::UnknownOutcome| error.to_string())
    });
    let (kind, metric, variant) = match kind.as_deref()? {
        "ratio" => (ratio(fields)?, latency(fields, &Quantile::COMPARED)?, None),
        "absolute" => (
            absolute(fields)?,
            latency(fields, &Quantile::ALL)?,
            Some(variant(fields).unwrap_or(Variant::Candidate)),
        ),
        "count" => {
            let metric = fields.one_of("metric", count::CountMetric::named);
            let kind = count_limits(fields)?;
            let metric = metric.or_else(|| fields.missing("metric"))?;
            if outcome.is_some() {
                fields.mistake("outcome", "a count has no outcome: it is over all requests".to_owned());
            }
            let side = variant(fields).or((!metric.is_of_both_sides()).then_some(Variant::Candidate));
            (kind, Metric::Count(metric), side)
        }
        other => {
            fields.mistake(
                "kind",
                format!("'{other}' is no kind of rule; the kinds are ratio, absolute, count"),
            );
            fields.ignore_the_rest();
            return None;
        }
    };
    Some(Rule { experiment: experiment?, kind, metric, outcome, variant, line })
}

fn ratio(fields: &mut Fields<'_>) -> Option<Kind> {
    let (max, speed_up) = (fields.positive("max"), fields.positive("min_speed_up"));
    let tolerance = fields.number("tolerance");
    if tolerance.is_some_and(|tolerance| !(0.0..1.0).contains(&tolerance)) {
        fields.mistake("tolerance", "tolerance is a share from 0 to 1, for example 0.02".to_owned());
    }
    match (max, speed_up) {
        (Some(max), None) => {
            let fail_above = max.min(1.0 + tolerance.unwrap_or(TOLERANCE));
            Some(Kind::Ratio { max, fail_above, limit: format!("at most {max}") })
        }
        (None, Some(speed_up)) if tolerance.is_none() => {
            let max = 1.0 / speed_up;
            Some(Kind::Ratio { max, fail_above: max, limit: format!("at least {speed_up}× faster") })
        }
        (None, Some(_)) => {
            fields.mistake("tolerance", "tolerance goes with max, not with min_speed_up".to_owned());
            None
        }
        (Some(_), Some(_)) => {
            fields.mistake("min_speed_up", "a ratio has either max or min_speed_up".to_owned());
            None
        }
        (None, None) => fields.missing("max (or min_speed_up)"),
    }
}

fn absolute(fields: &mut Fields<'_>) -> Option<Kind> {
    let max_ms = fields.positive("max_ms");
    let max = fields.one_of("max", duration_ns);
    match (max_ms.map(|ms| ms * 1e6), max) {
        (Some(max_ns), None) | (None, Some(max_ns)) => Some(Kind::Absolute { max_ns }),
        (Some(_), Some(_)) => {
            fields.mistake("max", "an absolute limit is either max or max_ms".to_owned());
            None
        }
        (None, None) => fields.missing("max (for example \"5ms\") or max_ms"),
    }
}

fn count_limits(fields: &mut Fields<'_>) -> Option<Kind> {
    let (min, max) = (fields.number("min"), fields.number("max"));
    let max_increase = fields.number("max_increase");
    if min.is_none() && max.is_none() && max_increase.is_none() {
        return fields.missing("min, max or max_increase");
    }
    if let (Some(low), Some(high)) = (min, max)
        && low > high
    {
        fields.mistake("min", format!("min {low} is above max {high}: nothing could pass"));
    }
    Some(Kind::Count { min, max, max_increase })
}

fn latency(fields: &mut Fields<'_>, allowed: &[Quantile]) -> Option<Metric> {
    let named = |text: &str| {
        let names: Vec<&str> = allowed.iter().map(|quantile| quantile.as_str()).collect();
        let known = allowed.iter().find(|quantile| quantile.as_str() == text);
        known.copied().ok_or_else(|| format!("'{text}' is not one of {}", names.join(", ")))
    };
    let had = fields.has("metric");
    let metric = fields.one_of("metric", named);
    if had { metric.map(Metric::Latency) } else { fields.missing("metric") }
}

fn variant(fields: &mut Fields<'_>) -> Option<Variant> {
    fields.one_of("variant", |text| {
        text.parse().map_err(|error: hitmark_schema::variant::UnknownVariant| error.to_string())
    })
}

fn on_inconclusive_named(text: &str) -> Result<OnInconclusive, String> {
    match text {
        "pass" => Ok(OnInconclusive::Pass),
        "warn" => Ok(OnInconclusive::Warn),
        "fail" => Ok(OnInconclusive::Fail),
        other => Err(format!("'{other}' is not one of pass, warn, fail")),
    }
}

/// A duration such as `5ms` or `250 us`, in nanoseconds.
fn duration_ns(text: &str) -> Result<f64, String> {
    let wrong = || format!("'{text}' is no duration; write for example \"5ms\" (ns, us, ms, s)");
    let split = text.find(|ch: char| ch.is_ascii_alphabetic() || ch == 'µ').ok_or_else(wrong)?;
    let (number, unit) = text.split_at(split);
    let scale = match unit {
        "ns" => 1.0,
        "us" | "µs" => 1e3,
        "ms" => 1e6,
        "s" => 1e9,
        _ => return Err(wrong()),
    };
    let value: f64 = number.trim().parse().map_err(|_| wrong())?;
    if value.is_finite() && value > 0.0 { Ok(value * scale) } else { Err(wrong()) }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
