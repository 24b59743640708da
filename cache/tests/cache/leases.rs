//! Leases and tags in real servers, by two backends with a connection each, as two processes have.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use hitmark_cache::backend::{Claim, Lease, Lookup, Redis};
use hitmark_cache::{Cache, CacheLayer, Entry, Key, Pattern, Policy, RedisConfig, Tag};
use hitmark_testkit::RedisServer;
use tokio::sync::Notify;

use crate::support::{LONG, eventually};

async fn two(server: &RedisServer) -> (Redis, Redis) {
    let mut config = RedisConfig::new(server.url());
    config.response_timeout = Duration::from_secs(5);
    config.invalidation_timeout = Duration::from_secs(5);
    let first = Redis::connect(config.clone()).await.expect("a usable URL");
    (first, Redis::connect(config).await.expect("a usable URL"))
}

fn entry(text: impl Into<String>) -> Entry {
    Entry::fresh_for(Bytes::from(text.into()), LONG)
}

async fn granted(backend: &Redis, key: &Key, tags: &[Tag]) -> Lease {
    match backend.claim(key, tags, LONG).await.expect("asked") {
        Claim::Granted(lease) => lease,
        Claim::Held => panic!("{key} is held"),
    }
}

#[tokio::test]
async fn one_of_two_processes_may_fill_until_it_has_filled_or_given_back() {
    let server = RedisServer::start().await.expect("redis-server starts");
    let ((one, other), key) = (two(&server).await, Key::new("a"));
    let lease = granted(&one, &key, &[]).await;
    assert_eq!(other.claim(&key, &[], LONG).await, Ok(Claim::Held));
    assert_eq!(other.renounce(&key, Lease::clone(&lease)).await, Ok(()), "a lease is its token");
    let lease = granted(&other, &key, &[]).await;
    assert_eq!(other.fill(&key, &entry("x"), &[], lease).await, Ok(true));
    assert_eq!(other.fill(&key, &entry("y"), &[], lease).await, Ok(false), "a lease fills once");
    granted(&one, &key, &[]).await;
    assert!(matches!(one.get(&key).await, Ok(Lookup::Hit(entry)) if entry.value == "x"));
}

#[tokio::test]
async fn every_invalidation_voids_the_leases_from_before() {
    let server = RedisServer::start().await.expect("redis-server starts");
    let (one, other) = two(&server).await;
    let (key, tag) = (Key::new("product").id(7), Tag::new("product").id(7));
    let tags = [tag.clone()];
    for how in ["delete", "tag", "pattern", "clear", "set"] {
        let lease = granted(&one, &key, &tags).await;
        match how {
            "delete" => assert_eq!(other.delete(&key).await, Ok(false)),
            "tag" => assert_eq!(other.delete_tag(&tag).await, Ok(0)),
            "pattern" => {
                let pattern = Pattern::under(&Key::new("product"));
                assert_eq!(other.delete_pattern(&pattern).await, Ok(0), "a lease is no value");
            }
            "clear" => assert_eq!(other.clear().await, Ok(0)),
            _ => other.set(&key, &entry("newer"), &[]).await.expect("stored"),
        }
        assert_eq!(one.fill(&key, &entry("old"), &tags, lease).await, Ok(false), "{how}");
        one.clear().await.expect("cleared");
    }
}

#[tokio::test]
async fn a_flushed_server_voids_leases_and_takes_the_next_ones() {
    let server = RedisServer::start().await.expect("redis-server starts");
    let ((one, _), key) = (two(&server).await, Key::new("a"));
    let lease = granted(&one, &key, &[]).await;
    let client = redis::Client::open(server.url()).expect("a usable URL");
    let mut bystander = client.get_multiplexed_async_connection().await.expect("a connection");
    redis::cmd("FLUSHALL").exec_async(&mut bystander).await.expect("flushed");
    redis::cmd("SCRIPT").arg("FLUSH").exec_async(&mut bystander).await.expect("flushed");
    assert_eq!(one.fill(&key, &entry("old"), &[], lease).await, Ok(false));
    let lease = granted(&one, &key, &[]).await;
    assert_eq!(one.fill(&key, &entry("new"), &[], lease).await, Ok(true));
}

#[tokio::test]
async fn a_tag_removes_its_values_exactly_however_many_they_are() {
    let server = RedisServer::start().await.expect("redis-server starts");
    let (one, other) = two(&server).await;
    for many in [0_u32, 1, 999, 1000, 1001, 2500] {
        let tag = Tag::new("many").id(many);
        let tags = [tag.clone(), Tag::new("other")];
        for id in 0..many {
            one.set(&Key::new("k").id(id), &entry("x"), &tags).await.expect("stored");
        }
        one.set(&Key::new("bystander"), &entry("x"), &[Tag::new("bystander")]).await.expect("stored");
        assert_eq!(other.delete_tag(&tag).await, Ok(u64::from(many)));
        assert_eq!(other.delete_tag(&tag).await, Ok(0));
        assert_eq!(one.clear().await, Ok(1), "the bystander stayed, and bookkeeping is not counted");
    }
}

#[tokio::test]
async fn a_tag_set_neither_outlives_its_members_nor_keeps_the_dead() {
    let server = RedisServer::start().await.expect("redis-server starts");
    let ((one, _), tag) = (two(&server).await, Tag::new("t"));
    let client = redis::Client::open(server.url()).expect("a usable URL");
    let mut bystander = client.get_multiplexed_async_connection().await.expect("a connection");
    for id in 0..500 {
        let brief = Entry::fresh_for(Bytes::new(), Duration::from_millis(1));
        one.set(&Key::new("k").id(id), &brief, std::slice::from_ref(&tag)).await.expect("stored");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    one.set(&Key::new("kept"), &entry("x"), std::slice::from_ref(&tag)).await.expect("stored");
    let (mut size, mut ttl) = (redis::cmd("SCARD"), redis::cmd("PTTL"));
    let size: u64 = size.arg("hitmark:%tag:t").query_async(&mut bystander).await.expect("asked");
    assert!(size < 250, "{size} of 501 members are kept, but one is alive");
    let ttl_ms: i64 = ttl.arg("hitmark:%tag:t").query_async(&mut bystander).await.expect("asked");
    assert!(ttl_ms > 0 && ttl_ms <= i64::try_from(LONG.as_millis()).expect("fits"), "{ttl_ms}");
    assert_eq!(one.delete_tag(&tag).await, Ok(1));
}

/// The race that leases exist for: the value that was read before a write must not be stored after
/// the write's invalidation.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_fill_from_before_an_invalidation_survives_it() {
    let server = RedisServer::start().await.expect("redis-server starts");
    let (filler, writer) = two(&server).await;
    let (filler, truth) = (Arc::new(filler), Arc::new(AtomicU64::new(0)));
    let (key, tag) = (Key::new("race").id(1), Tag::new("race"));
    let fills = {
        let (filler, truth, key, tags) =
            (Arc::clone(&filler), Arc::clone(&truth), key.clone(), [tag.clone()]);
        tokio::spawn(async move {
            loop {
                // Ends with the server, also when the test has failed.
                let Ok(claim) = filler.claim(&key, &tags, LONG).await else { return };
                if let Claim::Granted(lease) = claim {
                    let read = truth.load(Ordering::SeqCst);
                    tokio::task::yield_now().await;
                    let _ = filler.fill(&key, &entry(read.to_string()), &tags, lease).await;
                }
            }
        })
    };
    let (mut hits, pattern) = (0, Pattern::under(&Key::new("race")));
    for version in 1..=2000_u64 {
        truth.store(version, Ordering::SeqCst);
        match version % 20 {
            0 => writer.delete_pattern(&pattern).await.map(drop),
            odd if odd % 2 == 1 => writer.delete(&key).await.map(drop),
            _ => writer.delete_tag(&tag).await.map(drop),
        }
        .expect("invalidated");
        if version % 3 == 0 {
            eventually("a fill", || async { matches!(writer.get(&key).await, Ok(Lookup::Hit(_))) }).await;
        }
        if let Lookup::Hit(entry) = writer.get(&key).await.expect("asked") {
            hits += 1;
            assert_eq!(entry.value, version.to_string(), "older than its last invalidation");
        }
    }
    fills.abort();
    assert!(hits > 600, "{hits} looks found a value");
}

#[tokio::test]
async fn who_comes_after_another_process_invalidated_is_not_given_what_was_on_its_way() {
    let server = RedisServer::start().await.expect("redis-server starts");
    let one = CacheLayer::redis(RedisConfig::new(server.url())).await.expect("a usable URL");
    let other = CacheLayer::redis(RedisConfig::new(server.url())).await.expect("a usable URL");
    let (key, calls) = (Key::new("a"), Arc::new(AtomicU64::new(0)));
    let (departed, release) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    // The first call reads the old row, and is held up on its way back.
    let read = |layer: CacheLayer| {
        let (key, calls) = (key.clone(), Arc::clone(&calls));
        let (departed, release) = (Arc::clone(&departed), Arc::clone(&release));
        tokio::spawn(async move {
            let origin = move || async move {
                let call = calls.fetch_add(1, Ordering::SeqCst);
                if call == 0 {
                    departed.notify_one();
                    release.notified().await;
                }
                Ok::<_, std::io::Error>(Bytes::from(if call == 0 { "old" } else { "new" }))
            };
            layer.fetch(&key, &Policy::ttl(LONG), origin).await.expect("a value").value
        })
    };
    let early = read(one.clone());
    departed.notified().await;
    other.delete(&key).await.expect("asked");
    let late: Vec<_> = (0..4).map(|_| read(one.clone())).collect();
    // They miss, and find the first call under way.
    tokio::time::sleep(Duration::from_millis(100)).await;
    release.notify_one();
    assert_eq!(early.await.expect("an answer"), "old", "it came before the invalidation");
    for late in late {
        assert_eq!(late.await.expect("an answer"), "new");
    }
    assert_eq!(calls.load(Ordering::SeqCst), 2, "the lease lets one of them call");
}
