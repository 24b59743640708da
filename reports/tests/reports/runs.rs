//! One run against another: honest about what is not paired.

use hitmark_reports::compare_runs;

use crate::support::{Truth, run};

fn truth() -> Truth {
    Truth { pairs: 12, requests: 600, ..Truth::default() }
}

#[test]
fn paired_ratios_are_compared_where_both_runs_hold_both_sides() {
    // The second run's machine is twice as slow, and its cache lost a fifth of its advantage.
    let before = run(&[truth()]);
    let after = run(&[Truth { baseline_ns: 4e6, miss_ns: 4.2e6, hit_ns: 2.0 * 61_000.0 * 1.25, ..truth() }]);
    let comparison = compare_runs(&before.run, &after.run);
    let text = comparison.text();
    assert!(
        text.contains("product detail: SLOWER") && text.contains("1.2") && text.contains("its own control"),
        "{text}"
    );
    let json: serde_json::Value = serde_json::from_str(&comparison.json()).unwrap();
    let p50 = &json["experiments"][0]["change"]["p50"];
    assert!((p50["estimate"].as_f64().unwrap() - 1.25).abs() < 0.06, "{json:#}");
    assert!(p50["lower"].as_f64().unwrap() > 1.0);
    assert!(comparison.markdown().contains("| product detail | 1.2"));
    let same = compare_runs(&before.run, &before.run);
    assert!(
        same.text().contains("product detail: SAME") || same.text().contains("INCONCLUSIVE"),
        "{}",
        same.text()
    );
}

#[test]
fn raw_latencies_get_a_warning_and_no_verdict() {
    let before = run(&[Truth { candidate: false, ..truth() }]);
    let after =
        run(&[Truth { candidate: false, baseline_ns: 3e6, ..truth() }, Truth { name: "new", ..truth() }]);
    let text = compare_runs(&before.run, &after.run).text();
    assert!(
        text.contains("NO VERDICT") && text.contains("the runs are not paired") && text.contains("1.5"),
        "{text}"
    );
    assert!(text.contains("new: only the second run holds it"), "{text}");
    let back = compare_runs(&after.run, &before.run).text();
    assert!(back.contains("new: only the first run holds it"), "{back}");
}
