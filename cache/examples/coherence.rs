//! How long a copy in this process is still served after another process wrote: by client tracking
//! and by pub/sub.
//!
//! `cargo run --release -p hitmark-cache --example coherence`; needs `redis-server`. The example
//! starts itself as the process that writes. This one reads as fast as it can and notes the end of
//! the last get that returned the old value. Both read the host's one wall clock.

#![allow(clippy::print_stdout, reason = "the result of an example is what it prints")]

use std::error::Error;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use hitmark_cache::backend::{Lookup, Redis, Tiered};
use hitmark_cache::{Cache, Coherence, Entry, Key, RedisConfig, TieredConfig};
use hitmark_testkit::RedisServer;

const WRITES: usize = 400;
const BATCHES: usize = 101;
const LONG: Duration = Duration::from_secs(3600);

type Outcome<T> = Result<T, Box<dyn Error>>;

#[tokio::main]
async fn main() -> Outcome<()> {
    let args: Vec<String> = std::env::args().collect();
    if let [_, url, by] = &args[..] {
        return write_when_told(url, by).await;
    }
    let server = RedisServer::start().await?;
    println!(
        "Gets of a copied key after a write by another process, {WRITES} writes each, in µs (p50, worst)."
    );
    println!("A zero: no get returned the old value after that moment.\n");
    println!("{:>10} {:>20} {:>20} {:>20}", "", "last old value", "last old value", "first new value");
    println!("{:>10} {:>20} {:>20} {:>20}", "by", "since its begin", "since its answer", "since its begin");
    // Twice each, in turn: what the machine does meanwhile shows as a difference between equals.
    for by in ["tracking", "pubsub", "tracking", "pubsub"] {
        let times = measure(&server, by).await?;
        let cells = times.map(|mut times| {
            times.sort_unstable();
            let [p50, worst] =
                [times[WRITES / 2], times[WRITES - 1]].map(|time| time.as_nanos() as f64 / 1e3);
            format!("{p50:.0} {worst:>9.0}")
        });
        println!("{by:>10} {:>20} {:>20} {:>20}", cells[0], cells[1], cells[2]);
    }
    let (copy, server) = cost_of_a_hit(&server).await?;
    println!(
        "\nA hit of a copy takes {copy:?}, one of the server {server:?} (medians of {BATCHES} batches)."
    );
    Ok(())
}

/// The time of one hit, of a copy and of the same server without copies, batches in turn.
async fn cost_of_a_hit(server: &RedisServer) -> Outcome<(Duration, Duration)> {
    let (copies, key) = (connect(&server.url(), "tracking").await?, Key::new("k"));
    let mut config = RedisConfig::new(server.url());
    config.response_timeout = Duration::from_secs(5);
    let plain = Redis::connect(config).await?;
    copies.set(&key, &entry(0), &[]).await?;
    let (mut of_copy, mut of_server) = (Vec::new(), Vec::new());
    for _ in 0..BATCHES {
        of_copy.push(one_of_batch(&copies, &key, 10_000).await?);
        of_server.push(one_of_batch(&plain, &key, 100).await?);
    }
    of_copy.sort_unstable();
    of_server.sort_unstable();
    Ok((of_copy[BATCHES / 2], of_server[BATCHES / 2]))
}

async fn one_of_batch(cache: &impl Cache, key: &Key, gets: u32) -> Outcome<Duration> {
    let started = Instant::now();
    for _ in 0..gets {
        std::hint::black_box(cache.get(key).await?);
    }
    Ok(started.elapsed() / gets)
}

async fn connect(url: &str, by: &str) -> Outcome<Tiered> {
    let mut redis = RedisConfig::new(url);
    redis.response_timeout = Duration::from_secs(5);
    let mut config = TieredConfig::new(redis);
    config.copy_ttl = LONG;
    config.coherence = if by == "tracking" { Coherence::Tracking } else { Coherence::PubSub };
    Ok(Tiered::connect(config).await?)
}

fn entry(version: usize) -> Entry {
    Entry::fresh_for(Bytes::from(version.to_string()), LONG)
}

fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// The other process: for each line a write of that version, and its begin and end as the answer.
async fn write_when_told(url: &str, by: &str) -> Outcome<()> {
    let cache = connect(url, by).await?;
    for line in std::io::stdin().lines() {
        let version: usize = line?.parse()?;
        let begin = now();
        cache.set(&Key::new("k"), &entry(version), &[]).await?;
        println!("{} {}", begin.as_nanos(), now().as_nanos());
    }
    Ok(())
}

/// The process that writes; killed when this ends early.
struct Writer {
    process: Child,
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Writer {
    fn start(url: &str, by: &str) -> Outcome<Self> {
        let mut process = Command::new(std::env::current_exe()?)
            .args([url, by])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let (orders, answers) = (process.stdin.take(), process.stdout.take());
        let (orders, answers) = orders.zip(answers).ok_or("no pipes")?;
        Ok(Self { process, orders, answers: BufReader::new(answers) })
    }

    /// When the last write began and ended.
    fn times(&mut self) -> Outcome<(Duration, Duration)> {
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        let (begin, end) = line.trim().split_once(' ').ok_or("the writer ended")?;
        Ok((Duration::from_nanos(begin.parse()?), Duration::from_nanos(end.parse()?)))
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // It ends by itself with its input; what has ended already is no failure.
        let _ = (self.process.kill(), self.process.wait());
    }
}

/// For each write: the last stale serve since its begin and since its answer, and the first get of the
/// new value since its begin.
async fn measure(server: &RedisServer, by: &str) -> Outcome<[Vec<Duration>; 3]> {
    let (cache, key) = (connect(&server.url(), by).await?, Key::new("k"));
    let mut writer = Writer::start(&server.url(), by)?;
    let mut times = [Vec::new(), Vec::new(), Vec::new()];
    cache.set(&key, &entry(0), &[]).await?;
    for version in 1..=WRITES {
        let served = cache.copy_hits();
        while cache.copy_hits() < served + 100 {
            cache.get(&key).await?;
            tokio::task::yield_now().await;
        }
        writeln!(writer.orders, "{version}")?;
        let (new, mut last_stale) = (Bytes::from(version.to_string()), Duration::ZERO);
        loop {
            match cache.get(&key).await? {
                Lookup::Hit(entry) if entry.value == new => break,
                _ => last_stale = now(),
            }
            tokio::task::yield_now().await;
        }
        let first_new = now();
        let (begin, end) = writer.times()?;
        let spans = [(last_stale, begin), (last_stale, end), (first_new, begin)];
        for (times, (later, earlier)) in times.iter_mut().zip(spans) {
            times.push(later.saturating_sub(earlier));
        }
    }
    Ok(times)
}
