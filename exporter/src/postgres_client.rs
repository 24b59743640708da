//! The only file that knows the PostgreSQL library: one kept connection, questions sent together.
//!
//! It speaks in [`Answer`]s, so that collectors parse without a network. The session is read-only, its
//! statements end at the deadline by themselves, and where our role may, they stay out of the
//! statistics that we are here to read. Like the Redis client it connects anew once within a scrape if
//! the kept connection turns out dead. What it may do with TLS is in `tls`.

mod tls;

use std::collections::HashMap;
use std::error::Error as _;
use std::fmt;
use std::future::Future;
use std::pin::pin;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures::future::{BoxFuture, Fuse, join_all};
use futures::{FutureExt, TryStreamExt};
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::error::SqlState;
use tokio_postgres::types::{FromSql, Type};
use tokio_postgres::{Client, Config, Error, Statement};

use crate::failure::Failure;
use crate::sql::{Answer, Cell};
use crate::tls::TlsOptions;

/// How the connection names itself in `pg_stat_activity`.
const APPLICATION: &str = "hitmark-exporter";

/// One question.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Query<'a> {
    sql: &'a str,
    /// The first parameter, an array.
    ids: Option<&'a [i64]>,
    /// How servers from a major version on are asked.
    newer: Option<(u32, &'a str)>,
}

impl<'a> Query<'a> {
    pub(crate) const fn new(sql: &'a str) -> Self {
        Self { sql, ids: None, newer: None }
    }

    /// Asks servers from this major version on in other words.
    pub(crate) const fn or_from(self, major: u32, sql: &'a str) -> Self {
        Self { newer: Some((major, sql)), ..self }
    }

    /// With this parameter.
    pub(crate) const fn of(self, ids: &'a [i64]) -> Self {
        Self { ids: Some(ids), ..self }
    }

    fn words(&self, server: u32) -> &'a str {
        self.newer.filter(|(major, _)| server >= *major).map_or(self.sql, |(_, sql)| sql)
    }
}

/// A server that is asked again and again.
pub(crate) struct PostgresClient {
    config: Config,
    tls: tls::Handshake,
    limit: Duration,
    secret: Option<String>,
    kept: Mutex<Option<Connection>>,
}

struct Connection {
    client: Client,
    /// The server's major version, as it said when we connected.
    major: u32,
    statements: HashMap<String, Statement>,
    // It moves bytes only while somebody asks, in the same task: one of its own would hand over each
    // piece of an answer from thread to thread.
    driver: Fuse<BoxFuture<'static, ()>>,
}

impl PostgresClient {
    /// Prepares to ask the server; connects only when asked.
    ///
    /// The error says what is wrong with the URL, without the URL.
    pub(crate) fn new(url: &str, timeout: Duration, options: TlsOptions) -> Result<Self, String> {
        const SHAPE: &str = "is no PostgreSQL URL; write \
                             postgres://user:password@host[:port]/database[?sslmode=verify-full&sslrootcert=FILE]";
        if !["postgres://", "postgresql://"].iter().any(|scheme| url.starts_with(scheme)) {
            return Err(SHAPE.to_owned());
        }
        let (url, wanted) = tls::read(url, options)?;
        // The library's own words may quote a part of the URL.
        let mut config: Config = url.parse().map_err(|_| SHAPE.to_owned())?;
        if config.get_hosts().is_empty() {
            return Err(SHAPE.to_owned());
        }
        let names = config.get_hosts().iter().filter_map(|host| match host {
            Host::Tcp(name) => Some(name.clone()),
            Host::Unix(_) => None,
        });
        let names: Vec<String> = names.collect();
        // As in libpq, a socket needs no TLS whatever the mode says.
        let mode = if names.is_empty() { SslMode::Disable } else { wanted.mode };
        if mode != SslMode::Disable {
            names.iter().try_for_each(|name| wanted.tls.check(name))?;
        }
        config.ssl_mode(mode).application_name(APPLICATION).connect_timeout(timeout);
        let secret = config.get_password().map(|secret| String::from_utf8_lossy(secret).into_owned());
        Ok(Self { config, tls: wanted.tls, limit: timeout, secret, kept: Mutex::new(None) })
    }

    /// Asks all questions at once; each answer or refusal stands in its question's place.
    pub(crate) async fn ask(
        &self,
        queries: &[Query<'_>],
        limit: Duration,
    ) -> Result<Vec<Result<Answer, Failure>>, Failure> {
        // Taken out while it is used: if the deadline drops this future, the connection goes with it.
        match tokio::time::timeout(limit, self.ask_without_limit(queries)).await {
            Ok(result) => result,
            Err(_) => Err(Failure::Timeout(limit)),
        }
    }

    async fn ask_without_limit(
        &self,
        queries: &[Query<'_>],
    ) -> Result<Vec<Result<Answer, Failure>>, Failure> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(mut connection) = kept
            && !connection.client.is_closed()
        {
            let answers = connection.exchange(queries).await;
            // The server may have restarted since the last scrape: then once more, on a new one.
            if !connection.client.is_closed() && !answers.iter().any(is_broken) {
                return Ok(self.keep(connection, answers));
            }
        }
        let mut connection = self.connect().await?;
        let answers = connection.exchange(queries).await;
        match answers.iter().find(|answer| is_broken(answer)) {
            Some(Err(error)) => Err(self.failure(error, Stage::Asking)),
            _ => Ok(self.keep(connection, answers)),
        }
    }

    async fn connect(&self) -> Result<Connection, Failure> {
        let connected = self.config.connect(self.tls.clone()).await;
        let (client, driver) = connected.map_err(|error| self.failure(&error, Stage::Connecting))?;
        let major = driver.parameter("server_version").map_or(0, major_of);
        // Whoever waits for an answer gets the connection's error too.
        let driver = driver.map(|_| ()).boxed().fuse();
        let mut connection = Connection { client, major, statements: HashMap::new(), driver };
        // Only some roles may do this; the others count our few statements among all.
        let _ = connection.execute("SET pg_stat_statements.track = 'none'").await;
        let limit_ms = self.limit.as_millis().clamp(1, 600_000);
        let session = format!(
            "SET default_transaction_read_only = on; SET statement_timeout = {limit_ms}; SET jit = off"
        );
        connection.execute(&session).await.map_err(|error| self.failure(&error, Stage::Asking))?;
        Ok(connection)
    }

    fn keep(
        &self,
        connection: Connection,
        answers: Vec<Result<Answer, Error>>,
    ) -> Vec<Result<Answer, Failure>> {
        *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = Some(connection);
        answers
            .into_iter()
            .map(|answer| answer.map_err(|error| self.failure(&error, Stage::Asking)))
            .collect()
    }

    fn failure(&self, error: &Error, stage: Stage) -> Failure {
        if let Some(failure) = error.source().and_then(|source| source.downcast_ref::<Failure>()) {
            return failure.clone();
        }
        let mut text = match (error.as_db_error(), error.source()) {
            (Some(db), _) => db.message().to_owned(),
            (None, Some(source)) => format!("{error}: {source}"),
            (None, None) => error.to_string(),
        };
        if let Some(secret) = self.secret.as_deref().filter(|secret| !secret.is_empty()) {
            text = text.replace(secret, hitmark_schema::redact::MASK);
        }
        match error.code() {
            Some(code)
                if *code == SqlState::INVALID_PASSWORD
                    || *code == SqlState::INVALID_AUTHORIZATION_SPECIFICATION =>
            {
                Failure::Credentials(text)
            }
            Some(code) if *code == SqlState::QUERY_CANCELED => Failure::Timeout(self.limit),
            Some(_) => Failure::Refused(text),
            None if text.contains("password missing") => Failure::Credentials(text),
            None => match stage {
                Stage::Connecting if text.contains("does not support TLS") => Failure::Connect(
                    "the server has no TLS: set ssl = on there, or write sslmode=prefer or disable"
                        .to_owned(),
                ),
                Stage::Connecting => Failure::Connect(text),
                Stage::Asking if is_broken_error(error) => Failure::Broken(text),
                Stage::Asking => Failure::Answer(text),
            },
        }
    }
}

impl Connection {
    async fn execute(&mut self, sql: &str) -> Result<(), Error> {
        drive(&mut self.driver, self.client.batch_execute(sql)).await
    }

    async fn exchange(&mut self, queries: &[Query<'_>]) -> Vec<Result<Answer, Error>> {
        drive(&mut self.driver, exchange(&self.client, self.major, &mut self.statements, queries)).await
    }
}

/// `15.18 (Debian 15.18-0+deb12u1)` is 15, `18beta1` is 18.
fn major_of(version: &str) -> u32 {
    let end = version.find(|sign: char| !sign.is_ascii_digit()).unwrap_or(version.len());
    version[..end].parse().unwrap_or(0)
}

/// Moves the connection's bytes until the work is done. When the connection ends, the work fails.
async fn drive<T>(driver: &mut Fuse<BoxFuture<'static, ()>>, work: impl Future<Output = T>) -> T {
    let mut work = pin!(work);
    tokio::select! {
        biased;
        result = &mut work => result,
        () = driver => work.await,
    }
}

/// All statements that are new are prepared in one round trip, then all are executed in one.
async fn exchange(
    client: &Client,
    major: u32,
    statements: &mut HashMap<String, Statement>,
    queries: &[Query<'_>],
) -> Vec<Result<Answer, Error>> {
    let words: Vec<&str> = queries.iter().map(|query| query.words(major)).collect();
    let new: Vec<&str> = words.iter().copied().filter(|sql| !statements.contains_key(*sql)).collect();
    let prepared = join_all(new.iter().map(|sql| client.prepare(sql))).await;
    let mut refused: HashMap<&str, Error> = HashMap::new();
    for (sql, statement) in new.into_iter().zip(prepared) {
        match statement {
            Ok(statement) => drop(statements.insert(sql.to_owned(), statement)),
            Err(error) => drop(refused.insert(sql, error)),
        }
    }
    let executed = join_all(queries.iter().zip(&words).map(|(query, sql)| async {
        let Some(statement) = statements.get(*sql) else { return Ok(None) };
        answer(client, statement, query.ids).await.map(Some)
    }))
    .await;
    let answer = |(sql, result): (&&str, Result<Option<Answer>, Error>)| match result? {
        Some(answer) => Ok(answer),
        None => refused.remove(*sql).map_or(Ok(Answer::default()), Err),
    };
    words.iter().zip(executed).map(answer).collect()
}

/// Rows are taken apart as they come: thousands of them need not be held as the library holds them.
async fn answer(client: &Client, statement: &Statement, ids: Option<&[i64]>) -> Result<Answer, Error> {
    let mut rows = pin!(client.query_raw(statement, ids).await?);
    let width = statement.columns().len();
    let mut answer = Answer::new(width);
    while let Some(row) = rows.try_next().await? {
        for at in 0..width {
            answer.push(row.try_get::<_, Option<Cell>>(at)?.unwrap_or(Cell::Null));
        }
    }
    Ok(answer)
}

impl fmt::Debug for PostgresClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The configuration holds the password.
        f.debug_struct("PostgresClient").finish_non_exhaustive()
    }
}

#[derive(Clone, Copy)]
enum Stage {
    Connecting,
    Asking,
}

fn is_broken(answer: &Result<Answer, Error>) -> bool {
    answer.as_ref().is_err_and(is_broken_error)
}

/// The connection ended: by itself, or because the server shuts down.
fn is_broken_error(error: &Error) -> bool {
    let shutdown = [SqlState::ADMIN_SHUTDOWN, SqlState::CRASH_SHUTDOWN, SqlState::CANNOT_CONNECT_NOW];
    let from_io = || error.source().is_some_and(|source| source.is::<std::io::Error>());
    error.is_closed() || error.code().is_some_and(|code| shutdown.contains(code)) || from_io()
}

impl<'a> FromSql<'a> for Cell {
    fn from_sql(of: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Ok(match *of {
            Type::INT8 | Type::TIMESTAMPTZ => Self::Int(i64::from_be_bytes(raw.try_into()?)),
            Type::INT4 => Self::Int(i32::from_be_bytes(raw.try_into()?).into()),
            Type::OID => Self::Int(u32::from_be_bytes(raw.try_into()?).into()),
            Type::FLOAT8 => Self::Float(f64::from_be_bytes(raw.try_into()?)),
            Type::BOOL => Self::Int(raw.first().copied().unwrap_or(0).into()),
            _ => Self::Text(String::from_utf8_lossy(raw).into_owned()),
        })
    }

    /// Everything: what is no number becomes text. The library asks this for every cell.
    fn accepts(_: &Type) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_known_by_its_first_number() {
        for (text, major) in [("15.18 (Debian 15.18-0+deb12u1)", 15), ("18beta1", 18), ("17", 17), ("odd", 0)]
        {
            assert_eq!(major_of(text), major, "{text}");
        }
    }

    #[test]
    fn newer_servers_are_asked_in_their_own_words() {
        let query = Query::new("old").or_from(17, "new");
        assert_eq!((query.words(16), query.words(17), query.words(18)), ("old", "new", "new"));
        assert_eq!(Query::new("old").words(99), "old");
    }
}
