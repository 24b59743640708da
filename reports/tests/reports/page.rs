//! The page holds what it must, loads nothing, and is a pure function of the run.

use hitmark_reports::charts::{of_experiment, of_run};
use hitmark_reports::{compare_run, page};

use crate::support::{Ending, Truth, Written, cache_lost, run, run_with};

/// A run like the demo's, with the cache server lost in the middle of one experiment.
fn demo() -> Written {
    let truths = [
        Truth {
            name: "product list",
            baseline_ns: 4.1e6,
            hit_ns: 58_000.0,
            miss_ns: 4.3e6,
            ..Truth::default()
        },
        Truth { hit_ratio: 0.9, cache_away_from: Some(14), requests: 3_000, ..Truth::default() },
        Truth { name: "search <b>", hit_ns: 1.9e6, noise: 0.2, ..Truth::default() },
    ];
    run_with(&truths, Ending::Complete, &[cache_lost(128, "product-detail")], &[])
}

#[test]
fn the_page_stands_alone() {
    let page = page(&[demo().run]);
    assert!(page.len() < 500_000, "{} bytes", page.len());
    for reference in ["src=", "<link", "<script", "url(", "@import", "href=\"http", "xlink"] {
        assert!(!page.contains(reference), "the page must load nothing, but has {reference}");
    }
    for part in ["prefers-color-scheme:dark", "@media print", "lang=\"en\"", "name=\"viewport\""] {
        assert!(page.contains(part), "{part}");
    }
    keep(&page);
}

#[test]
fn the_findings_come_before_everything_else() {
    let page = page(&[run(&[Truth::default()]).run]);
    let place = |part: &str| page.find(part).unwrap_or_else(|| panic!("'{part}' is missing"));
    let order = [
        "makes the median request 3",
        "variant and outcome",
        "All experiments at a glance",
        "latency by percentile",
        "ratio of each pair",
        "latency and hit ratio over time",
        "What happened in between",
        "Where and how",
        "hitmark load run plan.toml --out run",
        "seed = 42",
        "What the figures mean",
    ];
    let places = order.map(place);
    assert!(places.is_sorted(), "{places:?}");
    for part in [
        "Example CPU 3000",
        "redis 7.0.15",
        "8bd8877, with uncommitted changes",
        "2023-11-14 22:13:20 UTC",
        "it pays from a hit ratio of",
    ] {
        assert!(page.contains(part), "'{part}' is missing");
    }
}

#[test]
fn nothing_from_a_run_becomes_markup_and_no_password_is_shown() {
    let page = page(&[demo().run]);
    assert!(page.contains("search &lt;b&gt;") && !page.contains("search <b>"));
    assert!(page.contains("refused &lt;tcp&gt;"));
    assert!(!page.contains("s3cret") && page.contains("me:***@127.0.0.1"));
}

#[test]
fn a_lost_cache_server_is_listed_and_marked_in_the_chart() {
    let written = demo();
    let html = page(std::slice::from_ref(&written.run));
    assert!(html.contains("cache server unreachable (candidate): connection refused"));
    let comparison = compare_run(&written.run);
    let charts = of_experiment(&written.run, &comparison.experiments[1], "r0");
    let timeline = charts.iter().find(|chart| chart.id.ends_with("timeline")).unwrap();
    // The experiment is the second: it began 100 s into the run.
    assert!(timeline.desc.contains("at 28.0 s cache server unreachable"), "{}", timeline.desc);
    assert!(
        timeline.svg.contains(">cache server unreachable<")
            || timeline.svg.contains("cache server unreachable</text>")
    );
    assert!(
        timeline
            .table
            .rows
            .iter()
            .any(|row| row[0] == "28.0" && row.last().unwrap() == "cache server unreachable")
    );
    let hits = timeline.table.columns.iter().position(|column| column == "cached hit p50").unwrap();
    assert_eq!(timeline.table.rows.last().unwrap()[hits], "–", "no hit after the loss: a gap, not a zero");
    let other = of_experiment(&written.run, &comparison.experiments[0], "r0");
    assert!(other.iter().all(|chart| !chart.desc.contains("cache server unreachable")));
}

#[test]
fn every_chart_has_title_description_and_the_same_numbers_in_a_table() {
    let written = demo();
    let comparison = compare_run(&written.run);
    let mut charts = of_run(&comparison, "r0");
    for experiment in &comparison.experiments {
        charts.extend(of_experiment(&written.run, experiment, "r0"));
    }
    assert_eq!(charts.len(), 1 + 3 * 3);
    let ids: std::collections::HashSet<_> = charts.iter().map(|chart| &chart.id).collect();
    assert_eq!(ids.len(), charts.len(), "ids are unique");
    for chart in &charts {
        assert!(
            chart.svg.contains("role=\"img\"")
                && chart.svg.contains(&format!("<title id=\"{}-t\">", chart.id))
        );
        assert!(
            chart.svg.contains("<desc")
                && !chart.svg.contains("NaN")
                && !chart.svg.contains("could not be drawn")
        );
        assert!(chart.table.rows.len() >= 3, "{}", chart.id);
        assert!(chart.table.rows.iter().all(|row| row.len() == chart.table.columns.len()), "{}", chart.id);
    }
    let page = page(&[written.run]);
    assert_eq!(page.matches("<svg").count(), charts.len());
    assert_eq!(page.matches("<figure>").count(), page.matches("The numbers of this chart").count());
}

#[test]
fn curves_end_where_their_values_do() {
    let written = run(&[Truth { requests: 500, ..Truth::default() }]);
    let comparison = compare_run(&written.run);
    let curve = &of_experiment(&written.run, &comparison.experiments[0], "r0")[0];
    assert_eq!(curve.table.columns, ["percentile", "uncached", "cached hit", "cached miss"]);
    let row = |share: &str| {
        curve.table.rows.iter().find(|row| row[0] == share).unwrap_or_else(|| panic!("no row {share}"))
    };
    assert!(row("99.00 %")[1].ends_with("ms") && row("99.00 %")[2].ends_with("µs"));
    assert_eq!(row("99.00 %")[3], "–", "300 misses do not support p99");
    assert!(!curve.table.rows.iter().any(|row| row[0].starts_with("99.99")), "10,000 requests end at 99.9 %");
}

#[test]
fn the_same_run_gives_the_same_bytes() {
    let written = demo();
    let again = hitmark_reports::Run::read(written.dir.path()).unwrap();
    assert_eq!(page(&[written.run]), page(&[again]));
}

#[test]
fn killed_empty_and_many_runs_have_a_page_too() {
    let killed = run_with(&[Truth::default()], Ending::KilledAfter(10), &[], &[]);
    let page_of_killed = page(std::slice::from_ref(&killed.run));
    assert!(
        page_of_killed.contains("did not end in order") && page_of_killed.contains("10 of 20 planned pairs")
    );
    assert!(page_of_killed.contains("for each of 10 pairs"));
    let empty = run_with(&[Truth::default()], Ending::KilledAfter(0), &[], &[]);
    assert!(page(&[empty.run]).contains("no pair of super-blocks was finished"));
    assert!(page(&[]).contains("No run was given"));
    let alone = run(&[Truth { candidate: false, ..Truth::default() }]);
    let both = page(&[alone.run, killed.run]);
    assert!(both.contains("run 2 of 2") && both.contains("baseline only"));
    assert!(both.contains("id=\"r0-product-detail\"") && both.contains("id=\"r1-product-detail\""));
}

/// Leaves the page where a person can look at it, if asked.
fn keep(page: &str) {
    if let Some(path) = std::env::var_os("HITMARK_KEEP_PAGE") {
        std::fs::write(path, page).unwrap();
    }
}

/// Leaves what a terminal shows where a person can look at it, if asked.
#[test]
fn the_same_comparison_fits_a_terminal() {
    let written = demo();
    let table = hitmark_reports::table_text(&compare_run(&written.run), 120);
    assert!(table.contains("product list") && table.ends_with('\n'));
    if let Some(path) = std::env::var_os("HITMARK_KEEP_TABLE") {
        std::fs::write(path, table).unwrap();
    }
}
