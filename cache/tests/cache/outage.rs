//! Deletions that a server did not take are done before anything of it is served again.

use std::time::Duration;

use bytes::Bytes;
use hitmark_cache::{BreakerConfig, CacheLayer, Key, LayerOptions, Pattern, RedisConfig, Source};
use hitmark_testkit::RedisServer;

use crate::support::{LONG, Origin, eventually, metric};

async fn layer(server: &RedisServer) -> CacheLayer {
    let mut config = RedisConfig::new(server.url());
    config.response_timeout = Duration::from_millis(300);
    config.invalidation_timeout = Duration::from_millis(300);
    let mut options = LayerOptions::default();
    options.breaker = BreakerConfig {
        slow_after: Duration::from_secs(5),
        open_for: Duration::from_millis(100),
        ..BreakerConfig::default()
    };
    CacheLayer::redis_with(config, options).await.expect("a usable URL")
}

/// Asks until the server answers again; every answer on the way must be the new value.
async fn never_old(cache: &CacheLayer, key: &Key) {
    let origin = Origin::default();
    eventually("hits return", || async {
        let served = cache.get_or_set(key, LONG, || origin.returns("new")).await.expect("never an error");
        assert_eq!(served.value, "new", "{:?}", served.source);
        served.source == Source::Hit
    })
    .await;
    assert_eq!(metric(cache, "cache_invalidations_pending", &[]), 0);
    assert!(metric(cache, "cache_invalidations_replayed_total", &[]) >= 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deletion_during_a_hang_is_done_when_the_server_goes_on() {
    let server = RedisServer::start().await.expect("redis-server starts");
    let (cache, key) = (layer(&server).await, Key::new("a").id(1));
    for how in ["key", "pattern", "all"] {
        cache.clear().await.expect("cleared");
        cache.set(&key, Bytes::from("old"), LONG).await.expect("stored");
        server.pause();
        match how {
            "key" => cache.delete(&key).await.map(drop),
            "pattern" => cache.delete_pattern(&Pattern::under(&Key::new("a"))).await.map(drop),
            _ => cache.clear().await,
        }
        .expect_err("the server hangs");
        server.resume();
        never_old(&cache, &key).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deletion_while_a_server_that_keeps_its_data_is_dead_is_done_when_it_is_back() {
    let durable = ["--appendonly", "yes", "--appendfsync", "always"];
    let server = RedisServer::start_with(&durable).await.expect("redis-server starts");
    let (cache, key) = (layer(&server).await, Key::new("a").id(1));
    cache.set(&key, Bytes::from("old"), LONG).await.expect("stored");
    server.kill();
    cache.delete(&key).await.expect_err("the server is dead");
    server.restart().await.expect("redis-server starts again");
    never_old(&cache, &key).await;
}
