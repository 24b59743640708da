//! Copies in this process of what a Redis server holds: a hit costs no round trip.
//!
//! The server stays the only truth: leases, tags and patterns are its own, writes go to it, and a copy
//! is made only of what was read from it. A listener hears of every change and voids the copies of
//! that key; while nobody listens, no copy is served or made. Between another process's write and
//! the moment in which this one hears of it, about a round trip, an old copy may be served; what this
//! process wrote or removed it never serves again.
//!
//! A copy lives for a time of its own at most, so that whatever was not told is bounded.

mod stamps;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures::future::join_all;

use self::stamps::Stamps;
use super::redis::{Announce, Coherence, Listener, News, Redis, RedisConfig, Server};
use super::{Cache, Claim, Lease, Lookup, Memory, MemoryConfig, State, parts};
use crate::clock::UnixMs;
use crate::entry::Entry;
use crate::error::CacheError;
use crate::invalidation::Invalidation;
use crate::key::Key;
use crate::pattern::Pattern;
use crate::tag::Tag;

/// How the tiered backend is set up.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct TieredConfig {
    /// The server. What this process writes is always announced, whatever is set there, because
    /// another may listen by pub/sub.
    pub redis: RedisConfig,
    /// The room for copies.
    pub memory: MemoryConfig,
    /// The longest life of a copy, whatever the value's own.
    pub copy_ttl: Duration,
    /// How this process hears of writes by others.
    pub coherence: Coherence,
    /// How often the listener's connection is tried while it is silent. A server that became
    /// unreachable without a sign is noticed after this and the `invalidation_timeout`.
    pub heartbeat: Duration,
}

impl TieredConfig {
    /// The defaults: copies of 64 MiB that live 10 s, client tracking, a heartbeat each second.
    #[must_use]
    pub fn new(redis: RedisConfig) -> Self {
        Self {
            redis,
            memory: MemoryConfig::default(),
            copy_ttl: Duration::from_secs(10),
            coherence: Coherence::Tracking,
            heartbeat: Duration::from_secs(1),
        }
    }
}

/// The backend of copies before a Redis server.
#[derive(Debug)]
pub struct Tiered {
    copies: Memory,
    server: Redis,
    /// One for each shard of the server.
    listeners: Vec<Listener>,
    stamps: Arc<Stamps>,
    copy_ttl: Duration,
    copy_hits: AtomicU64,
}

impl Tiered {
    /// The backend's name.
    pub const NAME: &'static str = "tiered";

    /// Tries once to connect and to listen, then leaves both to background tasks. Must be called
    /// within a tokio runtime.
    ///
    /// # Errors
    /// Only [`CacheError::Url`]: a server that is away is no error.
    pub async fn connect(mut config: TieredConfig) -> Result<Self, CacheError> {
        config.redis.announce = Announce::Always;
        let server = Redis::connect(config.redis).await?;
        let stamps = Arc::new(Stamps::new());
        let heard = Arc::clone(&stamps);
        let listeners = server.listen(config.coherence, config.heartbeat, move |news| match news {
            News::Changed(key) => heard.void(key),
            News::Everything => heard.void_all(),
        });
        let listeners = listeners.await;
        let (copies, copy_hits) = (Memory::new(&config.memory), AtomicU64::new(0));
        Ok(Self { copies, server, listeners, stamps, copy_ttl: config.copy_ttl, copy_hits })
    }

    /// How many gets were answered by a copy, without the server.
    #[must_use]
    pub fn copy_hits(&self) -> u64 {
        self.copy_hits.load(Ordering::Relaxed)
    }

    /// Whether changes by others are heard: otherwise every get asks the server. In a Cluster, whether
    /// those of every shard are.
    #[must_use]
    pub fn is_listening(&self) -> bool {
        self.listeners.iter().all(Listener::hears)
    }

    /// The shards of the server.
    pub(super) fn shards(&self) -> &[Server] {
        self.server.shards()
    }

    /// The number of the shard that keeps the key.
    pub(super) fn shard_of(&self, key: &Key) -> usize {
        self.server.shard_of(key)
    }

    /// Removes from one shard what the invalidation names, and from the copies.
    pub(super) async fn remove_in(&self, shard: usize, what: &Invalidation) -> Result<u64, CacheError> {
        let removed = parts::remove(&self.shards()[shard], what).await;
        match what {
            Invalidation::Key(key) => self.stamps.void(key.as_str().as_bytes()),
            Invalidation::All => self.stamps.void_all(),
            _ if self.listeners[shard].catch_up().await => {}
            _ => self.stamps.void_all(),
        }
        removed
    }

    /// The server.
    pub(super) const fn server(&self) -> &Redis {
        &self.server
    }

    /// After a removal of keys that only the server knows: waits until their names have come.
    async fn catch_up(&self) {
        let caught_up = join_all(self.listeners.iter().map(Listener::catch_up)).await;
        if !caught_up.into_iter().all(|is_known| is_known) {
            self.stamps.void_all();
        }
    }
}

impl Cache for Tiered {
    async fn get(&self, key: &Key) -> Result<Lookup, CacheError> {
        // The stamp first: one from after a loss must not meet a yes from before it.
        let stamp = self.stamps.of(key.as_str().as_bytes());
        if !self.listeners[self.server.shard_of(key)].hears() {
            return self.server.get(key).await;
        }
        if let Some(entry) = self.copies.copy(key, stamp) {
            self.copy_hits.fetch_add(1, Ordering::Relaxed);
            return Ok(Lookup::Hit(entry));
        }
        let found = self.server.get(key).await;
        if let Ok(Lookup::Hit(entry)) = &found {
            self.copies.put_copy(key, entry, UnixMs::now().after(self.copy_ttl), stamp);
        }
        found
    }

    // Copies are made by gets alone: a write's own echo would void them at once.
    async fn set(&self, key: &Key, entry: &Entry, tags: &[Tag]) -> Result<(), CacheError> {
        let stored = self.server.set(key, entry, tags).await;
        // Also after an error: the server may have stored it.
        self.stamps.void(key.as_str().as_bytes());
        stored
    }

    async fn claim(&self, key: &Key, tags: &[Tag], life: Duration) -> Result<Claim, CacheError> {
        self.server.claim(key, tags, life).await
    }

    async fn fill(&self, key: &Key, entry: &Entry, tags: &[Tag], lease: Lease) -> Result<bool, CacheError> {
        let stored = self.server.fill(key, entry, tags, lease).await;
        self.stamps.void(key.as_str().as_bytes());
        stored
    }

    async fn renounce(&self, key: &Key, lease: Lease) -> Result<(), CacheError> {
        self.server.renounce(key, lease).await
    }

    async fn delete(&self, key: &Key) -> Result<bool, CacheError> {
        let removed = self.server.delete(key).await;
        self.stamps.void(key.as_str().as_bytes());
        removed
    }

    async fn delete_tag(&self, tag: &Tag) -> Result<u64, CacheError> {
        let removed = self.server.delete_tag(tag).await;
        self.catch_up().await;
        removed
    }

    async fn delete_pattern(&self, pattern: &Pattern) -> Result<u64, CacheError> {
        let removed = self.server.delete_pattern(pattern).await;
        self.catch_up().await;
        removed
    }

    async fn clear(&self) -> Result<u64, CacheError> {
        let removed = self.server.clear().await;
        self.stamps.void_all();
        removed
    }

    /// Whether the server answers; the entries and bytes are those of the copies.
    fn state(&self) -> State {
        let copy_hits = Some(self.copy_hits());
        // The capacity of the copies is not that of the cache behind them.
        State { up: self.server.state().up, copy_hits, capacity_bytes: None, ..self.copies.state() }
    }
}
