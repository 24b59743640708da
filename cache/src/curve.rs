//! The tap before the sample of the live miss-ratio curve: which lookups reach it, and at what cost.
//!
//! A lookup whose key is not sampled costs one comparison with an atomic: no lock, nothing written.
//! One that is sampled takes its place in a short row, whose lock is held for a few instructions. Every
//! so many of them, one takes the whole row in: the sample's trees are far larger than what is at hand
//! in a processor's nearest cache, so that many lookups at once cost each of them a fraction. What finds
//! no room in the row is left out and counted. What the sample adds up to is the business of
//! `hitmark_schema::curve`.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};

use hitmark_schema::curve::{Sampler, SamplerConfig};
use hitmark_schema::exposition::Family;

use crate::clock::UnixMs;
use crate::key::Key;

/// What waits for the sample is taken in from so many on: some ten microseconds, which one lookup bears.
const BATCH: usize = 64;
/// What waits at most: what comes while the holder of the sample is off the processor.
const WAITING_MAX: usize = 1_024;
/// How often the row is tried, whose holder is gone in a moment if it is on a processor.
const TRIES: u32 = 64;

/// The sample of a layer and what stands before it.
#[derive(Debug)]
pub(crate) struct Tap {
    threshold: Threshold,
    sample: Mutex<Sample>,
    waiting: Mutex<Vec<Seen>>,
    dropped: AtomicU64,
    /// Lookups that a caller's lookup caused beside itself.
    repeated: AtomicU64,
    /// What an entry takes beside its key and value.
    overhead_bytes: usize,
}

#[derive(Debug)]
struct Sample {
    sampler: Sampler,
    /// Takes the place of the row that waits, so that its lock is not held while it is taken in.
    spare: Vec<Seen>,
}

/// What happened to a sampled key, with the weight of its value where it is known.
#[derive(Debug, Clone, Copy)]
struct Seen {
    fingerprint: u64,
    bytes: Option<u32>,
    what: What,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    Lookup,
    Store,
}

/// On its own cache lines: every lookup reads it, and what stands beside it is written.
#[derive(Debug)]
#[repr(align(128))]
struct Threshold(AtomicU64);

impl Tap {
    pub(crate) fn new(config: SamplerConfig, overhead_bytes: usize) -> Self {
        let sampler = Sampler::new(config, UnixMs::now().0, 0);
        Self {
            threshold: Threshold(AtomicU64::new(sampler.threshold())),
            sample: Mutex::new(Sample { sampler, spare: Vec::with_capacity(WAITING_MAX) }),
            waiting: Mutex::new(Vec::with_capacity(WAITING_MAX)),
            dropped: AtomicU64::new(0),
            repeated: AtomicU64::new(0),
            overhead_bytes,
        }
    }

    /// Whether a key is in the sample.
    #[inline]
    pub(crate) fn has(&self, fingerprint: u64) -> bool {
        fingerprint <= self.threshold.0.load(Ordering::Relaxed)
    }

    /// A caller's lookup of a key that is in the sample, with the bytes of what it found. `lookups` counts
    /// all of them so far.
    pub(crate) fn sampled(
        &self,
        key: &Key,
        fingerprint: u64,
        found_bytes: Option<usize>,
        now: UnixMs,
        lookups: impl Fn() -> u64,
    ) {
        let bytes = found_bytes.map(|bytes| self.weight(key, bytes));
        if self.wait(Seen { fingerprint, bytes, what: What::Lookup }) < BATCH {
            return;
        }
        // Who has the sample takes what waits when its time comes.
        if let Ok(mut sample) = self.sample.try_lock() {
            self.take_in(&mut sample, now, lookups);
        }
    }

    /// Puts something into the row; how much waits there.
    fn wait(&self, seen: Seen) -> usize {
        let Some(mut waiting) = self.row() else {
            self.left_out(seen.what);
            return 0;
        };
        let room = match seen.what {
            What::Lookup => WAITING_MAX,
            // What is stored without being looked up must not keep lookups out.
            What::Store => WAITING_MAX / 2,
        };
        if waiting.len() < room {
            waiting.push(seen);
        } else {
            self.left_out(seen.what);
        }
        waiting.len()
    }

    fn left_out(&self, what: What) {
        if what == What::Lookup {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// The row; none if its holder is off the processor, for which no lookup waits.
    fn row(&self) -> Option<MutexGuard<'_, Vec<Seen>>> {
        for _ in 0..TRIES {
            match self.waiting.try_lock() {
                Ok(waiting) => return Some(waiting),
                Err(TryLockError::Poisoned(poisoned)) => return Some(poisoned.into_inner()),
                Err(TryLockError::WouldBlock) => std::hint::spin_loop(),
            }
        }
        None
    }

    /// Gives the sample what waited for it.
    fn take_in(&self, sample: &mut Sample, now: UnixMs, lookups: impl Fn() -> u64) {
        let Sample { sampler, spare } = sample;
        match self.row() {
            Some(mut waiting) => std::mem::swap(&mut *waiting, spare),
            None => return,
        }
        for seen in spare.drain(..) {
            match (seen.what, seen.bytes) {
                (What::Lookup, bytes) => {
                    sampler.add(seen.fingerprint, bytes, now.0, || self.lookups(lookups()));
                }
                (What::Store, Some(bytes)) => sampler.resize(seen.fingerprint, bytes),
                (What::Store, None) => {}
            }
        }
        self.threshold.0.store(sampler.threshold(), Ordering::Relaxed);
    }

    /// A value was stored: the size of a key whose lookup could not know it.
    pub(crate) fn stored(&self, key: &Key, bytes: usize) {
        let fingerprint = key.fingerprint();
        if self.has(fingerprint) {
            let bytes = Some(self.weight(key, bytes));
            self.wait(Seen { fingerprint, bytes, what: What::Store });
        }
    }

    /// The same caller asks the store once more.
    pub(crate) fn again(&self) {
        self.repeated.fetch_add(1, Ordering::Relaxed);
    }

    /// The curve as it stands. `lookups` counts all that the store was asked for so far.
    pub(crate) fn families(&self, backend: &str, lookups: u64, capacity_bytes: Option<u64>) -> Vec<Family> {
        let now = UnixMs::now();
        let mut sample = self.lock();
        self.take_in(&mut sample, now, || lookups);
        let curve = sample.sampler.curve(now.0, self.lookups(lookups));
        let sampled = sample.sampler.sampled();
        drop(sample);
        curve.families(backend, sampled, self.dropped.load(Ordering::Relaxed), capacity_bytes)
    }

    /// The lookups of callers.
    fn lookups(&self, all: u64) -> u64 {
        all.saturating_sub(self.repeated.load(Ordering::Relaxed))
    }

    fn weight(&self, key: &Key, bytes: usize) -> u32 {
        u32::try_from(key.as_str().len() + bytes + self.overhead_bytes).unwrap_or(u32::MAX)
    }

    fn lock(&self) -> MutexGuard<'_, Sample> {
        self.sample.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
