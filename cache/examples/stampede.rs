//! What each protection does to a stampede: 100 clients on one key, an origin that takes 200 ms, a
//! TTL of two seconds, ten seconds, 20 ms between a client's requests.
//!
//! `cargo run --release -p hitmark-cache --example stampede`. The rows of two processes start this
//! program again, and need `redis-server`. Every row starts cold.

#![allow(clippy::print_stdout, clippy::expect_used, reason = "an example prints and stops at a surprise")]

use std::future::Future;
use std::pin::Pin;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use hdrhistogram::Histogram;
use hitmark_cache::{
    BreakerConfig, CacheLayer, Joining, Key, LayerOptions, Leasing, MemoryConfig, Policy, RedisConfig,
};
use hitmark_testkit::RedisServer;

const CLIENTS: u64 = 100;
const ORIGIN: Duration = Duration::from_millis(200);
const TTL: Duration = Duration::from_secs(2);
const LENGTH: Duration = Duration::from_secs(10);
const THINK: Duration = Duration::from_millis(20);
const SLOW: Duration = Duration::from_millis(150);

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, url, name, clients] = &arguments[..] {
        // A child: one row, its part of the clients.
        let layer = shared(url).await;
        let policy = policies().into_iter().find(|(known, _)| known == name).expect("a known row").1;
        println!("{}", run(&layer, &policy, clients.parse().expect("a number")).await.line());
        return;
    }
    println!("| cache | origin calls | peak concurrent origin | requests | >150 ms | p99 ms |");
    println!("|---|---|---|---|---|---|");
    row("none", &run(&CacheLayer::off(), &Policy::ttl(TTL), CLIENTS).await);
    for (name, policy) in policies() {
        let layer = CacheLayer::memory(MemoryConfig::default());
        row(&format!("{name}, memory"), &run(&layer, &policy, CLIENTS).await);
    }
    for name in ["coalescing without lease", "coalescing", "stale-while-revalidate"] {
        row(&format!("{name}, Redis, two processes"), &two_processes(name).await);
    }
}

/// The rows by name.
fn policies() -> Vec<(String, Policy)> {
    let ttl = Policy::ttl(TTL);
    let alone = || ttl.clone().joining(Joining::Alone).leasing(Leasing::None);
    let rows = [
        ("TTL only", alone()),
        ("XFetch beta 1 without coalescing", alone().xfetch(1.0)),
        ("XFetch beta 2 without coalescing", alone().xfetch(2.0)),
        ("XFetch beta 1 with coalescing", ttl.clone().xfetch(1.0)),
        ("coalescing without lease", ttl.clone().leasing(Leasing::None)),
        ("coalescing", ttl.clone()),
        ("stale-while-revalidate", ttl.clone().stale_while_revalidate(Duration::from_secs(10))),
        ("eager from 80 %", ttl.clone().eager(0.8)),
    ];
    rows.map(|(name, policy)| (name.to_owned(), policy)).into()
}

/// What a row measured.
struct Outcome {
    calls: u64,
    peak: u64,
    slow: u64,
    times_us: Histogram<u64>,
}

impl Outcome {
    /// For the parent: the numbers, then each distinct time and its count.
    fn line(&self) -> String {
        let times = self.times_us.iter_recorded();
        let times: Vec<String> =
            times.map(|at| format!("{}:{}", at.value_iterated_to(), at.count_at_value())).collect();
        format!("{} {} {} {}", self.calls, self.peak, self.slow, times.join(","))
    }

    fn read(line: &str) -> Self {
        let parts: Vec<&str> = line.split_whitespace().collect();
        let number = |at: usize| parts[at].parse().expect("a number");
        let mut times_us = histogram();
        for pair in parts[3].split(',') {
            let (value, count) = pair.split_once(':').expect("a pair");
            let (value, count) = (value.parse().expect("a time"), count.parse().expect("a count"));
            times_us.record_n(value, count).expect("in range");
        }
        Self { calls: number(0), peak: number(1), slow: number(2), times_us }
    }
}

fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, 60_000_000, 3).expect("fixed bounds")
}

/// Lets the clients loose on one key.
async fn run(layer: &CacheLayer, policy: &Policy, clients: u64) -> Outcome {
    let origin = Origin::default();
    let end = Instant::now() + LENGTH;
    let clients: Vec<_> = (0..clients)
        .map(|_| tokio::spawn(client(layer.clone(), policy.clone(), origin.clone(), end)))
        .collect();
    let mut times_us = histogram();
    for client in clients {
        for time in client.await.expect("no panic") {
            times_us.record(time.as_micros() as u64).expect("in range");
        }
    }
    let slow = times_us.iter_recorded().filter(|at| at.value_iterated_to() > SLOW.as_micros() as u64);
    let slow = slow.map(|at| at.count_at_value()).sum();
    let (calls, peak) = (origin.calls.load(Ordering::SeqCst), origin.peak.load(Ordering::SeqCst));
    Outcome { calls, peak, slow, times_us }
}

async fn client(layer: CacheLayer, policy: Policy, origin: Origin, end: Instant) -> Vec<Duration> {
    let (key, mut times) = (Key::new("hot").id(1), Vec::new());
    while Instant::now() < end {
        let started = Instant::now();
        layer.fetch(&key, &policy, || origin.call()).await.expect("a value");
        times.push(started.elapsed());
        tokio::time::sleep(THINK).await;
    }
    times
}

/// Takes its time, and counts who is with it.
#[derive(Clone, Default)]
struct Origin {
    calls: Arc<AtomicU64>,
    now: Arc<AtomicU64>,
    peak: Arc<AtomicU64>,
}

impl Origin {
    fn call(&self) -> Pin<Box<dyn Future<Output = Result<Bytes, std::io::Error>> + Send>> {
        let origin = self.clone();
        Box::pin(async move {
            origin.calls.fetch_add(1, Ordering::SeqCst);
            let now = origin.now.fetch_add(1, Ordering::SeqCst) + 1;
            origin.peak.fetch_max(now, Ordering::SeqCst);
            tokio::time::sleep(ORIGIN).await;
            origin.now.fetch_sub(1, Ordering::SeqCst);
            Ok(Bytes::from_static(&[b'x'; 1_000]))
        })
    }
}

/// Half of the clients in each of two processes, on one server.
async fn two_processes(name: &str) -> Outcome {
    let server = RedisServer::start().await.expect("redis-server");
    let program = std::env::current_exe().expect("this program");
    let half = (CLIENTS / 2).to_string();
    let children: Vec<_> = (0..2)
        .map(|_| {
            let mut child = Command::new(&program);
            child.args([&server.url(), name, &half]).stdout(Stdio::piped());
            child.spawn().expect("started")
        })
        .collect();
    let lines = tokio::task::spawn_blocking(|| {
        let outputs = children.into_iter().map(|child| child.wait_with_output().expect("an end").stdout);
        outputs.map(|line| String::from_utf8(line).expect("text")).collect::<Vec<_>>()
    });
    let parts: Vec<Outcome> = lines.await.expect("no panic").iter().map(|line| Outcome::read(line)).collect();
    let [mut one, other] = <[Outcome; 2]>::try_from(parts).ok().expect("two");
    one.calls += other.calls;
    // At most: the two peaks may have been at different moments.
    one.peak += other.peak;
    one.slow += other.slow;
    one.times_us.add(&other.times_us).expect("the same bounds");
    one
}

async fn shared(url: &str) -> CacheLayer {
    let mut config = RedisConfig::new(url);
    // The machine is shared with the clients: a late answer is not the server's fault.
    config.response_timeout = Duration::from_secs(2);
    let mut options = LayerOptions::default();
    options.breaker = BreakerConfig { slow_after: Duration::from_secs(1), ..BreakerConfig::default() };
    CacheLayer::redis_with(config, options).await.expect("a usable URL")
}

fn row(name: &str, outcome: &Outcome) {
    let p99_ms = outcome.times_us.value_at_quantile(0.99) as f64 / 1e3;
    let (calls, peak, slow) = (outcome.calls, outcome.peak, outcome.slow);
    println!("| {name} | {calls} | {peak} | {} | {slow} | {p99_ms:.1} |", outcome.times_us.len());
}
