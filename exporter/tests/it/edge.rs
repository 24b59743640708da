//! The edge probe against a real nginx with a cache, and against edges of every dialect and fault.

use std::process::Command;
use std::time::Duration;

use axum::Router;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::get;
use hitmark_exporter::collectors::edge::classify;
use hitmark_exporter::options::{OptionValue, Options};
use hitmark_exporter::{Exporter, ExporterConfig};
use hitmark_schema::Outcome;
use hitmark_testkit::NginxServer;
use tokio::net::TcpListener;

use crate::support::{Then, answering, asks, complaints, exporter, find, sample};

/// An origin and, before it, a cache that says how it answered.
const PROXY: &str = r#"
  proxy_cache_path {dir}/cache keys_zone=z:1m;
  server {
    listen 127.0.0.1:{port};
    location /origin/ { internal; }
    location / {
      proxy_cache z;
      proxy_cache_valid 200 1h;
      proxy_cache_bypass $arg_nocache;
      proxy_pass {origin};
      add_header X-Cache-Status $upstream_cache_status always;
    }
  }
"#;

/// An origin on a free port: pages of 1,000 bytes, an error, and one that is never done.
async fn origin() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let router = Router::new()
        .route("/page/{id}", get(async || "x".repeat(1_000)))
        .route("/private", get(async || ([("cache-control", "private")], "mine")))
        .route("/broken", get(async || StatusCode::INTERNAL_SERVER_ERROR))
        .route("/never", get(async || std::future::pending::<()>().await));
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    url
}

async fn proxy() -> NginxServer {
    NginxServer::start(&PROXY.replace("{origin}", &origin().await)).await.unwrap()
}

fn probing(url: &str, options: Options) -> ExporterConfig {
    let mut config = asks("edge", &[url]);
    config.modules = [("default".to_owned(), [("edge".to_owned(), options)].into())].into();
    config
}

fn paths(paths: &[&str]) -> Options {
    let paths = paths.iter().map(|path| (*path).to_owned()).collect();
    [("paths".to_owned(), OptionValue::List(paths))].into()
}

async fn asking(url: &str, options: Options) -> Exporter {
    exporter(probing(url, options)).await
}

fn probes(page: &str) -> Vec<f64> {
    let outcomes = ["hit", "miss", "stale", "revalidated", "bypass", "error", "unknown"];
    outcomes.map(|outcome| sample(page, &format!("edge_probes_total{{outcome=\"{outcome}\"}}"))).into()
}

#[tokio::test]
async fn hits_and_misses_of_a_real_cache_are_counted_with_bytes_and_times() {
    let server = proxy().await;
    let edge = asking(&server.url(), paths(&["/page/1", "/page/2", "/page/3?nocache=1", "/private"])).await;
    let page = edge.scrape().await;
    assert_eq!(probes(&page), [0.0, 3.0, 0.0, 0.0, 1.0, 0.0, 0.0], "{page}");
    let page = edge.scrape().await;
    // A private page is a miss for ever; the bypassed one was stored and is bypassed again.
    assert_eq!(probes(&page), [2.0, 4.0, 0.0, 0.0, 2.0, 0.0, 0.0], "{page}");
    assert_eq!(sample(&page, "edge_probe_body_bytes_total{outcome=\"hit\"}"), 2_000.0);
    assert_eq!(sample(&page, "edge_probe_body_bytes_total{outcome=\"miss\"}"), 2_008.0);
    assert_eq!(sample(&page, "edge_probe_responses_total{code=\"200\"}"), 8.0);
    assert_eq!(sample(&page, "edge_probe_first_byte_seconds_count{outcome=\"hit\"}"), 2.0);
    assert!(sample(&page, "edge_probe_first_byte_seconds_sum{outcome=\"hit\"}") > 0.0);
    assert_eq!(sample(&page, "edge_path_up{path=\"/page/1\"}"), 1.0);
    assert!(page.contains("edge_path_up{path=\"/page/3\"}"), "a query is no label: {page}");
    assert_eq!(sample(&page, "cache_tier_hits_total{tier=\"edge\"}"), 2.0);
    assert_eq!(sample(&page, "cache_tier_hit_ratio{tier=\"edge\",window=\"5m\"}"), 2.0 / 3.0);
    let own = page.split("# HELP edge_up").nth(1).unwrap();
    assert_eq!(complaints(&format!("# HELP edge_up{own}"), &[]), [""; 0]);
}

#[tokio::test]
async fn an_error_is_an_error_whatever_its_cache_says_and_the_rest_is_told() {
    let server = proxy().await;
    let edge = asking(&server.url(), paths(&["/page/1", "/broken", "/missing"])).await;
    let page = edge.scrape().await;
    assert_eq!(probes(&page), [0.0, 2.0, 0.0, 0.0, 0.0, 1.0, 0.0], "{page}");
    assert_eq!(sample(&page, "edge_up"), 1.0);
    let up = ["/page/1", "/broken", "/missing"]
        .map(|path| sample(&page, &format!("edge_path_up{{path=\"{path}\"}}")));
    assert_eq!(up, [1.0, 0.0, 0.0]);
    assert_eq!(sample(&page, "edge_probe_responses_total{code=\"500\"}"), 1.0);
}

#[tokio::test]
async fn one_page_that_never_comes_does_not_hide_the_others() {
    let server = proxy().await;
    let edge = asking(&server.url(), paths(&["/never", "/page/1", "/page/2"])).await;
    let page = edge.scrape().await;
    assert_eq!(probes(&page), [0.0, 2.0, 0.0, 0.0, 0.0, 1.0, 0.0], "{page}");
    assert_eq!((sample(&page, "edge_up"), sample(&page, "edge_path_up{path=\"/never\"}")), (1.0, 0.0));
}

#[tokio::test]
async fn an_edge_that_dies_or_hangs_is_a_sample_and_comes_back() {
    let server = proxy().await;
    let edge = asking(&server.url(), paths(&["/page/1"])).await;
    assert_eq!(sample(&edge.scrape().await, "edge_up"), 1.0);
    server.pause();
    let page = edge.scrape().await;
    assert_eq!(sample(&page, "edge_up"), 0.0);
    assert!(page.contains("failures_total{collector=\"edge\",kind=\"timeout\"} 1"), "{page}");
    server.resume();
    assert_eq!(sample(&edge.scrape().await, "edge_up"), 1.0);
    server.kill();
    let page = edge.scrape().await;
    assert!(page.contains("failures_total{collector=\"edge\",kind=\"connect\"} 1"), "{page}");
    assert_eq!(probes(&page), [1.0, 1.0, 0.0, 0.0, 0.0, 2.0, 0.0], "an outage shows its count: {page}");
    server.restart().await.unwrap();
    let page = edge.scrape().await;
    assert_eq!((probes(&page)[5], sample(&page, "edge_up")), (2.0, 1.0), "{page}");
}

#[tokio::test]
async fn a_body_is_read_as_far_as_allowed_and_no_further() {
    let server = proxy().await;
    let mut options = paths(&["/page/1"]);
    options.insert("body_bytes_max".to_owned(), OptionValue::Number(100.0));
    let page = asking(&server.url(), options).await.scrape().await;
    assert_eq!(sample(&page, "edge_probe_body_bytes_total{outcome=\"miss\"}"), 100.0);
    assert_eq!(sample(&page, "edge_probe_cut_bodies_total"), 1.0);
}

#[tokio::test]
async fn answers_that_are_no_http_are_failures() {
    for (bytes, then, kind) in [
        (&b"STAT pid 1\r\nEND\r\n"[..], Then::Close, "broken"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n123", Then::Close, "broken"),
        (b"", Then::StayOpen, "timeout"),
    ] {
        let edge = asking(&format!("http://{}", answering(bytes, then)), Options::new()).await;
        let page = edge.scrape().await;
        let failure = format!("hitmark_exporter_failures_total{{collector=\"edge\",kind=\"{kind}\"}}");
        assert_eq!((find(&page, &failure), sample(&page, "edge_up")), (Some(1.0), 0.0), "{page}");
    }
}

#[test]
fn each_vendors_headers_are_understood() {
    for (name, value, outcome) in [
        ("cache-status", "cloud; hit; ttl=9", Outcome::Hit),
        ("x-cache", "Miss from cloudfront", Outcome::Miss),
        ("cf-cache-status", "EXPIRED", Outcome::Miss),
        ("cf-cache-status", "DYNAMIC", Outcome::Bypass),
        ("age", "12", Outcome::Hit),
        ("server", "nginx", Outcome::Unknown),
    ] {
        let headers = HeaderMap::from_iter([(name.parse().unwrap(), value.parse().unwrap())]);
        assert_eq!(classify(StatusCode::OK, &headers).0, outcome, "{name}: {value}");
        assert_eq!(classify(StatusCode::BAD_GATEWAY, &headers).0, Outcome::Error);
    }
    let headers = HeaderMap::from_iter([("age".parse().unwrap(), " 12 ".parse().unwrap())]);
    assert_eq!(classify(StatusCode::OK, &headers).1, Some(12));
}

#[tokio::test]
async fn an_edge_is_asked_by_tls_only_if_its_authority_is_known() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name).display().to_string();
    let script = "printf subjectAltName=DNS:localhost > names && \
        openssl req -x509 -newkey rsa:2048 -nodes -keyout authority.key -out authority -days 2 -subj /CN=a && \
        openssl req -newkey rsa:2048 -nodes -keyout key -out asked -subj /CN=localhost && \
        openssl x509 -req -in asked -CA authority -CAkey authority.key -CAcreateserial -out own -days 2 \
        -extfile names";
    let made = Command::new("sh").args(["-ec", script]).current_dir(directory.path()).output().unwrap();
    assert!(made.status.success(), "{made:?}");
    let server = NginxServer::start(&format!(
        "server {{ listen 127.0.0.1:{{port}} ssl; ssl_certificate {}; ssl_certificate_key {};\n\
         location / {{ add_header CF-Cache-Status HIT; return 200 ok; }} }}",
        path("own"),
        path("key")
    ))
    .await
    .unwrap();
    let url = format!("https://localhost:{}/x", server.port());
    let trusting = [("ca_file".to_owned(), OptionValue::Text(path("authority")))].into();
    let page = asking(&url, trusting).await.scrape().await;
    assert_eq!(probes(&page)[0], 1.0, "{page}");
    let page = asking(&url, Options::new()).await.scrape().await;
    assert_eq!(sample(&page, "edge_up"), 0.0);
    assert!(page.contains("failures_total{collector=\"edge\",kind=\"connect\"} 1"), "{page}");
}

#[test]
fn every_mistake_is_told_when_the_configuration_is_checked() {
    let mut options = paths(&["page", "/a", "/a?x=1", "//evil.example/x"]);
    options.insert("concurrency".to_owned(), OptionValue::Number(99.0));
    options.insert("pahts".to_owned(), OptionValue::Flag(true));
    let error = probing("http://h", options).validate().unwrap_err().to_string();
    for part in [
        "\"page\" is no path",
        "/a is given twice",
        "evil.example/x\" is no path",
        "concurrency: ",
        "pahts: unknown",
    ] {
        assert!(error.contains(part), "{part} is missing in {error}");
    }
    for (url, part) in [("ftp://h", "is no URL of an edge"), ("http://a:hunter2@h", "is not sent")] {
        let error = probing(url, Options::new()).validate().unwrap_err().to_string();
        assert!(error.contains(part) && !error.contains("hunter2"), "{error}");
    }
    let missing = [("ca_file".to_owned(), OptionValue::Text("/nowhere/ca".to_owned()))].into();
    let error = probing("https://h", missing).validate().unwrap_err().to_string();
    assert!(error.contains("ca_file: cannot be read"), "{error}");
}

#[tokio::test]
async fn no_more_requests_run_at_once_than_allowed() {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (running, peak) = (now.clone(), most.clone());
    let router = Router::new().fallback(get(async move || {
        peak.fetch_max(running.fetch_add(1, SeqCst) + 1, SeqCst);
        tokio::time::sleep(Duration::from_millis(20)).await;
        running.fetch_sub(1, SeqCst);
    }));
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    let many: Vec<String> = (0..12).map(|page| format!("/{page}")).collect();
    let mut options = paths(&many.iter().map(String::as_str).collect::<Vec<_>>());
    options.insert("concurrency".to_owned(), OptionValue::Number(3.0));
    let page = asking(&url, options).await.scrape().await;
    assert_eq!((probes(&page)[6], most.load(SeqCst)), (12.0, 3));
}
