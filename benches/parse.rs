//! The parse of a real `INFO ALL` and the replies beside it: what a scrape costs after the network.
//!
//! The bench proves its answer before its speed: a parse that finds nothing would be very fast.

use std::fs;
use std::hint::black_box;
use std::path::Path;

use criterion::{Criterion, Throughput};
use hitmark_exporter::collectors::redis;
use hitmark_exporter::redis_client::Reply;
use hitmark_exporter::text_format;
use hitmark_schema::exposition::encode;

/// A file of the exporter's captured replies.
fn fixture(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("exporter/tests/fixtures/redis-7.0").join(name);
    fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn replies() -> Vec<Reply> {
    let mut replies = vec![Reply::Text(String::from_utf8_lossy(&fixture("info.txt")).into_owned())];
    for name in ["config_max.txt", "config_databases.txt", "slowlog_len.txt", "slowlog_get.txt"] {
        replies.push(Reply::from_resp(&fixture(name)).unwrap_or_else(|error| panic!("{name}: {error}")));
    }
    replies
}

fn parse(criterion: &mut Criterion) {
    let replies = replies();
    let collected = redis::parse(&replies, 0).unwrap_or_else(|error| panic!("{error}"));
    let mut page = String::new();
    encode(&collected.families, &mut page);
    assert!(page.contains("redis_keyspace_hits_total 351\n"), "the parse lost its answer");

    let mut group = criterion.benchmark_group("parse");
    group.throughput(Throughput::Bytes(fixture("info.txt").len() as u64));
    group.bench_function("info", |bench| bench.iter(|| redis::parse(black_box(&replies), 0)));
    group.throughput(Throughput::Bytes(page.len() as u64));
    group.bench_function("page_write", |bench| {
        bench.iter(|| {
            let mut written = String::with_capacity(page.len());
            encode(black_box(&collected.families), &mut written);
            written
        });
    });
    group.bench_function("page_read", |bench| bench.iter(|| text_format::parse(black_box(&page), |_| true)));
    group.finish();
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    parse(&mut criterion);
    criterion.final_summary();
}
