//! Curves and policies against simulations that are too simple to be wrong.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on should stop here")]

use hitmark_loadtests::keys::{KeyChoice, KeyDistribution};
use hitmark_loadtests::whatif::{
    Access, CacheSize, Curve, PolicyName, Question, Sample, Sizes, answer, distances, hits, of_sample,
};
use proptest::prelude::*;

fn sample(requests: &[(u64, Option<u32>)], rate: f64) -> Sample {
    let mut sample = Sample::new(rate);
    requests.iter().for_each(|(key, size)| sample.add(*key, *size));
    sample
}

fn curve(sample: &Sample) -> Curve {
    Curve::new(sample, &distances(sample.accesses(), sample.keys(), sample.sizes()))
}

/// LRU as a list that is searched from its front.
fn lru_hits(keys: &[u64], capacity: usize) -> u64 {
    let mut held: Vec<u64> = Vec::new();
    let mut hits = 0;
    for key in keys {
        match held.iter().position(|other| other == key) {
            Some(place) => {
                held.remove(place);
                hits += 1;
            }
            None if held.len() == capacity => drop(held.pop()),
            None => {}
        }
        held.insert(0, *key);
    }
    hits
}

/// Hits of an LRU cache in bytes: a request hits if its key and all that was asked for since fit.
fn lru_byte_hits(requests: &[(u64, u32)], bytes: u64) -> u64 {
    let mut stack: Vec<(u64, u32)> = Vec::new();
    let mut hits = 0;
    for (key, size) in requests {
        if let Some(place) = stack.iter().position(|(other, _)| other == key) {
            let above: u64 = stack[..place].iter().map(|(_, size)| u64::from(*size)).sum();
            hits += u64::from(above + u64::from(*size) <= bytes);
            stack.remove(place);
        }
        stack.insert(0, (*key, *size));
    }
    hits
}

proptest! {
    #[test]
    fn the_exact_curve_is_an_lru_simulation_at_every_size(
        keys in proptest::collection::vec(0_u64..60, 1..1_500)
    ) {
        let requests: Vec<_> = keys.iter().map(|key| (*key, None)).collect();
        let sample = sample(&requests, 1.0);
        let curve = curve(&sample);
        for capacity in 1..=62 {
            let simulated = lru_hits(&keys, capacity);
            let ratio = simulated as f64 / keys.len() as f64;
            prop_assert!((curve.hit_ratio(capacity as u64) - ratio).abs() < 1e-12, "size {}", capacity);
            prop_assert_eq!(hits(PolicyName::Lru, capacity, sample.accesses(), sample.keys()), simulated);
        }
        prop_assert_eq!(curve.hit_ratio(0), 0.0);
    }

    #[test]
    fn the_curve_over_bytes_is_a_simulation_but_for_the_width_of_a_bucket(
        requests in proptest::collection::vec((0_u64..40, 1_u32..5_000), 1..800)
    ) {
        let sized: Vec<_> = requests.iter().map(|(key, size)| (*key, Some(*size))).collect();
        let curve = curve(&sample(&sized, 1.0));
        for bytes in [1, 100, 1_000, 20_000, 90_000, 1 << 40] {
            let ratio = |bytes: u64| lru_byte_hits(&requests, bytes) as f64 / requests.len() as f64;
            // Without a single hit there is no curve over bytes, and 0 is right.
            let seen = curve.hit_ratio_of_bytes(bytes).unwrap_or(0.0);
            prop_assert!(seen <= ratio(bytes) + 1e-12 && seen >= ratio(bytes - bytes / 200) - 1e-12, "{} bytes", bytes);
        }
    }

    #[test]
    fn no_policy_holds_more_than_its_capacity_or_hits_a_first_request(
        keys in proptest::collection::vec(0_u32..50, 1..800), capacity in 1_usize..60
    ) {
        let accesses: Vec<Access> = keys.iter().map(|id| Access { id: *id, size_bytes: 0 }).collect();
        let distinct = keys.iter().collect::<std::collections::HashSet<_>>().len();
        for policy in PolicyName::ALL {
            let hit = hits(policy, capacity, &accesses, 50);
            prop_assert!(hit as usize <= keys.len() - distinct, "{:?}", policy);
            if capacity >= 50 && policy != PolicyName::TinyLfu {
                prop_assert_eq!(hit as usize, keys.len() - distinct, "{:?} holds every key", policy);
            }
        }
    }
}

fn zipf(requests: usize, keys: u64) -> Vec<(u64, Option<u32>)> {
    let choice = KeyChoice { distribution: KeyDistribution::Zipf { exponent: 0.9 }, count: keys };
    let mut stream = choice.stream(7, 7);
    (0..requests).map(|_| (stream.next_key(), None)).collect()
}

#[test]
fn a_sample_of_a_tenth_of_the_keys_is_right_to_a_hundredth() {
    let requests = zipf(600_000, 100_000);
    let exact = curve(&sample(&requests, 1.0));
    let sampled = sample(&requests, 0.1);
    assert!(sampled.accesses().len() < 100_000);
    let sampled = curve(&sampled);
    for percent in [1, 2, 5, 10, 20, 50, 100] {
        let entries = exact.entries_max() * percent / 100;
        let (one, other) = (exact.hit_ratio(entries), sampled.hit_ratio(entries));
        assert!((one - other).abs() <= 0.01, "{percent} %: exact {one}, sampled {other}");
    }
}

#[test]
fn a_loop_one_larger_than_the_cache_defeats_lru_and_not_tinylfu() {
    let accesses: Vec<Access> = (0..101 * 50).map(|n| Access { id: n % 101, size_bytes: 0 }).collect();
    let of = |policy| hits(policy, 100, &accesses, 101) as f64 / accesses.len() as f64;
    assert_eq!(of(PolicyName::Lru), 0.0);
    assert!(of(PolicyName::TinyLfu) > 0.5, "{}", of(PolicyName::TinyLfu));
}

#[test]
fn on_skewed_keys_the_newer_policies_beat_lru() {
    let accesses = sample(&zipf(200_000, 50_000), 1.0);
    let of = |policy| hits(policy, 1_000, accesses.accesses(), accesses.keys());
    for policy in [PolicyName::Lfu, PolicyName::S3Fifo, PolicyName::Sieve, PolicyName::TinyLfu] {
        assert!(
            of(policy) > of(PolicyName::Lru),
            "{policy:?}: {} against {}",
            of(policy),
            of(PolicyName::Lru)
        );
    }
}

#[test]
fn an_answer_says_what_one_more_point_costs_and_where_the_curve_bends() {
    // 100 keys of 1000 bytes in a loop after 900 requests for key 0: below 100 entries only key 0 hits.
    let mut requests = vec![(0_u64, Some(1_000)); 900];
    (0..10).for_each(|_| requests.extend((0..100).map(|key| (key, Some(1_000)))));
    let sample = sample(&requests, 1.0);
    let question =
        Question { sizes: vec![CacheSize::Entries(50), CacheSize::Bytes(100_400)], ..Question::default() };
    let answer = of_sample("loop", &sample, &question);
    assert_eq!((answer.requests, answer.keys, answer.footprint_bytes), (1_900, 100, Some(100_000)));
    assert_eq!(sample.sizes(), Sizes::Known);
    assert_eq!(answer.sizes[0].next_point_entries, Some(50), "the whole loop or nothing");
    assert!((answer.sizes[1].hit_ratio - 1_800.0 / 1_900.0).abs() < 1e-9);
    assert_eq!(answer.sizes[1].next_point_bytes, None, "first requests miss whatever the size");
    assert!(answer.by_bytes.unwrap().windows(2).all(|pair| pair[0].hit_ratio <= pair[1].hit_ratio));
}

#[test]
fn a_trace_file_is_read_also_when_it_is_compressed() {
    let dir = tempfile::tempdir().unwrap();
    let plain = dir.path().join("trace.csv");
    let text = "key,size\na,10\nb,20\na,10\na,10\n";
    std::fs::write(&plain, text).unwrap();
    let packed = dir.path().join("trace.csv.zst");
    std::fs::write(&packed, zstd::encode_all(text.as_bytes(), 1).unwrap()).unwrap();
    let one = answer(&plain, &Question::default()).unwrap();
    let other = answer(&packed, &Question::default()).unwrap();
    assert_eq!((one.requests, one.keys, one.hit_ratio_max), (4, 2, 0.5));
    assert_eq!((other.requests, other.keys, other.hit_ratio_max), (4, 2, 0.5));
    let missing = answer(&dir.path().join("none"), &Question::default()).unwrap_err().to_string();
    assert!(missing.contains("none"), "{missing}");
    std::fs::write(dir.path().join("empty"), "\n").unwrap();
    let empty = answer(&dir.path().join("empty"), &Question::default()).unwrap_err().to_string();
    assert!(empty.contains("holds no request"), "{empty}");
}
