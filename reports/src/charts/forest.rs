//! The forest plot: every experiment of a run on one axis, each ratio with its interval.

use super::palette::Role;
use super::panel::{Axis, Label, Mark, Panel};
use super::{ChartTable, Sketch, ticks};
use crate::comparison::{ExperimentComparison, RunComparison};
use crate::format::{significant, speed_up, tick};
use crate::pairing::Ratio;
use crate::statistics::Quantile;
use crate::verdict::TOLERANCE;

/// Height of one experiment in pixels.
const ROW_HEIGHT: u32 = 46;

/// The quantiles of a row, above and below its middle.
const DRAWN: [(Quantile, Role, f64); 2] =
    [(Quantile::P50, Role::Hit, 0.14), (Quantile::P99, Role::Miss, -0.14)];

pub(super) fn sketch(comparison: &RunComparison) -> Option<Sketch> {
    let rows: Vec<&ExperimentComparison> = comparison
        .experiments
        .iter()
        .filter(|experiment| DRAWN.iter().any(|(quantile, ..)| ratio(experiment, *quantile).is_some()))
        .collect();
    if rows.is_empty() {
        return None;
    }
    Some(Sketch {
        kind: "forest",
        title: "Every experiment: ratio with its interval".to_owned(),
        desc: "For each experiment the latency of the candidate divided by that of the baseline, at p50 (above) and \
               p99 (below), with its 95 % interval, on a logarithmic axis. Left of 1 the candidate is faster; the \
               grey column around 1 is the tolerance of 2 %."
            .to_owned(),
        panels: vec![panel(&rows)],
        table: table(&rows),
    })
}

fn panel(rows: &[&ExperimentComparison]) -> Panel {
    let mut marks = vec![
        Mark::Column {
            role: Role::Reference,
            from: -TOLERANCE.ln_1p() / f64::ln(10.0),
            to: TOLERANCE.ln_1p() / f64::ln(10.0),
        },
        Mark::Upright { role: Role::Reference, x: 0.0, text: "no difference".to_owned() },
    ];
    let mut values = vec![1.0];
    let mut labels = Vec::new();
    let height_of = |place: usize| (rows.len() - place) as f64;
    for (place, row) in rows.iter().enumerate() {
        for (quantile, role, offset) in DRAWN {
            let Some(ratio) = ratio(row, quantile) else { continue };
            let (from, to) = ratio.interval.unwrap_or((ratio.estimate, ratio.estimate));
            values.extend([from, to, ratio.estimate]);
            let y = height_of(place) + offset;
            marks.push(Mark::Interval {
                role,
                y,
                at: ratio.estimate.log10(),
                from: from.log10(),
                to: to.log10(),
            });
            labels.push(Label { y, text: format!("{quantile} {}", speed_up(ratio.estimate)), role });
        }
    }
    let ticks =
        rows.iter().enumerate().map(|(place, row)| (height_of(place), shortened(&row.experiment.name)));
    Panel {
        height: 80 + ROW_HEIGHT * u32::try_from(rows.len()).unwrap_or(1),
        x: ticks::logarithmic(values.into_iter(), "ratio candidate ÷ baseline: left is faster", tick),
        y: Axis { range: (0.4, rows.len() as f64 + 0.6), ticks: ticks.collect(), title: String::new() },
        marks,
        labels,
    }
}

fn ratio(experiment: &ExperimentComparison, quantile: Quantile) -> Option<&Ratio> {
    experiment.ratio(quantile)?.as_ref().ok()
}

/// A name that fits beside the axis.
fn shortened(name: &str) -> String {
    const CHARS_MAX: usize = 22;
    if name.chars().count() <= CHARS_MAX {
        return name.to_owned();
    }
    name.chars().take(CHARS_MAX - 1).chain(['…']).collect()
}

fn table(rows: &[&ExperimentComparison]) -> ChartTable {
    let columns =
        ["experiment", "percentile", "ratio", "lower", "upper", "smallest effect it could see", "pairs"];
    let dash = || "–".to_owned();
    let cells = rows.iter().flat_map(|row| {
        DRAWN.iter().filter_map(|(quantile, ..)| {
            let ratio = ratio(row, *quantile)?;
            Some(vec![
                row.experiment.name.clone(),
                quantile.to_string(),
                significant(ratio.estimate),
                ratio.interval.map_or_else(dash, |(lower, _)| significant(lower)),
                ratio.interval.map_or_else(dash, |(_, upper)| significant(upper)),
                ratio.detectable.map_or_else(dash, crate::format::percent),
                ratio.each.len().to_string(),
            ])
        })
    });
    ChartTable { columns: columns.map(str::to_owned).to_vec(), rows: cells.collect() }
}
