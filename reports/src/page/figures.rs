//! The table of figures: the same rows as in the terminal.

use hitmark_schema::Variant;
use maud::{Markup, html};

use crate::charts::Role;
use crate::comparison::{ExperimentComparison, RunComparison};
use crate::costs;
use crate::table::{Line, LineKind, SHOWN, facts, lines};

pub(super) fn table(comparison: &RunComparison) -> Markup {
    html! {
        div.scroll {
            table.figures {
                thead {
                    tr {
                        th scope="col" { "variant and outcome" }
                        th scope="col" { "requests" }
                        @for quantile in SHOWN { th scope="col" { (quantile) } }
                    }
                }
                @for experiment in &comparison.experiments { (rows(experiment)) }
            }
        }
        p.fine {
            "Latencies run to the last byte of the body. Speed-up is baseline ÷ candidate; its interval is two-sided, "
            "95 % (2.5 % on each side). A dash means: not measured, or too few values."
        }
        @if costs::are_told(comparison) { (cost_table(comparison)) }
    }
}

fn cost_table(comparison: &RunComparison) -> Markup {
    html! {
        div.scroll {
            table.figures {
                thead {
                    tr {
                        th scope="col" { "what a request costs" }
                        @for head in costs::HEADS { th scope="col" { (head) } }
                    }
                }
                @for experiment in &comparison.experiments {
                    tbody {
                        tr { th scope="rowgroup" colspan="5" { (experiment.experiment.name) } }
                        @for line in costs::lines(experiment) {
                            tr class=(if line.label == costs::RATIO { "speed" } else { "variant" }) {
                                td { (line.label) }
                                @for cell in &line.cells { td { (cell) } }
                            }
                        }
                    }
                }
            }
        }
        p.fine { (costs::LEGEND) "." }
    }
}

fn rows(comparison: &ExperimentComparison) -> Markup {
    html! {
        tbody {
            tr {
                th scope="rowgroup" colspan="5" {
                    (comparison.experiment.name) " "
                    span.facts {
                        @for (place, (name, fact)) in facts(comparison).into_iter().enumerate() {
                            @if place > 0 { " · " }
                            @if name != "verdict" { (name) " " }
                            (fact)
                        }
                    }
                }
            }
            @for line in lines(comparison) { (row(&line)) }
        }
    }
}

fn row(line: &Line) -> Markup {
    let class = match line.kind {
        LineKind::Variant(_) => "variant",
        LineKind::Outcome(..) => "outcome",
        LineKind::SpeedUp => "speed",
        LineKind::Interval => "interval",
    };
    html! {
        tr class=(class) {
            td { (swatch(line)) (line.label) }
            td { (line.requests) }
            @for figure in &line.figures { td { (figure) } }
        }
    }
}

/// The colour that the charts give to a side or an outcome.
fn swatch(line: &Line) -> Markup {
    let role = match line.kind {
        LineKind::Variant(Variant::Baseline) | LineKind::Outcome(Variant::Baseline, _) => Role::Baseline,
        LineKind::Variant(Variant::Candidate) => Role::Candidate,
        LineKind::Outcome(Variant::Candidate, outcome) => Role::of(outcome),
        LineKind::SpeedUp | LineKind::Interval => return html! {},
    };
    let name = crate::charts::ROLES[role as usize].2;
    html! { span.swatch style=(format!("background:var(--{name})")) {} }
}
