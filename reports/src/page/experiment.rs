//! One experiment: what was asked, its charts, its ratios in full.

use hitmark_schema::Run;
use maud::{Markup, PreEscaped, html};

use super::verdict;
use crate::charts::{self, Chart, ChartTable};
use crate::comparison::ExperimentComparison;
use crate::format::{bytes, percent, significant};
use crate::pairing::{NotMeasured, Ratio};
use crate::statistics::Quantile;

pub(super) fn experiment(
    run: &Run,
    comparison: &ExperimentComparison,
    prefix: &str,
    charted: bool,
) -> Markup {
    let plan = &comparison.experiment;
    let charts = if charted { charts::of_experiment(run, comparison, prefix) } else { Vec::new() };
    html! {
        h2 id=(format!("{prefix}-{}", plan.slug)) { (plan.name) }
        p.meta {
            (plan.request) " · " (plan.load.describe())
            @if let Some(keys) = &plan.keys { " · keys " (keys) }
            @if plan.candidate.is_some() { " · differs in: " (plan.differs) }
        }
        (verdict::why(comparison))
        @for note in &comparison.notes { p.notice { (super::sentence(note)) } }
        @for chart in &charts { (figure(chart)) }
        @if !charted { p.fine { "Charts are left out from here on to keep the page small; draw this experiment alone to see them." } }
        (ratios(comparison))
        (counts(comparison))
    }
}

/// A chart with its numbers.
pub(super) fn figure(chart: &Chart) -> Markup {
    html! {
        figure {
            figcaption { (chart.title) }
            (PreEscaped(&chart.svg))
            details { summary { "The numbers of this chart" } (numbers(&chart.table)) }
        }
    }
}

fn numbers(table: &ChartTable) -> Markup {
    html! {
        div.scroll {
            table {
                thead { tr { @for column in &table.columns { th scope="col" { (column) } } } }
                tbody { @for row in &table.rows { tr { @for cell in row { td { (cell) } } } } }
            }
        }
    }
}

fn ratios(comparison: &ExperimentComparison) -> Markup {
    if comparison.ratios.is_empty() {
        return html! {};
    }
    html! {
        details {
            summary { "Every ratio, with the smallest effect that this run could have seen" }
            div.scroll {
                table {
                    thead {
                        tr {
                            @for head in ["candidate's answers", "percentile", "ratio", "95 % interval", "could see", "pairs"] {
                                th scope="col" { (head) }
                            }
                        }
                    }
                    tbody {
                        @for (quantile, ratio) in &comparison.ratios { (ratio_row("all", *quantile, ratio)) }
                        @for of in &comparison.ratios_by_outcome {
                            @for (quantile, ratio) in &of.ratios {
                                (ratio_row(&format!("{}, against {}", of.outcome, of.against.as_str()), *quantile, ratio))
                            }
                        }
                    }
                }
            }
        }
    }
}

fn ratio_row(answers: &str, quantile: Quantile, ratio: &Result<Ratio, NotMeasured>) -> Markup {
    html! {
        tr {
            td { (answers) } td { (quantile) }
            @match ratio {
                Ok(ratio) => {
                    td { (significant(ratio.estimate)) }
                    td {
                        @match ratio.interval {
                            Some((lower, upper)) => { (significant(lower)) " to " (significant(upper)) }
                            None => { "too few pairs" }
                        }
                    }
                    td { (ratio.detectable.map_or_else(|| "–".to_owned(), |effect| format!("± {}", percent(effect)))) }
                    td { (ratio.each.len()) }
                }
                Err(reason) => { td colspan="4" { (reason.to_string()) } }
            }
        }
    }
}

fn counts(comparison: &ExperimentComparison) -> Markup {
    let or_dash = |count: Option<u64>| count.map_or_else(|| "not measured".to_owned(), crate::format::count);
    html! {
        details {
            summary { "Counts of each variant" }
            div.scroll {
                table {
                    thead {
                        tr {
                            @for head in ["variant", "requests", "failed", "bodies compared", "that differ", "body bytes", "origin calls", "stale reads", "cache unreachable"] {
                                th scope="col" { (head) }
                            }
                        }
                    }
                    tbody {
                        @for side in &comparison.variants {
                            tr {
                                td { (side.name) }
                                td { (crate::format::count(side.counters.requests)) }
                                td { (crate::format::count(side.counters.errors_total())) }
                                td { (crate::format::count(side.counters.bodies_compared)) }
                                td { (crate::format::count(side.counters.mismatches)) }
                                td { (bytes(side.counters.body_bytes)) }
                                td { (or_dash(side.counters.origin_calls)) }
                                td { (or_dash(side.counters.stale_reads)) }
                                td { (crate::format::count(side.counters.cache_unreachable)) }
                            }
                        }
                    }
                }
            }
        }
    }
}
