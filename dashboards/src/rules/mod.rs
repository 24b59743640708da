//! Recording rules, alerts and the tests of both, as data, and their YAML.
//!
//! Every alert has a test in which it fires and one in which it stays quiet; `promtool test rules`
//! runs them. The YAML is written here, since it is three fixed shapes; every text is quoted the
//! way JSON quotes, which YAML reads too.

pub mod alerts;
mod queue_alerts;
mod queue_scenarios;
pub mod recording;
pub mod scenarios;

use std::fmt::Write;

use alerts::Alert;
use scenarios::{Expect, Scenario};

/// A recording rule: a name of the form `level:metric:operation`, and its expression.
#[derive(Debug, Clone)]
pub struct Recording {
    /// The name of the series that it writes.
    pub name: &'static str,
    /// The expression.
    pub expression: String,
}

/// `prometheus/rules.yml`.
#[must_use]
pub fn recording_yaml() -> String {
    let mut yaml = head("cache");
    for Recording { name, expression } in recording::recordings() {
        let _ = writeln!(yaml, "      - record: {name}\n        expr: {}", quoted(&expression));
    }
    yaml
}

/// `prometheus/alerts.yml`.
#[must_use]
pub fn alerts_yaml() -> String {
    let mut yaml = head("cache-alerts");
    for alert in alerts::all() {
        let Alert { name, severity, wait, summary, description, runbook, .. } = alert;
        let _ = write!(
            yaml,
            "      - alert: {name}\n        expr: {}\n        for: {wait}\n        labels:\n          \
             layer: cache\n          severity: {}\n        annotations:\n          summary: {}\n          \
             description: {}\n          runbook: {}\n",
            quoted(&(alert.expression)()),
            severity.as_str(),
            quoted(summary),
            quoted(description),
            quoted(runbook),
        );
    }
    yaml
}

/// `prometheus/tests/alerts.yml`, for `promtool test rules`.
#[must_use]
pub fn tests_yaml() -> String {
    let mut yaml =
        format!("{GENERATED}rule_files: [../rules.yml, ../alerts.yml]\nevaluation_interval: 30s\ntests:\n");
    for Scenario { name, alert, series, at, expect } in scenarios::all() {
        let _ = writeln!(yaml, "  - name: {}\n    interval: 30s\n    input_series:", quoted(name));
        for (series, values) in *series {
            let _ = writeln!(yaml, "      - series: {}\n        values: {}", quoted(series), quoted(values));
        }
        let _ = writeln!(yaml, "    alert_rule_test:\n      - eval_time: {at}\n        alertname: {alert}");
        match expect {
            Expect::Quiet => yaml.push_str("        exp_alerts: []\n"),
            Expect::Fires { labels, description } => expected(alert, labels, description, &mut yaml),
        }
    }
    yaml
}

fn expected(name: &str, labels: &[(&str, &str)], description: &str, yaml: &mut String) {
    let Some(alert) = alerts::all().find(|alert| alert.name == name) else { return };
    yaml.push_str("        exp_alerts:\n          - exp_labels:\n");
    let own = [("layer", "cache"), ("severity", alert.severity.as_str())];
    for (label, value) in own.iter().chain(labels) {
        let _ = writeln!(yaml, "              {label}: {}", quoted(value));
    }
    yaml.push_str("            exp_annotations:\n");
    for (name, text) in [("summary", alert.summary), ("description", description), ("runbook", alert.runbook)]
    {
        let _ = writeln!(yaml, "              {name}: {}", quoted(text));
    }
}

const GENERATED: &str = "# Written by `hitmark dashboards export`; change dashboards/src/rules instead.\n";

fn head(group: &str) -> String {
    format!("{GENERATED}groups:\n  - name: {group}\n    rules:\n")
}

/// A double-quoted YAML text: JSON's escapes are a subset of YAML's.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
