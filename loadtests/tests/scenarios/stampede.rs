//! A hundred clients, a key that expires, a cache with and without protection.

use std::time::Duration;

use hitmark_schema::{Unit, Variant};

use crate::service::Service;
use crate::support::{baseline, candidate, found, plan, run, value};

const STAMPEDE: &str = "users = 100\n[experiment.stampede]\nexpiries = 3\nsettle_s = 0.05\n\
                        expire = { method = \"POST\", path = \"/expire\" }";

#[tokio::test(flavor = "multi_thread")]
async fn an_unprotected_expiry_costs_one_origin_call_for_each_client_and_a_protected_one_exactly_one() {
    // The origin takes longer than a release of the barrier can be spread.
    let naive = Service::start(Duration::from_millis(700)).await;
    let guarded = Service::start(Duration::from_millis(700)).await;
    let watched = "observe = { metrics = \"/metrics\" }";
    for (service, path, calls, coalesced) in
        [(&naive, "/naive/1", 100.0, 0.0), (&guarded, "/guarded/1", 1.0, 0.99)]
    {
        let experiment = format!("scenario = \"stampede\"\npath = \"{path}\"\n{STAMPEDE}");
        let (run, report) = run(&plan(&experiment, &baseline(&service.url, watched))).await;
        let of = |figure| value(&run, Variant::Baseline, figure);
        assert_eq!(of("origin calls per expiry"), calls, "{path}");
        assert_eq!((of("most origin calls in one expiry"), of("herd factor")), (calls, calls));
        // This service tells its calls and not those under way: the answers are laid over each other.
        assert_eq!(of("peak origin concurrency"), calls, "{path}");
        assert_eq!(of("coalesced share"), coalesced, "{path}");
        assert_eq!((of("clients"), of("expiries"), of("failed requests")), (100.0, 3.0, 0.0));
        // One call more filled the cache before the first expiry.
        assert_eq!(service.origin_calls() as f64, 1.0 + 3.0 * calls);
        assert!(of("p99") >= 0.7, "all of them waited for the origin: {}", of("p99"));
        assert!(of("release spread") < 0.7, "{}", of("release spread"));
        assert!(report.failures.is_empty());
        let result = found(&run, Variant::Baseline);
        assert_eq!(result.figure("p99").unwrap().unit, Unit::Seconds);
        assert!(result.notes.contains(&"origin calls are counted by the service".to_owned()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_count_of_the_service_the_answers_tell_the_same() {
    let service = Service::start(Duration::from_millis(500)).await;
    let experiment = format!(
        "scenario = \"stampede\"\npath = \"/guarded/{{key}}\"\nkeys = {{ dist = \"uniform\", n = 4 }}\n{}\nhot_keys = 4\n\
         flush = {{ method = \"POST\", path = \"/expire\" }}",
        STAMPEDE.replace("100", "20").replace("expiries = 3", "expiries = 2")
    );
    let sides = baseline(&service.url, "") + &candidate(&service.url, "");
    let (run, _) = run(&plan(&experiment, &sides)).await;
    for variant in Variant::ALL {
        let of = |figure| value(&run, variant, figure);
        assert_eq!((of("origin calls per expiry"), of("herd factor")), (4.0, 1.0), "{variant}");
        assert_eq!(of("origin calls of a cold fill"), 4.0);
        assert_eq!(of("coalesced share"), 16.0 / 20.0);
    }
    assert_eq!(service.origin_calls(), 2 * 3 * 4, "two sides, a cold fill and two expiries each, four keys");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_action_that_fails_ends_the_scenario_in_words() {
    let service = Service::start(Duration::ZERO).await;
    let experiment = "scenario = \"stampede\"\npath = \"/naive/1\"\nusers = 2\n[experiment.stampede]\n\
                      expire = { command = [\"false\"] }";
    let dir = tempfile::tempdir().unwrap();
    let options =
        hitmark_loadtests::RunOptions::new(dir.path().join("run"), hitmark_loadtests::Stop::default());
    let error =
        hitmark_loadtests::run(&plan(experiment, &baseline(&service.url, "")), options).await.unwrap_err();
    assert!(error.to_string().contains("stampede: 'false' ended with"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn arrivals_that_are_spread_by_more_than_the_origin_takes_are_no_herd() {
    // Twenty clients over four seconds, an origin of 20 ms: after the first ones the key is there again.
    let service = Service::start(Duration::from_millis(20)).await;
    let experiment = format!(
        "scenario = \"stampede\"\npath = \"/naive/1\"\n{}\njitter_ms = 4000",
        STAMPEDE.replace("100", "20").replace("expiries = 3", "expiries = 1")
    );
    let (run, _) = run(&plan(&experiment, &baseline(&service.url, ""))).await;
    let of = |figure| value(&run, Variant::Baseline, figure);
    assert!(of("release spread") > 0.5 && of("release spread") <= 4.5, "{}", of("release spread"));
    assert!(of("origin calls per expiry") < 10.0, "{}", of("origin calls per expiry"));
    assert!(of("peak origin concurrency") <= of("origin calls per expiry"));
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_at_work_pay_each_expiry_that_the_plan_makes() {
    let service = Service::start(Duration::from_millis(30)).await;
    let experiment = "scenario = \"stampede\"\npath = \"/guarded/1\"\nusers = 8\nthink_ms = 5\n\
                      [experiment.stampede]\nlength_s = 1.5\nevery_s = 0.4\nslow_ms = 20\n\
                      expire = { method = \"POST\", path = \"/expire\" }";
    let (run, _) = run(&plan(experiment, &baseline(&service.url, ""))).await;
    let of = |figure| value(&run, Variant::Baseline, figure);
    // At 0.4, 0.8 and 1.2 s, and the key was not there at the beginning.
    assert_eq!((of("expiries"), of("origin calls")), (3.0, 4.0));
    assert_eq!((service.origin_calls(), of("peak origin concurrency")), (4, 1.0));
    assert!(of("slow requests") >= 4.0 && of("requests") > of("slow requests"));
    assert!(of("hit ratio") > 0.5 && of("coalesced share") > 0.0, "{:?}", found(&run, Variant::Baseline));
}
