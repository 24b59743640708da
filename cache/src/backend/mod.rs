//! Where values are kept: the trait, and the list of what implements it, one file each.
//!
//! A backend only stores and finds. Joining of callers, metrics and the choice to go to the origin
//! belong to [`CacheLayer`](crate::CacheLayer), so that they are the same for every backend.

mod file;
mod memory;
mod off;
pub(crate) mod parts;
mod redis;
mod sqlite;
mod tiered;

use std::future::Future;
use std::time::Duration;

pub use self::file::{File, FileConfig};
pub(crate) use self::memory::ENTRY_OVERHEAD_BYTES;
pub use self::memory::{Memory, MemoryConfig};
pub use self::off::Off;
pub use self::redis::{Announce, Coherence, Redis, RedisConfig};
pub use self::sqlite::{Category, OnDamage, Sqlite, SqliteConfig};
pub use self::tiered::{Tiered, TieredConfig};
use crate::entry::Entry;
use crate::error::CacheError;
use crate::key::Key;
use crate::pattern::Pattern;
use crate::tag::Tag;
use crate::wire::Codec;

/// The name of each backend, as metrics and command lines write it.
pub const NAMES: [&str; 6] = [Memory::NAME, Redis::NAME, Tiered::NAME, Sqlite::NAME, File::NAME, Off::NAME];

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

    /// Stores the entry until its `kept_until`, whatever anyone else does. `tags` are at most
    /// [`MAX_TAGS`](crate::MAX_TAGS).
    ///
    /// # Errors
    /// If the store could not be asked or refused.
    fn set(
        &self,
        key: &Key,
        entry: &Entry,
        tags: &[Tag],
    ) -> impl Future<Output = Result<(), CacheError>> + Send;

    /// Asks for the right to fill a key that was missed, among all processes that share the store,
    /// for `life` at most. The store remembers the tags with it, so that their invalidation ends it.
    ///
    /// A store of one process always grants: there the layer itself joins misses and sees
    /// invalidations.
    ///
    /// # Errors
    /// If the store could not be asked.
    fn claim(
        &self,
        _key: &Key,
        _tags: &[Tag],
        _life: Duration,
    ) -> impl Future<Output = Result<Claim, CacheError>> + Send {
        async { Ok(Claim::Granted(Lease::LOCAL)) }
    }

    /// Stores the entry if the lease still holds, and ends the lease; whether it was stored. After an
    /// invalidation of the key, of one of its tags, of a pattern that names it, or of everything, a
    /// lease from before no longer holds.
    ///
    /// # Errors
    /// If the store could not be asked or refused.
    fn fill(
        &self,
        key: &Key,
        entry: &Entry,
        tags: &[Tag],
        _lease: Lease,
    ) -> impl Future<Output = Result<bool, CacheError>> + Send {
        async { self.set(key, entry, tags).await.map(|()| true) }
    }

    /// Gives a lease back without filling, so that others need not wait for its end.
    ///
    /// # Errors
    /// If the store could not be asked: the lease then ends by itself.
    fn renounce(&self, _key: &Key, _lease: Lease) -> impl Future<Output = Result<(), CacheError>> + Send {
        async { Ok(()) }
    }

    /// Removes every entry that carries the tag, without looking at others; how many there were.
    ///
    /// # Errors
    /// If the store could not be asked: the values may still be served.
    fn delete_tag(&self, tag: &Tag) -> impl Future<Output = Result<u64, CacheError>> + Send;

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
    /// It holds this entry, which may no longer be fresh.
    Hit(Entry),
    /// It holds nothing.
    Miss,
    /// It held something that no cache of this version wrote. It has been removed.
    Corrupt,
}

/// The answer to a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claim {
    /// The caller may fill.
    Granted(Lease),
    /// Another process is filling.
    Held,
}

/// The right to fill one key. What it holds means something only to the store that gave it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lease {
    /// Tells this lease from every other of the key.
    pub(crate) token: u64,
}

impl Lease {
    /// The lease of a store that only one process uses.
    pub(crate) const LOCAL: Self = Self { token: 0 };
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
    /// How many bytes it may hold.
    pub capacity_bytes: Option<u64>,
    /// How many lookups were answered by a copy in this process of what a server holds.
    pub copy_hits: Option<u64>,
}

/// The backend of a layer. An enum and not a box, so that a hit makes no dynamic call and no
/// allocation for its future.
#[derive(Debug)]
pub(crate) enum Backend {
    Memory(Memory),
    Redis(Redis),
    Tiered(Tiered),
    Sqlite(Sqlite),
    File(File),
    Off(Off),
}

impl Backend {
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::Memory(_) => Memory::NAME,
            Self::Redis(_) => Redis::NAME,
            Self::Tiered(_) => Tiered::NAME,
            Self::Sqlite(_) => Sqlite::NAME,
            Self::File(_) => File::NAME,
            Self::Off(_) => Off::NAME,
        }
    }

    /// How values are written and read, where they have a form outside this process.
    pub(crate) fn codec(&self) -> Option<&Codec> {
        match self {
            Self::Redis(redis) => Some(redis.codec()),
            Self::Tiered(tiered) => Some(tiered.server().codec()),
            Self::Sqlite(sqlite) => Some(sqlite.codec()),
            // A file is written while it is encoded: the two have no times of their own.
            Self::Memory(_) | Self::File(_) | Self::Off(_) => None,
        }
    }
}

/// Calls the same method on whichever backend it is.
macro_rules! on_the_backend {
    ($self:ident, $backend:ident => $call:expr) => {
        match $self {
            Self::Memory($backend) => $call,
            Self::Redis($backend) => $call,
            Self::Tiered($backend) => $call,
            Self::Sqlite($backend) => $call,
            Self::File($backend) => $call,
            Self::Off($backend) => $call,
        }
    };
}

impl Cache for Backend {
    async fn get(&self, key: &Key) -> Result<Lookup, CacheError> {
        on_the_backend!(self, backend => backend.get(key).await)
    }

    async fn set(&self, key: &Key, entry: &Entry, tags: &[Tag]) -> Result<(), CacheError> {
        on_the_backend!(self, backend => backend.set(key, entry, tags).await)
    }

    async fn claim(&self, key: &Key, tags: &[Tag], life: Duration) -> Result<Claim, CacheError> {
        on_the_backend!(self, backend => backend.claim(key, tags, life).await)
    }

    async fn fill(&self, key: &Key, entry: &Entry, tags: &[Tag], lease: Lease) -> Result<bool, CacheError> {
        on_the_backend!(self, backend => backend.fill(key, entry, tags, lease).await)
    }

    async fn renounce(&self, key: &Key, lease: Lease) -> Result<(), CacheError> {
        on_the_backend!(self, backend => backend.renounce(key, lease).await)
    }

    async fn delete(&self, key: &Key) -> Result<bool, CacheError> {
        on_the_backend!(self, backend => backend.delete(key).await)
    }

    async fn delete_tag(&self, tag: &Tag) -> Result<u64, CacheError> {
        on_the_backend!(self, backend => backend.delete_tag(tag).await)
    }

    async fn delete_pattern(&self, pattern: &Pattern) -> Result<u64, CacheError> {
        on_the_backend!(self, backend => backend.delete_pattern(pattern).await)
    }

    async fn clear(&self) -> Result<u64, CacheError> {
        on_the_backend!(self, backend => backend.clear().await)
    }

    fn state(&self) -> State {
        on_the_backend!(self, backend => backend.state())
    }
}
