//! Which entries carry a tag: what lets a tag be deleted without looking at other entries.
//!
//! The index holds each entry by its generation, a number that grows. It holds no entry that the
//! cache has not: whoever removes one forgets it here. A hit never comes here.
//!
//! An entry is put into cache and index while the locks of its tags are held, and a deletion holds
//! its tag's lock while it removes. So a deletion sees an entry in both or in neither.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::kept::Kept;
use crate::tag::Tag;

/// Locks of the index. Sets of different tags seldom meet.
const SHARDS: usize = 64;

/// Keys by tag and generation of their entry: the members of a tag are neighbours, oldest first. One
/// tree and not one for each tag, since most tags have few members and a tree has a least size.
type Shard = BTreeMap<(Arc<str>, u64), Arc<str>>;

/// Tags, and who carries them.
#[derive(Debug)]
pub(super) struct TagIndex {
    shards: Box<[Mutex<Shard>]>,
    hasher: RandomState,
    next_generation: AtomicU64,
}

/// What one turn of a deletion removed.
#[derive(Debug)]
pub(super) struct Turn {
    /// Entries that other tags still hold in the index.
    pub(super) removed: Vec<Kept>,
    /// None is left that was there when the deletion began.
    pub(super) is_last: bool,
}

impl TagIndex {
    pub(super) fn new() -> Self {
        Self {
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            hasher: RandomState::new(),
            next_generation: AtomicU64::new(0),
        }
    }

    /// Runs `insert` with the entry's generation and the names of its tags, and adds the key to each
    /// of them. No deletion of one of these tags runs meanwhile.
    pub(super) fn while_adding(
        &self,
        tags: &[Tag],
        key: &Arc<str>,
        insert: impl FnOnce(u64, Option<Arc<[Arc<str>]>>),
    ) {
        if tags.is_empty() {
            return insert(self.next_generation.fetch_add(1, Ordering::Relaxed), None);
        }
        // In one order everywhere, so that two sets cannot wait for each other.
        let mut numbers: Vec<usize> = tags.iter().map(|tag| self.number(tag.as_str())).collect();
        numbers.sort_unstable();
        numbers.dedup();
        let mut guards: Vec<MutexGuard<'_, Shard>> = numbers.iter().map(|at| self.lock(*at)).collect();
        let generation = self.next_generation.fetch_add(1, Ordering::Relaxed);
        let names = tags.iter().map(|tag| {
            let name: Arc<str> = tag.as_str().into();
            let at = numbers.binary_search(&self.number(&name)).unwrap_or_default();
            guards[at].insert((Arc::clone(&name), generation), Arc::clone(key));
            name
        });
        let names = names.collect();
        insert(generation, Some(names));
    }

    /// Takes at most `limit` of the tag's oldest members and removes them by `remove`, with the tag
    /// locked. Leaves those that came after the first turn, which sets `until`.
    pub(super) fn take(
        &self,
        tag: &Tag,
        until: &mut Option<u64>,
        limit: usize,
        remove: impl Fn(&str, u64) -> Option<Kept>,
    ) -> Turn {
        let mut shard = self.lock(self.number(tag.as_str()));
        let until = *until.get_or_insert_with(|| self.next_generation.load(Ordering::Relaxed));
        let name: Arc<str> = tag.as_str().into();
        let members = (Arc::clone(&name), 0)..(name, until);
        let turn: Vec<_> =
            shard.range(members.clone()).take(limit).map(|(member, _)| member.clone()).collect();
        let mut removed = Vec::with_capacity(turn.len());
        for member in turn {
            if let Some(key) = shard.remove(&member) {
                removed.extend(remove(&key, member.1));
            }
        }
        let is_last = shard.range(members).next().is_none();
        Turn { removed, is_last }
    }

    /// Takes an entry, which is no longer in the cache, from all its tags.
    pub(super) fn forget(&self, kept: &Kept) {
        for tag in kept.tags.iter().flat_map(|tags| tags.iter()) {
            self.lock(self.number(tag)).remove(&(Arc::clone(tag), kept.generation));
        }
    }

    /// How many tags there are, and how many memberships in all of them.
    #[cfg(test)]
    pub(super) fn sizes(&self) -> (usize, usize) {
        let shards = (0..SHARDS).map(|at| self.lock(at));
        shards.fold((0, 0), |(tags, members), shard| {
            let mut names: Vec<&Arc<str>> = shard.keys().map(|(name, _)| name).collect();
            names.dedup();
            (tags + names.len(), members + shard.len())
        })
    }

    fn number(&self, tag: &str) -> usize {
        // The remainder is below 64.
        (self.hasher.hash_one(tag) % SHARDS as u64) as usize
    }

    fn lock(&self, at: usize) -> MutexGuard<'_, Shard> {
        self.shards[at].lock().unwrap_or_else(PoisonError::into_inner)
    }
}
