//! The tables of the file, and how a connection is set up.
//!
//! Triggers keep the counts of each category and the totals, so that they are exact whichever handle
//! writes, and reading them does not count rows.

use rusqlite::Connection;

/// Marks the file as ours: "hmc" and a zero byte more.
pub(super) const APPLICATION_ID: i32 = 0x686D_6300;
/// The version of these tables.
pub(super) const VERSION: i32 = 1;

/// What SQLite adds to an entry or a tag: row headers, index entries, unfilled pages.
pub(super) const ROW_OVERHEAD_BYTES: usize = 200;

const TABLES: &str = "
CREATE TABLE entry (
  id INTEGER PRIMARY KEY,
  category TEXT NOT NULL,
  key TEXT NOT NULL UNIQUE,
  value BLOB NOT NULL,
  kept_until_ms INTEGER NOT NULL,
  size_bytes INTEGER NOT NULL,
  last_used_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX entry_by_expiry ON entry (kept_until_ms);
CREATE INDEX entry_by_use ON entry (last_used_ms);

CREATE TABLE tag (
  tag TEXT NOT NULL,
  entry INTEGER NOT NULL REFERENCES entry (id) ON DELETE CASCADE,
  PRIMARY KEY (tag, entry)
) STRICT, WITHOUT ROWID;
CREATE INDEX tag_by_entry ON tag (entry);

CREATE TABLE category (
  name TEXT PRIMARY KEY,
  entries INTEGER NOT NULL,
  size_bytes INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE total (entries INTEGER NOT NULL, size_bytes INTEGER NOT NULL) STRICT;
INSERT INTO total VALUES (0, 0);

CREATE TRIGGER entry_added AFTER INSERT ON entry BEGIN
  INSERT INTO category VALUES (new.category, 1, new.size_bytes)
    ON CONFLICT (name) DO UPDATE SET entries = entries + 1, size_bytes = size_bytes + excluded.size_bytes;
  UPDATE total SET entries = entries + 1, size_bytes = size_bytes + new.size_bytes;
END;
CREATE TRIGGER entry_resized AFTER UPDATE OF size_bytes ON entry WHEN old.size_bytes <> new.size_bytes BEGIN
  UPDATE category SET size_bytes = size_bytes + new.size_bytes - old.size_bytes WHERE name = new.category;
  UPDATE total SET size_bytes = size_bytes + new.size_bytes - old.size_bytes;
END;
CREATE TRIGGER entry_removed AFTER DELETE ON entry BEGIN
  UPDATE category SET entries = entries - 1, size_bytes = size_bytes - old.size_bytes WHERE name = old.category;
  DELETE FROM category WHERE name = old.category AND entries = 0;
  UPDATE total SET entries = entries - 1, size_bytes = size_bytes - old.size_bytes;
END;
";

/// How long one handle waits for another's write.
const BUSY_MS: u32 = 5000;

/// Sets up a connection, and makes the tables if it is the first of the file.
pub(super) fn prepare(connection: &mut Connection) -> rusqlite::Result<()> {
    // The mode of the pages is fixed with the first table, so it comes before all.
    connection.execute_batch(&format!(
        "PRAGMA busy_timeout = {BUSY_MS};
         PRAGMA auto_vacuum = INCREMENTAL;
         PRAGMA journal_mode = WAL;
         PRAGMA synchronous = NORMAL;
         PRAGMA foreign_keys = ON;
         PRAGMA temp_store = MEMORY;
         PRAGMA journal_size_limit = 16777216;"
    ))?;
    let making = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    if making.pragma_query_value(None, "application_id", |row| row.get::<_, i32>(0))? == 0 {
        making.execute_batch(TABLES)?;
        making.pragma_update(None, "application_id", APPLICATION_ID)?;
        making.pragma_update(None, "user_version", VERSION)?;
    }
    making.commit()?;
    connection.set_prepared_statement_cache_capacity(32);
    Ok(())
}
