//! What scenarios found, as rows: the same for the terminal, for Markdown, for the page and as JSON.
//!
//! A scenario is no comparison of latencies, so it gets no verdict here: its figures stand beside each
//! other, side by side, with the intervals that it measured. What makes an answer wrong whatever its
//! speed stands first.

use hitmark_schema::scenario::{Figure, Point, ScenarioResult, Series, Unit};
use hitmark_schema::{Experiment, Run};
use serde_json::{Value, json};

use crate::format::{bytes, count, number, percent, seconds, significant};
use crate::table::markdown_text;

/// What a scenario found on the sides of its experiment.
#[derive(Debug, Clone, PartialEq)]
pub struct ScenarioFindings {
    /// The experiment as the plan has it.
    pub experiment: Experiment,
    /// The scenario.
    pub scenario: String,
    /// One result for each side; none if the run ended before.
    pub results: Vec<ScenarioResult>,
}

/// The findings of a run's scenarios, in the order of the plan.
#[must_use]
pub fn findings(run: &Run) -> Vec<ScenarioFindings> {
    let of = |experiment: &Experiment| {
        let scenario = experiment.scenario.clone()?;
        let mine = |result: &&ScenarioResult| result.experiment == experiment.slug;
        let results = run.scenarios.iter().filter(mine).cloned().collect();
        Some(ScenarioFindings { experiment: experiment.clone(), scenario, results })
    };
    run.document.experiments.iter().filter_map(of).collect()
}

impl ScenarioFindings {
    /// Whether something was wrong whatever its speed.
    #[must_use]
    pub fn has_failures(&self) -> bool {
        self.results.iter().any(|result| !result.failures.is_empty())
    }

    /// The heads of the table: the figure, then the name of each side.
    pub(crate) fn heads(&self) -> Vec<String> {
        let names = self.results.iter().map(|result| self.name_of(result));
        std::iter::once("figure".to_owned()).chain(names).collect()
    }

    /// One row for each figure that any side has.
    pub(crate) fn rows(&self) -> Vec<Vec<String>> {
        let mut names: Vec<&str> = Vec::new();
        for figure in self.results.iter().flat_map(|result| &result.figures) {
            if !names.contains(&figure.name.as_str()) {
                names.push(&figure.name);
            }
        }
        let row = |name: &str| {
            let cells = self.results.iter().map(|result| result.figure(name).map_or_else(dash, shown));
            std::iter::once(name.to_owned()).chain(cells).collect()
        };
        names.into_iter().map(row).collect()
    }

    /// Failures first, then notes, each with its side where there are two.
    pub(crate) fn remarks(&self) -> Vec<String> {
        if self.results.is_empty() {
            return vec!["the run ended before this scenario did: nothing was found".to_owned()];
        }
        let mut remarks: Vec<String> = Vec::new();
        for result in &self.results {
            let name = self.name_of(result);
            remarks.extend(result.failures.iter().map(|failure| format!("FAILED: {name}: {failure}")));
        }
        for result in &self.results {
            let name = self.name_of(result);
            for note in &result.notes {
                // What both sides say needs no name.
                let is_common = self.results.iter().all(|other| other.notes.contains(note));
                let remark =
                    if is_common { format!("note: {note}") } else { format!("note: {name}: {note}") };
                if !remarks.contains(&remark) {
                    remarks.push(remark);
                }
            }
        }
        remarks
    }

    /// The curves that have settings beside their place, as rows: place and setting, then each side.
    pub(crate) fn curves(&self) -> Vec<(String, Vec<Vec<String>>)> {
        let Some(first) = self.results.first() else { return Vec::new() };
        let is_short = |series: &&Series| series.over != "seconds" && series.points.len() <= CURVE_ROWS_MAX;
        first.series.iter().filter(is_short).map(|series| (self.title(series), self.curve(series))).collect()
    }

    fn title(&self, series: &Series) -> String {
        format!("{} over {}", series.name, series.over)
    }

    /// Rows of every place that any side has: the steps of a search differ from side to side.
    fn curve(&self, series: &Series) -> Vec<Vec<String>> {
        let same = |result: &'_ ScenarioResult| -> Vec<Point> {
            let found =
                result.series.iter().find(|other| other.name == series.name && other.over == series.over);
            found.map_or_else(Vec::new, |found| found.points.clone())
        };
        let sides: Vec<Vec<Point>> = self.results.iter().map(same).collect();
        let is_at = |one: &Point, other: &Point| one.at == other.at && one.setting == other.setting;
        let mut places: Vec<&Point> = Vec::new();
        for point in sides.iter().flatten() {
            if !places.iter().any(|known| is_at(known, point)) {
                places.push(point);
            }
        }
        places.sort_by(|one, other| one.at.total_cmp(&other.at));
        let row = |at: &Point| {
            let setting = if at.setting.is_empty() { String::new() } else { format!(", {}", at.setting) };
            let cells = sides.iter().map(|points| {
                let point = points.iter().find(|point| is_at(point, at));
                point.map_or_else(dash, |point| {
                    let (lower, upper) = possible(series.unit, point);
                    within(series.unit, point.value, lower, upper)
                })
            });
            std::iter::once(format!("{}{setting}", place(at.at))).chain(cells).collect()
        };
        places.into_iter().map(row).collect()
    }

    pub(crate) fn name_of(&self, result: &ScenarioResult) -> String {
        self.experiment
            .side(result.variant)
            .map_or_else(|| result.variant.to_string(), |side| side.name.clone())
    }
}

/// The interval of a point without what cannot be: a share above one, a time below nothing.
fn possible(unit: Unit, point: &Point) -> (Option<f64>, Option<f64>) {
    let least = if point.value.is_some_and(|value| value < 0.0) { f64::NEG_INFINITY } else { 0.0 };
    let most = if unit == Unit::Share { 1.0 } else { f64::INFINITY };
    (point.lower.map(|lower| lower.max(least)), point.upper.map(|upper| upper.min(most)))
}

/// Rows of a curve that is shown as a table; longer ones are in the run directory.
const CURVE_ROWS_MAX: usize = 64;

fn dash() -> String {
    "–".to_owned()
}

fn shown(figure: &Figure) -> String {
    within(figure.unit, figure.value, figure.lower, figure.upper)
}

fn within(unit: Unit, value: Option<f64>, lower: Option<f64>, upper: Option<f64>) -> String {
    let Some(value) = value else { return dash() };
    let (value_text, lower, upper) =
        (figure(unit, value), lower.map(|lower| figure(unit, lower)), upper.map(|upper| figure(unit, upper)));
    match lower.zip(upper) {
        // An interval of no width says nothing more.
        Some((lower, upper)) if (lower != value_text || upper != value_text) && unit_allows(value) => {
            format!("{value_text} ({lower} to {upper})")
        }
        _ => value_text,
    }
}

fn unit_allows(value: f64) -> bool {
    value.is_finite()
}

/// A place on a curve: whole numbers as such.
pub(crate) fn place(at: f64) -> String {
    if at >= 0.0 && at.fract() == 0.0 { count(at as u64) } else { significant(at) }
}

/// A value with its unit.
pub(crate) fn figure(unit: Unit, value: f64) -> String {
    let sign = if value < 0.0 { "−" } else { "" };
    let size = value.abs();
    let text = match unit {
        Unit::Count if size.fract() == 0.0 => count(size as u64),
        Unit::Count | Unit::Ratio => significant(size),
        Unit::Share => percent(size),
        Unit::Seconds if size == 0.0 => "0 s".to_owned(),
        Unit::Seconds => seconds(size),
        Unit::PerSecond => format!("{} /s", significant(size)),
        Unit::Bytes => bytes(size as u64),
    };
    format!("{sign}{text}")
}

/// The sections of a terminal: a title, its rows, its remarks. Ends with a line feed; empty without scenarios.
pub(crate) fn text(findings: &[ScenarioFindings]) -> String {
    let mut text = String::new();
    for finding in findings {
        let name = &finding.experiment.name;
        text.push_str(&format!("\n{}: {name} ({})\n", finding.scenario, finding.experiment.request));
        text.push_str(&aligned(&finding.heads(), &finding.rows()));
        for (title, rows) in finding.curves() {
            let heads: Vec<String> =
                std::iter::once(title).chain(finding.heads().into_iter().skip(1)).collect();
            text.push('\n');
            text.push_str(&aligned(&heads, &rows));
        }
        for remark in finding.remarks() {
            text.push_str(&format!("{remark}\n"));
        }
    }
    text
}

/// Columns of their widest cell, the first one to the left and the others to the right.
fn aligned(heads: &[String], rows: &[Vec<String>]) -> String {
    let all = || std::iter::once(heads).chain(rows.iter().map(Vec::as_slice));
    let width = |column: usize| {
        all().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..heads.len()).map(width).collect();
    let mut text = String::new();
    for row in all() {
        let cells = row.iter().zip(&widths).enumerate().map(|(place, (cell, width))| match place {
            0 => format!("  {cell:<width$}"),
            _ => format!("{cell:>width$}"),
        });
        text.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
        text.push('\n');
    }
    text
}

/// The sections of a Markdown summary; empty without scenarios.
pub(crate) fn markdown(findings: &[ScenarioFindings]) -> String {
    let mut text = String::new();
    for finding in findings {
        let name = markdown_text(&finding.experiment.name);
        text.push_str(&format!("\n## {name}: {}\n\n", finding.scenario));
        let line = |cells: &[String]| {
            let cells: Vec<String> = cells.iter().map(|cell| markdown_text(cell)).collect();
            format!("| {} |\n", cells.join(" | "))
        };
        text.push_str(&line(&finding.heads()));
        text.push_str(&format!("|---|{}\n", "--:|".repeat(finding.results.len())));
        finding.rows().iter().for_each(|row| text.push_str(&line(row)));
        for remark in finding.remarks() {
            text.push_str(&format!("\n- {}", markdown_text(&remark)));
        }
        text.push('\n');
    }
    text
}

/// The findings for programs: the lines of `scenarios.jsonl` by experiment.
pub(crate) fn to_json(findings: &ScenarioFindings) -> Value {
    let figure = |figure: &Figure| {
        json!({
            "name": figure.name, "unit": figure.unit, "value": figure.value.map(number),
            "lower": figure.lower.map(number), "upper": figure.upper.map(number),
            "observations": figure.observations,
        })
    };
    let result = |result: &ScenarioResult| {
        json!({
            "variant": result.variant, "name": findings.name_of(result),
            "figures": result.figures.iter().map(figure).collect::<Vec<_>>(),
            "series": result.series, "failures": result.failures, "notes": result.notes,
        })
    };
    json!({
        "name": findings.experiment.name, "slug": findings.experiment.slug, "scenario": findings.scenario,
        "passed": !findings.results.is_empty() && !findings.has_failures(),
        "variants": findings.results.iter().map(result).collect::<Vec<_>>(),
    })
}
