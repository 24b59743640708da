//! The only file that knows the redis crate: one kept connection, one pipelined round trip.
//!
//! It speaks in plain [`Reply`] values, so that collectors parse without a network and their tests
//! read captured bytes. It keeps the connection between scrapes, reconnects once within a scrape
//! when a kept connection turns out to be dead, and gives up at the deadline. It shares nothing
//! between callers: that is `single_flight`'s work.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures::StreamExt;
use redis::aio::{MultiplexedConnection, PubSubSink, PubSubStream};
use redis::{AsyncConnectionConfig, Client, ErrorKind, IntoConnectionInfo, RedisError, Value};

use crate::failure::Failure;

/// How the connection names itself in `CLIENT LIST`.
const CLIENT_NAME: &str = "hitmark-exporter";
/// After how many scrapes a command that the server refused is tried again: rights change rarely,
/// and each refusal raises the server's own error counters, which we are here to observe.
const ASK_REFUSED_AGAIN_AFTER: u32 = 100;
/// How long a connection that listens may be silent before it is asked whether it is there.
const ASK_SILENCE_EVERY: Duration = Duration::from_secs(15);
/// How deep an answer may nest. The deepest that we ask for is three.
const DEPTH_MAX: usize = 8;

/// One command with its arguments.
pub(crate) type Command<'a> = &'a [&'a str];

/// What a Redis server answers, without the client library's types.
#[derive(Debug, Clone, PartialEq)]
pub enum Reply {
    /// No value.
    Nil,
    /// An integer.
    Int(i64),
    /// Text; bytes that are not UTF-8 are replaced.
    Text(String),
    /// A list; a map is a list of keys and values in turn.
    List(Vec<Reply>),
    /// The server refused the command, with its words.
    Refused(String),
}

impl Reply {
    /// Reads one reply as the server writes it (RESP).
    ///
    /// # Errors
    /// [`Failure::Answer`] if the bytes are no complete reply.
    pub fn from_resp(bytes: &[u8]) -> Result<Self, Failure> {
        redis::parse_redis_value(bytes)
            .map(|value| reply_of(value, DEPTH_MAX))
            .map_err(|error| Failure::Answer(error.to_string()))
    }
}

/// A server that is asked again and again.
pub(crate) struct RedisClient {
    client: Client,
    config: AsyncConnectionConfig,
    limit: Duration,
    secret: Option<String>,
    kept: Mutex<Option<Connection>>,
}

/// A connection, and for each command how many scrapes it is still left out because it was refused.
struct Connection {
    link: MultiplexedConnection,
    left_out: HashMap<String, u32>,
    named: bool,
}

impl RedisClient {
    /// Prepares to ask the server; connects only when asked.
    ///
    /// The error says what is wrong with the URL, without the URL.
    pub(crate) fn new(url: &str, timeout: Duration) -> Result<Self, String> {
        let info = url.into_connection_info().map_err(|error| url_mistake(&error))?;
        // The library would announce itself with a command that servers before 7.2 count as an error.
        let settings = info.redis_settings().clone().set_skip_set_lib_name();
        let secret = settings.password().map(str::to_owned);
        let client = Client::open(info.set_redis_settings(settings)).map_err(|error| url_mistake(&error))?;
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(timeout))
            .set_response_timeout(Some(timeout));
        Ok(Self { client, config, limit: timeout, secret, kept: Mutex::new(None) })
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
            let channels = self.client.get_async_pubsub().await;
            let mut channels = channels.map_err(|error| self.failure(&error, Stage::Connecting))?;
            channels.psubscribe(patterns).await.map_err(|error| self.failure(&error, Stage::Asking))?;
            let (sink, messages) = channels.split();
            Ok(Listening { sink, messages, limit: self.limit })
        };
        tokio::time::timeout(self.limit, connect).await.map_err(|_| Failure::Timeout(self.limit))?
    }

    async fn ask_without_limit(&self, commands: &[Command<'_>]) -> Result<Vec<Reply>, Failure> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(mut connection) = kept {
            match connection.exchange(commands).await {
                Ok(replies) => return Ok(self.keep(connection, replies)),
                // The server may have restarted since the last scrape: once more, on a new one.
                Err(error) if error.is_io_error() || error.is_connection_dropped() => {}
                Err(error) => return Err(self.failure(&error, Stage::Asking)),
            }
        }
        let link = self
            .client
            .get_multiplexed_async_connection_with_config(&self.config)
            .await
            .map_err(|error| self.failure(&error, Stage::Connecting))?;
        let mut connection = Connection { link, left_out: HashMap::new(), named: false };
        let replies =
            connection.exchange(commands).await.map_err(|error| self.failure(&error, Stage::Asking))?;
        Ok(self.keep(connection, replies))
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
            let reply = values.next().map_or(Reply::Nil, |value| reply_of(value, DEPTH_MAX));
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

fn reply_of(value: Value, depth: usize) -> Reply {
    if depth == 0 {
        return Reply::Nil;
    }
    let list = |items: Vec<Value>| items.into_iter().map(|item| reply_of(item, depth - 1)).collect();
    match value {
        Value::Nil => Reply::Nil,
        Value::Int(number) => Reply::Int(number),
        Value::Boolean(truth) => Reply::Int(i64::from(truth)),
        Value::BulkString(bytes) => Reply::Text(text_of(bytes)),
        Value::SimpleString(text) | Value::VerbatimString { text, .. } => Reply::Text(text),
        Value::Okay => Reply::Text("OK".to_owned()),
        Value::Double(number) => Reply::Text(number.to_string()),
        Value::Array(items) | Value::Set(items) | Value::Push { data: items, .. } => Reply::List(list(items)),
        Value::Map(pairs) => Reply::List(list(pairs.into_iter().flat_map(|(k, v)| [k, v]).collect())),
        Value::Attribute { data, .. } => reply_of(*data, depth - 1),
        Value::ServerError(error) => Reply::Refused(error.to_string()),
        _ => Reply::Nil,
    }
}

fn text_of(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}
