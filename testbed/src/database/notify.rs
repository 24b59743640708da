//! Writes by others: PostgreSQL tells of each commit to a watched table, and what read the table is
//! removed from the cache, within milliseconds and without the writer knowing of the cache.
//!
//! A trigger for each table sends its name with NOTIFY, which PostgreSQL delivers after the commit, once
//! for a transaction, and never after a rollback. What was told while nobody listened is lost, so each
//! (re)connecting clears every watched table. SQLite has nothing of the kind.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use hitmark_cache::{CacheLayer, Invalidation, QueryCache};
use hitmark_schema::exposition::Family;
use hitmark_schema::metrics::{TESTBED_FOREIGN_WRITES, TESTBED_LISTENER_CONNECTS, TESTBED_LISTENER_UP};
use sqlx::postgres::PgListener;
use sqlx::{AssertSqlSafe, PgPool};
use tokio::task::AbortHandle;

use super::Database;
use crate::error::TestbedError;

/// The channel on which the triggers tell.
const CHANNEL: &str = "hitmark_writes";
/// The pause before another try to connect; it doubles up to the longest.
const PAUSES: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));

const FUNCTION: &str = "CREATE OR REPLACE FUNCTION hitmark_tell_write() RETURNS trigger LANGUAGE plpgsql AS \
     $$ BEGIN PERFORM pg_notify('hitmark_writes', 'table ' || TG_TABLE_NAME); RETURN NULL; END $$";

/// Listens as long as it lives.
#[derive(Debug)]
pub(crate) struct WriteListener {
    counts: Arc<Counts>,
    task: AbortHandle,
}

#[derive(Debug, Default)]
struct Counts {
    applied: AtomicU64,
    failed: AtomicU64,
    connects: AtomicU64,
    up: AtomicU64,
}

impl WriteListener {
    /// Makes the triggers, connects once, and listens in the background from then on.
    pub(crate) async fn start(
        database: &Database,
        url: &str,
        tables: Vec<&'static str>,
        cache: CacheLayer,
    ) -> Result<Self, TestbedError> {
        database.make_triggers(&tables).await?;
        let first = connect(url).await.map_err(database.failed("listen to writes"))?;
        let counts = Arc::new(Counts::default());
        let ear = Ear { url: url.to_owned(), tables, cache: QueryCache::new(cache.clone()), layer: cache };
        let task = tokio::spawn(ear.listen(first, Arc::clone(&counts))).abort_handle();
        Ok(Self { counts, task })
    }

    /// What it counted.
    pub(crate) fn families(&self) -> [Family; 3] {
        let number = |count: &AtomicU64| count.load(Relaxed) as f64;
        [
            Family::new(TESTBED_FOREIGN_WRITES)
                .with(&[("result", "applied")], number(&self.counts.applied))
                .with(&[("result", "failed")], number(&self.counts.failed)),
            Family::new(TESTBED_LISTENER_CONNECTS).with(&[], number(&self.counts.connects)),
            Family::new(TESTBED_LISTENER_UP).with(&[], number(&self.counts.up)),
        ]
    }
}

impl Drop for WriteListener {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Database {
    /// A trigger on each table. They go with their tables.
    async fn make_triggers(&self, tables: &[&'static str]) -> Result<(), TestbedError> {
        let mut statements = vec![FUNCTION.to_owned()];
        for table in tables {
            // The names are constants of this crate.
            statements.push(format!("DROP TRIGGER IF EXISTS hitmark_tell ON {table}"));
            statements.push(format!(
                "CREATE TRIGGER hitmark_tell AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON {table} \
                 FOR EACH STATEMENT EXECUTE FUNCTION hitmark_tell_write()"
            ));
        }
        let mut transaction = self.pool.begin().await.map_err(self.failed("make triggers"))?;
        for statement in statements {
            let made = sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut *transaction).await;
            made.map_err(self.failed("make triggers"))?;
        }
        transaction.commit().await.map_err(self.failed("make triggers"))
    }
}

/// A connection that listens.
async fn connect(url: &str) -> sqlx::Result<PgListener> {
    // A pool of its own of one: PgListener takes its connection from one.
    let pool: PgPool = sqlx::postgres::PgPoolOptions::new()
        .max_connections(1)
        .acquire_timeout(Duration::from_secs(5))
        .connect(url)
        .await?;
    let mut listener = PgListener::connect_with(&pool).await?;
    listener.ignore_pool_close_event(true);
    listener.eager_reconnect(false);
    listener.listen(CHANNEL).await?;
    Ok(listener)
}

struct Ear {
    url: String,
    tables: Vec<&'static str>,
    cache: QueryCache,
    layer: CacheLayer,
}

impl Ear {
    async fn listen(self, first: PgListener, counts: Arc<Counts>) {
        let mut listener = first;
        loop {
            counts.connects.fetch_add(1, Relaxed);
            counts.up.store(1, Relaxed);
            // Also the first time: a cache that outlives the service may hold what was written since.
            self.clear_all(&counts).await;
            while let Ok(Some(told)) = listener.try_recv().await {
                self.apply(told.payload(), &counts).await;
            }
            counts.up.store(0, Relaxed);
            tracing::warn!("the connection that tells of writes is lost");
            listener = self.reconnect().await;
        }
    }

    async fn reconnect(&self) -> PgListener {
        let (mut pause, longest) = PAUSES;
        loop {
            match connect(&self.url).await {
                Ok(listener) => return listener,
                Err(error) => tracing::debug!(%error, "writes of others are not heard"),
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(longest);
        }
    }

    async fn apply(&self, told: &str, counts: &Counts) {
        match self.cache.foreign(told).await {
            Ok(removed) => {
                tracing::debug!(told, removed, "a write by others");
                counts.applied.fetch_add(1, Relaxed);
            }
            // What a server did not take waits for it in the layer.
            Err(error) => {
                tracing::warn!(told, %error, "a write by others was not applied");
                counts.failed.fetch_add(1, Relaxed);
            }
        }
    }

    async fn clear_all(&self, counts: &Counts) {
        for table in &self.tables {
            if let Err(error) = self.layer.invalidate(&Invalidation::Table((*table).to_owned())).await {
                tracing::warn!(table, %error, "what read this table was not removed");
                counts.failed.fetch_add(1, Relaxed);
            }
        }
    }
}
