//! The database: SQLite and PostgreSQL behind one pool type, so that there is one set of queries.
//!
//! sqlx's `Any` driver speaks to both; `$1` is a placeholder to both. What differs between them is
//! here and nowhere else: how a connection is set up, and how tables are tidied after loading.

pub(crate) mod migrations;
pub(crate) mod notify;
pub(crate) mod rows;
pub(crate) mod seed;

use std::path::Path;
use std::sync::Once;
use std::time::Duration;

use hitmark_schema::redact;
use sqlx::any::{AnyArguments, AnyPoolOptions, AnyRow};
use sqlx::pool::PoolConnection;
use sqlx::query::Query;
use sqlx::{Any, AnyPool, Row};

use crate::error::TestbedError;
use crate::telemetry::RouteStats;

/// Connections to PostgreSQL.
const POSTGRES_CONNECTIONS: u32 = 10;
/// How long a request waits for a connection before it is answered 503.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a probe waits for an answer.
const PROBE_TIMEOUT: Duration = Duration::from_secs(1);

/// Which database answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DatabaseKind {
    Sqlite,
    Postgres,
}

/// A pool of connections to one database.
#[derive(Debug, Clone)]
pub(crate) struct Database {
    pub(crate) pool: AnyPool,
    pub(crate) kind: DatabaseKind,
    /// For messages: the URL without its secrets.
    shown: String,
}

/// One connection, held for the length of one request; each query on it is counted for its route.
#[derive(Debug)]
pub(crate) struct Session<'a> {
    connection: PoolConnection<Any>,
    stats: &'a RouteStats,
}

impl Database {
    /// Opens the pool; the file of a SQLite database is made if it is missing.
    pub(crate) async fn connect(url: &str) -> Result<Self, TestbedError> {
        static DRIVERS: Once = Once::new();
        DRIVERS.call_once(sqlx::any::install_default_drivers);
        let kind = DatabaseKind::of(url);
        let shown = redact::url(url);
        let pool = kind.pool_options().connect(&kind.complete_url(url)).await;
        match pool {
            Ok(pool) => Ok(Self { pool, kind, shown }),
            Err(source) => Err(TestbedError::Database { action: "connect", database: shown, source }),
        }
    }

    /// A connection for one request.
    pub(crate) async fn session<'a>(&self, stats: &'a RouteStats) -> sqlx::Result<Session<'a>> {
        Ok(Session { connection: self.pool.acquire().await?, stats })
    }

    /// Whether the database answers a query soon: a probe must not wait as long as a request may.
    pub(crate) async fn answers(&self) -> bool {
        let answer = tokio::time::timeout(PROBE_TIMEOUT, sqlx::query("SELECT 1").fetch_one(&self.pool)).await;
        answer.is_ok_and(|row| row.is_ok())
    }

    /// The version of the database, such as `3.50.2` or `15.14`.
    pub(crate) async fn version(&self) -> Result<String, TestbedError> {
        let sql = match self.kind {
            DatabaseKind::Sqlite => "SELECT sqlite_version()",
            DatabaseKind::Postgres => "SELECT current_setting('server_version')",
        };
        let row = sqlx::query(sql).fetch_one(&self.pool).await;
        let version =
            row.and_then(|row| row.try_get::<String, _>(0)).map_err(self.failed("ask for the version"))?;
        // Debian and others append their own name: the first word is the version.
        Ok(version.split(' ').next().unwrap_or_default().to_owned())
    }

    /// Turns an error of the database into the testbed's, naming what was attempted.
    pub(crate) fn failed(&self, action: &'static str) -> impl FnOnce(sqlx::Error) -> TestbedError + use<> {
        let database = self.shown.clone();
        move |source| TestbedError::Database { action, database, source }
    }

    fn migration_failed(&self, source: sqlx::migrate::MigrateError) -> TestbedError {
        TestbedError::Migration { database: self.shown.clone(), source }
    }
}

impl DatabaseKind {
    fn of(url: &str) -> Self {
        if url.starts_with("sqlite:") { Self::Sqlite } else { Self::Postgres }
    }

    /// The name in the run's environment.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgresql",
        }
    }

    /// The statements that a connection starts with.
    ///
    /// For SQLite: readers beside a writer (WAL), the file mapped rather than read, 64 MiB of page
    /// cache, sorting in memory.
    const fn connection_setup(self) -> &'static str {
        match self {
            Self::Sqlite => {
                "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA mmap_size = 1073741824; \
                 PRAGMA cache_size = -65536; PRAGMA temp_store = MEMORY"
            }
            Self::Postgres => "SET application_name = 'hitmark-testbed'; SET statement_timeout = '120s'",
        }
    }

    /// What follows a load: fresh statistics for the planner, and on PostgreSQL the work that
    /// autovacuum would otherwise do in the middle of a measurement.
    pub(crate) const fn after_load(self) -> &'static [&'static str] {
        match self {
            Self::Sqlite => &["ANALYZE", "PRAGMA wal_checkpoint(TRUNCATE)"],
            Self::Postgres => &["VACUUM (ANALYZE)"],
        }
    }

    fn pool_options(self) -> AnyPoolOptions {
        let cores = std::thread::available_parallelism().map_or(2, |cores| cores.get() as u32);
        let setup = self.connection_setup();
        let options =
            AnyPoolOptions::new().acquire_timeout(ACQUIRE_TIMEOUT).after_connect(move |connection, _| {
                Box::pin(async move { sqlx::raw_sql(setup).execute(connection).await.map(|_| ()) })
            });
        match self {
            // A SQLite query occupies a core, so more connections than cores only queue elsewhere.
            // Its connections cannot break, so none is tested before use, and none is closed when idle.
            Self::Sqlite => options
                .max_connections(cores.max(2))
                .test_before_acquire(false)
                .idle_timeout(None)
                .max_lifetime(None),
            Self::Postgres => options.max_connections(POSTGRES_CONNECTIONS),
        }
    }

    /// A SQLite file is made if it is missing, unless the URL says otherwise.
    fn complete_url(self, url: &str) -> String {
        let separator = if url.contains('?') { '&' } else { '?' };
        let names_mode = url.contains("?mode=") || url.contains("&mode=");
        if self == Self::Sqlite && !names_mode { format!("{url}{separator}mode=rwc") } else { url.to_owned() }
    }
}

/// The URL of a SQLite file.
pub(crate) fn sqlite_url(path: &Path) -> String {
    format!("sqlite://{}", path.display())
}

impl Session<'_> {
    pub(crate) async fn one(&mut self, query: Query<'_, Any, AnyArguments>) -> sqlx::Result<AnyRow> {
        self.stats.count_query();
        query.fetch_one(&mut *self.connection).await
    }

    pub(crate) async fn optional(
        &mut self,
        query: Query<'_, Any, AnyArguments>,
    ) -> sqlx::Result<Option<AnyRow>> {
        self.stats.count_query();
        query.fetch_optional(&mut *self.connection).await
    }

    /// The number that `SELECT COUNT(*) …` gives: no row is read for it, none is ordered.
    pub(crate) async fn count(&mut self, query: Query<'_, Any, AnyArguments>) -> sqlx::Result<i64> {
        self.one(query).await?.try_get(0)
    }

    /// Whether `SELECT 1 …` finds a row: it ends at the first, and reads nothing of it.
    pub(crate) async fn exists(&mut self, query: Query<'_, Any, AnyArguments>) -> sqlx::Result<bool> {
        Ok(self.optional(query).await?.is_some())
    }

    pub(crate) async fn all(&mut self, query: Query<'_, Any, AnyArguments>) -> sqlx::Result<Vec<AnyRow>> {
        self.stats.count_query();
        query.fetch_all(&mut *self.connection).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sqlite_file_is_made_unless_the_url_says_otherwise() {
        let kind = DatabaseKind::Sqlite;
        assert_eq!(kind.complete_url("sqlite://a.db"), "sqlite://a.db?mode=rwc");
        assert_eq!(kind.complete_url("sqlite://a.db?cache=private"), "sqlite://a.db?cache=private&mode=rwc");
        assert_eq!(kind.complete_url("sqlite://a.db?mode=ro"), "sqlite://a.db?mode=ro");
        assert_eq!(DatabaseKind::of("postgresql://h/d"), DatabaseKind::Postgres);
    }
}
