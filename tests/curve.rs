//! The live curve against the exact one: the same lookups go through a cache and into a trace.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on should stop here")]
// Each test binary uses its part of the support.
#![allow(dead_code)]

mod support;

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hitmark_cache::{CacheLayer, Key, LayerOptions, MemoryConfig};
use hitmark_loadtests::keys::mix;
use hitmark_loadtests::whatif::{Curve, Sample, Sizes, distances};
use hitmark_schema::curve::{PageCurve, SamplerConfig, SizePoint, read};
use hitmark_schema::exposition::encode;
use support::{Service, hitmark};

const KEYS: u64 = 30_000;
const REQUESTS: u64 = 200_000;
const LONG: Duration = Duration::from_secs(3_600);
/// What an entry in memory takes beside key and value, as `cache_size_bytes` counts it.
const OVERHEAD_BYTES: u64 = 264;

/// A Zipf-like choice (exponent 1, by the inverse of its continuous form), the same in every run.
fn choice(nth: u64) -> u64 {
    let share = (mix(nth) >> 11) as f64 / 2_f64.powi(53);
    (KEYS as f64).powf(share) as u64 - 1
}

/// Values of 100 to 1,000 bytes.
fn value_bytes(id: u64) -> usize {
    100 + (mix(id) % 900) as usize
}

fn key(id: u64) -> Key {
    Key::new("product").id(id).and("locale", "en")
}

/// A layer whose sample is of a share that does not hang on the speed of the machine.
fn layer(keys_max: usize) -> CacheLayer {
    let mut options = LayerOptions::default();
    options.curve =
        Some(SamplerConfig { keys_max, requests_per_second_max: u32::MAX, ..SamplerConfig::default() });
    // Smaller than the footprint, so that misses and their sizes take part.
    CacheLayer::memory_with(MemoryConfig { capacity_bytes: 4 << 20 }, options)
}

async fn ask(cache: &CacheLayer, id: u64) {
    let value = Bytes::from(vec![b'x'; value_bytes(id)]);
    let origin = || std::future::ready(Ok::<_, std::io::Error>(value));
    cache.get_or_set(&key(id), LONG, origin).await.expect("a value");
}

fn live(cache: &CacheLayer) -> PageCurve {
    let mut page = String::new();
    encode(&cache.families(), &mut page);
    let mut curves = read(&page);
    assert_eq!(curves.len(), 1, "one curve on the page");
    curves.remove(0)
}

fn exact() -> Curve {
    let mut sample = Sample::new(1.0);
    for nth in 0..REQUESTS {
        let id = choice(nth);
        let bytes = key(id).as_str().len() as u64 + value_bytes(id) as u64 + OVERHEAD_BYTES;
        sample.add(id, u32::try_from(bytes).ok());
    }
    assert_eq!(sample.sizes(), Sizes::Known);
    let distances = distances(sample.accesses(), sample.keys(), sample.sizes());
    Curve::new(&sample, &distances)
}

/// The largest difference at sizes from one percent of the footprint on.
fn worst(points: &[SizePoint], footprint: f64, exact: impl Fn(u64) -> f64) -> f64 {
    let large: Vec<_> = points.iter().filter(|point| point.size as f64 >= footprint / 100.0).collect();
    assert!(large.len() >= 10, "{points:?}");
    assert!(points.is_sorted_by(|one, other| one.miss_ratio >= other.miss_ratio), "{points:?}");
    large.iter().map(|point| (point.miss_ratio - (1.0 - exact(point.size))).abs()).fold(0.0, f64::max)
}

#[tokio::test]
async fn the_live_curve_is_within_two_points_of_the_exact_one_in_entries_and_in_bytes() {
    let exact = exact();
    let cache = layer(8_192);
    for nth in 0..REQUESTS {
        ask(&cache, choice(nth)).await;
    }
    let live = live(&cache);
    assert_eq!((live.lookups, live.dropped), (REQUESTS, 0));
    assert!(live.rate < 0.6, "more keys than the sample holds: {}", live.rate);
    let keys = exact.entries_max() as f64;
    assert!((live.keys / keys - 1.0).abs() < 0.05, "{} keys, not {keys}", live.keys);
    let by_entries = worst(&live.by_entries, keys, |size| exact.hit_ratio(size));
    let by_bytes = worst(&live.by_bytes, live.footprint_bytes, |size| {
        exact.hit_ratio_of_bytes(size).expect("sizes are known")
    });
    assert!(by_entries <= 0.02 && by_bytes <= 0.02, "off by {by_entries} in entries, {by_bytes} in bytes");
}

#[tokio::test]
async fn the_present_size_is_on_the_curve_and_agrees_with_what_the_cache_itself_counted() {
    let cache = layer(8_192);
    for nth in 0..REQUESTS {
        ask(&cache, choice(nth)).await;
    }
    let mut page = String::new();
    encode(&cache.families(), &mut page);
    let value = |start: &str| -> f64 {
        let line = page.lines().find(|line| line.starts_with(start)).expect("a sample");
        line.rsplit(' ').next().expect("a value").parse().expect("a number")
    };
    let factor = |factor: &str| {
        value(&format!("cache_curve_capacity_miss_ratio{{backend=\"memory\",factor=\"{factor}\"}}"))
    };
    let missed: f64 = value("cache_misses_total{backend=\"memory\",reason=\"cold\"}")
        + value("cache_misses_total{backend=\"memory\",reason=\"evicted\"}");
    // The store's policy is not LRU, so it may do a little better or worse.
    assert!((factor("1") - missed / REQUESTS as f64).abs() < 0.05, "{} and {missed}", factor("1"));
    assert!(factor("0.25") >= factor("0.5") && factor("0.5") >= factor("1") && factor("2") >= factor("4"));
    assert_eq!(value("cache_capacity_bytes"), f64::from(4 << 20));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn several_threads_make_the_same_curve_and_what_they_leave_out_is_counted() {
    let exact = exact();
    let cache = Arc::new(layer(8_192));
    let tasks: Vec<_> = (0..4)
        .map(|part| {
            let cache = Arc::clone(&cache);
            tokio::spawn(async move {
                for nth in (part..REQUESTS).step_by(4) {
                    ask(&cache, choice(nth)).await;
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.expect("no panic");
    }
    let live = live(&cache);
    assert_eq!(live.lookups, REQUESTS, "lookups that a flight repeats are not counted twice");
    // Only a holder of the lock that is off the processor for very long makes more than a few.
    assert!(live.dropped * 20 < live.sampled, "{} of {}", live.dropped, live.sampled);
    let worst = worst(&live.by_entries, exact.entries_max() as f64, |size| exact.hit_ratio(size));
    assert!(worst <= 0.03, "off by {worst}, {} of {} left out", live.dropped, live.sampled);
}

#[tokio::test]
async fn values_that_are_stored_unasked_keep_no_lookup_out_of_the_sample() {
    let cache = layer(8_192);
    for id in 0..5_000 {
        cache.set(&key(id), Bytes::from(vec![b'x'; value_bytes(id)]), LONG).await.expect("stored");
    }
    for _ in 0..3 {
        for id in 0..1_000 {
            assert!(cache.get(&key(id)).await.expect("asked").is_some());
        }
    }
    let live = live(&cache);
    assert_eq!((live.lookups, live.sampled, live.dropped, live.keys), (3_000, 3_000, 0, 1_000.0));
    let last = live.by_entries.last().expect("points");
    assert!((last.miss_ratio - 1.0 / 3.0).abs() < 1e-9, "{last:?}");
}

#[tokio::test]
async fn a_scan_leaves_the_sample_at_its_size_and_hits_nowhere() {
    let cache = layer(1_024);
    let missing = Bytes::from_static(b"x");
    for id in 0..200_000_u64 {
        let found = cache.get(&Key::new("scan").id(id)).await.expect("asked");
        assert_ne!(found, Some(missing.clone()));
    }
    let live = live(&cache);
    assert!(live.rate * live.keys <= 1_024.0, "{} of {}", live.rate, live.keys);
    assert!((live.keys / 2e5 - 1.0).abs() < 0.15, "{}", live.keys);
    // A sample of some hundred keys is known to one part in its root: four percent or so.
    let hits = live.by_entries.iter().map(|point| 1.0 - point.miss_ratio).fold(0.0, f64::max);
    assert!(hits < 0.1, "a scan hits nowhere: {hits} at {}", live.rate);
}

/// The body of a page.
fn get(url: &str, path: &str) -> String {
    let address = url.trim_start_matches("http://");
    let mut stream = TcpStream::connect(address).unwrap();
    let head = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    answer
}

#[tokio::test]
async fn a_testbed_tells_its_curve_and_whatif_reads_it_off_the_page() {
    let service = Service::testbed(&["--seed-size", "small"]).await;
    let metrics = format!("{}/metrics", service.url);
    let before = hitmark(&["whatif", "--from", &metrics]);
    assert_eq!(before.code, 2, "nothing was asked for yet: {before:?}");
    assert!(before.stderr.contains("has no live curve yet"), "{}", before.stderr);

    for round in 0..6 {
        for id in 1..=40 {
            get(&service.url, &format!("/market/products/{}", if round % 2 == 0 { id } else { 41 - id }));
        }
    }
    let curves = read(&get(&service.url, "/metrics"));
    let curve = curves.first().expect("a curve");
    assert!(curve.lookups >= 240 && curve.keys >= 40.0, "{curve:?}");
    assert!(curve.by_entries.is_sorted_by(|one, other| one.miss_ratio >= other.miss_ratio), "{curve:?}");
    let last = curve.by_entries.last().expect("points");
    assert!(last.miss_ratio <= 1.0 / 6.0 + 0.01, "five rounds of six are repeated: {last:?}");

    let whatif = hitmark(&["whatif", "--from", &metrics, "--sizes", "20,64KiB"]);
    assert_eq!(whatif.code, 0, "{whatif:?}");
    for part in [
        "/metrics (memory): ",
        "requests for",
        "one more point costs",
        "64.0 KiB",
        "miss ratio by cache size in bytes",
        "┤█",
        "The knee is at",
        "▲ knee: ",
        "At its present 64.0 MiB an LRU cache would hit ",
        "no larger cache hits one point more",
        "Live: lookups of the last ",
        "other policies need a trace",
    ] {
        assert!(whatif.stdout.contains(part), "missing {part} in:\n{}", whatif.stdout);
    }
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().to_str().unwrap();
    let json = hitmark(&["whatif", "--from", &service.url, "--format", "json", "--out", out]);
    assert_eq!(json.code, 0, "{json:?}");
    assert!(json.stdout.contains("\"byte_hit_ratio\": null"), "not measured is null:\n{}", json.stdout);
    assert!(
        std::fs::read_to_string(folder.path().join("whatif.html")).unwrap().contains("in bytes</figcaption>")
    );
}

#[tokio::test]
async fn without_the_curve_the_page_says_nothing_of_it() {
    let service = Service::testbed(&["--seed-size", "small", "--no-curve"]).await;
    get(&service.url, "/market/products/1");
    let page = get(&service.url, "/metrics");
    assert!(page.contains("cache_operations_total") && !page.contains("cache_curve"), "{page}");
}

#[test]
fn mistakes_of_the_curves_flags_say_what_to_do() {
    for (arguments, part) in [
        (&["testbed", "--curve-rate", "2"][..], "--curve-rate: must be above 0 and at most 1"),
        (&["testbed", "--curve-rate", "0.5", "--no-curve"], "cannot be used with"),
        (&["whatif"], "<TRACE>"),
        (&["whatif", "trace.csv", "--from", "http://127.0.0.1:1"], "cannot be used with"),
        (&["whatif", "--from", "http://127.0.0.1:1/metrics"], "cannot be asked"),
        (&["whatif", "--from", "nonsense"], "is not a URL"),
    ] {
        let finished = hitmark(arguments);
        assert_eq!(finished.code, 2, "{arguments:?}: {finished:?}");
        assert!(finished.stderr.contains(part), "{arguments:?}: {}", finished.stderr);
    }
}
