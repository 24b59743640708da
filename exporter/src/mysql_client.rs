//! The only file that knows the MySQL library: one kept connection, one question after the other.
//!
//! The protocol has no pipeline, so each question is a round trip. The session is read-only, its
//! statements end at the deadline by themselves, and where our user may, they stay out of the
//! statistics that we are here to read. What it may do with TLS is in `tls`.

mod tls;

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use mysql_async::prelude::Queryable;
use mysql_async::{Conn, DriverError, Error, Opts, OptsBuilder, Row, Value};

use crate::failure::Failure;
use crate::sql::{Answer, Cell};
use crate::tls::{TlsOptions, distrust};
use tls::{Mode, Wanted};

/// Statements that a connection keeps prepared.
const PREPARED_MAX: usize = 8;
/// The largest packet that we take.
const PACKET_LEN_MAX: usize = 64 << 20;
/// What servers say of a statement that took too long: MariaDB, then MySQL.
const CANCELLED: [u16; 2] = [1969, 3024];
/// Access denied: to the server, to the database.
const DENIED: [u16; 2] = [1045, 1044];

/// One question.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Query<'a> {
    /// Asked in every scrape: prepared once, and its numbers come as numbers.
    Often(&'a str),
    /// Asked when it is needed.
    Once(&'a str),
}

/// A server that is asked again and again.
pub(crate) struct MysqlClient {
    opts: Opts,
    wanted: Wanted,
    /// Whether the server was found to have no TLS: it is not asked for it at every connection.
    is_plain: AtomicBool,
    limit: Duration,
    secret: Option<String>,
    kept: Mutex<Option<Conn>>,
}

impl MysqlClient {
    /// Prepares to ask the server; connects only when asked.
    ///
    /// The error says what is wrong with the URL, without the URL.
    pub(crate) fn new(url: &str, timeout: Duration, options: TlsOptions) -> Result<Self, String> {
        const SHAPE: &str = "is no MySQL URL; write \
                             mysql://user:password@host[:port][/database][?ssl-mode=VERIFY_IDENTITY&ssl-ca=FILE]";
        let url = url.replacen("mariadb://", "mysql://", 1);
        let (url, wanted) = tls::read(&url, options)?;
        // The library's own words may quote a part of the URL.
        let opts = Opts::from_url(&url).map_err(|_| SHAPE.to_owned())?;
        wanted.check(opts.ip_or_hostname())?;
        let secret = opts.pass().map(str::to_owned);
        let opts = OptsBuilder::from_opts(opts)
            .prefer_socket(false)
            .stmt_cache_size(PREPARED_MAX)
            // What is told here is not asked of the server at every connection.
            .max_allowed_packet(Some(PACKET_LEN_MAX))
            .wait_timeout(Some(28_800));
        let is_plain = AtomicBool::new(wanted.mode == Mode::Disabled);
        Ok(Self { opts: opts.into(), wanted, is_plain, limit: timeout, secret, kept: Mutex::new(None) })
    }

    /// Asks one question after the other; each answer or refusal stands in its question's place.
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
        if let Some(connection) = kept
            && let Ok(answers) = self.exchange(connection, queries).await
        {
            return Ok(answers);
        }
        let connection = self.connect().await?;
        let connection =
            self.prepare(connection).await.map_err(|error| self.failure(&error, Stage::Connecting))?;
        self.exchange(connection, queries).await.map_err(|error| self.failure(&error, Stage::Asking))
    }

    async fn connect(&self) -> Result<Conn, Failure> {
        let failed = |error: Error| self.failure(&error, Stage::Connecting);
        if self.is_plain.load(Ordering::Relaxed) {
            return Conn::new(self.opts.clone()).await.map_err(failed);
        }
        let opts = OptsBuilder::from_opts(self.opts.clone()).ssl_opts(self.wanted.ssl_opts()?);
        match Conn::new(opts).await {
            Err(Error::Driver(DriverError::NoClientSslFlagFromServer)) => match self.wanted.mode {
                Mode::Required => Err(Failure::Connect(
                    "the server has no TLS: give it a certificate, or write ssl-mode=PREFERRED or DISABLED"
                        .to_owned(),
                )),
                _ => {
                    self.is_plain.store(true, Ordering::Relaxed);
                    Conn::new(self.opts.clone()).await.map_err(failed)
                }
            },
            other => other.map_err(failed),
        }
    }

    /// Makes the session ours.
    async fn prepare(&self, mut connection: Conn) -> Result<Conn, Error> {
        let limit = self.limit.as_secs_f64().clamp(0.001, 600.0);
        // Each of these is for one kind of server or for some users only: what is refused stays as it
        // was.
        for statement in [
            "UPDATE performance_schema.threads SET INSTRUMENTED = 'NO' \
             WHERE PROCESSLIST_ID = CONNECTION_ID()"
                .to_owned(),
            format!("SET SESSION max_statement_time = {limit}"),
            format!("SET SESSION max_execution_time = {}", (limit * 1e3).ceil()),
            "SET SESSION TRANSACTION READ ONLY".to_owned(),
        ] {
            match connection.query_drop(statement).await {
                Ok(()) | Err(Error::Server(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(connection)
    }

    /// Asks, and keeps the connection if it held. The error is one after which it is of no use.
    async fn exchange(
        &self,
        mut connection: Conn,
        queries: &[Query<'_>],
    ) -> Result<Vec<Result<Answer, Failure>>, Error> {
        let mut answers = Vec::with_capacity(queries.len());
        for query in queries {
            let rows: Result<Vec<Row>, Error> = match query {
                Query::Often(sql) => connection.exec(*sql, ()).await,
                Query::Once(sql) => connection.query(*sql).await,
            };
            answers.push(match rows {
                Ok(rows) => Ok(answer_of(rows)),
                Err(error @ Error::Server(_)) => Err(self.failure(&error, Stage::Asking)),
                Err(error) => return Err(error),
            });
        }
        *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = Some(connection);
        Ok(answers)
    }

    fn failure(&self, error: &Error, stage: Stage) -> Failure {
        if let Some(failure) = distrust(error) {
            return failure;
        }
        let mut text = match error {
            Error::Server(server) => server.message.clone(),
            error => error.to_string(),
        };
        if let Some(secret) = self.secret.as_deref().filter(|secret| !secret.is_empty()) {
            text = text.replace(secret, hitmark_schema::redact::MASK);
        }
        match (error, stage) {
            (Error::Server(server), _) if DENIED.contains(&server.code) => Failure::Credentials(text),
            (Error::Server(server), _) if CANCELLED.contains(&server.code) => Failure::Timeout(self.limit),
            (Error::Server(_), _) => Failure::Refused(text),
            (Error::Io(_), Stage::Connecting) => Failure::Connect(text),
            (Error::Io(_) | Error::Driver(DriverError::ConnectionClosed), _) => Failure::Broken(text),
            _ => Failure::Answer(text),
        }
    }
}

impl fmt::Debug for MysqlClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The options hold the password.
        f.debug_struct("MysqlClient").finish_non_exhaustive()
    }
}

#[derive(Clone, Copy)]
enum Stage {
    Connecting,
    Asking,
}

fn answer_of(rows: Vec<Row>) -> Answer {
    let mut answer = Answer::new(rows.first().map_or(0, Row::len));
    for row in rows {
        row.unwrap_raw().into_iter().for_each(|value| answer.push(value.map_or(Cell::Null, cell_of)));
    }
    answer
}

fn cell_of(value: Value) -> Cell {
    match value {
        Value::Int(number) => Cell::Int(number),
        Value::UInt(number) => Cell::Int(i64::try_from(number).unwrap_or(i64::MAX)),
        Value::Float(number) => Cell::Float(number.into()),
        Value::Double(number) => Cell::Float(number),
        Value::Bytes(bytes) => Cell::Text(
            String::from_utf8(bytes)
                .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()),
        ),
        Value::NULL | Value::Date(..) | Value::Time(..) => Cell::Null,
    }
}
