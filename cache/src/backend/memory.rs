//! Values in this process, on moka: per-entry expiry, a limit in bytes, TinyLFU admission.
//!
//! A hit is one lookup and one reference count: the key is borrowed, the value is shared.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures::FutureExt;
use moka::Expiry;

use super::{Cache, Lookup, State};
use crate::clock::UnixMs;
use crate::entry::Entry;
use crate::error::CacheError;
use crate::key::Key;
use crate::pattern::Pattern;
use crate::tag::Tag;

/// What one entry takes beside its key and value, so that a million empty values are not free: the
/// growth of the process per entry, measured with 400,000 entries of moka 0.12.16 on 64-bit Linux.
const ENTRY_OVERHEAD_BYTES: usize = 420;

/// Keys that a deletion looks at before it lets other tasks of its thread run.
const KEYS_PER_TURN: usize = 1024;

/// How the memory backend is set up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemoryConfig {
    /// The most bytes of keys, values and 420 bytes for the bookkeeping of each entry. For a short time
    /// after a burst of writes there may be more.
    pub capacity_bytes: u64,
}

impl Default for MemoryConfig {
    /// 64 MiB.
    fn default() -> Self {
        Self { capacity_bytes: 64 * 1024 * 1024 }
    }
}

/// The backend in this process.
#[derive(Debug)]
pub struct Memory {
    entries: moka::future::Cache<Box<str>, Entry>,
    tags: Mutex<TagIndex>,
}

/// Which keys carry a tag.
#[derive(Debug, Default)]
struct TagIndex(HashMap<Tag, HashSet<Box<str>>>);

impl TagIndex {
    fn add(&mut self, key: &Key, tags: &[Tag]) {
        for tag in tags {
            self.0.entry(tag.clone()).or_default().insert(key.as_str().into());
        }
    }
}

/// Tells moka each entry's own expiry, again at each overwrite.
struct ExpiryOfEntry;

impl Expiry<Box<str>, Entry> for ExpiryOfEntry {
    fn expire_after_create(&self, _key: &Box<str>, entry: &Entry, _now: Instant) -> Option<Duration> {
        Some(entry.kept_until.since(UnixMs::now()))
    }

    fn expire_after_update(
        &self,
        _key: &Box<str>,
        entry: &Entry,
        _now: Instant,
        _left: Option<Duration>,
    ) -> Option<Duration> {
        Some(entry.kept_until.since(UnixMs::now()))
    }
}

impl Memory {
    /// The backend's name.
    pub const NAME: &'static str = "memory";

    /// An empty cache.
    #[must_use]
    pub fn new(config: &MemoryConfig) -> Self {
        let entries = moka::future::Cache::builder()
            .name("hitmark")
            .max_capacity(config.capacity_bytes)
            .weigher(weight_bytes)
            .expire_after(ExpiryOfEntry)
            .build();
        Self { entries, tags: Mutex::default() }
    }

    /// Removes the keys that `select` chooses; how many were still alive.
    async fn remove_where(&self, select: impl Fn(&str) -> bool + Send) -> u64 {
        let mut removed = 0;
        for (seen, (key, _)) in self.entries.iter().enumerate() {
            if select(&key) && self.remove(&key).await {
                removed += 1;
            }
            if seen % KEYS_PER_TURN == KEYS_PER_TURN - 1 {
                tokio::task::yield_now().await;
            }
        }
        removed
    }

    /// Removes one key; whether a live value was there. moka may still hold an expired one.
    async fn remove(&self, key: &str) -> bool {
        let removed = self.entries.remove(key).await;
        removed.is_some_and(|entry| entry.kept_until > UnixMs::now())
    }
}

/// What an entry weighs. moka counts in `u32`, so that an entry of more than 4 GiB weighs 4 GiB.
#[expect(clippy::borrowed_box, reason = "moka hands the weigher its own key type")]
fn weight_bytes(key: &Box<str>, entry: &Entry) -> u32 {
    u32::try_from(key.len() + entry.value.len() + ENTRY_OVERHEAD_BYTES).unwrap_or(u32::MAX)
}

impl Cache for Memory {
    async fn get(&self, key: &Key) -> Result<Lookup, CacheError> {
        Ok(match self.entries.get(key.as_str()).await {
            Some(entry) => Lookup::Hit(entry),
            None => Lookup::Miss,
        })
    }

    async fn set(&self, key: &Key, entry: &Entry, tags: &[Tag]) -> Result<(), CacheError> {
        self.tags.lock().unwrap_or_else(PoisonError::into_inner).add(key, tags);
        self.entries.insert(key.as_str().into(), entry.clone()).await;
        Ok(())
    }

    async fn delete(&self, key: &Key) -> Result<bool, CacheError> {
        Ok(self.remove(key.as_str()).await)
    }

    async fn delete_tag(&self, tag: &Tag) -> Result<u64, CacheError> {
        let keys = self.tags.lock().unwrap_or_else(PoisonError::into_inner).0.remove(tag);
        let mut removed = 0;
        for key in keys.into_iter().flatten() {
            removed += u64::from(self.remove(&key).await);
        }
        Ok(removed)
    }

    async fn delete_pattern(&self, pattern: &Pattern) -> Result<u64, CacheError> {
        Ok(self.remove_where(|key| pattern.matches_text(key)).await)
    }

    async fn clear(&self) -> Result<u64, CacheError> {
        Ok(self.remove_where(|_| true).await)
    }

    fn state(&self) -> State {
        // moka counts only what its maintenance has seen. It runs here unless it runs already.
        let _ = self.entries.run_pending_tasks().now_or_never();
        State {
            up: Some(true),
            entries: Some(self.entries.entry_count()),
            size_bytes: Some(self.entries.weighted_size()),
        }
    }
}
