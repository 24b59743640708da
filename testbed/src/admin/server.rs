//! What the cache's Redis server says of itself: on
//! the redis crate. Administration is rare, so each request opens a connection of its own and closes it, and
//! nothing here stands in the way of lookups.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, RedisResult};

/// How long the server may take to connect, and to answer.
const LIMIT: Duration = Duration::from_secs(2);
/// Keys that one step of a scan looks at.
const SCAN_STEP: usize = 1_000;
/// Keys that a whole scan looks at, at most: 500 steps.
const SCAN_STEPS_MAX: usize = 500;

/// The server and the namespace in which the cache keeps its keys.
#[derive(Debug, Clone)]
pub(crate) struct CacheServer {
    client: Client,
    namespace: String,
}

/// The figures of `INFO` that the administration shows.
#[derive(Debug)]
pub(crate) struct ServerInfo {
    figures: HashMap<String, String>,
    /// Of a `PING`, without the connecting.
    pub(crate) ping: Duration,
    /// In the whole server, whoever they belong to.
    pub(crate) keys: u64,
}

/// Keys that match a pattern.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) total: usize,
    /// At most as many as were asked for, with the seconds that each has left.
    pub(crate) keys: Vec<(String, i64)>,
}

impl CacheServer {
    pub(crate) fn new(url: &str, namespace: &str) -> RedisResult<Self> {
        Ok(Self { client: Client::open(url)?, namespace: namespace.to_owned() })
    }

    pub(crate) async fn info(&self) -> RedisResult<ServerInfo> {
        let mut connection = self.connect().await?;
        let begun = Instant::now();
        redis::cmd("PING").query_async::<()>(&mut connection).await?;
        let ping = begun.elapsed();
        let text: String = redis::cmd("INFO").query_async(&mut connection).await?;
        let keys = redis::cmd("DBSIZE").query_async(&mut connection).await?;
        let figures = text.lines().filter_map(|line| line.split_once(':'));
        let figures = figures.map(|(name, value)| (name.to_owned(), value.trim().to_owned())).collect();
        Ok(ServerInfo { figures, ping, keys })
    }

    /// Looks through the cache's keys with SCAN, step by step, so that other clients are answered in
    /// between. `pattern` is a checked one, whose only wildcard is `*`.
    pub(crate) async fn keys(&self, pattern: &str, limit: usize) -> RedisResult<Found> {
        let mut connection = self.connect().await?;
        let glob = format!("{}{pattern}", self.namespace);
        let (mut cursor, mut found) = (0_u64, Found::default());
        for _ in 0..SCAN_STEPS_MAX {
            let mut scan = redis::cmd("SCAN");
            scan.arg(cursor).arg("MATCH").arg(&glob).arg("COUNT").arg(SCAN_STEP);
            let (next, names): (u64, Vec<String>) = scan.query_async(&mut connection).await?;
            found.total += names.len();
            for name in names.into_iter().take(limit.saturating_sub(found.keys.len())) {
                let ttl: i64 = redis::cmd("TTL").arg(&name).query_async(&mut connection).await?;
                found.keys.push((name.strip_prefix(&self.namespace).unwrap_or(&name).to_owned(), ttl));
            }
            cursor = next;
            if cursor == 0 {
                break;
            }
        }
        Ok(found)
    }

    async fn connect(&self) -> RedisResult<MultiplexedConnection> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(LIMIT))
            .set_response_timeout(Some(LIMIT));
        self.client.get_multiplexed_async_connection_with_config(&config).await
    }
}

impl ServerInfo {
    pub(crate) fn text(&self, name: &str) -> &str {
        self.figures.get(name).map_or("", String::as_str)
    }

    pub(crate) fn number(&self, name: &str) -> u64 {
        self.text(name).parse().unwrap_or(0)
    }

    /// Mebibytes with two decimals.
    pub(crate) fn mebibytes(&self, name: &str) -> f64 {
        (self.number(name) as f64 / 1_048_576.0 * 100.0).round() / 100.0
    }
}

#[cfg(test)]
impl ServerInfo {
    /// A server of which only the time of its answer is known.
    pub(crate) fn for_test(ping: Duration) -> Self {
        Self { figures: HashMap::new(), ping, keys: 0 }
    }
}
