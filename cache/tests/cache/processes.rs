//! Protections that reach across processes, by two layers with a connection each to one real server,
//! as two processes have; and early refresh, as a caller sees it.

use std::sync::Arc;
use std::time::Duration;

use hitmark_cache::{CacheLayer, Key, LayerOptions, Leasing, Policy, Randomness, RedisConfig, Source};
use hitmark_testkit::RedisServer;
use tokio::sync::Semaphore;

use crate::redis::{patience, patient};
use crate::support::{LONG, Origin, eventually, operations};

type Caller = tokio::task::JoinHandle<Source>;

/// Callers of one key whose origin waits for the gate.
fn callers(
    cache: &CacheLayer,
    many: usize,
    policy: &Policy,
    origin: &Origin,
    gate: &Arc<Semaphore>,
) -> Vec<Caller> {
    let caller = |_| {
        let (cache, policy, origin, gate) = (cache.clone(), policy.clone(), origin.clone(), Arc::clone(gate));
        tokio::spawn(async move {
            let opened = async move { gate.acquire().await.map(drop) };
            let served = cache.fetch(&Key::new("hot"), &policy, || origin.returns_after("x", opened)).await;
            served.expect("a value").source
        })
    };
    (0..many).map(caller).collect()
}

async fn sources(callers: Vec<Caller>) -> Vec<Source> {
    let mut sources = Vec::new();
    for caller in callers {
        sources.push(caller.await.expect("no panic"));
    }
    sources
}

#[tokio::test]
async fn a_cold_fill_of_two_processes_is_one_origin_call() {
    let server = RedisServer::start().await.expect("redis-server starts");
    let (one, other) = (patient(&server).await, patient(&server).await);
    let (origin, gate) = (Origin::default(), Arc::new(Semaphore::new(0)));
    let policy = Policy::ttl(LONG).leasing(Leasing::Shared { life: LONG, wait: LONG });
    let mut all = callers(&one, 50, &policy, &origin, &gate);
    eventually("one calls the origin", || async { origin.calls() == 1 }).await;
    all.extend(callers(&other, 50, &policy, &origin, &gate));
    eventually("the other process waits", || async { operations(&other, "claim", "refused") > 2 }).await;
    gate.add_permits(100);
    let sources = sources(all).await;
    let count = |source: Source| sources.iter().filter(|other| **other == source).count();
    assert_eq!(origin.calls(), 1);
    assert_eq!((count(Source::Origin { stored: true }), count(Source::Collapsed)), (1, 49), "{sources:?}");
    assert_eq!(count(Source::Hit), 50, "the other process finds what was stored");
}

#[tokio::test]
async fn without_a_lease_each_process_calls_the_origin() {
    let server = RedisServer::start().await.expect("redis-server starts");
    let (one, other) = (patient(&server).await, patient(&server).await);
    let (origin, gate) = (Origin::default(), Arc::new(Semaphore::new(0)));
    let policy = Policy::ttl(LONG).leasing(Leasing::None);
    let mut all = callers(&one, 50, &policy, &origin, &gate);
    all.extend(callers(&other, 50, &policy, &origin, &gate));
    eventually("both call the origin", || async { origin.calls() == 2 }).await;
    gate.add_permits(100);
    sources(all).await;
    assert_eq!(origin.calls(), 2);
}

#[tokio::test]
async fn who_waits_longer_than_its_patience_calls_the_origin_and_stores_nothing() {
    let server = RedisServer::start().await.expect("redis-server starts");
    let (one, other) = (patient(&server).await, patient(&server).await);
    let (origin, gate) = (Origin::default(), Arc::new(Semaphore::new(0)));
    let holder = Policy::ttl(LONG).leasing(Leasing::Shared { life: LONG, wait: LONG });
    let holding = callers(&one, 1, &holder, &origin, &gate);
    eventually("it holds the lease", || async { origin.calls() == 1 }).await;
    let impatient =
        Policy::ttl(LONG).leasing(Leasing::Shared { life: LONG, wait: Duration::from_millis(20) });
    let second = Origin::default();
    let served = other.fetch(&Key::new("hot"), &impatient, || second.returns("y")).await.expect("a value");
    assert_eq!((&served.value[..], served.source), (&b"y"[..], Source::Origin { stored: false }));
    gate.add_permits(1);
    assert_eq!(sources(holding).await, [Source::Origin { stored: true }]);
    assert_eq!(one.get(&Key::new("hot")).await.expect("asked").expect("stored"), "x");
}

#[tokio::test]
async fn a_lease_of_a_process_that_died_ends_with_its_life() {
    let server = RedisServer::start().await.expect("redis-server starts");
    let (one, other) = (patient(&server).await, patient(&server).await);
    let (origin, gate) = (Origin::default(), Arc::new(Semaphore::new(0)));
    let brief = Policy::ttl(LONG).leasing(Leasing::Shared { life: Duration::from_millis(50), wait: LONG });
    // An origin call that never comes back stands for a process that is no more.
    let lost = callers(&one, 1, &brief, &origin, &gate);
    eventually("it holds the lease", || async { origin.calls() == 1 }).await;
    let second = Origin::default();
    let served = other.fetch(&Key::new("hot"), &brief, || second.returns("y")).await.expect("a value");
    assert_eq!((&served.value[..], served.source), (&b"y"[..], Source::Origin { stored: true }));
    lost.iter().for_each(tokio::task::JoinHandle::abort);
}

/// A layer whose chance is given, on the server.
async fn with_chance(server: &RedisServer, chance: f64) -> CacheLayer {
    let mut config = RedisConfig::new(server.url());
    config.response_timeout = Duration::from_secs(5);
    let mut options: LayerOptions = patience();
    options.random = Randomness::given(move || chance);
    CacheLayer::redis_with(config, options).await.expect("a usable URL")
}

#[tokio::test]
async fn early_refresh_by_chance_calls_the_origin_before_the_end_and_by_another_chance_does_not() {
    let server = RedisServer::start().await.expect("redis-server starts");
    // XFetch: early if -took * beta * ln(1 - chance) reaches the end. 20 ms * 1000 * ln 2 is 14 s of a
    // TTL of 10 s, and ln 1 is nothing.
    let (key, policy) = (Key::new("hot"), Policy::ttl(Duration::from_secs(10)).xfetch(1000.0));
    for (chance, is_early) in [(0.5, true), (0.0, false)] {
        let cache = with_chance(&server, chance).await;
        cache.clear().await.expect("cleared");
        let origin = Origin::default();
        let slow = tokio::time::sleep(Duration::from_millis(20));
        cache.fetch(&key, &policy, || origin.returns_after("old", slow)).await.expect("filled");
        for _ in 0..20 {
            let served = cache.fetch(&key, &policy, || origin.returns("new")).await.expect("served");
            assert_eq!(served.staleness, Duration::ZERO, "nobody is served an expired value");
        }
        if is_early {
            eventually("it is refreshed", || async { origin.calls() >= 2 }).await;
        } else {
            assert_eq!(origin.calls(), 1);
        }
    }
}
