//! The figure that a claim is about, out of a run.
//!
//! Speed-ups and savings are the paired ratio of the run, turned round; times are a percentile with
//! the noise of its super-blocks; shares of requests and bytes are counted.

use hitmark_schema::{Outcome, Run, Variant};

use crate::comparison::ExperimentComparison;
use crate::format::{latency, percent, significant};
use crate::level::{Of, interval, level};
use crate::statistics::{Quantile, Shift};
use crate::variants::VariantSummary;
use crate::verdict::Verdict;

/// Which figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kind {
    /// What is measured.
    pub figure: Figure,
    /// Of which side; speed-ups and savings compare both.
    pub variant: Variant,
    /// At which percentile, for times.
    pub quantile: Quantile,
    /// Only answers of this outcome, for times.
    pub outcome: Option<Outcome>,
}

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Figure {
    /// Baseline ÷ candidate of a percentile.
    SpeedUp,
    /// 1 − candidate ÷ baseline of a percentile.
    TimeSaved,
    /// 1 − candidate ÷ baseline of body bytes per request.
    BytesSaved,
    /// A percentile of one side, in nanoseconds.
    Latency,
    /// Finished requests per second of one side.
    Throughput,
    /// Requests per second, candidate ÷ baseline.
    ThroughputRatio,
    /// Database queries ÷ requests of one side, as the service counts them.
    QueriesPerRequest,
    /// Answers out of the cache ÷ requests that asked it, of the candidate.
    HitRatio,
    /// Requests that were answered rightly ÷ requests that were due, of one side.
    SuccessRatio,
}

/// A figure that was measured.
pub(super) struct Measured {
    pub(super) value: f64,
    pub(super) interval: Option<(f64, f64)>,
    /// Whether it was counted, so that it has no noise of measuring.
    pub(super) exact: bool,
}

impl Figure {
    /// Every figure.
    pub const ALL: [Self; 9] = [
        Self::SpeedUp,
        Self::TimeSaved,
        Self::BytesSaved,
        Self::Latency,
        Self::Throughput,
        Self::ThroughputRatio,
        Self::QueriesPerRequest,
        Self::HitRatio,
        Self::SuccessRatio,
    ];

    /// The name in files.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SpeedUp => "speed_up",
            Self::TimeSaved => "time_saved",
            Self::BytesSaved => "bytes_saved",
            Self::Latency => "latency",
            Self::Throughput => "throughput",
            Self::ThroughputRatio => "throughput_ratio",
            Self::QueriesPerRequest => "queries_per_request",
            Self::HitRatio => "hit_ratio",
            Self::SuccessRatio => "success_ratio",
        }
    }

    /// The unit of its values.
    #[must_use]
    pub const fn unit(self) -> &'static str {
        match self {
            Self::SpeedUp
            | Self::TimeSaved
            | Self::BytesSaved
            | Self::ThroughputRatio
            | Self::HitRatio
            | Self::SuccessRatio => "ratio",
            Self::QueriesPerRequest => "queries per request",
            Self::Latency => "ns",
            Self::Throughput => "requests per second",
        }
    }

    /// A value as a person reads it.
    #[must_use]
    pub fn show(self, value: f64) -> String {
        match self {
            Self::SpeedUp | Self::ThroughputRatio => format!("{}×", significant(value)),
            Self::QueriesPerRequest => significant(value),
            Self::Latency => latency(value),
            Self::Throughput => format!("{}/s", significant(value)),
            Self::TimeSaved | Self::BytesSaved | Self::HitRatio | Self::SuccessRatio => percent(value),
        }
    }

    /// Whether it is one of a percentile.
    pub(super) const fn has_quantile(self) -> bool {
        matches!(self, Self::SpeedUp | Self::TimeSaved | Self::Latency)
    }

    /// Whether it is one of a side that the claim chooses.
    pub(super) const fn has_side(self) -> bool {
        matches!(self, Self::Latency | Self::Throughput | Self::QueriesPerRequest | Self::SuccessRatio)
    }
}

/// Measures a figure, or says why it cannot be.
pub(super) fn measure(run: &Run, of: &ExperimentComparison, kind: &Kind) -> Result<Measured, String> {
    let counted = matches!(
        kind.figure,
        Figure::BytesSaved | Figure::QueriesPerRequest | Figure::HitRatio | Figure::SuccessRatio
    );
    if !counted && of.verdict == Some(Verdict::Invalid) {
        return Err(format!("the timing is void: {}", of.why));
    }
    match kind.figure {
        Figure::SpeedUp => ratio(of, kind, |ratio| 1.0 / ratio),
        Figure::TimeSaved => ratio(of, kind, |ratio| 1.0 - ratio),
        Figure::BytesSaved => bytes_saved(of),
        Figure::Latency => time(run, of, kind),
        Figure::Throughput => throughput(run, of, kind.variant),
        Figure::ThroughputRatio => throughput_ratio(of),
        Figure::QueriesPerRequest => queries(side(of, kind.variant)?),
        Figure::HitRatio => {
            of.hit_ratio.map(exact).ok_or_else(|| "the candidate's cache was never asked".to_owned())
        }
        Figure::SuccessRatio => success_ratio(side(of, kind.variant)?),
    }
}

/// A falling function of the paired ratio.
fn ratio(of: &ExperimentComparison, kind: &Kind, turned: fn(f64) -> f64) -> Result<Measured, String> {
    let ratios = match kind.outcome {
        None => &of.ratios,
        Some(outcome) => {
            let found = of.ratios_by_outcome.iter().find(|ratios| ratios.outcome == outcome);
            &found.ok_or_else(|| format!("the candidate had no request with the outcome {outcome}"))?.ratios
        }
    };
    let found = ratios.iter().find(|(quantile, _)| *quantile == kind.quantile).map(|(_, ratio)| ratio);
    let found = found.ok_or_else(|| format!("{} is not compared", kind.quantile))?;
    let ratio = found.as_ref().map_err(ToString::to_string)?;
    let interval = ratio.interval.map(|(lower, upper)| (turned(upper), turned(lower)));
    Ok(Measured { value: turned(ratio.estimate), interval, exact: false })
}

fn time(run: &Run, of: &ExperimentComparison, kind: &Kind) -> Result<Measured, String> {
    let Kind { variant, outcome, quantile, .. } = *kind;
    let level = level(run, of, Of { variant, outcome, quantile })?;
    Ok(Measured { value: level.value, interval: level.interval(), exact: false })
}

/// Requests over active time, with the noise of the super-blocks' rates.
fn throughput(run: &Run, of: &ExperimentComparison, variant: Variant) -> Result<Measured, String> {
    let side = side(of, variant)?;
    if side.active_s <= 0.0 {
        return Err(format!("{} was never under load", side.name));
    }
    let logs: Vec<f64> = run
        .side(&of.experiment.slug, variant)
        .into_values()
        .filter(|block| block.counters.requests > 0 && block.active_ns > 0)
        .map(|block| (block.counters.requests as f64 * 1e9 / block.active_ns as f64).ln())
        .collect();
    let bounds = Shift::paired(&logs).and_then(|shift| interval(&shift, logs.len()));
    let value = side.counters.requests as f64 / side.active_s;
    Ok(Measured { value, interval: bounds, exact: false })
}

fn throughput_ratio(of: &ExperimentComparison) -> Result<Measured, String> {
    let ratio = of.throughput.as_ref().ok_or_else(|| "no pair of super-blocks was finished".to_owned())?;
    Ok(Measured { value: ratio.estimate, interval: ratio.interval, exact: false })
}

fn queries(side: &VariantSummary) -> Result<Measured, String> {
    let queries = side.per_request(side.counters.database_queries);
    queries.map(exact).ok_or_else(|| format!("nobody counted the queries of {}", side.name))
}

fn bytes_saved(of: &ExperimentComparison) -> Result<Measured, String> {
    let per_request = |variant| {
        let counters = &side(of, variant)?.counters;
        if counters.requests == 0 {
            return Err(format!("the {variant} finished no request"));
        }
        Ok(counters.body_bytes as f64 / counters.requests as f64)
    };
    let (baseline, candidate) = (per_request(Variant::Baseline)?, per_request(Variant::Candidate)?);
    if baseline == 0.0 {
        return Err("the baseline's bodies are empty".to_owned());
    }
    Ok(exact(1.0 - candidate / baseline))
}

fn success_ratio(side: &VariantSummary) -> Result<Measured, String> {
    let counters = &side.counters;
    let due = counters.requests + counters.dropped;
    if due == 0 {
        return Err(format!("{} had no request", side.name));
    }
    let answered = counters.requests.saturating_sub(counters.errors_total());
    Ok(exact(answered as f64 / due as f64))
}

fn side(of: &ExperimentComparison, variant: Variant) -> Result<&VariantSummary, String> {
    of.side(variant).ok_or_else(|| format!("the experiment has no {variant}"))
}

fn exact(value: f64) -> Measured {
    Measured { value, interval: None, exact: true }
}
