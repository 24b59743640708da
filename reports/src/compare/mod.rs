//! One run against another.
//!
//! Runs made minutes apart are not paired: what changed on the machine in between is inside every
//! difference, and no interval knows it. Where both runs hold a baseline and a candidate, their
//! paired ratios are compared, which cancels most of it: each run was its own control. Where one
//! side was measured alone, only raw latencies are left; they get an interval and a warning, and no
//! verdict. Intervals are Hodges–Lehmann shifts with the exact Mann–Whitney law.

mod shown;

pub use shown::COMPARE_SCHEMA;

use hitmark_schema::{Run, SuperBlock, Timing, Variant};

use crate::comparison::{ExperimentComparison, RunComparison, compare_run};
use crate::pairing::{NotMeasured, groups};
use crate::statistics::{ALPHA_INTERVAL, ALPHA_VERDICT, Quantile, Shift};
use crate::variants::not_failed;
use crate::verdict::{SAME_WITHIN, TOLERANCE, Verdict};

/// Observations of each run that are compared; more are merged, since the exact law costs the
/// fourth power of it.
const OBSERVATIONS_MAX: usize = 60;

/// The quantiles that are compared between runs.
const COMPARED: [Quantile; 2] = [Quantile::P50, Quantile::P99];

/// What a later run says against an earlier one.
#[derive(Debug, Clone, PartialEq)]
pub struct RunsComparison {
    /// Every experiment that both runs hold.
    pub experiments: Vec<Change>,
    /// Experiments that only one of them holds, and what else a reader should know.
    pub notes: Vec<String>,
}

/// How one experiment changed between two runs.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// The name of the experiment.
    pub name: String,
    /// What was compared.
    pub method: Method,
    /// After ÷ before of each quantile: below 1 is better.
    pub changes: Vec<(Quantile, Result<Estimate, NotMeasured>)>,
    /// The verdict on the median; none for raw latencies.
    pub verdict: Option<Verdict>,
    /// Hit ratio before and after.
    pub hit_ratio: (Option<f64>, Option<f64>),
}

/// What was compared between the runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// The ratio candidate ÷ baseline of each run: each run is its own control.
    PairedRatios,
    /// Raw latencies of the side that both runs hold.
    RawLatencies,
}

impl Method {
    const fn as_str(self) -> &'static str {
        match self {
            Self::PairedRatios => "ratio of paired ratios",
            Self::RawLatencies => "raw latencies",
        }
    }

    const fn warning(self) -> &'static str {
        match self {
            Self::PairedRatios => {
                "the runs are not paired with each other; each is its own control, so drift of the machine cancels, but not all of it"
            }
            Self::RawLatencies => {
                "the runs are not paired: the interval knows the noise within each run, not what changed on the machine in between, so there is no verdict"
            }
        }
    }
}

/// After ÷ before, with its 95 % interval where there are enough observations.
#[derive(Debug, Clone, PartialEq)]
pub struct Estimate {
    /// The Hodges–Lehmann estimate.
    pub estimate: f64,
    /// The two-sided 95 % interval.
    pub interval: Option<(f64, f64)>,
    /// The logarithms, for bounds at other levels.
    pub shift: Shift,
}

/// Compares run `after` with run `before`, experiment by experiment.
#[must_use]
pub fn compare_runs(before: &Run, after: &Run) -> RunsComparison {
    let (left, right) = (compare_run(before), compare_run(after));
    let mut experiments = Vec::new();
    let mut notes = Vec::new();
    for new in &right.experiments {
        match find(&left, &new.experiment.slug) {
            Some(old) => experiments.push(change(before, after, old, new)),
            None => notes.push(format!("{}: only the second run holds it", new.experiment.name)),
        }
    }
    for old in &left.experiments {
        if find(&right, &old.experiment.slug).is_none() {
            notes.push(format!("{}: only the first run holds it", old.experiment.name));
        }
    }
    for (run, place) in [(&left, "first"), (&right, "second")] {
        notes.extend(run.notes.iter().map(|note| format!("{place} run: {note}")));
    }
    if before.document.environment.cpu != after.document.environment.cpu {
        notes.push("the runs were made on different processors".to_owned());
    }
    RunsComparison { experiments, notes }
}

fn find<'a>(run: &'a RunComparison, slug: &str) -> Option<&'a ExperimentComparison> {
    run.experiments.iter().find(|experiment| experiment.experiment.slug == slug)
}

fn change(before: &Run, after: &Run, old: &ExperimentComparison, new: &ExperimentComparison) -> Change {
    let paired = !old.ratios.is_empty() && !new.ratios.is_empty();
    let method = if paired { Method::PairedRatios } else { Method::RawLatencies };
    let changes: Vec<_> = COMPARED
        .into_iter()
        .map(|quantile| {
            let estimate = if paired {
                of_ratios(old, new, quantile)
            } else {
                raw(before, after, &new.experiment.slug, quantile)
            };
            (quantile, estimate)
        })
        .collect();
    let void = [old, new].iter().any(|side| side.verdict == Some(Verdict::Invalid));
    let median = changes.first().and_then(|(_, estimate)| estimate.as_ref().ok());
    let verdict = match (void, paired) {
        (true, _) => Some(Verdict::Invalid),
        (false, true) => Some(median.map_or(Verdict::Inconclusive, judged)),
        (false, false) => None,
    };
    let name = new.experiment.name.clone();
    Change { name, method, changes, verdict, hit_ratio: (old.hit_ratio, new.hit_ratio) }
}

fn judged(estimate: &Estimate) -> Verdict {
    let limit = TOLERANCE.ln_1p();
    match estimate.interval {
        None => Verdict::Inconclusive,
        Some(_) if estimate.shift.p_below(-limit) <= ALPHA_VERDICT => Verdict::Faster,
        Some(_) if estimate.shift.p_above(limit) <= ALPHA_VERDICT => Verdict::Slower,
        Some((lower, upper)) if lower >= 1.0 / (1.0 + SAME_WITHIN) && upper <= 1.0 + SAME_WITHIN => {
            Verdict::Same
        }
        Some(_) => Verdict::Inconclusive,
    }
}

fn of_ratios(
    old: &ExperimentComparison,
    new: &ExperimentComparison,
    quantile: Quantile,
) -> Result<Estimate, NotMeasured> {
    let logs = |side: &ExperimentComparison| match side.ratio(quantile) {
        Some(Ok(ratio)) => Ok(thinned(ratio.each.iter().map(|each| each.ln()).collect())),
        Some(Err(reason)) => Err(reason.clone()),
        None => Err(NotMeasured("no candidate was measured".to_owned())),
    };
    estimate(&logs(old)?, &logs(new)?)
}

/// Raw latencies of the candidate where both runs have one, else of the baseline: after ÷ before.
pub(crate) fn raw(
    before: &Run,
    after: &Run,
    slug: &str,
    quantile: Quantile,
) -> Result<Estimate, NotMeasured> {
    let both = |variant| [before, after].iter().all(|run| !run.side(slug, variant).is_empty());
    let variant = Variant::ALL
        .into_iter()
        .rev()
        .find(|variant| both(*variant))
        .ok_or_else(|| NotMeasured("the runs have no measured side in common".to_owned()))?;
    estimate(&logs_of(before, slug, variant, quantile)?, &logs_of(after, slug, variant, quantile)?)
}

fn logs_of(run: &Run, slug: &str, variant: Variant, quantile: Quantile) -> Result<Vec<f64>, NotMeasured> {
    let side: Vec<&SuperBlock> = run.side(slug, variant).into_values().collect();
    let logs: Vec<f64> = side
        .iter()
        .map(|block| block.merged(Timing::Body, not_failed))
        .filter(|histogram| histogram.len() >= quantile.values_needed())
        .map(|histogram| (histogram.value_at_quantile(quantile.share()).max(1) as f64).ln())
        .collect();
    if logs.is_empty() {
        let needed = quantile.values_needed();
        return Err(NotMeasured(format!(
            "not enough data: no super-block has the {needed} values that {quantile} needs"
        )));
    }
    Ok(thinned(logs))
}

/// At most [`OBSERVATIONS_MAX`] figures: means of neighbours, should there be more.
fn thinned(logs: Vec<f64>) -> Vec<f64> {
    if logs.len() <= OBSERVATIONS_MAX {
        return logs;
    }
    groups(logs.len(), logs.len().div_ceil(OBSERVATIONS_MAX))
        .into_iter()
        .map(|range| logs[range.clone()].iter().sum::<f64>() / range.len() as f64)
        .collect()
}

fn estimate(before: &[f64], after: &[f64]) -> Result<Estimate, NotMeasured> {
    let shift = Shift::unpaired(before, after)
        .ok_or_else(|| NotMeasured("one of the runs has no finished super-block".to_owned()))?;
    let interval = match (shift.lower(ALPHA_INTERVAL), shift.upper(ALPHA_INTERVAL)) {
        (Some(lower), Some(upper)) => Some((lower.exp(), upper.exp())),
        _ => None,
    };
    Ok(Estimate { estimate: shift.estimate().exp(), interval, shift })
}
