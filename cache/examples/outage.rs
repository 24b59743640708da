//! What four faults of the cache server cost under load: errors, slow requests, and the time until the
//! cache is worth what it was.
//!
//! `cargo run --release -p hitmark-cache --example outage`; needs `redis-server`. 20 clients ask for
//! 1,000 keys, each a millisecond after its last answer; the origin takes 20 ms. For each fault: three
//! seconds before it, three during it, and then until the hit ratio is back.

#![allow(clippy::print_stdout, clippy::expect_used, reason = "an example prints and stops at a surprise")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use hdrhistogram::Histogram;
use hitmark_cache::{CacheLayer, Key, RedisConfig, Source};
use hitmark_testkit::{DelayProxy, RedisServer};

const CLIENTS: u64 = 20;
const KEYS: u64 = 1_000;
const ORIGIN: Duration = Duration::from_millis(20);
const THINK: Duration = Duration::from_millis(1);
const PHASE: Duration = Duration::from_secs(3);
/// How long after the beginning of a fault the breaker counts as open.
const SETTLED: Duration = Duration::from_millis(500);
const TTL: Duration = Duration::from_secs(3600);
const WINDOW: Duration = Duration::from_millis(100);

const FAULTS: [&str; 4] = ["refused", "hung", "slow (+50 ms)", "flushed"];

#[tokio::main]
async fn main() {
    let alone = Bench::start(&CacheLayer::off());
    tokio::time::sleep(PHASE).await;
    let uncached_ms = p99_ms(&alone.stop().await, |_| true);
    println!("without a cache: p99 {uncached_ms:.1} ms\n");
    println!(
        "| fault | requests | errors | p99 before | p99 first 500 ms | p99 after them | / without cache | hits before | back to 95 % after |"
    );
    println!("|---|---|---|---|---|---|---|---|---|");
    for fault in FAULTS {
        println!("{}", row(fault, uncached_ms).await);
    }
}

/// One request: when it began, how long it took, and whether it was a hit.
struct Seen {
    at: Instant,
    took: Duration,
    is_hit: bool,
}

/// Clients at work.
struct Bench {
    stop: Arc<AtomicBool>,
    errors: Arc<AtomicU64>,
    clients: Vec<tokio::task::JoinHandle<Vec<Seen>>>,
}

impl Bench {
    fn start(cache: &CacheLayer) -> Self {
        let (stop, errors) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let client =
            |number| tokio::spawn(client(cache.clone(), number, Arc::clone(&stop), Arc::clone(&errors)));
        let clients = (0..CLIENTS).map(client).collect();
        Self { stop, errors, clients }
    }

    async fn stop(self) -> Vec<Seen> {
        self.stop.store(true, Ordering::Relaxed);
        let mut all = Vec::new();
        for client in self.clients {
            all.extend(client.await.expect("no panic"));
        }
        all
    }
}

async fn client(cache: CacheLayer, number: u64, stop: Arc<AtomicBool>, errors: Arc<AtomicU64>) -> Vec<Seen> {
    let mut seen = Vec::new();
    // A stride that visits every key, each client from a start of its own.
    let mut id = number * KEYS / CLIENTS;
    while !stop.load(Ordering::Relaxed) {
        id = (id + 7) % KEYS;
        let at = Instant::now();
        let origin = || async {
            tokio::time::sleep(ORIGIN).await;
            Ok::<_, std::io::Error>(Bytes::from_static(&[b'x'; 500]))
        };
        match cache.get_or_set(&Key::new("k").id(id), TTL, origin).await {
            Ok(served) => seen.push(Seen { at, took: at.elapsed(), is_hit: served.source == Source::Hit }),
            Err(_) => {
                errors.fetch_add(1, Ordering::Relaxed);
            }
        }
        tokio::time::sleep(THINK).await;
    }
    seen
}

/// Runs one fault.
async fn row(fault: &str, uncached_ms: f64) -> String {
    let server = RedisServer::start().await.expect("redis-server");
    let proxy = DelayProxy::start(server.port()).await.expect("a proxy");
    let config = RedisConfig::new(format!("redis://127.0.0.1:{}/0", proxy.port()));
    let cache = CacheLayer::redis(config).await.expect("a usable URL");
    let fills = (0..KEYS).map(|id| (cache.clone(), Key::new("k").id(id)));
    for (cache, key) in fills {
        cache.set(&key, Bytes::from_static(&[b'x'; 500]), TTL).await.expect("stored");
    }
    let bench = Bench::start(&cache);
    tokio::time::sleep(PHASE).await;
    let began = Instant::now();
    match fault {
        "refused" => server.kill(),
        "hung" => server.pause(),
        "flushed" => flush(&server).await,
        _ => proxy.set_delay(Duration::from_millis(25)),
    }
    tokio::time::sleep(PHASE).await;
    let ended = Instant::now();
    match fault {
        "refused" => refill(&server).await,
        "hung" => server.resume(),
        "flushed" => {}
        _ => proxy.set_delay(Duration::ZERO),
    }
    tokio::time::sleep(PHASE * 2).await;
    let errors = bench.errors.load(Ordering::Relaxed);
    let seen = bench.stop().await;
    let mended = if fault == "flushed" { began } else { ended };
    line(fault, &seen, errors, uncached_ms, (began, ended, mended))
}

fn line(
    fault: &str,
    seen: &[Seen],
    errors: u64,
    uncached_ms: f64,
    (began, ended, mended): (Instant, Instant, Instant),
) -> String {
    let within = |from: Instant, to: Instant| move |seen: &Seen| seen.at >= from && seen.at < to;
    let before = within(began - PHASE / 2, began);
    let hits = ratio(seen, before);
    let settled_ms = p99_ms(seen, within(began + SETTLED, ended));
    let back = (0..).map(|step| mended + WINDOW * step).find(|at| {
        *at + WINDOW > mended + PHASE * 2 || ratio(seen, within(*at, *at + WINDOW)) >= 0.95 * hits
    });
    let back_ms = back.map_or(f64::NAN, |at| (at + WINDOW - mended).as_secs_f64() * 1e3);
    format!(
        "| {fault} | {} | {errors} | {:.1} ms | {:.1} ms | {settled_ms:.1} ms | {:.2} | {:.1} % | {back_ms:.0} ms |",
        seen.len(),
        p99_ms(seen, before),
        p99_ms(seen, within(began, began + SETTLED)),
        settled_ms / uncached_ms,
        hits * 100.0,
    )
}

async fn flush(server: &RedisServer) {
    let client = redis::Client::open(server.url()).expect("a usable URL");
    let mut admin = client.get_multiplexed_async_connection().await.expect("a connection");
    redis::cmd("FLUSHALL").exec_async(&mut admin).await.expect("flushed");
}

/// A server without persistence comes back empty: what is measured is also its filling.
async fn refill(server: &RedisServer) {
    server.restart().await.expect("redis-server starts again");
}

fn ratio(seen: &[Seen], within: impl Fn(&Seen) -> bool) -> f64 {
    let (mut hits, mut all) = (0_u32, 0_u32);
    for one in seen.iter().filter(|seen| within(seen)) {
        all += 1;
        hits += u32::from(one.is_hit);
    }
    f64::from(hits) / f64::from(all.max(1))
}

fn p99_ms(seen: &[Seen], within: impl Fn(&Seen) -> bool) -> f64 {
    let mut times_us: Histogram<u64> = Histogram::new_with_bounds(1, 60_000_000, 3).expect("fixed bounds");
    for one in seen.iter().filter(|seen| within(seen)) {
        times_us.record(one.took.as_micros() as u64).expect("in range");
    }
    times_us.value_at_quantile(0.99) as f64 / 1e3
}
