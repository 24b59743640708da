//! `hitmark load new`, `check`, `run --verify`, `run --quick` and `whatif`, as a person would call them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    dead_code,
    reason = "a test that cannot go on should stop here; other tests use the rest of the support"
)]

mod support;

use std::fs;

use hitmark_schema::Run;
use hitmark_testkit::{TruthConfig, TruthServer};
use support::hitmark;

#[tokio::test(flavor = "multi_thread")]
async fn a_starter_plan_is_checked_rehearsed_and_run_as_it_was_written() {
    let server = TruthServer::start(TruthConfig::default()).await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    let plan = dir.path().join("plan.toml");
    let plan = plan.to_str().unwrap();
    let url = format!("{}/items/7", server.url());
    assert_eq!(hitmark(&["load", "new", &url, "--out", plan]).code, 0);
    assert_eq!(hitmark(&["load", "new", &url, "--out", plan]).code, 2, "a plan is never replaced");
    let checked = hitmark(&["load", "check", plan]);
    assert_eq!(checked.code, 0, "{checked:?}");
    assert!(checked.stdout.contains("items 7: GET /items/7, closed, 4 users"), "{}", checked.stdout);

    let before = server.requests();
    let rehearsed = hitmark(&["load", "run", plan, "--verify"]);
    assert_eq!((rehearsed.code, server.requests() - before), (0, 2), "{rehearsed:?}");
    assert!(rehearsed.stdout.contains("ok     items 7, uncached: GET /items/7  200"), "{}", rehearsed.stdout);

    let out = dir.path().join("run");
    let run = hitmark(&["load", "run", plan, "--quick", "--out", out.to_str().unwrap()]);
    assert_eq!(run.code, 0, "{run:?}");
    assert!(run.stderr.contains("req/s"), "plain lines tell how it goes: {}", run.stderr);
    assert!(out.join("report.html").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rehearsal_with_a_fault_exits_6_and_a_misspelled_key_2() {
    let server = TruthServer::start(TruthConfig::default()).await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    let plan = dir.path().join("plan.toml");
    let text = format!(
        "[[experiment]]\nname = \"x\"\ndiffers = \"d\"\npath = \"/status/503\"\nusers = 1\n\
         [experiment.baseline]\nname = \"a\"\nbase_url = \"{}\"\n",
        server.url()
    );
    fs::write(&plan, &text).unwrap();
    let rehearsed = hitmark(&["load", "run", plan.to_str().unwrap(), "--verify"]);
    assert_eq!(rehearsed.code, 6, "{rehearsed:?}");
    assert!(rehearsed.stdout.contains("status 503, expected [200]"), "{}", rehearsed.stdout);

    fs::write(&plan, text.replace("users", "user")).unwrap();
    let misspelled = hitmark(&["load", "check", plan.to_str().unwrap()]);
    assert_eq!(misspelled.code, 2);
    assert!(misspelled.stderr.contains("did you mean 'users'?"), "{}", misspelled.stderr);
}

#[test]
fn a_trace_becomes_a_curve_a_knee_a_price_and_a_page() {
    let dir = tempfile::tempdir().unwrap();
    let trace = dir.path().join("trace.csv");
    // Key k is asked for about 600/k times: a skewed trace with a known number of keys.
    let mut lines = String::from("key,size\n");
    for round in 1..=600 {
        (1..=200).filter(|key| round % key == 0).for_each(|key| lines.push_str(&format!("{key},1000\n")));
    }
    fs::write(&trace, &lines).unwrap();
    let out = dir.path().join("curve");
    let arguments = ["whatif", trace.to_str().unwrap(), "--sizes", "10,50%,64KiB", "--policy", "lru,sieve"];
    let answer = hitmark(&[&arguments[..], &["--out", out.to_str().unwrap()]].concat());
    assert_eq!(answer.code, 0, "{answer:?}");
    for part in [
        "for 200 keys",
        "exact",
        "one more point costs",
        "The knee is at",
        "┤█",
        "▲ knee",
        "sieve",
        "whatif.html",
    ] {
        assert!(answer.stdout.contains(part), "missing {part}:\n{}", answer.stdout);
    }
    let json: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(out.join("whatif.json")).unwrap()).unwrap();
    assert_eq!((&json["schema"], &json["requests"]), (&1.into(), &(lines.lines().count() - 1).into()));
    // The simulation of LRU and the curve are two ways to the same number.
    let of = |rows: &str, nth: usize| json[rows][nth]["hit_ratio"].as_f64().unwrap();
    assert!((of("sizes", 0) - of("policies", 0)).abs() < 1e-9, "{json}");
    assert!(fs::read_to_string(out.join("whatif.html")).unwrap().contains("<svg"));

    let refused = hitmark(&["whatif", trace.to_str().unwrap(), "--sizes", "big", "--policy", "magic"]);
    assert_eq!(refused.code, 2);
    assert!(refused.stderr.contains("'big'") && refused.stderr.contains("'magic'"), "{}", refused.stderr);
    assert_eq!(hitmark(&["whatif", "no/such/trace"]).code, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_runs_of_a_plan_become_one_with_all_their_requests() {
    let server = TruthServer::start(TruthConfig::default()).await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    let run = "pairs = 2\nsuperblock_s = 0.2\nwarmup_s = 0\nslice_ms = 10";
    let plan = support::plan(dir.path(), &server.url(), run, "path = \"/noop\"\nusers = 2");
    let [plan, a, b, both] = [plan, dir.path().join("a"), dir.path().join("b"), dir.path().join("both")]
        .map(|path| path.to_str().unwrap().to_owned());
    for (seed, out) in [("1", &a), ("2", &b)] {
        let load = hitmark(&["load", "run", &plan, "--seed", seed, "--out", out]);
        assert_eq!(load.code, 0, "{load:?}");
    }
    let merged = hitmark(&["merge", &a, &b, "--out", &both]);
    assert_eq!((merged.code, merged.stdout.contains("x: 4 pairs")), (0, true), "{merged:?}");
    let [a_run, b_run, merged] = [&a, &b, &both].map(|dir| Run::read(dir.as_ref()).unwrap());
    let requests = |run: &Run| run.blocks.iter().map(|block| block.counters.requests).sum::<u64>();
    assert_eq!(requests(&merged), requests(&a_run) + requests(&b_run));
    let report = hitmark(&["report", &both, "--out", &format!("{both}/report.html")]);
    assert_eq!(report.code, 0, "{report:?}");
    let twice = hitmark(&["merge", &a, &a, "--out", &format!("{both}2")]);
    assert_eq!((twice.code, twice.stderr.contains("named twice")), (2, true), "{twice:?}");
}
