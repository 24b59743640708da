//! What a dashboard is, and its JSON.
//!
//! The types hold what an author decides: questions, units, thresholds, texts. Ids, positions,
//! variables and the data source are the same for every dashboard and are made here. The JSON is
//! Grafana's classic model, which file provisioning takes in every current version; it is pretty
//! and its keys are sorted, so that a change reads well in a review.

use hitmark_schema::metrics::Metric;
use hitmark_schema::thresholds::{Better, Threshold};
use serde_json::{Map, Value, json};

/// The classic model's version that this was written for.
const SCHEMA_VERSION: u32 = 39;
/// Grafana's grid.
const COLUMNS: u32 = 24;

/// A dashboard.
#[derive(Debug, Clone)]
pub struct Dashboard {
    /// The file's name without extension; also the end of its uid.
    pub name: &'static str,
    /// The title.
    pub title: &'static str,
    /// What it answers.
    pub description: &'static str,
    /// The metrics that tell which jobs and instances there are.
    pub present: &'static [&'static Metric],
    /// Rows from top to bottom.
    pub rows: Vec<Row>,
}

/// A titled row of panels, laid out from left to right.
#[derive(Debug, Clone)]
pub struct Row {
    /// The title.
    pub title: &'static str,
    /// The panels.
    pub panels: Vec<Panel>,
}

/// One panel: a question and how its answer is drawn.
#[derive(Debug, Clone)]
pub struct Panel {
    /// The title.
    pub title: &'static str,
    /// What is good, and what to do next.
    pub description: String,
    /// How it is drawn.
    pub shape: Shape,
    /// The unit of the values.
    pub unit: Unit,
    /// The bands of the threshold table, where the figure has a row in it.
    pub bands: Option<&'static Threshold>,
    /// What is asked.
    pub queries: Vec<Query>,
}

/// One expression and the name of its series.
#[derive(Debug, Clone)]
pub struct Query {
    /// The expression.
    pub expression: String,
    /// Grafana's legend, such as `{{cmd}}`.
    pub legend: &'static str,
}

/// How a panel is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// One number now.
    Stat,
    /// Lines over time.
    Lines,
    /// Areas over time that add up.
    Stacked,
    /// One bar for each series, as it is now.
    Bars,
}

/// The unit of values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// A plain count.
    Count,
    /// Events for each second.
    PerSecond,
    /// Bytes.
    Bytes,
    /// Seconds.
    Seconds,
    /// A share from 0 to 1.
    Ratio,
}

impl Shape {
    const fn size(self) -> (u32, u32) {
        match self {
            Self::Stat => (4, 5),
            Self::Lines | Self::Stacked | Self::Bars => (8, 8),
        }
    }

    const fn kind(self) -> &'static str {
        match self {
            Self::Stat => "stat",
            Self::Lines | Self::Stacked => "timeseries",
            Self::Bars => "bargauge",
        }
    }
}

impl Unit {
    const fn grafana(self) -> &'static str {
        match self {
            Self::Count => "short",
            Self::PerSecond => "ops",
            Self::Bytes => "bytes",
            Self::Seconds => "s",
            Self::Ratio => "percentunit",
        }
    }
}

/// The dashboard as Grafana's JSON, with a line feed at its end.
#[must_use]
pub fn to_json(dashboard: &Dashboard) -> String {
    let value = sorted(json!({
        "annotations": { "list": annotations() },
        "description": dashboard.description,
        "editable": false,
        "graphTooltip": 1,
        "links": [{
            "asDropdown": true, "icon": "external link", "includeVars": true, "keepTime": true,
            "tags": ["hitmark"], "targetBlank": false, "title": "hitmark", "type": "dashboards",
        }],
        "panels": panels(&dashboard.rows),
        "refresh": "30s",
        "schemaVersion": SCHEMA_VERSION,
        "tags": ["hitmark", "cache"],
        "templating": { "list": variables(dashboard.present) },
        "time": { "from": "now-3h", "to": "now" },
        "timepicker": {},
        "timezone": "browser",
        "title": dashboard.title,
        "uid": format!("hitmark-{}", dashboard.name),
        "version": 1,
    }));
    format!("{value:#}\n")
}

fn datasource() -> Value {
    json!({ "type": "prometheus", "uid": "${datasource}" })
}

fn annotations() -> Vec<Value> {
    let annotation = |name: &str, expression: &str, title: &str, colour: &str| {
        json!({
            "datasource": datasource(), "enable": true, "expr": expression, "iconColor": colour,
            "name": name, "step": "60s", "titleFormat": title,
        })
    };
    vec![
        annotation(
            "Alerts",
            "ALERTS{alertstate=\"firing\",layer=\"cache\"}",
            "{{alertname}} {{instance}}",
            "red",
        ),
        annotation(
            "Restarts",
            "resets(redis_uptime_in_seconds{job=~\"$job\",instance=~\"$instance\"}[2m]) > 0",
            "restart of {{instance}}",
            "blue",
        ),
    ]
}

fn variables(present: &[&Metric]) -> Vec<Value> {
    let all = json!({ "selected": true, "text": ["All"], "value": ["$__all"] });
    let query = |name: &str, label: &str, query: String| {
        json!({
            "allValue": ".+", "current": all, "datasource": datasource(), "definition": query,
            "includeAll": true, "label": label, "multi": true, "name": name,
            "query": { "query": query, "refId": name }, "refresh": 2, "sort": 1, "type": "query",
        })
    };
    let names: Vec<&str> = present.iter().map(|metric| metric.name).collect();
    let present = format!("{{__name__=~\"{}\"}}", names.join("|"));
    let instances = present.replace('}', ",job=~\"$job\"}");
    vec![
        json!({
            "current": {}, "label": "Data source", "name": "datasource", "query": "prometheus",
            "refresh": 1, "type": "datasource",
        }),
        query("job", "Job", format!("label_values({present}, job)")),
        query("instance", "Instance", format!("label_values({instances}, instance)")),
    ]
}

fn panels(rows: &[Row]) -> Vec<Value> {
    let mut panels = Vec::new();
    let mut top = 0;
    for row in rows {
        let place = json!({ "h": 1, "w": COLUMNS, "x": 0, "y": top });
        panels.push(json!({
            "collapsed": false, "gridPos": place, "id": panels.len() + 1, "panels": [],
            "title": row.title, "type": "row",
        }));
        top += 1;
        let (mut left, mut line) = (0, 0);
        for drawn in &row.panels {
            let (width, height) = drawn.shape.size();
            if left + width > COLUMNS {
                (left, top, line) = (0, top + line, 0);
            }
            let place = json!({ "h": height, "w": width, "x": left, "y": top });
            panels.push(panel(drawn, panels.len() + 1, &place));
            left += width;
            line = line.max(height);
        }
        top += line;
    }
    panels
}

fn panel(panel: &Panel, id: usize, place: &Value) -> Value {
    let targets = panel.queries.iter().zip('A'..='Z').map(|(query, letter)| {
        json!({
            "datasource": datasource(), "editorMode": "code", "expr": query.expression,
            "instant": panel.shape == Shape::Bars, "legendFormat": query.legend,
            "range": panel.shape != Shape::Bars, "refId": letter.to_string(),
        })
    });
    json!({
        "datasource": datasource(),
        "description": panel.description,
        "fieldConfig": { "defaults": defaults(panel), "overrides": [] },
        "gridPos": place,
        "id": id,
        "options": options(panel.shape),
        "targets": targets.collect::<Vec<_>>(),
        "title": panel.title,
        "type": panel.shape.kind(),
    })
}

fn defaults(panel: &Panel) -> Value {
    let mut defaults = json!({
        "color": { "mode": if panel.bands.is_some() { "thresholds" } else { "palette-classic" } },
        "min": 0,
        "thresholds": { "mode": "absolute", "steps": steps(panel.bands) },
        "unit": panel.unit.grafana(),
    });
    if panel.unit == Unit::Ratio {
        defaults["max"] = json!(1);
    }
    if matches!(panel.shape, Shape::Lines | Shape::Stacked) {
        let stacking = if panel.shape == Shape::Stacked { "normal" } else { "none" };
        let filled = if panel.shape == Shape::Stacked { 40 } else { 5 };
        defaults["color"] = json!({ "mode": "palette-classic" });
        defaults["custom"] = json!({
            "drawStyle": "line", "fillOpacity": filled, "lineWidth": 1, "showPoints": "never",
            "spanNulls": false, "stacking": { "group": "A", "mode": stacking },
            "thresholdsStyle": { "mode": if panel.bands.is_some() { "dashed" } else { "off" } },
        });
    }
    defaults
}

/// The borders of a threshold as Grafana's steps, from the least value upwards.
fn steps(bands: Option<&Threshold>) -> Value {
    match bands {
        None => json!([{ "color": "green", "value": null }]),
        Some(Threshold { better: Better::Higher, excellent, good, .. }) => json!([
            { "color": "red", "value": null },
            { "color": "yellow", "value": good },
            { "color": "green", "value": excellent },
        ]),
        Some(Threshold { better: Better::Lower, excellent, good, .. }) => json!([
            { "color": "green", "value": null },
            { "color": "yellow", "value": excellent },
            { "color": "red", "value": good },
        ]),
    }
}

fn options(shape: Shape) -> Value {
    match shape {
        Shape::Stat => json!({
            "colorMode": "value", "graphMode": "area", "justifyMode": "auto", "orientation": "auto",
            "reduceOptions": { "calcs": ["lastNotNull"], "fields": "", "values": false },
            "textMode": "auto",
        }),
        Shape::Bars => json!({
            "displayMode": "basic", "minVizHeight": 8, "orientation": "horizontal", "showUnfilled": true,
            "reduceOptions": { "calcs": ["lastNotNull"], "fields": "", "values": false },
            "valueMode": "color",
        }),
        Shape::Lines | Shape::Stacked => json!({
            "legend": { "calcs": ["lastNotNull", "max"], "displayMode": "table", "placement": "bottom", "showLegend": true },
            "tooltip": { "mode": "multi", "sort": "desc" },
        }),
    }
}

/// The same value with the keys of every object in order.
fn sorted(value: Value) -> Value {
    match value {
        Value::Object(object) => {
            let mut pairs: Vec<_> = object.into_iter().collect();
            pairs.sort_by(|one, other| one.0.cmp(&other.0));
            Value::Object(pairs.into_iter().map(|(key, value)| (key, sorted(value))).collect::<Map<_, _>>())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(sorted).collect()),
        plain => plain,
    }
}
