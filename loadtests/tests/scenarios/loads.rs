//! Scenarios that put the engine's load on: cold start, outage, storm, capacity, sweep, soak.

use std::time::Duration;

use hitmark_schema::Variant::{Baseline, Candidate};
use hitmark_schema::scenario::Series;

use crate::service::Service;
use crate::support::{baseline, candidate, found, plan, run, value};

const WATCHED: &str = "observe = { metrics = \"/metrics\" }";
const KEYS: &str = "keys = { dist = \"uniform\", n = 20 }\nrate = 400.0\nmax_in_flight = 8";
const EXPIRE: &str = "{ method = \"POST\", path = \"/expire\" }";

#[tokio::test(flavor = "multi_thread")]
async fn a_cold_start_costs_one_origin_call_for_each_key_and_a_warm_one_none() {
    let service = Service::start(Duration::ZERO).await;
    let experiment = format!(
        "scenario = \"cold_start\"\npath = \"/guarded/{{key}}\"\n{KEYS}\n[experiment.cold_start]\n\
         length_s = 1.6\nbin_s = 0.05\nwarm_keys = 20\nreset = {EXPIRE}"
    );
    let sides = baseline(&service.url, WATCHED) + &candidate(&service.url, WATCHED);
    let (run, _) = run(&plan(&experiment, &sides)).await;
    assert_eq!(service.origin_calls(), 40, "twenty keys on each side");
    assert_eq!(value(&run, Baseline, "origin calls in all"), 20.0);
    assert_eq!(value(&run, Candidate, "origin calls in all"), 0.0);
    assert_eq!(value(&run, Candidate, "origin calls of warming"), 20.0);
    for side in [Baseline, Candidate] {
        assert_eq!(value(&run, side, "steady hit ratio"), 1.0, "{side}");
    }
    let cold = value(&run, Baseline, "time to 95 % of steady");
    assert!(cold > 0.0 && cold < 1.0, "twenty keys at 400 each second: {cold}");
    assert_eq!(value(&run, Candidate, "time to 95 % of steady"), 0.0);
    assert!(value(&run, Baseline, "origin calls to 95 % of steady") <= 20.0);
    assert!(run.blocks.iter().any(|block| block.variant == Candidate), "its load is recorded as its own");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_shows_errors_while_it_lasts_and_only_then() {
    let service = Service::start(Duration::ZERO).await;
    let fault = |on| format!("{{ method = \"POST\", path = \"/fault/{on}\" }}");
    let experiment = format!(
        "scenario = \"outage\"\npath = \"/faulty/{{key}}\"\n{KEYS}\n[experiment.outage]\nfault = \"refused\"\n\
         before_s = 1.2\nduring_s = 1.0\nafter_s = 1.4\nbin_s = 0.1\nbegin = {}\nend = {}",
        fault(1),
        fault(0)
    );
    let (run, _) = run(&plan(&experiment, &baseline(&service.url, WATCHED))).await;
    let of = |figure| value(&run, Baseline, figure);
    assert_eq!((of("failed requests before"), of("failed requests after")), (0.0, 0.0));
    // The super-blocks at both edges are touched only in part.
    assert!(of("failed requests during") > 0.7, "{}", of("failed requests during"));
    assert!(of("hit ratio before") > 0.9, "{}", of("hit ratio before"));
    assert!(of("recovery time") < 1.0, "twenty keys fill again: {}", of("recovery time"));
    let events: Vec<&str> = run.events.iter().map(|event| event.detail.as_str()).collect();
    assert!(events.contains(&"refused begins") && events.contains(&"refused ends"), "{events:?}");
    let followed: Vec<String> =
        found(&run, Baseline).series.iter().map(|series| series.name.clone()).collect();
    assert_eq!(followed, ["hit ratio", "p99", "failed requests", "origin calls", Series::EVENTS]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_storm_of_invalidations_costs_the_keys_that_it_removed() {
    let service = Service::start(Duration::ZERO).await;
    let experiment = format!(
        "scenario = \"invalidation_storm\"\npath = \"/guarded/{{key}}\"\n{KEYS}\n[experiment.invalidation_storm]\n\
         times = 3\nevery_s = 0.5\nbefore_s = 1.0\nafter_s = 1.2\nbin_s = 0.1\ninvalidate = {EXPIRE}"
    );
    let (run, _) = run(&plan(&experiment, &baseline(&service.url, WATCHED))).await;
    let of = |figure| value(&run, Baseline, figure);
    // Half a second holds 200 requests for twenty keys, so every key is filled again each time.
    assert_eq!(service.origin_calls(), 80, "the first fill and three more");
    assert_eq!(of("origin calls from the storm on"), 60.0);
    assert!(of("dip depth") > 0.1 && of("dip duration") < 2.0, "{:?}", found(&run, Baseline).figures);
    assert!(of("dip area") <= of("dip depth") * of("dip duration") + 1e-9);
    assert!(of("lost hits") >= 30.0, "{}", of("lost hits"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_capacity_of_a_service_with_a_limit_is_near_its_limit() {
    let service = Service::start(Duration::ZERO).await;
    let experiment = "scenario = \"capacity\"\npath = \"/limited/300\"\nrate = 100.0\nmax_in_flight = 200\n\
                      [experiment.capacity]\np99_ms = 200\nstep_s = 1.5\ngrowth = 2.0\nprecision = 0.35";
    let (run, _) = run(&plan(experiment, &baseline(&service.url, ""))).await;
    let of = |figure| value(&run, Baseline, figure);
    let (good, bad) = (of("capacity"), of("lowest rate that was too high"));
    // 100, 200, 400, 300: above 300 the service is late by construction; noise can only lower it.
    assert!(good <= 310.0 && good < bad && bad <= 400.0, "{good} {bad} {:?}", found(&run, Baseline));
    assert!(of("p99 at capacity") <= 0.2);
    let curve = &found(&run, Baseline).series[0];
    assert_eq!(curve.points.len() as f64, of("steps"));
    assert!(curve.points.is_sorted_by(|one, other| one.at < other.at), "{curve:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_point_of_a_sweep_has_the_hit_ratio_that_the_service_was_told() {
    let service = Service::start(Duration::ZERO).await;
    let experiment = "scenario = \"sweep\"\npath = \"/share\"\nusers = 1\ncompare_bodies = false\n[experiment.sweep]\n\
                      users = [1, 2]\nblocks = 3\nblock_s = 0.1\n[[experiment.sweep.axis]]\nquery = \"hits\"\n\
                      values = [\"0\", \"25\", \"100\"]";
    let sides = baseline(&service.url, "") + &candidate(&service.url, "");
    let (run, _) = run(&plan(experiment, &sides)).await;
    for side in [Baseline, Candidate] {
        let result = found(&run, side);
        let curve = result.series.iter().find(|series| series.name == "hit ratio").unwrap();
        assert_eq!((curve.points.len(), curve.over.as_str()), (6, "users"));
        for (place, share) in [0.0, 0.25, 1.0, 0.0, 0.25, 1.0].into_iter().enumerate() {
            let point = &curve.points[place];
            assert_eq!(point.at, if place < 3 { 1.0 } else { 2.0 });
            assert!((point.value.unwrap() - share).abs() < 0.06, "{side} {point:?}");
            assert!(point.lower.unwrap() <= point.value.unwrap() && point.value <= point.upper);
        }
        assert_eq!(curve.points[1].setting, "hits 25");
        assert_eq!(
            (value(&run, side, "lowest hit ratio"), value(&run, side, "highest hit ratio")),
            (0.0, 1.0)
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_soak_sees_memory_that_grows_and_a_hit_ratio_that_does_not() {
    let service = Service::start(Duration::ZERO).await;
    let experiment = "scenario = \"soak\"\npath = \"/share?hits=50\"\nusers = 1\n[experiment.soak]\nlength_s = 2.5\n\
                      bin_s = 0.1\nmemory = { metric = \"process_resident_memory_bytes\" }";
    let (run, _) = run(&plan(experiment, &baseline(&service.url, WATCHED))).await;
    // 1 MB each second is 3.6 GB each hour; a sample is read a moment after its time.
    let growth = value(&run, Baseline, "resident memory drift each hour");
    assert!((growth / 3.6e9 - 1.0).abs() < 0.05, "{growth}");
    let result = found(&run, Baseline);
    assert!(result.notes.iter().any(|note| note.starts_with("resident memory grows")), "{result:?}");
    let hits = result.figure("hit ratio drift each hour").unwrap();
    assert!(hits.lower.unwrap() <= 0.0 && hits.upper.unwrap() >= 0.0, "{hits:?}");
    assert_eq!(value(&run, Baseline, "failed requests"), 0.0);
}
