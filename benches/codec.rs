//! What the wire form of an entry costs: time to write and to read it, by size and compressibility, and
//! the bytes that it takes.

#![allow(
    clippy::expect_used,
    clippy::print_stderr,
    reason = "a bench stops at the first surprise and says why"
)]

use std::fmt::Write as _;
use std::hint::black_box;
use std::time::Duration;

use bytes::Bytes;
use criterion::{BenchmarkId, Criterion, Throughput};
use hitmark_cache::wire::{self, Compression};
use hitmark_cache::{Entry, UnixMs};

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    for (name, value) in values() {
        for (how, compression) in [("plain", Compression::Off), ("lz4", Compression::Above(0))] {
            row(&mut criterion, name, how, &value, compression);
        }
    }
    criterion.final_summary();
}

/// Writes and reads one value in one way.
fn row(criterion: &mut Criterion, name: &str, how: &str, value: &Bytes, compression: Compression) {
    let entry = Entry::fresh_for(value.clone(), Duration::from_secs(60));
    let mut written = Vec::new();
    wire::encode_with(&entry, compression, &mut written).expect("a Vec takes all");
    let stored = Bytes::from(written);
    assert_eq!(wire::decode(stored.clone()).as_ref(), Some(&entry));
    assert!(entry.kept_until > UnixMs::now());
    let ratio = stored.len() as f64 / value.len() as f64;
    eprintln!("{name} {how}: {} bytes of value, {} stored, ratio {ratio:.3}", value.len(), stored.len());

    let mut group = criterion.benchmark_group(format!("codec_{how}"));
    group.throughput(Throughput::Bytes(value.len() as u64));
    let mut out = Vec::with_capacity(stored.len());
    group.bench_function(BenchmarkId::new("encode", name), |bencher| {
        bencher.iter(|| {
            out.clear();
            wire::encode_with(black_box(&entry), compression, &mut out)
        });
    });
    group.bench_function(BenchmarkId::new("decode", name), |bencher| {
        bencher.iter(|| wire::decode(black_box(&stored).clone()));
    });
    group.finish();
}

/// Lists of products as a service answers with them, and bytes in which nothing repeats.
fn values() -> Vec<(&'static str, Bytes)> {
    vec![
        ("json 0.15 kB", products(1)),
        ("json 0.8 kB", products(6)),
        ("json 8 kB", products(60)),
        ("json 80 kB", products(600)),
        ("noise 10 kB", noise(10_000)),
    ]
}

fn products(count: u64) -> Bytes {
    const WORDS: [&str; 8] = ["oak", "steel", "linen", "compact", "modern", "lamp", "table", "chair"];
    let mut draw = draws();
    let mut text = String::from("{\"items\":[");
    for id in 0..count {
        let [first, second, third] = std::array::from_fn(|_| WORDS[(draw() % 8) as usize]);
        let (sku, price_cents, shop, stock) = (draw(), draw() % 100_000, draw() % 500, draw() % 90);
        write!(
            text,
            "{{\"id\":{id},\"sku\":\"{sku:016x}\",\"name\":\"{first} {second} {third}\",\"price_cents\":{price_cents},\
             \"shop\":{{\"id\":{shop},\"name\":\"{third} shop\"}},\"in_stock\":{stock}}},"
        )
        .expect("a String takes all");
    }
    text.push_str("null]}");
    text.into()
}

fn noise(size_bytes: usize) -> Bytes {
    let mut draw = draws();
    (0..size_bytes).map(|_| draw().to_be_bytes()[0]).collect()
}

/// The same numbers in each run: steps of splitmix64.
fn draws() -> impl FnMut() -> u64 {
    let mut state = 42_u64;
    move || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}
