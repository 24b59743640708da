//! What the folder holds, in memory: keys, sizes, ends, tags, and the order of last use.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use super::record::Head;
use crate::clock::UnixMs;

/// What is known of each file.
#[derive(Debug, Default)]
pub(super) struct Index {
    files: HashMap<Arc<str>, Known>,
    by_use: BTreeMap<u64, Arc<str>>,
    by_expiry: BTreeSet<(UnixMs, Arc<str>)>,
    by_tag: HashMap<Box<str>, HashSet<Arc<str>>>,
    size_bytes: u64,
    next_use: u64,
}

#[derive(Debug)]
struct Known {
    kept_until: UnixMs,
    size_bytes: u64,
    last_use: u64,
    tags: Vec<Box<str>>,
}

impl Index {
    /// Adds a file in the place of what was under its key.
    pub(super) fn add(&mut self, head: Head, size_bytes: u64) {
        self.remove(&head.key);
        let key: Arc<str> = head.key.into();
        let last_use = self.next_use();
        self.by_use.insert(last_use, Arc::clone(&key));
        self.by_expiry.insert((head.kept_until, Arc::clone(&key)));
        for tag in &head.tags {
            self.by_tag.entry(tag.clone()).or_default().insert(Arc::clone(&key));
        }
        self.size_bytes += size_bytes;
        let known = Known { kept_until: head.kept_until, size_bytes, last_use, tags: head.tags };
        self.files.insert(key, known);
    }

    /// Takes a key out; until when it would have been kept.
    pub(super) fn remove(&mut self, key: &str) -> Option<UnixMs> {
        let (key, known) = self.files.remove_entry(key)?;
        self.by_use.remove(&known.last_use);
        for tag in &known.tags {
            if let Some(members) = self.by_tag.get_mut(tag) {
                members.remove(&key);
                if members.is_empty() {
                    self.by_tag.remove(tag);
                }
            }
        }
        self.size_bytes -= known.size_bytes;
        self.by_expiry.remove(&(known.kept_until, key));
        Some(known.kept_until)
    }

    /// Notes a use; whether the key is there and alive.
    pub(super) fn use_now(&mut self, key: &str) -> bool {
        let last_use = self.next_use();
        let Some(known) = self.files.get_mut(key) else { return false };
        if let Some(key) = self.by_use.remove(&known.last_use) {
            self.by_use.insert(last_use, key);
        }
        known.last_use = last_use;
        known.kept_until > UnixMs::now()
    }

    pub(super) fn is_alive(&self, key: &str) -> bool {
        self.files.get(key).is_some_and(|known| known.kept_until > UnixMs::now())
    }

    /// The key that was used least recently.
    pub(super) fn oldest(&self) -> Option<Arc<str>> {
        self.by_use.first_key_value().map(|(_, key)| Arc::clone(key))
    }

    /// At most so many keys that have expired.
    pub(super) fn expired(&self, limit: usize) -> Vec<Arc<str>> {
        let now = UnixMs::now();
        let expired = self.by_expiry.iter().take_while(|(kept_until, _)| *kept_until <= now);
        expired.take(limit).map(|(_, key)| Arc::clone(key)).collect()
    }

    pub(super) fn keys_of(&self, tag: &str) -> Vec<Arc<str>> {
        self.by_tag.get(tag).into_iter().flatten().map(Arc::clone).collect()
    }

    pub(super) fn keys_where(&self, select: impl Fn(&str) -> bool) -> Vec<Arc<str>> {
        self.files.keys().filter(|key| select(key)).map(Arc::clone).collect()
    }

    /// How many files, and the bytes of their blocks.
    pub(super) fn totals(&self) -> (u64, u64) {
        (self.files.len() as u64, self.size_bytes)
    }

    fn next_use(&mut self) -> u64 {
        self.next_use += 1;
        self.next_use
    }
}
