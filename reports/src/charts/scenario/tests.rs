//! Charts of scenarios by their data and labels.

use hitmark_schema::scenario::Figure;
use hitmark_schema::{Experiment, LoadModel, Variant, VariantPlan};

use super::*;

fn result(variant: Variant, series: Vec<Series>) -> ScenarioResult {
    ScenarioResult {
        experiment: "x".to_owned(),
        scenario: "outage".to_owned(),
        variant,
        figures: vec![Figure::exact("p99 bound", Unit::Seconds, 0.05, 1)],
        series,
        failures: Vec::new(),
        notes: Vec::new(),
    }
}

fn series(name: &str, unit: Unit, over: &str, points: Vec<Point>) -> Series {
    Series { name: name.to_owned(), unit, over: over.to_owned(), points }
}

fn plain(values: &[(f64, Option<f64>)]) -> Vec<Point> {
    values.iter().map(|(at, value)| Point::plain(*at, *value)).collect()
}

fn findings(results: Vec<ScenarioResult>) -> ScenarioFindings {
    let side = |name: &str| VariantPlan {
        name: name.to_owned(),
        base_url: "http://127.0.0.1:1".to_owned(),
        headers: Vec::new(),
    };
    let experiment = Experiment {
        name: "Product".to_owned(),
        slug: "x".to_owned(),
        system: None,
        differs: "the cache".to_owned(),
        scenario: Some("outage".to_owned()),
        request: "GET /x".to_owned(),
        keys: None,
        load: LoadModel::Closed { users: 1 },
        pairs: 1,
        slice_ms: 20,
        superblock_s: 1.0,
        warmup_s: 0.0,
        baseline: side("uncached"),
        candidate: Some(side("cached")),
    };
    ScenarioFindings { experiment, scenario: "outage".to_owned(), results }
}

fn of_kind(marks: &[Mark], is: fn(&Mark) -> bool) -> Vec<&Mark> {
    marks.iter().filter(|mark| is(mark)).collect()
}

fn outage() -> ScenarioFindings {
    let ratio = plain(&[(0.0, Some(0.9)), (1.0, Some(0.9)), (2.0, None), (3.0, Some(0.2)), (4.0, Some(0.8))]);
    let p99 = plain(&[(0.0, Some(0.001)), (2.0, Some(0.5)), (4.0, Some(0.002))]);
    let marks = [(1.5, "cache hung begins".to_owned()), (3.5, "cache hung ends".to_owned())];
    let all = || {
        vec![
            series("hit ratio", Unit::Share, "seconds", ratio.clone()),
            series("p99", Unit::Seconds, "seconds", p99.clone()),
            Series::events(&marks),
        ]
    };
    findings(vec![result(Variant::Baseline, all()), result(Variant::Candidate, all())])
}

#[test]
fn each_quantity_has_a_panel_with_a_line_for_each_side_and_the_fault_is_a_column() {
    let sketch = sketch(&outage()).expect("a chart");
    assert_eq!(sketch.panels.len(), 2);
    for panel in &sketch.panels {
        let columns = of_kind(&panel.marks, |mark| matches!(mark, Mark::Column { .. }));
        assert_eq!(columns, [&Mark::Column { role: Role::Event, from: 1.5, to: 3.5 }]);
        let names: Vec<_> = panel.labels.iter().map(|label| label.text.as_str()).collect();
        assert_eq!(names[..2], ["uncached", "cached"]);
        assert_eq!(panel.x.range, sketch.panels[0].x.range, "panels share their time");
    }
    assert_eq!(sketch.panels[1].x.title, "seconds since the load began");
    assert!(sketch.desc.contains("at 1.5 s cache hung begins; at 3.5 s cache hung ends"), "{}", sketch.desc);
    assert_eq!(sketch.title, "Product: outage, hit ratio and p99 over seconds");
}

#[test]
fn what_was_not_measured_is_a_gap_and_a_dash() {
    let sketch = sketch(&outage()).expect("a chart");
    let lines =
        of_kind(&sketch.panels[0].marks, |mark| matches!(mark, Mark::Line { role: Role::Candidate, .. }));
    let points: Vec<_> = lines
        .iter()
        .map(|mark| match mark {
            Mark::Line { points, .. } => points.as_slice(),
            _ => &[],
        })
        .collect();
    assert_eq!(points, [&[(0.0, 0.9), (1.0, 0.9)][..], &[(3.0, 0.2), (4.0, 0.8)][..]]);
    let row = sketch.table.rows.iter().find(|row| row[0] == "2").expect("the second at 2");
    assert_eq!(row[1], "–");
    assert_eq!(sketch.table.columns[1], "uncached hit ratio");
}

#[test]
fn times_are_logarithmic_with_their_bound_and_shares_go_from_nothing_to_all() {
    let sketch = sketch(&outage()).expect("a chart");
    assert_eq!(sketch.panels[0].y.range, (0.0, 1.04));
    let bounds = of_kind(&sketch.panels[1].marks, |mark| matches!(mark, Mark::Across { .. }));
    assert_eq!(bounds, [&Mark::Across { role: Role::Reference, y: 5e7_f64.log10() }]);
    let names: Vec<_> = sketch.panels[1].labels.iter().map(|label| label.text.as_str()).collect();
    assert_eq!(names, ["uncached", "cached", "bound 50.0 ms"]);
    assert!(of_kind(&sketch.panels[0].marks, |mark| matches!(mark, Mark::Across { .. })).is_empty());
}

#[test]
fn a_sweep_has_a_line_for_each_setting_with_intervals_over_a_logarithmic_axis() {
    let point = |keys: f64, exponent: &str, value: f64| Point {
        setting: format!("zipf_s {exponent}"),
        lower: Some(value - 0.05),
        upper: Some(value + 0.05),
        ..Point::plain(keys, Some(value))
    };
    let points =
        vec![point(1e2, "0.8", 0.9), point(1e2, "1.1", 0.95), point(1e5, "0.8", 0.3), point(1e5, "1.1", 0.5)];
    let one = result(Variant::Candidate, vec![series("hit ratio", Unit::Share, "keys", points)]);
    let sketch = sketch(&findings(vec![one])).expect("a chart");
    let panel = &sketch.panels[0];
    let names: Vec<_> = panel.labels.iter().map(|label| label.text.as_str()).collect();
    assert_eq!(names, ["cached, zipf_s 0.8", "cached, zipf_s 1.1"]);
    assert_ne!(panel.labels[0].role, panel.labels[1].role);
    let bars = |role: Role| {
        let is_bar = |mark: &&Mark| matches!(mark, Mark::Line { role: of, points } if *of == role && points[0].0 == points[1].0);
        panel.marks.iter().filter(is_bar).count()
    };
    assert_eq!(panel.labels.iter().map(|label| bars(label.role)).collect::<Vec<_>>(), [2, 2]);
    let left = |role: Role| {
        panel.marks.iter().find_map(|mark| match mark {
            Mark::Dots { role: of, points } if *of == role => Some(points[0].0),
            _ => None,
        })
    };
    let (one, other) = (left(panel.labels[0].role).expect("dots"), left(panel.labels[1].role).expect("dots"));
    assert!(one < 2.0 && other > 2.0 && other - one < 0.05, "beside each other: {one} and {other}");
    assert_eq!(panel.x.title, "keys");
}

#[test]
fn settings_have_colours_sides_are_dashed_and_an_impossible_interval_ends_at_the_axis() {
    let point = |keys: f64, users: u32, value: f64| Point {
        setting: format!("zipf exponent 0.6, users {users}"),
        lower: Some(value - 3.0),
        upper: Some(value + 3.0),
        ..Point::plain(keys, Some(value))
    };
    let of = |unit, value: f64| {
        let points = [100.0, 2_000.0].into_iter().flat_map(|keys| (1..=5).map(move |users| (keys, users)));
        let points = points.map(|(keys, users)| point(keys, users, value)).collect();
        series(if unit == Unit::Share { "hit ratio" } else { "p99" }, unit, "keys", points)
    };
    let side = |variant| result(variant, vec![of(Unit::Share, 0.4), of(Unit::Seconds, 0.02)]);
    let sketch = sketch(&findings(vec![side(Variant::Baseline), side(Variant::Candidate)])).expect("a chart");
    for panel in &sketch.panels {
        assert_eq!(
            panel.labels.iter().filter(|label| !label.text.starts_with("bound")).count(),
            8,
            "four settings, two sides"
        );
        for label in panel.labels.iter().filter(|label| label.text.starts_with("uncached")) {
            assert!(
                label.role.is_tail() && label.text.starts_with("uncached, zipf 0.6, users "),
                "{label:?}"
            );
        }
        assert!(panel.labels.iter().all(|label| !label.text.starts_with("cached") || !label.role.is_tail()));
        for mark in &panel.marks {
            let Mark::Line { points, .. } = mark else { continue };
            let (bottom, top) = panel.y.range;
            assert!(
                points.iter().all(|(_, y)| (bottom..=top).contains(y)),
                "{mark:?} leaves {:?}",
                panel.y.range
            );
        }
    }
    assert_eq!(sketch.panels[0].y.range, (0.0, 1.04));
    assert!(
        sketch.panels[1].labels.iter().any(|label| label.text == "bound 50.0 ms"),
        "{:?}",
        sketch.panels[1].labels
    );
    assert!(sketch.desc.contains("dashed for uncached, of the first 4 of 5 settings"), "{}", sketch.desc);
}

#[test]
fn calls_of_each_expiry_are_counted_from_nothing_on() {
    let calls = |value| {
        vec![series("origin calls", Unit::Count, "expiry", plain(&[(1.0, Some(value)), (2.0, Some(value))]))]
    };
    let both = vec![result(Variant::Baseline, calls(100.0)), result(Variant::Candidate, calls(1.0))];
    let sketch = sketch(&findings(both)).expect("a chart");
    let panel = &sketch.panels[0];
    assert_eq!(panel.y.range.0, 0.0);
    assert!(panel.y.range.1 > 100.0);
    let dots = of_kind(&panel.marks, |mark| matches!(mark, Mark::Dots { .. }));
    assert_eq!(dots.len(), 2, "each expiry is a dot");
    let ticks: Vec<&str> = panel.x.ticks.iter().map(|(_, text)| text.as_str()).collect();
    assert_eq!(ticks, ["1", "2"], "there is no expiry and a half");
}

#[test]
fn the_steps_of_a_capacity_show_their_bound_and_where_the_search_ended() {
    let steps = plain(&[(100.0, Some(0.002)), (200.0, Some(0.01)), (300.0, Some(0.4))]);
    let mut one =
        result(Variant::Baseline, vec![series("p99", Unit::Seconds, "requests each second", steps)]);
    one.figures.push(Figure::exact("capacity", Unit::PerSecond, 200.0, 3));
    let findings = ScenarioFindings { scenario: "capacity".to_owned(), ..findings(vec![one]) };
    let sketch = sketch(&findings).expect("a chart");
    let marks = &sketch.panels[0].marks;
    let end = Mark::Upright { role: Role::Baseline, x: 200.0, text: "uncached: 200 /s".to_owned() };
    assert!(marks.contains(&end), "{marks:?}");
    assert!(marks.iter().any(|mark| matches!(mark, Mark::Across { .. })), "the bound: {marks:?}");
}

#[test]
fn a_scenario_that_followed_nothing_has_no_chart() {
    assert!(sketch(&findings(Vec::new())).is_none());
    let lone =
        result(Variant::Baseline, vec![series("p99", Unit::Seconds, "seconds", plain(&[(0.0, Some(1.0))]))]);
    let untold = result(
        Variant::Baseline,
        vec![series("p99", Unit::Seconds, "seconds", plain(&[(0.0, None), (1.0, None)]))],
    );
    assert!(sketch(&findings(vec![lone])).is_none(), "one point is no curve");
    assert!(sketch(&findings(vec![untold])).is_none());
}
