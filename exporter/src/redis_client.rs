//! The only files that know the redis crate: one kept connection, one pipelined round trip.
//!
//! It speaks in plain [`Reply`] values, so that collectors parse without a network and their tests
//! read captured bytes. It keeps the connection between scrapes, reconnects once within a scrape
//! when a kept connection turns out to be dead, and gives up at the deadline. With Sentinels it goes
//! where the master is. It shares nothing between callers: that is `single_flight`'s work. Clusters
//! are in `cluster`, which asks one client for each node.

pub(crate) mod cluster;
pub(crate) mod hosts;
pub(crate) mod nodes;
mod reply;
mod sentinels;
mod server;
pub(crate) mod slots;

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures::StreamExt;
use redis::aio::{MultiplexedConnection, PubSubSink, PubSubStream};
use redis::{AsyncConnectionConfig, ConnectionInfo, ErrorKind, IntoConnectionInfo, RedisError, Value};

pub use self::reply::Reply;
use self::reply::text_of;
pub(crate) use self::sentinels::Followed;
use self::sentinels::Sentinels;
use self::server::{Driver, Server, Unconnected};
use crate::failure::Failure;
use crate::tls::TlsOptions;

/// How the connection names itself in `CLIENT LIST`.
const CLIENT_NAME: &str = "hitmark-exporter";
/// After how many scrapes a command that the server refused is tried again: rights change rarely,
/// and each refusal raises the server's own error counters, which we are here to observe.
const ASK_REFUSED_AGAIN_AFTER: u32 = 100;
/// How long a connection that listens may be silent before it is asked whether it is there.
const ASK_SILENCE_EVERY: Duration = Duration::from_secs(15);

/// One command with its arguments.
pub(crate) type Command<'a> = &'a [&'a str];

/// A server that is asked again and again.
pub(crate) struct RedisClient {
    place: Place,
    config: AsyncConnectionConfig,
    limit: Duration,
    database: i64,
    secret: Option<String>,
    kept: Mutex<Option<Connection>>,
    /// How long connecting took for the latest question, in microseconds.
    connecting_us: AtomicU64,
}

/// Where the server is.
enum Place {
    /// Always there.
    Fixed(Arc<Server>),
    /// Where these say.
    Master(Box<Sentinels>),
}

/// A connection, and for each command how many scrapes it is still left out because it was refused.
struct Connection {
    link: MultiplexedConnection,
    server: Arc<Server>,
    left_out: HashMap<String, u32>,
    named: bool,
    _driver: Option<Driver>,
}

impl RedisClient {
    /// Prepares to ask the server; connects only when asked. Schemes: `redis`, `valkey`, with TLS
    /// `rediss`, `valkeys`, each also with `+sentinel`, and for a socket `unix`, `redis+unix`.
    ///
    /// The error says what is wrong with the URL or the certificates, without the URL.
    pub(crate) fn new(url: &str, timeout: Duration, tls: &TlsOptions) -> Result<Self, String> {
        let (place, like) = if sentinels::is_meant(url) {
            let sentinels = Sentinels::new(url, timeout, tls)?;
            let like = sentinels.like().clone();
            (Place::Master(Box::new(sentinels)), like)
        } else {
            let (url, with_tls) = without_tls(url);
            let info = url.as_str().into_connection_info().map_err(|error| url_mistake(&error))?;
            let info = prepared(info);
            (Place::Fixed(Arc::new(Server::new(info.clone(), with_tls.then_some(tls))?)), info)
        };
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(timeout))
            .set_response_timeout(Some(timeout));
        Ok(Self {
            place,
            config,
            limit: timeout,
            database: like.redis_settings().db(),
            secret: like.redis_settings().password().map(str::to_owned),
            kept: Mutex::new(None),
            connecting_us: AtomicU64::new(0),
        })
    }

    /// The number of the database that the URL selects.
    pub(crate) const fn database(&self) -> i64 {
        self.database
    }

    /// The master that Sentinels name, if the URL asks them.
    pub(crate) fn followed(&self) -> Option<Followed> {
        match &self.place {
            Place::Fixed(_) => None,
            Place::Master(sentinels) => Some(sentinels.followed()),
        }
    }

    /// Asks all commands in one round trip. The replies stand in the order of the commands.
    pub(crate) async fn ask(&self, commands: &[Command<'_>], limit: Duration) -> Result<Vec<Reply>, Failure> {
        // A connection is taken out while it is used: if the deadline drops this future, the
        // connection is closed with it and no late answer can be taken for the next one.
        match tokio::time::timeout(limit, self.ask_without_limit(commands)).await {
            Ok(result) => result,
            Err(_) => Err(Failure::Timeout(limit)),
        }
    }

    /// Listens on channels, by patterns, on a connection of its own.
    pub(crate) async fn listen(&self, patterns: &[String]) -> Result<Listening, Failure> {
        let connect = async {
            let server = self.server(false).await?;
            let channels = server.channels().await;
            let mut channels = channels.map_err(|error| self.unconnected(error))?;
            channels.psubscribe(patterns).await.map_err(|error| self.failure(&error, Stage::Asking))?;
            let (sink, messages) = channels.split();
            Ok(Listening { sink, messages, limit: self.limit })
        };
        tokio::time::timeout(self.limit, connect).await.map_err(|_| Failure::Timeout(self.limit))?
    }

    /// How long connecting took for the latest question: nothing if the kept connection was used.
    pub(crate) fn connecting(&self) -> Duration {
        Duration::from_micros(self.connecting_us.load(Ordering::Relaxed))
    }

    async fn ask_without_limit(&self, commands: &[Command<'_>]) -> Result<Vec<Reply>, Failure> {
        self.connecting_us.store(0, Ordering::Relaxed);
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner).take();
        let mut server = self.server(false).await;
        if let Some(mut connection) = kept
            // That the Sentinels are gone is no reason to leave a master that answers.
            && server.as_ref().map_or(true, |server| Arc::ptr_eq(server, &connection.server))
        {
            match connection.exchange(commands).await {
                Ok(replies) => return Ok(self.keep(connection, replies)),
                // The server may have restarted since the last scrape: once more, on a new one.
                Err(error) if error.is_io_error() || error.is_connection_dropped() => {
                    server = self.server(true).await;
                }
                Err(error) => return Err(self.failure(&error, Stage::Asking)),
            }
        }
        let begun = Instant::now();
        let mut connection = self.connect(server?).await?;
        let took = u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.connecting_us.store(took, Ordering::Relaxed);
        let replies =
            connection.exchange(commands).await.map_err(|error| self.failure(&error, Stage::Asking))?;
        Ok(self.keep(connection, replies))
    }

    /// The server to ask now. `broke` says that the connection to the one last named just ended.
    async fn server(&self, broke: bool) -> Result<Arc<Server>, Failure> {
        match &self.place {
            Place::Fixed(server) => Ok(Arc::clone(server)),
            // Sentinels that are black holes must leave time for the server itself.
            Place::Master(sentinels) => sentinels.master(broke, self.limit / 4).await,
        }
    }

    async fn connect(&self, server: Arc<Server>) -> Result<Connection, Failure> {
        let (link, driver) = server.connect(&self.config).await.map_err(|error| self.unconnected(error))?;
        let mut connection =
            Connection { link, server, left_out: HashMap::new(), named: false, _driver: driver };
        if matches!(self.place, Place::Master(_)) {
            let asked = connection.exchange(&[&["ROLE"]]).await;
            let role = asked.map_err(|error| self.failure(&error, Stage::Asking))?;
            // Who may not ask gets no answer, and the Sentinels' word stands.
            if let Some(Reply::List(parts)) = role.first()
                && parts.first() != Some(&Reply::Text("master".to_owned()))
            {
                let text = "who the Sentinels name master says that it is none: a failover is under way";
                return Err(Failure::Connect(text.to_owned()));
            }
        }
        Ok(connection)
    }

    fn unconnected(&self, error: Unconnected) -> Failure {
        match error {
            Unconnected::Tls(failure) => failure,
            Unconnected::Redis(error) => self.failure(&error, Stage::Connecting),
        }
    }

    fn keep(&self, connection: Connection, replies: Vec<Reply>) -> Vec<Reply> {
        *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = Some(connection);
        replies
    }

    fn failure(&self, error: &RedisError, stage: Stage) -> Failure {
        let mut text = error.to_string();
        if let Some(secret) = self.secret.as_deref().filter(|secret| !secret.is_empty()) {
            text = text.replace(secret, hitmark_schema::redact::MASK);
        }
        if error.is_timeout() {
            Failure::Timeout(self.limit)
        } else if error.kind() == ErrorKind::AuthenticationFailed || error.code() == Some("WRONGPASS") {
            Failure::Credentials(text)
        } else if error.is_io_error() || error.is_connection_refusal() {
            match stage {
                Stage::Connecting => Failure::Connect(text),
                Stage::Asking => Failure::Broken(text),
            }
        } else if error.code().is_some() {
            Failure::Refused(text)
        } else {
            Failure::Answer(text)
        }
    }
}

/// A connection on which messages come in.
pub(crate) struct Listening {
    sink: PubSubSink,
    messages: PubSubStream,
    limit: Duration,
}

impl Listening {
    /// The next message; nothing once the connection ended. A connection that is silent is asked
    /// whether it is still there, since a server that vanished says nothing either.
    pub(crate) async fn next(&mut self) -> Option<String> {
        loop {
            match tokio::time::timeout(ASK_SILENCE_EVERY, self.messages.next()).await {
                Ok(message) => return Some(text_of(message?.get_payload_bytes().to_vec())),
                Err(_) => {
                    let ping = self.sink.ping::<Value>();
                    tokio::time::timeout(self.limit, ping).await.ok()?.ok()?;
                }
            }
        }
    }
}

impl Connection {
    async fn exchange(&mut self, commands: &[Command<'_>]) -> Result<Vec<Reply>, RedisError> {
        let mut pipeline = redis::pipe();
        let mut skipped = 0;
        if !self.named {
            pipeline.cmd("CLIENT").arg("SETNAME").arg(CLIENT_NAME);
            skipped = 1;
        }
        let mut left_out = Vec::with_capacity(commands.len());
        for command in commands {
            let waits = self.left_out.get_mut(&name_of(command)).filter(|waits| **waits > 0);
            left_out.push(waits.is_some());
            match waits {
                Some(waits) => *waits -= 1,
                None => add(&mut pipeline, command),
            }
        }
        let asked = left_out.iter().filter(|left_out| !**left_out).count();
        let values = if asked == 0 {
            Vec::new()
        } else {
            self.link.send_packed_commands(&pipeline, skipped, asked).await?
        };
        self.named = true;
        Ok(self.place(commands, &left_out, values))
    }

    /// Puts each answer in its command's place and remembers which commands were refused for lack of
    /// rights or because the server does not know them. An error about a key's type is no refusal.
    fn place(&mut self, commands: &[Command<'_>], left_out: &[bool], values: Vec<Value>) -> Vec<Reply> {
        let mut values = values.into_iter();
        let mut replies = Vec::with_capacity(commands.len());
        for (command, left_out) in commands.iter().zip(left_out) {
            if *left_out {
                replies.push(Reply::Refused("asked before on this connection".to_owned()));
                continue;
            }
            let reply = values.next().map_or(Reply::Nil, Reply::of);
            // INFO is the command without which there is nothing to say: always asked.
            if let Reply::Refused(words) = &reply
                && command.first() != Some(&"INFO")
                && ["NOPERM", "no permissions", "unknown", "Unknown"].iter().any(|word| words.contains(word))
            {
                self.left_out.insert(name_of(command), ASK_REFUSED_AGAIN_AFTER);
            }
            replies.push(reply);
        }
        replies
    }
}

/// The command without what follows its subcommand.
fn name_of(command: &[&str]) -> String {
    command.iter().take(2).copied().collect::<Vec<_>>().join(" ")
}

impl fmt::Debug for RedisClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The client's own text holds the password.
        f.debug_struct("RedisClient").finish_non_exhaustive()
    }
}

/// The library would announce itself with a command that servers before 7.2 count as an error.
fn prepared(info: ConnectionInfo) -> ConnectionInfo {
    let settings = info.redis_settings().clone().set_skip_set_lib_name();
    info.set_redis_settings(settings)
}

/// The URL without the letter that asks for TLS, and whether it was there: the library's own TLS
/// would choose the provider of the whole process.
fn without_tls(url: &str) -> (String, bool) {
    for (scheme, plain) in [("rediss://", "redis://"), ("valkeys://", "valkey://")] {
        if let Some(rest) = url.strip_prefix(scheme) {
            return (format!("{plain}{rest}"), true);
        }
    }
    (url.to_owned(), false)
}

#[derive(Clone, Copy)]
enum Stage {
    Connecting,
    Asking,
}

fn add(pipeline: &mut redis::Pipeline, command: &[&str]) {
    if let Some((name, arguments)) = command.split_first() {
        pipeline.cmd(name).arg(arguments);
    }
}

fn url_mistake(error: &RedisError) -> String {
    match error.kind() {
        // The library's detail may quote the URL; its one-line description does not.
        ErrorKind::InvalidClientConfig => error.category().to_owned(),
        _ => "is not a Redis URL".to_owned(),
    }
}
