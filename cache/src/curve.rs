//! The tap before the sample of the live miss-ratio curve: which lookups reach it, and at what cost.
//!
//! A lookup whose key is not sampled costs one comparison with an atomic: no lock, nothing written.
//! One that is sampled takes the sample's lock only if it is free; otherwise it waits its turn in a short
//! row, whose own lock is held for a few instructions, and whoever has the sample next takes it in. What
//! finds no room there is left out and counted. What the sample adds up to is the business of
//! `hitmark_schema::curve`.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use hitmark_schema::curve::{Sampler, SamplerConfig};
use hitmark_schema::exposition::Family;

use crate::clock::UnixMs;
use crate::key::Key;

/// Lookups that wait for the sample at most: what comes while its holder is off the processor.
const WAITING_MAX: usize = 1_024;

/// The sample of a layer and what stands before it.
#[derive(Debug)]
pub(crate) struct Tap {
    threshold: Threshold,
    sample: Mutex<Sample>,
    waiting: Mutex<Vec<Lookup>>,
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
    spare: Vec<Lookup>,
}

/// A sampled lookup, with the weight of what it found.
#[derive(Debug, Clone, Copy)]
struct Lookup {
    fingerprint: u64,
    bytes: Option<u32>,
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
        let lookup = Lookup { fingerprint, bytes: found_bytes.map(|bytes| self.weight(key, bytes)) };
        let Ok(mut sample) = self.sample.try_lock() else {
            self.wait(lookup);
            return;
        };
        self.take_in(&mut sample, now, &lookups);
        sample.sampler.add(fingerprint, lookup.bytes, now.0, || self.lookups(lookups()));
        self.threshold.0.store(sample.sampler.threshold(), Ordering::Relaxed);
    }

    fn wait(&self, lookup: Lookup) {
        match self.waiting.try_lock() {
            Ok(mut waiting) if waiting.len() < WAITING_MAX => waiting.push(lookup),
            _ => {
                self.dropped.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// Gives the sample what waited for it.
    fn take_in(&self, sample: &mut Sample, now: UnixMs, lookups: impl Fn() -> u64) {
        let Sample { sampler, spare } = sample;
        match self.waiting.try_lock() {
            Ok(mut waiting) if !waiting.is_empty() => std::mem::swap(&mut *waiting, spare),
            _ => return,
        }
        for lookup in spare.drain(..) {
            sampler.add(lookup.fingerprint, lookup.bytes, now.0, || self.lookups(lookups()));
        }
    }

    /// A value was stored: the size of a key whose lookup could not know it.
    pub(crate) fn stored(&self, key: &Key, bytes: usize) {
        let fingerprint = key.fingerprint();
        if !self.has(fingerprint) {
            return;
        }
        if let Ok(mut sample) = self.sample.try_lock() {
            sample.sampler.resize(fingerprint, self.weight(key, bytes));
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
