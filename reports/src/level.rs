//! A percentile of one variant in time, with its noise.
//!
//! The figure is that of the merged histograms; its noise is how far the super-blocks lie apart.
//! Budgets and claims hold such a figure against a limit: deciding is theirs.

use hdrhistogram::Histogram;
use hitmark_schema::measurement::latency_histogram;
use hitmark_schema::{Outcome, Run, Timing, Variant};

use crate::comparison::ExperimentComparison;
use crate::pairing::groups;
use crate::statistics::{ALPHA_INTERVAL, PAIRS_MAX, PAIRS_MIN, Quantile, Shift, detectable};
use crate::variants::not_failed;

/// Which percentile.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Of {
    pub(crate) variant: Variant,
    /// Only answers of this outcome.
    pub(crate) outcome: Option<Outcome>,
    pub(crate) quantile: Quantile,
}

/// A percentile in nanoseconds, and the distribution of its logarithm.
pub(crate) struct Level {
    pub(crate) value: f64,
    pub(crate) shift: Shift,
    /// Observations behind the noise.
    pub(crate) observations: usize,
    pub(crate) detectable: Option<f64>,
}

impl Level {
    /// The two-sided 95 % interval in nanoseconds; none below six observations.
    pub(crate) fn interval(&self) -> Option<(f64, f64)> {
        interval(&self.shift, self.observations)
    }
}

/// The two-sided 95 % interval of what a shift of logarithms says; none below six observations.
pub(crate) fn interval(shift: &Shift, observations: usize) -> Option<(f64, f64)> {
    let bounds = shift.lower(ALPHA_INTERVAL).zip(shift.upper(ALPHA_INTERVAL));
    bounds.filter(|_| observations >= PAIRS_MIN).map(|(lower, upper)| (lower.exp(), upper.exp()))
}

/// Measures a percentile of one side of an experiment.
pub(crate) fn level(run: &Run, experiment: &ExperimentComparison, of: Of) -> Result<Level, String> {
    let Of { variant, outcome, quantile } = of;
    let side = experiment.side(variant).ok_or_else(|| format!("the experiment has no {variant}"))?;
    let summary = match outcome {
        None => &side.overall,
        Some(outcome) => side
            .of(outcome)
            .ok_or_else(|| format!("{} had no request with the outcome {outcome}", side.name))?,
    };
    let needed = quantile.values_needed();
    let value = quantile.of(&summary.histogram).filter(|_| summary.count >= needed);
    let value = value
        .ok_or_else(|| format!("not enough data: {} values, needs {needed} for {quantile}", summary.count))?;
    let logs = logs(run, &experiment.experiment.slug, variant, outcome, quantile);
    // Too few values in a super-block for any noise: the shift of the figure itself has no interval.
    let logs = if logs.is_empty() { vec![(value.max(1) as f64).ln()] } else { logs };
    let shift = Shift::paired(&logs).ok_or_else(|| "no super-block was finished".to_owned())?;
    Ok(Level {
        value: value as f64,
        shift,
        observations: logs.len(),
        detectable: detectable(&logs).filter(|_| logs.len() >= PAIRS_MIN),
    })
}

/// The logarithm of the percentile in each super-block, neighbours merged where one has too few
/// values, as long as six remain.
fn logs(run: &Run, slug: &str, variant: Variant, outcome: Option<Outcome>, quantile: Quantile) -> Vec<f64> {
    let keep = |other: Outcome| outcome.map_or_else(|| not_failed(other), |outcome| other == outcome);
    let blocks: Vec<Histogram<u64>> =
        run.side(slug, variant).into_values().map(|block| block.merged(Timing::Body, keep)).collect();
    let merges_min = blocks.len().div_ceil(PAIRS_MAX).max(1);
    let merges_max = (blocks.len() / PAIRS_MIN).max(merges_min);
    (merges_min..=merges_max).find_map(|merged| logs_of(&blocks, merged, quantile)).unwrap_or_default()
}

fn logs_of(blocks: &[Histogram<u64>], merged: usize, quantile: Quantile) -> Option<Vec<f64>> {
    groups(blocks.len(), merged)
        .into_iter()
        .map(|range| {
            let mut sum = latency_histogram();
            for block in &blocks[range] {
                // Equal bounds by construction, so adding cannot fail.
                let _ = sum.add(block);
            }
            (sum.len() >= quantile.values_needed())
                .then(|| (sum.value_at_quantile(quantile.share()).max(1) as f64).ln())
        })
        .collect()
}
