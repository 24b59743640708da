//! Samples whose curves are known by construction, and their limits.

use super::*;
use crate::curve::read;
use crate::exposition::encode;

/// Good bits for a number (the finaliser of SplitMix64).
fn hash(key: u64) -> u64 {
    let mut z = key.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

fn unhurried(keys_max: usize) -> SamplerConfig {
    SamplerConfig { keys_max, requests_per_second_max: u32::MAX, ..SamplerConfig::default() }
}

/// `rounds` times through so many keys of 100 bytes.
fn loops(sampler: &mut Sampler, keys: u64, rounds: u64) -> u64 {
    for round in 0..rounds {
        for key in 0..keys {
            let total = round * keys + key + 1;
            sampler.add(hash(key), Some(100), 0, || total);
        }
    }
    keys * rounds
}

fn at(points: &[SizePoint], size: u64) -> f64 {
    points.iter().find(|point| point.size >= size).expect("a point of that size").miss_ratio
}

#[test]
fn a_loop_misses_everything_until_the_cache_holds_all_of_it() {
    let mut sampler = Sampler::new(unhurried(8_192), 0, 0);
    let total = loops(&mut sampler, 1_000, 10);
    let curve = sampler.curve(0, total);
    assert_eq!(
        (curve.rate, curve.keys, curve.footprint_bytes, curve.requests),
        (1.0, 1_000.0, 100_000.0, 10_000)
    );
    assert_eq!(at(&curve.by_entries, 512), 1.0);
    // One of ten rounds misses whatever the size.
    assert!((at(&curve.by_entries, 1_024) - 0.1).abs() < 1e-9);
    assert!((curve.miss_ratio_of_bytes(110_000).expect("known") - 0.1).abs() < 1e-9);
    assert_eq!(curve.miss_ratio_of_bytes(90_000), Some(1.0));
    assert!(curve.by_entries.last().expect("points").size < 1_500, "no point beyond the footprint");
}

#[test]
fn a_million_keys_fit_into_the_memory_of_some_thousands() {
    let mut sampler = Sampler::new(unhurried(2_048), 0, 0);
    let total = loops(&mut sampler, 1_000_000, 2);
    assert!(sampler.stack.len() <= 2_048, "{}", sampler.stack.len());
    assert!(sampler.rate() <= 1.0 / 256.0, "{}", sampler.rate());
    let curve = sampler.curve(0, total);
    assert!((0.9e6..1.1e6).contains(&curve.keys), "{}", curve.keys);
    assert!(at(&curve.by_entries, 500_000) > 0.98);
    let largest = curve.by_entries.last().expect("points");
    assert!(largest.size > 1_000_000 && (largest.miss_ratio - 0.5).abs() < 0.02, "{largest:?}");
    let smallest = curve.by_entries[0].size as f64;
    assert!(smallest >= RESOLVED_KEYS / curve.rate, "{smallest} is less than the sample resolves");
}

#[test]
fn requests_that_come_too_fast_lower_the_share_and_leave_the_curve() {
    let config = SamplerConfig { requests_per_second_max: 1_000, ..SamplerConfig::default() };
    let mut sampler = Sampler::new(config, 0, 0);
    let (keys, rounds) = (4_000, 30);
    for request in 0..keys * rounds {
        // 10,000 a second, ten times what is allowed.
        sampler.add(hash(request % keys), Some(100), request / 10, || request);
    }
    let rate = sampler.rate();
    assert!((1.0 / 64.0..0.2).contains(&rate), "{rate}");
    let curve = sampler.curve(12_000, keys * rounds);
    assert!(at(&curve.by_entries, 2_000) > 0.9, "{:?}", curve.by_entries);
    assert!(at(&curve.by_entries, 5_600) < 0.15, "{:?}", curve.by_entries);
}

#[test]
fn what_lies_before_the_window_is_forgotten() {
    let config = SamplerConfig { window: Duration::from_secs(10), ..unhurried(1_024) };
    let mut sampler = Sampler::new(config, 0, 0);
    let mut total = loops(&mut sampler, 500, 2);
    for second in 1..=30 {
        for key in 0..10 {
            total += 1;
            sampler.add(hash(1_000_000 + key), None, second * 1_000, || total);
        }
    }
    let curve = sampler.curve(30_000, total);
    assert_eq!(curve.keys, 10.0);
    assert!(curve.requests <= 110 && curve.requests >= 50, "{}", curve.requests);
    assert!(curve.window <= Duration::from_secs(10) && curve.window >= Duration::from_secs(5));
    assert_eq!(at(&curve.by_entries, 11), 0.0, "the ten keys are not new in this window");
}

#[test]
fn a_page_carries_the_curve_and_it_never_rises() {
    let mut sampler = Sampler::new(unhurried(512), 0, 0);
    let mut total = 0;
    for request in 0..200_000_u64 {
        // Small keys are asked for much more often than large ones.
        let share = (hash(request) >> 11) as f64 / 2_f64.powi(53);
        total += 1;
        sampler.add(hash((share.powi(4) * 20_000.0) as u64), Some((request % 900) as u32), 0, || total);
    }
    let curve = sampler.curve(0, total);
    let mut page = String::from(
        "# HELP other x\ncache_capacity_bytes{backend=\"redis\"} 7\n\
         cache_capacity_bytes{backend=\"memory\"} 67108864\ncache_curve_keys{backend=\"odd\n",
    );
    encode(&curve.families("memory", sampler.sampled(), 3, Some(64 << 20)), &mut page);
    let read = read(&page);
    assert_eq!(read.len(), 1, "{read:?}");
    assert_eq!((read[0].backend.as_str(), read[0].dropped, read[0].lookups), ("memory", 3, total));
    assert_eq!(read[0].rate, curve.rate);
    assert_eq!(read[0].capacity_bytes, Some(64 << 20));
    assert_eq!(read[0].by_entries, curve.by_entries);
    assert_eq!(read[0].by_bytes, curve.by_bytes);
    for points in [&read[0].by_entries, &read[0].by_bytes] {
        assert!(points.len() > 8, "{points:?}");
        assert!(points.is_sorted_by(|one, other| one.miss_ratio >= other.miss_ratio), "{points:?}");
    }
}

#[test]
fn without_a_request_there_is_no_point_and_nothing_is_made_up() {
    let mut sampler = Sampler::new(SamplerConfig::default(), 0, 0);
    let curve = sampler.curve(5, 0);
    assert!(curve.by_entries.is_empty() && curve.by_bytes.is_empty());
    assert_eq!(curve.miss_ratio_of_bytes(1), None);
    let families = curve.families("memory", 0, 0, Some(1));
    assert!(families.iter().take(3).all(|family| family.samples.is_empty()));
}
