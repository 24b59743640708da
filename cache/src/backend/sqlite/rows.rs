//! The statements: each function is one piece of work on the writer's or a reader's connection.
//!
//! A piece that writes more than one row is one transaction, so that a reader sees all of it or none.

use bytes::Bytes;
use rusqlite::{Connection, OptionalExtension, Row, Transaction, TransactionBehavior, params};

use super::tables::ROW_OVERHEAD_BYTES;
use super::worker::{Use, Uses};
use crate::clock::UnixMs;
use crate::pattern::Pattern;

/// Candidates for displacement that are read at a time.
const DISPLACED_AT_A_TIME: u64 = 16;

/// How much one category holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Category {
    /// The first part of its keys, escaped.
    pub name: String,
    /// How many entries.
    pub entries: u64,
    /// How many bytes, counted as for the capacity.
    pub size_bytes: u64,
}

/// What a lookup found.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) id: i64,
    pub(super) stored: Bytes,
    pub(super) kept_until: UnixMs,
    pub(super) last_used: UnixMs,
}

/// What is to be stored.
#[derive(Debug)]
pub(super) struct NewRow {
    pub(super) key: String,
    pub(super) stored: Vec<u8>,
    pub(super) kept_until: UnixMs,
    pub(super) tags: Vec<String>,
}

impl NewRow {
    fn size_bytes(&self) -> u64 {
        let tags: usize = self.tags.iter().map(|tag| tag.len() + ROW_OVERHEAD_BYTES).sum();
        (self.key.len() + self.stored.len() + ROW_OVERHEAD_BYTES + tags) as u64
    }
}

pub(super) fn find(rows: &mut Connection, key: &str) -> rusqlite::Result<Option<Found>> {
    rows.prepare_cached("SELECT id, value, kept_until_ms, last_used_ms FROM entry WHERE key = ?1")?
        .query_row([key], |row| {
            Ok(Found {
                id: row.get(0)?,
                stored: row.get::<_, Vec<u8>>(1)?.into(),
                kept_until: moment(row.get(2)?),
                last_used: moment(row.get(3)?),
            })
        })
        .optional()
}

/// Stores an entry in the place of what was under its key, and makes room for it. What is larger than
/// the whole capacity only takes the old entry away.
pub(super) fn store(
    rows: &mut Connection,
    new: &NewRow,
    uses: &Uses,
    capacity_bytes: u64,
) -> rusqlite::Result<()> {
    let changes = rows.transaction_with_behavior(TransactionBehavior::Immediate)?;
    if new.size_bytes() > capacity_bytes {
        changes.prepare_cached("DELETE FROM entry WHERE key = ?1")?.execute([&new.key])?;
        return changes.commit();
    }
    let category = new.key.split(':').next().unwrap_or_default();
    let id: i64 = changes
        .prepare_cached(
            "INSERT INTO entry (category, key, value, kept_until_ms, size_bytes, last_used_ms)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT (key) DO UPDATE SET value = excluded.value, kept_until_ms = excluded.kept_until_ms,
               size_bytes = excluded.size_bytes, last_used_ms = excluded.last_used_ms
             RETURNING id",
        )?
        .query_row(
            params![
                category,
                new.key,
                new.stored,
                number(new.kept_until.0),
                number(new.size_bytes()),
                number(UnixMs::now().0)
            ],
            |row| row.get(0),
        )?;
    changes.prepare_cached("DELETE FROM tag WHERE entry = ?1")?.execute([id])?;
    for tag in &new.tags {
        changes
            .prepare_cached("INSERT OR IGNORE INTO tag (tag, entry) VALUES (?1, ?2)")?
            .execute(params![tag, id])?;
    }
    if totals(&changes)?.1 > capacity_bytes {
        write_uses(&changes, &uses.take())?;
        make_room(&changes, id, capacity_bytes)?;
    }
    changes.commit()
}

/// Displaces as many of the least recently used entries as must go, but not the one just stored.
fn make_room(changes: &Transaction<'_>, spared: i64, capacity_bytes: u64) -> rusqlite::Result<()> {
    let mut excess_bytes = totals(changes)?.1.saturating_sub(capacity_bytes);
    let mut oldest = changes.prepare_cached(
        "SELECT id, size_bytes FROM entry WHERE id <> ?1 ORDER BY last_used_ms, id LIMIT ?2",
    )?;
    let mut delete = changes.prepare_cached("DELETE FROM entry WHERE id = ?1")?;
    while excess_bytes > 0 {
        let row = |row: &Row<'_>| Ok((row.get::<_, i64>(0)?, size(row.get(1)?)));
        let candidates = oldest.query_map(params![spared, number(DISPLACED_AT_A_TIME)], row)?;
        let candidates = candidates.collect::<rusqlite::Result<Vec<_>>>()?;
        if candidates.is_empty() {
            break;
        }
        for (id, size_bytes) in candidates {
            if excess_bytes == 0 {
                break;
            }
            delete.execute([id])?;
            excess_bytes = excess_bytes.saturating_sub(size_bytes);
        }
    }
    Ok(())
}

/// Notes when entries were last used.
pub(super) fn write_uses(rows: &Connection, uses: &[Use]) -> rusqlite::Result<()> {
    let mut note =
        rows.prepare_cached("UPDATE entry SET last_used_ms = ?2 WHERE id = ?1 AND last_used_ms < ?2")?;
    for Use { id, now, .. } in uses {
        note.execute(params![id, number(now.0)])?;
    }
    Ok(())
}

/// Removes one key; whether it was alive.
pub(super) fn delete(rows: &mut Connection, key: &str) -> rusqlite::Result<bool> {
    let kept_until = rows
        .prepare_cached("DELETE FROM entry WHERE key = ?1 RETURNING kept_until_ms")?
        .query_row([key], |row| row.get(0))
        .optional()?;
    Ok(kept_until.is_some_and(|kept_until| moment(kept_until) > UnixMs::now()))
}

/// Removes an entry if it still holds these damaged bytes.
pub(super) fn delete_damaged(rows: &mut Connection, id: i64, stored: &[u8]) -> rusqlite::Result<()> {
    rows.prepare_cached("DELETE FROM entry WHERE id = ?1 AND value = ?2")?.execute(params![id, stored])?;
    Ok(())
}

/// Removes the entries of a tag; how many were alive.
pub(super) fn delete_tag(rows: &mut Connection, tag: &str) -> rusqlite::Result<u64> {
    let changes = rows.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let alive = changes
        .prepare_cached(
            "SELECT count(*) FROM tag JOIN entry ON entry.id = tag.entry WHERE tag.tag = ?1 AND kept_until_ms > ?2",
        )?
        .query_row(params![tag, number(UnixMs::now().0)], |row| row.get::<_, i64>(0))?;
    changes
        .prepare_cached("DELETE FROM entry WHERE id IN (SELECT entry FROM tag WHERE tag = ?1)")?
        .execute([tag])?;
    changes.commit()?;
    Ok(size(alive))
}

/// Looks at the next keys that begin as the pattern does, and removes those that it names: how many
/// were alive, and the last key seen if there may be more.
pub(super) fn delete_pattern_step(
    rows: &mut Connection,
    pattern: &Pattern,
    after: Option<&str>,
    limit: usize,
) -> rusqlite::Result<(u64, Option<String>)> {
    let prefix = pattern.as_str().split('*').next().unwrap_or_default();
    let changes = rows.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let (mut removed, mut seen, mut last) = (0, 0, None);
    {
        let mut keys = changes.prepare_cached(
            "SELECT id, key, kept_until_ms FROM entry
             WHERE key >= ?1 AND (?2 IS NULL OR key > ?2) ORDER BY key LIMIT ?3",
        )?;
        // From the last key on, so that the index is entered there and not at the prefix.
        let from = after.unwrap_or(prefix);
        let mut delete = changes.prepare_cached("DELETE FROM entry WHERE id = ?1")?;
        let mut found = keys.query(params![from, after, number(limit as u64)])?;
        let mut named = Vec::new();
        while let Some(row) = found.next()? {
            let key: String = row.get(1)?;
            if !key.starts_with(prefix) {
                seen = 0;
                break;
            }
            seen += 1;
            if pattern.matches_text(&key) {
                named.push((row.get::<_, i64>(0)?, moment(row.get(2)?)));
            }
            last = Some(key);
        }
        drop(found);
        for (id, kept_until) in named {
            delete.execute([id])?;
            removed += u64::from(kept_until > UnixMs::now());
        }
    }
    changes.commit()?;
    Ok((removed, last.filter(|_| seen == limit)))
}

/// Removes everything; how many were alive.
pub(super) fn clear(rows: &mut Connection) -> rusqlite::Result<u64> {
    let changes = rows.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let alive: i64 = changes.query_row(
        "SELECT count(*) FROM entry WHERE kept_until_ms > ?1",
        [number(UnixMs::now().0)],
        |row| row.get(0),
    )?;
    changes.execute("DELETE FROM entry", [])?;
    changes.commit()?;
    Ok(size(alive))
}

/// Removes at most `limit` expired entries and gives free pages back; how many they were.
pub(super) fn expire(rows: &mut Connection, limit: u64) -> rusqlite::Result<u64> {
    let removed = rows
        .prepare_cached(
            "DELETE FROM entry WHERE id IN (SELECT id FROM entry WHERE kept_until_ms <= ?1 LIMIT ?2)",
        )?
        .execute(params![number(UnixMs::now().0), number(limit)])?;
    if removed > 0 {
        // This many pages at most: a step of upkeep must not hold up the queue.
        rows.execute_batch("PRAGMA incremental_vacuum(64)")?;
    }
    Ok(removed as u64)
}

/// How many entries there are, and their bytes.
pub(super) fn totals(rows: &Connection) -> rusqlite::Result<(u64, u64)> {
    rows.prepare_cached("SELECT entries, size_bytes FROM total")?
        .query_row([], |row| Ok((size(row.get(0)?), size(row.get(1)?))))
}

pub(super) fn categories(rows: &mut Connection) -> rusqlite::Result<Vec<Category>> {
    rows.prepare_cached("SELECT name, entries, size_bytes FROM category ORDER BY size_bytes DESC, name")?
        .query_map([], |row| {
            Ok(Category { name: row.get(0)?, entries: size(row.get(1)?), size_bytes: size(row.get(2)?) })
        })?
        .collect()
}

/// SQLite's integers are signed; no date or size of ours reaches that far.
fn number(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

fn size(value: i64) -> u64 {
    u64::try_from(value).unwrap_or(0)
}

fn moment(value: i64) -> UnixMs {
    UnixMs(size(value))
}
