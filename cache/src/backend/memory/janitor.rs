//! Frees expired entries that nobody looks up.
//!
//! A thread of its own, since a cache can be made where no runtime is. It sleeps while nothing can
//! have expired, holds no lock for longer than one entry, and uses at most a twentieth of a core.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use super::Store;
use crate::clock::UnixMs;

/// How often it looks whether something has expired.
const ROUND: Duration = Duration::from_secs(1);
/// For each unit of time spent on a sweep, how many pass until the next.
const REST: u32 = 20;

/// The running thread. It ends when this is dropped.
#[derive(Debug)]
pub(super) struct Janitor {
    _employed: Sender<()>,
}

impl Janitor {
    /// Starts the thread. Without one, entries still expire, but their memory is freed only when they
    /// are looked up or displaced.
    pub(super) fn hire(store: &Arc<Store>) -> Option<Self> {
        let (employed, dismissed) = channel();
        let store = Arc::clone(store);
        let work = move || work(&store, &dismissed);
        match thread::Builder::new().name("cache-janitor".to_owned()).spawn(work) {
            Ok(_) => Some(Self { _employed: employed }),
            Err(error) => {
                tracing::warn!(%error, "no thread to free expired cache entries; lookups and evictions will");
                None
            }
        }
    }
}

fn work(store: &Store, dismissed: &Receiver<()>) {
    let mut rest = ROUND;
    while let Err(RecvTimeoutError::Timeout) = dismissed.recv_timeout(rest) {
        let started = Instant::now();
        if store.next_expiry_ms.load(Ordering::Relaxed) <= UnixMs::now().0 {
            store.sweep();
        }
        rest = ROUND.max(started.elapsed() * REST);
    }
}

impl Store {
    /// Removes what has expired; how many.
    pub(super) fn sweep(&self) -> u64 {
        // Sets during the sweep lower it again.
        self.next_expiry_ms.store(u64::MAX, Ordering::Relaxed);
        let now = UnixMs::now();
        let (mut removed, mut next_ms) = (0, u64::MAX);
        for (key, kept) in self.entries.iter() {
            if kept.until <= now {
                self.remove_this(&key, kept.generation);
                removed += 1;
            } else {
                next_ms = next_ms.min(kept.until.0);
            }
        }
        self.next_expiry_ms.fetch_min(next_ms, Ordering::Relaxed);
        removed
    }
}
