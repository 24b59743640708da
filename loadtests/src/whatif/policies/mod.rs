//! Eviction policies, simulated on a trace of key numbers. Each counts entries, not bytes.
//!
//! Adding one is a file here and its line in [`PolicyName`].

mod lfu;
mod links;
mod lru;
mod s3fifo;
mod sieve;
mod tinylfu;

use std::str::FromStr;

use super::distances::Access;

/// A policy that can be simulated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PolicyName {
    /// Least recently used.
    Lru,
    /// Least frequently used.
    Lfu,
    /// S3-FIFO.
    S3Fifo,
    /// SIEVE.
    Sieve,
    /// W-TinyLFU.
    TinyLfu,
}

/// The text is no policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is no policy; the policies are lru, lfu, s3fifo, sieve and tinylfu")]
pub struct UnknownPolicy(String);

impl PolicyName {
    /// Every policy.
    pub const ALL: [Self; 5] = [Self::Lru, Self::Lfu, Self::S3Fifo, Self::Sieve, Self::TinyLfu];

    /// The name in flags and tables.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Lru => "lru",
            Self::Lfu => "lfu",
            Self::S3Fifo => "s3fifo",
            Self::Sieve => "sieve",
            Self::TinyLfu => "tinylfu",
        }
    }
}

impl FromStr for PolicyName {
    type Err = UnknownPolicy;

    fn from_str(text: &str) -> Result<Self, UnknownPolicy> {
        let found = Self::ALL.into_iter().find(|policy| policy.as_str() == text.to_ascii_lowercase());
        found.ok_or_else(|| UnknownPolicy(text.to_owned()))
    }
}

/// A cache that knows which keys it holds.
trait Policy {
    /// Asks for a key, puts it in if it is not held, and says whether it was.
    fn access(&mut self, key: u32) -> bool;
}

/// How many requests hit a cache of so many entries. No entries, no hits.
#[must_use]
pub fn hits(policy: PolicyName, capacity: usize, accesses: &[Access], keys: u32) -> u64 {
    // A cache larger than all keys holds all keys: larger queues would only take memory.
    let capacity = capacity.min(keys as usize);
    if capacity == 0 {
        return 0;
    }
    match policy {
        PolicyName::Lru => replay(lru::Lru::new(keys, capacity), accesses),
        PolicyName::Lfu => replay(lfu::Lfu::new(keys, capacity), accesses),
        PolicyName::S3Fifo => replay(s3fifo::S3Fifo::new(keys, capacity), accesses),
        PolicyName::Sieve => replay(sieve::Sieve::new(keys, capacity), accesses),
        PolicyName::TinyLfu => replay(tinylfu::TinyLfu::new(keys, capacity), accesses),
    }
}

fn replay(mut policy: impl Policy, accesses: &[Access]) -> u64 {
    accesses.iter().map(|access| u64::from(policy.access(access.id))).sum()
}
