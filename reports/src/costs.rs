//! What a request costs: requests per second, bytes, database queries, processor time.
//!
//! Apart from the table of latencies, because latency is what a reader waits for and these are what
//! the service pays. Shown where a plan lets the service count (`observe`); bytes and rates are in
//! `summary.json` of every run.

use comfy_table::{Cell, CellAlignment, ContentArrangement, Table, presets};

use crate::comparison::{ExperimentComparison, RunComparison};
use crate::format::{bytes, latency, significant};
use crate::table::markdown_text;
use crate::variants::VariantSummary;

/// The figures, as they head a column.
pub(crate) const HEADS: [&str; 4] = ["requests/s", "bytes each", "queries each", "CPU each"];

/// The label of the line that holds candidate ÷ baseline.
pub(crate) const RATIO: &str = "candidate ÷ baseline";

/// What the figures mean.
pub(crate) const LEGEND: &str = "each: for one request; queries and CPU as the service counts them; the ratio of requests/s has its 95 % \
     interval";

/// One line of an experiment's costs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CostLine {
    /// The variant's name, or [`RATIO`].
    pub(crate) label: String,
    /// A figure for each of [`HEADS`]; a dash for what was not measured.
    pub(crate) cells: [String; 4],
}

/// Whether a service counted anything for this run.
pub(crate) fn are_told(comparison: &RunComparison) -> bool {
    let mut sides = comparison.experiments.iter().flat_map(|experiment| &experiment.variants);
    sides.any(|side| side.counters.database_queries.is_some() || side.counters.cpu_ns.is_some())
}

/// The lines of one experiment: each side, then candidate ÷ baseline.
pub(crate) fn lines(experiment: &ExperimentComparison) -> Vec<CostLine> {
    let shown: [fn(f64) -> String; 4] =
        [significant, |value| bytes(value.round() as u64), significant, latency];
    let cells = |side: &VariantSummary| {
        let figures = figures(side);
        [0, 1, 2, 3].map(|place| figures[place].map_or_else(dash, shown[place]))
    };
    let mut lines: Vec<CostLine> = experiment
        .variants
        .iter()
        .map(|side| CostLine { label: side.name.clone(), cells: cells(side) })
        .collect();
    if let [baseline, candidate] = experiment.variants.as_slice() {
        let (baseline, candidate) = (figures(baseline), figures(candidate));
        let ratio = |place: usize| match (baseline[place], candidate[place]) {
            (Some(of), Some(figure)) if of > 0.0 => format!("{}×", significant(figure / of)),
            _ => dash(),
        };
        let cells = [rate_ratio(experiment), ratio(1), ratio(2), ratio(3)];
        lines.push(CostLine { label: RATIO.to_owned(), cells });
    }
    lines
}

/// The figures of one side in the order of [`HEADS`].
fn figures(side: &VariantSummary) -> [Option<f64>; 4] {
    [
        side.requests_per_s(),
        side.per_request(Some(side.counters.body_bytes)),
        side.per_request(side.counters.database_queries),
        side.per_request(side.counters.cpu_ns),
    ]
}

fn rate_ratio(experiment: &ExperimentComparison) -> String {
    let Some(ratio) = &experiment.throughput else { return dash() };
    let estimate = significant(ratio.estimate);
    match ratio.interval {
        Some((lower, upper)) => format!("{estimate}× ({}–{})", significant(lower), significant(upper)),
        None => format!("{estimate}×"),
    }
}

fn dash() -> String {
    "–".to_owned()
}

/// The table for a terminal; empty if no service counted.
pub(crate) fn text(comparison: &RunComparison, width: u16) -> String {
    if !are_told(comparison) {
        return String::new();
    }
    let mut table = Table::new();
    table.load_style(presets::UTF8_FULL).force_no_tty().set_width(width);
    table.set_content_arrangement(ContentArrangement::Dynamic);
    let right = |text: String| Cell::new(text).set_alignment(CellAlignment::Right);
    let mut header = vec![Cell::new("experiment"), Cell::new("variant")];
    header.extend(HEADS.map(|head| right(head.to_owned())));
    table.set_header(header);
    for experiment in &comparison.experiments {
        let lines = lines(experiment);
        let column = |cell: &dyn Fn(&CostLine) -> &str| lines.iter().map(cell).collect::<Vec<_>>().join("\n");
        let mut row = vec![Cell::new(&experiment.experiment.name), Cell::new(column(&|line| &line.label))];
        row.extend((0..HEADS.len()).map(|place| right(column(&|line| &line.cells[place]))));
        table.add_row(row);
    }
    let drawn: String = table.lines().map(|line| line.trim_end().to_owned() + "\n").collect();
    format!("\n{drawn}{LEGEND}\n")
}

/// The table in Markdown; empty if no service counted.
pub(crate) fn markdown(comparison: &RunComparison) -> String {
    if !are_told(comparison) {
        return String::new();
    }
    let mut text = format!("\n## What a request costs\n\n| experiment | variant | {} |\n", HEADS.join(" | "));
    text.push_str("|---|---|--:|--:|--:|--:|\n");
    for experiment in &comparison.experiments {
        for (place, line) in lines(experiment).iter().enumerate() {
            let name = if place == 0 { markdown_text(&experiment.experiment.name) } else { String::new() };
            let label = markdown_text(&line.label);
            text.push_str(&format!("| {name} | {label} | {} |\n", line.cells.join(" | ")));
        }
    }
    format!("{text}\n{LEGEND}.\n")
}
