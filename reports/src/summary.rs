//! `summary.json`: what a run says, for programs.
//!
//! # Shape, version 1
//!
//! ```json
//! {"schema": 1, "valid": true, "notes": ["…"],
//!  "events": [{"at_s": 12.3, "experiment": "product-detail", "variant": "candidate", "kind": "cache_unreachable", "what": "…", "detail": "…"}],
//!  "experiments": [{"name": "…", "slug": "…", "system": null, "differs": "response cache",
//!   "verdict": "faster|slower|same|inconclusive|invalid", "why": "…", "headline": "…",
//!   "pairs": 20, "pairs_planned": 20,
//!   "ratio": {"p50": {"estimate": 0.03, "lower": 0.028, "upper": 0.033, "detectable": 0.01, "pairs": 20, "blocks_per_pair": 1, "reason": null}, "p90": {}, "p95": {}, "p99": {}},
//!   "ratio_by_outcome": {"hit": {"against": "same outcome|all", "p50": {}, "p90": {}, "p95": {}, "p99": {}}},
//!   "hit_ratio": 0.97, "break_even_hit_ratio": 0.04, "net_seconds_saved_per_request": 0.004,
//!   "throughput": {"estimate": 30.1, "lower": 29.0, "upper": 31.2, "detectable": 0.01, "pairs": 20, "blocks_per_pair": 1, "reason": null}, "notes": ["…"],
//!   "variants": [{"variant": "candidate", "name": "cached", "requests": 120000, "errors": 0, "errors_by_kind": {}, "mismatches": 0,
//!     "bodies_compared": 15000, "bytes": 0, "origin_calls": null, "database_queries": null, "cpu_ns": null, "stale_reads": null, "cache_unreachable": 0, "dropped": 0, "active_s": 20.0,
//!     "requests_per_s": 6000.0, "bytes_per_request": 1210.0, "queries_per_request": null, "cpu_ns_per_request": null,
//!     "overall": {"count": 120000, "mean_ns": 0.0, "p50_ns": 61000, "p90_ns": 0, "p95_ns": 0, "p99_ns": 0, "p999_ns": 0, "max_ns": 0},
//!     "outcomes": [{"outcome": "hit", "count": 116400, "mean_ns": 0.0, "p50_ns": 61000, "p90_ns": 0, "p95_ns": 0, "p99_ns": 0, "p999_ns": 0, "max_ns": 0}]}]}]}
//! ```
//!
//! and, for experiments that name a scenario, which stand apart:
//!
//! ```json
//! {"scenarios": [{"name": "…", "slug": "…", "scenario": "stampede", "passed": true,
//!   "variants": [{"variant": "candidate", "name": "cached", "failures": ["…"], "notes": ["…"],
//!     "figures": [{"name": "herd factor", "unit": "count|share|ratio|seconds|per_second|bytes", "value": 1.0, "lower": 1.0, "upper": 1.0, "observations": 10}],
//!     "series": [{"name": "hit ratio", "unit": "share", "over": "seconds", "points": [{"at": 0.0, "value": 0.9, "lower": null, "upper": null}]}]}]}]}
//! ```
//!
//! - `ratio` is candidate ÷ baseline, below 1 is faster, over all outcomes but errors. `lower` and
//!   `upper` enclose it with 95 %; `detectable` is the smallest relative change that the run could
//!   have seen. A ratio that was not measured has null figures and a `reason`.
//! - `throughput` is requests per second, candidate ÷ baseline; null without pairs. In an open model it says
//!   only whether arrivals were kept up with.
//! - `verdict` is null for an experiment without a candidate; `ratio` is then null too.
//! - `outcomes` holds `error` too; `overall` leaves it out.
//! - What was not measured is null, never 0. A percentile needs at least one value beyond it.
//! - New fields may come; none of these goes or changes its meaning without a new `schema`.

use serde_json::{Map, Value, json};

use crate::comparison::{EventNote, ExperimentComparison, RunComparison};
use crate::format::number;
use crate::pairing::{NotMeasured, Ratio};
use crate::statistics::Quantile;
use crate::variants::{LatencySummary, VariantSummary};
use crate::words;

/// The version of the shape.
pub const SUMMARY_SCHEMA: u32 = 1;

/// The document in the shape that this module describes.
#[must_use]
pub fn summary_json(comparison: &RunComparison) -> Value {
    json!({
        "schema": SUMMARY_SCHEMA,
        "valid": comparison.valid,
        "experiments": comparison.experiments.iter().map(experiment).collect::<Vec<_>>(),
        "scenarios": comparison.scenarios.iter().map(crate::scenario::to_json).collect::<Vec<_>>(),
        "events": comparison.events.iter().map(event).collect::<Vec<_>>(),
        "notes": comparison.notes,
    })
}

fn experiment(comparison: &ExperimentComparison) -> Value {
    let by_outcome: Map<String, Value> = comparison
        .ratios_by_outcome
        .iter()
        .map(|of| {
            let mut figures = Map::from_iter([("against".to_owned(), json!(of.against.as_str()))]);
            figures.extend(ratios(&of.ratios));
            (of.outcome.to_string(), Value::Object(figures))
        })
        .collect();
    let compared = !comparison.ratios.is_empty();
    json!({
        "name": comparison.experiment.name,
        "slug": comparison.experiment.slug,
        "system": comparison.experiment.system,
        "differs": comparison.experiment.differs,
        "verdict": comparison.verdict.map(super::verdict::Verdict::as_str),
        "why": comparison.why,
        "headline": words::headline(comparison),
        "pairs": comparison.pairs,
        "pairs_planned": comparison.experiment.pairs,
        "ratio": compared.then(|| ratios(&comparison.ratios)),
        "ratio_by_outcome": compared.then_some(by_outcome),
        "hit_ratio": comparison.hit_ratio.map(number),
        "break_even_hit_ratio": comparison.break_even_hit_ratio.map(number),
        "net_seconds_saved_per_request": comparison.net_seconds_saved_per_request.map(number),
        "throughput": comparison.throughput.as_ref().map(told),
        "variants": comparison.variants.iter().map(variant).collect::<Vec<_>>(),
        "notes": comparison.notes,
    })
}

fn ratios(ratios: &[(Quantile, Result<Ratio, NotMeasured>)]) -> Map<String, Value> {
    ratios.iter().map(|(quantile, figure)| (quantile.to_string(), ratio(figure))).collect()
}

pub(crate) fn ratio(figure: &Result<Ratio, NotMeasured>) -> Value {
    match figure {
        Ok(ratio) => told(ratio),
        Err(reason) => json!({
            "estimate": null, "lower": null, "upper": null, "detectable": null,
            "pairs": null, "blocks_per_pair": null, "reason": reason.to_string(),
        }),
    }
}

fn told(ratio: &Ratio) -> Value {
    json!({
        "estimate": number(ratio.estimate),
        "lower": ratio.interval.map(|(lower, _)| number(lower)),
        "upper": ratio.interval.map(|(_, upper)| number(upper)),
        "detectable": ratio.detectable.map(number),
        "pairs": ratio.each.len(),
        "blocks_per_pair": ratio.blocks_per_pair,
        "reason": null,
    })
}

fn variant(side: &VariantSummary) -> Value {
    let counters = &side.counters;
    let outcomes = side.outcomes.iter().map(|(outcome, summary)| {
        let mut figures = Map::from_iter([("outcome".to_owned(), json!(outcome.as_str()))]);
        figures.extend(latencies(summary));
        Value::Object(figures)
    });
    json!({
        "variant": side.variant.as_str(),
        "name": side.name,
        "requests": counters.requests,
        "errors": counters.errors_total(),
        "errors_by_kind": counters.errors,
        "mismatches": counters.mismatches,
        "bodies_compared": counters.bodies_compared,
        "bytes": counters.body_bytes,
        "origin_calls": counters.origin_calls,
        "database_queries": counters.database_queries,
        "cpu_ns": counters.cpu_ns,
        "stale_reads": counters.stale_reads,
        "cache_unreachable": counters.cache_unreachable,
        "dropped": counters.dropped,
        "active_s": number(side.active_s),
        "requests_per_s": side.requests_per_s().map(number),
        "bytes_per_request": side.per_request(Some(counters.body_bytes)).map(number),
        "queries_per_request": side.per_request(counters.database_queries).map(number),
        "cpu_ns_per_request": side.per_request(counters.cpu_ns).map(number),
        "overall": latencies(&side.overall),
        "outcomes": outcomes.collect::<Vec<_>>(),
    })
}

fn latencies(summary: &LatencySummary) -> Map<String, Value> {
    let mut figures = Map::new();
    figures.insert("count".to_owned(), json!(summary.count));
    figures.insert("mean_ns".to_owned(), json!(summary.mean_ns.map(number)));
    for quantile in Quantile::ALL {
        figures.insert(format!("{quantile}_ns"), json!(summary.quantile_ns(quantile)));
    }
    figures.insert("max_ns".to_owned(), json!(summary.max_ns));
    figures
}

fn event(event: &EventNote) -> Value {
    json!({
        "at_s": number(event.at_s),
        "experiment": event.experiment,
        "variant": event.variant.map(hitmark_schema::Variant::as_str),
        "kind": event.kind,
        "what": event.kind.describe(),
        "detail": event.detail,
    })
}
