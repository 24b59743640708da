//! Use of tables and indexes of the database that we are connected to, and the size of each database.
//!
//! The views and folders behind it cost the server milliseconds for some hundred tables, so they are read
//! at most once in a while and told again until then, with their age.

use std::time::{Duration, Instant};

use hitmark_schema::exposition::Family;
use hitmark_schema::metrics as m;

use crate::sql::Answer;

/// The metrics of the columns after the three names.
const COLUMNS: [m::Metric; 9] = [
    m::PG_TABLE_SEQ_SCANS,
    m::PG_TABLE_SEQ_ROWS,
    m::PG_TABLE_IDX_SCANS,
    m::PG_TABLE_IDX_ROWS,
    m::PG_TABLE_INSERTED,
    m::PG_TABLE_UPDATED,
    m::PG_TABLE_DELETED,
    m::PG_TABLE_LIVE,
    m::PG_TABLE_DEAD,
];

/// What was read last, and when.
#[derive(Debug)]
pub(super) struct Kept {
    age: m::Metric,
    read: Option<(Instant, Vec<Family>)>,
}

impl Kept {
    /// Nothing yet; the metric tells the age.
    pub(super) const fn new(age: m::Metric) -> Self {
        Self { age, read: None }
    }

    /// Whether it is to be read in this scrape.
    pub(super) fn is_due(&self, every: Duration) -> bool {
        self.read.as_ref().is_none_or(|(at, _)| at.elapsed() >= every)
    }

    /// Keeps what was read.
    pub(super) fn keep(&mut self, families: Vec<Family>) {
        self.read = Some((Instant::now(), families));
    }

    /// What was read last, with its age.
    pub(super) fn families(&self) -> Vec<Family> {
        let Some((at, families)) = &self.read else { return Vec::new() };
        let mut families = families.clone();
        families.push(Family::single(self.age, at.elapsed().as_secs_f64()));
        families
    }
}

/// The counters of each table.
pub(super) fn tables(answer: &Answer) -> Vec<Family> {
    let mut families: Vec<Family> = COLUMNS.into_iter().map(Family::new).collect();
    for row in answer.rows_of(3 + COLUMNS.len()) {
        let (database, schema, name) = (row[0].text(), row[1].text(), row[2].text());
        let labels = [("datname", &*database), ("schemaname", &*schema), ("relname", &*name)];
        for (family, cell) in families.iter_mut().zip(&row[3..]) {
            if let Some(value) = cell.number() {
                family.push(&labels, value);
            }
        }
    }
    families
}

/// The size of each database.
pub(super) fn sizes(answer: &Answer) -> Vec<Family> {
    let mut family = Family::new(m::PG_DATABASE_SIZE);
    for row in answer.rows_of(2) {
        if let Some(bytes) = row[1].number() {
            family.push(&[("datname", &row[0].text())], bytes);
        }
    }
    vec![family]
}

/// Indexes that no scan has used.
pub(super) fn unused_indexes(answer: &Answer, database: &str) -> Vec<Family> {
    let mut sizes = Family::new(m::PG_INDEX_UNUSED_BYTES);
    let mut all = 0.0;
    for row in answer.rows_of(6) {
        let [database, schema, table, index] = [0, 1, 2, 3].map(|column: usize| row[column].text());
        let labels = [
            ("datname", &*database),
            ("schemaname", &*schema),
            ("relname", &*table),
            ("indexrelname", &*index),
        ];
        sizes.push(&labels, row[4].number().unwrap_or(0.0));
        all = row[5].number().unwrap_or(0.0);
    }
    vec![sizes, Family::new(m::PG_INDEXES_UNUSED).with(&[("datname", database)], all)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_read_is_told_until_it_is_due_again() {
        let mut kept = Kept::new(m::PG_TABLES_AGE);
        assert!(kept.is_due(Duration::from_secs(60)) && kept.families().is_empty());
        kept.keep(tables(&Answer::from_tsv("d\ts\tt\t1\t2\t3\t4\t5\t6\t7\t8\t9\n")));
        assert!(!kept.is_due(Duration::from_secs(60)) && kept.is_due(Duration::ZERO));
        assert_eq!(kept.families().len(), COLUMNS.len() + 1);
    }

    #[test]
    fn no_unused_index_is_told_as_none() {
        let families = unused_indexes(&Answer::default(), "shop");
        assert_eq!(families[1], Family::new(m::PG_INDEXES_UNUSED).with(&[("datname", "shop")], 0.0));
        assert!(families[0].samples.is_empty());
    }
}
