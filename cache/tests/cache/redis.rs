//! The Redis backend against real servers that refuse, hang, die and come back.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use hitmark_cache::{BreakerConfig, CacheError, CacheLayer, Key, LayerOptions, Pattern, RedisConfig, Source};
use hitmark_testkit::RedisServer;
use tokio::sync::Semaphore;

use crate::support::{LONG, Origin, eventually, metric, operations};

/// A layer that waits long for an answer, for tests whose machine may be busy.
pub(crate) async fn patient(server: &RedisServer) -> CacheLayer {
    let mut config = RedisConfig::new(server.url());
    config.response_timeout = Duration::from_secs(5);
    config.invalidation_timeout = Duration::from_secs(5);
    config.connect_timeout = Duration::from_secs(5);
    CacheLayer::redis_with(config, patience()).await.expect("a usable URL")
}

/// A breaker that takes no busy machine for a sick server.
pub(crate) fn patience() -> LayerOptions {
    let mut options = LayerOptions::default();
    options.breaker = BreakerConfig { slow_after: Duration::from_secs(5), ..BreakerConfig::default() };
    options
}

/// A connection of the test's own, to look at and to spoil what the cache stored.
async fn bystander(server: &RedisServer) -> redis::aio::MultiplexedConnection {
    let client = redis::Client::open(server.url()).expect("a usable URL");
    client.get_multiplexed_async_connection().await.expect("a connection")
}

async fn is_hit_again(cache: &CacheLayer, key: &Key) -> bool {
    let origin = Origin::default();
    let served = cache.get_or_set(key, LONG, || origin.returns("x")).await.expect("never an error");
    served.source == Source::Hit
}

#[tokio::test]
async fn a_refused_server_is_served_from_the_origin_until_it_starts() {
    let server = RedisServer::start().await.expect("redis-server starts");
    server.kill();
    let cache = patient(&server).await;
    let (origin, key) = (Origin::default(), Key::new("a"));
    let served = cache.get_or_set(&key, LONG, || origin.returns("x")).await.expect("never an error");
    assert_eq!((served.source, served.ttl), (Source::Unreachable, None));
    assert_eq!(cache.get(&key).await, Err(CacheError::Unreachable));
    assert_eq!(metric(&cache, "cache_backend_up", &[]), 0);
    server.restart().await.expect("redis-server starts again");
    eventually("hits return", || is_hit_again(&cache, &key)).await;
    assert_eq!(metric(&cache, "cache_backend_up", &[]), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hung_server_delays_no_request_for_long_and_fails_none() {
    let server = RedisServer::start().await.expect("redis-server starts");
    let cache = CacheLayer::redis(RedisConfig::new(server.url())).await.expect("a usable URL");
    let (origin, warm) = (Origin::default(), Key::new("warm"));
    eventually("the server answers", || is_hit_again(&cache, &warm)).await;
    server.pause();
    for id in 0..50 {
        let started = Instant::now();
        let key = Key::new("hung").id(id);
        let served = cache.get_or_set(&key, LONG, || origin.returns("x")).await.expect("never an error");
        assert_eq!(served.source, Source::Unreachable);
        assert!(started.elapsed() < Duration::from_secs(2), "request {id}: {:?}", started.elapsed());
    }
    // Only what was asked before the link went down may have waited for an answer.
    assert!(operations(&cache, "get", "timeout") >= 1);
    assert!(operations(&cache, "get", "unreachable") >= 40, "later requests did not wait");
    assert_eq!(metric(&cache, "cache_backend_up", &[]), 0);
    server.resume();
    eventually("hits return", || is_hit_again(&cache, &warm)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_killed_amid_requests_causes_no_error() {
    let server = RedisServer::start().await.expect("redis-server starts");
    let cache = patient(&server).await;
    let stop = Arc::new(AtomicBool::new(false));
    let workers: Vec<_> = (0..8)
        .map(|worker| {
            let (cache, stop) = (cache.clone(), Arc::clone(&stop));
            tokio::spawn(async move {
                let (origin, mut hits, mut unreachable) = (Origin::default(), 0, 0);
                for round in 0_u64.. {
                    if stop.load(Ordering::Relaxed) {
                        break;
                    }
                    let key = Key::new("loop").id(worker).and("round", round % 50);
                    let served =
                        cache.get_or_set(&key, LONG, || origin.returns("x")).await.expect("no error");
                    assert_eq!(served.value, "x");
                    hits += u64::from(served.source == Source::Hit);
                    unreachable += u64::from(served.source == Source::Unreachable);
                    tokio::task::yield_now().await;
                }
                (hits, unreachable)
            })
        })
        .collect();
    eventually("hits come", || async { operations(&cache, "get", "hit") > 1000 }).await;
    server.kill();
    eventually("the link is down", || async { operations(&cache, "get", "unreachable") > 100 }).await;
    server.restart().await.expect("redis-server starts again");
    let before = operations(&cache, "get", "hit");
    eventually("hits return", || async { operations(&cache, "get", "hit") > before + 1000 }).await;
    stop.store(true, Ordering::Relaxed);
    for worker in workers {
        let (hits, unreachable) = worker.await.expect("no request failed");
        assert!(hits > 0 && unreachable > 0, "{hits} hits, {unreachable} unreachable");
    }
}

#[tokio::test]
async fn requests_that_find_the_server_away_still_share_one_origin_call() {
    let server = RedisServer::start().await.expect("redis-server starts");
    server.kill();
    let cache = patient(&server).await;
    let (origin, gate, key) = (Origin::default(), Arc::new(Semaphore::new(0)), Key::new("hot"));
    let callers: Vec<_> = (0..100)
        .map(|_| {
            let (cache, key, origin, gate) = (cache.clone(), key.clone(), origin.clone(), Arc::clone(&gate));
            tokio::spawn(async move {
                let opened = async move { gate.acquire().await.map(drop) };
                cache.get_or_set(&key, LONG, || origin.returns_after("x", opened)).await
            })
        })
        .collect();
    eventually("100 lookups", || async { operations(&cache, "get", "unreachable") == 100 }).await;
    gate.add_permits(100);
    let mut collapsed = 0;
    for caller in callers {
        let served = caller.await.expect("no panic").expect("never an error");
        collapsed += u32::from(served.source == Source::Collapsed);
    }
    assert_eq!((origin.calls(), collapsed), (1, 99));
}

#[tokio::test]
async fn foreign_bytes_under_our_key_are_a_miss_and_are_removed() {
    let server = RedisServer::start().await.expect("redis-server starts");
    let (cache, mut bystander, key) = (patient(&server).await, bystander(&server).await, Key::new("a").id(1));
    for (command, value) in [("SET", "pickled by somebody"), ("SET", ""), ("RPUSH", "a list")] {
        let foreign = redis::cmd(command).arg("hitmark:a:1").arg(value).to_owned();
        foreign.exec_async(&mut bystander).await.expect("spoiled");
        assert_eq!(cache.get(&key).await, Ok(None), "{command} {value}");
        let exists: bool =
            redis::cmd("EXISTS").arg("hitmark:a:1").query_async(&mut bystander).await.expect("asked");
        assert!(!exists, "{command} {value}");
    }
    assert_eq!(operations(&cache, "get", "corrupt"), 3);
}

#[tokio::test]
async fn clear_and_patterns_leave_keys_of_others_alone() {
    let server = RedisServer::start().await.expect("redis-server starts");
    let mut bystander = bystander(&server).await;
    let mut config = RedisConfig::new(server.url());
    config.namespace = "shop[1]*:".to_owned();
    config.response_timeout = Duration::from_secs(5);
    let cache = CacheLayer::redis(config).await.expect("a usable URL");
    let foreign = ["session:1", "shop1x:a:b", "a:b", "hitmark:a:b"];
    for key in foreign {
        redis::cmd("SET").arg(key).arg("theirs").exec_async(&mut bystander).await.expect("set");
    }
    let key = Key::new("a").id("b");
    cache.set(&key, Bytes::from("ours"), LONG).await.expect("stored");
    assert_eq!(cache.delete_pattern(&Pattern::under(&Key::new("a"))).await, Ok(1));
    cache.set(&key, Bytes::from("ours"), LONG).await.expect("stored");
    cache.clear().await.expect("cleared");
    assert_eq!(cache.get(&key).await, Ok(None));
    for key in foreign {
        let theirs: String = redis::cmd("GET").arg(key).query_async(&mut bystander).await.expect("kept");
        assert_eq!(theirs, "theirs");
    }
}

#[tokio::test]
async fn an_entry_says_its_own_expiry_to_the_server() {
    let server = RedisServer::start().await.expect("redis-server starts");
    let (cache, mut bystander) = (patient(&server).await, bystander(&server).await);
    cache.set(&Key::new("a"), Bytes::from("x"), Duration::from_secs(60)).await.expect("stored");
    let left_ms: i64 = redis::cmd("PTTL").arg("hitmark:a").query_async(&mut bystander).await.expect("asked");
    assert!((1..=60_000).contains(&left_ms), "{left_ms}");
}

#[tokio::test]
async fn a_full_server_that_refuses_to_store_is_no_error_for_a_request() {
    let server = RedisServer::start().await.expect("redis-server starts");
    let (cache, mut bystander) = (patient(&server).await, bystander(&server).await);
    let mut refuse = redis::cmd("CONFIG");
    refuse.arg("SET").arg("maxmemory").arg("1");
    refuse.exec_async(&mut bystander).await.expect("configured");
    let (origin, key) = (Origin::default(), Key::new("a"));
    let served = cache.get_or_set(&key, LONG, || origin.returns("x")).await.expect("never an error");
    assert_eq!(served.source, Source::Origin { stored: false });
    let error = cache.set(&key, Bytes::from("x"), LONG).await.expect_err("refused");
    assert!(matches!(error, CacheError::Server(_)), "{error}");
    // The request was refused the right to fill, the second call the store itself.
    assert_eq!((operations(&cache, "claim", "error"), operations(&cache, "set", "error")), (1, 1));
    assert_eq!(metric(&cache, "cache_backend_up", &[]), 1, "a refusal is an answer");
}

#[tokio::test]
async fn the_keeper_ends_with_the_last_clone() {
    let server = RedisServer::start().await.expect("redis-server starts");
    server.kill();
    let tasks = || tokio::runtime::Handle::current().metrics().num_alive_tasks();
    let before = tasks();
    let cache = patient(&server).await;
    let clone = cache.clone();
    assert!(tasks() > before);
    drop(cache);
    drop(clone);
    eventually("the task ends", || async { tasks() == before }).await;
}
