//! `pg_stat_statements`: rows in, counters of the top statements out.
//!
//! What stays exact and why is told in `statements::ledger`; here are the columns, the labels and the
//! step's own questions.

use std::collections::{BTreeMap, HashMap};
use std::hash::{Hash, Hasher};

use hitmark_schema::exposition::Family;
use hitmark_schema::metrics as m;

use super::options::PostgresOptions;
use super::queries::{self, StatementQueries};
use crate::failure::Failure;
use crate::sql::Answer;
use crate::statements::cacheable::{self, Nature};
use crate::statements::ledger::{CALLS, Ledger, Plan, Row, TIME};
use crate::statements::text::{self, Dialect};

/// How many counters a statement has.
const COLUMNS: usize = 11;
/// User, database, statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Key(u32, u32, i64);

impl Hash for Key {
    /// The statement's id is itself a hash, and few statements are run by several users.
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_i64(self.2);
    }
}

/// The metric of each counter, and what its unit is divided by. Time is counted in nanoseconds, so
/// that sums are exact.
const METRICS: [(m::Metric, f64); COLUMNS] = [
    (m::PG_STATEMENT_CALLS, 1.0),
    (m::PG_STATEMENT_SECONDS, 1e9),
    (m::PG_STATEMENT_ROWS, 1.0),
    (m::PG_STATEMENT_READ_SECONDS, 1e9),
    (m::PG_STATEMENT_WRITE_SECONDS, 1e9),
    (m::PG_STATEMENT_HIT, 1.0),
    (m::PG_STATEMENT_READ, 1.0),
    (m::PG_STATEMENT_DIRTIED, 1.0),
    (m::PG_STATEMENT_WRITTEN, 1.0),
    (m::PG_STATEMENT_TEMP_READ, 1.0),
    (m::PG_STATEMENT_TEMP_WRITTEN, 1.0),
];

/// What a statement's series are labelled with.
#[derive(Debug, Clone)]
struct Label {
    user: String,
    database: String,
    query: String,
    text: Option<String>,
    nature: Nature,
}

/// Everything about statements that is kept between scrapes.
#[derive(Debug)]
pub(super) struct Statements {
    ledger: Ledger<Key, Label, COLUMNS>,
    /// What to ask, once the extension's version is known.
    queries: Option<StatementQueries>,
    began: Option<i64>,
    dealloc: Option<f64>,
    entries: usize,
    hidden: usize,
}

/// What one scrape brought, before it is counted.
#[derive(Debug)]
pub(super) struct Reading {
    rows: Vec<Row<Key, COLUMNS>>,
    plan: Plan<Key, COLUMNS>,
    began: Option<i64>,
    dealloc: Option<f64>,
}

impl Statements {
    pub(super) fn new(options: &PostgresOptions) -> Self {
        let ledger = Ledger::new(options.statements);
        Self { ledger, queries: None, began: None, dealloc: None, entries: 0, hidden: 0 }
    }

    /// What to ask, if the extension's version is known.
    pub(super) fn queries(&self) -> Option<StatementQueries> {
        self.queries.clone()
    }

    /// The extension may be another one: it is looked for again.
    pub(super) fn forget_version(&mut self) {
        self.queries = None;
    }

    /// Takes note of the extension's version.
    pub(super) fn learn_version(&mut self, answer: &Answer, max: usize) -> Result<StatementQueries, Failure> {
        let Some([version, schema]) = answer.rows_of(2).next() else {
            return Err(Failure::Refused(
                "the extension pg_stat_statements is not in this database: set shared_preload_libraries = \
                 'pg_stat_statements', restart the server, and run CREATE EXTENSION pg_stat_statements"
                    .to_owned(),
            ));
        };
        let queries = queries::statements(&version_text(version), &schema.text(), max).ok_or_else(|| {
            let text = "the extension pg_stat_statements is older than 1.8: run ALTER EXTENSION \
                        pg_stat_statements UPDATE";
            Failure::Refused(text.to_owned())
        })?;
        self.queries = Some(queries.clone());
        Ok(queries)
    }

    /// Compares the rows with the last ones; they stand between two looks at when the table began, if
    /// this version tells. Nothing if the table was begun anew while it was read: it is not known which
    /// rows are from before.
    pub(super) fn read(&self, answers: &[Answer], max: usize) -> Result<Option<Reading>, Failure> {
        let (before, all, after) = match answers {
            [before, all, after] => (Some(before), all, Some(after)),
            [all] => (None, all, None),
            _ => return Err(Failure::Internal),
        };
        let rows = rows(all);
        if rows.len() > max {
            let text = format!(
                "pg_stat_statements holds more than {max} statements: raise entries_max or lower \
                 pg_stat_statements.max"
            );
            return Err(Failure::Refused(text));
        }
        let info = |answer: Option<&Answer>| {
            let row = answer?.rows_of(2).next()?;
            Some((row[0].number(), row[1].int()))
        };
        let (before, after) = (info(before), info(after));
        let began = before.and_then(|(_, began)| began);
        if began != after.and_then(|(_, began)| began) {
            return Ok(None);
        }
        let was_reset = self.began.is_some() && began.is_some() && self.began != began;
        let plan = self.ledger.plan(&rows, was_reset);
        Ok(Some(Reading { rows, plan, began, dealloc: after.and_then(|(dealloc, _)| dealloc) }))
    }

    /// Counts; `texts` holds names and texts of those that enter.
    pub(super) fn absorb(&mut self, reading: Reading, texts: &Answer, options: &PostgresOptions) {
        let labels = labels(texts, options.text_length);
        self.began = reading.began;
        self.dealloc = reading.dealloc;
        self.entries = reading.rows.len();
        self.hidden = reading.rows.iter().filter(|row| row.key.is_none()).count();
        self.ledger.absorb(&reading.rows, reading.plan, labels);
    }

    /// The samples.
    pub(super) fn families(&self, options: &PostgresOptions) -> Vec<Family> {
        let mut families: Vec<Family> = METRICS.iter().map(|(metric, _)| Family::new(*metric)).collect();
        let mut cacheable = Family::new(m::PG_STATEMENT_CACHEABLE);
        let mut texts: BTreeMap<&str, &str> = BTreeMap::new();
        for (_, shown) in self.ledger.shown() {
            let Label { user, database, query, text, nature } = &shown.label;
            let labels = [("user", user.as_str()), ("datname", database), ("queryid", query)];
            push(&mut families, &labels, &shown.values);
            let (calls, time) = (shown.values[CALLS], shown.values[TIME]);
            let (pays, reason) = cacheable::verdict(*nature, calls, time, options.cacheable);
            let labels = [labels[0], labels[1], labels[2], ("reason", reason)];
            cacheable.push(&labels, f64::from(u8::from(pays)));
            texts.extend(text.as_deref().map(|text| (query.as_str(), text)));
        }
        let all = |query| [("user", "other"), ("datname", "other"), ("queryid", query)];
        push(&mut families, &all("other"), self.ledger.other());
        if let Some(retired) = self.ledger.retired() {
            push(&mut families, &all("retired"), retired);
        }
        let mut info = Family::new(m::PG_STATEMENT_TEXT);
        texts.iter().for_each(|(query, text)| info.push(&[("queryid", query), ("query", text)], 1.0));
        families.extend([info, cacheable, Family::single(m::PG_STATEMENT_ENTRIES, self.entries as f64)]);
        families.push(Family::single(m::PG_STATEMENT_HIDDEN, self.hidden as f64));
        families.extend(self.dealloc.map(|count| Family::single(m::PG_STATEMENT_DEALLOC, count)));
        families
    }
}

impl Reading {
    /// The ids of the statements that enter and need a label, each once.
    pub(super) fn unlabelled(&self) -> Vec<i64> {
        let mut ids: Vec<i64> = self.plan.entering.iter().map(|(Key(.., id), _)| *id).collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    }
}

/// `1.10` looks like a number in a kept answer; the server sends it as text.
fn version_text(cell: &crate::sql::Cell) -> String {
    cell.text().into_owned()
}

fn push(families: &mut [Family], labels: &[(&'static str, &str)], values: &[u64; COLUMNS]) {
    for ((family, (_, unit)), value) in families.iter_mut().zip(METRICS).zip(values) {
        family.push(labels, *value as f64 / unit);
    }
}

fn rows(answer: &Answer) -> Vec<Row<Key, COLUMNS>> {
    let nanos = |cell: &crate::sql::Cell| (cell.number().unwrap_or(0.0) * 1e6).round() as u64;
    answer
        .rows_of(16)
        .map(|row| {
            let id = |column: usize| row[column].count() as u32;
            let mut values = [0; COLUMNS];
            for (value, (column, cell)) in values.iter_mut().zip(row[5..16].iter().enumerate()) {
                *value = if matches!(column, 1 | 3 | 4) { nanos(cell) } else { cell.count() };
            }
            Row {
                key: row[2].int().map(|query| Key(id(0), id(1), query)),
                variant: usize::from(row[3].count() == 1),
                born: row[4].int().unwrap_or(0),
                values,
            }
        })
        .collect()
}

fn labels(answer: &Answer, text_length: usize) -> HashMap<Key, Label> {
    answer
        .rows_of(6)
        .filter_map(|row| {
            let query = row[2].int()?;
            let full = row[5].text();
            let nature = cacheable::nature(&full, Dialect::Postgres);
            let hidden = full.starts_with("<insufficient privilege>");
            let label = Label {
                user: row[3].text().into_owned(),
                database: row[4].text().into_owned(),
                query: query.to_string(),
                text: if hidden { None } else { text::scrub(&full, Dialect::Postgres, text_length) },
                nature: if hidden { Nature::Unknown } else { nature },
            };
            Some((Key(row[0].count() as u32, row[1].count() as u32, query), label))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROW: &str = "10\t5\t-7\t1\t0\t3\t1.5\t4\t0.25\t0\t9\t8\t7\t6\t5\t4\n";

    fn options() -> PostgresOptions {
        PostgresOptions::default()
    }

    #[test]
    fn a_missing_extension_is_told_with_what_to_do() {
        let mut statements = Statements::new(&options());
        let failure = statements.learn_version(&Answer::default(), 10).unwrap_err().to_string();
        assert!(failure.contains("CREATE EXTENSION pg_stat_statements"), "{failure}");
        let old = Answer::from_tsv("v1.7\tpublic\n");
        assert!(statements.learn_version(&old, 10).unwrap_err().to_string().contains("ALTER EXTENSION"));
    }

    #[test]
    fn times_become_whole_nanoseconds_and_columns_keep_their_order() {
        let rows = rows(&Answer::from_tsv(ROW));
        assert_eq!(rows[0].key, Some(Key(10, 5, -7)));
        assert_eq!(rows[0].values, [3, 1_500_000, 4, 250_000, 0, 9, 8, 7, 6, 5, 4]);
    }

    #[test]
    fn a_table_that_is_begun_anew_while_it_is_read_waits_for_the_next_scrape() {
        let statements = Statements::new(&options());
        let info = |began: i64| Answer::from_tsv(&format!("0\t{began}\n"));
        let all = || Answer::from_tsv(ROW);
        assert!(statements.read(&[info(1), all(), info(2)], 9).unwrap().is_none());
        assert!(statements.read(&[info(1), all(), info(1)], 9).unwrap().is_some());
        assert!(statements.read(&[all()], 9).unwrap().is_some(), "version 1.8 does not say");
        assert_eq!(statements.read(&[all()], 0).unwrap_err().kind(), "refused");
    }

    #[test]
    fn a_row_without_identity_is_hidden_and_in_other() {
        let mut statements = Statements::new(&options());
        let all = Answer::from_tsv(&ROW.replace("-7", "\\N"));
        let reading = statements.read(&[all], 9).unwrap().unwrap();
        assert!(reading.unlabelled().is_empty());
        statements.absorb(reading, &Answer::default(), &options());
        assert_eq!((statements.hidden, statements.ledger.other()[CALLS]), (1, 3));
    }
}
