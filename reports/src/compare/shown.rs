//! A comparison of runs for terminals, programs and pages.

use serde_json::{Value, json};

use super::{Change, Estimate, RunsComparison};
use crate::format::{number, percent, significant, speed_up};
use crate::pairing::NotMeasured;
use crate::table::markdown_text;
use crate::verdict::Verdict;

/// The version of the JSON shape.
pub const COMPARE_SCHEMA: u32 = 1;

impl RunsComparison {
    /// For a terminal. Ends with a line feed.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        for change in &self.experiments {
            let verdict = change.verdict.map_or("no verdict", Verdict::as_str);
            text.push_str(&format!("{}: {}\n", change.name, verdict.to_uppercase()));
            for (quantile, estimate) in &change.changes {
                text.push_str(&format!("  {quantile}  {}\n", told(estimate)));
            }
            text.push_str(&format!("  hit ratio  {}\n", hit_ratio(change.hit_ratio)));
            text.push_str(&format!("  compared: {}; {}\n", change.method.as_str(), change.method.warning()));
        }
        for note in &self.notes {
            text.push_str(&format!("note: {note}\n"));
        }
        text
    }

    /// For programs: `{"schema": 1, "experiments": [{"name", "method", "verdict", "warning", "change":
    /// {"p50": {"estimate", "lower", "upper", "reason"}, "p99": …}, "hit_ratio": {"before", "after"}}], "notes": []}`.
    /// A change is after ÷ before. Ends with a line feed.
    #[must_use]
    pub fn json(&self) -> String {
        let experiments: Vec<Value> = self.experiments.iter().map(Change::json).collect();
        let document = json!({"schema": COMPARE_SCHEMA, "experiments": experiments, "notes": self.notes});
        format!("{document:#}\n")
    }

    /// For a page or a comment. Ends with a line feed.
    #[must_use]
    pub fn markdown(&self) -> String {
        let mut text =
            String::from("| experiment | p50 | p99 | hit ratio | verdict |\n|---|---|---|---|---|\n");
        for change in &self.experiments {
            let figures: Vec<String> = change.changes.iter().map(|(_, estimate)| told(estimate)).collect();
            let verdict = change.verdict.map_or("no verdict", Verdict::as_str);
            let name = markdown_text(&change.name);
            let ratios = hit_ratio(change.hit_ratio);
            text.push_str(&format!("| {name} | {} | {ratios} | {verdict} |\n", figures.join(" | ")));
        }
        text.push('\n');
        for change in &self.experiments {
            let (method, warning) = (change.method.as_str(), change.method.warning());
            text.push_str(&format!("- {}: compared {method}; {warning}\n", markdown_text(&change.name)));
        }
        for note in &self.notes {
            text.push_str(&format!("- {}\n", markdown_text(note)));
        }
        text
    }
}

impl Change {
    fn json(&self) -> Value {
        let changes: serde_json::Map<String, Value> = self
            .changes
            .iter()
            .map(|(quantile, estimate)| (quantile.to_string(), estimate_json(estimate)))
            .collect();
        json!({
            "name": self.name,
            "method": self.method.as_str(),
            "verdict": self.verdict.map(Verdict::as_str),
            "warning": self.method.warning(),
            "change": changes,
            "hit_ratio": {"before": self.hit_ratio.0.map(number), "after": self.hit_ratio.1.map(number)},
        })
    }
}

fn estimate_json(estimate: &Result<Estimate, NotMeasured>) -> Value {
    match estimate {
        Ok(estimate) => json!({
            "estimate": number(estimate.estimate),
            "lower": estimate.interval.map(|(lower, _)| number(lower)),
            "upper": estimate.interval.map(|(_, upper)| number(upper)),
            "reason": null,
        }),
        Err(reason) => json!({"estimate": null, "lower": null, "upper": null, "reason": reason.to_string()}),
    }
}

fn told(estimate: &Result<Estimate, NotMeasured>) -> String {
    match estimate {
        Ok(Estimate { estimate, interval: Some((lower, upper)), .. }) => format!(
            "{} (×{}, 95 % interval {}–{})",
            speed_up(*estimate),
            significant(*estimate),
            significant(*lower),
            significant(*upper)
        ),
        Ok(Estimate { estimate, interval: None, .. }) => {
            format!("{} (too few super-blocks for an interval)", speed_up(*estimate))
        }
        Err(reason) => reason.to_string(),
    }
}

fn hit_ratio((before, after): (Option<f64>, Option<f64>)) -> String {
    let shown = |ratio: Option<f64>| ratio.map_or_else(|| "not measured".to_owned(), percent);
    format!("{} → {}", shown(before), shown(after))
}
