//! The log of the built command as a machine reads it: every line an object, with fields, without secrets.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on should stop here")]
// Each test binary uses its part of the support.
#![allow(dead_code)]

#[allow(dead_code, reason = "shared with the other tests of the command")]
mod support;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;

use hitmark_testkit::RedisServer;
use serde_json::Value;
use support::{Service, until, until_answers};

/// What must stand in no line.
const SECRETS: [&str; 3] = ["hunter2", "admin-s3cret", "guessed-s3cret"];

/// Sends a request; the status.
fn ask(port: u16, method: &str, path: &str, token: &str) -> u16 {
    let mut socket = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let authorization = format!("Authorization: Bearer {token}\r\n");
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: x\r\n{}Content-Length: 0\r\nConnection: close\r\n\r\n",
        if token.is_empty() { "" } else { authorization.as_str() }
    );
    socket.write_all(head.as_bytes()).unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    answer.split(' ').nth(1).unwrap().parse().unwrap()
}

/// The lines so far; each must be an object.
fn lines(log: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(log).unwrap();
    for secret in SECRETS {
        assert!(!text.contains(secret), "a secret in the log: {text}");
    }
    // The last may be half written.
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    whole
        .lines()
        .map(|line| match serde_json::from_str(line) {
            Ok(object @ Value::Object(_)) => object,
            other => panic!("'{line}' is no object: {other:?}"),
        })
        .collect()
}

/// The lines of a target that say this.
fn said(log: &Path, target: &str, message: &str) -> Vec<Value> {
    let wanted =
        |line: &Value| line["target"].as_str().unwrap().starts_with(target) && line["message"] == message;
    lines(log).into_iter().filter(wanted).collect()
}

fn is_a_request(line: &Value) -> bool {
    line["route"].is_string()
        && line["status"].is_u64()
        && line["outcome"].is_string()
        && line["elapsed_ms"].as_f64().is_some_and(|elapsed| elapsed > 0.0)
        && line["timestamp"].is_string()
        && line["level"].is_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_line_of_a_testbeds_log_is_an_object_with_fields_and_without_secrets() {
    let redis = RedisServer::start_with(&["--requirepass", "hunter2"]).await.unwrap();
    let redis_url = format!("redis://:hunter2@127.0.0.1:{}/0", redis.port());
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("log");
    let port = hitmark_testkit::free_port();
    let arguments = [
        "testbed",
        "--seed-size",
        "small",
        "--listen",
        &format!("127.0.0.1:{port}"),
        "--slow-after-ms",
        "0",
        "--cache",
        "redis",
        "--redis-url",
        &redis_url,
        "--admin-token",
        "admin-s3cret",
    ];
    let variables = [
        ("HITMARK_LOG_FORMAT", "json"),
        ("RUST_LOG", "warn,audit=info,change=info,request=info,service=info"),
    ];
    let mut service = Service::logged(&arguments, &variables, &log);
    until_answers(port).await;

    for status in [200, 200] {
        assert_eq!(ask(port, "GET", "/market/products/7", ""), status);
    }
    assert_eq!(ask(port, "GET", "/market/products/999999", ""), 404);
    assert_eq!(ask(port, "PUT", "/api/recommendations/9?effectiveness=7", ""), 200);
    assert_eq!(ask(port, "POST", "/api/v1/cache/invalidate/analytics", "guessed-s3cret"), 401);
    assert_eq!(ask(port, "POST", "/api/v1/cache/invalidate/analytics", "admin-s3cret"), 200);
    until("the requests are logged", || said(&log, "request", "answered").len() >= 4).await;

    let requests = said(&log, "request", "answered");
    assert!(requests.iter().all(is_a_request), "{requests:?}");
    let products: Vec<_> = requests.iter().filter(|line| line["route"] == "/market/products/{id}").collect();
    let told: Vec<_> = products
        .iter()
        .map(|line| (line["status"].as_u64().unwrap(), line["outcome"].as_str().unwrap()))
        .collect();
    assert_eq!((told[0], told[1], told[2].0), ((200, "miss"), (200, "hit"), 404), "{told:?}");
    let slow = said(&log, "hitmark_testbed", "a slow request");
    assert!(
        slow.len() >= 4 && slow.iter().all(|line| is_a_request(line) && line["level"] == "WARN"),
        "{slow:?}"
    );
    let changed = said(&log, "change", "rows changed");
    assert_eq!((changed.len(), &changed[0]["is_fresh"]), (1, &Value::Bool(true)), "{changed:?}");
    let refused = said(&log, "audit", "refused: no token or a wrong one");
    assert_eq!(refused[0]["path"], "/api/v1/cache/invalidate/analytics");
    let granted = said(&log, "audit", "administration");
    assert!(granted[0]["who"].is_string(), "{granted:?}");
    assert_eq!(said(&log, "service", "serving")[0]["url"], format!("http://127.0.0.1:{port}"));

    // A cache that is gone is told of, by its address at most.
    let before = lines(&log).len();
    redis.kill();
    assert_eq!(ask(port, "GET", "/market/products/8", ""), 200);
    until("the lost cache is logged", || {
        lines(&log)
            .iter()
            .skip(before)
            .any(|line| line["target"].as_str().unwrap().starts_with("hitmark_cache"))
    })
    .await;
    service.kill();
    lines(&log);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_filter_administration_is_logged_and_requests_are_not_and_a_mistake_is_an_object_too() {
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("log");
    let port = hitmark_testkit::free_port();
    let listen = format!("127.0.0.1:{port}");
    let arguments = [
        "--log-format",
        "json",
        "testbed",
        "--seed-size",
        "small",
        "--listen",
        &listen,
        "--admin-token",
        "admin-s3cret",
    ];
    let service = Service::logged(&arguments, &[], &log);
    until_answers(port).await;
    assert_eq!(ask(port, "GET", "/market/products/7", ""), 200);
    assert_eq!(ask(port, "POST", "/api/v1/cache/invalidate/analytics", "admin-s3cret"), 200);
    until("administration is logged", || !said(&log, "audit", "administration").is_empty()).await;
    assert!(said(&log, "request", "answered").is_empty());

    let mistake = dir.path().join("mistake");
    let again = [
        "testbed",
        "--listen",
        &listen,
        "--database-url",
        "mysql://app:hunter2@db/shop",
        "--log-format",
        "json",
    ];
    let mut broken = Service::logged(&again, &[], &mistake);
    assert_eq!(broken.wait(std::time::Duration::from_secs(60)).await, Some(2));
    let told = said(&mistake, "service", "failed");
    assert!(told[0]["error"].as_str().unwrap().contains("database URL"), "{told:?}");
    drop(service);
}
