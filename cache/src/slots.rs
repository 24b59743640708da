//! A bounded memory of keys: a fixed number of slots, one for each fingerprint's place. A newcomer
//! takes the place of whoever is there. So it costs the same for ten keys and for ten million, and
//! what it says of a key is either true or nothing, up to the chance of two equal fingerprints of
//! 64 bits.

use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Slots are spread over this many locks.
const SHARDS: usize = 16;

#[derive(Debug)]
pub(crate) struct Slots<T> {
    hasher: RandomState,
    slots_per_shard: usize,
    /// Empty until the first is kept.
    shards: [Mutex<Vec<Slot<T>>>; SHARDS],
}

/// A fingerprint and what is known of it.
type Slot<T> = Option<(u64, T)>;

impl<T: Clone> Slots<T> {
    /// Room for so many keys at most, rounded up to a multiple of the shards.
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            hasher: RandomState::new(),
            slots_per_shard: capacity.div_ceil(SHARDS).max(1),
            shards: std::array::from_fn(|_| Mutex::default()),
        }
    }

    /// What is known of a key.
    pub(crate) fn get(&self, key: &(impl Hash + ?Sized)) -> Option<T> {
        let (shard, slot, fingerprint) = self.place(key);
        let known = self.lock(shard).get(slot)?.as_ref().filter(|(of, _)| *of == fingerprint).cloned();
        known.map(|(_, value)| value)
    }

    /// Changes what is known of a key, from nothing if need be.
    pub(crate) fn update(&self, key: &(impl Hash + ?Sized), change: impl FnOnce(Option<T>) -> T) {
        let (shard, slot, fingerprint) = self.place(key);
        let mut slots = self.lock(shard);
        if slots.is_empty() {
            slots.resize(self.slots_per_shard, None);
        }
        let known = slots[slot].take().filter(|(of, _)| *of == fingerprint).map(|(_, value)| value);
        slots[slot] = Some((fingerprint, change(known)));
    }

    fn place(&self, key: &(impl Hash + ?Sized)) -> (usize, usize, u64) {
        let fingerprint = self.hasher.hash_one(key);
        let shard = fingerprint as usize % SHARDS;
        (shard, (fingerprint >> 32) as usize % self.slots_per_shard, fingerprint)
    }

    fn lock(&self, shard: usize) -> MutexGuard<'_, Vec<Slot<T>>> {
        self.shards[shard].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_says_the_truth_or_nothing_and_never_grows() {
        let slots = Slots::new(64);
        for key in 0..10_000_u32 {
            slots.update(&key, |known| known.unwrap_or_default() + key);
            assert_eq!(slots.get(&key), Some(key));
        }
        let known: Vec<u32> = (0..10_000).filter(|key| slots.get(key).is_some()).collect();
        assert!((1..=64).contains(&known.len()), "{}", known.len());
        assert!(known.iter().all(|key| slots.get(key) == Some(*key)));
    }
}
