//! Latency and hit ratio over the time of an experiment, with what happened in between.
//!
//! A point is one super-block of one side. A percentile that a super-block has too few values for
//! leaves a gap: nothing is drawn there.

use hitmark_schema::{Outcome, Run, SuperBlock, Timing, Variant};

use super::palette::Role;
use super::panel::{Axis, Label, Mark, Panel};
use super::{ChartTable, Sketch, ticks};
use crate::comparison::ExperimentComparison;
use crate::format::{latency, latency_tick, percent};
use crate::statistics::Quantile;
use crate::variants::{hit_ratio, not_failed};

/// Events that are marked in a chart; the page lists all of them.
const EVENTS_MAX: usize = 8;

/// Values that a super-block needs for a point of a median.
const VALUES_FOR_MEDIAN: u64 = 5;

struct Series {
    name: String,
    role: Role,
    /// Seconds since the first super-block began and the figure, one for each super-block.
    points: Vec<(f64, Option<f64>)>,
}

pub(super) fn sketch(run: &Run, comparison: &ExperimentComparison) -> Option<Sketch> {
    let slug = &comparison.experiment.slug;
    let started = run
        .blocks
        .iter()
        .filter(|block| block.experiment == *slug)
        .map(|block| block.started_unix_ns)
        .min()?;
    let latencies = latency_series(run, comparison, started);
    let ratios = hit_ratio_series(run, comparison, started);
    let ends = run
        .blocks
        .iter()
        .filter(|block| block.experiment == *slug)
        .map(|block| seconds(middle(block), started));
    let end = ends.fold(1.0, f64::max) * 1.02;
    let events = events(run, slug, started, end);
    let mut panels = vec![latency_panel(&latencies, &events, end)];
    panels.extend(ratio_panel(&ratios, &events, end));
    let marked = match events.len() {
        0 => "Nothing happened in between.".to_owned(),
        _ => {
            let told = events.iter().map(|(at, text)| format!("at {at:.1} s {text}")).collect::<Vec<_>>();
            format!("Marked: {}.", told.join("; "))
        }
    };
    Some(Sketch {
        kind: "timeline",
        title: format!("{}: latency and hit ratio over time", comparison.experiment.name),
        desc: format!(
            "Above, the latency of each super-block on a logarithmic axis against seconds since the experiment \
             began: p50 as a line, p99 dashed, by outcome. Below, the hit ratio. {marked}"
        ),
        panels,
        table: table(&latencies, &ratios, &events),
    })
}

fn latency_series(run: &Run, comparison: &ExperimentComparison, started: u64) -> Vec<Series> {
    let mut series = Vec::new();
    for side in &comparison.variants {
        let blocks: Vec<&SuperBlock> =
            run.side(&comparison.experiment.slug, side.variant).into_values().collect();
        let told: Vec<Outcome> = side
            .outcomes
            .iter()
            .map(|(outcome, _)| *outcome)
            .filter(|outcome| outcome.asked_the_cache())
            .collect();
        if side.variant == Variant::Baseline || told.is_empty() {
            let role = if side.variant == Variant::Baseline { Role::Baseline } else { Role::Candidate };
            series.extend(percentiles(&blocks, &side.name, role, started, &not_failed));
        } else {
            for outcome in told {
                let name = format!("{} {outcome}", side.name);
                series.extend(percentiles(&blocks, &name, Role::of(outcome), started, &|other| {
                    other == outcome
                }));
            }
        }
    }
    series.retain(|series| series.points.iter().any(|(_, figure)| figure.is_some()));
    series
}

fn percentiles(
    blocks: &[&SuperBlock],
    name: &str,
    role: Role,
    started: u64,
    keep: &dyn Fn(Outcome) -> bool,
) -> [Series; 2] {
    [(Quantile::P50, role), (Quantile::P99, role.tail())].map(|(quantile, role)| Series {
        name: format!("{name} {quantile}"),
        role,
        points: blocks
            .iter()
            .map(|block| {
                let histogram = block.merged(Timing::Body, keep);
                let enough = histogram.len() >= VALUES_FOR_MEDIAN;
                let figure = quantile.of(&histogram).filter(|_| enough).map(|ns| ns.max(1) as f64);
                (seconds(middle(block), started), figure)
            })
            .collect(),
    })
}

fn hit_ratio_series(run: &Run, comparison: &ExperimentComparison, started: u64) -> Vec<Series> {
    let series = comparison.variants.iter().map(|side| {
        let blocks = run.side(&comparison.experiment.slug, side.variant);
        let role = if side.variant == Variant::Baseline { Role::Baseline } else { Role::Hit };
        let point =
            |block: &SuperBlock| (seconds(middle(block), started), hit_ratio(|outcome| block.count(outcome)));
        Series { name: side.name.clone(), role, points: blocks.into_values().map(point).collect() }
    });
    series.filter(|series| series.points.iter().any(|(_, figure)| figure.is_some())).collect()
}

fn latency_panel(series: &[Series], events: &[(f64, String)], end: f64) -> Panel {
    let values = series.iter().flat_map(|series| &series.points).filter_map(|(_, figure)| *figure);
    let mut marks = event_marks(events);
    marks.extend(series.iter().flat_map(|series| lines(series, f64::log10)));
    Panel {
        height: 320,
        x: time_axis(end, ""),
        y: ticks::logarithmic(values, "latency", latency_tick),
        marks,
        labels: series.iter().filter_map(|series| label(series, f64::log10)).collect(),
    }
}

fn ratio_panel(series: &[Series], events: &[(f64, String)], end: f64) -> Option<Panel> {
    if series.is_empty() {
        return None;
    }
    let mut marks = event_marks(events);
    marks.extend(series.iter().flat_map(|series| lines(series, |ratio| ratio)));
    let share = |value: f64| format!("{:.0} %", value * 100.0);
    let ticks = [0.0, 0.25, 0.5, 0.75, 1.0].map(|value| (value, share(value))).to_vec();
    Some(Panel {
        height: 200,
        x: time_axis(end, "seconds since the experiment began"),
        y: Axis { range: (0.0, 1.04), ticks, title: "hit ratio".to_owned() },
        marks,
        labels: series.iter().filter_map(|series| label(series, |ratio| ratio)).collect(),
    })
}

/// Lines through what was measured, broken at gaps; a lone point between gaps becomes a dot.
fn lines(series: &Series, place: fn(f64) -> f64) -> Vec<Mark> {
    let role = series.role;
    series
        .points
        .split(|(_, figure)| figure.is_none())
        .filter(|part| !part.is_empty())
        .map(|part| {
            let points: Vec<(f64, f64)> =
                part.iter().filter_map(|(at, figure)| figure.map(|figure| (*at, place(figure)))).collect();
            if points.len() == 1 { Mark::Dots { role, points } } else { Mark::Line { role, points } }
        })
        .collect()
}

fn label(series: &Series, place: fn(f64) -> f64) -> Option<Label> {
    let last = series.points.iter().rev().find_map(|(_, figure)| *figure)?;
    Some(Label { y: place(last), text: series.name.clone(), role: series.role })
}

fn time_axis(end: f64, title: &str) -> Axis {
    ticks::linear(0.0, end, title, |value| format!("{} s", (value * 1e6).round() / 1e6))
}

fn event_marks(events: &[(f64, String)]) -> Vec<Mark> {
    events
        .iter()
        .enumerate()
        .map(|(place, (at, text))| {
            // Texts beside each other would overlap: from the second on a number stands for it.
            let text = if events.len() == 1 { text.clone() } else { format!("event {}", place + 1) };
            Mark::Upright { role: Role::Event, x: *at, text }
        })
        .collect()
}

/// The first events of this experiment or of the whole run, at seconds since the experiment began.
fn events(run: &Run, slug: &str, started: u64, end: f64) -> Vec<(f64, String)> {
    run.events
        .iter()
        .filter(|event| event.experiment.as_deref().is_none_or(|experiment| experiment == slug))
        .filter(|event| event.unix_ns >= started)
        .map(|event| (seconds(event.unix_ns, started), event.kind.describe().to_owned()))
        .filter(|(at, _)| *at <= end)
        .take(EVENTS_MAX)
        .collect()
}

fn middle(block: &SuperBlock) -> u64 {
    block.started_unix_ns + block.duration_ns / 2
}

fn seconds(unix_ns: u64, started: u64) -> f64 {
    unix_ns.saturating_sub(started) as f64 / 1e9
}

fn table(latencies: &[Series], ratios: &[Series], events: &[(f64, String)]) -> ChartTable {
    let dash = || "–".to_owned();
    let mut columns = vec!["seconds".to_owned()];
    columns.extend(latencies.iter().map(|series| series.name.clone()));
    columns.extend(ratios.iter().map(|series| format!("{} hit ratio", series.name)));
    columns.push("event".to_owned());
    // Both sides of a super-block share their start, so the longest series has every place.
    let longest = latencies.iter().chain(ratios).max_by_key(|series| series.points.len());
    let times: Vec<f64> =
        longest.map_or_else(Vec::new, |series| series.points.iter().map(|(at, _)| *at).collect());
    let figure = |series: &Series, place: usize| series.points.get(place).and_then(|(_, figure)| *figure);
    let mut rows: Vec<(f64, Vec<String>)> = times
        .iter()
        .enumerate()
        .map(|(place, at)| {
            let mut row = vec![format!("{at:.1}")];
            row.extend(latencies.iter().map(|series| figure(series, place).map_or_else(dash, latency)));
            row.extend(ratios.iter().map(|series| figure(series, place).map_or_else(dash, percent)));
            row.push(String::new());
            (*at, row)
        })
        .collect();
    for (at, text) in events {
        let mut row = vec![format!("{at:.1}")];
        row.extend((0..latencies.len() + ratios.len()).map(|_| String::new()));
        row.push(text.clone());
        rows.push((*at, row));
    }
    rows.sort_by(|(a, _), (b, _)| a.total_cmp(b));
    ChartTable { columns, rows: rows.into_iter().map(|(_, row)| row).collect() }
}
