//! Writing a page of 1,165 series, the size of redis_exporter's page for a server with 10^5 keys,
//! compressing it, and the `prometheus` crate's encoder for the same page beside it.
//!
//! `cargo bench -p hitmark-exporter --bench encode -- --quick`. The bar: text and compression together
//! within 150 µs.

#![allow(missing_docs, clippy::unwrap_used, reason = "criterion's macros; a bench may panic")]

use std::hint::black_box;
use std::io::Write;

use criterion::{Criterion, criterion_group, criterion_main};
use flate2::Compression;
use flate2::write::GzEncoder;
use hitmark_schema::exposition::{Family, Format, Sample, Value, encode_as};
use hitmark_schema::metrics as m;
use prometheus::TextEncoder;
use prometheus::proto::{Bucket, Gauge, Histogram, LabelPair, Metric, MetricFamily, MetricType};

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

/// The same page in the crate's types. Counters stand as gauges, which it writes alike.
fn in_the_crates_types(families: &[Family]) -> Vec<MetricFamily> {
    let family = |family: &Family| {
        let mut theirs = MetricFamily::default();
        theirs.set_name(family.metric.name.to_owned());
        theirs.set_help(family.metric.help.to_owned());
        theirs.set_field_type(match family.samples[0].value {
            Value::Histogram { .. } => MetricType::HISTOGRAM,
            _ => MetricType::GAUGE,
        });
        theirs.set_metric(family.samples.iter().map(sample).collect());
        theirs
    };
    families.iter().map(family).collect()
}

fn sample(sample: &Sample) -> Metric {
    let label = |(name, value): &(&str, String)| {
        let mut label = LabelPair::default();
        label.set_name((*name).to_owned());
        label.set_value(value.clone());
        label
    };
    let mut metric = Metric::from_label(sample.labels.iter().map(label).collect());
    match &sample.value {
        Value::Histogram { buckets, count, sum } => {
            let bucket = |(bound, cumulative): &(f64, u64)| {
                let mut bucket = Bucket::default();
                bucket.set_upper_bound(*bound);
                bucket.set_cumulative_count(*cumulative);
                bucket
            };
            let mut histogram = Histogram::default();
            histogram.set_bucket(buckets.iter().map(bucket).collect());
            histogram.set_sample_count(*count);
            histogram.set_sample_sum(*sum);
            metric.set_histogram(histogram);
        }
        Value::Number(value) => {
            let mut gauge = Gauge::default();
            gauge.set_value(*value);
            metric.set_gauge(gauge);
        }
        Value::Summary { .. } => {}
    }
    metric
}

/// Our text and the crate's, which must be the same but for the words of the types.
fn the_crates_encoder(c: &mut Criterion, families: &[Family], ours: &str) {
    let theirs = in_the_crates_types(families);
    let mut page = String::new();
    TextEncoder::new().encode_utf8(&theirs, &mut page).unwrap();
    let samples = |page: &str| page.lines().filter(|line| !line.starts_with('#')).count();
    assert_eq!(samples(&page), samples(ours), "both write the same page");
    c.bench_function("the prometheus crate's text", |b| {
        b.iter(|| {
            page.clear();
            TextEncoder::new().encode_utf8(black_box(&theirs), &mut page).unwrap();
            page.len()
        });
    });
    c.bench_function("the prometheus crate's text with its types built", |b| {
        b.iter(|| {
            page.clear();
            TextEncoder::new().encode_utf8(&in_the_crates_types(black_box(families)), &mut page).unwrap();
            page.len()
        });
    });
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
    c.bench_function("text and gzip level 1", |b| {
        b.iter(|| {
            page.clear();
            encode_as(Format::Text, black_box(&families), &mut page);
            let mut encoder = GzEncoder::new(Vec::with_capacity(page.len() / 6), Compression::new(1));
            encoder.write_all(page.as_bytes()).unwrap();
            encoder.finish().unwrap().len()
        });
    });
    the_crates_encoder(c, &families, &page);
}

criterion_group!(benches, encode);
criterion_main!(benches);
