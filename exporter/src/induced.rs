//! What the exporter's own lookups add to a server's keyspace hits and misses, by server.
//!
//! The queues of a broker and the broker's own counters are read by different collectors. They meet
//! here: who looks keys up counts it under the server's address, and who shows the counters takes it
//! off. The gate keeps both apart, so that no lookup is taken off before the server has counted it.
//! Two spellings of one address are two servers here, except for `localhost`.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard};
use url::Url;

use crate::redis_client::Reply;

/// Lookups by server, as long as somebody holds them.
static SERVERS: Mutex<BTreeMap<String, Weak<Lookups>>> = Mutex::new(BTreeMap::new());

/// What this process added to one server's counters since it started.
#[derive(Debug, Default)]
pub(crate) struct Lookups {
    hits: AtomicU64,
    misses: AtomicU64,
    gate: RwLock<()>,
}

impl Lookups {
    /// The one of the server that the URL names.
    pub(crate) fn of(url: &str) -> Arc<Self> {
        let mut servers = SERVERS.lock().unwrap_or_else(PoisonError::into_inner);
        servers.retain(|_, lookups| lookups.strong_count() > 0);
        let address = address(url);
        if let Some(known) = servers.get(&address).and_then(Weak::upgrade) {
            return known;
        }
        let made = Arc::new(Self::default());
        servers.insert(address, Arc::downgrade(&made));
        made
    }

    /// Held while keys are looked up and counted.
    pub(crate) async fn looking(&self) -> RwLockReadGuard<'_, ()> {
        self.gate.read().await
    }

    /// Held while the server's counters are read: nobody looks up meanwhile.
    pub(crate) async fn counting(&self) -> RwLockWriteGuard<'_, ()> {
        self.gate.write().await
    }

    pub(crate) fn add(&self, (hits, misses): (u64, u64)) {
        self.hits.fetch_add(hits, Ordering::Relaxed);
        self.misses.fetch_add(misses, Ordering::Relaxed);
    }

    /// Hits and misses so far.
    pub(crate) fn total(&self) -> (u64, u64) {
        (self.hits.load(Ordering::Relaxed), self.misses.load(Ordering::Relaxed))
    }
}

fn address(url: &str) -> String {
    let Ok(url) = Url::parse(url) else { return url.to_owned() };
    match url.host_str() {
        None | Some("") => url.path().to_owned(),
        Some("localhost") => format!("127.0.0.1:{}", url.port().unwrap_or(6379)),
        Some(host) => format!("{host}:{}", url.port().unwrap_or(6379)),
    }
}

/// The hits and misses that these commands cost the server, by its replies.
///
/// One reply may say what another leaves open: an empty range of a set that has members is a hit.
pub(crate) fn lookups<C: AsRef<str>>(commands: &[Vec<C>], replies: &[Reply]) -> (u64, u64) {
    let key = |command: &[C]| command.get(position(command)).map(|key| key.as_ref().to_owned());
    let mut exists = HashMap::new();
    for (command, reply) in commands.iter().zip(replies) {
        if let (Some(key), Some(found)) = (key(command), certain(command, reply)) {
            exists.insert(key, found);
        }
    }
    let (mut hits, mut misses) = (0, 0);
    for (command, reply) in commands.iter().zip(replies) {
        let known = || key(command).and_then(|key| exists.get(&key).copied());
        match certain(command, reply).or_else(|| guess(command, reply).map(|guess| known().unwrap_or(guess)))
        {
            Some(true) => hits += 1,
            Some(false) => misses += 1,
            None => {}
        }
    }
    (hits, misses)
}

fn name<C: AsRef<str>>(command: &[C]) -> &str {
    command.first().map_or("", AsRef::as_ref)
}

/// Where the key stands: behind the subcommand, where there is one.
pub(crate) fn position<C: AsRef<str>>(command: &[C]) -> usize {
    if name(command) == "XINFO" { 2 } else { 1 }
}

/// Whether the key was there, where command and reply leave no doubt.
fn certain<C: AsRef<str>>(command: &[C], reply: &Reply) -> Option<bool> {
    match (name(command), reply) {
        ("LLEN" | "ZCARD" | "SCARD" | "HLEN", Reply::Int(length)) => Some(*length > 0),
        ("TYPE", Reply::Text(kind)) => Some(kind != "none"),
        ("GET" | "LINDEX" | "HGET", Reply::Text(_)) => Some(true),
        ("HMGET", Reply::List(fields)) if fields.iter().any(|field| *field != Reply::Nil) => Some(true),
        ("GET" | "LINDEX", Reply::Nil) => Some(false),
        ("SMEMBERS", Reply::List(items)) => Some(!items.is_empty()),
        ("ZRANGE" | "XRANGE", Reply::List(items)) if !items.is_empty() => Some(true),
        ("ZCOUNT", Reply::Int(1..)) | ("XINFO" | "XPENDING", Reply::List(_)) => Some(true),
        ("XINFO", Reply::Refused(words)) if words.contains("no such key") => Some(false),
        ("HSCAN", Reply::List(parts)) => match (command.get(2).map(AsRef::as_ref), parts.get(1)) {
            (Some("0"), Some(Reply::List(items))) if items.is_empty() => None,
            _ => Some(true),
        },
        _ => None,
    }
}

/// What a reply that leaves it open most likely means; `None` if the command looks no key up.
fn guess<C: AsRef<str>>(command: &[C], reply: &Reply) -> Option<bool> {
    match (name(command), reply) {
        (
            "HGET" | "HMGET" | "HSCAN" | "ZRANGE" | "XRANGE" | "ZCOUNT",
            Reply::Nil | Reply::Int(_) | Reply::List(_),
        ) => Some(false),
        // An error about the type or the group comes after the key was found.
        (_, Reply::Refused(words)) if words.contains("WRONGTYPE") || words.contains("NOGROUP") => Some(true),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(command: &str, reply: Reply) -> (u64, u64) {
        lookups(&[command.split(' ').collect()], &[reply])
    }

    #[test]
    fn each_lookup_is_a_hit_or_a_miss_as_the_server_counts_it() {
        let text = || Reply::Text("x".to_owned());
        let full = || Reply::List(vec![text()]);
        let empty = || Reply::List(Vec::new());
        let refused = |words: &str| Reply::Refused(words.to_owned());
        for (command, reply, cost) in [
            ("LLEN q", Reply::Int(3), (1, 0)),
            ("LLEN q", Reply::Int(0), (0, 1)),
            ("LLEN q", refused("WRONGTYPE Operation against"), (1, 0)),
            ("LLEN q", refused("NOPERM"), (0, 0)),
            ("HGET h f", Reply::Nil, (0, 1)),
            ("SMEMBERS s", empty(), (0, 1)),
            ("XINFO STREAM s", full(), (1, 0)),
            ("XINFO STREAM s", refused("ERR no such key"), (0, 1)),
            ("HSCAN h 0 COUNT 9", Reply::List(vec![text(), empty()]), (0, 1)),
            ("HSCAN h 7 COUNT 9", Reply::List(vec![text(), empty()]), (1, 0)),
            ("SCAN 0", full(), (0, 0)),
            ("PUBLISH c m", Reply::Int(1), (0, 0)),
            ("RPOP q 9", full(), (0, 0)),
        ] {
            assert_eq!(one(command, reply), cost, "{command}");
        }
    }

    #[test]
    fn another_reply_tells_whether_the_key_of_an_empty_range_is_there() {
        let commands = [vec!["ZCARD", "z"], vec!["ZCOUNT", "z", "9", "+inf"]];
        assert_eq!(lookups(&commands, &[Reply::Int(2), Reply::Int(0)]), (2, 0));
        assert_eq!(lookups(&commands, &[Reply::Int(0), Reply::Int(0)]), (0, 2));
    }

    #[test]
    fn spellings_of_one_server_share_their_lookups() {
        let one = Lookups::of("redis://user:pw@localhost:7001/3");
        one.add((2, 1));
        assert_eq!(Lookups::of("redis://127.0.0.1:7001").total(), (2, 1));
        assert_eq!(Lookups::of("redis://127.0.0.1:7002").total(), (0, 0));
    }
}
