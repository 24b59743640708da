//! The shelf: entries and indices under keys of a [`CacheLayer`], and the guard against storing what
//! an invalidation has overtaken.
//!
//! A cache that cannot be asked is a miss, and one that cannot store is no error: the layer's own
//! metrics tell. Nothing here decides what may be served.

use std::hash::{BuildHasher, RandomState};
use std::time::{Duration, SystemTime};

use http::{HeaderMap, HeaderName};

use super::codec::{self, Record};
use super::entry::Entry;
use super::index::{Index, selection_id};
use super::voids::{self, Voids};
use crate::CacheLayer;
use crate::error::CacheError;
use crate::key::Key;

/// How long an index is kept at least, so that it outlives most of its representations.
const INDEX_TTL: Duration = Duration::from_secs(24 * 60 * 60);

/// Entries of responses in a cache.
#[derive(Debug)]
pub(super) struct Shelf {
    cache: CacheLayer,
    max_representations: usize,
    hasher: RandomState,
    voids: Voids,
}

/// What a lookup found.
#[derive(Debug)]
pub(super) enum Found {
    /// Nothing under the URI.
    Nothing,
    /// Responses for the URI, but to other requests; the fields that select among them.
    OtherRepresentations(Vec<HeaderName>),
    /// A response to such a request; it may be stale.
    Entry(Box<Entry>),
}

/// Which of a caller's looks it is: the live curve hears of the first alone, or each miss would be
/// followed by a hit of the same key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    First,
    Again,
}

impl Shelf {
    pub(super) fn new(cache: CacheLayer, max_representations: usize) -> Self {
        Self { cache, max_representations, hasher: RandomState::new(), voids: Voids::default() }
    }

    pub(super) fn cache(&self) -> &CacheLayer {
        &self.cache
    }

    /// Whether what the origin was asked for at this time was invalidated since.
    pub(super) fn is_void(&self, uri: &Key, asked: SystemTime) -> bool {
        self.voids.covers(uri, asked)
    }

    /// The stored response that answers a request with these fields.
    pub(super) async fn find(&self, uri: &Key, request: &HeaderMap, look: Look) -> Found {
        match self.read(uri, look).await {
            None | Some(Record::Void(_)) => Found::Nothing,
            Some(Record::Entry(entry)) if self.is_void(uri, entry.asked) => Found::Nothing,
            Some(Record::Entry(entry)) if entry.answers(request) => Found::Entry(Box::new(entry)),
            Some(Record::Entry(entry)) => Found::OtherRepresentations(entry.fields()),
            Some(Record::Index(index)) => {
                for key in index.candidates(uri, request) {
                    if let Some(Record::Entry(entry)) = self.read(&key, look).await
                        && entry.answers(request)
                        && !self.is_void(uri, entry.asked)
                    {
                        return Found::Entry(Box::new(entry));
                    }
                }
                Found::OtherRepresentations(index.sets.into_iter().next().unwrap_or_default())
            }
        }
    }

    /// Stores an entry for `ttl`, unless its URI was invalidated since it was asked for; whether it is stored.
    pub(super) async fn put(&self, uri: &Key, entry: &Entry, ttl: Duration) -> bool {
        if self.is_void(uri, entry.asked) {
            return false;
        }
        let Some(key) = self.place(uri, entry, ttl).await else { return false };
        if self.cache.set(&key, codec::entry(entry), ttl).await.is_err() {
            return false;
        }
        // An invalidation between the check and the store found nothing to remove. In this process
        // nobody is served the entry; it goes for the sake of others.
        if self.is_void(uri, entry.asked) {
            let _ = self.cache.delete(&key).await;
            let _ = self.cache.delete(uri).await;
            return false;
        }
        true
    }

    /// Removes every response of a URI; whether there was one. Exchanges with the origin that are
    /// under way will not be stored.
    pub(super) async fn remove(&self, uri: &Key) -> Result<bool, CacheError> {
        let now = SystemTime::now();
        self.voids.add(uri, now);
        let was_there =
            matches!(self.read(uri, Look::Again).await, Some(Record::Entry(_) | Record::Index(_)));
        // The note stays for a while, so that other processes do not store what they asked for before.
        self.cache.set(uri, codec::void(now), voids::REMEMBERED).await?;
        Ok(was_there)
    }

    /// Removes one response, and leaves the URI's others.
    pub(super) async fn remove_entry(&self, uri: &Key, entry: &Entry) {
        let key = match self.read(uri, Look::Again).await {
            Some(Record::Index(index)) => index.key(uri, id_of(entry)),
            Some(Record::Entry(_)) => uri.clone(),
            Some(Record::Void(_)) | None => return,
        };
        let _ = self.cache.delete(&key).await;
    }

    /// The key under which an entry goes, after its representation is in the index if the URI has one.
    async fn place(&self, uri: &Key, entry: &Entry, ttl: Duration) -> Option<Key> {
        let mut index = match self.read(uri, Look::Again).await {
            Some(Record::Index(index)) => index,
            Some(Record::Void(at)) if entry.asked <= at => return None,
            _ if entry.selected_by.is_empty() => return Some(uri.clone()),
            _ => Index::new(self.hasher.hash_one(std::time::Instant::now())),
        };
        let id = id_of(entry);
        if let Some(gone) = index.add(entry.fields(), id, self.max_representations) {
            let _ = self.cache.delete(&index.key(uri, gone)).await;
        }
        self.cache.set(uri, codec::index(&index), ttl.max(INDEX_TTL)).await.ok()?;
        Some(index.key(uri, id))
    }

    async fn read(&self, key: &Key, look: Look) -> Option<Record> {
        let found = match look {
            Look::First => self.cache.get(key).await,
            Look::Again => self.cache.peek(key).await,
        };
        codec::read(found.ok()??)
    }
}

/// The number of an entry's representation.
pub(super) fn id_of(entry: &Entry) -> u128 {
    let (fields, values): (Vec<_>, Vec<_>) = entry.selected_by.iter().cloned().unzip();
    selection_id(&fields, &values)
}
