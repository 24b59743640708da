//! What every dashboard's file needs to write a panel.

use hitmark_schema::thresholds::{Better, Threshold};

use crate::grafana::{Panel, Query, Shape, Unit};

/// What the threshold table says of a figure, in words.
pub(super) fn graded(row: &Threshold) -> String {
    let percent = |share: f64| format!("{:.0} %", share * 100.0);
    let (excellent, good) = (percent(row.excellent), percent(row.good));
    match row.better {
        Better::Higher => {
            format!("{} Above {excellent} is excellent, from {good} good, below poor.", row.meaning)
        }
        Better::Lower => {
            format!("{} Below {excellent} is excellent, up to {good} good, above poor.", row.meaning)
        }
    }
}

pub(super) fn stat(title: &'static str, description: &str, unit: Unit, expression: String) -> Panel {
    let queries = vec![query(expression, "")];
    Panel { title, description: description.to_owned(), shape: Shape::Stat, unit, bands: None, queries }
}

pub(super) fn over_time(
    title: &'static str,
    description: &str,
    shape: Shape,
    unit: Unit,
    queries: Vec<Query>,
) -> Panel {
    Panel { title, description: description.to_owned(), shape, unit, bands: None, queries }
}

pub(super) fn query(expression: String, legend: &'static str) -> Query {
    Query { expression, legend }
}
