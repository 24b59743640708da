//! A run that is stopped keeps what it has, and what it has not is not measured.

use std::time::Duration;

use hitmark_loadtests::{RunOptions, Stop};
use hitmark_schema::Run;
use hitmark_schema::run::RunState;

use crate::service::Service;
use crate::support::{baseline, plan};

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_scenario_ends_soon_and_says_of_nothing_that_it_is_zero() {
    let service = Service::start(Duration::ZERO).await;
    let expire = "{ method = \"POST\", path = \"/expire\" }";
    for (experiment, figure) in [
        (
            format!("scenario = \"stampede\"\npath = \"/naive/1\"\nusers = 3\n[experiment.stampede]\nexpire = {expire}"),
            "origin calls per expiry",
        ),
        (
            format!(
                "scenario = \"cold_start\"\npath = \"/naive/1\"\nusers = 1\n[experiment.cold_start]\nreset = {expire}"
            ),
            "time to 90 % of steady",
        ),
        (
            // Nobody begins a fault in a run that is over.
            "scenario = \"outage\"\npath = \"/naive/1\"\nrate = 10.0\n[experiment.outage]\nfault = \"none\"\n\
             begin = { command = [\"false\"] }"
                .to_owned(),
            "recovery time",
        ),
        (
            "scenario = \"sweep\"\npath = \"/share?hits=50\"\nusers = 1\n[experiment.sweep]\nusers = [1, 2]".to_owned(),
            "highest hit ratio",
        ),
        (
            "scenario = \"capacity\"\npath = \"/share?hits=50\"\nrate = 10.0\n[experiment.capacity]\np99_ms = 5"
                .to_owned(),
            "capacity",
        ),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let out = dir.path().join("run");
        let stop = Stop::default();
        stop.set();
        let options = RunOptions::new(out.clone(), stop);
        let plan = plan(&experiment, &baseline(&service.url, ""));
        let ended = hitmark_loadtests::run(&plan, options);
        let report = tokio::time::timeout(Duration::from_secs(30), ended).await.expect("it ends").unwrap();
        assert!(report.interrupted, "{experiment}");
        let run = Run::read(&out).unwrap();
        assert_eq!(run.document.state, RunState::Interrupted);
        assert_eq!(run.scenarios[0].value(figure), None, "{:#?}", run.scenarios[0]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_of_actions_stay_out_of_the_run_directory() {
    let service = Service::start(Duration::ZERO).await;
    let experiment = "scenario = \"stampede\"\npath = \"/naive/1\"\nusers = 2\n[experiment.stampede]\nexpiries = 1\n\
                      settle_s = 0\nflush = { path = \"/naive/2?token=s3cret\", headers = { authorization = \"s3cret\" } }\n\
                      expire = { command = [\"true\", \"redis://:s3cret@127.0.0.1:6379\", \"--password\", \"s3cret\"] }";
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("run");
    let plan = plan(experiment, &baseline(&service.url, ""));
    let shown = plan.experiments[0].describe_scenario();
    assert!(shown.contains("true") && !shown.contains("s3cret"), "{shown}");
    hitmark_loadtests::run(&plan, RunOptions::new(out.clone(), Stop::default())).await.unwrap();
    let run = Run::read(&out).unwrap();
    let told: Vec<String> = run.events.iter().map(|event| event.detail.clone()).collect();
    assert!(!format!("{told:?} {:?}", run.document.experiments).contains("s3cret"), "{told:?}");
}
