//! Values in files of a folder, one file each: they survive a restart, and any tool can look at them.
//!
//! The name of a file is a hash of the key, and the key itself stands in the file: no key can leave
//! the folder, and a collision of two names serves neither the other's value. A file is written beside
//! its place and renamed into it, so that there is never half a file, not even after a crash; a lookup
//! sees the old entry or the new one.
//!
//! What is where, for how long and with which tags is an index in memory, read from the heads of all
//! files when the folder is opened (about 10 µs a file). So a tag costs its members and a pattern a walk
//! over the keys in memory, and no disk is read for either. One process may use a folder at a time.

mod folder;
mod index;
mod record;
mod store;
mod upkeep;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;

use self::store::{EXPIRED_PER_STEP, Store};
use self::upkeep::Upkeep;
use super::{Cache, Lookup, State};
use crate::entry::Entry;
use crate::error::CacheError;
use crate::key::Key;
use crate::pattern::Pattern;
use crate::tag::Tag;

/// Calls of the file system under way at once. More wait, within the timeout.
const MAX_CALLS: usize = 16;

/// How long a deletion of many entries may take.
const BULK_TIMEOUT: Duration = Duration::from_secs(60);

/// How the file backend is set up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileConfig {
    /// The folder; it is made if there is none. Nothing else may be kept in it.
    pub folder: PathBuf,
    /// The most bytes of files, each counted as the 4 KiB blocks that it fills. The least recently used
    /// go first.
    pub capacity_bytes: u64,
    /// How long a lookup or a store may take.
    pub timeout: Duration,
}

impl FileConfig {
    /// 256 MiB in this folder; half a second.
    #[must_use]
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into(), capacity_bytes: 256 * 1024 * 1024, timeout: Duration::from_millis(500) }
    }
}

/// The backend in files.
#[derive(Debug)]
pub struct File {
    store: Arc<Store>,
    calls: Arc<Semaphore>,
    timeout: Duration,
    _upkeep: Upkeep,
}

impl File {
    /// The backend's name.
    pub const NAME: &'static str = "file";

    /// Opens or makes the folder. What it held and has not expired is there; what is damaged or was
    /// left half written is removed.
    ///
    /// # Errors
    /// [`CacheError::Open`] if the folder cannot be made or read, is in use by another cache, or holds
    /// what no cache wrote.
    pub async fn open(config: FileConfig) -> Result<Self, CacheError> {
        let timeout = config.timeout;
        let opening = tokio::task::spawn_blocking(move || Store::open(&config));
        let store = opening.await.map_err(|error| CacheError::Store(error.to_string()))??;
        let store = Arc::new(store);
        let upkeep = Upkeep::start(&store)?;
        Ok(Self { store, calls: Arc::new(Semaphore::new(MAX_CALLS)), timeout, _upkeep: upkeep })
    }

    /// Removes what has expired, now and not with the next upkeep; how many entries. It is done in steps,
    /// between which others get their turn.
    ///
    /// # Errors
    /// If a file could not be removed; others may be gone already.
    pub async fn remove_expired(&self) -> Result<u64, CacheError> {
        let mut removed = 0;
        loop {
            let count = self.call(BULK_TIMEOUT, Store::expire).await?.map_err(failed)?;
            removed += count as u64;
            if count < EXPIRED_PER_STEP {
                return Ok(removed);
            }
        }
    }

    /// Calls the file system off the threads of the runtime.
    async fn call<T: Send + 'static>(
        &self,
        timeout: Duration,
        call: impl FnOnce(&Store) -> T + Send + 'static,
    ) -> Result<T, CacheError> {
        let (store, calls) = (Arc::clone(&self.store), Arc::clone(&self.calls));
        let answer = async {
            let permit = calls.acquire_owned().await;
            // A call that times out goes on: its place is free when it ends.
            let work = move || {
                let _permit = permit;
                call(&store)
            };
            tokio::task::spawn_blocking(work).await
        };
        match tokio::time::timeout(timeout, answer).await {
            Ok(answer) => answer.map_err(|error| CacheError::Store(error.to_string())),
            Err(_) => Err(CacheError::Timeout),
        }
    }
}

impl Cache for File {
    async fn get(&self, key: &Key) -> Result<Lookup, CacheError> {
        // A miss is known without the disk.
        if !self.store.knows(key.as_str()) {
            return Ok(Lookup::Miss);
        }
        let key = key.as_str().to_owned();
        self.call(self.timeout, move |store| store.get(&key)).await?.map_err(failed)
    }

    async fn set(&self, key: &Key, entry: &Entry, tags: &[Tag]) -> Result<(), CacheError> {
        let (key, entry, tags) = (key.as_str().to_owned(), entry.clone(), tags.to_vec());
        self.call(self.timeout, move |store| store.set(&key, &entry, &tags)).await?.map_err(failed)
    }

    async fn delete(&self, key: &Key) -> Result<bool, CacheError> {
        let key = key.as_str().to_owned();
        self.call(BULK_TIMEOUT, move |store| store.delete(&key)).await?.map_err(failed)
    }

    async fn delete_tag(&self, tag: &Tag) -> Result<u64, CacheError> {
        let tag = tag.as_str().to_owned();
        self.call(BULK_TIMEOUT, move |store| store.delete_all(&store.keys_of(&tag))).await?.map_err(failed)
    }

    async fn delete_pattern(&self, pattern: &Pattern) -> Result<u64, CacheError> {
        let pattern = pattern.clone();
        let delete =
            move |store: &Store| store.delete_all(&store.keys_where(|key| pattern.matches_text(key)));
        self.call(BULK_TIMEOUT, delete).await?.map_err(failed)
    }

    async fn clear(&self) -> Result<u64, CacheError> {
        self.call(BULK_TIMEOUT, |store| store.delete_all(&store.keys_where(|_| true))).await?.map_err(failed)
    }

    fn state(&self) -> State {
        let (entries, size_bytes) = self.store.totals();
        State {
            up: Some(true),
            entries: Some(entries),
            size_bytes: Some(size_bytes),
            capacity_bytes: Some(self.store.capacity_bytes),
            copy_hits: None,
        }
    }
}

#[expect(clippy::needless_pass_by_value, reason = "the shape that map_err asks for")]
fn failed(error: std::io::Error) -> CacheError {
    CacheError::Store(error.to_string())
}
