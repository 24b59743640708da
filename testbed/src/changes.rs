//! A change of rows together with the cached answers that it makes untrue: both happen at the commit,
//! neither without it.
//!
//! Answers are taken out after the database has committed. Before, a reader in between would store
//! the old rows for a whole lifetime; after a rollback, good answers would be gone for nothing.

use hitmark_cache::{CacheError, CacheLayer, Invalidation, QueryCache, Writes};
use sqlx::any::{AnyArguments, AnyRow};
use sqlx::query::Query;
use sqlx::{Any, Transaction};

use crate::app::Endpoint;
use crate::telemetry::RouteStats;

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
        let Self { transaction, writes, others, cache, .. } = self;
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
