//! What a module may say of a PostgreSQL target: `[modules.NAME.postgres]`.

use std::time::Duration;

use crate::options::OptionReader;
use crate::statements::cacheable::Limits;

/// The options, read and checked.
#[derive(Debug, Clone)]
pub(super) struct PostgresOptions {
    /// Most statements with series of their own; 0 leaves `pg_stat_statements` alone.
    pub(super) statements: usize,
    /// Most lines of the server's table that are read.
    pub(super) entries_max: usize,
    /// Most characters of a statement's text.
    pub(super) text_length: usize,
    /// From when on a cache may pay for a statement.
    pub(super) cacheable: Limits,
    /// Most tables that are told, and most unused indexes; 0 is none.
    pub(super) tables: usize,
    /// The time between two readings of tables and indexes.
    pub(super) tables_every: Duration,
}

impl PostgresOptions {
    pub(super) fn read(reader: &mut OptionReader<'_>) -> Self {
        let mean_ms = reader.number("cacheable_mean_ms", 5.0, 0.0..=1e6);
        let every = reader.number("tables_every_seconds", 60.0, 0.0..=86_400.0);
        Self {
            statements: reader.number("statements", 100.0, 0.0..=1_000.0) as usize,
            entries_max: reader.number("entries_max", 10_000.0, 1.0..=100_000.0) as usize,
            text_length: reader.number("text_length", 120.0, 10.0..=2_000.0) as usize,
            cacheable: Limits {
                calls: reader.number("cacheable_calls", 20.0, 1.0..=1e12) as u64,
                mean_ns: (mean_ms * 1e6) as u64,
            },
            tables: reader.number("tables", 100.0, 0.0..=1_000.0) as usize,
            tables_every: Duration::from_secs_f64(every),
        }
    }
}

#[cfg(test)]
impl Default for PostgresOptions {
    fn default() -> Self {
        Self::read(&mut OptionReader::new(&crate::options::Options::new()))
    }
}
