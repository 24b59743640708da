//! Copies in this process before a real server: what others write is seen, whatever happens to the server.

use std::time::Duration;

use bytes::Bytes;
use hitmark_cache::backend::{Lookup, Redis, Tiered};
use hitmark_cache::{Cache, CacheLayer, Coherence, Entry, Key, Pattern, RedisConfig, Tag, TieredConfig};
use hitmark_testkit::RedisServer;

use crate::redis::patience;
use crate::support::{LONG, Origin, eventually, metric, operations};

/// Waits long for an answer, for tests whose machine may be busy.
fn config(server: &RedisServer) -> TieredConfig {
    let mut redis = RedisConfig::new(server.url());
    redis.response_timeout = Duration::from_secs(5);
    redis.invalidation_timeout = Duration::from_secs(5);
    redis.connect_timeout = Duration::from_secs(5);
    let mut config = TieredConfig::new(redis);
    // So that no test passes because a copy expired.
    config.copy_ttl = LONG;
    config
}

pub(crate) async fn patient(server: &RedisServer) -> CacheLayer {
    CacheLayer::tiered_with(config(server), patience()).await.expect("a usable URL")
}

async fn by(server: &RedisServer, coherence: Coherence) -> Tiered {
    let mut config = config(server);
    config.coherence = coherence;
    Tiered::connect(config).await.expect("a usable URL")
}

async fn bystander(server: &RedisServer) -> redis::aio::MultiplexedConnection {
    let client = redis::Client::open(server.url()).expect("a usable URL");
    client.get_multiplexed_async_connection().await.expect("a connection")
}

fn entry(text: impl Into<String>) -> Entry {
    Entry::fresh_for(Bytes::from(text.into()), LONG)
}

async fn value(cache: &impl Cache, key: &Key) -> Option<Bytes> {
    match cache.get(key).await.expect("asked") {
        Lookup::Hit(entry) => Some(entry.value),
        Lookup::Miss | Lookup::Corrupt => None,
    }
}

/// Gets the key until a copy answers.
async fn copied(cache: &Tiered, key: &Key, text: &str) {
    eventually("a copy answers", || async {
        let before = cache.copy_hits();
        value(cache, key).await == Some(Bytes::from(text.to_owned())) && cache.copy_hits() > before
    })
    .await;
}

#[tokio::test]
async fn a_copy_answers_without_the_server_and_with_the_dates_of_the_original() {
    let server = RedisServer::start().await.expect("redis-server starts");
    let mut config = config(&server);
    config.copy_ttl = Duration::from_millis(300);
    let (cache, key, stored) = (Tiered::connect(config).await.expect("usable"), Key::new("a"), entry("x"));
    cache.set(&key, &stored, &[]).await.expect("stored");
    copied(&cache, &key, "x").await;
    assert_eq!(cache.get(&key).await, Ok(Lookup::Hit(stored)), "the copy's shorter life is not the value's");
    tokio::time::sleep(Duration::from_millis(320)).await;
    let hits = cache.copy_hits();
    assert_eq!(value(&cache, &key).await, Some(Bytes::from("x")));
    assert_eq!(cache.copy_hits(), hits, "the copy's own life is over");
}

#[tokio::test]
async fn what_another_process_does_is_seen_by_tracking_and_by_pub_sub() {
    for coherence in [Coherence::Tracking, Coherence::PubSub] {
        let server = RedisServer::start().await.expect("redis-server starts");
        let (here, there) = (by(&server, coherence).await, by(&server, coherence).await);
        let (key, tag) = (Key::new("product").id(7), Tag::new("product").id(7));
        let (tags, pattern) = ([tag.clone()], Pattern::under(&Key::new("product")));
        for how in ["set", "delete", "tag", "pattern", "clear"] {
            there.set(&key, &entry("old"), &tags).await.expect("stored");
            copied(&here, &key, "old").await;
            let expected = match how {
                "set" => there.set(&key, &entry("new"), &tags).await.map(|()| Some(Bytes::from("new"))),
                "delete" => there.delete(&key).await.map(|_| None),
                "tag" => there.delete_tag(&tag).await.map(|_| None),
                "pattern" => there.delete_pattern(&pattern).await.map(|_| None),
                _ => there.clear().await.map(|_| None),
            };
            let expected = expected.expect("asked");
            eventually(how, || async { value(&here, &key).await == expected }).await;
        }
    }
}

#[tokio::test]
async fn what_this_process_removed_it_never_serves_again() {
    for coherence in [Coherence::Tracking, Coherence::PubSub] {
        let server = RedisServer::start().await.expect("redis-server starts");
        let cache = by(&server, coherence).await;
        let (key, tag) = (Key::new("product").id(7), Tag::new("product").id(7));
        let (tags, pattern) = ([tag.clone()], Pattern::under(&Key::new("product")));
        for round in 0..200 {
            let text = round.to_string();
            cache.set(&key, &entry(&text), &tags).await.expect("stored");
            assert_eq!(value(&cache, &key).await, Some(Bytes::from(text.clone())), "round {round}");
            copied(&cache, &key, &text).await;
            match round % 4 {
                0 => cache.delete(&key).await.map(drop),
                1 => cache.delete_tag(&tag).await.map(drop),
                2 => cache.delete_pattern(&pattern).await.map(drop),
                _ => cache.clear().await.map(drop),
            }
            .expect("removed");
            assert_eq!(value(&cache, &key).await, None, "round {round}");
        }
    }
}

#[tokio::test]
async fn writes_and_a_flush_by_clients_that_are_no_cache_are_seen_by_tracking() {
    let server = RedisServer::start().await.expect("redis-server starts");
    let (cache, key, mut other) =
        (by(&server, Coherence::Tracking).await, Key::new("a"), bystander(&server).await);
    for command in [&["DEL", "hitmark:a"][..], &["FLUSHALL"]] {
        cache.set(&key, &entry("x"), &[]).await.expect("stored");
        copied(&cache, &key, "x").await;
        let mut removal = redis::cmd(command[0]);
        removal.arg(&command[1..]).exec_async(&mut other).await.expect("done");
        eventually(command[0], || async { value(&cache, &key).await.is_none() }).await;
    }
}

#[tokio::test]
async fn a_server_that_refuses_tracking_is_listened_to_by_pub_sub() {
    let server = RedisServer::start().await.expect("redis-server starts");
    let mut forbid = redis::cmd("ACL");
    forbid.arg("SETUSER").arg("default").arg("-client|tracking");
    forbid.exec_async(&mut bystander(&server).await).await.expect("configured");
    let here = by(&server, Coherence::Tracking).await;
    let mut plain = RedisConfig::new(server.url());
    plain.announce = hitmark_cache::Announce::Always;
    let (there, key) = (Redis::connect(plain).await.expect("usable"), Key::new("a"));
    assert!(here.is_listening());
    there.set(&key, &entry("x"), &[]).await.expect("stored");
    copied(&here, &key, "x").await;
    there.delete(&key).await.expect("removed");
    eventually("the removal is heard", || async { value(&here, &key).await.is_none() }).await;
}

#[tokio::test]
async fn where_nobody_may_listen_no_copy_is_made() {
    let server = RedisServer::start().await.expect("redis-server starts");
    let mut forbid = redis::cmd("ACL");
    forbid.arg("SETUSER").arg("default").arg("-client|tracking").arg("-subscribe");
    forbid.exec_async(&mut bystander(&server).await).await.expect("configured");
    let (cache, key) = (by(&server, Coherence::Tracking).await, Key::new("a"));
    cache.set(&key, &entry("x"), &[]).await.expect("stored");
    for _ in 0..20 {
        assert_eq!(value(&cache, &key).await, Some(Bytes::from("x")));
    }
    assert_eq!((cache.is_listening(), cache.copy_hits()), (false, 0));
}

/// A server that was away, or could not tell, has taken writes that nobody here heard of.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_copy_from_before_a_fault_is_served_after_it_and_no_request_fails() {
    let server = RedisServer::start().await.expect("redis-server starts");
    let mut config = config(&server);
    config.redis.response_timeout = Duration::from_millis(300);
    config.redis.invalidation_timeout = Duration::from_millis(300);
    config.heartbeat = Duration::from_millis(100);
    // Time for another to write before this one listens again.
    config.redis.pause_min = Duration::from_millis(700);
    let layer = CacheLayer::tiered(config.clone()).await.expect("a usable URL");
    let (cache, origin) = (Tiered::connect(config).await.expect("a usable URL"), Origin::default());
    let key = Key::new("a");
    for fault in ["cut off", "paused", "killed"] {
        eventually("it can store", || async { cache.set(&key, &entry("before"), &[]).await.is_ok() }).await;
        copied(&cache, &key, "before").await;
        begin(fault, &server).await;
        eventually("the fault is noticed", || async { !cache.is_listening() }).await;
        for id in 0..20 {
            let key = Key::new(fault).id(id);
            layer.get_or_set(&key, LONG, || origin.returns("x")).await.expect("never an error");
        }
        end(fault, &server).await;
        let writer = Redis::connect(RedisConfig::new(server.url())).await.expect("usable");
        eventually("the write", || async { writer.set(&key, &entry("after"), &[]).await.is_ok() }).await;
        eventually("it listens again", || async { cache.is_listening() }).await;
        let sees = || async { matches!(cache.get(&key).await, Ok(Lookup::Hit(_))) };
        eventually("it answers", sees).await;
        assert_eq!(value(&cache, &key).await, Some(Bytes::from("after")), "{fault}");
        copied(&cache, &key, "after").await;
    }
}

async fn begin(fault: &str, server: &RedisServer) {
    match fault {
        "cut off" => {
            let mut kill = redis::cmd("CLIENT");
            kill.arg("KILL").arg("TYPE").arg("normal").arg("SKIPME").arg("yes");
            kill.exec_async(&mut bystander(server).await).await.expect("killed");
        }
        "paused" => server.pause(),
        _ => server.kill(),
    }
}

async fn end(fault: &str, server: &RedisServer) {
    match fault {
        "cut off" => {}
        "paused" => server.resume(),
        _ => server.restart().await.expect("redis-server starts again"),
    }
}

/// A value read before a write and stored after it: the race that stamps exist for. Readers copy as
/// fast as they can; once a copy of a version has been waited for, no reader may see an older one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_copy_outlives_what_was_heard() {
    let server = RedisServer::start().await.expect("redis-server starts");
    let here = std::sync::Arc::new(by(&server, Coherence::Tracking).await);
    let (there, key) = (by(&server, Coherence::Tracking).await, Key::new("race"));
    there.set(&key, &entry("0"), &[]).await.expect("stored");
    let readers: Vec<_> = (0..4)
        .map(|_| {
            let (here, key) = (std::sync::Arc::clone(&here), key.clone());
            tokio::spawn(async move {
                while here.get(&key).await.is_ok() {
                    tokio::task::yield_now().await;
                }
            })
        })
        .collect();
    for version in 1..=500_u32 {
        let text = Bytes::from(version.to_string());
        there.set(&key, &entry(version.to_string()), &[]).await.expect("stored");
        eventually("the new version", || async { value(&*here, &key).await == Some(text.clone()) }).await;
        for _ in 0..20 {
            assert_eq!(value(&*here, &key).await, Some(text.clone()), "an older copy came back");
        }
    }
    assert!(here.copy_hits() > 1000, "{} copies answered", here.copy_hits());
    readers.iter().for_each(tokio::task::JoinHandle::abort);
}

#[tokio::test]
async fn hits_of_copies_and_the_time_of_coding_are_counted() {
    let server = RedisServer::start().await.expect("redis-server starts");
    let (cache, key) = (patient(&server).await, Key::new("a"));
    cache.set(&key, Bytes::from("x"), LONG).await.expect("stored");
    eventually("a copy answers", || async {
        cache.get(&key).await.expect("asked").expect("a hit");
        metric(&cache, "cache_copy_hits_total", &[]) >= 1
    })
    .await;
    let copies = metric(&cache, "cache_copy_hits_total", &[]);
    let decoded = metric(&cache, "cache_codec_duration_seconds", &[("op", "decode")]);
    let hits = operations(&cache, "get", "hit");
    assert_eq!(copies + decoded, hits, "a hit is a copy's, or it was decoded");
    // A script that the server has not seen yet is sent twice, and its value encoded twice.
    assert!((1..=2).contains(&metric(&cache, "cache_codec_duration_seconds", &[("op", "encode")])));
}
