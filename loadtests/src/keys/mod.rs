//! Which key a request asks for.
//!
//! Real traffic is skewed, and a cache lives off the skew: uniform keys would hide everything. The
//! stream is a pure function of seed, place and position, so both variants of a pair of slices ask
//! for the same keys, and a run can be repeated key by key.

mod replay;

pub use replay::Replay;

use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use rand_distr::{Distribution, Zipf};

/// How popular keys are.
#[derive(Debug, Clone, PartialEq)]
pub enum KeyDistribution {
    /// The k-th key is asked for in proportion to 1/k^exponent.
    Zipf {
        /// The exponent; 0 is uniform, product pages see 0.6 to 1.2.
        exponent: f64,
    },
    /// Every key alike.
    Uniform,
    /// A few keys take most of the requests, the others share the rest.
    HotSet {
        /// The number of hot keys: the first ones.
        hot: u64,
        /// The share of the requests that they take.
        share: f64,
    },
    /// One after the other, from 1, over and over.
    Sequential,
    /// The requests of a trace in their order, over and over.
    Trace(Replay),
}

/// The keys of an experiment: 1 to `count`, by a distribution.
#[derive(Debug, Clone, PartialEq)]
pub struct KeyChoice {
    /// How popular keys are.
    pub distribution: KeyDistribution,
    /// The number of keys; of a trace, the number of its requests.
    pub count: u64,
}

impl KeyChoice {
    /// The choice in words, for run directories and tables.
    #[must_use]
    pub fn describe(&self) -> String {
        match &self.distribution {
            KeyDistribution::Zipf { exponent } => format!("zipf s={exponent} n={}", self.count),
            KeyDistribution::Uniform => format!("uniform n={}", self.count),
            KeyDistribution::HotSet { hot, share } => {
                format!("hot set of {hot} taking {share} of the requests, n={}", self.count)
            }
            KeyDistribution::Sequential => format!("sequential n={}", self.count),
            KeyDistribution::Trace(replay) => format!("trace {} of {} requests", replay.name(), self.count),
        }
    }

    /// Whether keys come in an order of their own, so that a stream goes on where the last one ended.
    #[must_use]
    pub const fn is_ordered(&self) -> bool {
        matches!(self.distribution, KeyDistribution::Trace(_))
    }

    /// How a key is written, if it is no number.
    #[must_use]
    pub fn text(&self, key: u64) -> Option<&str> {
        match &self.distribution {
            KeyDistribution::Trace(replay) => replay.text(key),
            _ => None,
        }
    }

    /// Every `stride`-th key of an ordered choice, from `place` on: the share of one user of many.
    #[must_use]
    pub fn walk(&self, place: u64, stride: u64) -> KeyStream<'_> {
        let random = SmallRng::seed_from_u64(0);
        KeyStream { choice: self, random, sampler: Sampler::Walk { next: place, stride } }
    }

    /// A stream of keys. Equal seed and stream give equal keys.
    #[must_use]
    pub fn stream(&self, seed: u64, stream: u64) -> KeyStream<'_> {
        let state = mix(seed ^ mix(stream));
        let sampler = match self.distribution {
            // The plan's bounds make the constructor accept every choice; 1 key needs no sampler.
            KeyDistribution::Zipf { exponent } => {
                Zipf::new(self.count as f64, exponent).map_or(Sampler::Uniform, Sampler::Zipf)
            }
            KeyDistribution::Uniform => Sampler::Uniform,
            KeyDistribution::HotSet { hot, share } => Sampler::HotSet { hot, share },
            KeyDistribution::Sequential | KeyDistribution::Trace(_) => {
                Sampler::Walk { next: state % self.count, stride: 1 }
            }
        };
        KeyStream { choice: self, random: SmallRng::seed_from_u64(state), sampler }
    }
}

/// A stream of keys: from 1 to `count`, or those of a trace.
#[derive(Debug, Clone)]
pub struct KeyStream<'c> {
    choice: &'c KeyChoice,
    random: SmallRng,
    sampler: Sampler,
}

#[derive(Debug, Clone)]
enum Sampler {
    Zipf(Zipf<f64>),
    Uniform,
    HotSet { hot: u64, share: f64 },
    Walk { next: u64, stride: u64 },
}

impl KeyStream<'_> {
    /// The next key.
    pub fn next_key(&mut self) -> u64 {
        let count = self.choice.count;
        match &mut self.sampler {
            Sampler::Zipf(zipf) => (zipf.sample(&mut self.random) as u64).clamp(1, count),
            Sampler::Uniform => self.random.random_range(1..=count),
            Sampler::HotSet { hot, share } => {
                let is_hot = *hot >= count || self.random.random::<f64>() < *share;
                if is_hot {
                    self.random.random_range(1..=(*hot).min(count))
                } else {
                    self.random.random_range(*hot + 1..=count)
                }
            }
            Sampler::Walk { next, stride } => {
                let place = *next;
                *next = place.wrapping_add(*stride);
                match &self.choice.distribution {
                    KeyDistribution::Trace(replay) => replay.key(place),
                    _ => place % count + 1,
                }
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

    fn take(mut stream: KeyStream<'_>, n: usize) -> Vec<u64> {
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
    fn a_hot_set_takes_its_share_and_leaves_the_rest_to_the_others() {
        let choice =
            KeyChoice { distribution: KeyDistribution::HotSet { hot: 10, share: 0.9 }, count: 1_000 };
        let keys = take(choice.stream(5, 5), 100_000);
        let hot = keys.iter().filter(|key| **key <= 10).count() as f64 / keys.len() as f64;
        assert!((hot - 0.9).abs() < 0.01, "{hot}");
        assert!(keys.iter().all(|key| (1..=1_000).contains(key)));
        assert!(keys.contains(&11) && keys.contains(&1_000));
    }

    #[test]
    fn users_that_walk_share_the_keys_between_them_in_order() {
        let choice = KeyChoice { distribution: KeyDistribution::Sequential, count: 7 };
        assert_eq!(take(choice.walk(0, 2), 4), [1, 3, 5, 7]);
        assert_eq!(take(choice.walk(1, 2), 4), [2, 4, 6, 1]);
    }

    #[test]
    fn every_distribution_stays_within_its_keys() {
        for distribution in
            [KeyDistribution::Uniform, KeyDistribution::Sequential, KeyDistribution::Zipf { exponent: 0.0 }]
        {
            for count in [1, 2, 7] {
                let choice = KeyChoice { distribution: distribution.clone(), count };
                let keys = take(choice.stream(3, 3), 200);
                assert!(keys.iter().all(|key| (1..=count).contains(key)), "{distribution:?} {count}");
                let seen: std::collections::HashSet<u64> = keys.into_iter().collect();
                assert_eq!(seen.len() as u64, count, "{distribution:?} {count}: every key is reached");
            }
        }
    }
}
