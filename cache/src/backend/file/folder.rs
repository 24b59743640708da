//! The files themselves: names, atomic replacement, removal.
//!
//! 256 folders of two hex digits hold the files, so that none grows to where a file system is slow.

use std::fs::{self, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use xxhash_rust::xxh3::xxh3_128;

use super::record::{self, Head};
use crate::entry::Entry;
use crate::error::CacheError;

/// What a file that is being written is called, before a number.
const UNFINISHED: &str = "unfinished-";
/// Marks a folder as ours, and is locked while a cache uses it.
const LOCK: &str = "cache.lock";
/// How long to wait for the lock.
const LOCK_WAIT: Duration = Duration::from_secs(1);
/// File systems give out space in blocks of this many bytes.
const BLOCK_BYTES: u64 = 4096;

/// A folder that this cache alone uses.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    next_unfinished: AtomicU64,
    /// The lock goes with this handle.
    _lock: fs::File,
}

impl Folder {
    /// Makes the folder, if there is none, and locks it.
    pub(super) fn open(path: &Path) -> Result<Self, CacheError> {
        let refused = |reason: String| CacheError::Open { path: path.display().to_string(), reason };
        let opened = || -> io::Result<Result<fs::File, String>> {
            fs::create_dir_all(path)?;
            let is_ours = path.join(LOCK).try_exists()?;
            if !is_ours && fs::read_dir(path)?.next().is_some() {
                return Ok(Err("it is not empty and no cache made it: name another folder".to_owned()));
            }
            let lock = OpenOptions::new().create(true).truncate(false).write(true).open(path.join(LOCK))?;
            if !is_locked_soon(&lock) {
                return Ok(Err("another cache uses it: give each its own folder".to_owned()));
            }
            for number in 0..=u8::MAX {
                fs::create_dir_all(path.join(format!("{number:02x}")))?;
            }
            Ok(Ok(lock))
        };
        let lock = opened().map_err(|error| refused(error.to_string()))?.map_err(refused)?;
        Ok(Self { path: path.to_owned(), next_unfinished: AtomicU64::new(0), _lock: lock })
    }

    /// Where the entry of a key is: `ab/` and 30 hex digits more of xxh3-128.
    pub(super) fn place(&self, key: &str) -> PathBuf {
        let name = format!("{:032x}", xxh3_128(key.as_bytes()));
        let (folder, file) = name.split_at(2);
        self.path.join(folder).join(file)
    }

    /// Writes a file beside its place; it is [`Unfinished`] until it is put there.
    pub(super) fn write(&self, head: &Head, entry: &Entry) -> io::Result<Unfinished> {
        let number = self.next_unfinished.fetch_add(1, Ordering::Relaxed);
        let place = self.place(&head.key);
        let path = place.with_file_name(format!("{UNFINISHED}{number}"));
        let file = fs::File::create(&path)?;
        // From here on, a file that fails is removed when it is dropped.
        let mut unfinished = Unfinished { path: Some(path), place, size_bytes: 0 };
        let mut out = BufWriter::new(file);
        record::write(head, entry, &mut out)?;
        out.flush()?;
        unfinished.size_bytes = blocks(out.get_ref().metadata()?.len());
        Ok(unfinished)
    }

    /// Calls `found` for each file with its head, and removes what is damaged, misplaced or
    /// unfinished.
    pub(super) fn scan(&self, mut found: impl FnMut(Head, u64)) -> io::Result<()> {
        for number in 0..=u8::MAX {
            for file in fs::read_dir(self.path.join(format!("{number:02x}")))? {
                let path = file?.path();
                match self.head_of(&path) {
                    Ok(Some((head, size_bytes))) => found(head, size_bytes),
                    Ok(None) => remove(&path).map(|_| ())?,
                    Err(error) => {
                        tracing::warn!(path = %path.display(), %error, "left out a file of the cache");
                    }
                }
            }
        }
        Ok(())
    }

    /// The head of a file that is where its key belongs.
    fn head_of(&self, path: &Path) -> io::Result<Option<(Head, u64)>> {
        let mut file = fs::File::open(path)?;
        let head = record::read_head(&mut file)?.filter(|head| self.place(&head.key) == path);
        let size_bytes = blocks(file.metadata()?.len());
        Ok(head.map(|head| (head, size_bytes)))
    }
}

/// Locks the folder, and waits for a cache that was dropped to end its last call.
fn is_locked_soon(lock: &fs::File) -> bool {
    let deadline = Instant::now() + LOCK_WAIT;
    while lock.try_lock().is_err() {
        if Instant::now() >= deadline {
            return false;
        }
        thread::sleep(Duration::from_millis(10));
    }
    true
}

/// A written file that is not yet in its place. It is removed unless it gets there.
#[derive(Debug)]
pub(super) struct Unfinished {
    path: Option<PathBuf>,
    place: PathBuf,
    pub(super) size_bytes: u64,
}

impl Unfinished {
    /// Puts the file in its place.
    pub(super) fn put(mut self) -> io::Result<()> {
        if let Some(path) = &self.path {
            fs::rename(path, &self.place)?;
        }
        self.path = None;
        Ok(())
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if let Some(path) = &self.path {
            let _ = fs::remove_file(path);
        }
    }
}

/// Removes a file; whether it was there.
pub(super) fn remove(path: &Path) -> io::Result<bool> {
    match fs::remove_file(path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// The bytes of the blocks that a file of this size fills.
const fn blocks(size_bytes: u64) -> u64 {
    size_bytes.div_ceil(BLOCK_BYTES) * BLOCK_BYTES
}
