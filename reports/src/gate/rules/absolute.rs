//! Absolute rules: a percentile of one variant in time.
//!
//! The figure is that of the merged histograms; its noise is how far the super-blocks lie apart.
//! Such a rule holds on the machine on which it was written, and only with a slack.

use super::{Case, Finding, Noisy};
use crate::comparison::ExperimentComparison;
use crate::format::latency;
use crate::gate::budget::{Metric, Rule};
use crate::pairing::groups;
use crate::statistics::{PAIRS_MAX, PAIRS_MIN, Quantile, Shift, detectable};
use crate::variants::not_failed;
use hdrhistogram::Histogram;
use hitmark_schema::measurement::latency_histogram;
use hitmark_schema::{Outcome, Timing, Variant};

pub(in crate::gate) fn find(
    case: &Case<'_>,
    experiment: &ExperimentComparison,
    rule: &Rule,
    max_ns: f64,
) -> Result<Finding, String> {
    let Metric::Latency(quantile) = rule.metric else {
        return Err("an absolute limit is one of latencies".to_owned());
    };
    let variant = rule.variant.unwrap_or(Variant::Candidate);
    let side = experiment.side(variant).ok_or_else(|| format!("the experiment has no {variant}"))?;
    let summary = match rule.outcome {
        None => &side.overall,
        Some(outcome) => side
            .of(outcome)
            .ok_or_else(|| format!("{} had no request with the outcome {outcome}", side.name))?,
    };
    let needed = quantile.values_needed();
    let value = quantile.of(&summary.histogram).filter(|_| summary.count >= needed);
    let value = value
        .ok_or_else(|| format!("not enough data: {} values, needs {needed} for {quantile}", summary.count))?;
    let logs = logs(case, &experiment.experiment.slug, variant, rule.outcome, quantile);
    // Too few values in a super-block for any noise: the shift of the figure itself has no interval.
    let logs = if logs.is_empty() { vec![(value.max(1) as f64).ln()] } else { logs };
    let shift = Shift::paired(&logs).ok_or_else(|| "no super-block was finished".to_owned())?;
    Ok(Finding::Noisy(Box::new(Noisy {
        value: value as f64,
        shift,
        observations: logs.len(),
        detectable: detectable(&logs).filter(|_| logs.len() >= PAIRS_MIN),
        max: max_ns,
        fail_above: max_ns,
        show: latency,
        remark: None,
    })))
}

/// The logarithm of the percentile in each super-block, neighbours merged where one has too few
/// values, as long as six remain.
fn logs(
    case: &Case<'_>,
    slug: &str,
    variant: Variant,
    outcome: Option<Outcome>,
    quantile: Quantile,
) -> Vec<f64> {
    let keep = |other: Outcome| outcome.map_or_else(|| not_failed(other), |outcome| other == outcome);
    let blocks: Vec<Histogram<u64>> =
        case.run.side(slug, variant).into_values().map(|block| block.merged(Timing::Body, keep)).collect();
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
