//! What the live miss-ratio curve costs: hits in memory without it, with it, and if every lookup were
//! sampled.
//!
//! A hit takes about a hundred nanoseconds, and the bar is one percent of that, which no two rows that
//! are measured one after the other can show on a machine that does other things. So the rows are
//! followed by pairs: short rounds of both in turn, and the median of their ratios. Where two stores
//! happen to lie in memory makes more of a difference than the curve, so both are made anew many times
//! in either order, and what is told is the median over these, with its interval.

#![allow(
    clippy::expect_used,
    clippy::print_stderr,
    reason = "a bench stops at the first surprise and says why"
)]

use std::future::Future;
use std::hint::black_box;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use bytes::Bytes;
use criterion::{BenchmarkId, Criterion};
use hitmark_cache::{CacheLayer, Key, LayerOptions, MemoryConfig, Policy, Source};
use hitmark_schema::curve::SamplerConfig;

const TTL: Duration = Duration::from_secs(3_600);
const KEYS: [usize; 3] = [1, 1_000, 20_000];
/// Hits of one round of a pair: a quarter of a millisecond, so that most rounds are not interrupted.
const ROUND: usize = 2_000;
const PAIRS: usize = 201;
/// How often both are made anew, and the hits until the sample has found its pace.
const LAYOUTS: usize = 20;
const SETTLE: usize = 5_000_000;

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    rows(&mut criterion);
    criterion.final_summary();
    if std::env::args().any(|argument| argument == "--bench") {
        pairs();
    }
}

/// A layer whose keys are all there.
struct Subject {
    layer: CacheLayer,
    keys: Vec<Key>,
    policy: Policy,
}

impl Subject {
    fn new(curve: Option<SamplerConfig>, keys: usize) -> Self {
        let mut options = LayerOptions::default();
        options.curve = curve;
        let layer = CacheLayer::memory_with(MemoryConfig { capacity_bytes: 256 << 20 }, options);
        let policy = Policy::ttl(TTL);
        let keys: Vec<Key> = (0..keys).map(|id| Key::new("product").id(id).and("shop", 7)).collect();
        for key in &keys {
            now(layer.put(key, Bytes::from(vec![b'x'; 1_000]), &policy)).expect("stored");
        }
        Self { layer, keys, policy }
    }

    fn hit(&self, nth: usize) {
        let never = || std::future::ready(Err(std::io::Error::other("a hit was expected")));
        let served = now(self.layer.fetch(&self.keys[nth % self.keys.len()], &self.policy, never));
        assert_eq!(black_box(served).expect("a hit").source, Source::Hit);
    }

    fn get(&self, nth: usize) {
        let value = now(self.layer.get(&self.keys[nth % self.keys.len()])).expect("asked");
        assert!(black_box(value).is_some());
    }
}

/// What is measured.
fn subjects(keys: usize) -> [(&'static str, Subject); 3] {
    let every = SamplerConfig { requests_per_second_max: u32::MAX, ..SamplerConfig::default() };
    [
        ("without", Subject::new(None, keys)),
        ("with", Subject::new(Some(SamplerConfig::default()), keys)),
        ("every lookup sampled", Subject::new(Some(every), keys)),
    ]
}

fn rows(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("curve_hit");
    for keys in KEYS {
        for (name, subject) in subjects(keys) {
            let mut nth = 0;
            group.bench_function(BenchmarkId::new(name, keys), |bencher| {
                bencher.iter(|| {
                    nth += 1;
                    subject.hit(nth);
                });
            });
        }
    }
    group.finish();
}

fn pairs() {
    let ways = [("fetch", Subject::hit as fn(&Subject, usize)), ("get", Subject::get)];
    for keys in KEYS {
        let mut ratios = [Vec::new(), Vec::new()];
        let mut bare = [Vec::new(), Vec::new()];
        for layout in 0..LAYOUTS {
            let curve = Some(SamplerConfig::default());
            let (without, with) = if layout % 2 == 0 {
                let without = Subject::new(None, keys);
                (without, Subject::new(curve, keys))
            } else {
                let with = Subject::new(curve, keys);
                (Subject::new(None, keys), with)
            };
            (0..SETTLE).for_each(|nth| with.get(nth));
            for (way, (_, hit)) in ways.iter().enumerate() {
                let (ratio, seconds) = paired(&without, &with, *hit);
                ratios[way].push(ratio);
                bare[way].push(seconds / ROUND as f64 * 1e9);
            }
        }
        for (way, (name, _)) in ways.iter().enumerate() {
            say(&format!("{name} of {keys} keys"), &mut bare[way], &mut ratios[way]);
        }
    }
}

/// The medians of so many pairs of rounds: the ratio, and the seconds without the curve.
fn paired(without: &Subject, with: &Subject, hit: fn(&Subject, usize)) -> (f64, f64) {
    // The caches of the processor settle.
    for _ in 0..100 {
        round(without, hit);
        round(with, hit);
    }
    let (mut ratios, mut bare) = (Vec::new(), Vec::new());
    for pair in 0..PAIRS {
        let (one, other) = if pair % 2 == 0 {
            let one = round(without, hit);
            (one, round(with, hit))
        } else {
            let other = round(with, hit);
            (round(without, hit), other)
        };
        bare.push(one);
        ratios.push(other / one);
    }
    bare.sort_by(f64::total_cmp);
    ratios.sort_by(f64::total_cmp);
    (ratios[PAIRS / 2], bare[PAIRS / 2])
}

fn say(what: &str, bare: &mut [f64], ratios: &mut [f64]) {
    bare.sort_by(f64::total_cmp);
    ratios.sort_by(f64::total_cmp);
    // The 95 % interval of a median by order: the ranks n/2 ± 0.98 √n.
    let (middle, half) = (LAYOUTS / 2, (0.98 * (LAYOUTS as f64).sqrt()).ceil() as usize);
    let percent = |place: usize| (ratios[place] - 1.0) * 100.0;
    eprintln!(
        "{what}: {:.1} ns without, with the curve {:+.2} % ({:+.2} to {:+.2})",
        bare[middle],
        percent(middle),
        percent(middle - half),
        percent(middle + half)
    );
}

/// Seconds of so many hits.
fn round(subject: &Subject, hit: fn(&Subject, usize)) -> f64 {
    let began = Instant::now();
    for nth in 0..ROUND {
        hit(subject, nth);
    }
    began.elapsed().as_secs_f64()
}

/// The output of a future that is ready when it is first asked, as a hit in memory is.
fn now<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("a hit in memory waited"),
    }
}
