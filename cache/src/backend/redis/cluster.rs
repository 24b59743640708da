//! A Redis Cluster: what its URL says, and which node owns a slot, asked at each connecting.
//!
//! The keys are cut into shards, each in one slot. Who owns it is never guessed from an error: a
//! `MOVED` takes the shard's link down, and its next try asks the nodes again. They are asked in
//! turn, those that other nodes told of too, so that neither a dead node nor one that knows only the
//! past is always the first.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use hitmark_schema::redact;
use redis::{AsyncConnectionConfig, Client, ConnectionAddr, ConnectionInfo, ErrorKind, RedisError, Value};

use super::RedisConfig;
use super::slots::{hash_tag, slot_of};
use super::target::{Target, open};
use crate::error::CacheError;

/// The scheme of a URL that names a Cluster.
const SCHEME: &str = "redis+cluster://";

/// How many shards the keys are cut into, unless the URL says otherwise.
const SHARDS: u16 = 16;

/// The most shards: each has a connection.
const SHARDS_MAX: u16 = 256;

/// Nodes that are remembered beside those of the URL.
const NODES_MAX: usize = 64;

/// The nodes of a Cluster, as far as they are known.
pub(super) struct Cluster {
    seeds: Vec<ConnectionInfo>,
    shards: u16,
    /// The addresses that a node told last.
    told: RwLock<Vec<(String, u16)>>,
    /// Whose turn it is to be asked first.
    turn: AtomicUsize,
}

impl Cluster {
    /// Reads `redis+cluster://[user:password@]host:port,host:port[?shards=N]`; `None` if the URL is of
    /// another scheme. The credentials are those of every node.
    pub(super) fn of(config: &RedisConfig) -> Result<Option<Arc<Self>>, CacheError> {
        let Some(rest) = config.url.strip_prefix(SCHEME) else { return Ok(None) };
        let (mut cluster, mut mistakes) = Self::read(rest);
        if config.namespace.contains(['{', '}']) {
            // The shard's own braces would not be the first.
            mistakes.push(format!("the namespace `{}` holds a brace: leave it out", config.namespace));
        }
        if cluster.seeds.is_empty() && mistakes.is_empty() {
            mistakes.push("write redis+cluster://host:6379,host:6379[?shards=16]".to_owned());
        }
        cluster.turn = AtomicUsize::new(0);
        match mistakes.is_empty() {
            true => Ok(Some(Arc::new(cluster))),
            false => Err(CacheError::Url { url: redact::url(&config.url), reason: mistakes.join("; ") }),
        }
    }

    /// What follows the scheme, and every mistake in it.
    fn read(rest: &str) -> (Self, Vec<String>) {
        let (credentials, rest) = match rest.rsplit_once('@') {
            Some((credentials, rest)) => (format!("{credentials}@"), rest),
            None => (String::new(), rest),
        };
        let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (hosts, database) = place.split_once('/').unwrap_or((place, ""));
        let (mut seeds, mut shards, mut mistakes) = (Vec::new(), SHARDS, Vec::new());
        for host in hosts.split(',').filter(|_| !hosts.is_empty()) {
            match open(&format!("redis://{credentials}{host}/")) {
                Ok(seed) => seeds.push(seed.get_connection_info().clone()),
                Err(error) => mistakes.push(format!("node `{host}`: {error}")),
            }
        }
        if !matches!(database, "" | "0") {
            mistakes.push(format!("database `{database}`: a Cluster has only database 0"));
        }
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            match pair.strip_prefix("shards=").map(str::parse) {
                Some(Ok(count @ 1..=SHARDS_MAX)) => shards = count,
                Some(_) => {
                    mistakes.push(format!("`{pair}`: write a number of shards from 1 to {SHARDS_MAX}"));
                }
                // The text itself is not shown: it may be a secret.
                None => mistakes.push("the only parameter of a Cluster is `shards`".to_owned()),
            }
        }
        let (told, turn) = (RwLock::default(), AtomicUsize::new(0));
        (Self { seeds, shards, told, turn }, mistakes)
    }

    /// Each shard's own configuration, and where it is.
    pub(super) fn shards(self: &Arc<Self>, config: &RedisConfig) -> Vec<(RedisConfig, Target)> {
        let shard = |number| {
            let tag = hash_tag(&config.namespace, number, self.shards);
            let target = Target::Owner { cluster: Arc::clone(self), slot: slot_of(&tag) };
            (RedisConfig { namespace: format!("{{{tag}}}"), ..config.clone() }, target)
        };
        (0..self.shards).map(shard).collect()
    }

    /// The node that owns the slot, as the first node says that answers.
    pub(super) async fn owner(
        &self,
        slot: u16,
        options: &AsyncConnectionConfig,
    ) -> Result<Client, RedisError> {
        let mut last = RedisError::from((ErrorKind::Client, "no node of the Cluster is known"));
        for node in self.nodes() {
            match ask(&node, options).await {
                Ok(ranges) => {
                    self.remember(&ranges);
                    if let Some(range) =
                        ranges.iter().find(|range| (range.first..=range.last).contains(&slot))
                    {
                        return Client::open(at(&node, range.owner.clone()));
                    }
                    last = (ErrorKind::Client, "no node of the Cluster owns the slot").into();
                }
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    /// The nodes of the URL and those that were told, beginning with another one each time.
    fn nodes(&self) -> Vec<ConnectionInfo> {
        let told = self.told.read().unwrap_or_else(PoisonError::into_inner).clone();
        let mut nodes = self.seeds.clone();
        if let Some(seed) = self.seeds.first() {
            let told = told.into_iter().map(|address| at(seed, address));
            let is_new = |node: &ConnectionInfo| self.seeds.iter().all(|seed| seed.addr() != node.addr());
            nodes.extend(told.filter(is_new));
        }
        if !nodes.is_empty() {
            let first = self.turn.fetch_add(1, Ordering::Relaxed) % nodes.len();
            nodes.rotate_left(first);
        }
        nodes
    }

    fn remember(&self, ranges: &[Range]) {
        let mut nodes: Vec<_> = ranges.iter().map(|range| range.owner.clone()).collect();
        nodes.sort_unstable();
        nodes.dedup();
        nodes.truncate(NODES_MAX);
        *self.told.write().unwrap_or_else(PoisonError::into_inner) = nodes;
    }
}

/// The same credentials at another address.
fn at(like: &ConnectionInfo, (host, port): (String, u16)) -> ConnectionInfo {
    like.clone().set_addr(ConnectionAddr::Tcp(host, port))
}

/// Slots in a row and the address of the master that owns them.
#[derive(Debug, PartialEq, Eq)]
struct Range {
    first: u16,
    last: u16,
    owner: (String, u16),
}

/// Asks one node for the whole map.
async fn ask(node: &ConnectionInfo, options: &AsyncConnectionConfig) -> Result<Vec<Range>, RedisError> {
    let mut connection =
        Client::open(node.clone())?.get_multiplexed_async_connection_with_config(options).await?;
    let mut command = redis::cmd("CLUSTER");
    command.arg("SLOTS");
    let answer = connection.send_packed_command(&command).await?.extract_error()?;
    let ConnectionAddr::Tcp(asked, _) = node.addr() else { return Ok(Vec::new()) };
    Ok(match &answer {
        Value::Array(ranges) => ranges.iter().filter_map(|range| read_range(range, asked)).collect(),
        _ => Vec::new(),
    })
}

/// `[first, last, [host, port, …], replicas …]`. A node that does not know its own host tells none, or
/// an empty one: it is then the one that was asked.
fn read_range(range: &Value, asked: &str) -> Option<Range> {
    let Value::Array(range) = range else { return None };
    let [Value::Int(first), Value::Int(last), Value::Array(owner), ..] = &range[..] else { return None };
    let [host, Value::Int(port), ..] = &owner[..] else { return None };
    let host = match host {
        Value::BulkString(host) if !host.is_empty() => std::str::from_utf8(host).ok()?,
        Value::BulkString(_) | Value::Nil => asked,
        _ => return None,
    };
    let number = |number: &i64| u16::try_from(*number).ok();
    Some(Range { first: number(first)?, last: number(last)?, owner: (host.to_owned(), number(port)?) })
}

// Written by hand: the seeds hold a password.
impl fmt::Debug for Cluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seeds: Vec<_> = self.seeds.iter().map(|seed| seed.addr().to_string()).collect();
        f.debug_struct("Cluster").field("seeds", &seeds).field("shards", &self.shards).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_names_nodes_and_perhaps_a_number_of_shards() {
        for (url, nodes, shards) in [
            ("redis+cluster://a:1", 1, 16),
            ("redis+cluster://u:p@a:1,b:2,c:3/0?shards=256", 3, 256),
            ("redis+cluster://:p@a,b/?shards=1", 2, 1),
        ] {
            let cluster = Cluster::of(&RedisConfig::new(url)).expect(url).expect("a Cluster");
            assert_eq!((cluster.seeds.len(), cluster.shards), (nodes, shards), "{url}");
        }
        assert!(Cluster::of(&RedisConfig::new("redis://a:1")).expect("usable").is_none());
    }

    #[test]
    fn every_mistake_is_told_at_once_and_without_the_password() {
        let mut config = RedisConfig::new("redis+cluster://u:s3cret@a:x,b:2/3?shards=257&token=hush");
        config.namespace = "shop{1}:".to_owned();
        let error = Cluster::of(&config).expect_err("unusable").to_string();
        for part in ["node `a:x`", "database `3`", "`shards=257`", "only parameter", "`shop{1}:`"] {
            assert!(error.contains(part), "{part}: {error}");
        }
        assert!(!error.contains("s3cret") && !error.contains("b:2`"), "{error}");
        let error = Cluster::of(&RedisConfig::new("redis+cluster://")).expect_err("no node").to_string();
        assert!(error.contains("write redis+cluster://host:6379"), "{error}");
    }

    #[test]
    fn a_range_is_read_with_or_without_a_host() {
        let text = |text: &str| Value::BulkString(text.as_bytes().to_vec());
        let range = |host| {
            let owner = Value::Array(vec![host, Value::Int(7001), text("id"), Value::Array(Vec::new())]);
            Value::Array(vec![Value::Int(0), Value::Int(5460), owner])
        };
        for (host, expected) in [(text("b"), "b"), (text(""), "a"), (Value::Nil, "a")] {
            let read = read_range(&range(host), "a").expect("readable");
            assert_eq!(read, Range { first: 0, last: 5460, owner: (expected.to_owned(), 7001) });
        }
        for bad in [Value::Nil, Value::Array(Vec::new()), range(Value::Int(1))] {
            assert_eq!(read_range(&bad, "a"), None);
        }
    }
}
