//! How long a what-if curve takes: five million requests by Zipf's law for a million keys, exact and
//! from a tenth of the keys. `curve_time [REQUESTS]` prints processor seconds and the largest difference.

use hitmark_loadtests::keys::{KeyChoice, KeyDistribution};
use hitmark_loadtests::whatif::{Curve, Sample, distances};

/// Seconds that this thread has been on a processor: a busy neighbour does not count.
fn on_cpu_s() -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    text.split_whitespace().next().and_then(|ns| ns.parse::<f64>().ok()).unwrap_or_default() / 1e9
}

fn curve(requests: &[(u64, Option<u32>)], rate: f64) -> (Curve, f64) {
    let started_s = on_cpu_s();
    let mut sample = Sample::new(rate);
    requests.iter().for_each(|(key, size)| sample.add(*key, *size));
    let distances = distances(sample.accesses(), sample.keys(), sample.sizes());
    let curve = Curve::new(&sample, &distances);
    (curve, on_cpu_s() - started_s)
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
