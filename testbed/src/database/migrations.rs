//! The schema's history, embedded: each version goes up and down, and the same text runs on SQLite
//! and on PostgreSQL.
//!
//! Versions are `0001` for what all systems share, then a hundred for each system's tables (`0101`,
//! `0401`), and a thousand more for its indexes (`1102`, `1402`): all indexes come after all tables,
//! so that one step down gives every system without its indexes. sqlx records what it applied, so
//! only tables that these migrations made are ever dropped.

use sqlx::migrate::Migrator;

use super::Database;
use crate::error::TestbedError;

/// The last version that makes tables: what follows makes indexes.
pub(crate) const TABLES_VERSION: i64 = 1_000;

static MIGRATIONS: Migrator = sqlx::migrate!("./migrations");

impl Database {
    /// Applies what is missing, up to and including a version.
    pub(crate) async fn migrate_to(&self, version: i64) -> Result<(), TestbedError> {
        MIGRATIONS.run_to(version, &self.pool).await.map_err(|source| self.migration_failed(source))
    }

    /// Applies all that is missing.
    pub(crate) async fn migrate(&self) -> Result<(), TestbedError> {
        MIGRATIONS.run(&self.pool).await.map_err(|source| self.migration_failed(source))
    }

    /// Takes back every version above `version`; 0 leaves nothing.
    pub(crate) async fn migrate_down_to(&self, version: i64) -> Result<(), TestbedError> {
        MIGRATIONS.undo(&self.pool, version).await.map_err(|source| self.migration_failed(source))
    }
}

#[cfg(test)]
mod tests {
    use hitmark_testkit::PostgresServer;
    use sqlx::Row;

    use super::*;
    use crate::choices::{Indexes, SeedSize};
    use crate::database::seed::Loaded;
    use crate::database::{DatabaseKind, sqlite_url};

    /// The names of our tables and indexes, in order.
    async fn names(database: &Database) -> Vec<String> {
        let sql = match database.kind {
            DatabaseKind::Sqlite => {
                "SELECT name FROM sqlite_master WHERE name LIKE 'idx_%' OR (type = 'table' AND name NOT LIKE 'sqlite_%')"
            }
            DatabaseKind::Postgres => {
                "SELECT relname::text FROM pg_class WHERE relnamespace = 'public'::regnamespace \
                 AND (relkind = 'r' OR relname LIKE 'idx_%')"
            }
        };
        let rows = sqlx::query(sql).fetch_all(&database.pool).await.expect("a catalogue");
        let mut names: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
        names.retain(|name| name != "_sqlx_migrations");
        names.sort();
        names
    }

    /// Every index that the migrations name, read from their text.
    fn indexes() -> impl Iterator<Item = &'static str> {
        let texts = MIGRATIONS.iter().filter(|migration| migration.migration_type.is_up_migration());
        let words = texts.flat_map(|migration| migration.sql.as_str().split_ascii_whitespace());
        words.filter(|word| word.starts_with("idx_"))
    }

    async fn goes_down_and_up(database: &Database) {
        let mut progress = |_| {};
        database.prepare(SeedSize::Small, Indexes::Present, &mut progress).await.expect("a first load");
        let before = names(database).await;
        assert!(indexes().count() >= 31, "each system has its indexes");
        for index in indexes() {
            assert!(before.iter().any(|name| name == index), "{index} is missing in {before:?}");
        }

        let absent = database.prepare(SeedSize::Small, Indexes::Absent, &mut progress).await;
        assert_eq!(absent.expect("the indexes go"), Loaded::Already);
        let without_indexes = names(database).await;
        assert!(without_indexes.iter().all(|name| !name.starts_with("idx_")), "{without_indexes:?}");
        let kept = sqlx::query("SELECT COUNT(*) FROM products").fetch_one(&database.pool).await;
        assert_eq!(kept.expect("the rows stay").get::<i64, _>(0), 2_000);

        database.migrate_down_to(0).await.expect("everything goes");
        assert_eq!(names(database).await, Vec::<String>::new());

        database.prepare(SeedSize::Small, Indexes::Present, &mut progress).await.expect("a second load");
        assert_eq!(names(database).await, before);
    }

    #[tokio::test]
    async fn migrations_go_down_to_nothing_and_up_again_on_sqlite() {
        let folder = tempfile::tempdir().expect("a folder");
        let url = sqlite_url(&folder.path().join("down.db"));
        goes_down_and_up(&Database::connect(&url).await.expect("a file")).await;
    }

    #[tokio::test]
    async fn migrations_go_down_to_nothing_and_up_again_on_postgresql() {
        let server = PostgresServer::start().await.expect("a server");
        goes_down_and_up(&Database::connect(&server.url()).await.expect("a connection")).await;
    }
}
