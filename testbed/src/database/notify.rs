//! Writes by others: PostgreSQL tells of them, and the cache lets go of what they make untrue.
//!
//! A trigger on each of the testbed's tables sends the text of an invalidation with the transaction's
//! commit, and nothing with its rollback; equal texts of one transaction are sent once. The triggers
//! are made here and not by the migrations, whose text must run on SQLite too. They fire once for a
//! statement, so that a bulk load pays nothing for each row.
//!
//! What is told while nobody listens is lost. Hence every watched table is invalidated each time that
//! listening begins, at the start as well as after a lost connection. The service's own writes come
//! back in this way too: once more than needed, never once less.

use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use hitmark_cache::{CacheLayer, ForeignError, QueryCache};
use hitmark_schema::exposition::Family;
use hitmark_schema::metrics::{TESTBED_FOREIGN_LISTENING, TESTBED_FOREIGN_LOST, TESTBED_FOREIGN_WRITES};
use sqlx::AssertSqlSafe;
use sqlx::postgres::{PgConnectOptions, PgListener, PgPoolOptions};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use super::{Database, seed};
use crate::error::TestbedError;

/// The channel that the triggers speak on.
const CHANNEL: &str = "hitmark_writes";
/// How long a connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Pauses between attempts to connect again: doubled from the first up to the second.
const PAUSES: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(5));
/// After so long without a word the connection is tested: one that vanished says nothing either.
const QUIET: Duration = Duration::from_secs(10);

/// One function for all tables, and a trigger for each. Two processes may start at once: the lock,
/// which ends with the statements, lets one wait.
const FUNCTION: &str = "SELECT pg_advisory_xact_lock(7245632101); \
     CREATE OR REPLACE FUNCTION hitmark_tell_write() RETURNS trigger LANGUAGE plpgsql AS \
     $$ BEGIN PERFORM pg_notify('hitmark_writes', 'table ' || TG_TABLE_NAME); RETURN NULL; END $$;";

/// A task that listens until this is dropped.
#[derive(Debug)]
pub(crate) struct ForeignWrites {
    heard: Arc<Heard>,
    task: JoinHandle<()>,
}

/// What was heard.
#[derive(Debug, Default)]
struct Heard {
    applied: AtomicU64,
    unreadable: AtomicU64,
    waiting: AtomicU64,
    lost: AtomicU64,
    is_listening: AtomicBool,
}

/// What the task needs.
struct Ear {
    url: String,
    cache: QueryCache,
    heard: Arc<Heard>,
}

impl ForeignWrites {
    /// Makes the triggers and begins to listen. `url` is the database's.
    ///
    /// # Errors
    /// If the triggers cannot be made or the database cannot be listened to. Later losses of the
    /// connection are no errors: it is made again.
    pub(crate) async fn listen(
        url: &str,
        database: &Database,
        cache: &CacheLayer,
    ) -> Result<Self, TestbedError> {
        let triggers = sqlx::raw_sql(AssertSqlSafe(triggers())).execute(&database.pool).await;
        triggers.map_err(database.failed("make the triggers of --listen-writes"))?;
        let listener = subscribe(url).await.map_err(database.failed("listen to writes"))?;
        let heard = Arc::new(Heard::default());
        let ear =
            Ear { url: url.to_owned(), cache: QueryCache::new(cache.clone()), heard: Arc::clone(&heard) };
        ear.begins().await;
        let task = tokio::spawn(ear.listen(listener));
        Ok(Self { heard, task })
    }

    /// What was heard so far.
    pub(crate) fn families(&self) -> Vec<Family> {
        let heard = &self.heard;
        let count = |count: &AtomicU64| count.load(Relaxed) as f64;
        vec![
            Family::new(TESTBED_FOREIGN_WRITES)
                .with(&[("result", "applied")], count(&heard.applied))
                .with(&[("result", "waiting")], count(&heard.waiting))
                .with(&[("result", "unreadable")], count(&heard.unreadable)),
            Family::single(TESTBED_FOREIGN_LOST, count(&heard.lost)),
            Family::single(TESTBED_FOREIGN_LISTENING, f64::from(u8::from(heard.is_listening.load(Relaxed)))),
        ]
    }
}

impl Drop for ForeignWrites {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Ear {
    async fn listen(self, mut listener: PgListener) {
        loop {
            let lost = self.until_lost(&mut listener).await;
            self.heard.is_listening.store(false, Relaxed);
            self.heard.lost.fetch_add(1, Relaxed);
            tracing::warn!(error = %lost, "writes by others are not heard; connecting again");
            listener = self.again().await;
            self.begins().await;
        }
    }

    /// Listening has begun: what was told before is unknown, so nothing read before counts.
    async fn begins(&self) {
        for table in seed::table_names() {
            if let Err(error) = self.cache.foreign(&format!("table {table}")).await {
                tracing::warn!(table, %error, "the invalidation waits for the cache");
            }
        }
        self.heard.is_listening.store(true, Relaxed);
    }

    /// Applies what is told until the connection is lost; why it was.
    async fn until_lost(&self, listener: &mut PgListener) -> sqlx::Error {
        loop {
            match timeout(QUIET, listener.try_recv()).await {
                Ok(Ok(Some(told))) => self.apply(told.payload()).await,
                Ok(Ok(None)) => return sqlx::Error::WorkerCrashed,
                Ok(Err(error)) => return error,
                Err(_) => {
                    match timeout(CONNECT_TIMEOUT, sqlx::query("SELECT 1").execute(&mut *listener)).await {
                        Ok(Ok(_)) => {}
                        Ok(Err(error)) => return error,
                        Err(_) => return sqlx::Error::PoolTimedOut,
                    }
                }
            }
        }
    }

    async fn apply(&self, text: &str) {
        let count = match self.cache.foreign(text).await {
            Ok(entries) => {
                tracing::debug!(text, entries, "a write by another");
                &self.heard.applied
            }
            Err(ForeignError::Cache(error)) => {
                tracing::warn!(text, %error, "the invalidation waits for the cache");
                &self.heard.waiting
            }
            Err(error @ ForeignError::Text(_)) => {
                tracing::warn!(%error, channel = CHANNEL, "what was told is ignored");
                &self.heard.unreadable
            }
        };
        count.fetch_add(1, Relaxed);
    }

    /// A new connection, however long it takes.
    async fn again(&self) -> PgListener {
        let mut pause = PAUSES.0;
        loop {
            match subscribe(&self.url).await {
                Ok(listener) => return listener,
                Err(error) => tracing::debug!(%error, "the database cannot be listened to yet"),
            }
            sleep(pause).await;
            pause = (pause * 2).min(PAUSES.1);
        }
    }
}

/// A connection of its own that listens. It is not made again behind our back: a loss must be seen.
async fn subscribe(url: &str) -> sqlx::Result<PgListener> {
    let options = PgConnectOptions::from_str(url)?.application_name("hitmark-listener");
    let pool = PgPoolOptions::new().max_connections(1).acquire_timeout(CONNECT_TIMEOUT);
    let pool = pool.max_lifetime(None).idle_timeout(None).connect_with(options).await?;
    let mut listener = PgListener::connect_with(&pool).await?;
    listener.eager_reconnect(false);
    listener.listen(CHANNEL).await?;
    Ok(listener)
}

/// The statements that make the triggers of all tables, or make them anew.
fn triggers() -> String {
    seed::table_names().into_iter().fold(FUNCTION.to_owned(), |sql, table| {
        sql + &format!(
            " CREATE OR REPLACE TRIGGER hitmark_tell_write AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE \
             ON {table} FOR EACH STATEMENT EXECUTE FUNCTION hitmark_tell_write();"
        )
    })
}
