//! Ratio rules: candidate ÷ baseline of a percentile, from the pairs of the run.
//!
//! Where the experiment has no candidate, the same side of the baseline run stands in, unpaired, and
//! the report says so.

use super::{Case, Finding, Noisy};
use crate::compare::raw;
use crate::comparison::ExperimentComparison;
use crate::format::significant;
use crate::gate::budget::{Metric, Rule};
use crate::pairing::Ratio;
use crate::statistics::{PAIRS_MIN, Quantile};

pub(in crate::gate) fn find(
    case: &Case<'_>,
    experiment: &ExperimentComparison,
    rule: &Rule,
    max: f64,
    fail_above: f64,
) -> Result<Finding, String> {
    let Metric::Latency(quantile) = rule.metric else {
        return Err("a ratio is one of latencies".to_owned());
    };
    if experiment.ratios.is_empty() {
        if let Some(outcome) = rule.outcome {
            return Err(format!(
                "two runs are compared over all outcomes only: leave outcome = \"{outcome}\" out, or give the experiment a candidate"
            ));
        }
        return unpaired(case, experiment, quantile, max, fail_above);
    }
    let (ratio, remark) = paired(experiment, rule, quantile)?;
    Ok(Finding::Noisy(Box::new(Noisy {
        value: ratio.estimate,
        shift: ratio.shift.clone(),
        observations: ratio.each.len(),
        detectable: ratio.detectable,
        max,
        fail_above,
        show: significant,
        remark,
    })))
}

fn paired<'a>(
    experiment: &'a ExperimentComparison,
    rule: &Rule,
    quantile: Quantile,
) -> Result<(&'a Ratio, Option<String>), String> {
    let (ratios, remark) = match rule.outcome {
        None => (&experiment.ratios, None),
        Some(outcome) => {
            let of = experiment.ratios_by_outcome.iter().find(|of| of.outcome == outcome);
            let of = of.ok_or_else(|| format!("the candidate had no request with the outcome {outcome}"))?;
            (
                &of.ratios,
                Some(format!(
                    "the candidate's {outcome} against the baseline's requests: {}",
                    of.against.as_str()
                )),
            )
        }
    };
    let found = ratios.iter().find(|(other, _)| *other == quantile).map(|(_, ratio)| ratio);
    match found {
        Some(Ok(ratio)) => Ok((ratio, remark)),
        Some(Err(reason)) => Err(reason.to_string()),
        None => Err(format!("{quantile} is not compared")),
    }
}

fn unpaired(
    case: &Case<'_>,
    experiment: &ExperimentComparison,
    quantile: Quantile,
    max: f64,
    fail_above: f64,
) -> Result<Finding, String> {
    let before = case.baseline.ok_or_else(|| {
        "no baseline: the experiment has no candidate, and no baseline run was given (--baseline RUN_DIR)"
            .to_owned()
    })?;
    let slug = &experiment.experiment.slug;
    let estimate = raw(before, case.run, slug, quantile).map_err(|reason| reason.to_string())?;
    let observations = if estimate.interval.is_some() { PAIRS_MIN } else { 0 };
    Ok(Finding::Noisy(Box::new(Noisy {
        value: estimate.estimate,
        shift: estimate.shift,
        observations,
        detectable: None,
        max,
        fail_above,
        show: significant,
        remark: Some(
            "unpaired: this run against the baseline run, so drift of the machine is inside the figure"
                .to_owned(),
        ),
    })))
}
