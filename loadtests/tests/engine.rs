//! The load engine against a server that knows the truth.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on should stop here")]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use hitmark_loadtests::{Plan, Progress, RunOptions, RunReport, Stop};
use hitmark_schema::run::{EventKind, RunState};
use hitmark_schema::{ErrorKind, Outcome, Run, Timing, Variant};
use hitmark_testkit::{TruthConfig, TruthServer};

/// A plan of one experiment whose sides differ only in their path's query.
fn plan(url: &str, run: &str, experiment: &str, candidate: &str) -> Plan {
    let text = format!(
        "[run]\n{run}\n[[experiment]]\nname = \"x\"\ndiffers = \"nothing\"\n{experiment}\n\
         [experiment.baseline]\nname = \"old\"\nbase_url = \"{url}\"\n\
         [experiment.candidate]\nname = \"new\"\nbase_url = \"{url}\"\n{candidate}\n"
    );
    Plan::parse(&text, "test").unwrap_or_else(|mistakes| panic!("{mistakes}\n{text}"))
}

fn options(dir: &Path, stop: &Stop) -> RunOptions {
    RunOptions {
        out: dir.to_owned(),
        command: "hitmark load run test".to_owned(),
        servers: BTreeMap::new(),
        progress: Arc::new(|_| {}),
        stop: stop.clone(),
    }
}

async fn run(plan: &Plan) -> (Run, RunReport) {
    let dir = tempfile::tempdir().unwrap();
    let report =
        hitmark_loadtests::run(plan, options(&dir.path().join("run"), &Stop::default())).await.unwrap();
    (Run::read(&dir.path().join("run")).unwrap(), report)
}

async fn truth() -> TruthServer {
    TruthServer::start(TruthConfig::default()).await.unwrap()
}

fn requests(run: &Run, variant: Variant) -> u64 {
    run.side("x", variant).values().map(|block| block.counters.requests).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_request_is_counted_once_and_both_sides_get_their_pairs() {
    let server = truth().await;
    let plan = plan(
        &server.url(),
        "pairs = 3\nsuperblock_s = 0.1\nslice_ms = 5\nwarmup_s = 0",
        "path = \"/items/{key}\"\nkeys = { dist = \"uniform\", n = 50 }\nusers = 3",
        "",
    );
    let (run, report) = run(&plan).await;
    assert_eq!(run.document.state, RunState::Complete);
    assert_eq!(run.pairs("x").len(), 3);
    // The server counted every request, ours are those of the finished super-blocks: all of them.
    assert_eq!(report.requests, server.requests());
    assert_eq!(requests(&run, Variant::Baseline) + requests(&run, Variant::Candidate), report.requests);
    assert_eq!((report.errors, report.mismatches), (0, 0));
    assert_eq!(server.connections(), 3, "one connection for each user, kept alive");
    for block in &run.blocks {
        let headers = block.merged(Timing::Headers, |_| true);
        let body = block.merged(Timing::Body, |_| true);
        assert_eq!((headers.len(), body.len()), (block.counters.requests, block.counters.requests));
        assert!(
            headers.value_at_quantile(0.5) <= body.value_at_quantile(0.5),
            "headers come before the body"
        );
        assert!(block.counters.body_bytes > block.counters.requests);
    }
    let compared: u64 = run.blocks.iter().map(|block| block.counters.bodies_compared).sum();
    assert!(compared > 0, "a sample of the bodies was compared");
}

#[tokio::test(flavor = "multi_thread")]
async fn outcomes_are_kept_apart() {
    let server = truth().await;
    let plan = plan(
        &server.url(),
        "pairs = 1\nsuperblock_s = 0.05\nslice_ms = 5\nwarmup_s = 0",
        "path = \"/noop\"\nusers = 1\ncompare_bodies = false",
        "query = { cs = \"hit\" }",
    );
    let (run, _) = run(&plan).await;
    let (baseline, candidate) = run.pairs("x")[0];
    assert_eq!(baseline.count(Outcome::Unknown), baseline.counters.requests);
    assert_eq!(candidate.count(Outcome::Hit), candidate.counters.requests);
    assert!(candidate.counters.requests > 0 && baseline.counters.requests > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_body_counts_to_its_last_byte() {
    let server = truth().await;
    let plan = plan(
        &server.url(),
        "pairs = 1\nsuperblock_s = 0.1\nwarmup_s = 0",
        "path = \"/slow-body/20\"\nusers = 1",
        "",
    );
    let (run, _) = run(&plan).await;
    let (baseline, _) = run.pairs("x")[0];
    assert!(baseline.merged(Timing::Body, |_| true).min() >= 20_000_000);
    assert!(baseline.merged(Timing::Headers, |_| true).value_at_quantile(0.5) < 20_000_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_body_is_an_error_that_names_the_request() {
    let server = truth().await;
    let plan = plan(
        &server.url(),
        "pairs = 1\nsuperblock_s = 0.1\nslice_ms = 5\nwarmup_s = 0",
        "path = \"/wrong/{key}\"\nkeys = { dist = \"sequential\", n = 40 }\nusers = 1",
        "headers = { variant = \"candidate\" }",
    );
    let (run, report) = run(&plan).await;
    assert!(report.mismatches > 0);
    let mismatch =
        run.events.iter().find(|event| event.kind == EventKind::Mismatch).expect("an event tells of it");
    assert!(
        mismatch.detail.starts_with("GET /wrong/") && mismatch.detail.contains("differ"),
        "{}",
        mismatch.detail
    );
    let kinds: Vec<&ErrorKind> = run.blocks.iter().flat_map(|block| block.counters.errors.keys()).collect();
    assert!(kinds.iter().all(|kind| **kind == ErrorKind::Mismatch), "{kinds:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_statuses_and_broken_connections_are_errors_of_their_kind() {
    let server = truth().await;
    for (path, kind) in [("/status/503", ErrorKind::Status), ("/reset", ErrorKind::Reset)] {
        let plan = plan(
            &server.url(),
            "pairs = 1\nsuperblock_s = 0.05\nslice_ms = 5\nwarmup_s = 0",
            &format!("path = \"{path}\"\nusers = 1"),
            "",
        );
        let (run, report) = run(&plan).await;
        assert_eq!(report.errors, report.requests, "{path}");
        for block in &run.blocks {
            assert_eq!(block.counters.errors.keys().collect::<Vec<_>>(), [&kind], "{path}");
            assert_eq!(block.count(Outcome::Error), block.counters.requests);
        }
        assert!(
            run.events
                .iter()
                .any(|event| event.kind == EventKind::ErrorsBegan && event.detail.contains(path))
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_does_not_answer_in_time_or_at_all_ends_the_run_in_order() {
    let server = truth().await;
    let slow = plan(
        &server.url(),
        "pairs = 1\nsuperblock_s = 0.05\nwarmup_s = 0",
        "path = \"/slow-body/500\"\ntimeout_ms = 20\nusers = 2",
        "",
    );
    let (slow, _) = run(&slow).await;
    assert!(slow.blocks.iter().all(|block| block.counters.errors.keys().eq([&ErrorKind::Timeout])));

    let nobody = format!("http://127.0.0.1:{}", hitmark_testkit::free_port());
    let refused =
        plan(&nobody, "pairs = 1\nsuperblock_s = 0.05\nwarmup_s = 0", "path = \"/\"\nusers = 2", "");
    let (refused, report) = run(&refused).await;
    assert!(refused.blocks.iter().all(|block| block.counters.errors.keys().eq([&ErrorKind::Connect])));
    assert!(report.requests < 1_000, "a service that is down is not hammered: {} attempts", report.requests);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_model_sends_what_was_asked_and_charges_a_stall_to_the_service() {
    let server = truth().await;
    let run_settings = "pairs = 4\nsuperblock_s = 0.5\nslice_ms = 20\nwarmup_s = 0.2";
    let plan = plan(&server.url(), run_settings, "path = \"/noop\"\nrate = 500.0\nmax_in_flight = 16", "");
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("run");
    let stalled = async {
        tokio::time::sleep(Duration::from_millis(1_700)).await;
        server.stall(Duration::from_millis(400));
    };
    let (report, ()) = tokio::join!(hitmark_loadtests::run(&plan, options(&out, &Stop::default())), stalled);
    let report = report.unwrap();
    let run = Run::read(&out).unwrap();
    assert_eq!(report.requests, 2_000, "4 pairs of 2 × 0.5 s at 500 requests a second");
    assert_eq!(run.pairs("x").len(), 4);
    let mut latencies = hitmark_schema::measurement::latency_histogram();
    for block in &run.blocks {
        latencies.add(block.merged(Timing::Body, |_| true)).unwrap();
    }
    // 400 ms of 4 s were frozen: about a tenth of the arrivals waited, evenly from 0 to 400 ms. A
    // generator that forgets the arrivals it could not send would show 16 slow requests.
    let slow = latencies.count_between(20_000_000, u64::MAX) as f64 / latencies.len() as f64;
    assert!((0.07..0.14).contains(&slow), "{slow} of the arrivals waited");
    assert!(latencies.value_at_quantile(0.5) < 20_000_000);
    let p98 = latencies.value_at_quantile(0.98) as f64 / 1e6;
    assert!((250.0..400.0).contains(&p98), "p98 {p98} ms, ideally 320 ms");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rate_that_cannot_be_reached_makes_the_run_invalid() {
    let server = truth().await;
    // One answer takes 10 ms and they come one after the other: 100 a second at most.
    let plan = plan(
        &server.url(),
        "pairs = 1\nsuperblock_s = 0.3\nslice_ms = 20\nwarmup_s = 0",
        "path = \"/spin/10000\"\nrate = 200.0\nmax_in_flight = 4",
        "",
    );
    let (run, report) = run(&plan).await;
    // On a busy machine the generator may have been late as well.
    let reasons: Vec<&str> = run.document.invalid_reasons("x").collect();
    assert_eq!(report.invalid.len(), reasons.len());
    let missed = reasons.iter().filter(|reason| reason.contains("of the asked rate was reached"));
    assert_eq!(missed.count(), 1, "{reasons:?}");
    assert_eq!(report.lateness.len(), 1, "how late requests were sent is told");
    assert!(report.lateness[0].1.p99 > Duration::from_millis(10), "{:?}", report.lateness);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_run_keeps_its_finished_super_blocks() {
    let server = truth().await;
    let plan = plan(
        &server.url(),
        "pairs = 500\nsuperblock_s = 0.05\nslice_ms = 5\nwarmup_s = 0",
        "path = \"/noop\"\nusers = 2",
        "",
    );
    let dir = tempfile::tempdir().unwrap();
    let stop = Stop::default();
    let seen = stop.clone();
    let mut options = options(&dir.path().join("run"), &stop);
    options.progress = Arc::new(move |step| {
        if matches!(step, Progress::Pair { done: 3, .. }) {
            seen.set();
        }
    });
    let report = hitmark_loadtests::run(&plan, options).await.unwrap();
    assert!(report.interrupted);
    let run = Run::read(&dir.path().join("run")).unwrap();
    assert_eq!((run.document.state, run.pairs("x").len()), (RunState::Interrupted, 3));
    assert!(run.events.iter().any(|event| event.kind == EventKind::Interrupted));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_that_aims_elsewhere_sends_nothing() {
    let server = truth().await;
    let text = format!(
        "[[experiment]]\nname = \"x\"\ndiffers = \"d\"\npath = \"/\"\nusers = 1\n[experiment.baseline]\nname = \"a\"\nbase_url = \"{}\"\n\
         [experiment.candidate]\nname = \"b\"\nbase_url = \"http://10.1.2.3:80\"\n",
        server.url()
    );
    let refusal = Plan::parse(&text, "plan.toml").unwrap_err().to_string();
    assert!(
        refusal.contains("plan.toml:11:") && refusal.contains("allow_hosts = [\"10.1.2.3\"]"),
        "{refusal}"
    );
    assert_eq!(server.connections(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn restarts_spread_the_pairs_and_begin_with_fresh_connections() {
    let server = truth().await;
    let plan = plan(
        &server.url(),
        "pairs = 5\nrestarts = 2\nsuperblock_s = 0.05\nslice_ms = 5\nwarmup_s = 0",
        "path = \"/noop\"\nusers = 2",
        "",
    );
    let (run, _) = run(&plan).await;
    assert_eq!(run.side("x", Variant::Baseline).keys().copied().collect::<Vec<_>>(), [0, 1, 2, 3, 4]);
    assert_eq!(server.connections(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_baseline_alone_is_measured_without_pairs() {
    let server = truth().await;
    let text = format!(
        "[run]\npairs = 2\nsuperblock_s = 0.05\nwarmup_s = 0\n[[experiment]]\nname = \"x\"\ndiffers = \"d\"\npath = \"/noop\"\nusers = 1\n\
         [experiment.baseline]\nname = \"a\"\nbase_url = \"{}\"\n",
        server.url()
    );
    let (run, _) = run(&Plan::parse(&text, "test").unwrap()).await;
    assert_eq!((run.side("x", Variant::Baseline).len(), run.side("x", Variant::Candidate).len()), (2, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_cannot_be_written_names_the_file() {
    let server = truth().await;
    let plan = plan(
        &server.url(),
        "pairs = 500\nsuperblock_s = 0.05\nslice_ms = 5\nwarmup_s = 0",
        "path = \"/noop\"\nusers = 1",
        "",
    );
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("run");
    let mut options = options(&out, &Stop::default());
    let gone = out.clone();
    options.progress = Arc::new(move |step| {
        // The folder disappears: run.json, which each invalidation and the end rewrite, cannot be written.
        if matches!(step, Progress::Pair { done: 2, .. }) {
            std::fs::remove_dir_all(&gone).unwrap();
        }
    });
    let stop = options.stop.clone();
    let ender = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        stop.set();
    };
    let (ended, ()) = tokio::join!(hitmark_loadtests::run(&plan, options), ender);
    let error = ended.unwrap_err().to_string();
    assert!(error.contains("run.json"), "{error}");
}
