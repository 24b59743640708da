//! Which key a request asks for.
//!
//! Real traffic is skewed, and a cache lives off the skew: uniform keys would hide everything. The
//! stream is a pure function of seed, place and position, so both variants of a pair of slices ask
//! for the same keys, and a run can be repeated key by key.

use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use rand_distr::{Distribution, Zipf};

/// How popular keys are.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum KeyDistribution {
    /// The k-th key is asked for in proportion to 1/k^exponent.
    Zipf {
        /// The exponent; 0 is uniform, product pages see 0.6 to 1.2.
        exponent: f64,
    },
    /// Every key alike.
    Uniform,
    /// One after the other, from 1, over and over.
    Sequential,
}

/// The keys of an experiment: 1 to `count`, by a distribution.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct KeyChoice {
    /// How popular keys are.
    pub distribution: KeyDistribution,
    /// The number of keys.
    pub count: u64,
}

impl KeyChoice {
    /// The choice in words, for run directories and tables.
    #[must_use]
    pub fn describe(&self) -> String {
        match self.distribution {
            KeyDistribution::Zipf { exponent } => format!("zipf s={exponent} n={}", self.count),
            KeyDistribution::Uniform => format!("uniform n={}", self.count),
            KeyDistribution::Sequential => format!("sequential n={}", self.count),
        }
    }

    /// A stream of keys. Equal seed and stream give equal keys.
    #[must_use]
    pub fn stream(&self, seed: u64, stream: u64) -> KeyStream {
        let state = mix(seed ^ mix(stream));
        let sampler = match self.distribution {
            // The plan's bounds make the constructor accept every choice; 1 key needs no sampler.
            KeyDistribution::Zipf { exponent } => {
                Zipf::new(self.count as f64, exponent).ok().map(Sampler::Zipf)
            }
            KeyDistribution::Uniform => Some(Sampler::Uniform),
            KeyDistribution::Sequential => Some(Sampler::Sequential { next: state % self.count }),
        };
        KeyStream {
            count: self.count,
            random: SmallRng::seed_from_u64(state),
            sampler: sampler.unwrap_or(Sampler::Uniform),
        }
    }
}

/// A stream of keys from 1 to `count`.
#[derive(Debug, Clone)]
pub struct KeyStream {
    count: u64,
    random: SmallRng,
    sampler: Sampler,
}

#[derive(Debug, Clone)]
enum Sampler {
    Zipf(Zipf<f64>),
    Uniform,
    Sequential { next: u64 },
}

impl KeyStream {
    /// The next key.
    pub fn next_key(&mut self) -> u64 {
        match &mut self.sampler {
            Sampler::Zipf(zipf) => (zipf.sample(&mut self.random) as u64).clamp(1, self.count),
            Sampler::Uniform => self.random.random_range(1..=self.count),
            Sampler::Sequential { next } => {
                let key = *next + 1;
                *next = key % self.count;
                key
            }
        }
    }
}

/// Mixes the bits of a number so that neighbours become strangers (the finaliser of SplitMix64;
/// Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014).
#[must_use]
pub const fn mix(value: u64) -> u64 {
    let mut z = value.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ZIPF: KeyChoice =
        KeyChoice { distribution: KeyDistribution::Zipf { exponent: 1.07 }, count: 10_000 };

    fn take(mut stream: KeyStream, n: usize) -> Vec<u64> {
        (0..n).map(|_| stream.next_key()).collect()
    }

    #[test]
    fn equal_seeds_give_equal_keys_and_other_seeds_give_others() {
        assert_eq!(take(ZIPF.stream(42, 7), 100), take(ZIPF.stream(42, 7), 100));
        assert_ne!(take(ZIPF.stream(42, 7), 100), take(ZIPF.stream(42, 8), 100));
        assert_ne!(take(ZIPF.stream(42, 7), 100), take(ZIPF.stream(43, 7), 100));
    }

    #[test]
    fn zipf_keys_have_the_skew_that_was_asked_for() {
        // P(1) = 1/H with H = sum over 1..=n of k^-s; 200,000 draws put the estimate within 2 % or so.
        let n = 200_000;
        let ones = take(ZIPF.stream(1, 1), n).into_iter().filter(|key| *key == 1).count() as f64 / n as f64;
        let harmonic: f64 = (1..=10_000).map(|k| f64::from(k).powf(-1.07)).sum();
        assert!((ones * harmonic - 1.0).abs() < 0.03, "P(1) = {ones}, expected {}", 1.0 / harmonic);
    }

    #[test]
    fn every_distribution_stays_within_its_keys() {
        for distribution in
            [KeyDistribution::Uniform, KeyDistribution::Sequential, KeyDistribution::Zipf { exponent: 0.0 }]
        {
            for count in [1, 2, 7] {
                let keys = take(KeyChoice { distribution, count }.stream(3, 3), 200);
                assert!(keys.iter().all(|key| (1..=count).contains(key)), "{distribution:?} {count}");
                let seen: std::collections::HashSet<u64> = keys.into_iter().collect();
                assert_eq!(seen.len() as u64, count, "{distribution:?} {count}: every key is reached");
            }
        }
    }
}
