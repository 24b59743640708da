//! Which variant a request gets, and what the response says of it.

use axum::http::{Method, StatusCode};
use hitmark_testbed::{CacheChoice, TestbedConfig};
use hitmark_testkit::{RedisCluster, RedisSentinel, RedisServer};

use crate::support::{UNCACHED, ask, ask_with, small, start};

const PATH: &str = "/market/products/7";

#[tokio::test]
async fn the_second_request_is_a_hit_and_its_lifetime_is_told() {
    let router = start(small()).await.router();
    assert_eq!(ask(&router, PATH, &[]).await.cache_status, "hitmark; fwd=uri-miss; stored");
    let hit = ask(&router, PATH, &[("hitmark-variant", "cached")]).await.cache_status;
    let ttl: u64 = hit.strip_prefix("hitmark; hit; ttl=").expect("a hit").parse().expect("seconds");
    assert!((3_500..=3_600).contains(&ttl), "{hit}");

    ask(&router, "/market/search?q=oak", &[]).await;
    let hit = ask(&router, "/market/search?q=Oak", &[]).await.cache_status;
    let ttl: u64 = hit.strip_prefix("hitmark; hit; ttl=").expect("a hit").parse().expect("seconds");
    assert!((200..=300).contains(&ttl), "{hit}");
}

#[tokio::test]
async fn an_uncached_request_neither_reads_nor_writes_the_cache() {
    let router = start(small()).await.router();
    for headers in [UNCACHED, &[("cache-control", "no-cache")], &[("cache-control", "no-store")]] {
        assert_eq!(ask(&router, PATH, headers).await.cache_status, "hitmark; fwd=bypass");
    }
    assert_eq!(ask(&router, PATH, &[]).await.cache_status, "hitmark; fwd=uri-miss; stored");
    assert_eq!(ask(&router, PATH, UNCACHED).await.cache_status, "hitmark; fwd=bypass");
}

#[tokio::test]
async fn that_there_is_no_product_is_an_answer_and_is_cached() {
    let router = start(small()).await.router();
    let path = "/market/products/999999";
    let first = ask(&router, path, &[]).await;
    assert_eq!(
        (first.status, first.cache_status.as_str()),
        (StatusCode::NOT_FOUND, "hitmark; fwd=uri-miss; stored")
    );
    assert_eq!(first.json()["error"], "there is no such product");
    let second = ask(&router, path, &[]).await;
    assert_eq!((second.status, &second.body), (StatusCode::NOT_FOUND, &first.body));
    assert!(second.cache_status.starts_with("hitmark; hit"), "{}", second.cache_status);
}

#[tokio::test]
async fn a_wrong_variant_is_refused_with_the_names_of_the_right_ones() {
    let router = start(small()).await.router();
    let answer = ask(&router, PATH, &[("hitmark-variant", "candidate")]).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    let message = answer.json()["error"].to_string();
    assert!(
        message.contains("hitmark-variant: 'candidate'") && message.contains("cached or uncached"),
        "{message}"
    );
}

#[tokio::test]
async fn bad_parameters_are_told_all_at_once() {
    let router = start(small()).await.router();
    for (path, bad) in [
        ("/market/products?page=0&per_page=101&category=-1", vec!["page", "per_page", "category"]),
        ("/market/products?per_page=0", vec!["per_page"]),
        ("/market/products?page=2&page=3", vec!["page"]),
        ("/market/products/abc", vec!["id"]),
        ("/market/products/0", vec!["id"]),
        ("/market/products/99999999999999999999", vec!["id"]),
        ("/market/search", vec!["q"]),
        ("/market/search?q=%20&page=x", vec!["q", "page"]),
    ] {
        let answer = ask(&router, path, &[]).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{path}");
        let body = answer.json();
        let named = body["mistakes"].as_array().expect("mistakes");
        assert_eq!(named.iter().map(|one| &one["parameter"]).collect::<Vec<_>>(), bad, "{path}");
        assert_eq!(answer.cache_status, "", "{path}: the cache had no part in it");
    }
}

#[tokio::test]
async fn other_paths_and_methods_are_refused() {
    let router = start(small()).await.router();
    let answer = ask(&router, "/market/nothing", &[]).await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    assert!(answer.json()["error"].to_string().contains("/openapi.json"));
    assert_eq!(ask_with(&router, Method::POST, PATH, &[]).await.status, StatusCode::METHOD_NOT_ALLOWED);
    let head = ask_with(&router, Method::HEAD, PATH, &[]).await;
    assert_eq!((head.status, head.body.len()), (StatusCode::OK, 0));
}

#[tokio::test]
async fn without_a_cache_every_answer_says_so() {
    let router = start(TestbedConfig { cache: CacheChoice::Off, ..small() }).await.router();
    for _ in 0..2 {
        assert_eq!(ask(&router, PATH, &[]).await.cache_status, "hitmark; fwd=bypass; detail=cache-off");
    }
}

#[tokio::test]
async fn concurrent_requests_for_one_key_ask_the_database_once() {
    let router = start(small()).await.router();
    let asks = (0..8).map(|_| {
        let router = router.clone();
        tokio::spawn(async move { ask(&router, "/market/search?q=oak", &[]).await })
    });
    let mut bodies = Vec::new();
    for task in asks.collect::<Vec<_>>() {
        bodies.push(task.await.expect("an answer").body);
    }
    assert!(bodies.windows(2).all(|pair| pair[0] == pair[1]));
    let page = ask(&router, "/metrics", &[]).await;
    let line = "testbed_database_queries_total{route=\"/market/search\"} 1\n";
    assert!(page.text().contains(line), "{}", page.text());
}

#[tokio::test]
async fn answers_outlive_the_testbed_in_a_local_cache() {
    for cache in [CacheChoice::Sqlite, CacheChoice::File] {
        let folder = tempfile::TempDir::new().expect("a folder");
        let config = TestbedConfig { cache, cache_path: Some(folder.path().to_owned()), ..small() };
        let first = start(config.clone()).await.router();
        let stored = ask(&first, PATH, &[]).await;
        assert_eq!(stored.cache_status, "hitmark; fwd=uri-miss; stored", "{cache}");
        drop(first);
        let second = start(config).await.router();
        let hit = ask(&second, PATH, &[]).await;
        assert!(hit.cache_status.starts_with("hitmark; hit"), "{cache}: {}", hit.cache_status);
        assert_eq!(hit.body, stored.body);
        let page = ask(&second, "/metrics", &[]).await;
        let line = format!("cache_entries{{backend=\"{cache}\"}} 1\n");
        assert!(page.text().contains(&line), "{}", page.text());
        // Without a folder of its own it is in the testbed's.
        let fleeting = start(TestbedConfig { cache, ..small() }).await.router();
        assert!(ask(&fleeting, PATH, &[]).await.cache_status.contains("stored"), "{cache}");
    }
}

#[tokio::test]
async fn answers_outlive_the_testbed_in_redis_and_a_dead_redis_only_slows_them() {
    let redis = RedisServer::start().await.expect("a server");
    let config = TestbedConfig { cache: CacheChoice::Redis, redis_url: Some(redis.url()), ..small() };
    let first = start(config.clone()).await.router();
    let stored = ask(&first, PATH, &[]).await;
    assert_eq!(stored.cache_status, "hitmark; fwd=uri-miss; stored");
    let absent = ask(&first, "/market/products/999999", &[]).await;
    drop(first);

    let second = start(config).await.router();
    let hit = ask(&second, PATH, &[]).await;
    assert!(hit.cache_status.starts_with("hitmark; hit; ttl="), "{}", hit.cache_status);
    assert_eq!(hit.body, stored.body);
    let hit = ask(&second, "/market/products/999999", &[]).await;
    assert!(
        hit.cache_status.starts_with("hitmark; hit; ttl="),
        "an empty value is a value: {}",
        hit.cache_status
    );
    assert_eq!((hit.status, hit.body), (absent.status, absent.body));
    assert_eq!(ask(&second, "/healthz", &[]).await.json()["status"], "ok");

    redis.kill();
    for _ in 0..3 {
        let answer = ask(&second, PATH, &[]).await;
        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(answer.cache_status, "hitmark; fwd=miss; detail=cache-unreachable");
        assert_eq!(answer.body, stored.body);
    }
    let health = ask(&second, "/healthz", &[]).await;
    assert_eq!((health.status, &health.json()["status"]), (StatusCode::OK, &"degraded".into()));
    assert_eq!(health.json()["cache"]["state"], "down");
}

#[tokio::test]
async fn copies_before_redis_are_hits_and_a_dead_redis_fails_no_request() {
    let redis = RedisServer::start().await.expect("a server");
    let config = TestbedConfig { cache: CacheChoice::Tiered, redis_url: Some(redis.url()), ..small() };
    let stored = ask(&start(config.clone()).await.router(), PATH, &[]).await;
    assert_eq!(stored.cache_status, "hitmark; fwd=uri-miss; stored");
    let second = start(config).await.router();
    for _ in 0..3 {
        let hit = ask(&second, PATH, &[]).await;
        assert!(hit.cache_status.starts_with("hitmark; hit; ttl="), "{}", hit.cache_status);
        assert_eq!(hit.body, stored.body);
    }
    let page = ask(&second, "/metrics", &[]).await;
    assert!(page.text().contains("cache_entries{backend=\"tiered\"} 1\n"), "a copy: {}", page.text());
    redis.kill();
    for _ in 0..3 {
        let answer = ask(&second, PATH, &[]).await;
        assert_eq!((answer.status, &answer.body), (StatusCode::OK, &stored.body));
    }
}

#[tokio::test]
async fn a_cache_behind_sentinels_or_in_a_cluster_keeps_answers_and_says_that_it_is_well() {
    let (sentinel, cluster) = (RedisSentinel::start().await, RedisCluster::start().await);
    let (sentinel, cluster) = (sentinel.expect("servers"), cluster.expect("servers"));
    for cache in [CacheChoice::Redis, CacheChoice::Tiered] {
        for url in [sentinel.url(), cluster.url()] {
            let config = TestbedConfig { cache, redis_url: Some(url.clone()), ..small() };
            let testbed = start(config).await.router();
            eventually_stored(&testbed).await;
            let hit = ask(&testbed, PATH, &[]).await;
            assert!(hit.cache_status.starts_with("hitmark; hit"), "{url}: {}", hit.cache_status);
            assert_eq!(ask(&testbed, "/healthz", &[]).await.json()["cache"]["state"], "up", "{url}");
        }
    }
}

/// Asks until the answer came from the cache or went into it: a busy machine may answer late.
async fn eventually_stored(testbed: &axum::Router) {
    for _ in 0..200 {
        let status = ask(testbed, PATH, &[]).await.cache_status;
        if status.contains("stored") || status.contains("; hit") {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(25)).await;
    }
    panic!("never stored");
}
