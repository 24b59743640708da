//! Reported quantiles against a server that knows how long it took.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop here")]

use std::time::Duration;

use hitmark_loadtests::{Plan, RunOptions, Stop};
use hitmark_schema::measurement::latency_histogram;
use hitmark_schema::{Outcome, Run, Timing, Variant};
use hitmark_testkit::{SimplestClient, TruthConfig, TruthServer, Verdict, Witnesses};

async fn run(plan: &Plan) -> Run {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("run");
    hitmark_loadtests::run(plan, RunOptions::new(out.clone(), Stop::default())).await.unwrap();
    Run::read(&out).unwrap()
}

async fn truth() -> TruthServer {
    TruthServer::start(TruthConfig::default()).await.unwrap()
}

/// A busy machine adds waiting that neither side causes, so each delay has several tries; a
/// recorder that is wrong is wrong in all of them.
const TRIES: usize = 10;
/// The way there and back as it is when the client had been asleep, which it is not between two
/// answers that come at once: on a busy machine waking up takes its time.
const FLOOR_QUANTILE: f64 = 0.9;

#[tokio::test(flavor = "multi_thread")]
async fn a_known_delay_is_reported_as_it_is() {
    for micros in [20_u64, 50, 200, 1_000, 5_000] {
        let mut seen = Vec::new();
        for _ in 0..TRIES {
            let (reported, truth, floor) = report_of_delay(micros).await;
            assert!(
                reported >= truth,
                "{micros} µs: reported {reported} ns, but the server itself took {truth} ns"
            );
            seen.push((reported, truth, floor));
            if reported <= truth * 1.05 + floor {
                break;
            }
        }
        let (reported, truth, floor) = *seen.last().unwrap();
        assert!(reported <= truth * 1.05 + floor, "{micros} µs: (reported, truth, floor) in ns: {seen:?}");
    }
}

/// What the run reports as median, what the server itself took, and the loopback floor, in ns. The
/// floor is measured as the baseline of the same run, in alternating slices: a busy neighbour falls
/// on both alike.
async fn report_of_delay(micros: u64) -> (f64, f64, f64) {
    let server = truth().await;
    let text = format!(
        "[run]\npairs = 1\nsuperblock_s = 0.2\nwarmup_s = 0.05\n[[experiment]]\nname = \"x\"\ndiffers = \"work\"\n\
         path = \"/{micros}\"\nusers = 1\nexpect_status = [200, 404]\ncompare_bodies = false\n\
         [experiment.baseline]\nname = \"floor\"\nbase_url = \"{0}\"\n\
         [experiment.candidate]\nname = \"spin\"\nbase_url = \"{0}/spin\"\n",
        server.url()
    );
    let measured = run(&Plan::parse(&text, "test").unwrap()).await;
    let truth = server.median_ns(&format!("/spin/{micros}")).unwrap() as f64;
    let floor = quantile_ns(&measured, Variant::Baseline, FLOOR_QUANTILE, None);
    let reported = quantile_ns(&measured, Variant::Candidate, 0.5, None);
    (reported, truth, floor)
}

fn quantile_ns(run: &Run, variant: Variant, quantile: f64, outcome: Option<Outcome>) -> f64 {
    let mut latencies = latency_histogram();
    for block in run.side("x", variant).values() {
        let is_meant = |found: Outcome| outcome.is_none_or(|outcome| outcome == found);
        latencies.add(block.merged(Timing::Body, is_meant)).unwrap();
    }
    latencies.value_at_quantile(quantile) as f64
}

#[tokio::test(flavor = "multi_thread")]
async fn hits_and_misses_of_a_mix_are_each_reported_as_they_are() {
    let mut seen = Vec::new();
    for _ in 0..TRIES {
        let (run, server) = run_of_mix().await;
        let floor = quantile_ns(&run, Variant::Baseline, FLOOR_QUANTILE, None);
        let mut is_near = true;
        for (outcome, path) in [(Outcome::Hit, "/spin/50"), (Outcome::Miss, "/spin/1000")] {
            for quantile in [0.5, 0.99, 0.999] {
                let reported = quantile_ns(&run, Variant::Candidate, quantile, Some(outcome));
                let truth = server.quantile_ns(path, quantile).unwrap() as f64;
                // Each request took the server's time at least, so this holds however busy it is.
                assert!(reported >= truth * 0.999, "{outcome} p{quantile}: {reported} < {truth} ns");
                if quantile < 0.9 {
                    is_near &= reported <= truth * 1.05 + floor;
                    seen.push((outcome, reported, truth, floor));
                }
            }
        }
        if is_near {
            return;
        }
    }
    panic!("(outcome, reported, truth, floor) in ns: {seen:?}");
}

/// 99 hits of 50 µs to one miss of 1 ms, beside answers without delay.
async fn run_of_mix() -> (Run, TruthServer) {
    let server = truth().await;
    let journey = |weight: u32, path: &str| {
        format!(
            "[[experiment.journey]]\nweight = {weight}\n[[experiment.journey.step]]\npath = \"{path}\"\n\
             expect_status = [200, 404]\n"
        )
    };
    let text = format!(
        "[run]\npairs = 1\nsuperblock_s = 0.5\nwarmup_s = 0\n[[experiment]]\nname = \"x\"\ndiffers = \"work\"\n\
         users = 1\ncompare_bodies = false\n{}{}\
         [experiment.baseline]\nname = \"floor\"\nbase_url = \"{2}\"\n\
         [experiment.candidate]\nname = \"spin\"\nbase_url = \"{2}/spin\"\n",
        journey(99, "/50?cs=hit"),
        journey(1, "/1000?cs=miss"),
        server.url()
    );
    (run(&Plan::parse(&text, "test").unwrap()).await, server)
}

/// Rounds in which the engine and the simplest client take turns.
const ROUNDS: usize = 5;

/// The engine's median and its 9th decile beside those of the simplest possible client at the same
/// delay. (What a release build of the engine adds at the shortest delays and in the far tail is
/// measured by the example `truth_table`; a test's build is some ten times slower.)
#[tokio::test(flavor = "multi_thread")]
async fn beyond_the_simplest_client_the_engine_adds_less_than_a_twentieth() {
    for micros in [1_000_u64, 5_000] {
        let mut seen = Vec::new();
        for _ in 0..TRIES {
            let witnesses = beside_the_simplest(micros).await;
            assert!(witnesses.iter().all(|one| one.verdict() != Verdict::TooShort), "{witnesses:?}");
            seen.extend(witnesses);
            if witnesses.iter().all(|one| one.verdict() == Verdict::Right) {
                break;
            }
        }
        let last = seen.split_off(seen.len() - 2);
        assert!(last.iter().all(|one| one.verdict() == Verdict::Right), "{micros} µs: {last:?} {seen:?}");
    }
}

/// The median and the 9th decile of a delay, as the engine, the simplest client and the server saw it.
async fn beside_the_simplest(micros: u64) -> [Witnesses; 2] {
    let server = truth().await;
    let text = format!(
        "[run]\npairs = 1\nsuperblock_s = 0.1\nwarmup_s = 0\n[[experiment]]\nname = \"x\"\ndiffers = \"nothing\"\n\
         path = \"/spin/{micros}?by=engine\"\nusers = 1\ncompare_bodies = false\n\
         [experiment.baseline]\nname = \"spin\"\nbase_url = \"{}\"\n",
        server.url()
    );
    let plan = Plan::parse(&text, "test").unwrap();
    let asker = SimplestClient::new(server.port(), &[format!("/spin/{micros}?by=simplest")]);
    let (mut by_engine, mut by_simplest) = (latency_histogram(), latency_histogram());
    for _ in 0..ROUNDS {
        for block in run(&plan).await.side("x", Variant::Baseline).values() {
            by_engine.add(block.merged(Timing::Body, |_| true)).unwrap();
        }
        for latency_ns in asker.ask_for(Duration::from_millis(100), |_| 0).await.unwrap().concat() {
            by_simplest.record(latency_ns).unwrap();
        }
    }
    let server_ns =
        |by: &str, quantile| server.quantile_ns(&format!("/spin/{micros}?by={by}"), quantile).unwrap() as f64;
    [0.5, 0.9].map(|quantile| Witnesses {
        reported_ns: by_engine.value_at_quantile(quantile) as f64,
        server_ns: server_ns("engine", quantile),
        simplest_ns: by_simplest.value_at_quantile(quantile) as f64,
        server_of_simplest_ns: server_ns("simplest", quantile),
    })
}
