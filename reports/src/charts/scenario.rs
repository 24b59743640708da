//! What scenarios followed over time or over a setting: one panel for each quantity, a line for each
//! side, the moments of the fault marked, intervals where there are some.
//!
//! Which quantities there are is the scenario's affair: every series in `scenarios.jsonl` is drawn by
//! its unit and by what it is over. What was not measured leaves a gap.

mod lines;

use hitmark_schema::ScenarioResult;
use hitmark_schema::scenario::{Point, Series, Unit};

use self::lines::{Line, dashed, lines, role, short};
use super::palette::Role;
use super::panel::{Axis, Label, Mark, Panel};
use super::{Chart, ChartTable, Sketch, ticks};
use crate::format::{bytes, latency_tick};
use crate::scenario::{self, ScenarioFindings, figure};

/// Panels of a chart at most.
const PANELS_MAX: usize = 5;
/// Moments that are marked.
const EVENTS_MAX: usize = 8;
/// From this quotient of the largest and the smallest place on, an axis is logarithmic.
const LOGARITHMIC_FROM: f64 = 20.0;
/// Rows of the numbers under a chart.
const ROWS_MAX: usize = 120;
/// The chart of a scenario; none if it followed nothing.
#[must_use]
pub fn of_scenario(findings: &ScenarioFindings, prefix: &str) -> Option<Chart> {
    let slug = &findings.experiment.slug;
    sketch(findings).map(|sketch| sketch.drawn(&format!("{prefix}-{slug}")))
}

fn sketch(findings: &ScenarioFindings) -> Option<Sketch> {
    let quantities = quantities(findings);
    let first = quantities.first()?;
    let events = events(findings);
    let over = first.over.clone();
    let last = quantities.len() - 1;
    let lines: Vec<Vec<Line<'_>>> = quantities.iter().map(|series| lines(findings, series)).collect();
    let panels = quantities.iter().zip(&lines).enumerate().map(|(place, (series, of_series))| {
        let title = if place == last { over_title(&over) } else { String::new() };
        panel(findings, series, of_series, &events, x_axis(&lines, &events, &over, &title))
    });
    let scenario = findings.scenario.replace('_', " ");
    let names: Vec<&str> = quantities.iter().map(|series| series.name.as_str()).collect();
    let dashed = dashed(findings, first);
    let told: Vec<String> = events.iter().map(|(at, what)| format!("at {at:.1} s {what}")).collect();
    let marked = if told.is_empty() { String::new() } else { format!(" Marked: {}.", told.join("; ")) };
    Some(Sketch {
        kind: "scenario",
        title: format!("{}: {scenario}, {} over {over}", findings.experiment.name, listed(&names)),
        desc: format!(
            "From above, each on an axis of its own over {over}: {}. A line for each side{dashed}; upright bars are \
             95 % intervals, cut where the axis ends.{marked}",
            listed(&names)
        ),
        panels: panels.collect(),
        table: table(&quantities, &lines, &over),
    })
}

/// The series to draw, each name once: those over the same as the first one.
fn quantities(findings: &ScenarioFindings) -> Vec<&Series> {
    let mut chosen: Vec<&Series> = Vec::new();
    for series in findings.results.iter().flat_map(|result| &result.series) {
        let is_told = series.points.iter().any(|point| point.value.is_some());
        let is_new = chosen.iter().all(|other| other.name != series.name);
        let is_alike = chosen.first().is_none_or(|first| first.over == series.over);
        let is_drawn = series.name != Series::EVENTS && series.points.len() > 1 && is_told;
        if is_drawn && is_new && is_alike && chosen.len() < PANELS_MAX {
            chosen.push(series);
        }
    }
    chosen
}

/// What happened, by both sides, each once.
fn events(findings: &ScenarioFindings) -> Vec<(f64, String)> {
    let mut events: Vec<(f64, String)> = Vec::new();
    let series = findings.results.iter().flat_map(|result| &result.series);
    for point in series.filter(|series| series.name == Series::EVENTS).flat_map(|series| &series.points) {
        let is_known = |(at, what): &(f64, String)| *what == point.setting && (at - point.at).abs() < 1.0;
        if !events.iter().any(is_known) && events.len() < EVENTS_MAX {
            events.push((point.at, point.setting.clone()));
        }
    }
    events.sort_by(|(one, _), (other, _)| one.total_cmp(other));
    events
}

fn panel(
    findings: &ScenarioFindings,
    series: &Series,
    lines: &[Line<'_>],
    events: &[(f64, String)],
    (x, place): (Axis, fn(f64) -> f64),
) -> Panel {
    let bound = bound(findings, series);
    let (y, height_of) = y_axis(series, lines, bound);
    let mut marks = spans(events, &x);
    marks.extend(capacities(findings, series, place));
    marks.extend(bound.map(|value| Mark::Across { role: Role::Reference, y: height_of(value) }));
    for (nth, line) in lines.iter().enumerate() {
        let aside = aside(lines, nth) * (x.range.1 - x.range.0);
        let place = |at: f64| place(at) + aside;
        marks.extend(whiskers(line, place, height_of, y.range));
        marks.extend(drawn(line, place, height_of, series.over != "seconds"));
    }
    let label = |line: &Line<'_>| {
        let last = line.points.iter().rev().find_map(|point| point.value)?;
        Some(Label { y: height_of(last), text: short(&line.name), role: line.role })
    };
    let told = bound.map(|value| Label {
        y: height_of(value),
        text: format!("bound {}", figure(series.unit, value)),
        role: Role::Ink,
    });
    Panel { height: 230, x, y, marks, labels: lines.iter().filter_map(label).chain(told).collect() }
}

/// The bound that a figure of the scenario names for a quantity, such as the p99 that a rate must keep.
fn bound(findings: &ScenarioFindings, series: &Series) -> Option<f64> {
    let name = format!("{} bound", series.name);
    findings.results.iter().find_map(|result| result.value(&name))
}

/// Where the search for a capacity ended, on each side.
fn capacities(findings: &ScenarioFindings, series: &Series, place: fn(f64) -> f64) -> Vec<Mark> {
    let is_searched = findings.scenario == "capacity" && series.over != "seconds";
    let results = findings.results.iter().filter(|_| is_searched);
    let mark = |result: &ScenarioResult| {
        let (rate, name) = (result.value("capacity")?, findings.name_of(result));
        let text = format!("{}: {}", short(&name), figure(Unit::PerSecond, rate));
        Some(Mark::Upright { role: role(result), x: place(rate), text })
    };
    results.filter_map(mark).collect()
}

/// The time of a fault as a column between what begins and what ends, and a line for everything else.
fn spans(events: &[(f64, String)], x: &Axis) -> Vec<Mark> {
    let mut marks = Vec::new();
    let end = |what: &str| {
        let named = what.strip_suffix(" begins")?;
        let ends = events.iter().find(|(_, other)| other.strip_suffix(" ends") == Some(named))?;
        Some(ends.0)
    };
    for (at, what) in events {
        match end(what) {
            Some(to) if to - at > (x.range.1 - x.range.0) * 0.01 => {
                marks.push(Mark::Column { role: Role::Event, from: *at, to });
                let text = what.trim_end_matches(" begins").to_owned();
                marks.push(Mark::Upright { role: Role::Event, x: *at, text });
            }
            Some(_) => {
                let text = what.trim_end_matches(" begins").to_owned();
                marks.push(Mark::Upright { role: Role::Event, x: *at, text });
            }
            None if what.ends_with(" ends") => {}
            None => marks.push(Mark::Upright { role: Role::Event, x: *at, text: what.clone() }),
        }
    }
    marks
}

/// How far a line stands from its place, as a share of the axis: intervals at one place would hide each
/// other.
fn aside(lines: &[Line<'_>], nth: usize) -> f64 {
    const APART: f64 = 0.006;
    let has_intervals = |line: &Line<'_>| line.points.iter().any(|point| point.lower.is_some());
    if !lines.iter().any(has_intervals) {
        return 0.0;
    }
    (nth as f64 - (lines.len() - 1) as f64 / 2.0) * APART
}

/// Intervals as upright bars, as far as the axis goes: few super-blocks allow what cannot be.
fn whiskers(
    line: &Line<'_>,
    place: impl Fn(f64) -> f64,
    height_of: fn(f64) -> f64,
    (bottom, top): (f64, f64),
) -> Vec<Mark> {
    let role = line.role;
    let bars = line.points.iter().filter_map(|point| {
        let (lower, upper) = point.lower.zip(point.upper)?;
        // A logarithm of nothing or less is below every axis.
        let lower =
            Some(height_of(lower)).filter(|height| height.is_finite()).map_or(bottom, |at| at.max(bottom));
        Some(Mark::Line {
            role,
            points: vec![(place(point.at), lower), (place(point.at), height_of(upper).min(top))],
        })
    });
    bars.collect()
}

/// The line, broken at gaps; with dots where points are few, since each was a load of its own.
fn drawn(
    line: &Line<'_>,
    place: impl Fn(f64) -> f64,
    height_of: fn(f64) -> f64,
    has_dots: bool,
) -> Vec<Mark> {
    let role = line.role;
    let mut marks = Vec::new();
    for part in line.points.split(|point| point.value.is_none()).filter(|part| !part.is_empty()) {
        let at = |point: &&Point| point.value.map(|value| (place(point.at), height_of(value)));
        let points: Vec<(f64, f64)> = part.iter().filter_map(at).collect();
        if points.len() > 1 {
            marks.push(Mark::Line { role, points: points.clone() });
        }
        if has_dots || points.len() == 1 {
            marks.push(Mark::Dots { role, points });
        }
    }
    marks
}

fn over_title(over: &str) -> String {
    match over {
        "seconds" => "seconds since the load began".to_owned(),
        other => other.to_owned(),
    }
}

const fn identity(value: f64) -> f64 {
    value
}

/// What the panels share: linear for times and for a few neighbours, else logarithmic.
fn x_axis(
    lines: &[Vec<Line<'_>>],
    events: &[(f64, String)],
    over: &str,
    title: &str,
) -> (Axis, fn(f64) -> f64) {
    let places = || {
        let points = lines.iter().flatten().flat_map(|line| &line.points);
        points.map(|point| point.at).chain(events.iter().map(|(at, _)| *at))
    };
    let (low, high) = ticks::range(places()).unwrap_or((0.0, 1.0));
    if over == "seconds" {
        let text = |value: f64| format!("{} s", (value * 1e6).round() / 1e6);
        return (ticks::linear(0.0, high.max(1e-3) * 1.02, title, text), identity);
    }
    if low > 0.0 && high / low >= LOGARITHMIC_FROM {
        return (ticks::logarithmic(places(), title, scenario::place), f64::log10);
    }
    let margin = ((high - low) * 0.04).max(0.5_f64.min(high.abs().max(0.1) * 0.04));
    let mut axis = ticks::linear(low - margin, high + margin, title, scenario::place);
    if places().all(|place| place.fract() == 0.0) {
        // There is no second and a half expiry.
        axis.ticks.retain(|(at, _)| at.fract() == 0.0);
    }
    (axis, identity)
}

/// Shares from 0 to 100 %, times on a logarithmic axis, everything else from 0 on.
fn y_axis(series: &Series, lines: &[Line<'_>], bound: Option<f64>) -> (Axis, fn(f64) -> f64) {
    let points = || lines.iter().flat_map(|line| &line.points);
    let found = || points().filter_map(|point| point.value).chain(bound);
    let title = series.name.as_str();
    // Intervals widen an axis only so far.
    let (least, most) = ticks::range(found()).map_or((0.0, 1.0), |(low, high)| match series.unit {
        Unit::Share => (low.min(0.0), high.max(1.0)),
        Unit::Seconds => (low / 3.0, high * 3.0),
        _ => (low.min(0.0), high * 2.0),
    });
    let ends = || {
        points()
            .flat_map(|point| [point.lower, point.upper])
            .flatten()
            .map(|end| end.clamp(least, most.max(least)))
    };
    let values = || found().chain(ends());
    let (low, high) = ticks::range(values()).unwrap_or((0.0, 1.0));
    match series.unit {
        Unit::Share if high <= 1.0 && low >= 0.0 => {
            let share = |value: f64| format!("{:.0} %", value * 100.0);
            let ticks = [0.0, 0.25, 0.5, 0.75, 1.0].map(|value| (value, share(value))).to_vec();
            (Axis { range: (0.0, 1.04), ticks, title: title.to_owned() }, identity)
        }
        Unit::Seconds if low > 0.0 => {
            let nanoseconds = values().map(|value| value * 1e9);
            (ticks::logarithmic(nanoseconds, title, latency_tick), |value| (value * 1e9).log10())
        }
        unit => {
            let text = move |value: f64| match unit {
                Unit::Bytes => bytes(value.max(0.0) as u64),
                Unit::Count | Unit::Ratio => scenario::place(value),
                Unit::PerSecond => format!("{} /s", scenario::place(value)),
                unit => figure(unit, value),
            };
            (ticks::linear(low.min(0.0), high.max(low + 1e-9) * 1.08, title, text), identity)
        }
    }
}

fn listed(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [rest @ .., last] => format!("{} and {last}", rest.join(", ")),
    }
}

fn table(quantities: &[&Series], lines: &[Vec<Line<'_>>], over: &str) -> ChartTable {
    let mut columns = vec![over.to_owned()];
    let mut places: Vec<f64> = Vec::new();
    for (series, lines) in quantities.iter().zip(lines) {
        columns.extend(lines.iter().map(|line| format!("{} {}", line.name, series.name)));
        places.extend(lines.iter().flat_map(|line| &line.points).map(|point| point.at));
    }
    places.sort_by(f64::total_cmp);
    places.dedup();
    let step = places.len().div_ceil(ROWS_MAX).max(1);
    let cell = |series: &Series, line: &Line<'_>, at: f64| {
        let point = line.points.iter().find(|point| point.at == at);
        point.and_then(|point| point.value).map_or_else(|| "–".to_owned(), |value| figure(series.unit, value))
    };
    let row = |at: f64| {
        let cells = quantities.iter().zip(lines);
        let cells = cells.flat_map(|(series, lines)| lines.iter().map(|line| cell(series, line, at)));
        std::iter::once(scenario::place(at)).chain(cells).collect()
    };
    ChartTable { columns, rows: places.into_iter().step_by(step).map(row).collect() }
}

#[cfg(test)]
mod tests;
