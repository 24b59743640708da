//! The report for programs. Shape, version 1:
//!
//! ```json
//! {"schema": 1, "conclusion": "…", "exit_code": 0, "budget": "budget.toml", "notes": [],
//!  "functional_errors": [{"experiment": "…", "reason": "…"}],
//!  "rules": [{"name": "…", "experiment": "…", "kind": "ratio|absolute|count", "metric": "p50", "outcome": null, "variant": null,
//!    "limit": "at most 1.05", "value": 0.03, "lower": 0.029, "upper": 0.031, "detectable": 0.01, "unit": "ratio|ns|count",
//!    "verdict": "pass|fail|inconclusive|no data", "why": "…", "line": 7}]}
//! ```
//!
//! What was not measured is null.

use serde_json::{Value, json};

use super::conclusion;
use crate::format::number;
use crate::gate::{GateReport, Judged, Kind};

/// The version of the shape.
const GATE_SCHEMA: u32 = 1;

pub(super) fn render(report: &GateReport) -> String {
    let errors = report.functional_errors.iter();
    let errors: Vec<Value> =
        errors.map(|(name, reason)| json!({"experiment": name, "reason": reason})).collect();
    let document = json!({
        "schema": GATE_SCHEMA,
        "conclusion": conclusion(report),
        "exit_code": report.exit_code(),
        "budget": report.budget,
        "functional_errors": errors,
        "rules": report.judged.iter().map(rule).collect::<Vec<_>>(),
        "notes": report.notes,
    });
    format!("{document:#}\n")
}

fn rule(judged: &Judged) -> Value {
    let unit = match judged.rule.kind {
        Kind::Ratio { .. } => "ratio",
        Kind::Absolute { .. } => "ns",
        Kind::Count { .. } => "count",
        Kind::Figure { .. } => "figure",
    };
    json!({
        "name": judged.rule.name(),
        "experiment": judged.rule.experiment,
        "kind": judged.rule.kind.as_str(),
        "metric": judged.rule.metric_name(),
        "outcome": judged.rule.outcome,
        "variant": judged.rule.variant,
        "limit": judged.rule.kind.limit(),
        "value": judged.value.map(number),
        "lower": judged.interval.map(|(lower, _)| number(lower)),
        "upper": judged.interval.map(|(_, upper)| number(upper)),
        "detectable": judged.detectable.map(number),
        "unit": unit,
        "verdict": judged.verdict.as_str(),
        "why": judged.why,
        "line": judged.rule.line,
    })
}
