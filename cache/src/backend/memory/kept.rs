//! What the memory backend keeps under a key, what that weighs, and who hears of its end.

use std::sync::Arc;

use quick_cache::{Lifecycle, Weighter};

use crate::clock::UnixMs;
use crate::entry::Entry;

/// What one entry takes beside its key and value, so that a million empty values are not free: the
/// growth of the process per entry with a million entries on 64-bit Linux, glibc's allocator (the test
/// `memory_size` watches it).
pub(crate) const ENTRY_OVERHEAD_BYTES: usize = 264;

/// What each tag of an entry takes in the index of tags, measured in the same way with tags of one
/// entry each, which is the worst.
pub(super) const TAG_OVERHEAD_BYTES: usize = 160;

/// An entry with what the index of tags must know of it.
#[derive(Debug, Clone)]
pub(super) struct Kept {
    pub(super) entry: Entry,
    /// Until when it is served: its own `kept_until`, or less where it is a copy of what another store
    /// holds.
    pub(super) until: UnixMs,
    /// What such a copy is good for, to whoever made it.
    pub(super) stamp: u64,
    /// Tells it from every other entry of this cache, before and after it under the same key.
    pub(super) generation: u64,
    /// The names of its tags, shared with the index; most entries have none.
    pub(super) tags: Option<Arc<[Arc<str>]>>,
}

/// Weighs in bytes of memory.
#[derive(Debug, Clone, Copy)]
pub(super) struct Weigher;

impl Weighter<Arc<str>, Kept> for Weigher {
    fn weight(&self, key: &Arc<str>, kept: &Kept) -> u64 {
        let tags = kept.tags.as_ref().map_or(0, |tags| tags.len());
        let bytes = key.len() + kept.entry.value.len() + ENTRY_OVERHEAD_BYTES + tags * TAG_OVERHEAD_BYTES;
        bytes as u64
    }
}

/// Hears of entries that were evicted or replaced.
#[derive(Debug, Clone, Copy)]
pub(super) struct Notify;

/// What one insertion displaced. It is dropped after the locks are gone.
#[derive(Debug, Default)]
pub(super) struct Dropped {
    /// Entries that must leave the index of tags.
    pub(super) tagged: Vec<Kept>,
    /// The last of the others, and those before it: values may be large, so that freeing them takes time.
    plain: Vec<Kept>,
}

impl Lifecycle<Arc<str>, Kept> for Notify {
    type RequestState = Dropped;

    fn on_evict(&self, dropped: &mut Dropped, _key: Arc<str>, kept: Kept) {
        match kept.tags {
            Some(_) => dropped.tagged.push(kept),
            None => dropped.plain.push(kept),
        }
    }
}
