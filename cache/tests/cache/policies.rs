//! Each policy does what it says, seen from a caller.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hitmark_cache::{
    CacheLayer, Joining, Key, Kind, LayerOptions, MemoryConfig, OriginError, Policy, Randomness, Source, Why,
};
use tokio::sync::Semaphore;

use crate::support::{DatabaseSaidNo, LONG, Origin, eventually, metric};

const SHORT: Duration = Duration::from_millis(30);

fn memory() -> CacheLayer {
    CacheLayer::memory(MemoryConfig::default())
}

/// Stores a value and waits until it is stale.
async fn stale(cache: &CacheLayer, key: &Key, policy: &Policy) {
    cache.put(key, Bytes::from("old"), policy).await.expect("stored");
    eventually("it is stale", || async { cache.get(key).await == Ok(None) }).await;
}

#[tokio::test]
async fn a_stale_value_is_served_at_once_and_refreshed_once() {
    let (cache, origin, key) = (memory(), Origin::default(), Key::new("a"));
    let policy = Policy::ttl(SHORT).stale_while_revalidate(LONG);
    stale(&cache, &key, &policy).await;
    let gate = Arc::new(Semaphore::new(0));
    for _ in 0..20 {
        let opened = Arc::clone(&gate);
        let opened = async move { opened.acquire().await.map(drop) };
        let served =
            cache.fetch(&key, &policy, || origin.returns_after("new", opened)).await.expect("served");
        assert_eq!((&served.value[..], served.source), (&b"old"[..], Source::Stale(Why::Revalidating)));
        assert!(served.age >= served.staleness && served.ttl.is_none());
    }
    gate.add_permits(1);
    eventually("it is refreshed", || async {
        cache.entry(&key).await.is_ok_and(|entry| entry.is_some_and(|entry| entry.value == "new"))
    })
    .await;
    assert_eq!(origin.calls(), 1);
    assert_eq!(metric(&cache, "cache_stale_served_total", &[("why", "revalidating")]), 20);
    assert_eq!(metric(&cache, "cache_staleness_seconds", &[]), 20);
    assert_eq!(metric(&cache, "cache_background_refreshes_total", &[("result", "started")]), 1);
}

#[tokio::test]
async fn a_failing_origin_is_hidden_within_the_window_and_left_alone_for_a_while() {
    let (cache, origin, key) = (memory(), Origin::default(), Key::new("a"));
    let policy = Policy::ttl(SHORT).stale_if_error(LONG).retry_after(LONG);
    stale(&cache, &key, &policy).await;
    for _ in 0..5 {
        let failing = || origin.fails_after(std::future::ready(()));
        let served = cache.fetch(&key, &policy, failing).await.expect("served");
        assert_eq!((&served.value[..], served.source), (&b"old"[..], Source::Stale(Why::OriginError)));
    }
    assert_eq!(origin.calls(), 1, "throttled");
    cache.delete(&key).await.expect("deleted");
    let failing = || origin.fails_after(std::future::ready(()));
    let error = cache.fetch(&key, &policy, failing).await.expect_err("nothing stale is left");
    assert_eq!(error.failed(), Some(&DatabaseSaidNo(2)));
}

#[tokio::test]
async fn what_was_invalidated_during_the_origin_call_is_not_served_instead() {
    let (cache, origin, key) = (memory(), Origin::default(), Key::new("a"));
    let policy = Policy::ttl(SHORT).stale_if_error(LONG);
    stale(&cache, &key, &policy).await;
    let during = {
        let (cache, key) = (cache.clone(), key.clone());
        Box::pin(async move { cache.delete(&key).await })
    };
    cache.fetch(&key, &policy, || origin.fails_after(during)).await.expect_err("the origin's error");
}

#[tokio::test]
async fn after_the_soft_timeout_the_stale_value_is_served_and_the_new_one_comes_later() {
    let (cache, origin, key) = (memory(), Origin::default(), Key::new("a"));
    let policy = Policy::ttl(SHORT).stale_if_error(LONG).soft_timeout(Duration::from_millis(5));
    stale(&cache, &key, &policy).await;
    let (gate, opened) = tokio::sync::oneshot::channel::<()>();
    let served = cache.fetch(&key, &policy, || origin.returns_after("new", opened)).await.expect("served");
    assert_eq!((&served.value[..], served.source), (&b"old"[..], Source::Stale(Why::SoftTimeout)));
    gate.send(()).expect("the origin goes on");
    eventually("it is stored", || async {
        cache.entry(&key).await.is_ok_and(|entry| entry.is_some_and(|entry| entry.value == "new"))
    })
    .await;
}

#[tokio::test]
async fn a_hard_timeout_cuts_the_origin_off() {
    let (cache, origin, key) = (memory(), Origin::default(), Key::new("a"));
    let policy = Policy::ttl(LONG).hard_timeout(Duration::from_millis(5));
    let never = std::future::pending::<()>();
    let error = cache.fetch(&key, &policy, || origin.returns_after("x", never)).await.expect_err("cut off");
    assert!(matches!(error, OriginError::TimedOut(_)), "{error}");
    assert_eq!(metric(&cache, "cache_origin_calls_total", &[("result", "timeout")]), 1);
    assert_eq!(metric(&cache, "cache_origin_in_flight", &[]), 0);
}

#[tokio::test]
async fn that_there_is_nothing_is_remembered_for_its_own_time_and_only_by_those_who_ask_so() {
    let (cache, key) = (memory(), Key::new("absent"));
    let policy = Policy::ttl(LONG).negative_ttl(LONG);
    let nothing = || std::future::ready(Ok::<_, DatabaseSaidNo>(None));
    let first = cache.fetch_optional(&key, &policy, nothing).await.expect("an answer");
    assert_eq!((first.kind, first.source), (Kind::Negative, Source::Origin { stored: true }));
    let never = || std::future::ready(Err::<Option<Bytes>, _>(DatabaseSaidNo(0)));
    let again = cache.fetch_optional(&key, &policy, never).await.expect("remembered");
    assert_eq!((again.source, again.into_value()), (Source::Hit, None));
    assert_eq!(cache.get(&key).await, Ok(None));
    let origin = Origin::default();
    let value = cache.get_or_set(&key, LONG, || origin.returns("x")).await.expect("a value");
    assert_eq!((&value.value[..], origin.calls()), (&b"x"[..], 1));
}

#[tokio::test]
async fn an_eager_refresh_keeps_a_hot_key_fresh() {
    let (cache, origin, key) = (memory(), Origin::default(), Key::new("a"));
    let policy = Policy::ttl(LONG).eager(0.0);
    cache.put(&key, Bytes::from("old"), &policy).await.expect("stored");
    let hit = cache.fetch(&key, &policy, || origin.returns("new")).await.expect("served");
    assert_eq!((&hit.value[..], hit.source), (&b"old"[..], Source::Hit));
    eventually("it is refreshed", || async { cache.get(&key).await == Ok(Some(Bytes::from("new"))) }).await;
}

#[tokio::test]
async fn jitter_shortens_by_the_share_that_chance_says() {
    let mut options = LayerOptions::default();
    options.random = Randomness::given(|| 0.5);
    let cache = CacheLayer::memory_with(MemoryConfig::default(), options);
    let (key, policy) = (Key::new("a"), Policy::ttl(LONG).jitter(0.5));
    cache.put(&key, Bytes::from("x"), &policy).await.expect("stored");
    let entry = cache.entry(&key).await.expect("asked").expect("an entry");
    assert_eq!(entry.fresh_until.since(entry.stored), LONG.mul_f64(0.75));
}

#[tokio::test]
async fn callers_alone_each_call_the_origin_and_the_peak_tells() {
    let (cache, origin, key) = (memory(), Origin::default(), Key::new("a"));
    let policy = Policy::ttl(LONG).joining(Joining::Alone);
    let gate = Arc::new(Semaphore::new(0));
    let callers: Vec<_> = (0..10)
        .map(|_| {
            let (cache, key, policy, origin) = (cache.clone(), key.clone(), policy.clone(), origin.clone());
            let gate = Arc::clone(&gate);
            tokio::spawn(async move {
                let opened = async move { gate.acquire().await.map(drop) };
                cache.fetch(&key, &policy, || origin.returns_after("x", opened)).await
            })
        })
        .collect();
    eventually("10 calls", || async { origin.calls() == 10 }).await;
    gate.add_permits(10);
    for caller in callers {
        caller.await.expect("no panic").expect("a value");
    }
    assert_eq!(metric(&cache, "cache_origin_in_flight_peak", &[]), 10);
}
