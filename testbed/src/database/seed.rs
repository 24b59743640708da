//! Filling the database: each system's tables, then its rows, then its indexes, since an index
//! that is built over loaded rows costs a fraction of one that grows with them.
//!
//! What was loaded is recorded, so a database that holds the wanted data is left alone, and one
//! that holds another size, an older revision or half a load is rebuilt.

use sqlx::{AssertSqlSafe, Row};

use super::migrations::TABLES_VERSION;
use super::rows::{self, Table};
use super::{Database, DatabaseKind};
use crate::choices::{Indexes, SeedSize};
use crate::error::TestbedError;
use crate::{analytics, health, incidents, marketplace, score_reports};

/// Counts up when generated data change, so that older files are loaded anew.
pub(crate) const REVISION: u32 = 1;

/// A system's share of the database.
struct System {
    name: &'static str,
    /// The migration that makes its tables; its indexes are in a later one.
    tables_version: i64,
    tables: fn(SeedSize) -> Vec<Table>,
}

/// Every system, in the order of migrations.
const SYSTEMS: &[System] = &[
    System { name: "marketplace", tables_version: 101, tables: marketplace::seed::tables },
    System { name: "analytics", tables_version: 201, tables: analytics::seed::tables },
    System { name: "health", tables_version: 301, tables: health::seed::tables },
    System { name: "incidents", tables_version: 401, tables: incidents::seed::tables },
    System { name: "score reports", tables_version: 501, tables: score_reports::seed::tables },
];

/// How far a load has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SeedProgress {
    /// The table that is being filled.
    pub table: &'static str,
    /// Rows of it that are written.
    pub done: u64,
    /// Rows that it will have.
    pub total: u64,
}

impl Database {
    /// Migrates, and loads what is not loaded yet. Tells whether anything was loaded.
    pub(crate) async fn prepare(
        &self,
        size: SeedSize,
        indexes: Indexes,
        progress: &mut (impl Fn(SeedProgress) + Send),
    ) -> Result<Loaded, TestbedError> {
        let wanted = format!("{size} {REVISION}");
        self.migrate_to(1).await?;
        if self.states().await?.iter().any(|(_, state)| *state != wanted) {
            self.migrate_down_to(0).await?;
            self.migrate_to(1).await?;
        }
        let present = self.states().await?;
        let mut loaded = Loaded::Already;
        for system in SYSTEMS.iter().filter(|system| !present.iter().any(|(name, _)| name == system.name)) {
            self.migrate_to(system.tables_version).await?;
            self.load(system, size, &wanted, progress).await?;
            loaded = Loaded::Now;
        }
        match indexes {
            Indexes::Present => self.migrate().await?,
            Indexes::Absent => {
                self.migrate_to(TABLES_VERSION).await?;
                self.migrate_down_to(TABLES_VERSION).await?;
            }
        }
        if loaded == Loaded::Now {
            self.tidy().await?;
        }
        Ok(loaded)
    }

    async fn load(
        &self,
        system: &System,
        size: SeedSize,
        wanted: &str,
        progress: &mut (impl Fn(SeedProgress) + Send),
    ) -> Result<(), TestbedError> {
        let marked = sqlx::query("INSERT INTO testbed_seeds (system, state) VALUES ($1, $2)")
            .bind(system.name)
            .bind("loading")
            .execute(&self.pool);
        marked.await.map_err(self.failed("begin loading"))?;
        for table in (system.tables)(size) {
            self.load_table(&table, progress).await.map_err(self.failed("load rows"))?;
        }
        let finished = sqlx::query("UPDATE testbed_seeds SET state = $1 WHERE system = $2")
            .bind(wanted)
            .bind(system.name)
            .execute(&self.pool);
        finished.await.map_err(self.failed("finish loading"))?;
        Ok(())
    }

    async fn load_table(
        &self,
        table: &Table,
        progress: &mut (impl Fn(SeedProgress) + Send),
    ) -> sqlx::Result<()> {
        let mut transaction = self.pool.begin().await?;
        rows::load(&mut transaction, table, |done| {
            progress(SeedProgress { table: table.name, done, total: table.rows });
        })
        .await?;
        transaction.commit().await
    }

    /// Which systems are loaded, with their states.
    async fn states(&self) -> Result<Vec<(String, String)>, TestbedError> {
        let rows = sqlx::query("SELECT system, state FROM testbed_seeds").fetch_all(&self.pool).await;
        let states =
            rows.and_then(|rows| rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect());
        states.map_err(self.failed("read what is loaded"))
    }

    /// The rows of each table, as the database counts them.
    pub(crate) async fn count_rows(&self, size: SeedSize) -> Result<Vec<(&'static str, u64)>, TestbedError> {
        let mut counts = Vec::new();
        for table in SYSTEMS.iter().flat_map(|system| (system.tables)(size)) {
            // The names are constants of this crate.
            let sql = AssertSqlSafe(format!("SELECT COUNT(*) FROM {}", table.name));
            let row = sqlx::query(sql).fetch_one(&self.pool).await;
            let rows = row.and_then(|row| row.try_get::<i64, _>(0)).map_err(self.failed("count rows"))?;
            counts.push((table.name, rows.unsigned_abs()));
        }
        Ok(counts)
    }

    async fn tidy(&self) -> Result<(), TestbedError> {
        for statement in DatabaseKind::after_load(self.kind) {
            sqlx::raw_sql(*statement).execute(&self.pool).await.map_err(self.failed("tidy up"))?;
        }
        Ok(())
    }
}

/// Whether a load took place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Loaded {
    /// The data were there.
    Already,
    /// They were loaded now.
    Now,
}
