//! The checked-in output is what the generator writes, names only what exists, and works.

#![allow(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use std::collections::{BTreeSet, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

use hitmark_dashboards::rules::alerts;
use hitmark_dashboards::rules::recording::recordings;
use hitmark_dashboards::rules::scenarios::{self, Expect};
use hitmark_dashboards::{export, files};
use hitmark_schema::metrics::{self, Kind};
use serde_json::Value;

fn here() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The files below a directory of the checked-in output.
fn below(dir: &Path, found: &mut BTreeSet<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            below(&path, found);
        } else {
            found.insert(path);
        }
    }
}

#[test]
fn what_is_checked_in_is_what_the_generator_writes() {
    if std::env::var_os("BLESS").is_some() {
        export(here()).unwrap();
    }
    let mut there = BTreeSet::new();
    below(&here().join("grafana"), &mut there);
    below(&here().join("prometheus"), &mut there);
    for (path, text) in files() {
        let path = here().join(path);
        let checked_in = fs::read_to_string(&path).unwrap_or_default();
        assert!(checked_in == text, "{} differs; BLESS=1 writes it anew", path.display());
        there.remove(&path);
    }
    assert_eq!(there, BTreeSet::new(), "nobody writes these");
}

#[test]
fn an_export_writes_every_file_and_says_which() {
    let dir = tempfile::tempdir().unwrap();
    let written = export(dir.path()).unwrap();
    let wanted: Vec<PathBuf> = files().into_iter().map(|(path, _)| dir.path().join(path)).collect();
    assert_eq!(written, wanted);
    assert!(written.iter().all(|path| path.is_file()));

    let taken = dir.path().join("file");
    fs::write(&taken, "").unwrap();
    let error = export(&taken).unwrap_err();
    assert!(error.to_string().contains("file/grafana"), "{error}");
}

/// The names in an expression that could be metrics: identifiers outside quotes which are neither
/// called nor compared as a label.
fn names(expression: &str) -> Vec<String> {
    let outside: String = expression.split('"').step_by(2).collect::<Vec<_>>().join("\"\"");
    let word = |ch: char| ch.is_ascii_alphanumeric() || ch == '_' || ch == ':';
    outside
        .split(|ch| !word(ch))
        .filter(|name| name.contains('_') || name.contains(':'))
        .map(str::to_owned)
        .collect()
}

fn every_expression() -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> =
        recordings().into_iter().map(|rule| (rule.name.to_owned(), rule.expression)).collect();
    found.extend(alerts::all().map(|alert| (alert.name.to_owned(), (alert.expression)())));
    for (path, text) in files().into_iter().filter(|(path, _)| path.ends_with(".json")) {
        collect(&serde_json::from_str(&text).unwrap(), &path, &mut found);
    }
    found
}

fn collect(value: &Value, path: &str, found: &mut Vec<(String, String)>) {
    match value {
        Value::Object(object) => {
            for (key, value) in object {
                match value {
                    Value::String(text) if key == "expr" => found.push((path.to_owned(), text.clone())),
                    other => collect(other, path, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, path, found)),
        _ => {}
    }
}

#[test]
fn each_metric_that_is_asked_for_is_one_that_is_written() {
    let recorded: HashSet<&str> = recordings().iter().map(|rule| rule.name).collect();
    let labels: HashSet<&str> = metrics::all().flat_map(|metric| metric.labels).copied().collect();
    let mut checked = 0;
    for (place, expression) in every_expression() {
        for name in names(&expression) {
            let name = name.as_str();
            let written = metrics::all().any(|metric| {
                name == metric.name
                    || metric.kind == Kind::Histogram && name.strip_suffix("_bucket") == Some(metric.name)
            });
            let is_word =
                ["__rate_interval", "group_left", "histogram_quantile", "sort_desc"].contains(&name);
            let known = written || recorded.contains(name) || labels.contains(name) || is_word;
            assert!(known, "{place} asks for {name}, which nobody writes: {expression}");
            checked += usize::from(written || recorded.contains(name));
        }
    }
    assert!(checked > 30, "only {checked} names were found");
}

/// The pages that the exporter's own tests compare with real servers, by what their metrics begin with.
const PAGES: &[(&str, &str)] = &[
    ("pg_", include_str!("../../exporter/tests/golden/postgres-15.prom")),
    ("mysql_", include_str!("../../exporter/tests/golden/mariadb-10.11.prom")),
    ("memcached_", include_str!("../../exporter/tests/golden/memcached-1.6.18.prom")),
    ("nginx_", include_str!("../../exporter/tests/golden/nginx-1.22.prom")),
    ("varnish_", include_str!("../../exporter/tests/golden/varnish-7.1.prom")),
];

#[test]
fn what_is_asked_of_a_server_stands_on_the_page_of_a_real_one() {
    // Told by the exporter whether or not the server answers, and so on no page of its answers; or, the
    // ratio, from the second scrape on.
    let verdicts =
        ["pg_up", "mysql_up", "memcached_up", "nginx_up", "varnish_up", "pg_stat_database_buffer_hit_ratio"];
    let mut checked = 0;
    for (place, expression) in every_expression() {
        for name in names(&expression) {
            let Some((_, page)) = PAGES.iter().find(|(start, _)| name.starts_with(start)) else { continue };
            if verdicts.contains(&name.as_str()) || name.contains(':') {
                continue;
            }
            assert!(page.contains(&format!("# TYPE {name} ")), "{place} asks for {name}: {expression}");
            checked += 1;
        }
    }
    assert!(checked > 15, "only {checked} names were found");
}

#[test]
fn a_series_is_named_by_labels_that_its_query_keeps() {
    for (path, text) in files().into_iter().filter(|(path, _)| path.ends_with(".json")) {
        let dashboard: Value = serde_json::from_str(&text).unwrap();
        let panels = dashboard["panels"].as_array().unwrap().iter();
        for target in panels.flat_map(|panel| panel["targets"].as_array().into_iter().flatten()) {
            let (expression, legend) =
                (target["expr"].as_str().unwrap(), target["legendFormat"].as_str().unwrap());
            for label in legend.split("{{").skip(1).map(|rest| rest.split("}}").next().unwrap()) {
                // What is not grouped keeps all labels; there is one such panel, of the exporter's own metric.
                let kept = expression
                    .split("by (")
                    .skip(1)
                    .any(|rest| rest.split(')').next().unwrap().split(", ").any(|kept| kept == label));
                let is_whole = expression.starts_with("hitmark_exporter_collector_duration_seconds{");
                assert!(kept || is_whole, "{path}: {legend} of {expression}");
            }
        }
    }
}

#[test]
fn a_misspelt_metric_would_be_found() {
    assert_eq!(names("rate(redis_keyspace_hit_total{cmd=\"x_y\"}[5m])"), ["redis_keyspace_hit_total"]);
}

#[test]
fn panels_have_a_description_and_stand_in_the_grid_without_overlap() {
    for (path, text) in files().into_iter().filter(|(path, _)| path.ends_with(".json")) {
        let dashboard: Value = serde_json::from_str(&text).unwrap();
        assert!(dashboard["uid"].as_str().unwrap().len() <= 40 && dashboard.get("id").is_none(), "{path}");
        let mut cells = HashSet::new();
        let mut ids = HashSet::new();
        for panel in dashboard["panels"].as_array().unwrap() {
            let title = panel["title"].as_str().unwrap();
            assert!(ids.insert(panel["id"].as_u64().unwrap()), "{title}");
            if panel["type"] != "row" {
                assert!(panel["description"].as_str().unwrap().ends_with('.'), "{title}");
                assert!(!panel["targets"].as_array().unwrap().is_empty(), "{title}");
            }
            let at = |key: &str| panel["gridPos"][key].as_u64().unwrap();
            assert!(at("x") + at("w") <= 24, "{title}");
            for x in at("x")..at("x") + at("w") {
                for y in at("y")..at("y") + at("h") {
                    assert!(cells.insert((x, y)), "{title} overlaps another panel");
                }
            }
        }
    }
}

#[test]
fn each_alert_has_a_test_in_which_it_fires_and_one_in_which_it_is_quiet() {
    for alert in alerts::all() {
        let of = || scenarios::all().filter(|scenario| scenario.alert == alert.name);
        assert!(of().any(|scenario| matches!(scenario.expect, Expect::Fires { .. })), "{}", alert.name);
        assert!(of().any(|scenario| matches!(scenario.expect, Expect::Quiet)), "{}", alert.name);
    }
    for scenario in scenarios::all() {
        assert!(alerts::all().any(|alert| alert.name == scenario.alert), "{}", scenario.name);
    }
}

#[test]
fn promtool_accepts_the_rules_and_the_alerts_fire_and_rest_as_they_should() {
    let dir = tempfile::tempdir().unwrap();
    export(dir.path()).unwrap();
    let file = |path: &str| dir.path().join("prometheus").join(path).to_str().unwrap().to_owned();
    for rules in ["rules.yml", "alerts.yml"] {
        hitmark_testkit::promtool(["check", "rules", "--lint=all", "--lint-fatal", &file(rules)]).unwrap();
    }
    hitmark_testkit::promtool(["test", "rules", &file("tests/alerts.yml")]).unwrap();
}
