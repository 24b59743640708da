//! What nginx and Varnish of Debian make of a hundred clients at an expiry, as it is known of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use hitmark_schema::Variant::Baseline;
use hitmark_testkit::{NginxServer, TruthConfig, TruthServer, VarnishServer};

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
    let both = "proxy_cache_lock on; proxy_cache_use_stale updating; proxy_cache_background_update on;";
    let plain = nginx(origin().await, "").await;
    let locked = nginx(origin().await, "proxy_cache_lock on;").await;
    let both = nginx(origin().await, both).await;
    let urls = [plain.url(), locked.url(), both.url()];
    let (plain, locked, both) = tokio::join!(stampede(&urls[0]), stampede(&urls[1]), stampede(&urls[2]));
    assert_eq!((plain.0, plain.1), (100.0, 100.0), "a lifetime alone");
    assert_eq!((locked.0, locked.1), (1.0, 100.0), "the lock guards what is new, not what expired");
    let (cold, expiry, p99) = both;
    assert_eq!((cold, expiry), (1.0, 1.0), "the old page for all while one fetches the new");
    assert!(p99 < ORIGIN.as_secs_f64(), "nobody waits for it: {p99}");
}

#[tokio::test(flavor = "multi_thread")]
async fn varnish_calls_the_origin_once_and_lets_nobody_wait_if_it_may_serve_what_is_old() {
    let waiting = VarnishServer::start(&program(origin().await, "0s")).await.unwrap();
    let graceful = VarnishServer::start(&program(origin().await, "10s")).await.unwrap();
    let urls = [waiting.url(), graceful.url()];
    let (waiting, graceful) = tokio::join!(stampede(&urls[0]), stampede(&urls[1]));
    let (cold, expiry, p99) = waiting;
    assert_eq!((cold, expiry), (1.0, 1.0), "the waiting list");
    assert!(p99 >= ORIGIN.as_secs_f64(), "all wait: {p99}");
    let (cold, expiry, p99) = graceful;
    assert_eq!((cold, expiry), (1.0, 1.0));
    assert!(p99 < ORIGIN.as_secs_f64(), "nobody waits: {p99}");
}

fn program(origin: u16, grace: &str) -> String {
    format!(
        "vcl 4.1;\nbackend default {{ .host = \"127.0.0.1\"; .port = \"{origin}\"; }}\n\
         sub vcl_recv {{ if (req.url == \"/metrics\") {{ return (pass); }} }}\n\
         sub vcl_backend_response {{ set beresp.grace = {grace}; }}"
    )
}

const CROWD: u64 = 30;

/// The setting of a service at work: thirty clients that pause for 20 ms, an origin of 600 ms, a second of
/// freshness, three seconds. What the origin counted, and the p99.
async fn steady(url: &str, truth: &TruthServer) -> (f64, f64, f64) {
    let experiment = format!(
        "scenario = \"stampede\"\npath = \"/call/600?cc=max-age:1\"\nusers = {CROWD}\nthink_ms = 20\n\
         [experiment.stampede]\nlength_s = 3\nslow_ms = 400"
    );
    let (run, _) = run(&plan(&experiment, &baseline(url, "observe = { metrics = \"/metrics\" }"))).await;
    let of = |figure| value(&run, Baseline, figure);
    let result = found(&run, Baseline);
    assert_eq!(of("failed requests"), 0.0, "{result:?}");
    assert_eq!(of("origin calls"), truth.calls() as f64, "the origin's own count");
    assert_eq!(of("peak origin concurrency"), truth.most_calls_at_once() as f64, "its own mark");
    assert!(of("slow requests") >= CROWD as f64, "the first answer is waited for by all: {result:?}");
    assert_eq!(of("clients"), CROWD as f64);
    (of("origin calls"), of("peak origin concurrency"), of("slow requests"))
}

async fn truth() -> TruthServer {
    TruthServer::start(TruthConfig::default()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crowd_at_work_is_a_herd_without_protection_and_one_call_at_a_time_with_it() {
    let protected = "proxy_cache_lock on; proxy_cache_use_stale updating; proxy_cache_background_update on;";
    let (bare, behind_plain, behind_both, behind_varnish) =
        (truth().await, truth().await, truth().await, truth().await);
    let (plain, both) = (nginx(behind_plain.port(), "").await, nginx(behind_both.port(), protected).await);
    let varnish = VarnishServer::start(&program(behind_varnish.port(), "10s")).await.unwrap();
    let (bare_url, plain_url, both_url, varnish_url) = (bare.url(), plain.url(), both.url(), varnish.url());
    let (none, plain, both, varnish) = tokio::join!(
        steady(&bare_url, &bare),
        steady(&plain_url, &behind_plain),
        steady(&both_url, &behind_both),
        steady(&varnish_url, &behind_varnish),
    );
    assert_eq!(none.0, none.2, "without a cache every request is an origin call and slow: {none:?}");
    assert_eq!((none.1, plain.1), (30.0, 30.0), "all clients at once: {none:?} {plain:?}");
    assert!(plain.0 >= 60.0, "the cold fill and one expiry at least: {plain:?}");
    for (calls, at_once, slow) in [both, varnish] {
        assert_eq!(at_once, 1.0, "one call at a time");
        // A call and a second of freshness each: three of them have no room in more than 4.8 s.
        assert!((2.0..=4.0).contains(&calls), "{calls}");
        assert!(slow < 2.0 * CROWD as f64, "nobody waits for a refresh: {slow}");
    }
}
