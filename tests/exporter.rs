//! The exporter beside the reference service and its edge, each as a process of its own.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on should stop here")]
// Each test binary uses its part of the support.
#![allow(dead_code)]

mod support;

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;

use hitmark_testkit::RedisServer;
use serde_json::Value;
use support::{Service, until_answers};

/// The head and the body of an answer.
fn get(url: &str, path: &str, line: &str) -> (String, String) {
    let host = url.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(host).unwrap();
    let request = format!("GET {path} HTTP/1.0\r\nhost: {host}\r\n{line}\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    (head.to_owned(), body.to_owned())
}

fn json(url: &str, path: &str) -> Value {
    serde_json::from_str(&get(url, path, "authorization: Bearer s3cret").1).unwrap()
}

/// Starts an exporter with this configuration.
async fn exporter(directory: &Path, config: &str) -> Service {
    let port = hitmark_testkit::free_port();
    let listen = format!("127.0.0.1:{port}");
    let file = directory.join("exporter.toml");
    std::fs::write(&file, config).unwrap();
    let mut service = Service::start(&["exporter", "--config", file.to_str().unwrap(), "--listen", &listen]);
    until_answers(port).await;
    service.url = format!("http://{listen}");
    service
}

/// The value of the sample whose name and labels are exactly `series`.
fn sample(page: &str, series: &str) -> f64 {
    let value = page.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    value.unwrap_or_else(|| panic!("no {series} in\n{page}")).parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pages_of_the_reference_service_become_samples_of_the_same_numbers() {
    let redis = RedisServer::start().await.unwrap();
    let testbed = Service::testbed(&[
        "--seed-size",
        "small",
        "--cache",
        "redis",
        "--redis-url",
        &redis.url(),
        "--admin-token",
        "s3cret",
    ])
    .await;
    for _ in 0..3 {
        get(&testbed.url, "/api/recommendations/trending", "hitmark-variant: cached");
    }
    let directory = tempfile::tempdir().unwrap();
    let token = directory.path().join("token");
    std::fs::write(&token, "s3cret\n").unwrap();
    let pages = ["/api/v1/cache/stats", "/api/cache/stats", "/api/cache/health", "/api/tasks/status"];
    let targets: String = pages.iter().map(|page| format!("  \"{}{page}\",\n", testbed.url)).collect();
    let config = format!(
        "http_json = [\n{targets}]\n[modules.default.http_json]\ntoken_file = \"{}\"\n",
        token.display()
    );
    let exporter = exporter(directory.path(), &config).await;
    let (_, page) = get(&exporter.url, "/metrics", "accept: text/plain");
    let of = |name: &str, place: usize, more: &str| {
        sample(&page, &format!("{name}{{target=\"{}{}\"{more}}}", testbed.url, pages[place]))
    };
    for place in 0..pages.len() {
        assert_eq!(of("http_json_up", place, ""), 1.0, "{page}");
    }
    let stats = json(&testbed.url, pages[0]);
    for (name, key) in
        [("service_cache_client_hits_total", "hits"), ("service_cache_client_misses_total", "misses")]
    {
        assert_eq!(Some(of(name, 0, "")), stats["client"][key].as_f64(), "{name} {stats}");
    }
    assert!(of("service_cache_client_hits_total", 0, "") >= 2.0, "{stats}");
    assert_eq!(of("service_cache_connected", 0, ""), 1.0);
    assert_eq!(of("service_cache_healthy", 2, ""), 1.0);
    assert!(of("service_cache_response_seconds", 2, "") < 5.0);
    assert_eq!(
        Some(of("service_cache_server_keys", 1, "")),
        json(&testbed.url, pages[1])["active_keys"].as_f64()
    );
    for queue in json(&testbed.url, pages[3])["queues"].as_array().unwrap() {
        let label = format!(",queue=\"{}\"", queue["queue"].as_str().unwrap());
        assert_eq!(Some(of("service_tasks_done_total", 3, &label)), queue["done"].as_f64());
        assert_eq!(Some(of("service_tasks_waiting", 3, &label)), queue["waiting"].as_f64());
    }
    assert!(!page.contains("http_json_missing_total{"), "{page}");
    assert!(!page.contains("s3cret"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_edge_of_the_reference_service_is_probed_and_agrees_with_its_own_count() {
    let testbed = Service::testbed(&["--seed-size", "small"]).await;
    let port = hitmark_testkit::free_port();
    let listen = format!("127.0.0.1:{port}");
    let _edge = Service::start(&["testbed", "edge", "--origin", &testbed.url, "--listen", &listen]);
    until_answers(port).await;
    let edge = format!("http://{listen}");
    let directory = tempfile::tempdir().unwrap();
    let paths = "\"/api/recommendations/trending\", \"/healthz\"";
    let config = format!("edge = \"{edge}\"\n[modules.default.edge]\npaths = [{paths}]\n");
    let exporter = exporter(directory.path(), &config).await;
    for _ in 0..3 {
        get(&exporter.url, "/metrics", "accept: text/plain");
    }
    let (_, page) = get(&exporter.url, "/metrics", "accept: text/plain");
    let outcomes = ["hit", "miss", "stale", "revalidated", "bypass", "error", "unknown"];
    let probes =
        outcomes.map(|outcome| sample(&page, &format!("edge_probes_total{{outcome=\"{outcome}\"}}")));
    assert_eq!((probes.iter().sum::<f64>(), probes[5]), (8.0, 0.0), "{page}");
    // The edge counts its answers itself: what the probe read in the headers is what the edge did.
    let (_, own) = get(&edge, "/.hitmark/metrics", "accept: text/plain");
    let answers = |outcome: &str| -> f64 {
        let is_one =
            |line: &&str| line.starts_with("response_cache_answers_total{") && line.contains(outcome);
        own.lines().filter(is_one).map(|line| line.rsplit_once(' ').unwrap().1.parse::<f64>().unwrap()).sum()
    };
    assert_eq!((probes[0], probes[1]), (answers("\"hit\""), answers("\"miss\"")), "{own}");
    assert!(probes[0] + probes[1] > 0.0, "{page}\n{own}");
}
