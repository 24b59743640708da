//! One server, or one shard of a Cluster: a namespace on one link, and all that a cache does there.
//!
//! A get is one plain GET. Whatever must not be torn apart by other clients is a script: a lease is a
//! key that holds a token and the epoch of its claim, and a fill stores only while both are the same.
//! Invalidations by key and tag remove the lease; those by pattern change the epoch.
//!
//! A deletion that fails while the server is away is lost: the caller is told, and the value may be
//! served again when the server is back, until its own expiry.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use redis::{Cmd, Value};
use tokio::task::JoinHandle;
use tracing::warn;

use super::config::{Announce, RedisConfig};
use super::link::Link;
use super::listener::{Coherence, Ear, Listener};
use super::names::{Name, Payload, Role};
use super::scan::{Bookkeeping, EPOCH_MS};
use super::scripts;
use super::target::Target;
use crate::backend::{Cache, Claim, Lease, Lookup, State};
use crate::clock::UnixMs;
use crate::entry::Entry;
use crate::error::CacheError;
use crate::key::Key;
use crate::pattern::Pattern;
use crate::tag::Tag;
use crate::wire::Codec;

/// Members of a tag set that one step removes: about a millisecond of the server.
const SWEEP_COUNT: usize = 1000;

/// A namespace on one server.
#[derive(Debug)]
pub(in crate::backend) struct Server {
    pub(super) link: Arc<Link>,
    keeper: JoinHandle<()>,
    /// Makes tokens that differ between processes.
    tokens: (RandomState, AtomicU64),
    codec: Arc<Codec>,
}

impl Server {
    /// Tries once to connect, then leaves connecting to the background task.
    pub(super) async fn connect(config: RedisConfig, target: Target, codec: Arc<Codec>) -> Self {
        let link = Arc::new(Link::new(config, target));
        match link.open().await {
            Ok(connection) => link.put_up(connection),
            Err(error) => link.warn_down(&error),
        }
        let keeper = tokio::spawn(Arc::clone(&link).keep_up());
        let tokens = (RandomState::new(), AtomicU64::new(0));
        Self { link, keeper, tokens, codec }
    }

    /// Listens to what others write, on a connection of its own; returns after the first try.
    pub(super) async fn listen(&self, by: Coherence, heartbeat: Duration, ear: Ear) -> Listener {
        Listener::start(Arc::clone(&self.link), by, heartbeat, ear).await
    }

    pub(super) fn name<'a>(&'a self, role: Role, text: &'a str) -> Name<'a> {
        Name { namespace: &self.link.config.namespace, role, text }
    }

    pub(super) fn token(&self) -> u64 {
        self.tokens.0.hash_one(self.tokens.1.fetch_add(1, Ordering::Relaxed))
    }

    /// Whether removals and writes are told on the channel.
    pub(super) fn announces(&self) -> bool {
        self.link.config.announce == Announce::Always
    }

    /// The channel as an argument; empty to say nothing.
    fn channel(&self, command: &mut Cmd) {
        if self.announces() {
            command.arg(self.name(Role::Channel, ""));
        } else {
            command.arg("");
        }
    }

    /// Stores, if the lease holds or none is asked for.
    async fn store(
        &self,
        key: &Key,
        entry: &Entry,
        tags: &[Tag],
        lease: Option<Lease>,
    ) -> Result<bool, CacheError> {
        let life_ms = entry.kept_until.0.saturating_sub(UnixMs::now().0).max(1);
        let stored = self.link.run::<u64>(&scripts::STORE, None, |command| {
            command.arg(3 + tags.len()).arg(self.name(Role::Value, key.as_str()));
            command.arg(self.name(Role::Lease, key.as_str())).arg(self.name(Role::Epoch, ""));
            for tag in tags {
                command.arg(self.name(Role::Tag, tag.as_str()));
            }
            match lease {
                Some(lease) => command.arg(lease.token),
                None => command.arg(""),
            };
            command.arg(life_ms).arg(key.as_str()).arg(&self.link.config.namespace);
            self.channel(command);
            command.arg(Payload(entry, &self.codec));
        });
        Ok(stored.await? == 1)
    }

    /// Removes the values of a tag set, and the set; how many values there were.
    pub(super) async fn sweep(&self, tag: &str) -> Result<u64, CacheError> {
        let patience = Some(self.link.config.invalidation_timeout);
        let (mut removed, mut began) = (0, false);
        loop {
            let step = self.link.run::<(u64, u64, u64)>(&scripts::SWEEP, patience, |command| {
                command.arg(2).arg(self.name(Role::Tag, tag));
                command.arg(self.name(Role::Swept, tag));
                command.arg(&self.link.config.namespace).arg(SWEEP_COUNT);
                self.channel(command);
                command.arg(u8::from(!began));
            });
            let (values, left, begins) = step.await?;
            removed += values;
            began |= begins == 1;
            if began && left == 0 {
                return Ok(removed);
            }
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.keeper.abort();
    }
}

impl Cache for Server {
    async fn get(&self, key: &Key) -> Result<Lookup, CacheError> {
        let mut get = Cmd::with_capacity(2, 64);
        get.arg("GET").arg(self.name(Role::Value, key.as_str()));
        let stored = match self.link.ask_raw(&get, None).await? {
            Value::Nil => return Ok(Lookup::Miss),
            Value::BulkString(stored) => self.codec.decode(stored.into()),
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

    async fn set(&self, key: &Key, entry: &Entry, tags: &[Tag]) -> Result<(), CacheError> {
        self.store(key, entry, tags, None).await.map(drop)
    }

    async fn claim(&self, key: &Key, tags: &[Tag], life: Duration) -> Result<Claim, CacheError> {
        let token = self.token();
        let life_ms = u64::try_from(life.as_millis()).unwrap_or(u64::MAX).clamp(1, EPOCH_MS);
        let granted = self.link.run::<u64>(&scripts::CLAIM, None, |command| {
            command.arg(2 + tags.len());
            command.arg(self.name(Role::Lease, key.as_str())).arg(self.name(Role::Epoch, ""));
            for tag in tags {
                command.arg(self.name(Role::Tag, tag.as_str()));
            }
            command.arg(token).arg(life_ms).arg(key.as_str());
        });
        Ok(if granted.await? == 1 { Claim::Granted(Lease { token }) } else { Claim::Held })
    }

    async fn fill(&self, key: &Key, entry: &Entry, tags: &[Tag], lease: Lease) -> Result<bool, CacheError> {
        self.store(key, entry, tags, Some(lease)).await
    }

    async fn renounce(&self, key: &Key, lease: Lease) -> Result<(), CacheError> {
        let renounced = self.link.run::<u64>(&scripts::RENOUNCE, None, |command| {
            command.arg(1).arg(self.name(Role::Lease, key.as_str())).arg(lease.token);
        });
        renounced.await.map(drop)
    }

    async fn delete(&self, key: &Key) -> Result<bool, CacheError> {
        let removed = self.link.run::<u64>(&scripts::DELETE, None, |command| {
            command.arg(2).arg(self.name(Role::Value, key.as_str()));
            command.arg(self.name(Role::Lease, key.as_str())).arg(key.as_str());
            self.channel(command);
        });
        Ok(removed.await? > 0)
    }

    async fn delete_tag(&self, tag: &Tag) -> Result<u64, CacheError> {
        self.sweep(tag.as_str()).await
    }

    async fn delete_pattern(&self, pattern: &Pattern) -> Result<u64, CacheError> {
        self.remove_matching(pattern.as_str(), Bookkeeping::Kept).await
    }

    async fn clear(&self) -> Result<u64, CacheError> {
        self.remove_matching("*", Bookkeeping::Removed).await
    }

    fn state(&self) -> State {
        // How many keys are ours only a scan of all could tell.
        State { up: Some(self.link.is_up()), ..State::default() }
    }
}
