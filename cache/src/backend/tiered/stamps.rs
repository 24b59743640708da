//! What makes a copy void: counters that go up whenever a value may have changed.
//!
//! A copy carries the counters as they stood *before* its value was asked for, and is good only while
//! they still stand so. So a value that was read, then invalidated, then stored is void from the
//! beginning, in whichever order the messages came.

use std::sync::atomic::{AtomicU32, Ordering};

use xxhash_rust::xxh3::xxh3_64;

/// Keys share a counter with one of this many others: two keys meet seldom, and then a copy is read
/// anew without need. 256 KiB.
const SLOTS: usize = 1 << 16;

/// A counter for all keys and one for each slot.
#[derive(Debug)]
pub(super) struct Stamps {
    all: AtomicU32,
    slots: Box<[AtomicU32]>,
}

impl Stamps {
    pub(super) fn new() -> Self {
        Self { all: AtomicU32::new(0), slots: (0..SLOTS).map(|_| AtomicU32::new(0)).collect() }
    }

    /// Both counters of a key. That one wraps to just the same within a copy's life would take four
    /// billion writes in that time.
    pub(super) fn of(&self, key: &[u8]) -> u64 {
        let all = self.all.load(Ordering::SeqCst);
        u64::from(all) << 32 | u64::from(self.slot(key).load(Ordering::SeqCst))
    }

    /// Copies of this key are void.
    pub(super) fn void(&self, key: &[u8]) {
        self.slot(key).fetch_add(1, Ordering::SeqCst);
    }

    /// All copies are void.
    pub(super) fn void_all(&self) {
        self.all.fetch_add(1, Ordering::SeqCst);
    }

    fn slot(&self, key: &[u8]) -> &AtomicU32 {
        // The remainder is below 2^16.
        &self.slots[(xxh3_64(key) % SLOTS as u64) as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_voids_its_key_and_a_loss_voids_all() {
        let stamps = Stamps::new();
        let (before, other) = (stamps.of(b"a"), stamps.of(b"b"));
        stamps.void(b"a");
        assert_ne!(stamps.of(b"a"), before);
        assert_eq!(stamps.of(b"b"), other, "another slot");
        stamps.void_all();
        assert_ne!(stamps.of(b"b"), other);
    }
}
