//! Budgets: every rule's verdict, every exit code, every format, every mistake.

use std::path::Path;

use hitmark_reports::gate::{Budget, ExitStatus, Format, GateReport, RuleVerdict, judge};
use hitmark_schema::Variant;

use crate::support::{Ending, Truth, budget, differing, failing, run, run_with};

fn verdicts(report: &GateReport) -> Vec<RuleVerdict> {
    report.judged.iter().map(|judged| judged.verdict).collect()
}

/// A single rule on "product detail".
fn rule(kind: &str, rest: &str) -> Budget {
    budget(&format!("[[rule]]\nexperiment = \"product detail\"\nkind = \"{kind}\"\n{rest}\n"))
}

#[test]
fn each_kind_of_rule_passes_and_fails() {
    let written = run(&[Truth::default()]);
    for (kind, rest, expected) in [
        ("ratio", "metric = \"p50\"\nmax = 1.05\ntolerance = 0.02", RuleVerdict::Pass),
        ("ratio", "metric = \"p50\"\nmax = 0.02", RuleVerdict::Fail),
        ("ratio", "metric = \"p50\"\nmin_speed_up = 20", RuleVerdict::Pass),
        ("ratio", "metric = \"p50\"\nmin_speed_up = 50", RuleVerdict::Fail),
        ("ratio", "metric = \"p50\"\nmin_speed_up = 32.2", RuleVerdict::Inconclusive),
        ("ratio", "metric = \"p99\"\noutcome = \"hit\"\nmax = 0.5", RuleVerdict::Pass),
        ("ratio", "metric = \"p50\"\noutcome = \"miss\"\nmax = 0.5", RuleVerdict::Fail),
        ("ratio", "metric = \"p50\"\noutcome = \"stale\"\nmax = 0.5", RuleVerdict::NoData),
        ("absolute", "metric = \"p50\"\nmax = \"100us\"", RuleVerdict::Pass),
        ("absolute", "metric = \"p50\"\nmax_ms = 0.01", RuleVerdict::Fail),
        ("absolute", "metric = \"p99\"\noutcome = \"hit\"\nmax = \"5ms\"", RuleVerdict::Pass),
        ("absolute", "metric = \"p50\"\nvariant = \"baseline\"\nmax = \"1 ms\"", RuleVerdict::Fail),
        ("absolute", "metric = \"p999\"\noutcome = \"miss\"\nmax = \"1s\"", RuleVerdict::NoData),
        ("count", "metric = \"hit_ratio\"\nmin = 0.95", RuleVerdict::Pass),
        ("count", "metric = \"hit_ratio\"\nmin = 0.99", RuleVerdict::Fail),
        ("count", "metric = \"bytes_per_request\"\nmax = 1210", RuleVerdict::Pass),
        ("count", "metric = \"origin_calls_per_request\"\nmax = 0.1", RuleVerdict::NoData),
        ("count", "metric = \"stale_reads\"\nmax = 0", RuleVerdict::NoData),
        ("count", "metric = \"requests\"\nmax_increase = 0", RuleVerdict::NoData),
    ] {
        let report = judge(&written.run, None, &rule(kind, rest));
        assert_eq!(verdicts(&report), [expected], "{kind} {rest}: {}", report.judged[0].why);
    }
}

#[test]
fn a_slow_down_is_caught_and_an_equal_side_is_not() {
    let truth = |factor: f64| Truth { hit_ns: 2e6 * factor, miss_ns: 2e6 * factor, ..Truth::default() };
    let rule = rule("ratio", "metric = \"p50\"\nmax = 1.05");
    for (factor, expected) in [(1.0, RuleVerdict::Pass), (1.10, RuleVerdict::Fail)] {
        assert_eq!(verdicts(&judge(&run(&[truth(factor)]).run, None, &rule)), [expected], "× {factor}");
    }
    let noisy = Truth { noise: 0.3, ..truth(1.0) };
    let report = judge(&run(&[noisy]).run, None, &rule);
    assert_eq!(verdicts(&report), [RuleVerdict::Inconclusive], "noise is no pass");
    assert!(report.judged[0].why.contains("could have seen a change of"), "{}", report.judged[0].why);
}

#[test]
fn the_exit_code_follows_the_worst_finding() {
    let pass =
        "[[rule]]\nexperiment = \"product detail\"\nkind = \"count\"\nmetric = \"hit_ratio\"\nmin = 0.5\n";
    let fail = pass.replace("0.5", "0.999");
    let doubt = "[[rule]]\nexperiment = \"product detail\"\nkind = \"ratio\"\nmetric = \"p50\"\nmin_speed_up = 32.2\n";
    let missing = pass.replace("hit_ratio", "origin_calls_per_request");
    let absent = pass.replace("product detail", "no such");
    let written = run(&[Truth::default()]);
    for (text, expected) in [
        (pass.to_owned(), ExitStatus::Passed),
        (format!("{pass}{fail}"), ExitStatus::Failed),
        (format!("{pass}{doubt}"), ExitStatus::Passed),
        (format!("[gate]\non_inconclusive = \"fail\"\n{pass}{doubt}"), ExitStatus::Inconclusive),
        (format!("{pass}{missing}"), ExitStatus::NoData),
        (format!("{pass}{absent}"), ExitStatus::NoData),
        (format!("{missing}{fail}"), ExitStatus::Failed),
    ] {
        let report = judge(&written.run, None, &budget(&text));
        assert_eq!(report.exit_status(), expected, "{text}\n{}", report.render(Format::Text));
        assert_eq!(report.exit_code(), expected as u8);
    }
    assert_eq!(
        [0, 1, 3, 5, 6],
        [
            ExitStatus::Passed,
            ExitStatus::Failed,
            ExitStatus::Inconclusive,
            ExitStatus::NoData,
            ExitStatus::FunctionalErrors,
        ]
        .map(|status| status as u8)
    );
}

#[test]
fn wrong_answers_outweigh_everything_and_void_the_timing() {
    let rules = "[[rule]]\nexperiment = \"product detail\"\nkind = \"ratio\"\nmetric = \"p50\"\nmax = 1.05\n";
    for counters in [failing, differing] {
        let report = judge(&run(&[Truth { counters, ..Truth::default() }]).run, None, &budget(rules));
        assert_eq!(report.exit_status(), ExitStatus::FunctionalErrors);
        assert_eq!(verdicts(&report), [RuleVerdict::NoData]);
        assert!(report.judged[0].why.starts_with("the timing is void"), "{}", report.judged[0].why);
    }
    let stale = Truth {
        counters: |variant, _, counters| counters.stale_reads = (variant == Variant::Candidate).then_some(1),
        ..Truth::default()
    };
    let report = judge(&run(&[stale]).run, None, &rule("count", "metric = \"stale_reads\"\nmax = 0"));
    assert_eq!((report.exit_status(), report.judged[0].value), (ExitStatus::FunctionalErrors, Some(20.0)));
    let late =
        run_with(&[Truth::default()], Ending::Complete, &[], &[("product-detail", "the generator was late")]);
    let report = judge(&late.run, None, &budget(rules));
    assert_eq!(report.exit_status(), ExitStatus::NoData, "an invalid run is not green, nor a wrong answer");
}

#[test]
fn a_run_without_super_blocks_is_never_green() {
    let empty = run_with(&[Truth::default()], Ending::KilledAfter(0), &[], &[]);
    let rules = ["errors", "mismatches", "hit_ratio", "requests"].map(|metric| {
        format!(
            "[[rule]]\nexperiment = \"product detail\"\nkind = \"count\"\nmetric = \"{metric}\"\nmax = 1\n"
        )
    });
    let report = judge(&empty.run, None, &budget(&rules.concat()));
    assert_eq!(verdicts(&report), [RuleVerdict::NoData; 4]);
    assert_eq!(report.exit_code(), 5);
}

#[test]
fn another_run_serves_counts_and_lone_sides() {
    let hits = |hit_ratio: f64| {
        run(&[Truth {
            hit_ratio,
            counters: |_, _, counters| counters.origin_calls = Some(30),
            ..Truth::default()
        }])
    };
    let (before, after) = (
        hits(0.97),
        run(&[Truth { counters: |_, _, counters| counters.origin_calls = Some(60), ..Truth::default() }]),
    );
    let rule_of_calls = rule("count", "metric = \"origin_calls_per_request\"\nmax_increase = 0.01");
    assert_eq!(judge(&after.run, Some(&before.run), &rule_of_calls).exit_code(), 1);
    assert_eq!(judge(&before.run, Some(&before.run), &rule_of_calls).exit_code(), 0);
    assert_eq!(judge(&after.run, None, &rule_of_calls).exit_code(), 5, "no baseline");

    let alone = |baseline_ns| run(&[Truth { candidate: false, baseline_ns, ..Truth::default() }]);
    let (before, after) = (alone(2e6), alone(2.6e6));
    let ratio = rule("ratio", "metric = \"p50\"\nmax = 1.05");
    let report = judge(&after.run, Some(&before.run), &ratio);
    assert_eq!(report.exit_code(), 1);
    assert!(report.judged[0].why.contains("unpaired"), "{}", report.judged[0].why);
    let of_bypass = rule("ratio", "metric = \"p50\"\noutcome = \"bypass\"\nmax = 1.05");
    let report = judge(&after.run, Some(&before.run), &of_bypass);
    assert_eq!(report.exit_code(), 5, "an outcome is never silently dropped from a rule");
    let report = judge(&after.run, None, &ratio);
    assert_eq!(report.exit_code(), 5);
    assert!(report.judged[0].why.contains("--baseline"), "{}", report.judged[0].why);
}

#[test]
fn exact_rules_are_judged_first_and_timed_ones_share_one_family() {
    let text = "\
        [[rule]]\nexperiment = \"product detail\"\nkind = \"absolute\"\nmetric = \"p99\"\nmax = \"1s\"\n\
        [[rule]]\nexperiment = \"product detail\"\nkind = \"ratio\"\nmetric = \"p50\"\nmax = 0.001\n\
        [[rule]]\nexperiment = \"product detail\"\nkind = \"count\"\nmetric = \"errors\"\nmax = 0\n";
    let report = judge(&run(&[Truth::default()]).run, None, &budget(text));
    let kinds: Vec<&str> = report.judged.iter().map(|judged| judged.rule.kind.as_str()).collect();
    assert_eq!(kinds, ["count", "ratio", "absolute"]);
    assert!(report.judged[1].why.contains("0.0050"), "Holm over two timed rules: {}", report.judged[1].why);
}

#[test]
fn every_format_tells_the_same() {
    let text = "\
        [[rule]]\nexperiment = \"product detail\"\nkind = \"count\"\nmetric = \"hit_ratio\"\nmin = 0.999\n\
        [[rule]]\nexperiment = \"product detail\"\nkind = \"ratio\"\nmetric = \"p50\"\nmax = 1.05\n\
        [[rule]]\nexperiment = \"product detail\"\nkind = \"ratio\"\nmetric = \"p50\"\nmin_speed_up = 32.2\n\
        [[rule]]\nexperiment = \"<&\\\"\"\nkind = \"count\"\nmetric = \"errors\"\nmax = 0\n";
    let report = judge(&run(&[Truth::default()]).run, None, &budget(text));
    let render = |format: &str| report.render(format.parse().unwrap());

    let shown = render("text");
    assert!(shown.contains("FAIL") && shown.contains("NO DATA") && shown.contains("(exit 1)"), "{shown}");
    assert!(shown.lines().all(|line| !line.starts_with('│') || line.chars().count() <= 120), "{shown}");

    let json: serde_json::Value = serde_json::from_str(&render("json")).unwrap();
    assert_eq!((&json["schema"], &json["exit_code"]), (&1.into(), &1.into()));
    let rules = json["rules"].as_array().unwrap();
    let verdicts: Vec<&str> = rules.iter().map(|rule| rule["verdict"].as_str().unwrap()).collect();
    assert_eq!(verdicts, ["fail", "no data", "pass", "inconclusive"]);
    assert!(rules[2]["detectable"].is_f64() && rules[2]["upper"].as_f64().unwrap() < 0.05);
    assert!(rules[1]["value"].is_null());

    let junit = render("junit");
    assert!(junit.contains("tests=\"4\" failures=\"1\" errors=\"1\" skipped=\"1\""), "{junit}");
    assert!(junit.contains("gate.&lt;&amp;&quot;"), "{junit}");

    let github = render("github");
    assert!(
        github.contains("::error file=budget.toml,line=1,title=product detail · hit_ratio%3A fail::"),
        "{github}"
    );
    assert!(github.contains("::warning file=budget.toml,line=11,") && github.contains("95 %25"), "{github}");
    assert!(render("markdown").contains("| **no data** | &lt;&\""), "{}", render("markdown"));

    let bmf: serde_json::Value = serde_json::from_str(&render("bmf")).unwrap();
    assert!(bmf["product detail"]["p50-ratio"]["lower_value"].is_f64(), "{bmf:#}");
    assert!(bmf["product detail"]["hit_ratio-candidate"]["value"].as_f64().unwrap() > 0.9, "{bmf:#}");
    assert!("yaml".parse::<Format>().unwrap_err().to_string().contains("text, json, junit"));
}

#[test]
fn a_budget_tells_every_mistake_with_its_line() {
    let text = "[gate]\nalpha = 3\non_inconclusive = \"maybe\"\n\n[[rule]]\nkind = \"ratio\"\nmetric = \"p42\"\nmax = 1.05\nmin_speed_up = 2\n\n\
        [[rule]]\nexperiment = \"x\"\nkind = \"absolute\"\nmetric = \"p99\"\nmax = \"5 parsecs\"\nmaxx = 1\n\n\
        [[rule]]\nexperiment = \"x\"\nkind = \"guess\"\n\n[[rule]]\nexperiment = 7\nkind = \"count\"\nmetric = \"hits\"\nmin = 2\nmax = 1\n";
    let errors = Budget::parse(text, Path::new("b.toml")).unwrap_err();
    let shown = errors.to_string();
    for part in [
        "b.toml:2: alpha is 3",
        "b.toml:3: on_inconclusive: 'maybe' is not one of pass, warn, fail",
        "b.toml:5: a rule lacks experiment",
        "b.toml:9: a ratio has either max or min_speed_up",
        "b.toml:15: max: '5 parsecs' is no duration",
        "b.toml:16: a rule has no key 'maxx'",
        "b.toml:20: 'guess' is no kind of rule",
        "b.toml:23: experiment is integer",
        "b.toml:25: metric: 'hits' is not one of errors, error_ratio",
        "b.toml:26: min 2 is above max 1",
    ] {
        assert!(shown.contains(part), "'{part}' is missing:\n{shown}");
    }
    for (text, part) in [
        ("", "b.toml:1: the budget has no [[rule]]"),
        ("[[rule]\n", "b.toml:1: "),
        ("[[rules]]\n", "the budget has no key 'rules'"),
    ] {
        let shown = Budget::parse(text, Path::new("b.toml")).unwrap_err().to_string();
        assert!(shown.contains(part), "{text:?}: {shown}");
    }
}

#[test]
fn the_shipped_budgets_are_right_and_a_good_run_passes_them() {
    let headline =
        &["product list", "revenue", "recommendation analytics", "report list", "incident list"][..];
    let marketplace = &["product list", "product detail", "search"][..];
    for (file, names) in [("marketplace", marketplace), ("headline", headline)] {
        let path = format!("{}/budgets/{file}.toml", env!("CARGO_MANIFEST_DIR"));
        let budget = budget(&std::fs::read_to_string(path).unwrap());
        let truths: Vec<Truth> = names.iter().map(|name| Truth { name, ..Truth::default() }).collect();
        let report = judge(&run(&truths).run, None, &budget);
        assert_eq!(report.exit_code(), 0, "{}", report.render(Format::Text));
        assert!(report.judged.iter().all(|judged| judged.verdict == RuleVerdict::Pass));
    }
}
