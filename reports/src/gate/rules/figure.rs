//! Figure rules: what a scenario found, held to limits in the figure's own unit.
//!
//! A figure without an interval is decided as it is. One with an interval passes only if all of it keeps
//! the limits and fails only if none of it does; in between nothing is proven.

use hitmark_schema::Variant;
use hitmark_schema::scenario::Figure;

use super::{Case, Finding};
use crate::gate::RuleVerdict;
use crate::gate::budget::{Kind, Rule};
use crate::gate::rules::count::shown;

pub(in crate::gate) fn find(case: &Case<'_>, rule: &Rule) -> Result<Finding, String> {
    let Kind::Figure { name, min, max } = &rule.kind else {
        return Err("a figure rule is one of a scenario's figures".to_owned());
    };
    let scenarios = &case.comparison.scenarios;
    let findings = scenarios.iter().find(|findings| findings.experiment.name == rule.experiment);
    let findings = findings.ok_or_else(|| {
        let names: Vec<&str> = scenarios.iter().map(|other| other.experiment.name.as_str()).collect();
        format!("the run has no scenario '{}'; it has {}", rule.experiment, listed(&names))
    })?;
    let variant = rule.variant.unwrap_or(Variant::Candidate);
    let result = findings.results.iter().find(|result| result.variant == variant);
    let result = result.ok_or_else(|| format!("the scenario has no result of the {variant}"))?;
    let figure = result.figure(name).ok_or_else(|| {
        let names: Vec<&str> = result.figures.iter().map(|figure| figure.name.as_str()).collect();
        format!("{} has no figure '{name}'; it has {}", findings.scenario, listed(&names))
    })?;
    let value = figure.value.ok_or_else(|| format!("'{name}' was not measured"))?;
    let found =
        decided(figure, value, min.unwrap_or(f64::NEG_INFINITY), max.unwrap_or(f64::INFINITY), &rule.kind);
    Ok(if case.run.document.extent.is_whole() { found } else { undecided(found) })
}

fn decided(figure: &Figure, value: f64, min: f64, max: f64, kind: &Kind) -> Finding {
    let interval = figure.lower.zip(figure.upper);
    let (lower, upper) = interval.unwrap_or((value, value));
    let verdict = if min <= lower && upper <= max {
        RuleVerdict::Pass
    } else if upper < min || lower > max {
        RuleVerdict::Fail
    } else {
        RuleVerdict::Inconclusive
    };
    let found = match interval {
        None => format!("exact: {}", shown(value)),
        Some((lower, upper)) => {
            format!("{} with 95 % between {} and {}", shown(value), shown(lower), shown(upper))
        }
    };
    let why = match verdict {
        RuleVerdict::Pass => found,
        _ => format!("{found}; the limit is {}", kind.limit()),
    };
    Finding::Exact { value, interval, verdict, why }
}

/// A quick run looks: what it found is shown and decides nothing.
fn undecided(found: Finding) -> Finding {
    match found {
        Finding::Exact { value, interval, why, .. } => {
            let why = format!("{why}; found by a quick run, which decides nothing");
            Finding::Exact { value, interval, verdict: RuleVerdict::Inconclusive, why }
        }
        other => other,
    }
}

fn listed(names: &[&str]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}
