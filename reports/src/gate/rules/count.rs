//! Count rules: exact figures, which need no statistics and cannot flake.

use hitmark_schema::Variant;

use super::{Case, Finding};
use crate::comparison::ExperimentComparison;
use crate::gate::RuleVerdict;
use crate::gate::budget::{Kind, Metric, Rule};
use crate::variants::VariantSummary;

/// An exact figure of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CountMetric {
    /// Failed requests.
    Errors,
    /// Failed requests ÷ requests.
    ErrorRatio,
    /// Bodies that differ between the variants.
    Mismatches,
    /// Responses older than the last committed write.
    StaleReads,
    /// Answers out of the cache ÷ requests that asked it.
    HitRatio,
    /// Calls of the origin ÷ requests.
    OriginCallsPerRequest,
    /// Response body bytes ÷ requests.
    BytesPerRequest,
    /// Requests for which the cache server could not be asked.
    CacheUnreachable,
    /// Arrivals that were due and never sent.
    Dropped,
    /// Requests.
    Requests,
}

impl CountMetric {
    /// Every figure.
    pub const ALL: [Self; 10] = [
        Self::Errors,
        Self::ErrorRatio,
        Self::Mismatches,
        Self::StaleReads,
        Self::HitRatio,
        Self::OriginCallsPerRequest,
        Self::BytesPerRequest,
        Self::CacheUnreachable,
        Self::Dropped,
        Self::Requests,
    ];

    /// The name in budgets.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Errors => "errors",
            Self::ErrorRatio => "error_ratio",
            Self::Mismatches => "mismatches",
            Self::StaleReads => "stale_reads",
            Self::HitRatio => "hit_ratio",
            Self::OriginCallsPerRequest => "origin_calls_per_request",
            Self::BytesPerRequest => "bytes_per_request",
            Self::CacheUnreachable => "cache_unreachable",
            Self::Dropped => "dropped",
            Self::Requests => "requests",
        }
    }

    pub(in crate::gate) fn named(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|metric| metric.as_str() == text)
            .ok_or_else(|| format!("'{text}' is not one of {}", Self::ALL.map(Self::as_str).join(", ")))
    }

    /// Whether too much of it means that answers were wrong.
    #[must_use]
    pub const fn is_functional(self) -> bool {
        matches!(self, Self::Errors | Self::ErrorRatio | Self::Mismatches | Self::StaleReads)
    }

    /// Whether it is over both sides unless a rule names one: a wrong answer is wrong on any side.
    #[must_use]
    pub const fn is_of_both_sides(self) -> bool {
        self.is_functional()
    }

    /// The figure of one side; none if it was not measured.
    fn of(self, side: &VariantSummary) -> Option<f64> {
        let counters = &side.counters;
        // A side that answered nothing measured nothing, not zero errors.
        if counters.requests == 0 {
            return None;
        }
        match self {
            Self::Errors => Some(counters.errors_total() as f64),
            Self::ErrorRatio => side.error_ratio(),
            Self::Mismatches => Some(counters.mismatches as f64),
            Self::StaleReads => counters.stale_reads.map(|count| count as f64),
            Self::HitRatio => side.hit_ratio(),
            Self::OriginCallsPerRequest => side.per_request(counters.origin_calls),
            Self::BytesPerRequest => side.per_request(Some(counters.body_bytes)),
            Self::CacheUnreachable => Some(counters.cache_unreachable as f64),
            Self::Dropped => Some(counters.dropped as f64),
            Self::Requests => Some(counters.requests as f64),
        }
    }

    /// The figure of an experiment: of one side, or of both together.
    fn of_experiment(
        self,
        experiment: &ExperimentComparison,
        variant: Option<Variant>,
    ) -> Result<f64, String> {
        let unmeasured = |name: &str| format!("{} of {name} was not measured", self.as_str());
        if let Some(variant) = variant {
            let side = experiment.side(variant).ok_or_else(|| format!("the experiment has no {variant}"))?;
            return self.of(side).ok_or_else(|| unmeasured(&side.name));
        }
        let figures = experiment.variants.iter().map(|side| Some((side, self.of(side)?)));
        // Stale reads are the candidate's business: a baseline without a cache need not count them.
        let measured: Vec<(&VariantSummary, f64)> = match self {
            Self::StaleReads => figures.flatten().collect(),
            _ => figures.collect::<Option<_>>().unwrap_or_default(),
        };
        if measured.is_empty() {
            return Err(unmeasured("the variants"));
        }
        let total: f64 = measured.iter().map(|(_, figure)| figure).sum();
        if self == Self::ErrorRatio {
            let requests: u64 = measured.iter().map(|(side, _)| side.counters.requests).sum();
            let errors: u64 = measured.iter().map(|(side, _)| side.counters.errors_total()).sum();
            return Ok(errors as f64 / requests as f64);
        }
        Ok(total)
    }
}

pub(in crate::gate) fn find(
    case: &Case<'_>,
    experiment: &ExperimentComparison,
    rule: &Rule,
) -> Result<Finding, String> {
    let (Metric::Count(metric), Kind::Count { min, max, max_increase }) = (rule.metric, &rule.kind) else {
        return Err("a count rule is one of counts".to_owned());
    };
    let value = metric.of_experiment(experiment, rule.variant)?;
    let mut why = format!("exact: {}", shown(value));
    let mut kept = min.is_none_or(|min| value >= min) && max.is_none_or(|max| value <= max);
    if let Some(increase) = max_increase {
        let before = before(case, rule, metric)?;
        kept &= value <= before + increase;
        why = format!("{why}, {} in the baseline run", shown(before));
    }
    let verdict = if kept { RuleVerdict::Pass } else { RuleVerdict::Fail };
    if !kept {
        why = format!("{why}; the limit is {}", rule.kind.limit());
    }
    Ok(Finding::Exact { value, interval: None, verdict, why })
}

fn before(case: &Case<'_>, rule: &Rule, metric: CountMetric) -> Result<f64, String> {
    let before =
        case.before.ok_or_else(|| "no baseline: max_increase needs --baseline RUN_DIR".to_owned())?;
    let experiment = case
        .experiment(before, &rule.experiment)
        .map_err(|reason| format!("in the baseline run, {reason}"))?;
    metric.of_experiment(experiment, rule.variant).map_err(|reason| format!("in the baseline run, {reason}"))
}

/// An exact figure: whole if it is whole, else with six digits.
pub(in crate::gate) fn shown(value: f64) -> String {
    if value.fract() == 0.0 && value.abs() < 1e15 { format!("{value:.0}") } else { format!("{value:.6}") }
}
