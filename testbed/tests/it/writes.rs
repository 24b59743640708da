//! Writes of the marketplace: what follows from them by its rules, and writes by others that the
//! database tells of.

use std::time::{Duration, Instant};

use axum::Router;
use axum::http::{Method, StatusCode};
use hitmark_testbed::{CacheChoice, Testbed, TestbedConfig};
use hitmark_testkit::{PostgresServer, RedisServer};
use sqlx::{Connection, PgConnection};

use crate::support::{Answer, UNCACHED, ask, ask_with, small, start};

const PRODUCT: &str = "/market/products/7";
const LIST: &str = "/market/products?per_page=100";
const ORDERS: &str = "/market/users/7/orders";

async fn put(router: &Router, path: &str) -> Answer {
    ask_with(router, Method::PUT, path, &[]).await
}

async fn is_hit(router: &Router, path: &str) -> bool {
    ask(router, path, &[]).await.cache_status.contains("hit")
}

fn price(answer: &Answer) -> i64 {
    answer.json()["price_cents"].as_i64().expect("a price")
}

fn on(database: &PostgresServer, redis: &RedisServer) -> TestbedConfig {
    TestbedConfig {
        database_url: Some(database.url()),
        cache: CacheChoice::Redis,
        redis_url: Some(redis.url()),
        ..small()
    }
}

#[tokio::test]
async fn a_change_clears_what_shows_it_and_nothing_else() {
    let (database, redis) =
        (PostgresServer::start().await.expect("a server"), RedisServer::start().await.expect("a server"));
    for config in [small(), on(&database, &redis)] {
        let router = start(config).await.router();
        let name = ask(&router, PRODUCT, UNCACHED).await.json()["name"].as_str().expect("a name").to_owned();
        let search = format!("/market/search?q={}", name.split(' ').next().expect("a word"));
        let pages = [PRODUCT, LIST, search.as_str()];
        let category =
            ask(&router, PRODUCT, UNCACHED).await.json()["category"]["id"].as_i64().expect("an id");
        let shop = ask(&router, PRODUCT, UNCACHED).await.json()["shop"]["id"].as_i64().expect("an id");
        for change in [
            "/market/products/7?price_cents=4242".to_owned(),
            format!("/market/shops/{shop}?verified=0"),
            format!("/market/categories/{category}?name=renamed"),
        ] {
            for page in pages.iter().chain([&ORDERS]) {
                ask(&router, page, &[]).await;
                assert!(is_hit(&router, page).await, "{page}");
            }
            let told = put(&router, &change).await;
            assert_eq!(
                (told.status, &told.json()["cache_is_fresh"]),
                (StatusCode::OK, &true.into()),
                "{told:?}"
            );
            assert_eq!(told.json()["invalidated"], 3, "{change}");
            for page in pages {
                let fresh = ask(&router, page, &[]).await;
                assert!(!fresh.cache_status.contains("hit;"), "{change}: {page}: {fresh:?}");
                assert_eq!(fresh.body, ask(&router, page, UNCACHED).await.body, "{change}: {page}");
            }
            assert!(is_hit(&router, ORDERS).await, "orders show no {change}");
        }
        assert_eq!(price(&ask(&router, PRODUCT, &[]).await), 4242);
        put(&router, "/market/users/7?name=renamed").await;
        assert_eq!(ask(&router, ORDERS, &[]).await.json()["username"], "renamed");
        assert!(is_hit(&router, PRODUCT).await && is_hit(&router, LIST).await);
    }
}

#[tokio::test]
async fn a_write_that_is_refused_clears_nothing() {
    let router = start(small()).await.router();
    ask(&router, PRODUCT, &[]).await;
    for (change, status) in [
        ("/market/products/99999?price_cents=1", StatusCode::NOT_FOUND),
        ("/market/products/7", StatusCode::BAD_REQUEST),
        ("/market/products/7?price_cents=-1", StatusCode::BAD_REQUEST),
        ("/market/products/x?price_cents=1", StatusCode::BAD_REQUEST),
        ("/market/categories/1?name=", StatusCode::BAD_REQUEST),
    ] {
        assert_eq!(put(&router, change).await.status, status, "{change}");
    }
    assert!(is_hit(&router, PRODUCT).await);
}

/// Waits until the cached answer has this price.
async fn until_price(router: &Router, wanted: i64) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while price(&ask(router, PRODUCT, &[]).await) != wanted {
        assert!(Instant::now() < deadline, "never {wanted}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

async fn metric(router: &Router, sample: &str) -> f64 {
    let page = ask(router, "/metrics", &[]).await;
    let line = page.text().lines().find(|line| line.starts_with(sample)).expect(sample).to_owned();
    line.rsplit(' ').next().and_then(|value| value.parse().ok()).expect("a number")
}

#[tokio::test]
async fn a_commit_by_others_is_heard_a_rollback_is_not_and_a_lost_connection_loses_nothing() {
    let (database, redis) =
        (PostgresServer::start().await.expect("a server"), RedisServer::start().await.expect("a server"));
    let config = TestbedConfig { listen_writes: true, ..on(&database, &redis) };
    let router = start(config).await.router();
    let mut other = PgConnection::connect(&database.url()).await.expect("a connection");
    ask(&router, PRODUCT, &[]).await;

    let mut transaction = other.begin().await.expect("begun");
    sqlx::query("UPDATE products SET price_cents = 1 WHERE id = 7")
        .execute(&mut *transaction)
        .await
        .expect("sent");
    transaction.rollback().await.expect("rolled back");
    let applied = metric(&router, "testbed_foreign_writes_total{result=\"applied\"}").await;
    sqlx::query("UPDATE products SET price_cents = 1111 WHERE id = 7")
        .execute(&mut other)
        .await
        .expect("sent");
    until_price(&router, 1111).await;
    let after = metric(&router, "testbed_foreign_writes_total{result=\"applied\"}").await;
    assert!((after - applied - 1.0).abs() < 0.5, "the commit and not the rollback: {applied}, {after}");

    let kill = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'";
    let killed = sqlx::query(kill).fetch_all(&mut other).await.expect("asked").len();
    assert_eq!(killed, 1, "one connection listens");
    // Perhaps while nobody listens: the reconnecting clears what read the table.
    sqlx::query("UPDATE products SET price_cents = 2222 WHERE id = 7")
        .execute(&mut other)
        .await
        .expect("sent");
    until_price(&router, 2222).await;
    let deadline = Instant::now() + Duration::from_secs(20);
    while metric(&router, "testbed_write_listener_connects_total").await < 2.0 {
        assert!(Instant::now() < deadline, "never reconnected");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    sqlx::query("UPDATE products SET price_cents = 3333 WHERE id = 7")
        .execute(&mut other)
        .await
        .expect("sent");
    until_price(&router, 3333).await;
}

#[tokio::test]
async fn listening_needs_postgresql() {
    let config = TestbedConfig { listen_writes: true, ..small() };
    let error = Testbed::start(config, |_| {}).await.expect_err("SQLite tells nobody").to_string();
    assert!(error.contains("PostgreSQL"), "{error}");
}

/// The race that leases exist for, through two whole services: a price that was read before a write must
/// not be served after the write was answered.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_write_was_answered_no_process_serves_the_price_from_before() {
    let (database, redis) =
        (PostgresServer::start().await.expect("a server"), RedisServer::start().await.expect("a server"));
    let (one, other) =
        (start(on(&database, &redis)).await.router(), start(on(&database, &redis)).await.router());
    let readers: Vec<_> = [&one, &other]
        .into_iter()
        .map(|router| {
            let router = router.clone();
            tokio::spawn(async move {
                loop {
                    ask(&router, PRODUCT, &[]).await;
                }
            })
        })
        .collect();
    for version in 1..=150_i64 {
        let told = put(&one, &format!("/market/products/7?price_cents={version}")).await;
        assert_eq!(told.status, StatusCode::OK);
        for router in [&one, &other, &one] {
            assert_eq!(price(&ask(router, PRODUCT, &[]).await), version, "older than its last write");
        }
    }
    readers.iter().for_each(tokio::task::JoinHandle::abort);
}
