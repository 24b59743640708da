//! The shipped scenario plans, made short, by the built command against the reference service with
//! real Redis and PostgreSQL.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    dead_code,
    reason = "a test that cannot go on should stop here; other tests use the rest of the support"
)]

mod support;

use std::io::{Read, Write};
use std::path::Path;

use hitmark_testkit::{PostgresServer, RedisServer};
use serde_json::Value;
use support::{Finished, Service, hitmark, until};

/// A shipped plan with some of its lines changed: each `key = value` replaces every line of that key.
fn shipped(
    dir: &Path,
    name: &str,
    service: &Service,
    redis: &RedisServer,
    changed: &[(&str, &str)],
) -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("loadtests/plans/scenarios").join(name);
    let text = std::fs::read_to_string(file).unwrap();
    let text = text
        .replace("http://127.0.0.1:8080", &service.url)
        .replace("\"6379\"", &format!("\"{}\"", redis.port()));
    let line = |line: &str| {
        let key = line.split(" = ").next().unwrap_or_default();
        match changed.iter().find(|(name, _)| *name == key) {
            Some((name, value)) => format!("{name} = {value}\n"),
            None => format!("{line}\n"),
        }
    };
    let path = dir.join(name);
    std::fs::write(&path, text.lines().map(line).collect::<String>()).unwrap();
    path.to_str().unwrap().to_owned()
}

/// Runs a plan; what it printed, and the scenarios of its `summary.json`.
fn run(dir: &Path, plan: &str) -> (Finished, Vec<Value>) {
    let out = dir.join(format!("{}.run", Path::new(plan).file_stem().unwrap().to_str().unwrap()));
    let run = hitmark(&["load", "run", plan, "--out", out.to_str().unwrap()]);
    let summary = std::fs::read_to_string(out.join("summary.json")).unwrap_or_else(|_| panic!("{run:?}"));
    let summary: Value = serde_json::from_str(&summary).unwrap();
    (run, summary["scenarios"].as_array().unwrap().clone())
}

/// A figure of one side.
fn figure(scenario: &Value, side: usize, name: &str) -> Option<f64> {
    let figures = scenario["variants"][side]["figures"].as_array().unwrap();
    figures.iter().find(|figure| figure["name"] == name).unwrap_or_else(|| panic!("no {name}"))["value"]
        .as_f64()
}

async fn testbed(redis: &RedisServer, more: &[&str]) -> Service {
    let url = redis.url();
    let mut all = vec!["--redis-url", &url, "--admin-token", "hitmark", "--seed-size", "small"];
    all.extend(more);
    let service = Service::testbed(&all).await;
    // It listens before its data is there; a second process must not fill the same database meanwhile.
    until("the data is there", || is_healthy(&service.url)).await;
    service
}

fn is_healthy(url: &str) -> bool {
    let address = url.trim_start_matches("http://");
    let Ok(mut stream) = std::net::TcpStream::connect(address) else { return false };
    let request = format!("GET /healthz HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    let mut answer = String::new();
    let sent = stream.write_all(request.as_bytes()).and_then(|()| stream.read_to_string(&mut answer));
    sent.is_ok() && answer.starts_with("HTTP/1.1 200")
}

#[test]
fn load_list_names_every_scenario_and_every_shipped_plan_is_right() {
    let listed = hitmark(&["load", "list"]);
    assert_eq!(listed.code, 0, "{listed:?}");
    for name in [
        "compare",
        "stampede",
        "cold_start",
        "staleness",
        "outage",
        "invalidation_storm",
        "capacity",
        "leak_probe",
        "sweep",
        "soak",
    ] {
        assert!(listed.stdout.lines().any(|line| line.starts_with(name)), "{name}:\n{}", listed.stdout);
        if name != "compare" {
            assert!(listed.stdout.contains(&format!("loadtests/plans/scenarios/{name}.toml")), "{name}");
            let checked = hitmark(&["load", "check", &format!("loadtests/plans/scenarios/{name}.toml")]);
            assert_eq!(checked.code, 0, "{checked:?}");
        }
    }
    assert!(!listed.stdout.contains("has mistakes"), "{}", listed.stdout);
}

#[tokio::test(flavor = "multi_thread")]
async fn stampede_leaks_and_cold_start_against_the_service_with_redis() {
    let redis = RedisServer::start().await.unwrap();
    let service = testbed(&redis, &["--cache", "redis"]).await;
    let dir = tempfile::tempdir().unwrap();

    let plan = shipped(dir.path(), "stampede.toml", &service, &redis, &[("users", "40"), ("expiries", "3")]);
    let (printed, found) = run(dir.path(), &plan);
    assert_eq!(printed.code, 0, "{printed:?}");
    assert_eq!(
        figure(&found[0], 0, "origin calls per expiry"),
        Some(40.0),
        "without a cache all of them compute"
    );
    assert_eq!(
        figure(&found[0], 1, "origin calls per expiry"),
        Some(1.0),
        "with single flight exactly one does"
    );
    assert_eq!(figure(&found[0], 1, "origin calls of a cold fill"), Some(1.0));
    assert!(printed.stdout.contains("herd factor"), "{}", printed.stdout);

    let plan = shipped(dir.path(), "leak_probe.toml", &service, &redis, &[("rounds", "20"), ("keys", "5")]);
    let plan_text = std::fs::read_to_string(&plan).unwrap();
    std::fs::write(&plan, plan_text.replacen("keys = 5", "keys = { dist = \"sequential\", n = 20 }", 1))
        .unwrap();
    let (printed, found) = run(dir.path(), &plan);
    assert_eq!(printed.code, 0, "{printed:?}");
    for side in [0, 1] {
        assert_eq!(
            (figure(&found[0], side, "leaks"), figure(&found[0], side, "failed probes")),
            (Some(0.0), Some(0.0))
        );
    }
    assert!(figure(&found[0], 1, "answers out of the cache").unwrap() > 0.5);

    let short = [("length_s", "4"), ("bin_s", "0.25"), ("warm_keys", "200")];
    let plan = shipped(dir.path(), "cold_start.toml", &service, &redis, &short);
    let (printed, found) = run(dir.path(), &plan);
    assert_eq!(printed.code, 0, "{printed:?}");
    assert_eq!(figure(&found[0], 1, "origin calls of warming"), Some(200.0));
    let calls = |side| figure(&found[0], side, "origin calls in all").unwrap();
    assert!(calls(1) < calls(0), "200 keys were there already: {} and {}", calls(1), calls(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_emptied_redis_recovers_and_a_hanging_one_costs_no_answer() {
    let redis = RedisServer::start().await.unwrap();
    let service = testbed(&redis, &["--cache", "redis"]).await;
    let dir = tempfile::tempdir().unwrap();
    let short = [
        ("warmup_s", "2"),
        ("before_s", "2"),
        ("during_s", "1"),
        ("after_s", "4"),
        ("keys", "{ dist = \"zipf\", s = 1.07, n = 20 }"),
    ];
    let plan = shipped(dir.path(), "outage.toml", &service, &redis, &short);
    let text = std::fs::read_to_string(&plan).unwrap();
    std::fs::write(&plan, text.replace("\"5000\"", "\"1000\"")).unwrap();
    let (printed, found) = run(dir.path(), &plan);
    assert_eq!(printed.code, 0, "{printed:?}");
    let (hung, flushed) = (&found[0], &found[1]);
    assert_eq!(
        figure(hung, 1, "failed requests during"),
        Some(0.0),
        "the database answers: {}",
        printed.stdout
    );
    assert!(figure(hung, 1, "hit ratio before").unwrap() > 0.8, "{}", printed.stdout);
    assert!(
        figure(hung, 1, "p99 during").unwrap() > figure(hung, 1, "p99 before").unwrap(),
        "{}",
        printed.stdout
    );
    assert!(figure(flushed, 0, "recovery time").is_some(), "{}", printed.stdout);
    assert_eq!(figure(flushed, 0, "failed requests after"), Some(0.0));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_before_one_redis_and_one_postgresql_agree_on_a_version() {
    let redis = RedisServer::start().await.unwrap();
    let postgres = PostgresServer::start().await.unwrap();
    let database = postgres.url();
    let arguments = ["--cache", "tiered", "--database-url", &database];
    let service = testbed(&redis, &arguments).await;
    let other = testbed(&redis, &arguments).await;
    let dir = tempfile::tempdir().unwrap();
    let processes = format!("[\"{}\"]", other.url);
    let short = [("writes", "12"), ("every_s", "0.2"), ("users", "4"), ("processes", processes.as_str())];
    let plan = shipped(dir.path(), "staleness.toml", &service, &redis, &short);
    let (printed, found) = run(dir.path(), &plan);
    assert_eq!(printed.code, 0, "{printed:?}");
    for side in [0, 1] {
        assert_eq!(figure(&found[0], side, "commits"), Some(12.0));
        assert_eq!(figure(&found[0], side, "failed reads"), Some(0.0), "{}", printed.stdout);
        assert!(figure(&found[0], side, "reads").unwrap() > 100.0);
    }
    assert_eq!(figure(&found[0], 0, "stale reads"), Some(0.0), "what is not cached is never stale");
}

#[tokio::test(flavor = "multi_thread")]
async fn storms_sweeps_capacity_and_soak_against_the_service_with_redis() {
    let redis = RedisServer::start().await.unwrap();
    let service = testbed(&redis, &["--cache", "redis"]).await;
    let dir = tempfile::tempdir().unwrap();
    let keys = ("keys", "{ dist = \"zipf\", s = 1.07, n = 20 }");

    let short = [("warmup_s", "1"), ("before_s", "1.5"), ("after_s", "2"), ("every_s", "0.3"), keys];
    let plan = shipped(dir.path(), "invalidation_storm.toml", &service, &redis, &short);
    let (printed, found) = run(dir.path(), &plan);
    assert_eq!(printed.code, 0, "{printed:?}");
    for storm in &found {
        // A storm is counted by the service; at least the popular keys were computed anew.
        assert!(figure(storm, 0, "origin calls from the storm on").unwrap() >= 5.0, "{}", printed.stdout);
        assert!(figure(storm, 0, "hit ratio before").unwrap() > 0.9, "{}", printed.stdout);
    }

    let short = [("warmup_s", "0.2"), ("blocks", "2"), ("block_s", "0.15"), ("zipf_s", "[1.07]")];
    let plan = shipped(dir.path(), "sweep.toml", &service, &redis, &short);
    let text = std::fs::read_to_string(&plan).unwrap().replace("keys = [100, 500, 2000]", "keys = [5, 2000]");
    std::fs::write(&plan, text).unwrap();
    let (printed, found) = run(dir.path(), &plan);
    assert_eq!(printed.code, 0, "{printed:?}");
    let (lowest, highest) =
        (figure(&found[0], 1, "lowest hit ratio"), figure(&found[0], 1, "highest hit ratio"));
    assert!(lowest < highest && highest > Some(0.9), "few keys hit more: {}", printed.stdout);
    assert_eq!(figure(&found[0], 0, "highest hit ratio"), None, "uncached answers never asked the cache");

    let short =
        [("warmup_s", "0.2"), ("step_s", "0.6"), ("steps_max", "2"), ("p99_ms", "5000"), ("rate", "10.0")];
    let plan = shipped(dir.path(), "capacity.toml", &service, &redis, &short);
    let (printed, found) = run(dir.path(), &plan);
    assert_eq!(printed.code, 0, "{printed:?}");
    assert_eq!(figure(&found[0], 1, "steps"), Some(2.0), "{}", printed.stdout);

    let pid = dir.path().join("service.pid");
    std::fs::write(&pid, service.pid().to_string()).unwrap();
    let memory = format!("{{ pid_file = \"{}\" }}", pid.display());
    let short = [("warmup_s", "1"), ("length_s", "2"), ("bin_s", "0.2"), ("memory", memory.as_str()), keys];
    let plan = shipped(dir.path(), "soak.toml", &service, &redis, &short);
    let (printed, found) = run(dir.path(), &plan);
    assert_eq!(printed.code, 0, "{printed:?}");
    assert!(figure(&found[0], 0, "resident memory drift each hour").is_some(), "{}", printed.stdout);
    assert_eq!(figure(&found[0], 0, "failed requests"), Some(0.0));
}
