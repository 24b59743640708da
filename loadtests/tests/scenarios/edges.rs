//! What nginx and Varnish of Debian make of a hundred clients at an expiry, as it is known of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use hitmark_schema::Variant::Baseline;
use hitmark_testkit::{NginxServer, VarnishServer};

use crate::support::{baseline, found, plan, run, value};

/// Longer than a release of the barrier can be spread, and longer than nginx takes for a hundred.
const ORIGIN: Duration = Duration::from_millis(600);

/// An origin whose page is fresh for a second; the port.
async fn origin() -> u16 {
    let calls = Arc::new(AtomicU64::new(0));
    let page = async |State(calls): State<Arc<AtomicU64>>| {
        calls.fetch_add(1, Ordering::SeqCst);
        tokio::time::sleep(ORIGIN).await;
        ([("cache-control", "max-age=1")], "a page")
    };
    let metrics = async |State(calls): State<Arc<AtomicU64>>| {
        format!("cache_origin_calls_total {}\n", calls.load(Ordering::SeqCst))
    };
    let app = Router::new().route("/page", get(page)).route("/metrics", get(metrics)).with_state(calls);
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    port
}

/// Origin calls of the cold fill and of an expiry, and the p99, for a hundred clients.
async fn stampede(url: &str) -> (f64, f64, f64) {
    let experiment = "scenario = \"stampede\"\npath = \"/page\"\nusers = 100\n[experiment.stampede]\nexpiries = 1\n\
                      settle_s = 0.9\nexpire = { wait_s = 2.2 }\nflush = { wait_s = 0 }";
    let (run, _) = run(&plan(experiment, &baseline(url, "observe = { metrics = \"/metrics\" }"))).await;
    let of = |figure| value(&run, Baseline, figure);
    assert_eq!(of("failed requests"), 0.0, "{:?}", found(&run, Baseline));
    (of("origin calls of a cold fill"), of("origin calls per expiry"), of("p99"))
}

async fn nginx(origin: u16, more: &str) -> NginxServer {
    let http = format!(
        "proxy_cache_path {{dir}}/cache keys_zone=pages:10m;\nserver {{ listen 127.0.0.1:{{port}};\n\
         location / {{ proxy_pass http://127.0.0.1:{origin}; proxy_cache pages; {more} }}\n\
         location /metrics {{ proxy_pass http://127.0.0.1:{origin}; }} }}"
    );
    NginxServer::start(&http).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn nginx_lets_the_whole_herd_through_unless_it_locks_and_serves_what_is_old() {
    let plain = nginx(origin().await, "").await;
    let (cold, expiry, _) = stampede(&plain.url()).await;
    assert_eq!((cold, expiry), (100.0, 100.0), "a lifetime alone");

    let locked = nginx(origin().await, "proxy_cache_lock on;").await;
    let (cold, expiry, _) = stampede(&locked.url()).await;
    assert_eq!((cold, expiry), (1.0, 100.0), "the lock guards what is new, not what expired");

    let both = "proxy_cache_lock on; proxy_cache_use_stale updating; proxy_cache_background_update on;";
    let both = nginx(origin().await, both).await;
    let (cold, expiry, p99) = stampede(&both.url()).await;
    assert_eq!((cold, expiry), (1.0, 1.0), "the old page for all while one fetches the new");
    assert!(p99 < ORIGIN.as_secs_f64(), "nobody waits for it: {p99}");
}

#[tokio::test(flavor = "multi_thread")]
async fn varnish_calls_the_origin_once_and_lets_nobody_wait_if_it_may_serve_what_is_old() {
    let program = |origin: u16, grace: &str| {
        format!(
            "vcl 4.1;\nbackend default {{ .host = \"127.0.0.1\"; .port = \"{origin}\"; }}\n\
             sub vcl_recv {{ if (req.url == \"/metrics\") {{ return (pass); }} }}\n\
             sub vcl_backend_response {{ set beresp.grace = {grace}; }}"
        )
    };
    let waiting = VarnishServer::start(&program(origin().await, "0s")).await.unwrap();
    let (cold, expiry, p99) = stampede(&waiting.url()).await;
    assert_eq!((cold, expiry), (1.0, 1.0), "the waiting list");
    assert!(p99 >= ORIGIN.as_secs_f64(), "all wait: {p99}");

    let graceful = VarnishServer::start(&program(origin().await, "10s")).await.unwrap();
    let (cold, expiry, p99) = stampede(&graceful.url()).await;
    assert_eq!((cold, expiry), (1.0, 1.0));
    assert!(p99 < ORIGIN.as_secs_f64(), "nobody waits: {p99}");
}
