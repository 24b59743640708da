//! Stack distances as requests come, of at most so many keys.
//!
//! Olken's method (1981), like the one over a whole trace: every key marks the time of its last
//! request, and the distance of a request is the number of marks after its key's own. Here time is a
//! row of slots that is closed up whenever it has come to its end, so memory does not grow.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use super::fenwick::Fenwick;

/// Slots for each key: so many requests lie between two closings of the row.
const SLOTS_PER_KEY: usize = 4;
/// Keys at most, so that their number has room above their bytes.
pub(super) const KEYS_MAX: usize = (1 << (64 - BYTES_BITS)) - 1;
/// So many bits hold the bytes of that many keys of four gigabytes each.
const BYTES_BITS: u32 = 48;

/// The keys of a sample in the order of their last requests. Nothing is allocated after it was made.
#[derive(Debug)]
pub(super) struct Stack {
    /// The slot of each key.
    places: HashMap<u64, u32, BuildHasherDefault<AsItIs>>,
    slots: Vec<Slot>,
    /// Slots before this have been used.
    next: usize,
    /// A mark for each key with its bytes, in one number: one way through one tree adds up both.
    marks: Fenwick<u64>,
    live_bytes: u64,
}

/// Keys are hashes already, whose bits are all good.
#[derive(Debug, Default)]
struct AsItIs(u64);

impl Hasher for AsItIs {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, hash: u64) {
        // The sample holds the smallest hashes: their upper bits, by which a table tells its entries
        // apart, are all zero.
        self.0 = hash.rotate_right(16);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// One key of so many bytes.
const fn mark(bytes: u32) -> u64 {
    1 << BYTES_BITS | bytes as u64
}

/// The last request of a key.
#[derive(Debug, Clone, Copy, Default)]
struct Slot {
    hash: u64,
    bytes: u32,
    /// When it was, counted from 1; 0 for a slot whose key has been asked for again.
    epoch: u32,
}

/// How far back a key's last request lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Distance {
    /// Keys that were asked for since, and itself.
    pub(super) entries: u64,
    /// Their bytes.
    pub(super) bytes: u64,
}

impl Stack {
    pub(super) fn new(keys_max: usize) -> Self {
        let slots = keys_max * SLOTS_PER_KEY;
        Self {
            places: HashMap::with_capacity_and_hasher(keys_max + 1, BuildHasherDefault::default()),
            slots: vec![Slot::default(); slots],
            next: 0,
            marks: Fenwick::new(slots),
            live_bytes: 0,
        }
    }

    /// How many keys it holds.
    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    /// The bytes of these keys, each with its last known size.
    pub(super) const fn bytes(&self) -> u64 {
        self.live_bytes
    }

    /// A request: the distance to the key's last one, none for its first. Without a size, the last
    /// known one holds.
    pub(super) fn touch(&mut self, hash: u64, bytes: Option<u32>, epoch: u32) -> Option<Distance> {
        if self.next == self.slots.len() {
            self.retain(|_, _| true);
        }
        let now = self.next;
        self.next += 1;
        let before = self.places.insert(hash, now as u32);
        let old = before.map(|before| self.take(before as usize));
        let bytes = bytes.or(old.map(|(slot, _)| slot.bytes)).unwrap_or_default();
        self.slots[now] = Slot { hash, bytes, epoch };
        self.marks.add(now, mark(bytes));
        self.live_bytes += u64::from(bytes);
        old.map(|(_, after)| Distance { entries: after.entries + 1, bytes: after.bytes + u64::from(bytes) })
    }

    /// Corrects the size of a key that it holds.
    pub(super) fn resize(&mut self, hash: u64, bytes: u32) {
        let Some(place) = self.places.get(&hash).map(|place| *place as usize) else { return };
        let before = std::mem::replace(&mut self.slots[place].bytes, bytes);
        self.marks.subtract(place, mark(before));
        self.marks.add(place, mark(bytes));
        self.live_bytes = self.live_bytes - u64::from(before) + u64::from(bytes);
    }

    /// Takes a key's mark away; what there is after it.
    fn take(&mut self, place: usize) -> (Slot, Distance) {
        let slot = std::mem::take(&mut self.slots[place]);
        self.marks.subtract(place, mark(slot.bytes));
        self.live_bytes -= u64::from(slot.bytes);
        // The key itself stands in `places` already, but has no mark yet.
        let marks = self.places.len() as u64 - 1;
        let before = self.marks.sum_through(place);
        let (entries, bytes) = (before >> BYTES_BITS, before & ((1 << BYTES_BITS) - 1));
        (slot, Distance { entries: marks - entries, bytes: self.live_bytes - bytes })
    }

    /// Keeps the keys that `keep` chooses by hash and epoch, and closes up the row.
    pub(super) fn retain(&mut self, keep: impl Fn(u64, u32) -> bool) {
        let mut kept = 0;
        for place in 0..self.next {
            let slot = self.slots[place];
            if slot.epoch == 0 {
                continue;
            }
            if keep(slot.hash, slot.epoch) {
                self.slots[kept] = slot;
                self.places.insert(slot.hash, kept as u32);
                kept += 1;
            } else {
                self.places.remove(&slot.hash);
                self.live_bytes -= u64::from(slot.bytes);
            }
        }
        self.slots[kept..self.next].fill(Slot::default());
        self.next = kept;
        self.marks.refill(self.slots[..kept].iter().map(|slot| mark(slot.bytes)));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The same by looking: keys in a row, the last asked for at the end.
    #[derive(Default)]
    struct Row(Vec<(u64, u32)>);

    impl Row {
        fn touch(&mut self, hash: u64, bytes: Option<u32>) -> Option<Distance> {
            let place = self.0.iter().position(|(held, _)| *held == hash);
            let old = place.map(|place| self.0.remove(place).1);
            let bytes = bytes.or(old).unwrap_or_default();
            let after = place.map(|place| &self.0[place..]);
            let distance = after.map(|after| Distance {
                entries: after.len() as u64 + 1,
                bytes: after.iter().map(|(_, bytes)| u64::from(*bytes)).sum::<u64>() + u64::from(bytes),
            });
            self.0.push((hash, bytes));
            distance
        }
    }

    proptest! {
        #[test]
        fn distances_are_those_that_one_counts_by_hand(
            requests in proptest::collection::vec((0_u64..20, proptest::option::of(0_u32..100)), 0..300),
        ) {
            // Twenty keys at most, so 80 slots: the row is closed up again and again.
            let (mut stack, mut row) = (Stack::new(20), Row::default());
            for (hash, bytes) in requests {
                prop_assert_eq!(stack.touch(hash, bytes, 1), row.touch(hash, bytes));
                prop_assert_eq!(stack.len(), row.0.len());
                prop_assert_eq!(stack.bytes(), row.0.iter().map(|(_, bytes)| u64::from(*bytes)).sum::<u64>());
            }
        }
    }

    #[test]
    fn keys_that_are_not_kept_are_as_if_they_had_never_been() {
        let mut stack = Stack::new(8);
        for hash in 0..8 {
            stack.touch(hash, Some(10), 1);
        }
        stack.resize(6, 30);
        stack.retain(|hash, _| hash % 2 == 0);
        assert_eq!((stack.len(), stack.bytes()), (4, 60));
        assert_eq!(stack.touch(2, None, 2), Some(Distance { entries: 3, bytes: 50 }));
        assert_eq!(stack.touch(1, Some(1), 2), None);
        stack.retain(|_, epoch| epoch == 2);
        assert_eq!((stack.len(), stack.bytes()), (2, 11));
    }
}
