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
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use hitmark_cache::backend::{Lookup, Tiered};
use hitmark_cache::{Cache, Coherence, Entry, Key, RedisConfig, TieredConfig};
use hitmark_testkit::RedisServer;

const WRITES: usize = 400;
const LONG: Duration = Duration::from_secs(3600);

type Outcome<T> = Result<T, Box<dyn Error>>;

#[tokio::main]
async fn main() -> Outcome<()> {
    let args: Vec<String> = std::env::args().collect();
    if let [_, url, by] = &args[..] {
        return write_when_told(url, by).await;
    }
    let server = RedisServer::start().await?;
    println!("Last stale serve of a copy after a write by another process, {WRITES} writes each, in µs.");
    println!("{:>10} {:>22} {:>22} {:>12}", "", "since its begin", "since its answer", "copies");
    println!("{:>10} {:>10} {:>11} {:>10} {:>11} {:>12}", "by", "p50", "worst", "p50", "worst", "served");
    // Twice each, in turn: what the machine does meanwhile shows as a difference between equals.
    for by in ["tracking", "pubsub", "tracking", "pubsub"] {
        let (mut begun, mut answered, served) = measure(&server, by).await?;
        begun.sort_unstable();
        answered.sort_unstable();
        let (middle, last) = (WRITES / 2, WRITES - 1);
        let [a, b, c, d] = [begun[middle], begun[last], answered[middle], answered[last]]
            .map(|time| time.as_nanos() as f64 / 1e3);
        println!("{by:>10} {a:>10.0} {b:>11.0} {c:>10.0} {d:>11.0} {served:>12}");
    }
    Ok(())
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

/// For each write: the last stale serve since its begin and since its answer; and the hits of copies.
async fn measure(server: &RedisServer, by: &str) -> Outcome<(Vec<Duration>, Vec<Duration>, u64)> {
    let (cache, key) = (connect(&server.url(), by).await?, Key::new("k"));
    let mut writer = Writer::start(&server.url(), by)?;
    let (mut since_begin, mut since_answer) = (Vec::new(), Vec::new());
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
            // Both the runtime's other tasks and other processes may run: there are few cores.
            tokio::task::yield_now().await;
            std::thread::yield_now();
        }
        let (begin, end) = writer.times()?;
        since_begin.push(last_stale.saturating_sub(begin));
        since_answer.push(last_stale.saturating_sub(end));
    }
    Ok((since_begin, since_answer, cache.copy_hits()))
}
