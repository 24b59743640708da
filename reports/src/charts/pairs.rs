//! The paired super-block plot: the ratio of each pair in order, so that drift, outliers and noise
//! are seen and not averaged away.

use super::palette::Role;
use super::panel::{Axis, Label, Mark, Panel};
use super::{ChartTable, Sketch, ticks};
use crate::comparison::ExperimentComparison;
use crate::format::{significant, tick};
use crate::pairing::Ratio;
use crate::statistics::Quantile;

pub(super) fn sketch(comparison: &ExperimentComparison) -> Option<Sketch> {
    let ratio = comparison.ratio(Quantile::P50)?.as_ref().ok()?;
    let values =
        ratio.each.iter().copied().chain([1.0]).chain(ratio.interval.into_iter().flat_map(|(a, b)| [a, b]));
    let panel = Panel {
        height: 280,
        x: pair_axis(ratio.each.len()),
        y: ticks::logarithmic(values, "ratio of p50", tick),
        marks: marks(ratio),
        labels: labels(ratio),
    };
    let interval = ratio.interval.map_or_else(
        || "There are too few pairs for an interval.".to_owned(),
        |(lower, upper)| format!("The 95 % interval is {} to {}.", significant(lower), significant(upper)),
    );
    Some(Sketch {
        kind: "pairs",
        title: format!("{}: ratio of each pair of super-blocks", comparison.experiment.name),
        desc: format!(
            "The median latency of the candidate divided by that of the baseline, for each of {} pairs in the \
             order of the run, on a logarithmic axis. Below 1 the candidate is faster. The estimate is {}. {interval}",
            ratio.each.len(),
            significant(ratio.estimate),
        ),
        panels: vec![panel],
        table: table(ratio),
    })
}

fn pair_axis(pairs: usize) -> Axis {
    let last = pairs as f64;
    let mut axis = ticks::linear(0.0, last, "pair, in order", |value| value.to_string());
    axis.range = (0.0, last + 1.0);
    axis.ticks.retain(|(at, _)| at.fract() == 0.0 && *at >= 1.0);
    axis
}

fn marks(ratio: &Ratio) -> Vec<Mark> {
    let mut marks = Vec::new();
    if let Some((lower, upper)) = ratio.interval {
        marks.push(Mark::Band { role: Role::Hit, from: lower.log10(), to: upper.log10() });
    }
    marks.push(Mark::Across { role: Role::Reference, y: 0.0 });
    marks.push(Mark::Across { role: Role::Candidate, y: ratio.estimate.log10() });
    let points = ratio.each.iter().enumerate().map(|(place, each)| (place as f64 + 1.0, each.log10()));
    marks.push(Mark::Dots { role: Role::Hit, points: points.collect() });
    marks
}

fn labels(ratio: &Ratio) -> Vec<Label> {
    vec![
        Label { y: 0.0, text: "1: no difference".to_owned(), role: Role::Ink },
        Label {
            y: ratio.estimate.log10(),
            text: format!("estimate {}", significant(ratio.estimate)),
            role: Role::Candidate,
        },
    ]
}

fn table(ratio: &Ratio) -> ChartTable {
    let mut rows: Vec<Vec<String>> = ratio
        .each
        .iter()
        .enumerate()
        .map(|(place, each)| vec![(place + 1).to_string(), format!("{each:.4}")])
        .collect();
    rows.push(vec!["estimate".to_owned(), format!("{:.4}", ratio.estimate)]);
    if let Some((lower, upper)) = ratio.interval {
        rows.push(vec!["95 % interval".to_owned(), format!("{lower:.4} to {upper:.4}")]);
    }
    ChartTable { columns: vec!["pair".to_owned(), "ratio of p50".to_owned()], rows }
}
