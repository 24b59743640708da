//! Which requests of a trace a curve is made from: all of them, or those of a share of the keys.
//!
//! SHARDS (Waldspurger and others, FAST 2015): a key is in the sample if its hash is below a
//! threshold, so every request of a sampled key is seen, and distances among them are the true
//! ones times the rate. The threshold halves whenever the sample outgrows its limit: memory is
//! bounded however long the trace is.

use super::distances::{Access, Sizes};
use super::intern::Interner;
use crate::keys::mix;

/// Requests up to which a curve is exact, and that a sample holds at most.
pub const EXACT_REQUESTS_MAX: usize = 10_000_000;
/// Apart from the hash that finds a key's slot: one of both must not decide the other.
const SALT: u64 = 0x5348_4152_4453;

/// A share of a trace's keys with all of their requests.
#[derive(Debug)]
pub struct Sample {
    threshold: u64,
    limit: usize,
    keys: Interner,
    hashes: Vec<u64>,
    accesses: Vec<Access>,
    requests: u64,
    bytes: u64,
    sized: bool,
}

impl Sample {
    /// All requests until there are more than [`EXACT_REQUESTS_MAX`], or those of so many of the
    /// keys: `rate` above 0, at most 1.
    #[must_use]
    pub fn new(rate: f64) -> Self {
        Self::with_limit(rate, EXACT_REQUESTS_MAX)
    }

    fn with_limit(rate: f64, limit: usize) -> Self {
        let threshold = if rate >= 1.0 { u64::MAX } else { (rate * 2_f64.powi(64)) as u64 };
        Self {
            threshold,
            limit,
            keys: Interner::default(),
            hashes: Vec::new(),
            accesses: Vec::new(),
            requests: 0,
            bytes: 0,
            sized: false,
        }
    }

    /// Adds a request.
    pub fn add(&mut self, key: u64, size_bytes: Option<u32>) {
        self.requests += 1;
        self.sized |= size_bytes.is_some();
        self.bytes += u64::from(size_bytes.unwrap_or(0));
        let hash = if self.threshold == u64::MAX { 0 } else { mix(key ^ SALT) };
        if hash > self.threshold {
            return;
        }
        let id = self.keys.number(key);
        if id as usize == self.hashes.len() {
            self.hashes.push(key);
        }
        self.accesses.push(Access { id, size_bytes: size_bytes.unwrap_or(0) });
        if self.accesses.len() > self.limit {
            self.halve();
        }
    }

    /// Keeps every second key.
    fn halve(&mut self) {
        self.threshold /= 2;
        let keys = std::mem::take(&mut self.hashes);
        self.keys = Interner::default();
        let mut numbers = vec![None; keys.len()];
        for (old, key) in keys.into_iter().enumerate().filter(|(_, key)| mix(key ^ SALT) <= self.threshold) {
            numbers[old] = Some(self.keys.number(key));
            self.hashes.push(key);
        }
        self.accesses.retain_mut(|access| match numbers[access.id as usize] {
            Some(number) => {
                access.id = number;
                true
            }
            None => false,
        });
    }

    /// The share of the keys that is sampled; 1 if all are.
    #[must_use]
    pub fn rate(&self) -> f64 {
        if self.threshold == u64::MAX { 1.0 } else { self.threshold as f64 / 2_f64.powi(64) }
    }

    /// The requests of the sampled keys.
    #[must_use]
    pub fn accesses(&self) -> &[Access] {
        &self.accesses
    }

    /// How many keys are sampled.
    #[must_use]
    pub const fn keys(&self) -> u32 {
        self.keys.len()
    }

    /// Requests that were added, sampled or not, and their bytes.
    #[must_use]
    pub const fn totals(&self) -> (u64, u64) {
        (self.requests, self.bytes)
    }

    /// Whether the trace tells sizes.
    #[must_use]
    pub const fn sizes(&self) -> Sizes {
        if self.sized { Sizes::Known } else { Sizes::Unknown }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_that_outgrows_its_limit_keeps_all_requests_of_fewer_keys() {
        let mut sample = Sample::with_limit(1.0, 1_000);
        for round in 0..5 {
            for key in 0..2_000_u64 {
                sample.add(key, Some(round));
            }
        }
        assert!(sample.rate() < 0.2 && sample.accesses().len() <= 1_000, "{}", sample.rate());
        assert_eq!(sample.totals().0, 10_000);
        let mut counts = vec![0; sample.keys() as usize];
        for access in sample.accesses() {
            counts[access.id as usize] += 1;
        }
        // A key that came late, after the last halving, is whole as well: every key has its five requests.
        assert!(counts.iter().all(|count| *count == 5), "{counts:?}");
    }

    #[test]
    fn about_the_asked_share_of_the_keys_is_sampled() {
        let mut sample = Sample::new(0.1);
        (0..100_000_u64).for_each(|key| sample.add(key, None));
        assert!((9_000..11_000).contains(&sample.keys()), "{}", sample.keys());
        assert_eq!(sample.sizes(), Sizes::Unknown);
    }
}
