//! A change of rows together with the cached answers that it makes untrue: both happen at the commit,
//! neither without it.
//!
//! Answers are taken out after the database has committed. Before, a reader in between would store
//! the old rows for a whole lifetime; after a rollback, good answers would be gone for nothing.

use hitmark_cache::{CacheError, CacheLayer, Invalidation, QueryCache, Writes};
use sqlx::any::{AnyArguments, AnyRow};
use sqlx::error::DatabaseError;
use sqlx::query::Query;
use sqlx::{Any, Transaction};

use crate::app::Endpoint;
use crate::telemetry::RouteStats;

/// How often a change is tried whose number another request took. Of those who try at once one wins, and
/// there are at most as many as the pool has connections, so this is several times what is needed.
const TRIES: usize = 64;

/// How a write names what it makes untrue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Invalidating {
    /// Everything that was read from its tables: always right, and more than needed.
    Tables,
    /// The keys that the document's rules name: fewer, and not all.
    Rules,
}

impl Invalidating {
    /// The words of the parameter `invalidating`, of which the first stands where none is given.
    pub(crate) const TABLES_FIRST: &[(&str, Self)] = &[("tables", Self::Tables), ("rules", Self::Rules)];
    /// Likewise, for writes whose document is what is measured.
    pub(crate) const RULES_FIRST: &[(&str, Self)] = &[("rules", Self::Rules), ("tables", Self::Tables)];
}

/// Makes a change that takes the next free number, and makes it again if another request was faster.
///
/// # Errors
/// The change's own; after a few tries, that the number is taken too.
pub(crate) async fn numbered<T, E, C>(change: impl Fn() -> C, is_taken: impl Fn(&E) -> bool) -> Result<T, E>
where
    C: Future<Output = Result<T, E>>,
{
    let mut tried = 1;
    loop {
        match change().await {
            Err(error) if tried < TRIES && is_taken(&error) => tried += 1,
            changed => return changed,
        }
    }
}

/// Whether the database says that the number is another's.
pub(crate) fn is_taken(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(DatabaseError::is_unique_violation)
}

/// An open transaction. Dropped without [`commit`](Self::commit) it changes nothing, neither in the
/// database nor in the cache.
#[derive(Debug)]
pub(crate) struct Changes<'a> {
    transaction: Transaction<'static, Any>,
    writes: Writes,
    others: Vec<Invalidation>,
    cache: CacheLayer,
    stats: &'a RouteStats,
}

/// What a commit took out of the cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cleared {
    pub(crate) entries: u64,
    /// Whether the cache could be asked. If not, the invalidation waits for its server.
    pub(crate) is_fresh: bool,
}

impl<'a> Changes<'a> {
    /// Begins a transaction whose queries count for the endpoint.
    pub(crate) async fn begin(endpoint: &'a Endpoint) -> sqlx::Result<Self> {
        let cache = endpoint.app.cache.clone();
        Ok(Self {
            transaction: endpoint.app.database.pool.begin().await?,
            writes: QueryCache::new(cache.clone()).begin(),
            others: Vec::new(),
            cache,
            stats: &endpoint.stats,
        })
    }

    /// Runs a statement that gives one row or none.
    pub(crate) async fn optional(
        &mut self,
        query: Query<'_, Any, AnyArguments>,
    ) -> sqlx::Result<Option<AnyRow>> {
        self.stats.count_query();
        query.fetch_optional(&mut *self.transaction).await
    }

    /// Runs a statement that gives any number of rows.
    pub(crate) async fn all(&mut self, query: Query<'_, Any, AnyArguments>) -> sqlx::Result<Vec<AnyRow>> {
        self.stats.count_query();
        query.fetch_all(&mut *self.transaction).await
    }

    /// The transaction changes this table: all that was read from it goes at the commit.
    pub(crate) fn table(&mut self, table: &str) {
        self.writes.table(table);
    }

    /// This goes at the commit, with what follows from it.
    pub(crate) fn invalidate(&mut self, what: Invalidation) {
        self.others.push(what);
    }

    /// Commits, and then takes the answers out. Both are done to the end, even if the client that
    /// asked for them goes away in between.
    ///
    /// # Errors
    /// If the database did not say that it has committed. Where it did not say that it has refused
    /// either, as when the connection broke, the answers are taken out all the same.
    pub(crate) async fn commit(self) -> sqlx::Result<Cleared> {
        let Self { transaction, writes, others, cache, stats } = self;
        let route = stats.route();
        let work = async move {
            let committed = transaction.commit().await;
            if matches!(committed, Err(sqlx::Error::Database(_))) {
                return committed.map(|()| Cleared { entries: 0, is_fresh: true });
            }
            let mut cleared = Cleared { entries: 0, is_fresh: true };
            cleared.add(writes.commit().await);
            for what in others {
                cleared.add(cache.invalidate(&what).await);
            }
            let Cleared { entries, is_fresh } = cleared;
            tracing::info!(target: "change", route, cleared = entries, is_fresh, "rows changed");
            committed.map(|()| cleared)
        };
        tokio::spawn(work).await.unwrap_or(Err(sqlx::Error::WorkerCrashed))
    }
}

impl Cleared {
    fn add(&mut self, answer: Result<u64, CacheError>) {
        match answer {
            Ok(entries) => self.entries += entries,
            Err(error) => {
                tracing::warn!(%error, "cached answers could not be taken out yet");
                self.is_fresh = false;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[tokio::test]
    async fn a_taken_number_is_tried_again_and_nothing_else_is() {
        for (fails, error, expected) in
            [(0, "taken", 1), (2, "taken", 3), (99, "taken", TRIES), (99, "lost", 1)]
        {
            let tries = Cell::new(0_usize);
            let change = || async {
                tries.set(tries.get() + 1);
                if tries.get() > fails { Ok(()) } else { Err(error) }
            };
            let changed = numbered(change, |error| *error == "taken").await;
            assert_eq!((tries.get(), changed.is_ok()), (expected, fails < TRIES), "{fails} {error}");
        }
    }
}
