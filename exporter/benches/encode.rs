//! Writing a page of 1,165 series, the size of redis_exporter's page for a server with 10^5 keys,
//! and compressing it.

#![allow(missing_docs, clippy::unwrap_used, reason = "criterion's macros; a bench may panic")]

use std::hint::black_box;
use std::io::Write;

use criterion::{Criterion, criterion_group, criterion_main};
use flate2::Compression;
use flate2::write::GzEncoder;
use hitmark_schema::exposition::{Family, Format, Sample, Value, encode_as};
use hitmark_schema::metrics as m;

/// 46 commands with four counters each, one histogram of 19 lines for each, and gauges to fill up.
fn families() -> Vec<Family> {
    let mut families = Vec::new();
    for metric in [m::REDIS_COMMANDS, m::REDIS_COMMANDS_SECONDS, m::REDIS_COMMANDS_FAILED] {
        let mut family = Family::new(metric);
        for number in 0..46 {
            family.push(&[("cmd", &format!("command|{number}"))], f64::from(number) * 1_234.567);
        }
        families.push(family);
    }
    let mut times = Family::new(m::Metric::histogram("redis_commands_latencies_usec", "Time.", &["cmd"]));
    for number in 0..46_u64 {
        let buckets = (0..17).map(|power| (f64::from(1 << power), number * 100 + power as u64)).collect();
        let value = Value::Histogram { buckets, count: number * 100 + 18, sum: 1.5 };
        times.samples.push(Sample { labels: vec![("cmd", format!("command|{number}"))], value });
    }
    families.push(times);
    families.extend((0..107).map(|number| Family::single(m::REDIS_MEMORY_USED, f64::from(number) * 1e6)));
    families
}

fn encode(c: &mut Criterion) {
    let families = families();
    let mut page = String::new();
    for format in [Format::Text, Format::OpenMetrics] {
        c.bench_function(&format!("encode {format:?}"), |b| {
            b.iter(|| {
                page.clear();
                encode_as(format, black_box(&families), &mut page);
                page.len()
            });
        });
    }
    let series = page.lines().filter(|line| !line.starts_with('#')).count();
    assert!(series >= 1_165, "{series} series are too few");
    c.bench_function("gzip level 1", |b| {
        b.iter(|| {
            let mut encoder = GzEncoder::new(Vec::with_capacity(page.len() / 6), Compression::new(1));
            encoder.write_all(page.as_bytes()).unwrap();
            encoder.finish().unwrap().len()
        });
    });
}

criterion_group!(benches, encode);
criterion_main!(benches);
