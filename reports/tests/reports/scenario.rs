//! What scenarios found stands in every output, apart from the comparisons.

use hitmark_reports::gate::{Budget, Format, RuleVerdict, judge};
use hitmark_reports::{compare_run, page, summary_json, summary_markdown, table_text};
use hitmark_schema::scenario::{Figure, Point, ScenarioResult, Series, Unit};
use hitmark_schema::{Run, Variant};

use crate::support::{Truth, budget, run};

fn result(variant: Variant, calls: f64, failures: &[&str]) -> ScenarioResult {
    let point = |at: f64, value: f64, setting: &str| Point {
        setting: setting.to_owned(),
        lower: Some(value - 0.01),
        upper: Some(value + 0.01),
        ..Point::plain(at, Some(value))
    };
    let curve = |name: &str, over: &str, points| Series {
        name: name.to_owned(),
        unit: Unit::Share,
        over: over.to_owned(),
        points,
    };
    ScenarioResult {
        experiment: "product-detail".to_owned(),
        scenario: "stampede".to_owned(),
        variant,
        figures: vec![
            Figure::within(
                "origin calls per expiry",
                Unit::Count,
                calls,
                Some((calls - 1.5, calls + 1.5)),
                5,
            ),
            Figure::exact("clients", Unit::Count, 1_000.0, 1),
            Figure::maybe("coalesced share", Unit::Share, (calls < 10.0).then_some(0.99), 100),
            Figure::within("p99 drift each hour", Unit::Seconds, -0.002, Some((-0.003, -0.001)), 9),
            Figure::exact("limit | <b>", Unit::Bytes, 3_600_000.0, 1),
            Figure::exact("capacity", Unit::PerSecond, 412.5, 7),
            Figure::exact("herd factor", Unit::Ratio, calls, 5),
        ],
        series: vec![
            curve("hit ratio", "keys", vec![point(100.0, 0.9, "users 2"), point(500.0, 0.7, "users 2")]),
            curve("hit ratio", "seconds", vec![point(0.0, 0.123_456, "")]),
        ],
        failures: failures.iter().map(|failure| (*failure).to_owned()).collect(),
        notes: vec!["origin calls are counted by the service".to_owned()],
    }
}

/// A run of one comparison and one stampede.
fn with_scenario(failures: &[&str]) -> Run {
    let truths = [Truth { name: "search", ..Truth::default() }, Truth::default()];
    let mut run = run(&truths).run;
    run.document.experiments[1].scenario = Some("stampede".to_owned());
    run.scenarios = vec![result(Variant::Baseline, 100.0, &[]), result(Variant::Candidate, 1.0, failures)];
    run
}

#[test]
fn figures_stand_side_by_side_with_units_and_intervals() {
    let comparison = compare_run(&with_scenario(&[]));
    let names: Vec<&str> = comparison.experiments.iter().map(|one| one.experiment.name.as_str()).collect();
    assert_eq!(names, ["search"], "a scenario gets no verdict on latencies");
    let text = table_text(&comparison, 120);
    for part in [
        "stampede: product detail",
        "100 (98.5 to 102)",
        "1 (−0.500 to 2.50)",
        "1,000",
        "99.0 %\n",
        "−2.00 ms (−3.00 ms to −1.00 ms)",
        "3.60 MB",
        "413 /s",
        "hit ratio over keys",
        "500, users 2",
        "70.0 % (69.0 % to 71.0 %)",
    ] {
        assert!(text.contains(part), "missing {part} in:\n{text}");
    }
    assert_eq!(
        text.matches("origin calls are counted by the service").count(),
        1,
        "both say so: once\n{text}"
    );
    assert!(!text.contains("12.3 %"), "a curve over time is no table:\n{text}");
}

#[test]
fn markdown_page_and_json_hold_the_same() {
    let run = with_scenario(&["tenant 'a' was shown what is of tenant 'b' <x>"]);
    let comparison = compare_run(&run);
    let markdown = summary_markdown(&comparison);
    assert!(markdown.contains("## product detail: stampede"), "{markdown}");
    assert!(markdown.contains("| limit \\| &lt;b> | 3.60 MB | 3.60 MB |"), "{markdown}");
    assert!(markdown.contains("- FAILED: cached: tenant 'a' was shown"), "{markdown}");
    let page = page(std::slice::from_ref(&run));
    assert!(page.contains("product detail: stampede") && page.contains("limit | &lt;b&gt;"));
    assert!(page.contains("<strong>Failed.</strong>"));
    let json = summary_json(&comparison);
    let found = &json["scenarios"][0];
    assert_eq!((&found["scenario"], &found["passed"]), (&"stampede".into(), &false.into()));
    let figure = &found["variants"][1]["figures"][0];
    assert_eq!(
        (&figure["unit"], &figure["value"], &figure["lower"]),
        (&"count".into(), &1.0.into(), &(-0.5).into())
    );
    assert!(found["variants"][0]["figures"][2]["value"].is_null(), "what was not measured is null");
    assert!(comparison.scenarios[0].has_failures());
}

#[test]
fn a_scenario_that_did_not_end_is_not_green() {
    let mut run = with_scenario(&[]);
    run.scenarios.clear();
    let comparison = compare_run(&run);
    assert_eq!(summary_json(&comparison)["scenarios"][0]["passed"], false);
    assert!(table_text(&comparison, 120).contains("nothing was found"));
}

#[test]
fn a_run_of_scenarios_alone_has_no_table_of_comparisons() {
    let mut run = with_scenario(&[]);
    run.document.experiments.remove(0);
    let comparison = compare_run(&run);
    let markdown = summary_markdown(&comparison);
    assert!(!markdown.contains("| experiment | variant |") && markdown.contains("herd factor"), "{markdown}");
    assert!(!table_text(&comparison, 120).contains("speed-up"));
    assert!(page(&[run]).contains("What the scenarios found"));
}

#[test]
fn a_budget_holds_a_figure_and_doubt_is_not_passing() {
    let budget = |lines: &str| {
        budget(&format!("[[rule]]\nexperiment = \"product detail\"\nkind = \"figure\"\n{lines}\n"))
    };
    let run = with_scenario(&[]);
    for (lines, verdict, exit) in [
        ("figure = \"herd factor\"\nmax = 1.0", RuleVerdict::Pass, 0),
        ("figure = \"herd factor\"\nvariant = \"baseline\"\nmax = 1.0", RuleVerdict::Fail, 1),
        // 1 with 95 % between −0.5 and 2.5: neither proven to keep the limit nor to break it.
        ("figure = \"origin calls per expiry\"\nmax = 1.0", RuleVerdict::Inconclusive, 0),
        ("figure = \"origin calls per expiry\"\nmax = 3.0", RuleVerdict::Pass, 0),
        ("figure = \"origin calls per expiry\"\nmin = 3.0", RuleVerdict::Fail, 1),
        ("figure = \"coalesced share\"\nvariant = \"baseline\"\nmin = 0.5", RuleVerdict::NoData, 5),
        ("figure = \"herd\"\nmax = 1.0", RuleVerdict::NoData, 5),
    ] {
        let report = judge(&run, None, &budget(lines));
        assert_eq!((report.judged[0].verdict, report.exit_code()), (verdict, exit), "{lines}: {report:?}");
        for format in [Format::Text, Format::Json, Format::Junit, Format::Markdown, Format::Bmf] {
            assert!(report.render(format).contains("herd") || !lines.contains("herd factor"), "{format:?}");
        }
    }
    let report = judge(&run, None, &budget("figure = \"herd\"\nmax = 1.0"));
    assert!(
        report.judged[0]
            .why
            .contains("stampede has no figure 'herd'; it has origin calls per expiry, clients")
    );
    let leaky = with_scenario(&["tenant 'a' was shown what is of tenant 'b'"]);
    let report = judge(&leaky, None, &budget("figure = \"herd factor\"\nmax = 1.0"));
    assert_eq!(report.exit_code(), 6, "a wrong answer outweighs a good figure");
}

#[test]
fn a_quick_run_decides_nothing_about_a_figure_and_says_that_it_was_one() {
    let mut run = with_scenario(&[]);
    run.document.extent = hitmark_schema::run::Extent::Quick;
    let rule = "[[rule]]\nexperiment = \"product detail\"\nkind = \"figure\"\nfigure = \"herd factor\"\n";
    for limit in ["max = 1.0", "variant = \"baseline\"\nmax = 1.0"] {
        let report = judge(&run, None, &budget(&format!("{rule}{limit}\n")));
        assert_eq!(report.judged[0].verdict, RuleVerdict::Inconclusive, "{limit}: {report:?}");
        assert!(report.judged[0].why.contains("found by a quick run"), "{:?}", report.judged[0].why);
        assert!(report.notes.iter().any(|note| note.starts_with("a quick run")), "{:?}", report.notes);
    }
    let strict = budget(&format!("[gate]\non_inconclusive = \"fail\"\n{rule}max = 1.0\n"));
    assert_ne!(judge(&run, None, &strict).exit_code(), 0, "a budget may refuse what decides nothing");
    assert!(summary_markdown(&compare_run(&run)).contains("a quick run"));
}

#[test]
fn a_figure_rule_without_a_name_or_a_limit_is_a_mistake() {
    let text = "[[rule]]\nexperiment = \"x\"\nkind = \"figure\"\noutcome = \"hit\"\n";
    let told = Budget::parse(text, std::path::Path::new("b.toml")).unwrap_err().to_string();
    for part in ["lacks min or max", "has no outcome"] {
        assert!(told.contains(part), "missing {part}: {told}");
    }
}

#[test]
fn a_place_that_only_one_side_has_is_a_row_with_a_dash_for_the_other() {
    let mut run = with_scenario(&[]);
    run.scenarios[1].series[0].points[1].at = 300.0;
    let text = table_text(&compare_run(&run), 120);
    let row = |place: &str| {
        let line = text.lines().find(|line| line.trim_start().starts_with(place));
        line.unwrap_or_else(|| panic!("{place} is missing in:\n{text}")).to_owned()
    };
    assert!(row("100, users 2").matches("90.0 %").count() == 2, "{text}");
    assert!(row("300, users 2").contains('–') && row("500, users 2").contains('–'), "{text}");
}
