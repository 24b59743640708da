//! The percentile curve: how slow the slowest one in ten, in a hundred, in a thousand is.
//!
//! The x axis is log10(1/(1 − q)), as HdrHistogram's plots have it, so that the tail has room. A
//! curve ends where ten values lie beyond it: further out it would draw single requests.

use hdrhistogram::Histogram;
use hitmark_schema::{Outcome, Variant};

use super::palette::Role;
use super::panel::{Axis, Label, Mark, Panel};
use super::{ChartTable, Sketch, ticks};
use crate::comparison::ExperimentComparison;
use crate::format::{latency, latency_tick};

/// Points of a curve in each decade of the x axis.
const POINTS_PER_DECADE: u32 = 8;

/// Values that must lie beyond the end of a curve.
const VALUES_BEYOND: f64 = 10.0;

/// The ticks, at log10(1/(1 − q)).
const TICKS: [(f64, &str); 6] = [
    (std::f64::consts::LOG10_2, "50 %"),
    (1.0, "90 %"),
    (2.0, "99 %"),
    (3.0, "99.9 %"),
    (4.0, "99.99 %"),
    (5.0, "99.999 %"),
];

struct Curve {
    name: String,
    role: Role,
    /// log10(1/(1 − q)) and nanoseconds.
    points: Vec<(f64, f64)>,
}

pub(super) fn sketch(comparison: &ExperimentComparison) -> Option<Sketch> {
    let curves = curves(comparison);
    if curves.is_empty() {
        return None;
    }
    let end = curves.iter().flat_map(|curve| &curve.points).map(|(x, _)| *x).fold(1.0, f64::max);
    let values = curves.iter().flat_map(|curve| &curve.points).map(|(_, ns)| *ns);
    let panel = Panel {
        height: 360,
        x: Axis {
            range: (0.0, end),
            ticks: TICKS
                .into_iter()
                .filter(|(x, _)| *x <= end)
                .map(|(x, text)| (x, text.to_owned()))
                .collect(),
            title: "share of requests that are at least this fast".to_owned(),
        },
        y: ticks::logarithmic(values, "latency", latency_tick),
        marks: curves.iter().map(mark).collect(),
        labels: curves.iter().filter_map(label).collect(),
    };
    let names: Vec<&str> = curves.iter().map(|curve| curve.name.as_str()).collect();
    Some(Sketch {
        kind: "percentiles",
        title: format!("{}: latency by percentile", comparison.experiment.name),
        desc: format!(
            "Latency on a logarithmic axis against the share of requests that are at least this fast, for {}. \
             Lower is faster. Each curve ends where fewer than ten requests are slower.",
            names.join(", ")
        ),
        panels: vec![panel],
        table: table(&curves),
    })
}

fn curves(comparison: &ExperimentComparison) -> Vec<Curve> {
    let mut curves = Vec::new();
    for side in &comparison.variants {
        let told: Vec<_> = side.outcomes.iter().filter(|(outcome, _)| outcome.asked_the_cache()).collect();
        if side.variant == Variant::Candidate && !told.is_empty() {
            let curve = |(outcome, summary): &(Outcome, crate::variants::LatencySummary)| Curve {
                name: format!("{} {outcome}", side.name),
                role: Role::of(*outcome),
                points: points(&summary.histogram),
            };
            curves.extend(told.into_iter().map(curve));
        } else {
            let role = if side.variant == Variant::Baseline { Role::Baseline } else { Role::Candidate };
            curves.push(Curve { name: side.name.clone(), role, points: points(&side.overall.histogram) });
        }
    }
    curves.retain(|curve| !curve.points.is_empty());
    curves
}

/// The curve of a histogram as far as its values support it.
fn points(histogram: &Histogram<u64>) -> Vec<(f64, f64)> {
    let end = (histogram.len() as f64 / VALUES_BEYOND).log10();
    if end < f64::log10(2.0) {
        return Vec::new();
    }
    let steps = (end * f64::from(POINTS_PER_DECADE)).floor() as u32;
    let grid = (1..=steps).map(|step| f64::from(step) / f64::from(POINTS_PER_DECADE));
    let mut places: Vec<f64> = grid.chain(TICKS.map(|(x, _)| x)).filter(|x| *x <= end).collect();
    places.sort_by(f64::total_cmp);
    places.dedup_by(|a, b| (*a - *b).abs() < 1e-6);
    let value = |x: f64| histogram.value_at_quantile(1.0 - 10f64.powf(-x)) as f64;
    places.into_iter().map(|x| (x, value(x))).collect()
}

fn mark(curve: &Curve) -> Mark {
    Mark::Line {
        role: curve.role,
        points: curve.points.iter().map(|(x, ns)| (*x, ns.max(1.0).log10())).collect(),
    }
}

fn label(curve: &Curve) -> Option<Label> {
    let (_, ns) = curve.points.last()?;
    Some(Label { y: ns.max(1.0).log10(), text: curve.name.clone(), role: curve.role })
}

fn table(curves: &[Curve]) -> ChartTable {
    let mut places: Vec<f64> = curves.iter().flat_map(|curve| curve.points.iter().map(|(x, _)| *x)).collect();
    places.sort_by(f64::total_cmp);
    places.dedup();
    let cell = |curve: &Curve, x: f64| {
        let point = curve.points.iter().find(|(place, _)| *place == x);
        point.map_or_else(|| "–".to_owned(), |(_, ns)| latency(*ns))
    };
    let rows = places
        .into_iter()
        .map(|x| {
            let share = 100.0 * (1.0 - 10f64.powf(-x));
            let digits = if x > 2.0 { 4 } else { 2 };
            let mut row = vec![format!("{share:.digits$} %")];
            row.extend(curves.iter().map(|curve| cell(curve, x)));
            row
        })
        .collect();
    let mut columns = vec!["percentile".to_owned()];
    columns.extend(curves.iter().map(|curve| curve.name.clone()));
    ChartTable { columns, rows }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_curve_ends_where_ten_values_lie_beyond_it() {
        let mut histogram = hitmark_schema::measurement::latency_histogram();
        for value in 1..=1_000u64 {
            histogram.saturating_record(value * 1_000);
        }
        let points = points(&histogram);
        let (x, ns) = points[points.len() - 1];
        assert!((x - 2.0).abs() < 1e-9, "1000 values support 99 %: {x}");
        assert!((ns - 990_000.0).abs() < 2_000.0, "{ns}");
        assert!(
            points.iter().any(|(x, ns)| (*x - TICKS[0].0).abs() < 1e-9 && (ns - 500_000.0).abs() < 2_000.0)
        );
        assert!(points.is_sorted());
    }

    #[test]
    fn a_handful_of_values_has_no_curve() {
        let mut histogram = hitmark_schema::measurement::latency_histogram();
        histogram.saturating_record_n(5, 19);
        assert!(points(&histogram).is_empty());
    }
}
