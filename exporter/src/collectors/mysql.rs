//! MySQL and MariaDB: slow statements by digest and the essentials of the global status, under
//! mysqld_exporter's names.
//!
//! One kept connection and three questions for each scrape. Digests need `performance_schema`, which
//! MariaDB has off by default: then that step fails and the rest works. Each part has a file in
//! `mysql/`.

mod digests;
mod status;

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures::FutureExt;
use futures::future::BoxFuture;
use hitmark_schema::exposition::Family;
use hitmark_schema::metrics::{MYSQL_LAST_SCRAPE_ERROR, MYSQL_UP};

use super::{Ask, Built, Collected, Collector, Kind, Labelled, Step};
use crate::config::redacted;
use crate::failure::Failure;
use crate::mysql_client::{MysqlClient, Query};
use crate::options::OptionReader;
use crate::sql::Answer;
use crate::statements::cacheable::Limits;
use crate::tls::TlsOptions;
use digests::Digests;

/// This collector's line in the list.
pub const KIND: Kind = Kind { name: "mysql", key: "mysql", build };

/// What a module may say: `[modules.NAME.mysql]`.
#[derive(Debug, Clone)]
struct MysqlOptions {
    /// Most statements with series of their own; 0 leaves the digests alone.
    statements: usize,
    /// Most lines of the server's table that are read.
    entries_max: usize,
    /// Most characters of a statement's text.
    text_length: usize,
    /// From when on a cache may pay for a statement.
    cacheable: Limits,
}

#[derive(Debug)]
struct MysqlCollector {
    client: MysqlClient,
    target: String,
    labelled: Labelled,
    options: MysqlOptions,
    status: String,
    digests: Mutex<Digests>,
}

impl MysqlOptions {
    fn read(reader: &mut OptionReader<'_>) -> Self {
        let mean_ms = reader.number("cacheable_mean_ms", 5.0, 0.0..=1e6);
        Self {
            statements: reader.number("statements", 100.0, 0.0..=1_000.0) as usize,
            entries_max: reader.number("entries_max", 20_000.0, 1.0..=200_000.0) as usize,
            text_length: reader.number("text_length", 120.0, 10.0..=2_000.0) as usize,
            cacheable: Limits {
                calls: reader.number("cacheable_calls", 20.0, 1.0..=1e12) as u64,
                mean_ns: (mean_ms * 1e6) as u64,
            },
        }
    }
}

impl Default for MysqlOptions {
    fn default() -> Self {
        Self::read(&mut OptionReader::new(&crate::options::Options::new()))
    }
}

fn build(ask: &Ask<'_>) -> Built {
    let target = redacted(ask.url);
    let mut reader = OptionReader::new(ask.options);
    let options = MysqlOptions::read(&mut reader);
    let tls = TlsOptions::read(&mut reader);
    let mut mistakes = reader.finish();
    match MysqlClient::new(ask.url, ask.timeout, tls) {
        Ok(client) if mistakes.is_empty() => Ok(Box::new(MysqlCollector {
            client,
            target,
            labelled: ask.labelled,
            status: status::question(),
            digests: Mutex::new(Digests::new(&options)),
            options,
        })),
        Ok(_) => Err(mistakes),
        Err(wrong) => {
            mistakes.push(format!("{target}: {wrong}"));
            Err(mistakes)
        }
    }
}

impl Collector for MysqlCollector {
    fn target(&self) -> &str {
        &self.target
    }

    fn collect(&self, limit: Duration) -> BoxFuture<'_, Result<Collected, Failure>> {
        async move {
            let deadline = Instant::now() + limit;
            let asked = [Query::Often(status::SERVER), Query::Once(&self.status)];
            let mut answers = self.client.ask(&asked, limit).await?.into_iter();
            let mut next = || answers.next().unwrap_or(Err(Failure::Internal));
            let (server, global) = (next()?, next()?);
            let mut collected = Collected { families: status::server(&server), ..Collected::default() };
            let (families, unreadable) = status::status(&global);
            collected.families.extend(families);
            collected.unreadable = unreadable;
            if self.options.statements > 0 {
                let started = Instant::now();
                let result = self.digests(&server, deadline).await;
                let failure = result.map(|families| collected.families.extend(families)).err();
                collected.steps.push(Step { name: "mysql_digests", took: started.elapsed(), failure });
            }
            self.labelled.label(&self.target, &mut collected.families);
            Ok(collected)
        }
        .boxed()
    }

    fn verdict(&self, failure: Option<&Failure>, _took: Duration) -> Vec<Family> {
        let failed = f64::from(u8::from(failure.is_some()));
        let mut families =
            vec![Family::single(MYSQL_UP, 1.0 - failed), Family::single(MYSQL_LAST_SCRAPE_ERROR, failed)];
        self.labelled.label(&self.target, &mut families);
        families
    }
}

impl MysqlCollector {
    fn lock(&self) -> MutexGuard<'_, Digests> {
        self.digests.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn digests(&self, server: &Answer, deadline: Instant) -> Result<Vec<Family>, Failure> {
        if !status::has_digests(server) {
            let text = "performance_schema is off: start the server with performance_schema=ON";
            return Err(Failure::Refused(text.to_owned()));
        }
        let max = self.options.entries_max;
        let all = self.one(Query::Often(&digests::question(max)), deadline).await?;
        let reading = self.lock().read(&all, max)?;
        let texts = match reading.texts_question() {
            None => Ok(Answer::default()),
            Some(question) => self.one(Query::Once(&question), deadline).await,
        };
        let mut digests = self.lock();
        digests.absorb(reading, texts.as_ref().unwrap_or(&Answer::default()), &self.options);
        texts?;
        Ok(digests.families(&self.options))
    }

    async fn one(&self, query: Query<'_>, deadline: Instant) -> Result<Answer, Failure> {
        let left = deadline.saturating_duration_since(Instant::now());
        self.client.ask(&[query], left).await?.into_iter().next().unwrap_or(Err(Failure::Internal))
    }
}

/// The samples of a first scrape: settings, status, digests, texts. Pure and total.
///
/// # Errors
/// [`Failure`] if the server tells more statements apart than the default cap.
pub fn parse(server: &Answer, status: &Answer, all: &Answer, texts: &Answer) -> Result<Vec<Family>, Failure> {
    let options = MysqlOptions::default();
    let mut digests = Digests::new(&options);
    let mut families = status::server(server);
    families.extend(status::status(status).0);
    let reading = digests.read(all, options.entries_max)?;
    digests.absorb(reading, texts, &options);
    families.extend(digests.families(&options));
    Ok(families)
}
