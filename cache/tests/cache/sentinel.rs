//! A master that dies, and a replica that takes its place.

use std::time::Duration;

use bytes::Bytes;
use hitmark_cache::backend::{Lookup, Redis, Tiered};
use hitmark_cache::{Cache, CacheLayer, Entry, Key, RedisConfig, Source, TieredConfig};
use hitmark_testkit::RedisSentinel;

use crate::support::{LONG, Origin, eventually};

fn config(servers: &RedisSentinel) -> RedisConfig {
    let mut config = RedisConfig::new(servers.url());
    config.response_timeout = Duration::from_secs(1);
    config
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failover_is_followed_without_an_error() {
    let servers = RedisSentinel::start().await.expect("redis-server starts");
    let tiered = TieredConfig::new(config(&servers));
    let layers = [
        CacheLayer::redis(config(&servers)).await.expect("a usable URL"),
        CacheLayer::tiered(tiered.clone()).await.expect("a usable URL"),
    ];
    let (copies, key) = (Tiered::connect(tiered).await.expect("a usable URL"), Key::new("a"));
    let is_copied = || async {
        let before = copies.copy_hits();
        matches!(copies.get(&key).await, Ok(Lookup::Hit(_))) && copies.copy_hits() > before
    };
    copies.set(&key, &Entry::fresh_for(Bytes::from("old"), LONG), &[]).await.expect("stored");
    eventually("a copy answers", is_copied).await;

    servers.first_master().kill();
    let origin = Origin::default();
    for layer in &layers {
        let is_hit = || async {
            let key = Key::new("hot");
            let served = layer.get_or_set(&key, LONG, || origin.returns("x")).await.expect("never an error");
            served.source == Source::Hit
        };
        eventually("hits return", is_hit).await;
    }
    // By the replica's own address: the write reaches it and no other.
    let mut direct = RedisConfig::new(servers.first_replica().url());
    direct.response_timeout = Duration::from_secs(5);
    let new_master = Redis::connect(direct).await.expect("a usable URL");
    new_master.set(&key, &Entry::fresh_for(Bytes::from("new"), LONG), &[]).await.expect("it is the master");
    let sees_new =
        || async { matches!(copies.get(&key).await, Ok(Lookup::Hit(entry)) if entry.value == "new") };
    eventually("the new master is heard", sees_new).await;
    eventually("a copy answers again", is_copied).await;
    new_master.delete(&key).await.expect("removed");
    eventually("the removal is heard", || async { copies.get(&key).await == Ok(Lookup::Miss) }).await;
}
