//! The figures in Bencher Metric Format: `{"benchmark": {"measure": {"value", "lower_value",
//! "upper_value"}}}`. Times are in nanoseconds. A rule without data has no figure and is left out.

use serde_json::{Map, Value, json};

use crate::format::number;
use crate::gate::{GateReport, Judged, Kind};

pub(super) fn render(report: &GateReport) -> String {
    let mut document = Map::new();
    for judged in &report.judged {
        let Some(value) = judged.value else { continue };
        let benchmark = document.entry(judged.rule.experiment.clone()).or_insert_with(|| json!({}));
        let mut figure = Map::from_iter([("value".to_owned(), json!(number(value)))]);
        if let Some((lower, upper)) = judged.interval {
            figure.insert("lower_value".to_owned(), json!(number(lower)));
            figure.insert("upper_value".to_owned(), json!(number(upper)));
        }
        benchmark[measure(judged)] = Value::Object(figure);
    }
    format!("{:#}\n", Value::Object(document))
}

/// The name of the figure: metric, outcome and unit.
fn measure(judged: &Judged) -> String {
    let rule = &judged.rule;
    let outcome = rule.outcome.map_or_else(String::new, |outcome| format!("-{outcome}"));
    let variant = rule.variant.map_or_else(String::new, |variant| format!("-{variant}"));
    let unit = match rule.kind {
        Kind::Ratio { .. } => "-ratio",
        Kind::Absolute { .. } => "-ns",
        Kind::Count { .. } | Kind::Figure { .. } => "",
    };
    format!("{}{outcome}{variant}{unit}", rule.metric_name().replace(' ', "-"))
}
