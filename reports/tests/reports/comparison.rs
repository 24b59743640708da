//! Ratios, verdicts and savings come out as they were put in.

use hitmark_reports::comparison::Against;
use hitmark_reports::statistics::Quantile;
use hitmark_reports::{Verdict, compare_run, summary_json, summary_markdown, table_text};
use hitmark_schema::{Outcome, Variant};
use proptest::prelude::*;
use serde_json::Value;

use crate::support::{Ending, Truth, cache_lost, differing, failing, run, run_with};

#[test]
fn a_cache_that_is_thirty_times_faster_is_found_to_be_so() {
    let written = run(&[Truth::default()]);
    let comparison = compare_run(&written.run);
    let experiment = &comparison.experiments[0];
    assert_eq!(experiment.verdict, Some(Verdict::Faster), "{}", experiment.why);
    let ratio = experiment.ratio(Quantile::P50).unwrap().as_ref().unwrap();
    let (lower, upper) = ratio.interval.unwrap();
    assert!(lower < ratio.estimate && ratio.estimate < upper);
    assert!((1.0 / ratio.estimate - 32.2).abs() < 2.0, "speed-up {}", 1.0 / ratio.estimate);
    assert!((0.005..0.06).contains(&ratio.detectable.unwrap()), "{:?}", ratio.detectable);
    assert!((experiment.hit_ratio.unwrap() - 0.97).abs() < 0.005);
    // Means of lognormals have one factor in common: (2080 − 2000) ÷ (2080 − 61).
    assert!((experiment.break_even_hit_ratio.unwrap() - 0.04).abs() < 0.03);
    let saved = experiment.net_seconds_saved_per_request.unwrap();
    assert!((0.0018..0.0022).contains(&saved), "{saved}");
}

#[test]
fn outcomes_are_compared_apart_and_say_with_what() {
    let written = run(&[Truth { requests: 2_000, hit_ratio: 0.9, ..Truth::default() }]);
    let comparison = compare_run(&written.run);
    let by_outcome = &comparison.experiments[0].ratios_by_outcome;
    assert_eq!(by_outcome.iter().map(|of| of.outcome).collect::<Vec<_>>(), [Outcome::Hit, Outcome::Miss]);
    assert!(by_outcome.iter().all(|of| of.against == Against::All), "the baseline has no hit");
    let miss = by_outcome[1].ratios[0].1.as_ref().unwrap();
    assert!((miss.estimate - 1.04).abs() < 0.03, "{}", miss.estimate);
    // 200 misses are too few for p99 in one super-block, and merging five leaves four pairs.
    assert!(by_outcome[1].ratios[3].1.as_ref().is_ok_and(|ratio| ratio.blocks_per_pair == 3));

    let hits = Truth { baseline_outcome: Outcome::Hit, ..Truth::default() };
    let comparison = compare_run(&run(&[hits]).run);
    assert_eq!(comparison.experiments[0].ratios_by_outcome[0].against, Against::SameOutcome);
}

#[test]
fn two_equal_sides_are_the_same_and_a_slower_one_is_slower() {
    let same = Truth { name: "same", hit_ns: 2e6, miss_ns: 2e6, ..Truth::default() };
    let slower = Truth { name: "slower", hit_ns: 2.3e6, miss_ns: 2.3e6, ..Truth::default() };
    let noisy = Truth { name: "noisy", hit_ns: 2e6, miss_ns: 2e6, noise: 0.3, ..Truth::default() };
    let comparison = compare_run(&run(&[same, slower, noisy]).run);
    let verdicts: Vec<_> = comparison.experiments.iter().map(|experiment| experiment.verdict).collect();
    assert_eq!(verdicts, [Some(Verdict::Same), Some(Verdict::Slower), Some(Verdict::Inconclusive)]);
    assert!(comparison.experiments[2].why.contains("could have seen"), "{}", comparison.experiments[2].why);
}

#[test]
fn what_was_not_measured_is_null_and_never_zero() {
    let alone =
        Truth { name: "alone", candidate: false, baseline_outcome: Outcome::Unknown, ..Truth::default() };
    let no_miss = Truth { name: "no miss", hit_ratio: 1.1, pairs: 4, requests: 60, ..Truth::default() };
    let summary = summary_json(&compare_run(&run(&[alone, no_miss]).run));
    let [alone, no_miss] = [&summary["experiments"][0], &summary["experiments"][1]];
    for field in ["verdict", "ratio", "hit_ratio", "break_even_hit_ratio", "net_seconds_saved_per_request"] {
        assert_eq!(alone[field], Value::Null, "{field}");
    }
    assert_eq!(no_miss["hit_ratio"], 1.0);
    assert_eq!(no_miss["break_even_hit_ratio"], Value::Null, "no miss was measured");
    assert_eq!(no_miss["verdict"], "inconclusive");
    let p50 = &no_miss["ratio"]["p50"];
    assert!(p50["estimate"].as_f64().unwrap() < 0.1 && p50["lower"].is_null() && p50["detectable"].is_null());
    let p99 = &no_miss["ratio"]["p99"];
    assert_eq!(p99["reason"], "not enough data: 60 values per super-block, needs 500 for p99");
    assert_eq!(p99["estimate"], Value::Null);
    let note = "no ratio of p95, p99: not enough data: 60 values per super-block, needs 100 for p95";
    assert!(no_miss["notes"].as_array().unwrap().contains(&note.into()), "{:#}", no_miss["notes"]);
    let variant = &no_miss["variants"][1];
    assert_eq!((&variant["origin_calls"], &variant["stale_reads"]), (&Value::Null, &Value::Null));
    assert_eq!(variant["outcomes"][0]["p999_ns"], Value::Null, "240 requests have no p99.9");
    assert!(variant["outcomes"][0]["p99_ns"].as_u64().unwrap() > 0);
}

#[test]
fn an_inconclusive_verdict_says_why_in_table_and_markdown() {
    let comparison = compare_run(&run(&[Truth { pairs: 3, ..Truth::default() }]).run);
    let why = "3 pairs are too few";
    let table = table_text(&comparison, 120);
    assert!(table.contains("INCONCLUSIVE: ") && table.contains(why), "{table}");
    let markdown = summary_markdown(&comparison);
    assert!(markdown.contains("inconclusive: ") && markdown.contains(why), "{markdown}");
}

#[test]
fn the_summary_has_the_documented_shape() {
    let summary = summary_json(&compare_run(&run(&[Truth::default()]).run));
    assert_eq!((&summary["schema"], &summary["valid"]), (&1.into(), &true.into()));
    let experiment = &summary["experiments"][0];
    for quantile in ["p50", "p90", "p95", "p99"] {
        for field in ["estimate", "lower", "upper", "detectable"] {
            assert!(experiment["ratio"][quantile][field].is_f64(), "{quantile} {field}: {experiment:#}");
            assert!(experiment["ratio_by_outcome"]["hit"][quantile][field].is_f64(), "{quantile} {field}");
        }
    }
    let cached = &experiment["variants"][1];
    assert_eq!(
        (&cached["name"], &cached["requests"], &cached["bytes"]),
        (&"cached".into(), &20_000.into(), &24_200_000.into())
    );
    let hit = &cached["outcomes"][0];
    assert_eq!(hit["outcome"], "hit");
    let order = ["p50_ns", "p90_ns", "p95_ns", "p99_ns", "p999_ns", "max_ns"]
        .map(|field| hit[field].as_u64().unwrap());
    assert!(order.is_sorted() && order[0] > 50_000, "{order:?}");
}

#[test]
fn what_a_request_costs_is_told_where_the_service_counted() {
    let silent = compare_run(&run(&[Truth::default()]).run);
    assert!(!table_text(&silent, 120).contains("queries each"), "nobody counted");
    let unmeasured = &summary_json(&silent)["experiments"][0]["variants"][0];
    assert_eq!((&unmeasured["queries_per_request"], &unmeasured["cpu_ns"]), (&Value::Null, &Value::Null));
    assert_eq!(unmeasured["bytes_per_request"], 1_210.0);

    let counters = |variant: Variant, _: u32, counters: &mut hitmark_schema::Counters| {
        let is_candidate = variant == Variant::Candidate;
        counters.database_queries = Some(counters.requests * if is_candidate { 2 } else { 62 });
        counters.cpu_ns = (!is_candidate).then_some(counters.requests * 300_000);
        counters.body_bytes = counters.requests * if is_candidate { 500 } else { 2_000 };
    };
    let comparison = compare_run(&run(&[Truth { counters, ..Truth::default() }]).run);
    for text in [table_text(&comparison, 120), summary_markdown(&comparison)] {
        for part in ["queries each", "62.0", "300 µs", "2.00 kB", "0.250×", "0.0323×", "candidate ÷ baseline"]
        {
            assert!(text.contains(part), "'{part}' is missing:\n{text}");
        }
    }
    let summary = summary_json(&comparison);
    let [uncached, cached] = [0, 1].map(|place| &summary["experiments"][0]["variants"][place]);
    assert_eq!(
        (&uncached["queries_per_request"], &cached["queries_per_request"]),
        (&62.0.into(), &2.0.into())
    );
    assert_eq!(
        (&uncached["cpu_ns_per_request"], &cached["cpu_ns_per_request"]),
        (&300_000.0.into(), &Value::Null)
    );
    // Both sides finish as many requests in the same active time.
    assert_eq!(summary["experiments"][0]["throughput"]["estimate"], 1.0);
    let document = hitmark_reports::page(&[run(&[Truth { counters, ..Truth::default() }]).run]);
    assert!(document.contains("what a request costs"));
}

#[test]
fn wrong_answers_make_an_experiment_invalid() {
    let failing = Truth { name: "failing", counters: failing, ..Truth::default() };
    let differing = Truth { name: "differing", counters: differing, ..Truth::default() };
    let late = Truth { name: "late", ..Truth::default() };
    let written = run_with(
        &[failing, differing, late],
        Ending::Complete,
        &[],
        &[("late", "the generator was late by 7 ms")],
    );
    let comparison = compare_run(&written.run);
    assert!(!comparison.valid);
    for (experiment, (functional, part)) in comparison.experiments.iter().zip([
        (true, "1.0 % of the requests of cached failed"),
        (true, "1 bodies of 5000 compared differ"),
        (false, "the generator was late by 7 ms"),
    ]) {
        assert_eq!(experiment.verdict, Some(Verdict::Invalid));
        assert_eq!(experiment.functional_errors, functional);
        assert!(experiment.why.contains(part), "{}", experiment.why);
    }
    assert!(table_text(&comparison, 120).contains("INVALID"));
}

#[test]
fn a_killed_run_is_compared_with_what_it_finished() {
    let written = run_with(&[Truth::default()], Ending::KilledAfter(10), &[], &[]);
    let comparison = compare_run(&written.run);
    assert_eq!(
        (comparison.experiments[0].pairs, comparison.experiments[0].verdict),
        (10, Some(Verdict::Faster))
    );
    assert!(comparison.notes.iter().any(|note| note.contains("did not end in order")));
    assert!(
        comparison.experiments[0].notes.iter().any(|note| note == "10 of 20 planned pairs were finished")
    );
    let empty = run_with(&[Truth::default()], Ending::KilledAfter(0), &[], &[]);
    let comparison = compare_run(&empty.run);
    assert_eq!(comparison.experiments[0].verdict, Some(Verdict::Inconclusive));
    assert_eq!(comparison.experiments[0].why, "no pair of super-blocks was finished");
}

#[test]
fn the_table_fits_its_columns_and_names_every_figure() {
    let long =
        Truth { name: "a product list with a rather long name, as plans have them", ..Truth::default() };
    let comparison = compare_run(
        &run_with(&[Truth::default(), long], Ending::Complete, &[cache_lost(12, "product-detail")], &[]).run,
    );
    let table = table_text(&comparison, 120);
    for line in table.lines().filter(|line| line.contains('│')) {
        assert!(line.chars().count() <= 120, "{} columns: {line}", line.chars().count());
    }
    for part in [
        "product detail",
        "uncached",
        "cached",
        "· hit",
        "· miss",
        "p95",
        "× faster",
        "hit ratio 97",
        "break-even",
        "FASTER",
    ] {
        assert!(table.contains(part), "'{part}' is missing:\n{table}");
    }
    assert!(table.contains("at 12.0 s: cache server unreachable (candidate): connection refused"), "{table}");
    let markdown = summary_markdown(&comparison);
    assert!(markdown.contains("- **product detail**: cached makes the median request 3"), "{markdown}");
    assert!(markdown.contains("connection refused &lt;tcp>"), "{markdown}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]
    #[test]
    fn the_break_even_hit_ratio_balances_the_means(base in 1e5f64..1e7, hit_share in 0.01f64..0.8, overhead in 1.0f64..1.5) {
        let truth = Truth {
            pairs: 6, requests: 400, hit_ratio: 0.7, spread: 0.01, noise: 0.0, baseline_ns: base,
            hit_ns: base * hit_share, miss_ns: base * overhead, ..Truth::default()
        };
        let comparison = compare_run(&run(&[truth]).run);
        let found = comparison.experiments[0].break_even_hit_ratio.unwrap();
        // h·hit + (1 − h)·miss = base
        let balance = found * hit_share + (1.0 - found) * overhead;
        prop_assert!((balance - 1.0).abs() < 0.01, "{found}: {balance}");
    }
}
