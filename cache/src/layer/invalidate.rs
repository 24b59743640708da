//! Removal of what is no longer true: first the origin calls that are under way are overtaken, then
//! the store is told, and what a server does not take waits for it.

use super::{CacheLayer, Inner};
use crate::error::CacheError;
use crate::invalidation::{Invalidation, table_tag};
use crate::key::Key;
use crate::metrics::Scope;
use crate::pattern::Pattern;
use crate::tag::Tag;

impl CacheLayer {
    /// Removes the key; whether it was there. An origin call that is under way is not stored, and
    /// callers from now on do not wait for it.
    ///
    /// # Errors
    /// If the backend could not be asked. The deletion then waits for it, and this layer serves
    /// nothing of the backend before it is done; other processes may.
    pub async fn delete(&self, key: &Key) -> Result<bool, CacheError> {
        self.invalidate(&Invalidation::Key(key.clone())).await.map(|removed| removed > 0)
    }

    /// Removes every value that carries the tag; how many there were.
    ///
    /// # Errors
    /// As for [`delete`](Self::delete).
    pub async fn delete_tag(&self, tag: &Tag) -> Result<u64, CacheError> {
        self.invalidate(&Invalidation::Tag(tag.clone())).await
    }

    /// Removes every key that the pattern names; how many there were.
    ///
    /// # Errors
    /// As for [`delete`](Self::delete). Part of the keys may be gone already.
    pub async fn delete_pattern(&self, pattern: &Pattern) -> Result<u64, CacheError> {
        self.invalidate(&Invalidation::Pattern(pattern.clone())).await
    }

    /// Removes every key of this cache, and nothing else that its server may hold.
    ///
    /// # Errors
    /// As for [`delete`](Self::delete). Part of the keys may be gone already.
    pub async fn clear(&self) -> Result<(), CacheError> {
        self.invalidate(&Invalidation::All).await.map(drop)
    }

    /// Removes what the invalidation names and what follows from it by the layer's cascades; how many
    /// keys there were.
    ///
    /// # Errors
    /// As for [`delete`](Self::delete); the first error, after all were tried.
    pub async fn invalidate(&self, what: &Invalidation) -> Result<u64, CacheError> {
        let mut removed = 0;
        let mut failed = None;
        for what in self.inner.cascades.follow(what) {
            match self.inner.invalidate_one(&what).await {
                Ok(keys) => removed += keys,
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        failed.map_or(Ok(removed), Err)
    }
}

impl Inner {
    pub(super) async fn invalidate_one(&self, what: &Invalidation) -> Result<u64, CacheError> {
        self.overtake(what).await;
        // Boxed: it is as large as all backends' deletions together, and would be part of every caller.
        let removal = Box::pin(self.remove(what)).await;
        if let Ok(removed) = &removal.keys {
            self.metrics.invalidated(Scope::of(what), *removed);
        }
        if !self.is_local {
            removal.missed_by.iter().for_each(|part| self.parts[*part].pending.push(what.clone()));
        }
        self.reasons.invalidated(what);
        removal.keys
    }

    /// Sees to it that no origin call that began before is stored.
    pub(super) async fn overtake(&self, what: &Invalidation) {
        let storing = match what {
            Invalidation::Key(key) => self.coalescer.overtake(key),
            Invalidation::Table(table) => {
                let tag = table_tag(table);
                self.coalescer.overtake_where(|_, tags| tags.contains(&tag))
            }
            what => self.coalescer.overtake_where(|key, tags| what.covers(key, tags)),
        };
        storing.ended().await;
    }
}
