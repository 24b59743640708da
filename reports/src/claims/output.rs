//! What became of the claims, for a terminal, for programs, for a comment.
//!
//! JSON, version 1; what was not measured is null:
//!
//! ```json
//! {"schema": 1, "proven": 3, "refuted": 1, "undecided": 0, "not_measured": 4, "notes": [],
//!  "claims": [{"id": "3.13", "source": "…", "stated": "…", "experiment": "…", "figure": "speed_up", "metric": "p95",
//!    "variant": null, "outcome": null, "min": 40, "max": null, "unit": "ratio", "value": 52.1, "lower": 48.0,
//!    "upper": 55.9, "standing": "proven|refuted|undecided|not measured", "why": "…", "run": "…"}]}
//! ```

use std::str::FromStr;

use comfy_table::{ContentArrangement, Table, presets};
use serde_json::{Value, json};

use super::{ClaimsReport, Held, How, Standing};
use crate::format::number;
use crate::table::markdown_text;

/// The version of the JSON shape.
const CLAIMS_SCHEMA: u32 = 1;

/// Columns of the table on a terminal.
const WIDTH: u16 = 140;

/// A format of the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// For a terminal.
    Text,
    /// For programs.
    Json,
    /// For a comment.
    Markdown,
}

/// The text is no format.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not a format; the formats are text, json, markdown")]
pub struct UnknownFormat(String);

impl FromStr for Format {
    type Err = UnknownFormat;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            "markdown" => Ok(Self::Markdown),
            other => Err(UnknownFormat(other.to_owned())),
        }
    }
}

pub(super) fn render(report: &ClaimsReport, format: Format) -> String {
    match format {
        Format::Text => text(report),
        Format::Json => format!("{:#}\n", document(report)),
        Format::Markdown => markdown(report),
    }
}

fn text(report: &ClaimsReport) -> String {
    let mut table = Table::new();
    table.load_style(presets::UTF8_FULL_CONDENSED).force_no_tty().set_width(WIDTH);
    table.set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(["verdict", "claim", "stated", "held to", "measured", "95 % interval", "why"]);
    for held in &report.held {
        let [limit, value, interval] = cells(held);
        let verdict = held.standing.as_str().to_uppercase();
        table.add_row([&verdict, &held.claim.id, &held.claim.stated, &limit, &value, &interval, &held.why]);
    }
    let mut text: String = table.lines().map(|line| line.trim_end().to_owned() + "\n").collect();
    for note in &report.notes {
        text.push_str(&format!("note: {note}\n"));
    }
    text + "claims: " + &totals(report) + "\n"
}

fn markdown(report: &ClaimsReport) -> String {
    let mut text = format!("### hitmark claims: {}\n\n", totals(report));
    text.push_str("| verdict | claim | stated | held to | measured | 95 % interval | why |\n");
    text.push_str("|---|---|---|--:|--:|--:|---|\n");
    for held in &report.held {
        let [limit, value, interval] = cells(held);
        let [id, stated, why] =
            [&held.claim.id, &held.claim.stated, &held.why].map(|text| markdown_text(text));
        let verdict = held.standing.as_str();
        text.push_str(&format!(
            "| **{verdict}** | {id} | {stated} | {limit} | {value} | {interval} | {why} |\n"
        ));
    }
    for note in &report.notes {
        text.push_str(&format!("\n- {}", markdown_text(note)));
    }
    text.trim_end().to_owned() + "\n"
}

/// What the figure is held to, the figure, its interval.
fn cells(held: &Held) -> [String; 3] {
    let How::Measured { kind, bounds, .. } = &held.claim.how else {
        return ["–", "–", "–"].map(str::to_owned);
    };
    let show = |value| kind.figure.show(value);
    let dash = || "–".to_owned();
    let what = if kind.figure.has_quantile() {
        format!("{} {}", kind.quantile, bounds.shown(show))
    } else {
        bounds.shown(show)
    };
    let interval =
        held.interval.map_or_else(dash, |(lower, upper)| format!("{} to {}", show(lower), show(upper)));
    [what, held.value.map_or_else(dash, show), interval]
}

fn totals(report: &ClaimsReport) -> String {
    let count = |standing: Standing| format!("{} {}", report.count(standing), standing.as_str());
    Standing::ALL.map(count).join(", ")
}

fn document(report: &ClaimsReport) -> Value {
    json!({
        "schema": CLAIMS_SCHEMA,
        "proven": report.count(Standing::Proven),
        "refuted": report.count(Standing::Refuted),
        "undecided": report.count(Standing::Undecided),
        "not_measured": report.count(Standing::NotMeasured),
        "claims": report.held.iter().map(claim).collect::<Vec<_>>(),
        "notes": report.notes,
    })
}

fn claim(held: &Held) -> Value {
    let (experiment, kind, bounds) = match &held.claim.how {
        How::Measured { experiment, kind, bounds } => (Some(experiment), Some(kind), Some(bounds)),
        How::Not { .. } => (None, None, None),
    };
    let side = kind.filter(|kind| kind.figure.has_side());
    let timed = kind.filter(|kind| kind.figure.has_quantile());
    json!({
        "id": held.claim.id,
        "source": held.claim.source,
        "stated": held.claim.stated,
        "experiment": experiment,
        "figure": kind.map(|kind| kind.figure.as_str()),
        "metric": timed.map(|kind| kind.quantile.as_str()),
        "variant": side.map(|kind| kind.variant),
        "outcome": timed.and_then(|kind| kind.outcome),
        "min": bounds.and_then(|bounds| bounds.min),
        "max": bounds.and_then(|bounds| bounds.max),
        "unit": kind.map(|kind| kind.figure.unit()),
        "value": held.value.map(number),
        "lower": held.interval.map(|(lower, _)| number(lower)),
        "upper": held.interval.map(|(_, upper)| number(upper)),
        "standing": held.standing.as_str(),
        "why": held.why,
        "run": held.run.as_ref().map(|dir| dir.display().to_string()),
    })
}
