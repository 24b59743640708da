//! The edge as a process: its life, its mistakes, and what clients get through it.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on should stop here")]
// Each test binary uses its part of the support.
#![allow(dead_code)]

mod support;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use hitmark_loadtests::whatif::ask as ask_curves;
use support::{Service, hitmark, until_answers};

/// An origin on a thread: it answers each request with the lines of its path, and counts.
struct Origin {
    url: String,
    calls: Arc<AtomicUsize>,
    fails: Arc<AtomicBool>,
}

impl Origin {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let origin = Self { url, calls: Arc::default(), fails: Arc::default() };
        let (calls, fails) = (Arc::clone(&origin.calls), Arc::clone(&origin.fails));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                calls.fetch_add(1, Ordering::SeqCst);
                if !fails.load(Ordering::SeqCst) {
                    serve(stream);
                }
            }
        });
        origin
    }

    fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }
}

fn serve(mut stream: TcpStream) {
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
    let first = lines.next().unwrap().unwrap();
    let cookie = lines
        .map_while(Result::ok)
        .take_while(|line| !line.is_empty())
        .find_map(|line| line.strip_prefix("cookie: ").map(str::to_owned))
        .unwrap_or_default();
    let fields = match first.split(' ').nth(1).unwrap() {
        "/private" => "cache-control: private, max-age=60",
        "/tolerant" => "cache-control: max-age=0, stale-if-error=60",
        _ => "cache-control: max-age=60",
    };
    let body = format!("for [{cookie}]");
    let length = body.len();
    let answer =
        format!("HTTP/1.1 200 OK\r\n{fields}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}");
    let _ = stream.write_all(answer.as_bytes());
}

/// The whole text of an answer.
fn ask(port: u16, method: &str, path: &str, line: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let request =
        format!("{method} {path} HTTP/1.1\r\nhost: shop.test\r\n{line}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    text
}

async fn edge(origin: &Origin, more: &[&str]) -> (Service, u16) {
    let port = hitmark_testkit::free_port();
    let listen = format!("127.0.0.1:{port}");
    let mut all = vec!["testbed", "edge", "--origin", &origin.url, "--listen", &listen];
    all.extend(more);
    let service = Service::start(&all);
    until_answers(port).await;
    (service, port)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_edge_keeps_pages_purges_them_and_ends_in_order() {
    let origin = Origin::start();
    let (mut service, port) = edge(&origin, &["--purge-token", "s3cret"]).await;
    assert!(ask(port, "GET", "/page", "x: y").contains("cache-status: hitmark; fwd=uri-miss"));
    assert!(ask(port, "GET", "/page", "x: y").contains("cache-status: hitmark; hit"));
    assert!(ask(port, "PURGE", "/page", "x: y").starts_with("HTTP/1.1 401 "));
    assert!(ask(port, "PURGE", "/page", "authorization: Bearer wrong").starts_with("HTTP/1.1 403 "));
    assert!(ask(port, "PURGE", "/page", "authorization: Bearer s3cret").starts_with("HTTP/1.1 200 "));
    assert!(ask(port, "PURGE", "/page", "authorization: Bearer s3cret").starts_with("HTTP/1.1 404 "));
    assert!(ask(port, "GET", "/page", "x: y").contains("fwd=uri-miss"));
    assert_eq!(origin.calls(), 2);
    assert!(ask(port, "GET", "/.hitmark/metrics", "x: y").contains("response_cache_answers_total"));
    service.terminate();
    assert_eq!(service.wait(Duration::from_secs(20)).await, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn private_pages_stay_apart_and_a_failing_origin_is_stood_in_for() {
    let origin = Origin::start();
    let (_service, port) = edge(&origin, &[]).await;
    for client in ["alice", "bob", "alice"] {
        let got = ask(port, "GET", "/private", &format!("cookie: {client}"));
        assert!(got.ends_with(&format!("for [{client}]")), "{got}");
    }
    ask(port, "GET", "/tolerant", "x: y");
    origin.fails.store(true, Ordering::SeqCst);
    let stale = ask(port, "GET", "/tolerant", "x: y");
    assert!(stale.starts_with("HTTP/1.1 200 ") && stale.contains("detail=stale-if-error"), "{stale}");
    assert!(ask(port, "GET", "/unknown", "x: y").starts_with("HTTP/1.1 502 "));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_edge_tells_its_own_curve_and_counts_each_request_once() {
    let origin = Origin::start();
    let (_service, port) = edge(&origin, &["--purge-token", "s3cret"]).await;
    for round in 0..6 {
        for id in 1..=40 {
            ask(port, "GET", &format!("/page/{}", if round % 2 == 0 { id } else { 41 - id }), "x: y");
        }
    }
    // Looks before a store or a purge are the edge's own affair.
    ask(port, "PURGE", "/page/1", "authorization: Bearer s3cret");
    let page = format!("http://127.0.0.1:{port}/.hitmark/metrics");
    let curve = ask_curves(&page).await.unwrap().remove(0);
    assert_eq!((curve.lookups, curve.keys), (240, 40.0), "{curve:?}");
    let last = curve.by_entries.last().unwrap();
    assert!(
        (last.miss_ratio - 1.0 / 6.0).abs() < 1e-9,
        "a first request in six misses whatever the size: {last:?}"
    );
    let whatif = hitmark(&["whatif", "--from", &page]);
    assert_eq!(whatif.code, 0, "{whatif:?}");
    for part in
        ["metrics (memory): 240 requests for 40 keys", "┤█", "now: 64.0 MiB →", "At its present 64.0 MiB"]
    {
        assert!(whatif.stdout.contains(part), "missing {part} in:\n{}", whatif.stdout);
    }
    let (_service, port) = edge(&origin, &["--no-curve"]).await;
    ask(port, "GET", "/page/1", "x: y");
    let page = ask(port, "GET", "/.hitmark/metrics", "x: y");
    assert!(page.contains("cache_operations_total") && !page.contains("cache_curve"), "{page}");
}

#[test]
fn mistakes_end_with_2_and_name_what_to_write_and_no_secret() {
    for (arguments, word) in [
        (&["testbed", "edge"][..], "--origin"),
        (&["testbed", "edge", "--origin", "https://origin.test"], "speaks no TLS"),
        (&["testbed", "edge", "--origin", "http://u:hunter2@origin.test"], "credentials"),
        (&["testbed", "edge", "--origin", "origin.test"], "http://host:port"),
        (&["testbed", "edge", "--origin", "http://o.test", "--cache", "disk"], "--cache"),
        (&["testbed", "edge", "--origin", "http://o.test", "--cache", "redis"], "Redis URL"),
        (&["testbed", "edge", "--origin", "http://o.test", "--purge-token", " "], "purge token"),
        (&["testbed", "edge", "--origin", "http://o.test", "--origin-timeout", "0"], "timeout"),
        (&["testbed", "--seed-size", "small", "edge", "--origin", "http://o.test"], "edge"),
    ] {
        let finished = hitmark(arguments);
        assert_eq!(finished.code, 2, "{arguments:?}: {finished:?}");
        assert!(finished.stderr.contains(word), "{arguments:?}: {finished:?}");
        assert!(!finished.stderr.contains("hunter2"), "{finished:?}");
    }
    let help = hitmark(&["testbed", "edge", "--help"]);
    assert!(help.code == 0 && help.stdout.contains("Example: hitmark testbed edge --origin"), "{help:?}");
}
