//! The table of a run: rows of figures, drawn for a terminal or as Markdown.
//!
//! One experiment is one block: both variants, each split by outcome, then the speed-up with its
//! interval under the percentile that it belongs to. The page draws the same rows.

use comfy_table::{Cell, CellAlignment, ColumnConstraint, ContentArrangement, Table, Width, presets};
use hitmark_schema::{Outcome, Variant};

use crate::comparison::{ExperimentComparison, RunComparison};
use crate::costs;
use crate::format::{count, latency_or_dash, percent, seconds, speed_up, speed_up_interval};
use crate::scenario;
use crate::statistics::Quantile;
use crate::variants::LatencySummary;
use crate::verdict::Verdict;
use crate::words;

/// The percentiles of the table.
pub(crate) const SHOWN: [Quantile; 3] = [Quantile::P50, Quantile::P95, Quantile::P99];

/// Longest name in the column of variants: a longer one would break the lines apart.
const NAME_CHARS_MAX: usize = 24;

/// One line of an experiment's block.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Line {
    /// What it is about.
    pub(crate) kind: LineKind,
    /// The name of the variant or of its outcome.
    pub(crate) label: String,
    /// Requests, empty for speed-ups.
    pub(crate) requests: String,
    /// p50, p95 and p99.
    pub(crate) figures: [String; 3],
}

/// What a line is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LineKind {
    Variant(Variant),
    Outcome(Variant, Outcome),
    SpeedUp,
    Interval,
}

/// The lines of one experiment.
pub(crate) fn lines(comparison: &ExperimentComparison) -> Vec<Line> {
    let mut lines = Vec::new();
    for side in &comparison.variants {
        let (name, variant) = (side.name.as_str(), side.variant);
        // A single outcome says the same as the whole: one line names both.
        let label = match side.outcomes.as_slice() {
            [(outcome, _)] if *outcome != Outcome::Unknown => format!("{name} ({outcome})"),
            _ => name.to_owned(),
        };
        lines.push(latencies(LineKind::Variant(variant), label, &side.overall));
        for (outcome, summary) in side.outcomes.iter().filter(|_| side.outcomes.len() > 1) {
            lines.push(latencies(LineKind::Outcome(variant, *outcome), outcome.to_string(), summary));
        }
    }
    if !comparison.ratios.is_empty() {
        lines.extend(speed_ups(comparison));
    }
    lines
}

/// The verdict and the figures of the whole experiment, each with its name.
pub(crate) fn facts(comparison: &ExperimentComparison) -> Vec<(&'static str, String)> {
    let verdict = comparison.verdict.map_or("baseline only", super::verdict::Verdict::as_str);
    let mut facts = vec![("verdict", verdict.to_owned())];
    if comparison.verdict.is_some() {
        facts.push(("hit ratio", comparison.hit_ratio.map_or_else(|| "–".to_owned(), percent)));
        facts.push(("break-even", comparison.break_even_hit_ratio.map_or_else(|| "–".to_owned(), percent)));
        let saved = comparison.net_seconds_saved_per_request;
        facts.push(("saved each", saved.map_or_else(|| "–".to_owned(), seconds)));
    }
    facts.push(("pairs", comparison.pairs.to_string()));
    facts
}

/// The table for a terminal of this many columns, followed by notes. Ends with a line feed.
#[must_use]
pub fn table_text(comparison: &RunComparison, width: u16) -> String {
    let mut text = String::new();
    if !comparison.experiments.is_empty() {
        text.push_str(&drawn(comparison, width));
        text.push('\n');
        text.push_str("speed-up: baseline ÷ candidate, with its 95 % interval; break-even: the hit ratio from which on it pays\n");
        text.push_str(&costs::text(comparison, width));
    }
    text.push_str(&scenario::text(&comparison.scenarios));
    for experiment in &comparison.experiments {
        for note in &experiment.notes {
            text.push_str(&format!("note: {}: {note}\n", experiment.experiment.name));
        }
        if let Some(verdict) = experiment.verdict.filter(|verdict| needs_reason(*verdict)) {
            let word = verdict.as_str().to_uppercase();
            text.push_str(&format!("{word}: {}: {}\n", experiment.experiment.name, experiment.why));
        }
    }
    for event in &comparison.events {
        text.push_str(&format!("at {:.1} s: {}\n", event.at_s, words::event(event)));
    }
    for note in &comparison.notes {
        text.push_str(&format!("note: {note}\n"));
    }
    text
}

/// A verdict that tells nothing of the candidate must say why, or it cannot be mended.
fn needs_reason(verdict: Verdict) -> bool {
    matches!(verdict, Verdict::Invalid | Verdict::Inconclusive)
}

/// The summary in Markdown: the sentences, the table, the notes. Ends with a line feed.
#[must_use]
pub fn summary_markdown(comparison: &RunComparison) -> String {
    let mut text = String::from("# hitmark\n\n");
    for experiment in &comparison.experiments {
        let name = markdown_text(&experiment.experiment.name);
        text.push_str(&format!("- **{name}**: {}\n", markdown_text(&words::headline(experiment))));
    }
    if comparison.experiments.is_empty() {
        text.push_str(&scenario::markdown(&comparison.scenarios));
        markdown_notes(comparison, &mut text);
        return text;
    }
    text.push_str("\n| experiment | variant | requests | p50 | p95 | p99 |\n|---|---|--:|--:|--:|--:|\n");
    for experiment in &comparison.experiments {
        for (place, line) in lines(experiment).into_iter().enumerate() {
            let name = if place == 0 { markdown_text(&experiment.experiment.name) } else { String::new() };
            let label = match line.kind {
                LineKind::Outcome(..) => format!("· {}", line.label),
                LineKind::SpeedUp | LineKind::Interval => format!("*{}*", line.label),
                LineKind::Variant(_) => markdown_text(&line.label),
            };
            let [p50, p95, p99] = &line.figures;
            text.push_str(&format!("| {name} | {label} | {} | {p50} | {p95} | {p99} |\n", line.requests));
        }
        let facts: Vec<String> =
            facts(experiment).iter().map(|(name, fact)| format!("{name} {fact}")).collect();
        text.push_str(&format!("| | {} | | | | |\n", facts.join(" · ")));
    }
    text.push_str("\nSpeed-up is baseline ÷ candidate with its 95 % interval.\n");
    text.push_str(&costs::markdown(comparison));
    text.push_str(&scenario::markdown(&comparison.scenarios));
    markdown_notes(comparison, &mut text);
    text
}

fn markdown_notes(comparison: &RunComparison, text: &mut String) {
    let mut items: Vec<String> = comparison
        .events
        .iter()
        .map(|event| format!("at {:.1} s: {}", event.at_s, words::event(event)))
        .collect();
    for experiment in &comparison.experiments {
        items.extend(experiment.notes.iter().map(|note| format!("{}: {note}", experiment.experiment.name)));
        if let Some(verdict) = experiment.verdict.filter(|verdict| needs_reason(*verdict)) {
            items.push(format!("{}: {}: {}", experiment.experiment.name, verdict.as_str(), experiment.why));
        }
    }
    items.extend(comparison.notes.iter().cloned());
    if !items.is_empty() {
        text.push_str("\n## Notes\n\n");
        for item in items {
            text.push_str(&format!("- {}\n", markdown_text(&item)));
        }
    }
}

/// Text inside a Markdown table or list: no cell borders, no line feeds, no HTML.
pub(crate) fn markdown_text(text: &str) -> String {
    text.replace('|', "\\|").replace('<', "&lt;").replace(['\n', '\r'], " ")
}

fn latencies(kind: LineKind, label: String, summary: &LatencySummary) -> Line {
    let figures = SHOWN.map(|quantile| latency_or_dash(summary.quantile_ns(quantile)));
    Line { kind, label, requests: count(summary.count), figures }
}

fn speed_ups(comparison: &ExperimentComparison) -> [Line; 2] {
    let ratio = |quantile| comparison.ratio(quantile).and_then(|ratio| ratio.as_ref().ok());
    let dash = || "–".to_owned();
    let speed_ups = SHOWN.map(|quantile| ratio(quantile).map_or_else(dash, |ratio| speed_up(ratio.estimate)));
    let intervals = SHOWN.map(|quantile| {
        let bounds = ratio(quantile).and_then(|ratio| Some((ratio.estimate, ratio.interval?)));
        bounds.map_or_else(dash, |(estimate, bounds)| speed_up_interval(estimate, bounds))
    });
    [
        Line {
            kind: LineKind::SpeedUp,
            label: "speed-up".into(),
            requests: String::new(),
            figures: speed_ups,
        },
        Line {
            kind: LineKind::Interval,
            label: "95 % interval".into(),
            requests: String::new(),
            figures: intervals,
        },
    ]
}

fn drawn(comparison: &RunComparison, width: u16) -> String {
    let mut table = Table::new();
    table.load_style(presets::UTF8_FULL).force_no_tty().set_width(width);
    table.set_content_arrangement(ContentArrangement::Dynamic);
    let right = |text: String| Cell::new(text).set_alignment(CellAlignment::Right);
    let mut header = vec![Cell::new("experiment"), Cell::new("variant"), right("requests".to_owned())];
    header.extend(SHOWN.map(|quantile| right(quantile.to_string())));
    header.push(Cell::new("result"));
    table.set_header(header);
    for experiment in &comparison.experiments {
        let lines = lines(experiment);
        let column = |cell: &dyn Fn(&Line) -> String| lines.iter().map(cell).collect::<Vec<_>>().join("\n");
        let mut row = vec![
            Cell::new(&experiment.experiment.name),
            Cell::new(column(&label)),
            right(column(&|line| line.requests.clone())),
        ];
        row.extend((0..SHOWN.len()).map(|place| right(column(&|line| line.figures[place].clone()))));
        row.push(Cell::new(result(experiment)));
        table.add_row(row);
    }
    for place in 1..=5 {
        if let Some(column) = table.column_mut(place) {
            column.set_constraint(ColumnConstraint::ContentWidth);
        }
    }
    if let Some(column) = table.column_mut(6) {
        column.set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(22)));
    }
    table.lines().map(|line| line.trim_end().to_owned() + "\n").collect()
}

fn label(line: &Line) -> String {
    let name = shortened(&line.label);
    if matches!(line.kind, LineKind::Outcome(..)) { format!("  · {name}") } else { name }
}

fn result(comparison: &ExperimentComparison) -> String {
    facts(comparison)
        .into_iter()
        .map(|(name, fact)| match name {
            "verdict" => fact.to_uppercase(),
            _ => format!("{name} {fact}"),
        })
        .collect::<Vec<_>>()
        .join("\n")
}

fn shortened(name: &str) -> String {
    if name.chars().count() <= NAME_CHARS_MAX {
        return name.to_owned();
    }
    name.chars().take(NAME_CHARS_MAX - 1).chain(['…']).collect()
}
