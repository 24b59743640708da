//! Values in Redis: on one server, or in the shards of a Cluster. Only this directory knows the Redis
//! client library.
//!
//! A shard is a part of the keys with a namespace of its own, whose names all lie in one slot of the
//! Cluster and so on one node: the scripts of one server work there unchanged. A single server is the
//! same with one shard. An operation on a key asks the key's shard; one on a tag, a pattern or
//! everything asks all of them.

mod cluster;
mod config;
mod link;
mod listener;
mod names;
mod scan;
mod scripts;
mod server;
mod slots;
mod target;

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use futures::future::join_all;
use xxhash_rust::xxh3::xxh3_64;

use self::cluster::Cluster;
pub use self::config::{Announce, RedisConfig};
pub use self::listener::Coherence;
use self::listener::Ear;
pub(super) use self::listener::{Listener, News};
pub(super) use self::server::Server;
use self::target::Target;
use super::parts::{ABREAST, SCANS_ABREAST, spread};
use super::{Cache, Claim, Lease, Lookup, State};
use crate::entry::Entry;
use crate::error::CacheError;
use crate::key::Key;
use crate::pattern::Pattern;
use crate::tag::Tag;
use crate::wire::Codec;

/// The backend on a Redis server, or on a Redis Cluster.
#[derive(Debug)]
pub struct Redis {
    /// At least one.
    shards: Box<[Server]>,
    /// Of all shards together.
    codec: Arc<Codec>,
}

impl Redis {
    /// The backend's name.
    pub const NAME: &'static str = "redis";

    /// Tries once to connect, then leaves connecting to background tasks. Must be called within a
    /// tokio runtime.
    ///
    /// # Errors
    /// Only [`CacheError::Url`]: a server that is away is no error.
    pub async fn connect(config: RedisConfig) -> Result<Self, CacheError> {
        let parts = match Cluster::of(&config)? {
            None => vec![(config.clone(), Target::of(&config.url)?)],
            Some(cluster) => cluster.shards(&config),
        };
        let codec = Arc::new(Codec::default());
        let connect = |(config, target)| Server::connect(config, target, Arc::clone(&codec));
        let shards = join_all(parts.into_iter().map(connect)).await.into();
        Ok(Self { shards, codec })
    }

    /// How many connections there were: a change means that a server was away in between.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.shards.iter().map(|shard| shard.link.generation()).sum()
    }

    /// The shards, each of which is a cache by itself; one for a single server.
    pub(super) fn shards(&self) -> &[Server] {
        &self.shards
    }

    /// The number of the shard that keeps the key.
    pub(super) fn shard_of(&self, key: &Key) -> usize {
        match self.shards.len() {
            0 | 1 => 0,
            // The remainder is below the number of shards.
            count => (xxh3_64(key.as_str().as_bytes()) % count as u64) as usize,
        }
    }

    /// Listens to what others write, by a connection for each shard; returns after the first tries.
    pub(super) async fn listen(
        &self,
        by: Coherence,
        heartbeat: Duration,
        ear: impl Fn(News<'_>) + Send + Sync + 'static,
    ) -> Vec<Listener> {
        let ear: Ear = Arc::new(ear);
        join_all(self.shards.iter().map(|shard| shard.listen(by, heartbeat, Arc::clone(&ear)))).await
    }

    /// How its values are written and read.
    pub(super) fn codec(&self) -> &Codec {
        &self.codec
    }

    fn shard(&self, key: &Key) -> &Server {
        &self.shards[self.shard_of(key)]
    }

    /// Asks every shard, so many at the same time; the sum, or the first error after all were asked.
    async fn everywhere<'a, F>(
        &'a self,
        abreast: usize,
        ask: impl Fn(&'a Server) -> F,
    ) -> Result<u64, CacheError>
    where
        F: Future<Output = Result<u64, CacheError>>,
    {
        if let [only] = &*self.shards {
            return ask(only).await;
        }
        let asked: Vec<F> =
            spread(self.shards.len(), abreast).map(|shard| ask(&self.shards[shard])).collect();
        let answers = futures::stream::iter(asked).buffer_unordered(abreast);
        let join = |sum: Result<u64, _>, answer: Result<u64, _>| async { Ok(sum? + answer?) };
        answers.fold(Ok(0), join).await
    }
}

impl Cache for Redis {
    async fn get(&self, key: &Key) -> Result<Lookup, CacheError> {
        self.shard(key).get(key).await
    }

    async fn set(&self, key: &Key, entry: &Entry, tags: &[Tag]) -> Result<(), CacheError> {
        self.shard(key).set(key, entry, tags).await
    }

    async fn claim(&self, key: &Key, tags: &[Tag], life: Duration) -> Result<Claim, CacheError> {
        self.shard(key).claim(key, tags, life).await
    }

    async fn fill(&self, key: &Key, entry: &Entry, tags: &[Tag], lease: Lease) -> Result<bool, CacheError> {
        self.shard(key).fill(key, entry, tags, lease).await
    }

    async fn renounce(&self, key: &Key, lease: Lease) -> Result<(), CacheError> {
        self.shard(key).renounce(key, lease).await
    }

    async fn delete(&self, key: &Key) -> Result<bool, CacheError> {
        self.shard(key).delete(key).await
    }

    async fn delete_tag(&self, tag: &Tag) -> Result<u64, CacheError> {
        self.everywhere(ABREAST, |shard| shard.delete_tag(tag)).await
    }

    async fn delete_pattern(&self, pattern: &Pattern) -> Result<u64, CacheError> {
        self.everywhere(SCANS_ABREAST, |shard| shard.delete_pattern(pattern)).await
    }

    async fn clear(&self) -> Result<u64, CacheError> {
        self.everywhere(SCANS_ABREAST, Cache::clear).await
    }

    /// Up if every shard is.
    fn state(&self) -> State {
        let is_up = self.shards.iter().all(|shard| shard.state().up == Some(true));
        State { up: Some(is_up), ..State::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_unusable_url_is_the_only_error_and_shows_no_secret() {
        for url in [
            "http://:s3cret@host/",
            "not a url",
            "redis://:s3cret@host/not-a-db",
            "rediss://:s3cret@h/",
            "redis+cluster://:s3cret@",
            "redis+cluster://u:s3cret@h:1,h:x?shards=0",
        ] {
            let error = Redis::connect(RedisConfig::new(url)).await.expect_err(url);
            let shown = error.to_string();
            assert!(matches!(error, CacheError::Url { .. }), "{shown}");
            assert!(!shown.contains("s3cret"), "{shown}");
        }
    }
}
