//! The panels' expressions as Prometheus reads them: each is parsed, and the joins give true values.

#![allow(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use std::fmt::Write;
use std::fs;

use hitmark_dashboards::dashboards::DASHBOARDS;
use hitmark_dashboards::grafana::Panel;

/// Every panel with its dashboard's name.
fn panels() -> Vec<(&'static str, Panel)> {
    let dashboards = DASHBOARDS.iter().map(|make| make());
    let rows =
        dashboards.flat_map(|dashboard| dashboard.rows.into_iter().map(move |row| (dashboard.name, row)));
    rows.flat_map(|(name, row)| row.panels.into_iter().map(move |panel| (name, panel))).collect()
}

/// The expression with Grafana's variables as it would fill them in.
fn filled(expression: &str) -> String {
    expression.replace("$__rate_interval", "5m").replace("$job", ".+").replace("$instance", ".+")
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[test]
fn every_expression_of_a_panel_is_one_that_prometheus_reads() {
    let mut yaml = "groups:\n  - name: panels\n    rules:\n".to_owned();
    let mut count = 0;
    for (_, panel) in panels() {
        for query in &panel.queries {
            count += 1;
            let _ = writeln!(
                yaml,
                "      - record: panel:q{count}\n        expr: {}",
                quoted(&filled(&query.expression))
            );
        }
    }
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("panels.yml");
    fs::write(&path, yaml).unwrap();
    hitmark_testkit::promtool(["check", "rules", path.to_str().unwrap()]).unwrap();
    assert!(count > 60, "only {count} queries");
}

/// What a panel shows: its dashboard, title, series, and the samples after ten minutes.
struct Shown {
    dashboard: &'static str,
    title: &'static str,
    series: &'static [(&'static str, &'static str)],
    samples: &'static [(&'static str, f64)],
}

const SHOWN: &[Shown] = &[
    Shown {
        dashboard: "databases",
        title: "PostgreSQL's time that a cache could save",
        series: &[
            // Two seconds a minute go into a statement that is marked, six into others; one mark is of another
            // database.
            (
                "pg_stat_statements_seconds_total{job=\"j\",instance=\"a\",user=\"u\",datname=\"d\",queryid=\"1\"}",
                "0+2x20",
            ),
            (
                "pg_stat_statements_seconds_total{job=\"j\",instance=\"a\",user=\"u\",datname=\"d\",queryid=\"2\"}",
                "0+5x20",
            ),
            (
                "pg_stat_statements_seconds_total{job=\"j\",instance=\"a\",user=\"\",datname=\"\",queryid=\"other\"}",
                "0+1x20",
            ),
            (
                "pg_stat_statements_cacheable{job=\"j\",instance=\"a\",user=\"u\",datname=\"d\",queryid=\"1\",reason=\"slow\"}",
                "1x20",
            ),
            (
                "pg_stat_statements_cacheable{job=\"j\",instance=\"a\",user=\"u\",datname=\"d\",queryid=\"2\",reason=\"writes\"}",
                "0x20",
            ),
            (
                "pg_stat_statements_cacheable{job=\"j\",instance=\"a\",user=\"u\",datname=\"e\",queryid=\"2\",reason=\"slow\"}",
                "1x20",
            ),
        ],
        samples: &[("{}", 0.25)],
    },
    Shown {
        dashboard: "queues",
        title: "Queues without a worker",
        series: &[
            ("queue_length{job=\"j\",instance=\"a\",system=\"rq\",queue=\"mail\"}", "3x20"),
            ("queue_workers{job=\"j\",instance=\"a\",system=\"rq\",queue=\"mail\"}", "0x20"),
            ("queue_length{job=\"j\",instance=\"a\",system=\"rq\",queue=\"pay\"}", "3x20"),
            ("queue_workers{job=\"j\",instance=\"a\",system=\"rq\",queue=\"pay\"}", "2x20"),
            // Whose workers nobody knows is not without.
            ("queue_length{job=\"j\",instance=\"a\",system=\"bullmq\",queue=\"x\"}", "3x20"),
        ],
        samples: &[("{}", 1.0)],
    },
    Shown {
        dashboard: "caching-tier",
        title: "Hit ratio by tier",
        series: &[
            ("cache_tier_hits_total{job=\"j\",instance=\"a\",tier=\"varnish\"}", "0+3x20"),
            ("cache_tier_misses_total{job=\"j\",instance=\"a\",tier=\"varnish\"}", "0+1x20"),
            ("cache_tier_hits_total{job=\"j\",instance=\"a\",tier=\"memcached\"}", "0x20"),
            ("cache_tier_misses_total{job=\"j\",instance=\"a\",tier=\"memcached\"}", "0x20"),
        ],
        samples: &[("{tier=\"varnish\",instance=\"a\"}", 0.75)],
    },
];

#[test]
fn panels_that_join_or_divide_show_true_values() {
    let mut yaml = "evaluation_interval: 1m\ntests:\n".to_owned();
    for shown in SHOWN {
        let panel =
            panels().into_iter().find(|(name, panel)| *name == shown.dashboard && panel.title == shown.title);
        let (_, panel) = panel.unwrap();
        yaml.push_str("  - interval: 1m\n    input_series:\n");
        for (series, values) in shown.series {
            let _ = writeln!(yaml, "      - series: {}\n        values: {}", quoted(series), quoted(values));
        }
        let expression = quoted(&filled(&panel.queries[0].expression));
        let _ = writeln!(
            yaml,
            "    promql_expr_test:\n      - expr: {expression}\n        eval_time: 10m\n        exp_samples:"
        );
        for (labels, value) in shown.samples {
            let _ = writeln!(yaml, "          - labels: {}\n            value: {value}", quoted(labels));
        }
    }
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("shown.yml");
    fs::write(&path, yaml).unwrap();
    hitmark_testkit::promtool(["test", "rules", path.to_str().unwrap()]).unwrap();
}
