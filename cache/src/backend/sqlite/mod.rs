//! Values in a SQLite file of this machine: they survive a restart, without a server.
//!
//! SQLite blocks, so its work is done by threads of its own: one that writes, and two that read beside
//! it, as the write-ahead log allows. Their queues are bounded: what finds one full fails at once, and
//! the caller goes to the origin. A hit is no write; when an entry was last used is noted in memory and
//! written with the next upkeep.

mod open;
mod rows;
mod tables;
mod worker;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

pub use self::open::OnDamage;
pub use self::rows::Category;
use self::rows::Found;
use self::worker::{EXPIRED_PER_STEP, Use, Workers};
use super::{Cache, Lookup, State};
use crate::clock::UnixMs;
use crate::entry::Entry;
use crate::error::CacheError;
use crate::key::Key;
use crate::pattern::Pattern;
use crate::tag::Tag;
use crate::wire::{self, Codec};

/// How long a deletion of many entries may take, or any operation that waits behind one.
const BULK_TIMEOUT: Duration = Duration::from_secs(60);

/// Keys that one step of a deletion by pattern looks at; between steps, others get their turn.
const KEYS_PER_STEP: usize = 1000;

/// How the SQLite backend is set up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqliteConfig {
    /// The file. SQLite keeps two more beside it, with `-wal` and `-shm` after the name.
    pub path: PathBuf,
    /// The most bytes of keys, values as they are stored, tags, and 200 bytes for each entry and tag.
    /// The least recently used go first. The file is somewhat larger.
    pub capacity_bytes: u64,
    /// What to do with a file that is damaged.
    pub on_damage: OnDamage,
    /// How long a lookup or a store may take, its time in the queue included.
    pub timeout: Duration,
}

impl SqliteConfig {
    /// 256 MiB in this file; a damaged file is moved aside; half a second.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            capacity_bytes: 256 * 1024 * 1024,
            on_damage: OnDamage::MoveAside,
            timeout: Duration::from_millis(500),
        }
    }
}

/// The backend in a SQLite file. Several handles, of several processes too, may share a file; a
/// deletion by one holds for all.
#[derive(Debug)]
pub struct Sqlite {
    workers: Workers,
    timeout: Duration,
    codec: Box<Codec>,
}

/// What the file held after the last write of this handle.
#[derive(Debug, Default)]
struct Totals {
    entries: AtomicU64,
    size_bytes: AtomicU64,
}

impl Sqlite {
    /// The backend's name.
    pub const NAME: &'static str = "sqlite";

    /// Opens or makes the file. What it held and has not expired is there.
    ///
    /// # Errors
    /// [`CacheError::Open`] if the file cannot be made or read, is no SQLite database, belongs to
    /// another program, or is damaged and shall not be moved aside.
    pub async fn open(config: SqliteConfig) -> Result<Self, CacheError> {
        let timeout = config.timeout;
        let opening = tokio::task::spawn_blocking(move || Workers::start(&config));
        let workers = opening.await.map_err(|error| CacheError::Store(error.to_string()))??;
        Ok(Self { workers, timeout, codec: Box::default() })
    }

    /// How its values are written and read.
    pub(super) fn codec(&self) -> &Codec {
        &self.codec
    }

    /// How many entries and bytes each category holds, largest first. The category of an entry is the
    /// first part of its key.
    ///
    /// # Errors
    /// If the file could not be read.
    pub async fn categories(&self) -> Result<Vec<Category>, CacheError> {
        self.workers.read(self.timeout, rows::categories).await
    }

    /// Removes what has expired, now and not with the next upkeep; how many entries. It is done in steps,
    /// between which others get their turn.
    ///
    /// # Errors
    /// If the file could not be written; part of them may be gone already.
    pub async fn remove_expired(&self) -> Result<u64, CacheError> {
        let mut removed = 0;
        loop {
            let step = |rows: &mut rusqlite::Connection| rows::expire(rows, EXPIRED_PER_STEP);
            let count = self.workers.write(BULK_TIMEOUT, step).await?;
            removed += count;
            if count < EXPIRED_PER_STEP {
                return Ok(removed);
            }
        }
    }
}

impl Cache for Sqlite {
    async fn get(&self, key: &Key) -> Result<Lookup, CacheError> {
        let (name, uses) = (key.as_str().to_owned(), Arc::clone(&self.workers.uses));
        let found = self.workers.read(self.timeout, move |rows| {
            let now = UnixMs::now();
            let found = rows::find(rows, &name)?.filter(|found| found.kept_until > now);
            if let Some(Found { id, last_used, .. }) = found {
                uses.note(Use { id, last_used, now });
            }
            Ok(found)
        });
        let Some(Found { id, stored, .. }) = found.await? else { return Ok(Lookup::Miss) };
        if let Some(entry) = self.codec.decode(stored.clone()) {
            return Ok(Lookup::Hit(entry));
        }
        // Only what was read: another may have replaced it since.
        self.workers.write(self.timeout, move |rows| rows::delete_damaged(rows, id, &stored)).await?;
        Ok(Lookup::Corrupt)
    }

    async fn set(&self, key: &Key, entry: &Entry, tags: &[Tag]) -> Result<(), CacheError> {
        let mut stored = Vec::with_capacity(wire::HEADER_BYTES + entry.value.len());
        self.codec.encode(entry, &mut stored).map_err(|error| CacheError::Store(error.to_string()))?;
        let row = rows::NewRow {
            key: key.as_str().to_owned(),
            stored,
            kept_until: entry.kept_until,
            tags: tags.iter().map(|tag| tag.as_str().to_owned()).collect(),
        };
        let (uses, capacity_bytes) = (Arc::clone(&self.workers.uses), self.workers.capacity_bytes);
        let write = move |rows: &mut rusqlite::Connection| rows::store(rows, &row, &uses, capacity_bytes);
        self.workers.write(self.timeout, write).await
    }

    async fn delete(&self, key: &Key) -> Result<bool, CacheError> {
        let name = key.as_str().to_owned();
        self.workers.write(BULK_TIMEOUT, move |rows| rows::delete(rows, &name)).await
    }

    async fn delete_tag(&self, tag: &Tag) -> Result<u64, CacheError> {
        let name = tag.as_str().to_owned();
        self.workers.write(BULK_TIMEOUT, move |rows| rows::delete_tag(rows, &name)).await
    }

    async fn delete_pattern(&self, pattern: &Pattern) -> Result<u64, CacheError> {
        let (mut removed, mut after) = (0, None);
        loop {
            let (pattern, from) = (pattern.clone(), after.take());
            let step = self.workers.write(BULK_TIMEOUT, move |rows| {
                rows::delete_pattern_step(rows, &pattern, from.as_deref(), KEYS_PER_STEP)
            });
            let (count, last) = step.await?;
            removed += count;
            after = last;
            if after.is_none() {
                return Ok(removed);
            }
        }
    }

    async fn clear(&self) -> Result<u64, CacheError> {
        self.workers.write(BULK_TIMEOUT, rows::clear).await
    }

    fn state(&self) -> State {
        let totals = &self.workers.totals;
        State {
            up: Some(true),
            entries: Some(totals.entries.load(Ordering::Relaxed)),
            size_bytes: Some(totals.size_bytes.load(Ordering::Relaxed)),
            capacity_bytes: Some(self.workers.capacity_bytes),
            copy_hits: None,
        }
    }
}
