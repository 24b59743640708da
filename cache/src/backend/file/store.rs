//! Folder and index together: each change is made to both while the index is locked, so that they
//! agree. Values are written and read without the lock.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::FileConfig;
use super::folder::{Folder, remove};
use super::index::Index;
use super::record::{self, Head};
use crate::backend::Lookup;
use crate::clock::UnixMs;
use crate::entry::Entry;
use crate::error::CacheError;
use crate::tag::Tag;

/// Expired files that are removed while the index is locked once.
pub(super) const EXPIRED_PER_STEP: usize = 64;

/// The folder and what is in it.
#[derive(Debug)]
pub(super) struct Store {
    folder: Folder,
    index: Mutex<Index>,
    pub(super) capacity_bytes: u64,
}

impl Store {
    pub(super) fn open(config: &FileConfig) -> Result<Self, CacheError> {
        let folder = Folder::open(&config.folder)?;
        let mut index = Index::default();
        folder.scan(|head, size_bytes| index.add(head, size_bytes)).map_err(|error| CacheError::Open {
            path: config.folder.display().to_string(),
            reason: error.to_string(),
        })?;
        let store = Self { folder, index: Mutex::new(index), capacity_bytes: config.capacity_bytes };
        while let Ok(EXPIRED_PER_STEP) = store.expire() {}
        // The capacity may be smaller than it was.
        let _ = store.make_room(&mut store.index());
        Ok(store)
    }

    /// Whether there is a file for the key and it has not expired.
    pub(super) fn knows(&self, key: &str) -> bool {
        self.index().is_alive(key)
    }

    pub(super) fn get(&self, key: &str) -> io::Result<Lookup> {
        if !self.index().use_now(key) {
            return Ok(Lookup::Miss);
        }
        let Some(mut file) = self.open_file(key)? else { return Ok(Lookup::Miss) };
        match record::read_head(&mut file)? {
            // Two keys of one name: the file is the other's.
            Some(head) if head.key != key => Ok(Lookup::Miss),
            Some(_) => match record::read_entry(&mut file)? {
                Some(entry) if entry.kept_until > UnixMs::now() => Ok(Lookup::Hit(entry)),
                Some(_) => Ok(Lookup::Miss),
                None => self.corrupt(key),
            },
            None => self.corrupt(key),
        }
    }

    /// The file of a key; `None` if someone took it away, and then the index forgets it.
    fn open_file(&self, key: &str) -> io::Result<Option<fs::File>> {
        let place = self.folder.place(key);
        if let Some(file) = opened(&place)? {
            return Ok(Some(file));
        }
        // It may be about to be replaced. That ends before the lock is free.
        let mut index = self.index();
        let file = opened(&place)?;
        if file.is_none() {
            index.remove(key);
        }
        Ok(file)
    }

    /// Removes a damaged file, unless it has been replaced since it was read.
    fn corrupt(&self, key: &str) -> io::Result<Lookup> {
        let mut index = self.index();
        let place = self.folder.place(key);
        let is_whole = || -> io::Result<bool> {
            let mut file = fs::File::open(&place)?;
            Ok(record::read_head(&mut file)?.is_some() && record::read_entry(&mut file)?.is_some())
        };
        match is_whole() {
            Ok(true) => {}
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {
                index.remove(key);
                remove(&place)?;
            }
        }
        Ok(Lookup::Corrupt)
    }

    /// Stores an entry in the place of what was under its key. What is larger than the whole capacity
    /// only takes the old entry away.
    pub(super) fn set(&self, key: &str, entry: &Entry, tags: &[Tag]) -> io::Result<()> {
        let head = Head::new(key, entry, tags);
        let written = match self.folder.write(&head, entry) {
            Ok(written) => written,
            Err(error) => {
                // A full disk must not leave an older value that is served on.
                self.delete(key)?;
                return Err(error);
            }
        };
        if written.size_bytes > self.capacity_bytes {
            return self.delete(key).map(|_| ());
        }
        let mut index = self.index();
        let size_bytes = written.size_bytes;
        // Some file systems (ext4) write a file to the disk at once if it is renamed over another: the
        // bench `stores` took twice as long. So the old one goes first; a lookup that misses it waits for
        // the lock.
        remove(&self.folder.place(key))?;
        written.put()?;
        index.add(head, size_bytes);
        self.make_room(&mut index)
    }

    /// Displaces the least recently used files while there are too many bytes.
    fn make_room(&self, index: &mut Index) -> io::Result<()> {
        while index.totals().1 > self.capacity_bytes {
            let Some(oldest) = index.oldest() else { break };
            remove(&self.folder.place(&oldest))?;
            index.remove(&oldest);
        }
        Ok(())
    }

    /// Removes a key; whether it was there and alive.
    pub(super) fn delete(&self, key: &str) -> io::Result<bool> {
        self.delete_locked(&mut self.index(), key)
    }

    /// Removes these keys; how many were there and alive.
    pub(super) fn delete_all(&self, keys: &[Arc<str>]) -> io::Result<u64> {
        let mut removed = 0;
        for key in keys {
            removed += u64::from(self.delete(key)?);
        }
        Ok(removed)
    }

    /// The file goes first: if that fails, the index still knows it.
    fn delete_locked(&self, index: &mut Index, key: &str) -> io::Result<bool> {
        let was_there = remove(&self.folder.place(key))?;
        let kept_until = index.remove(key);
        Ok(was_there && kept_until.is_some_and(|kept_until| kept_until > UnixMs::now()))
    }

    /// Removes some of what has expired; how many, [`EXPIRED_PER_STEP`] if there may be more.
    pub(super) fn expire(&self) -> io::Result<usize> {
        let mut index = self.index();
        let expired = index.expired(EXPIRED_PER_STEP);
        for key in &expired {
            self.delete_locked(&mut index, key)?;
        }
        Ok(expired.len())
    }

    pub(super) fn keys_of(&self, tag: &str) -> Vec<Arc<str>> {
        self.index().keys_of(tag)
    }

    pub(super) fn keys_where(&self, select: impl Fn(&str) -> bool) -> Vec<Arc<str>> {
        self.index().keys_where(select)
    }

    pub(super) fn totals(&self) -> (u64, u64) {
        self.index().totals()
    }

    fn index(&self) -> MutexGuard<'_, Index> {
        self.index.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The file at a path, if there is one.
fn opened(path: &Path) -> io::Result<Option<fs::File>> {
    match fs::File::open(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
