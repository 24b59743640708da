//! The section of a scenario: its figures side by side, its short curves as tables, its remarks.

use maud::{Markup, html};

use super::{experiment, sentence};
use crate::charts;
use crate::scenario::ScenarioFindings;

/// `prefix` makes the chart's id unique on the page.
pub(super) fn section(findings: &ScenarioFindings, prefix: &str, has_chart: bool) -> Markup {
    let chart = has_chart.then(|| charts::of_scenario(findings, prefix)).flatten();
    html! {
        h2 { (findings.experiment.name) ": " (findings.scenario.replace('_', " ")) }
        p.fine { (findings.experiment.request) }
        @if findings.has_failures() {
            p.notice.invalid { strong { "Failed." } " What was wrong stands below its figures." }
        }
        @if !findings.results.is_empty() { (table(&findings.heads(), &findings.rows())) }
        @if let Some(chart) = &chart { (experiment::figure(chart)) }
        @for (title, rows) in findings.curves() {
            @let heads = std::iter::once(title).chain(findings.heads().into_iter().skip(1)).collect::<Vec<_>>();
            (table(&heads, &rows))
        }
        ul { @for remark in findings.remarks() { li { (sentence(&remark)) } } }
    }
}

fn table(heads: &[String], rows: &[Vec<String>]) -> Markup {
    html! {
        div.scroll {
            table.figures {
                thead { tr { @for head in heads { th scope="col" { (head) } } } }
                tbody { @for row in rows { tr { @for cell in row { td { (cell) } } } } }
            }
        }
    }
}
