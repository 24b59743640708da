//! Absolute rules: a percentile of one variant in time.
//!
//! Such a rule holds on the machine on which it was written, and only with a slack.

use super::{Case, Finding, Noisy};
use crate::comparison::ExperimentComparison;
use crate::format::latency;
use crate::gate::budget::{Metric, Rule};
use crate::level::{Of, level};
use hitmark_schema::Variant;

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
    let level = level(case.run, experiment, Of { variant, outcome: rule.outcome, quantile })?;
    Ok(Finding::Noisy(Box::new(Noisy {
        value: level.value,
        shift: level.shift,
        observations: level.observations,
        detectable: level.detectable,
        max: max_ns,
        fail_above: max_ns,
        show: latency,
        remark: None,
    })))
}
