//! What memory by prefix costs a large Redis, and how often its intervals hold the truth.
//!
//! `cargo run --release -p hitmark-exporter --example prefix_cost -- [KEYS] [SCRAPES] [TRIALS]`
//! fills a Redis of its own with a known mix, then measures, one after another: the time of a scrape
//! and what it costs the server's processor; the latency of a `PING` each millisecond without scrapes
//! and beside them; and, with a new seed for each trial, whether the 95 % intervals hold what a pass
//! over all keys counts. Twice: with an even mix, and with one key in a hundred a hundred times larger.
//! On a busy machine run it under `chrt -r 50`, or the others' work is what it measures.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a measurement prints and may stop at any error"
)]

use std::collections::BTreeMap;
use std::io::{BufWriter, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use hitmark_exporter::options::OptionValue;
use hitmark_exporter::{Exporter, ExporterConfig};
use hitmark_testkit::RedisServer;

/// Prefixes with their shares of the keys in percent.
const MIX: [(&str, usize); 5] = [("user", 40), ("session", 30), ("page", 20), ("product", 8), ("feed", 2)];
const PING_EVERY: Duration = Duration::from_millis(1);
/// Turns of a second each without and with scrapes, so that the machine's other work meets both alike.
const TURNS: usize = 20;

/// Whether few keys hold much of the memory.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Shape {
    Even,
    Skewed,
}

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args().skip(1).map(|text| text.parse().unwrap());
    let mut next = |default: usize| arguments.next().unwrap_or(default);
    let (keys, scrapes, trials) = (next(1_000_000), next(200), next(50));
    for shape in [Shape::Even, Shape::Skewed] {
        let server = RedisServer::start().await.unwrap();
        fill(server.port(), keys, shape);
        println!("{shape:?}, {keys} keys");
        if shape == Shape::Even {
            cost(&server, scrapes).await;
            neighbours(&server).await;
        }
        coverage(&server, trials).await;
    }
}

/// Writes the keys, without waiting for each answer.
fn fill(port: u16, keys: usize, shape: Shape) {
    let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let mut answers = stream.try_clone().unwrap();
    let drain = std::thread::spawn(move || std::io::copy(&mut answers, &mut std::io::sink()));
    let mut writer = BufWriter::with_capacity(1 << 16, stream);
    for key in 0..keys {
        let (place, spread) = (key % 100, key / 100);
        let length = |usual: usize| match shape {
            Shape::Skewed if spread.is_multiple_of(100) => usual * 100,
            _ => usual,
        };
        if place < 40 {
            let value = "v".repeat(length(8));
            write!(writer, "HSET user:{key} f0 {value} f1 v-{key} f2 v-{key} f3 v-{key}\r\n").unwrap();
        } else if place < 70 {
            let (ttl, value) = (36_000 + spread, "s".repeat(length(150 + spread % 100)));
            write!(writer, "SETEX session:{key} {ttl} {value}\r\n").unwrap();
        } else if place < 90 {
            let value = "x".repeat(length([200, 500, 1_000, 2_000][spread % 4]).min(60_000));
            write!(writer, "SET page:{key} {value}\r\n").unwrap();
        } else if place < 98 {
            write!(writer, "SET product:{key} {}\r\n", "p".repeat(length(400))).unwrap();
        } else {
            write!(writer, "RPUSH feed:{key}").unwrap();
            (0..length(20).min(1_000)).for_each(|item| write!(writer, " item{item}").unwrap());
            writer.write_all(b"\r\n").unwrap();
        }
    }
    writer.write_all(b"QUIT\r\n").unwrap();
    writer.flush().unwrap();
    drain.join().unwrap().unwrap();
}

/// An exporter that asks the server with these options.
async fn exporter(server: &RedisServer, options: &[(&str, f64)]) -> Exporter {
    let mut config = ExporterConfig::default();
    config.listen.set_port(0);
    config.timeout = Duration::from_secs(60);
    config.redis = vec![server.url()];
    let value = |(name, value): &(&str, f64)| {
        let value = if *name == "key_groups" { OptionValue::Flag(true) } else { OptionValue::Number(*value) };
        ((*name).to_owned(), value)
    };
    let options = options.iter().map(value).collect();
    config.modules.insert("default".to_owned(), BTreeMap::from([("redis".to_owned(), options)]));
    Exporter::bind(config).await.unwrap()
}

async fn sampling(server: &RedisServer, seed: usize) -> Exporter {
    exporter(server, &[("sample_keys", 1_000.0), ("sample_seed", seed as f64)]).await
}

/// Scrapes one after another, with and without the sample.
async fn cost(server: &RedisServer, scrapes: usize) {
    for (name, exporter) in
        [("default", exporter(server, &[]).await), ("prefixes", sampling(server, 1).await)]
    {
        exporter.scrape().await;
        let mut walls = Vec::new();
        let before = cpu(server);
        for _ in 0..scrapes {
            let begun = Instant::now();
            exporter.scrape().await;
            walls.push(begun.elapsed());
        }
        let each = (cpu(server) - before) / scrapes as u32;
        let (median, p99) = (quantile(&mut walls, 0.5), quantile(&mut walls, 0.99));
        println!("  {name:<8} wall median {median:?}, p99 {p99:?}; Redis CPU {each:?} per scrape");
    }
}

/// A `PING` each millisecond, in turns without scrapes, with one each second, and with scrapes without a pause.
async fn neighbours(server: &RedisServer) {
    let exporter = sampling(server, 2).await;
    exporter.scrape().await;
    let mut latencies: BTreeMap<&str, Vec<Duration>> = BTreeMap::new();
    for _ in 0..TURNS {
        for (name, scrapes) in
            [("1 idle", 0), ("2 one scrape a second", 1), ("3 scrape after scrape", usize::MAX)]
        {
            let stop = Arc::new(AtomicBool::new(false));
            let pings = {
                let (stop, port) = (Arc::clone(&stop), server.port());
                std::thread::spawn(move || ping(port, &stop))
            };
            let begun = Instant::now();
            for _ in 0..scrapes {
                exporter.scrape().await;
                if begun.elapsed() >= Duration::from_secs(1) {
                    break;
                }
            }
            tokio::time::sleep(Duration::from_secs(1).saturating_sub(begun.elapsed())).await;
            stop.store(true, Ordering::Relaxed);
            latencies.entry(name).or_default().extend(pings.join().unwrap());
        }
    }
    for (name, mut taken) in latencies {
        let [median, p99, most] = [0.5, 0.99, 1.0].map(|share| quantile(&mut taken, share));
        println!(
            "  PING, {:<22} median {median:?}, p99 {p99:?}, max {most:?} of {}",
            &name[2..],
            taken.len()
        );
    }
}

/// Latencies from the moment at which each `PING` was due, so that a stall counts for all that it delays;
/// this thread's own oversleeping is not the server's and does not count.
fn ping(port: u16, stop: &AtomicBool) -> Vec<Duration> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_nodelay(true).unwrap();
    let (mut due, mut latencies, mut answer) = (Instant::now(), Vec::new(), [0; 7]);
    while !stop.load(Ordering::Relaxed) {
        due += PING_EVERY;
        let now = Instant::now();
        let from = if now < due {
            std::thread::sleep(due - now);
            Instant::now()
        } else {
            due
        };
        stream.write_all(b"PING\r\n").unwrap();
        stream.read_exact(&mut answer).unwrap();
        latencies.push(from.elapsed());
        // Woken late, it does not make up for what it slept through.
        due = due.max(from);
    }
    latencies
}

/// How many intervals of seeded trials hold what a pass over all keys counts.
async fn coverage(server: &RedisServer, trials: usize) {
    let counting = exporter(server, &[("key_groups", 1.0), ("census_ms", 1_000.0)]).await;
    let mut page = counting.scrape().await;
    while !page.contains("redis_key_group_count{") {
        page = counting.scrape().await;
    }
    let truths: Vec<[f64; 2]> = MIX
        .iter()
        .map(|(prefix, _)| {
            ["count", "memory_usage_bytes"].map(|what| {
                value(&page, &format!("redis_key_group_{what}{{db=\"db0\",key_group=\"{prefix}\"}}"))
            })
        })
        .collect();
    let mut held = [[0; 2]; MIX.len()];
    let mut errors = [[0.0; 2]; MIX.len()];
    for seed in 1..=trials {
        let page = sampling(server, seed).await.scrape().await;
        for (place, (prefix, _)) in MIX.iter().enumerate() {
            for (measure, (name, unit)) in [("keys", ""), ("memory", "_bytes")].into_iter().enumerate() {
                let of = |what: &str| {
                    value(&page, &format!("redis_prefix_{name}{what}{unit}{{prefix=\"{prefix}\"}}"))
                };
                let truth = truths[place][measure];
                held[place][measure] += usize::from(of("_low") <= truth && truth <= of("_high"));
                errors[place][measure] += (of("") / truth - 1.0).abs() / trials as f64;
            }
        }
    }
    for (place, (prefix, _)) in MIX.iter().enumerate() {
        let ([keys, bytes], [keys_off, bytes_off]) = (held[place], errors[place].map(|error| error * 100.0));
        println!(
            "  {prefix:<8} of {trials} intervals {keys} held the keys and {bytes} the memory; \
             mean error {keys_off:.1} % and {bytes_off:.1} %"
        );
    }
}

fn value(page: &str, series: &str) -> f64 {
    let found = page.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' ')?.parse().ok());
    // A prefix that the sample has not met is told by nothing: an interval that holds no truth.
    found.unwrap_or(f64::NAN)
}

/// Processor time of the server's main thread, to the nanosecond.
fn cpu(server: &RedisServer) -> Duration {
    let pid = server.pid().unwrap();
    let text = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/schedstat")).unwrap();
    Duration::from_nanos(text.split(' ').next().unwrap().parse().unwrap())
}

fn quantile(taken: &mut [Duration], share: f64) -> Duration {
    taken.sort_unstable();
    taken[((taken.len() - 1) as f64 * share).round() as usize]
}
