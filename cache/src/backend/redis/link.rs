//! The way to the server: up with a connection, or down with a background task at work.
//!
//! A request never waits for a reconnection. Each command has a response timeout; the first one
//! that runs out, or a broken connection, takes the link down, and from then on commands fail at
//! once, so that their callers go to the origin. One background task makes the next connection and
//! asks it for a PING, or for a name of the slot, before anyone may use it. It waits a pause before each try, which doubles up
//! to a limit and falls back only after the link has held for a while: a server that answers PING
//! but not GET does not make every request wait for the timeout.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use hitmark_schema::redact;
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Cmd, FromRedisValue, RedisError, Value};
use tokio::sync::Notify;
use tracing::{debug, info, warn};

use super::RedisConfig;
use super::scripts::Script;
use super::target::Target;
use crate::error::CacheError;

/// Commands that may wait to be written. A full queue makes callers wait, within their timeout.
const PIPELINE_DEPTH: usize = 512;

/// How long a link must have held for the pause between tries to fall back to its shortest.
const STEADY: Duration = Duration::from_secs(5);

/// The way to the server: up with a connection, or down with the background task at work.
pub(super) struct Link {
    pub(super) config: RedisConfig,
    pub(super) target: Target,
    pub(super) options: AsyncConnectionConfig,
    up: RwLock<Option<Live>>,
    generation: AtomicU64,
    went_down: Notify,
    /// Told to the listener, whose connection may be to another server than the new one.
    pub(super) came_up: Notify,
}

/// A connection and its number, so that a late failure of an old one does not take down the new.
#[derive(Clone)]
struct Live {
    connection: MultiplexedConnection,
    generation: u64,
    since: Instant,
}

impl Link {
    pub(super) fn new(config: RedisConfig, target: Target) -> Self {
        let options = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(config.connect_timeout))
            .set_response_timeout(Some(config.response_timeout))
            .set_pipeline_buffer_size(PIPELINE_DEPTH);
        let (up, generation) = (RwLock::new(None), AtomicU64::new(0));
        let (went_down, came_up) = (Notify::new(), Notify::new());
        Self { config, target, options, up, generation, went_down, came_up }
    }

    /// Sends a command and reads its answer as `T`. An error that the server states is an error
    /// here too.
    pub(super) async fn ask<T: FromRedisValue>(
        &self,
        command: &Cmd,
        patience: Option<Duration>,
    ) -> Result<T, CacheError> {
        let answer = self.ask_raw(command, patience).await?.extract_error();
        let read = answer.and_then(|value| T::from_redis_value(value).map_err(RedisError::from));
        read.map_err(|error| CacheError::Server(error.to_string()))
    }

    /// Runs a script in one round trip; in two if the server has not seen it, or has been flushed.
    pub(super) async fn run<T: FromRedisValue>(
        &self,
        script: &Script,
        patience: Option<Duration>,
        body: impl Fn(&mut Cmd),
    ) -> Result<T, CacheError> {
        let command = |verb: &str, text: &str| {
            let mut command = redis::cmd(verb);
            command.arg(text);
            body(&mut command);
            command
        };
        let mut answer = self.ask_raw(&command("EVALSHA", &script.hash), patience).await?;
        if matches!(&answer, Value::ServerError(error) if error.code() == "NOSCRIPT") {
            answer = self.ask_raw(&command("EVAL", script.text), patience).await?;
        }
        let read = answer.extract_error();
        let read = read.and_then(|value| T::from_redis_value(value).map_err(RedisError::from));
        read.map_err(|error| CacheError::Server(error.to_string()))
    }

    /// Sends a command; an error that the server states is a value. `patience` is another timeout
    /// than the usual one.
    pub(super) async fn ask_raw(
        &self,
        command: &Cmd,
        patience: Option<Duration>,
    ) -> Result<Value, CacheError> {
        let Some(mut live) = self.live() else { return Err(CacheError::Unreachable) };
        if let Some(patience) = patience {
            live.connection.set_response_timeout(patience);
        }
        match live.connection.send_packed_command(command).await {
            Ok(Value::ServerError(error)) if is_elsewhere(error.code()) => {
                self.take_down(live.generation, &error.into());
                Err(CacheError::Unreachable)
            }
            Ok(value) => Ok(value),
            Err(error) => {
                self.take_down(live.generation, &error);
                Err(if error.is_timeout() { CacheError::Timeout } else { CacheError::Unreachable })
            }
        }
    }

    /// The connection, if the link is up. The lock is held for a clone and never across an await.
    fn live(&self) -> Option<Live> {
        self.up.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Connections made so far: a change means that the server was away.
    pub(super) fn generation(&self) -> u64 {
        self.generation.load(Ordering::SeqCst)
    }

    pub(super) fn is_up(&self) -> bool {
        self.up.read().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    pub(super) fn put_up(&self, connection: MultiplexedConnection) {
        let generation = self.generation.fetch_add(1, Ordering::SeqCst) + 1;
        let live = Live { connection, generation, since: Instant::now() };
        *self.up.write().unwrap_or_else(PoisonError::into_inner) = Some(live);
        self.came_up.notify_one();
        let url = redact::url(&self.config.url);
        info!(%url, namespace = self.config.namespace, "the cache server answers");
    }

    fn take_down(&self, generation: u64, error: &RedisError) {
        let mut up = self.up.write().unwrap_or_else(PoisonError::into_inner);
        if up.as_ref().is_some_and(|live| live.generation == generation) {
            *up = None;
            drop(up);
            self.warn_down(error);
            self.went_down.notify_one();
        }
    }

    pub(super) fn warn_down(&self, error: &RedisError) {
        let url = redact::url(&self.config.url);
        let namespace = &self.config.namespace;
        warn!(%url, namespace, %error, "the cache server cannot be asked: requests are served by the origin");
    }

    /// Makes a connection and asks the target's question. A server that is still loading its data
    /// refuses it, and so does not count as up; nor does a node of a Cluster that has lost our slot.
    pub(super) async fn open(&self) -> Result<MultiplexedConnection, RedisError> {
        let client = self.target.client(&self.options).await?;
        let mut connection = client.get_multiplexed_async_connection_with_config(&self.options).await?;
        let question = self.target.question(&self.config.namespace);
        connection.send_packed_command(&question).await?.extract_error()?;
        Ok(connection)
    }

    /// The background task: waits until the link is down, then tries until it is up, for ever. It
    /// ends when the backend is dropped.
    pub(super) async fn keep_up(self: Arc<Self>) {
        let mut pause = self.config.pause_min;
        loop {
            while let Some(since) = self.live().map(|live| live.since) {
                self.went_down.notified().await;
                if since.elapsed() > STEADY {
                    pause = self.config.pause_min;
                }
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(self.config.pause_max);
            match self.open().await {
                Ok(connection) => self.put_up(connection),
                Err(error) => debug!(%error, ?pause, "the cache server is still away"),
            }
        }
    }
}

/// Whether this error says that another server is to be asked: the master that we knew has become a
/// replica, or its slots of the Cluster went to another node, are on their way, or have no node.
fn is_elsewhere(code: &str) -> bool {
    matches!(code, "READONLY" | "MOVED" | "ASK" | "TRYAGAIN" | "CLUSTERDOWN")
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link")
            .field("config", &self.config)
            .field("up", &self.is_up())
            .finish_non_exhaustive()
    }
}
