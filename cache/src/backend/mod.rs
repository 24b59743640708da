//! Where values are kept: the trait, and the list of what implements it, one file each.
//!
//! A backend only stores and finds. Joining of callers, metrics and the choice to go to the origin
//! belong to [`CacheLayer`](crate::CacheLayer), so that they are the same for every backend.

mod memory;
mod off;
mod redis;

use std::future::Future;
use std::time::{Duration, Instant};

use bytes::Bytes;

pub use self::memory::{Memory, MemoryConfig};
pub use self::off::Off;
pub use self::redis::{Redis, RedisConfig};
use crate::error::CacheError;
use crate::key::Key;
use crate::pattern::Pattern;

/// The name of each backend, as metrics and command lines write it.
pub const NAMES: [&str; 3] = [Memory::NAME, Redis::NAME, Off::NAME];

/// Longest time to live: ten years. Longer ones are cut to it, so that no clock overflows.
pub const MAX_TTL: Duration = Duration::from_secs(10 * 365 * 24 * 60 * 60);

/// Shortest time to live: what Redis can count. An entry with less is not stored.
pub const MIN_TTL: Duration = Duration::from_millis(1);

/// Raw operations of one store of values. An empty value is a value.
///
/// Every method ends in bounded time, whatever state a server is in, or says in its own
/// documentation why not. Dropping its future leaves the store usable.
pub trait Cache: Send + Sync {
    /// The value under the key.
    ///
    /// # Errors
    /// If the store could not be asked. A value that the store cannot read is not an error but
    /// [`Lookup::Corrupt`].
    fn get(&self, key: &Key) -> impl Future<Output = Result<Lookup, CacheError>> + Send;

    /// Stores the value for `ttl`, which the caller keeps within [`MIN_TTL`] and [`MAX_TTL`].
    ///
    /// # Errors
    /// If the store could not be asked or refused.
    fn set(
        &self,
        key: &Key,
        value: &Bytes,
        ttl: Duration,
    ) -> impl Future<Output = Result<(), CacheError>> + Send;

    /// Removes the key; whether it was there.
    ///
    /// # Errors
    /// If the store could not be asked: the value may still be served later.
    fn delete(&self, key: &Key) -> impl Future<Output = Result<bool, CacheError>> + Send;

    /// Removes every key that the pattern names; how many there were. Takes time in proportion to
    /// all keys. Keys that others store meanwhile may stay.
    ///
    /// # Errors
    /// If the store could not be asked; part of the keys may be gone already.
    fn delete_pattern(&self, pattern: &Pattern) -> impl Future<Output = Result<u64, CacheError>> + Send;

    /// Removes every key of this cache and no other; how many there were.
    ///
    /// # Errors
    /// If the store could not be asked; part of the keys may be gone already.
    fn clear(&self) -> impl Future<Output = Result<u64, CacheError>> + Send;

    /// What the store knows of itself without asking anyone.
    fn state(&self) -> State;
}

/// What a store answered about a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lookup {
    /// It holds this value.
    Hit {
        /// The value.
        value: Bytes,
        /// When the store will drop it, if it knows.
        expires: Option<Instant>,
    },
    /// It holds nothing.
    Miss,
    /// It held something that no cache of this version wrote. It has been removed.
    Corrupt,
}

/// What a store knows of itself. `None` is "not known", never zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct State {
    /// Whether the store answered last time.
    pub up: Option<bool>,
    /// How many entries it holds.
    pub entries: Option<u64>,
    /// How many bytes of keys and values it holds.
    pub size_bytes: Option<u64>,
}

/// The backend of a layer. An enum and not a box, so that a hit makes no dynamic call and no
/// allocation for its future.
#[derive(Debug)]
pub(crate) enum Backend {
    Memory(Memory),
    Redis(Redis),
    Off(Off),
}

impl Backend {
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::Memory(_) => Memory::NAME,
            Self::Redis(_) => Redis::NAME,
            Self::Off(_) => Off::NAME,
        }
    }
}

impl Cache for Backend {
    async fn get(&self, key: &Key) -> Result<Lookup, CacheError> {
        match self {
            Self::Memory(memory) => memory.get(key).await,
            Self::Redis(redis) => redis.get(key).await,
            Self::Off(off) => off.get(key).await,
        }
    }

    async fn set(&self, key: &Key, value: &Bytes, ttl: Duration) -> Result<(), CacheError> {
        match self {
            Self::Memory(memory) => memory.set(key, value, ttl).await,
            Self::Redis(redis) => redis.set(key, value, ttl).await,
            Self::Off(off) => off.set(key, value, ttl).await,
        }
    }

    async fn delete(&self, key: &Key) -> Result<bool, CacheError> {
        match self {
            Self::Memory(memory) => memory.delete(key).await,
            Self::Redis(redis) => redis.delete(key).await,
            Self::Off(off) => off.delete(key).await,
        }
    }

    async fn delete_pattern(&self, pattern: &Pattern) -> Result<u64, CacheError> {
        match self {
            Self::Memory(memory) => memory.delete_pattern(pattern).await,
            Self::Redis(redis) => redis.delete_pattern(pattern).await,
            Self::Off(off) => off.delete_pattern(pattern).await,
        }
    }

    async fn clear(&self) -> Result<u64, CacheError> {
        match self {
            Self::Memory(memory) => memory.clear().await,
            Self::Redis(redis) => redis.clear().await,
            Self::Off(off) => off.clear().await,
        }
    }

    fn state(&self) -> State {
        match self {
            Self::Memory(memory) => memory.state(),
            Self::Redis(redis) => redis.state(),
            Self::Off(off) => off.state(),
        }
    }
}
