//! Where the seed documents contradict themselves or plant a defect: what holds here.

use std::time::Duration;

use axum::http::Method;
use bytes::Bytes;
use hitmark_cache::{CacheLayer, Key, MemoryConfig, Pattern};
use hitmark_schema::thresholds::{CACHE_RESPONSE_SECONDS, Grade, HIT_RATIO};
use hitmark_testbed::{CacheChoice, TestbedConfig};
use hitmark_testkit::RedisServer;

use crate::support::{ask, ask_with, small, start};

const TOKEN: &[(&str, &str)] = &[("authorization", "Bearer secret")];

fn on(redis: &RedisServer) -> TestbedConfig {
    let admin_token = Some("secret".to_owned());
    TestbedConfig { cache: CacheChoice::Redis, redis_url: Some(redis.url()), admin_token, ..small() }
}

async fn foreign(redis: &RedisServer) -> redis::aio::MultiplexedConnection {
    let client = redis::Client::open(redis.url()).expect("a URL");
    client.get_multiplexed_async_connection().await.expect("a connection")
}

#[test]
fn a_the_rule_judges_and_not_the_example() {
    assert_eq!(HIT_RATIO.grade(0.73), Grade::Excellent);
    assert_eq!(CACHE_RESPONSE_SECONDS.grade(0.012_5), Grade::Good);
}

#[tokio::test]
async fn b_a_recommendation_lives_a_day_and_not_an_hour() {
    let router = start(small()).await.router();
    ask(&router, "/api/recommendations/1", &[]).await;
    let hit = ask(&router, "/api/recommendations/1", &[]).await.cache_status;
    let ttl: u64 = hit.strip_prefix("hitmark; hit; ttl=").expect("a hit").parse().expect("seconds");
    assert!((86_000..=86_400).contains(&ttl), "{hit}");
}

#[tokio::test]
async fn c_a_pattern_that_matches_nothing_is_counted() {
    let config = TestbedConfig { admin_token: Some("secret".to_owned()), ..small() };
    let router = start(config).await.router();
    ask(&router, "/api/recommendations/1", &[]).await;
    let empty = async || {
        let page = ask(&router, "/metrics", &[]).await;
        let line = page.text().lines().find(|line| {
            line.starts_with("cache_invalidations_empty_total{") && line.contains("scope=\"pattern\"")
        });
        let line = line.expect("the counter is there before its first event").to_owned();
        line.rsplit(' ').next().expect("a value").parse::<f64>().expect("a number")
    };
    let before = empty().await;
    let path = "/api/v1/cache/invalidate/pattern?pattern=rec:*";
    assert_eq!(ask_with(&router, Method::POST, path, TOKEN).await.json()["cleared_entries"], 0);
    assert_eq!(empty().await, before + 1.0);
    let hit = ask(&router, "/api/recommendations/1", &[]).await;
    assert!(hit.cache_status.starts_with("hitmark; hit"), "the seed's pattern cleared nothing");
    // The typed category does.
    let told = ask_with(&router, Method::PUT, "/api/recommendations/1?effectiveness=1", &[]).await.json();
    assert_eq!(told["cleared_entries"], 1);
}

#[tokio::test]
async fn d_two_processes_share_their_keys() {
    let redis = RedisServer::start().await.expect("a server");
    let first = start(on(&redis)).await.router();
    let second = start(on(&redis)).await.router();
    let path = "/api/v1/customers?segment=vip&size=10";
    let stored = ask(&first, path, &[]).await;
    let hit = ask(&second, path, &[]).await;
    assert!(hit.cache_status.starts_with("hitmark; hit"), "{}", hit.cache_status);
    assert_eq!(hit.body, stored.body);
}

#[tokio::test]
async fn e_nothing_is_an_answer_too() {
    let cache = CacheLayer::memory(MemoryConfig::default());
    for falsy in ["", "0", "[]", "{}", "\"\"", "null", "false"] {
        let key = Key::new("falsy").id(falsy);
        let origin = || async { Ok::<_, std::io::Error>(Bytes::from_static(falsy.as_bytes())) };
        let ttl = Duration::from_secs(60);
        cache.get_or_set(&key, ttl, origin).await.expect("an answer");
        let again = cache.get_or_set(&key, ttl, origin).await.expect("an answer");
        assert_eq!((again.source, &again.value[..]), (hitmark_cache::Source::Hit, falsy.as_bytes()));
    }
}

#[tokio::test]
async fn f_one_user_never_gets_what_was_stored_for_another() {
    let router = start(small()).await.router();
    for user in 1..=20 {
        for _ in 0..2 {
            let profile = ask(&router, &format!("/api/users/{user}/profile"), &[]).await.json();
            assert_eq!(profile["id"], user);
        }
    }
}

#[tokio::test]
async fn g_clearing_the_cache_leaves_sessions_and_queues_on_its_server() {
    let redis = RedisServer::start().await.expect("a server");
    let mut other = foreign(&redis).await;
    redis::cmd("SET").arg("session:1").arg("alice").query_async::<()>(&mut other).await.expect("set");
    redis::cmd("RPUSH").arg("celery").arg("job").query_async::<()>(&mut other).await.expect("pushed");
    let router = start(on(&redis)).await.router();
    ask(&router, "/api/v1/customers/1", &[]).await;
    let told = ask_with(&router, Method::POST, "/api/v1/cache/invalidate/all", TOKEN).await.json();
    assert_eq!(told["cleared_entries"], 1);
    let left: u64 =
        redis::cmd("EXISTS").arg("session:1").arg("celery").query_async(&mut other).await.expect("a number");
    assert_eq!(left, 2, "the session and the queue");
}

#[tokio::test]
async fn h_the_hit_rate_is_the_clients_and_not_the_servers() {
    let redis = RedisServer::start().await.expect("a server");
    let router = start(on(&redis)).await.router();
    for _ in 0..10 {
        ask(&router, "/api/v1/customers/1", &[]).await;
    }
    let mut other = foreign(&redis).await;
    for session in 0..200 {
        let key = format!("session:{session}");
        redis::cmd("GET").arg(key).query_async::<Option<String>>(&mut other).await.expect("asked");
    }
    let stats = ask(&router, "/api/v1/cache/stats", TOKEN).await.json();
    assert_eq!(stats["client"]["hit_rate"], 90.0, "{stats}");
    assert!(stats["hit_rate"].as_f64().expect("a number") < 10.0, "the server mixes in others: {stats}");
    assert_eq!(stats["performance_insights"]["hit_rate_category"], "excellent");
}

#[tokio::test]
async fn i_an_origin_call_that_began_before_an_invalidation_stores_nothing() {
    let cache = CacheLayer::memory(MemoryConfig::default());
    let key = Key::new("customers").id(1);
    let (release, released) = tokio::sync::oneshot::channel::<()>();
    let (begin, begun) = tokio::sync::oneshot::channel::<()>();
    let asking = tokio::spawn({
        let (cache, key) = (cache.clone(), key.clone());
        async move {
            let origin = || async move {
                let _ = begin.send(());
                let _ = released.await;
                Ok::<_, std::io::Error>(Bytes::from_static(b"old"))
            };
            cache.get_or_set(&key, Duration::from_secs(60), origin).await.expect("an answer")
        }
    });
    begun.await.expect("the origin is asked");
    let everything: Pattern = "customers:*".parse().expect("a pattern");
    cache.delete_pattern(&everything).await.expect("cleared");
    release.send(()).expect("the origin waits");
    assert_eq!(asking.await.expect("no panic").value, "old");
    assert_eq!(cache.get(&key).await.expect("asked"), None, "the old value did not come back");
}
