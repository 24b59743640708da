//! How long a what-if curve takes: five million requests by Zipf's law for a million keys, exact and
//! from a tenth of the keys. `curve_time [REQUESTS]` prints the times and the largest difference.

use std::time::Instant;

use hitmark_loadtests::keys::{KeyChoice, KeyDistribution};
use hitmark_loadtests::whatif::{Curve, Sample, distances};

fn curve(requests: &[(u64, Option<u32>)], rate: f64) -> (Curve, f64) {
    let started = Instant::now();
    let mut sample = Sample::new(rate);
    requests.iter().for_each(|(key, size)| sample.add(*key, *size));
    let distances = distances(sample.accesses(), sample.keys(), sample.sizes());
    let curve = Curve::new(&sample, &distances);
    (curve, started.elapsed().as_secs_f64())
}

#[expect(clippy::print_stdout, reason = "this is what the program is for")]
fn main() {
    let count = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(5_000_000);
    for exponent in [0.8, 1.0] {
        let choice = KeyChoice { distribution: KeyDistribution::Zipf { exponent }, count: 1_000_000 };
        let mut keys = choice.stream(42, 1);
        let plain: Vec<(u64, Option<u32>)> = (0..count).map(|_| (keys.next_key(), None)).collect();
        let sized: Vec<_> =
            plain.iter().map(|(key, _)| (*key, Some((key * 37 % 8_000) as u32 + 100))).collect();
        let (exact, exact_s) = curve(&plain, 1.0);
        let (_, sized_s) = curve(&sized, 1.0);
        let (sampled, sampled_s) = curve(&plain, 0.1);
        let footprint = exact.entries_max();
        let error = (1..=100)
            .map(|percent| footprint * percent / 100)
            .map(|size| (exact.hit_ratio(size) - sampled.hit_ratio(size)).abs())
            .fold(0.0, f64::max);
        println!(
            "zipf {exponent}: {count} requests, {footprint} keys: exact {exact_s:.3} s, with bytes {sized_s:.3} s, \
             a tenth {sampled_s:.3} s, largest error from 1 % of the footprint on {error:.4}"
        );
    }
}
