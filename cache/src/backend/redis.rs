//! Values in a Redis server, over one multiplexed connection. The only file that knows the Redis
//! client library.
//!
//! A request never waits for a reconnection. Each command has a response timeout; the first one
//! that runs out, or a broken connection, takes the link down, and from then on commands fail at
//! once, so that their callers go to the origin. One background task makes the next connection and
//! asks it for a PING before anyone may use it. It waits a pause before each try, which doubles up
//! to a limit and falls back only after the link has held for a while: a server that answers PING
//! but not GET does not make every request wait for the timeout.
//!
//! A deletion that fails while the server is away is lost: the caller is told, and the value may be
//! served again when the server is back, until its own expiry.

use std::fmt;
use std::io::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use hitmark_schema::redact;
use redis::aio::MultiplexedConnection;
use redis::io::tcp::TcpSettings;
use redis::{
    AsyncConnectionConfig, Client, Cmd, FromRedisValue, IntoConnectionInfo, RedisError, RedisWrite,
    ToRedisArgs, Value,
};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tracing::{debug, info, warn};

use super::{Cache, Lookup, State};
use crate::clock::UnixMs;
use crate::entry::Entry;
use crate::error::CacheError;
use crate::key::Key;
use crate::pattern::Pattern;
use crate::tag::Tag;
use crate::wire::{self, HEADER_BYTES};

/// Keys that one SCAN step looks at, and the most that one UNLINK names. A step of this size keeps
/// the server busy for about a millisecond, so that other clients' commands pass between steps.
const SCAN_COUNT: usize = 1000;

/// Commands that may wait to be written. A full queue makes callers wait, within their timeout.
const PIPELINE_DEPTH: usize = 512;

/// How long a link must have held for the pause between tries to fall back to its shortest.
const STEADY: Duration = Duration::from_secs(5);

/// How the Redis backend is set up.
#[derive(Clone)]
#[non_exhaustive]
pub struct RedisConfig {
    /// The server: `redis://[user][:password@]host[:port][/db]` or `redis+unix:///path`.
    pub url: String,
    /// What every key begins with. `clear` removes exactly the keys that begin with it.
    pub namespace: String,
    /// How long a get, set or delete waits for its answer before the link counts as down.
    pub response_timeout: Duration,
    /// How long one step of a deletion by pattern, or of a clearing, waits.
    pub invalidation_timeout: Duration,
    /// How long the background task waits for one connection.
    pub connect_timeout: Duration,
    /// The shortest pause before a try to connect again.
    pub pause_min: Duration,
    /// The longest pause before a try to connect again.
    pub pause_max: Duration,
}

impl RedisConfig {
    /// The defaults for a server near by: 50 ms for an answer, 500 ms for a connection, tries every
    /// 100 ms to 1 s, namespace `hitmark:`.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            namespace: "hitmark:".to_owned(),
            response_timeout: Duration::from_millis(50),
            invalidation_timeout: Duration::from_secs(2),
            connect_timeout: Duration::from_millis(500),
            pause_min: Duration::from_millis(100),
            pause_max: Duration::from_secs(1),
        }
    }
}

// Written by hand: the URL may hold a password.
impl fmt::Debug for RedisConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisConfig")
            .field("url", &redact::url(&self.url))
            .field("namespace", &self.namespace)
            .field("response_timeout", &self.response_timeout)
            .field("invalidation_timeout", &self.invalidation_timeout)
            .field("connect_timeout", &self.connect_timeout)
            .field("pause_min", &self.pause_min)
            .field("pause_max", &self.pause_max)
            .finish()
    }
}

/// The backend on a Redis server.
#[derive(Debug)]
pub struct Redis {
    link: Arc<Link>,
    keeper: JoinHandle<()>,
}

impl Redis {
    /// The backend's name.
    pub const NAME: &'static str = "redis";

    /// Tries once to connect, then leaves connecting to the background task. Must be called within
    /// a tokio runtime.
    ///
    /// # Errors
    /// Only [`CacheError::Url`]: a server that is away is no error.
    pub async fn connect(config: RedisConfig) -> Result<Self, CacheError> {
        let link = Arc::new(Link::new(config)?);
        match link.open().await {
            Ok(connection) => link.put_up(connection),
            Err(error) => link.warn_down(&error),
        }
        let keeper = tokio::spawn(Arc::clone(&link).keep_up());
        Ok(Self { link, keeper })
    }

    fn key<'a>(&'a self, key: &'a Key) -> NamespacedKey<'a> {
        NamespacedKey { namespace: &self.link.config.namespace, key: key.as_str() }
    }

    /// Removes every key whose text in the server matches the glob.
    async fn unlink_matching(&self, glob: &str) -> Result<u64, CacheError> {
        let patience = Some(self.link.config.invalidation_timeout);
        let mut cursor = 0_u64;
        let mut removed = 0;
        loop {
            let mut scan = redis::cmd("SCAN");
            scan.arg(cursor).arg("MATCH").arg(glob).arg("COUNT").arg(SCAN_COUNT);
            let (next, keys): (u64, Vec<Vec<u8>>) = self.link.ask(&scan, patience).await?;
            for chunk in keys.chunks(SCAN_COUNT) {
                let mut unlink = redis::cmd("UNLINK");
                unlink.arg(chunk);
                removed += self.link.ask::<u64>(&unlink, patience).await?;
            }
            if next == 0 {
                return Ok(removed);
            }
            cursor = next;
        }
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.keeper.abort();
    }
}

impl Cache for Redis {
    async fn get(&self, key: &Key) -> Result<Lookup, CacheError> {
        let mut get = Cmd::with_capacity(2, 64);
        get.arg("GET").arg(self.key(key));
        let stored = match self.link.ask_raw(&get, None).await? {
            Value::Nil => return Ok(Lookup::Miss),
            Value::BulkString(stored) => wire::decode(stored.into()),
            Value::ServerError(error) if error.code() != "WRONGTYPE" => {
                return Err(CacheError::Server(error.to_string()));
            }
            // A list, a hash or whatever else somebody else put under our name.
            _ => None,
        };
        match stored {
            Some(entry) => Ok(Lookup::Hit(entry)),
            None => {
                warn!(%key, "removed a value that this cache did not write");
                self.delete(key).await?;
                Ok(Lookup::Corrupt)
            }
        }
    }

    async fn set(&self, key: &Key, entry: &Entry, _tags: &[Tag]) -> Result<(), CacheError> {
        let ttl_ms = entry.kept_until.0.saturating_sub(UnixMs::now().0).max(1);
        let mut set = Cmd::with_capacity(5, 64 + key.as_str().len() + entry.value.len());
        set.arg("SET").arg(self.key(key)).arg(Payload(entry)).arg("PX").arg(ttl_ms);
        self.link.ask(&set, None).await
    }

    async fn delete(&self, key: &Key) -> Result<bool, CacheError> {
        let mut unlink = Cmd::with_capacity(2, 64);
        unlink.arg("UNLINK").arg(self.key(key));
        Ok(self.link.ask::<u64>(&unlink, None).await? > 0)
    }

    async fn delete_tag(&self, _tag: &Tag) -> Result<u64, CacheError> {
        Ok(0)
    }

    async fn delete_pattern(&self, pattern: &Pattern) -> Result<u64, CacheError> {
        let glob = escape_glob(&self.link.config.namespace) + pattern.as_str();
        self.unlink_matching(&glob).await
    }

    async fn clear(&self) -> Result<u64, CacheError> {
        let glob = escape_glob(&self.link.config.namespace) + "*";
        self.unlink_matching(&glob).await
    }

    fn state(&self) -> State {
        // How many keys are ours only a scan of all could tell.
        State { up: Some(self.link.is_up()), entries: None, size_bytes: None }
    }
}

/// The way to the server: up with a connection, or down with the background task at work.
struct Link {
    config: RedisConfig,
    client: Client,
    options: AsyncConnectionConfig,
    up: RwLock<Option<Live>>,
    generation: AtomicU64,
    went_down: Notify,
}

/// A connection and its number, so that a late failure of an old one does not take down the new.
#[derive(Clone)]
struct Live {
    connection: MultiplexedConnection,
    generation: u64,
    since: Instant,
}

impl Link {
    fn new(config: RedisConfig) -> Result<Self, CacheError> {
        let unusable =
            |error: &RedisError| CacheError::Url { url: redact::url(&config.url), reason: error.to_string() };
        let target = config.url.as_str().into_connection_info().map_err(|error| unusable(&error))?;
        // Small commands of many callers share the connection: none may wait for another's ACK.
        let target = target.set_tcp_settings(TcpSettings::default().set_nodelay(true));
        let client = Client::open(target).map_err(|error| unusable(&error))?;
        let options = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(config.connect_timeout))
            .set_response_timeout(Some(config.response_timeout))
            .set_pipeline_buffer_size(PIPELINE_DEPTH);
        let (up, generation, went_down) = (RwLock::new(None), AtomicU64::new(0), Notify::new());
        Ok(Self { config, client, options, up, generation, went_down })
    }

    /// Sends a command and reads its answer as `T`. An error that the server states is an error
    /// here too.
    async fn ask<T: FromRedisValue>(
        &self,
        command: &Cmd,
        patience: Option<Duration>,
    ) -> Result<T, CacheError> {
        let answer = self.ask_raw(command, patience).await?.extract_error();
        let read = answer.and_then(|value| T::from_redis_value(value).map_err(RedisError::from));
        read.map_err(|error| CacheError::Server(error.to_string()))
    }

    /// Sends a command; an error that the server states is a value. `patience` is another timeout
    /// than the usual one.
    async fn ask_raw(&self, command: &Cmd, patience: Option<Duration>) -> Result<Value, CacheError> {
        let Some(mut live) = self.live() else { return Err(CacheError::Unreachable) };
        if let Some(patience) = patience {
            live.connection.set_response_timeout(patience);
        }
        match live.connection.send_packed_command(command).await {
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

    fn is_up(&self) -> bool {
        self.up.read().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    fn put_up(&self, connection: MultiplexedConnection) {
        let generation = self.generation.fetch_add(1, Ordering::Relaxed) + 1;
        let live = Live { connection, generation, since: Instant::now() };
        *self.up.write().unwrap_or_else(PoisonError::into_inner) = Some(live);
        info!(url = %redact::url(&self.config.url), "the cache server answers");
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

    fn warn_down(&self, error: &RedisError) {
        let url = redact::url(&self.config.url);
        warn!(%url, %error, "the cache server cannot be asked: requests are served by the origin");
    }

    /// Makes a connection and asks for a PING. A server that is still loading its data refuses the
    /// PING, and so does not count as up.
    async fn open(&self) -> Result<MultiplexedConnection, RedisError> {
        let mut connection = self.client.get_multiplexed_async_connection_with_config(&self.options).await?;
        connection.send_packed_command(&redis::cmd("PING")).await?.extract_error()?;
        Ok(connection)
    }

    /// The background task: waits until the link is down, then tries until it is up, for ever. It
    /// ends when the backend is dropped.
    async fn keep_up(self: Arc<Self>) {
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

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link")
            .field("config", &self.config)
            .field("up", &self.is_up())
            .finish_non_exhaustive()
    }
}

/// A key with the namespace before it, written into a command without a string between.
struct NamespacedKey<'a> {
    namespace: &'a str,
    key: &'a str,
}

impl ToRedisArgs for NamespacedKey<'_> {
    fn write_redis_args<W: ?Sized + RedisWrite>(&self, out: &mut W) {
        let mut argument = out.writer_for_next_arg();
        // The writer appends to the command's own buffer and cannot fail.
        let _ = argument.write_all(self.namespace.as_bytes());
        let _ = argument.write_all(self.key.as_bytes());
    }
}

impl redis::ToSingleRedisArg for NamespacedKey<'_> {}

/// A value with its header, written into a command without a buffer between.
struct Payload<'a>(&'a Entry);

impl ToRedisArgs for Payload<'_> {
    fn write_redis_args<W: ?Sized + RedisWrite>(&self, out: &mut W) {
        out.reserve_space_for_args([HEADER_BYTES + self.0.value.len()]);
        // The writer appends to the command's own buffer and cannot fail.
        let _ = wire::encode(self.0, &mut out.writer_for_next_arg());
    }
}

impl redis::ToSingleRedisArg for Payload<'_> {}

/// The text as a glob that matches just it. A namespace is the operator's, so it may hold anything.
fn escape_glob(text: &str) -> String {
    let mut glob = String::with_capacity(text.len());
    for ch in text.chars() {
        if matches!(ch, '*' | '?' | '[' | ']' | '\\' | '^') {
            glob.push('\\');
        }
        glob.push(ch);
    }
    glob
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_namespace_is_matched_literally() {
        assert_eq!(escape_glob("shop[1]*:"), "shop\\[1\\]\\*:");
        assert_eq!(escape_glob("hitmark:"), "hitmark:");
    }

    #[test]
    fn a_config_never_shows_its_password() {
        let shown = format!("{:?}", RedisConfig::new("redis://user:s3cret@host:1/0"));
        assert!(!shown.contains("s3cret") && shown.contains("host"), "{shown}");
    }

    #[tokio::test]
    async fn an_unusable_url_is_the_only_error_and_shows_no_secret() {
        for url in
            ["http://:s3cret@host/", "not a url", "redis://:s3cret@host/not-a-db", "rediss://:s3cret@h/"]
        {
            let error = Redis::connect(RedisConfig::new(url)).await.expect_err(url);
            let shown = error.to_string();
            assert!(matches!(error, CacheError::Url { .. }), "{shown}");
            assert!(!shown.contains("s3cret"), "{shown}");
        }
    }
}
