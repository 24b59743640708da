//! Answers of queries, which a write to one of their tables makes untrue.
//!
//! A read names the tables that it reads; its value carries a tag for each. A write collects the
//! tables that it changes and invalidates them when it is committed: not before, since a reader would
//! store the old state again, and not if it is rolled back.

use std::collections::BTreeSet;
use std::error::Error;
use std::future::Future;

use bytes::Bytes;

use crate::error::{CacheError, OriginError};
use crate::invalidation::{Invalidation, InvalidationTextError, table_tag};
use crate::key::Key;
use crate::layer::CacheLayer;
use crate::policy::Policy;
use crate::served::Served;

/// A layer that knows which tables its values come from. Clones share everything.
#[derive(Debug, Clone)]
pub struct QueryCache {
    layer: CacheLayer,
}

impl QueryCache {
    /// Answers of queries in this layer.
    #[must_use]
    pub const fn new(layer: CacheLayer) -> Self {
        Self { layer }
    }

    /// The answer of a query that reads these tables: as [`CacheLayer::fetch`]. A query of more
    /// tables than a value may carry tags is answered and not stored.
    ///
    /// # Errors
    /// As for [`CacheLayer::fetch`].
    pub async fn fetch<F, Fut, E>(
        &self,
        key: &Key,
        policy: &Policy,
        tables: &[&str],
        query: F,
    ) -> Result<Served, OriginError<E>>
    where
        F: FnOnce() -> Fut + Send,
        Fut: Future<Output = Result<Bytes, E>> + Send + 'static,
        E: Error + Send + Sync + 'static,
    {
        let policy = policy.clone().tags(tables.iter().map(|table| table_tag(table)));
        self.layer.fetch(key, &policy, query).await
    }

    /// A transaction's list of changed tables. Dropped without [`commit`](Writes::commit), as by a
    /// rollback, it changes nothing.
    pub fn begin(&self) -> Writes {
        Writes { layer: self.layer.clone(), tables: BTreeSet::new() }
    }

    /// Applies what another process tells, in the text of an [`Invalidation`]: the payload of a
    /// PostgreSQL NOTIFY, say. How many keys were removed.
    ///
    /// # Errors
    /// If the text is none, or the store could not be asked.
    pub async fn foreign(&self, text: &str) -> Result<u64, ForeignError> {
        Ok(self.layer.invalidate(&text.parse()?).await?)
    }
}

/// Why a foreign write was not applied.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ForeignError {
    /// What was told is no invalidation.
    #[error(transparent)]
    Text(#[from] InvalidationTextError),
    /// The store could not be asked; the invalidation waits for it.
    #[error(transparent)]
    Cache(#[from] CacheError),
}

/// The tables that a transaction changes.
#[derive(Debug)]
#[must_use = "without commit, nothing is invalidated"]
pub struct Writes {
    layer: CacheLayer,
    tables: BTreeSet<String>,
}

impl Writes {
    /// The transaction changes this table.
    pub fn table(&mut self, table: &str) {
        self.tables.insert(table.to_owned());
    }

    /// To be called after the database has committed: every answer that read one of the tables is
    /// gone. How many keys there were.
    ///
    /// # Errors
    /// The first error of the store, after all tables were tried; what failed waits for the store.
    pub async fn commit(self) -> Result<u64, CacheError> {
        let (mut removed, mut failed) = (0, None);
        for table in self.tables {
            match self.layer.invalidate(&Invalidation::Table(table)).await {
                Ok(keys) => removed += keys,
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        failed.map_or(Ok(removed), Err)
    }
}
