//! `events_statements_summary_by_digest`: rows in, counters of the top statements out.
//!
//! mysqld_exporter writes the text as a label of every counter, and its dashboards select on that; so
//! it stands here too, without literals and cut. What stays exact is told in `statements::ledger`.

use std::collections::HashMap;
use std::sync::Arc;

use hitmark_schema::exposition::Family;
use hitmark_schema::metrics as m;

use super::MysqlOptions;
use crate::failure::Failure;
use crate::sql::{Answer, Cell};
use crate::statements::cacheable::{self, Nature};
use crate::statements::ledger::{CALLS, Ledger, Plan, Row, TIME};
use crate::statements::text::{self, Dialect};

const COLUMNS: usize = 13;
/// Digest and schema.
type Key = Arc<(String, String)>;
/// The metric of each counter, and what its unit is divided by: time comes in nanoseconds.
const METRICS: [(m::Metric, f64); COLUMNS] = [
    (m::MYSQL_STATEMENTS, 1.0),
    (m::MYSQL_STATEMENT_SECONDS, 1e9),
    (m::MYSQL_STATEMENT_LOCK_SECONDS, 1e9),
    (m::MYSQL_STATEMENT_ERRORS, 1.0),
    (m::MYSQL_STATEMENT_WARNINGS, 1.0),
    (m::MYSQL_STATEMENT_AFFECTED, 1.0),
    (m::MYSQL_STATEMENT_SENT, 1.0),
    (m::MYSQL_STATEMENT_EXAMINED, 1.0),
    (m::MYSQL_STATEMENT_TMP_TABLES, 1.0),
    (m::MYSQL_STATEMENT_TMP_DISK, 1.0),
    (m::MYSQL_STATEMENT_SORT_PASSES, 1.0),
    (m::MYSQL_STATEMENT_SORT_ROWS, 1.0),
    (m::MYSQL_STATEMENT_NO_INDEX, 1.0),
];

/// The text of a statement and what it does.
#[derive(Debug, Clone)]
struct Label {
    text: String,
    nature: Nature,
}

/// Everything about statements that is kept between scrapes.
#[derive(Debug)]
pub(super) struct Digests {
    ledger: Ledger<Key, Label, COLUMNS>,
    entries: usize,
}

/// What one scrape brought, before it is counted.
#[derive(Debug)]
pub(super) struct Reading {
    rows: Vec<Row<Key, COLUMNS>>,
    plan: Plan<Key, COLUMNS>,
}

/// The question for all lines of the server's table. A picosecond counter outgrows a signed integer
/// within months, so the server divides.
pub(super) fn question(max: usize) -> String {
    format!(
        "SELECT DIGEST, ifnull(SCHEMA_NAME, 'NONE'), \
         cast(unix_timestamp(FIRST_SEEN) * 1000000 AS SIGNED), COUNT_STAR, \
         SUM_TIMER_WAIT DIV 1000, SUM_LOCK_TIME DIV 1000, SUM_ERRORS, SUM_WARNINGS, SUM_ROWS_AFFECTED, \
         SUM_ROWS_SENT, SUM_ROWS_EXAMINED, SUM_CREATED_TMP_TABLES, SUM_CREATED_TMP_DISK_TABLES, \
         SUM_SORT_MERGE_PASSES, SUM_SORT_ROWS, SUM_NO_INDEX_USED \
         FROM performance_schema.events_statements_summary_by_digest LIMIT {}",
        max + 1
    )
}

impl Digests {
    pub(super) fn new(options: &MysqlOptions) -> Self {
        Self { ledger: Ledger::new(options.statements), entries: 0 }
    }

    /// Compares the rows with the last ones.
    pub(super) fn read(&self, answer: &Answer, max: usize) -> Result<Reading, Failure> {
        let rows: Vec<Row<Key, COLUMNS>> = answer.rows_of(3 + COLUMNS).map(row).collect();
        if rows.len() > max {
            let text = format!("the server tells more than {max} statements apart: raise entries_max");
            return Err(Failure::Refused(text));
        }
        // Each line says when it began, so no flag for the whole table is needed.
        let plan = self.ledger.plan(&rows, false);
        Ok(Reading { rows, plan })
    }

    /// Counts; `texts` holds the texts of those that enter.
    pub(super) fn absorb(&mut self, reading: Reading, texts: &Answer, options: &MysqlOptions) {
        self.entries = reading.rows.len();
        let labels = labels(texts, options.text_length);
        self.ledger.absorb(&reading.rows, reading.plan, labels);
    }

    /// The samples.
    pub(super) fn families(&self, options: &MysqlOptions) -> Vec<Family> {
        let mut families: Vec<Family> = METRICS.iter().map(|(metric, _)| Family::new(*metric)).collect();
        let mut cacheable = Family::new(m::MYSQL_STATEMENT_CACHEABLE);
        for (key, shown) in self.ledger.shown() {
            let (digest, schema) = (key.0.as_str(), key.1.as_str());
            let labels = [("schema", schema), ("digest", digest), ("digest_text", &*shown.label.text)];
            push(&mut families, &labels, &shown.values);
            let (calls, time) = (shown.values[CALLS], shown.values[TIME]);
            let (pays, reason) = cacheable::verdict(shown.label.nature, calls, time, options.cacheable);
            cacheable.push(&[labels[0], labels[1], ("reason", reason)], f64::from(u8::from(pays)));
        }
        let all = |digest| [("schema", "other"), ("digest", digest), ("digest_text", "")];
        push(&mut families, &all("other"), self.ledger.other());
        if let Some(retired) = self.ledger.retired() {
            push(&mut families, &all("retired"), retired);
        }
        families.extend([cacheable, Family::single(m::MYSQL_STATEMENT_ENTRIES, self.entries as f64)]);
        families
    }
}

impl Reading {
    /// The question for the texts of the statements that enter; nothing if none does.
    pub(super) fn texts_question(&self) -> Option<String> {
        let is_digest = |text: &str| text.len() <= 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let mut digests: Vec<String> = self
            .plan
            .entering
            .iter()
            .filter(|(key, _)| is_digest(&key.0))
            .map(|(key, _)| format!("'{}'", key.0))
            .collect();
        digests.sort_unstable();
        digests.dedup();
        (!digests.is_empty()).then(|| {
            format!(
                "SELECT DIGEST, ifnull(SCHEMA_NAME, 'NONE'), left(DIGEST_TEXT, 20000) \
                 FROM performance_schema.events_statements_summary_by_digest WHERE DIGEST IN ({})",
                digests.join(", ")
            )
        })
    }
}

fn push(families: &mut [Family], labels: &[(&'static str, &str)], values: &[u64; COLUMNS]) {
    for ((family, (_, unit)), value) in families.iter_mut().zip(METRICS).zip(values) {
        family.push(labels, *value as f64 / unit);
    }
}

/// The line without a digest holds all statements for which the server's table had no place.
fn row(cells: &[Cell]) -> Row<Key, COLUMNS> {
    let mut values = [0; COLUMNS];
    values.iter_mut().zip(&cells[3..]).for_each(|(value, cell)| *value = cell.count());
    let key = (cells[0] != Cell::Null).then(|| key(cells));
    Row { key, variant: 0, born: cells[2].int().unwrap_or(0), values }
}

fn key(cells: &[Cell]) -> Key {
    Arc::new((cells[0].text().into_owned(), cells[1].text().into_owned()))
}

fn labels(answer: &Answer, text_length: usize) -> HashMap<Key, Label> {
    answer
        .rows_of(3)
        .map(|row| {
            let full = row[2].text();
            let label = Label {
                text: text::scrub(&full, Dialect::Mysql, text_length).unwrap_or_default(),
                nature: cacheable::nature(&full, Dialect::Mysql),
            };
            (key(row), label)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_counted_and_its_text_asked_for_once() {
        let options = MysqlOptions::default();
        let mut digests = Digests::new(&options);
        let rows = "ab12\tshop\t7\t3\t1500\t0\t0\t0\t0\t3\t9\t0\t0\t0\t0\t3\n\
                    \\N\tNONE\t7\t5\t100\t0\t0\t0\t0\t0\t0\t0\t0\t0\t0\t0\n";
        let reading = digests.read(&Answer::from_tsv(rows), 9).unwrap();
        assert!(reading.texts_question().unwrap().ends_with("IN ('ab12')"));
        digests.absorb(reading, &Answer::from_tsv("ab12\tshop\tSELECT `a` FROM `t`\n"), &options);
        let families = digests.families(&options);
        assert_eq!(
            families[0],
            Family::new(m::MYSQL_STATEMENTS)
                .with(&[("schema", "shop"), ("digest", "ab12"), ("digest_text", "SELECT `a` FROM `t`")], 3.0)
                .with(&[("schema", "other"), ("digest", "other"), ("digest_text", "")], 5.0)
        );
        let again = digests.read(&Answer::from_tsv(rows), 9).unwrap();
        assert_eq!(again.texts_question(), None);
        assert_eq!(digests.read(&Answer::from_tsv(rows), 1).unwrap_err().kind(), "refused");
    }

    #[test]
    fn what_is_no_digest_is_never_written_into_a_question() {
        let digests = Digests::new(&MysqlOptions::default());
        let rows = "x' OR 1\tshop\t7\t3\t1500\t0\t0\t0\t0\t3\t9\t0\t0\t0\t0\t3\n";
        assert_eq!(digests.read(&Answer::from_tsv(rows), 9).unwrap().texts_question(), None);
    }
}
