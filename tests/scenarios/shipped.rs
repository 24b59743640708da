//! Shipped plans with short sizes, the servers they need, and what a run of them left.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use hitmark_testkit::{PostgresServer, RedisServer};
use serde_json::Value;

use crate::support::{Finished, Service, hitmark, until};

/// A shipped plan with some of its lines changed: each `key = value` replaces every line of that key.
pub(crate) fn shipped(
    dir: &Path,
    name: &str,
    service: &Service,
    servers: &Servers,
    changed: &[(&str, &str)],
) -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("loadtests/plans/scenarios").join(name);
    let text = std::fs::read_to_string(file).unwrap();
    let text = text
        .replace("http://127.0.0.1:8080", &service.url)
        .replace("\"6379\"", &format!("\"{}\"", servers.redis.port()));
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

/// Runs a plan; what it printed, and its `summary.json`.
pub(crate) fn run(dir: &Path, plan: &str, more: &[&str]) -> (Finished, Value) {
    let out = out_of(dir, plan);
    let arguments = ["load", "run", plan, "--out", out.to_str().unwrap()];
    let run = hitmark(&[arguments.as_slice(), more].concat());
    let summary = std::fs::read_to_string(out.join("summary.json")).unwrap_or_else(|_| panic!("{run:?}"));
    (run, serde_json::from_str(&summary).unwrap())
}

/// Runs a plan, and once more if a Redis that this test left alone was too slow for the service: on a machine
/// with more work than processors its breaker opens, and then no figure is what it is by construction. Where
/// the run itself cannot see that, `was_cached` does.
pub(crate) fn run_undisturbed(
    dir: &Path,
    plan: &str,
    more: &[&str],
    was_cached: impl Fn(&Value) -> bool,
) -> (Finished, Value) {
    for _ in 1..ATTEMPTS {
        let out = out_of(dir, plan);
        let arguments = ["load", "run", plan, "--out", out.to_str().unwrap()];
        let run = hitmark(&[arguments.as_slice(), more].concat());
        let is_disturbed = run.stdout.contains(UNREACHABLE) || run.stderr.contains("status 503");
        if !is_disturbed {
            let summary = std::fs::read_to_string(out.join("summary.json"));
            let found = serde_json::from_str(&summary.unwrap_or_else(|_| panic!("{run:?}"))).unwrap();
            if was_cached(&found) {
                return (run, found);
            }
        }
        std::fs::remove_dir_all(&out).unwrap();
    }
    run(dir, plan, more)
}

/// How often a disturbed run is made.
pub(crate) const ATTEMPTS: usize = 4;

/// What a run tells when the service could not use its cache.
pub(crate) const UNREACHABLE: &str = "cache server unreachable";

/// The run directory of a plan.
pub(crate) fn out_of(dir: &Path, plan: &str) -> PathBuf {
    dir.join(format!("{}.run", Path::new(plan).file_stem().unwrap().to_str().unwrap()))
}

/// A figure of one side.
pub(crate) fn figure(summary: &Value, experiment: usize, side: usize, name: &str) -> Option<f64> {
    let figures = summary["scenarios"][experiment]["variants"][side]["figures"].as_array().unwrap();
    figures.iter().find(|figure| figure["name"] == name).unwrap_or_else(|| panic!("no {name}"))["value"]
        .as_f64()
}

/// The servers that a service needs.
pub(crate) struct Servers {
    pub(crate) redis: RedisServer,
    pub(crate) postgres: PostgresServer,
}

impl Servers {
    pub(crate) async fn start() -> Self {
        Self { redis: RedisServer::start().await.unwrap(), postgres: PostgresServer::start().await.unwrap() }
    }

    /// The reference service with its cache in Redis and its data in PostgreSQL.
    pub(crate) async fn testbed(&self, cache: &str) -> Service {
        self.testbed_by(cache, &self.redis.url()).await
    }

    /// The same with another way to Redis.
    pub(crate) async fn testbed_by(&self, cache: &str, redis_url: &str) -> Service {
        let database = self.postgres.url();
        let arguments = ["--cache", cache, "--redis-url", redis_url, "--database-url", &database];
        let more = ["--admin-token", "hitmark", "--seed-size", "small"];
        let service = Service::testbed(&[arguments.as_slice(), more.as_slice()].concat()).await;
        // It listens before its data is there; a second process must not fill the same database meanwhile.
        until("the data is there", || is_healthy(&service.url)).await;
        service
    }
}

fn is_healthy(url: &str) -> bool {
    let address = url.trim_start_matches("http://");
    let Ok(mut stream) = std::net::TcpStream::connect(address) else { return false };
    let request = format!("GET /healthz HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    let mut answer = String::new();
    let sent = stream.write_all(request.as_bytes()).and_then(|()| stream.read_to_string(&mut answer));
    sent.is_ok() && answer.starts_with("HTTP/1.1 200")
}
