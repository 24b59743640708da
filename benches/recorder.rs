//! What recording a latency costs: the sharded atomic recorder beside a plain HdrHistogram.
//!
//! The recorder is called once per request, so its price must vanish beside a request's 10 to 20 µs
//! of work in the generator.

use criterion::{Criterion, criterion_group, criterion_main};
use hitmark_loadtests::recorder::{Observation, Recorder};
use hitmark_schema::measurement::latency_histogram;
use hitmark_schema::{Outcome, Variant};
use std::hint::black_box;

/// Latencies between 50 µs and 6 ms, as a cached endpoint shows them.
fn latencies_ns() -> impl Iterator<Item = u64> {
    (0_u64..).map(|n| 50_000 + n.wrapping_mul(0x9E37_79B9_7F4A_7C15) % 6_000_000)
}

fn observation(body_ns: u64) -> Observation {
    Observation {
        variant: Variant::Candidate,
        outcome: Outcome::Hit,
        headers_ns: Some(body_ns - 1_000),
        body_ns,
        body_bytes: 1_000,
        error: None,
        cache_unreachable: false,
        compared: false,
    }
}

fn record(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("recorder");
    let recorder = Recorder::default();
    let mut latencies = latencies_ns();
    group.bench_function("record", |bencher| {
        bencher.iter(|| recorder.record(black_box(&observation(latencies.next().unwrap_or(1_001)))));
    });
    let mut histogram = latency_histogram();
    let mut latencies = latencies_ns();
    group.bench_function("plain_hdrhistogram", |bencher| {
        bencher.iter(|| histogram.saturating_record(black_box(latencies.next().unwrap_or(1_001))));
    });
    group.bench_function("drain", |bencher| {
        bencher.iter_batched(
            || latencies_ns().take(20_000).for_each(|ns| recorder.record(&observation(ns))),
            |()| recorder.drain(Variant::Candidate),
            criterion::BatchSize::PerIteration,
        );
    });
    group.finish();
}

criterion_group!(benches, record);
criterion_main!(benches);
