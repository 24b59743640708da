//! PostgreSQL 13 to 18: slow statements, activity, buffers, locks, tables, the log and its readers, under
//! postgres_exporter's names.
//!
//! One kept connection; all questions of a scrape go out together, and a second round follows only
//! when a statement enters the top and needs its text. A question that is refused costs its own
//! samples and is told as a failed step. Each part has a file in `postgres/`.

mod options;
mod queries;
mod server;
mod statements;
mod tables;
mod wal;

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures::FutureExt;
use futures::future::BoxFuture;
use hitmark_schema::exposition::Family;
use hitmark_schema::metrics as m;

use super::{Ask, Built, Collected, Collector, Kind, Labelled, Step};
use crate::config::redacted;
use crate::failure::Failure;
use crate::options::{OptionReader, Options};
use crate::postgres_client::{PostgresClient, Query};
use crate::sql::Answer;
use crate::tls::TlsOptions;
use options::PostgresOptions;
use queries::StatementQueries;
use server::Blocks;
use statements::{Reading, Statements};
use tables::Kept;

/// This collector's line in the list.
pub const KIND: Kind = Kind { name: "postgres", key: "postgres", build };

/// The questions of every scrape, in the order of `Answers`.
const ALWAYS: [Query<'static>; 8] = [
    Query::new(queries::SERVER),
    Query::new(queries::DATABASES),
    Query::new(queries::ACTIVITY),
    Query::new(queries::LOCKS),
    Query::new(queries::REPLICAS),
    Query::new(queries::SLOTS),
    Query::new(queries::WAL),
    Query::new(queries::WRITER).or_from(17, queries::WRITER_17),
];

#[derive(Debug)]
struct PostgresCollector {
    client: PostgresClient,
    target: String,
    labelled: Labelled,
    options: PostgresOptions,
    memory: Mutex<Memory>,
}

/// Where the question stands that needs a role of its own.
const WAL_AT: usize = 6;

/// What is kept between scrapes.
#[derive(Debug)]
struct Memory {
    /// Whether our role may see the files of the log, once the server said so.
    may_list_wal: Option<bool>,
    blocks: Blocks,
    tables: Kept,
    sizes: Kept,
    statements: Statements,
}

/// An answer, or why there is none.
type Asked = Result<Answer, Failure>;

fn build(ask: &Ask<'_>) -> Built {
    let target = redacted(ask.url);
    let mut reader = OptionReader::new(ask.options);
    let options = PostgresOptions::read(&mut reader);
    let tls = TlsOptions::read(&mut reader);
    let mut mistakes = reader.finish();
    match PostgresClient::new(ask.url, ask.timeout, tls) {
        Ok(client) if mistakes.is_empty() => Ok(Box::new(PostgresCollector {
            client,
            target,
            labelled: ask.labelled,
            memory: Mutex::new(Memory::new(&options)),
            options,
        })),
        Ok(_) => Err(mistakes),
        Err(wrong) => {
            mistakes.push(format!("{target}: {wrong}"));
            Err(mistakes)
        }
    }
}

impl Memory {
    fn new(options: &PostgresOptions) -> Self {
        Self {
            may_list_wal: None,
            blocks: Blocks::new(),
            tables: Kept::new(m::PG_TABLES_AGE),
            sizes: Kept::new(m::PG_DATABASE_SIZE_AGE),
            statements: Statements::new(options),
        }
    }
}

impl Collector for PostgresCollector {
    fn target(&self) -> &str {
        &self.target
    }

    fn collect(&self, limit: Duration) -> BoxFuture<'_, Result<Collected, Failure>> {
        async move {
            let deadline = Instant::now() + limit;
            let mut collected = Collected::default();
            self.ask(deadline, &mut collected).await?;
            self.labelled.label(&self.target, &mut collected.families);
            Ok(collected)
        }
        .boxed()
    }

    fn verdict(&self, failure: Option<&Failure>, took: Duration) -> Vec<Family> {
        let failed = f64::from(u8::from(failure.is_some()));
        let mut families = vec![
            Family::single(m::PG_UP, 1.0 - failed),
            Family::single(m::PG_LAST_SCRAPE_ERROR, failed),
            Family::single(m::PG_LAST_SCRAPE_SECONDS, took.as_secs_f64()),
        ];
        self.labelled.label(&self.target, &mut families);
        families
    }
}

impl PostgresCollector {
    fn lock(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All questions that are known beforehand, then those that follow from the answers.
    async fn ask(&self, deadline: Instant, collected: &mut Collected) -> Result<(), Failure> {
        let started = Instant::now();
        let (known, tables_due, sizes_due) = {
            let memory = self.lock();
            let every = self.options.tables_every;
            let tables_due = self.options.tables > 0 && memory.tables.is_due(every);
            (memory.statements.queries(), tables_due, memory.sizes.is_due(every))
        };
        let wants = self.options.statements > 0;
        let tables = [queries::tables(self.options.tables), queries::unused_indexes(self.options.tables)];
        let mut asked = ALWAYS.to_vec();
        if self.lock().may_list_wal == Some(false) {
            asked[WAL_AT] = Query::new(queries::NO_WAL);
        }
        match (&known, wants) {
            (_, false) => {}
            (Some(queries), true) => asked.extend(statement_round(queries)),
            (None, true) => asked.push(Query::new(queries::EXTENSION)),
        }
        let of_statements = asked.len() - ALWAYS.len();
        asked.extend(sizes_due.then_some(Query::new(queries::SIZES)));
        asked.extend(tables.iter().filter(|_| tables_due).map(|sql| Query::new(sql)));
        let mut answers = self.client.ask(&asked, left(deadline)).await?.into_iter();
        let always: Vec<Asked> = answers.by_ref().take(ALWAYS.len()).collect();
        let database = self.server(always, started, collected)?;
        let mut step = |name, failure| {
            collected.steps.push(Step { name, took: started.elapsed(), failure });
        };
        let statements: Vec<Asked> = answers.by_ref().take(of_statements).collect();
        if sizes_due {
            let sizes = answers.next().unwrap_or(Err(Failure::Internal));
            let kept = sizes.map(|sizes| self.lock().sizes.keep(tables::sizes(&sizes)));
            step("postgres_sizes", kept.err());
        }
        if tables_due {
            step("postgres_tables", self.keep_tables(answers, &database).err());
        }
        if wants {
            let result = self.statements(known, statements, deadline).await;
            let failure = result.map(|families| collected.families.extend(families)).err();
            if failure.is_some() {
                self.lock().statements.forget_version();
            }
            collected.steps.push(Step { name: "postgres_statements", took: started.elapsed(), failure });
        }
        let memory = self.lock();
        collected.families.extend(memory.tables.families());
        collected.families.extend(memory.sizes.families());
        Ok(())
    }

    /// What every scrape asks. Returns the name of our database.
    fn server(
        &self,
        always: Vec<Asked>,
        started: Instant,
        collected: &mut Collected,
    ) -> Result<String, Failure> {
        let mut always = always.into_iter();
        let mut next = || always.next().unwrap_or(Err(Failure::Internal));
        let (server, databases, activity, locks) = (next()?, next()?, next(), next());
        let (replicas, slots, wal, writer) = (next(), next(), next(), next());
        let may_list_wal = server.rows_of(11).next().map(|row| row[10].count() == 1);
        self.lock().may_list_wal = may_list_wal;
        let wal = if may_list_wal == Some(false) { Err(wal::no_right()) } else { wal };
        collected.families.extend(server::server(&server));
        collected.families.extend(server::databases(&databases));
        collected.families.push(server::hit_ratio(&databases, &mut self.lock().blocks));
        let parsed = [
            ("postgres_activity", activity.map(|answer| server::activity(&answer))),
            ("postgres_locks", locks.map(|answer| vec![server::locks(&answer, &databases)])),
            ("postgres_replication", replicas.map(|answer| wal::replicas(&answer))),
            ("postgres_slots", slots.map(|answer| wal::slots(&answer))),
            ("postgres_wal", wal.map(|answer| wal::wal(&answer))),
            ("postgres_writer", writer.map(|answer| wal::writer(&answer))),
        ];
        for (name, result) in parsed {
            let failure = result.map(|families| collected.families.extend(families)).err();
            collected.steps.push(Step { name, took: started.elapsed(), failure });
        }
        Ok(server.rows_of(9).next().map(|row| row[8].text().into_owned()).unwrap_or_default())
    }

    /// Statements: in the first round if the extension's version was known, else in one of their own.
    async fn statements(
        &self,
        known: Option<StatementQueries>,
        answers: Vec<Asked>,
        deadline: Instant,
    ) -> Result<Vec<Family>, Failure> {
        let max = self.options.entries_max;
        let (queries, answers) = match known {
            Some(queries) => (queries, answers),
            None => {
                let extension = answers.into_iter().next().unwrap_or(Err(Failure::Internal))?;
                let queries = self.lock().statements.learn_version(&extension, max)?;
                let answers = self.client.ask(&statement_round(&queries), left(deadline)).await?;
                (queries, answers)
            }
        };
        let answers: Vec<Answer> = answers.into_iter().collect::<Result<_, _>>()?;
        let reading = self.lock().statements.read(&answers, max)?;
        if let Some(reading) = reading {
            let texts = self.texts(&queries, &reading, deadline).await;
            self.lock().statements.absorb(
                reading,
                texts.as_ref().unwrap_or(&Answer::default()),
                &self.options,
            );
            texts?;
        }
        Ok(self.lock().statements.families(&self.options))
    }

    /// Names and texts of the statements that enter; the server reads its file of texts for it.
    async fn texts(&self, queries: &StatementQueries, reading: &Reading, deadline: Instant) -> Asked {
        let ids = reading.unlabelled();
        if ids.is_empty() {
            return Ok(Answer::default());
        }
        let query = Query::new(&queries.texts).of(&ids);
        let answers = self.client.ask(&[query], left(deadline)).await?;
        answers.into_iter().next().unwrap_or(Err(Failure::Internal))
    }

    fn keep_tables(&self, mut answers: impl Iterator<Item = Asked>, database: &str) -> Result<(), Failure> {
        let mut next = || answers.next().unwrap_or(Err(Failure::Internal));
        let (tables, indexes) = (next(), next());
        let mut families = tables::tables(&tables?);
        families.extend(tables::unused_indexes(&indexes?, database));
        self.lock().tables.keep(families);
        Ok(())
    }
}

/// The table between two looks at when it began, if this version tells.
fn statement_round(queries: &StatementQueries) -> Vec<Query<'_>> {
    let info = queries.info.as_deref().map(Query::new);
    info.into_iter().chain([Query::new(&queries.all)]).chain(info).collect()
}

fn left(deadline: Instant) -> Duration {
    deadline.saturating_duration_since(Instant::now())
}

/// What a server answered to the questions of a first scrape.
#[derive(Debug, Clone, Default)]
pub struct Answers {
    /// Settings, role, version.
    pub server: Answer,
    /// `pg_stat_database`.
    pub databases: Answer,
    /// `pg_stat_activity`.
    pub activity: Answer,
    /// `pg_locks`.
    pub locks: Answer,
    /// `pg_stat_replication`.
    pub replicas: Answer,
    /// `pg_replication_slots`.
    pub slots: Answer,
    /// The files of the log.
    pub wal: Answer,
    /// `pg_stat_archiver`, `pg_stat_bgwriter`, `pg_stat_checkpointer`.
    pub writer: Answer,
    /// Sizes of databases.
    pub sizes: Answer,
    /// `pg_stat_statements` without texts.
    pub statements: Answer,
    /// Names and texts of statements.
    pub texts: Answer,
    /// `pg_stat_user_tables`.
    pub tables: Answer,
    /// Indexes that no scan has used.
    pub indexes: Answer,
}

/// The samples of a first scrape. Pure and total.
///
/// # Errors
/// [`Failure`] if the server remembers more statements than the default cap.
pub fn parse(answers: &Answers) -> Result<Vec<Family>, Failure> {
    let options = PostgresOptions::read(&mut OptionReader::new(&Options::new()));
    let mut statements = Statements::new(&options);
    let mut families = server::server(&answers.server);
    families.extend(server::databases(&answers.databases));
    families.extend(server::activity(&answers.activity));
    families.push(server::locks(&answers.locks, &answers.databases));
    families.extend(wal::replicas(&answers.replicas));
    families.extend(wal::slots(&answers.slots));
    families.extend(wal::wal(&answers.wal));
    families.extend(wal::writer(&answers.writer));
    let all = std::slice::from_ref(&answers.statements);
    if let Some(reading) = statements.read(all, options.entries_max)? {
        statements.absorb(reading, &answers.texts, &options);
    }
    families.extend(statements.families(&options));
    families.extend(tables::sizes(&answers.sizes));
    families.extend(tables::tables(&answers.tables));
    families.extend(tables::unused_indexes(&answers.indexes, "shop"));
    Ok(families)
}
