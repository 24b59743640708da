//! Writes by others: PostgreSQL tells, the cache lets go.

use std::time::Duration;

use axum::Router;
use axum::http::{Method, StatusCode};
use hitmark_testbed::{CacheChoice, TestbedConfig};
use hitmark_testkit::{PostgresServer, RedisServer};
use sqlx::{AssertSqlSafe, Connection, PgConnection};

use crate::support::{UNCACHED, ask, ask_with, small, start};

const PRODUCT: &str = "/market/products/7";

async fn other(server: &PostgresServer) -> PgConnection {
    PgConnection::connect(&server.url()).await.expect("a connection of somebody else")
}

async fn run(connection: &mut PgConnection, sql: &str) {
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(connection).await.expect("a statement");
}

async fn price(router: &Router, headers: &[(&str, &str)]) -> i64 {
    ask(router, PRODUCT, headers).await.json()["price_cents"].as_i64().expect("a price")
}

async fn metric(router: &Router, name: &str) -> f64 {
    let page = ask(router, "/metrics", &[]).await;
    let line = page.text().lines().find(|line| line.starts_with(name)).expect(name).to_owned();
    line.rsplit(' ').next().expect("a value").parse().expect("a number")
}

/// Waits until a metric is at least this; a bound that only a broken service meets.
async fn reaches(router: &Router, name: &str, wanted: f64) {
    for _ in 0..1_000 {
        if metric(router, name).await >= wanted {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{name} did not reach {wanted}");
}

const APPLIED: &str = "testbed_foreign_writes_total{result=\"applied\"}";
const LISTENING: &str = "testbed_foreign_listening";
const LOST: &str = "testbed_foreign_connections_lost_total";

#[tokio::test]
async fn a_write_by_another_connection_makes_the_next_read_fresh_and_a_rollback_tells_nothing() {
    let (server, redis) =
        (PostgresServer::start().await.expect("a server"), RedisServer::start().await.expect("a server"));
    let config = TestbedConfig {
        database_url: Some(server.url()),
        redis_url: Some(redis.url()),
        listen_writes: true,
        ..small()
    };
    let mut other = other(&server).await;
    for (cache, cents) in [(CacheChoice::Memory, 101), (CacheChoice::Redis, 202)] {
        let router = start(TestbedConfig { cache, ..config.clone() }).await.router();
        price(&router, &[]).await;
        // A rollback, and a commit of another table behind it: what is told is told in order.
        run(&mut other, "BEGIN; UPDATE products SET price_cents = 1 WHERE id = 7; ROLLBACK").await;
        run(&mut other, "UPDATE feedback SET rating = rating WHERE id < 0").await;
        reaches(&router, APPLIED, 1.0).await;
        let hit = ask(&router, PRODUCT, &[]).await.cache_status;
        assert!(hit.starts_with("hitmark; hit"), "{cache}: {hit}");
        // One transaction of many statements is told once.
        let update = format!("UPDATE products SET price_cents = {cents} WHERE id = 7");
        run(&mut other, &format!("BEGIN; {update}; {update}; {update}; COMMIT")).await;
        reaches(&router, APPLIED, 2.0).await;
        assert_eq!(price(&router, &[]).await, cents, "{cache}");
        assert_eq!(metric(&router, APPLIED).await, 2.0);
    }
}

#[tokio::test]
async fn a_killed_listener_comes_back_and_nothing_written_meanwhile_is_missed() {
    let server = PostgresServer::start().await.expect("a server");
    let config = TestbedConfig { database_url: Some(server.url()), listen_writes: true, ..small() };
    let router = start(config).await.router();
    let mut other = other(&server).await;
    for round in 1..=3_i64 {
        price(&router, &[]).await;
        // The write waits until the listener is gone, and is told to nobody.
        run(
            &mut other,
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = 'hitmark-listener'",
        )
        .await;
        run(&mut other, &format!("UPDATE products SET price_cents = {} WHERE id = 7", 1_000 + round)).await;
        reaches(&router, LOST, round as f64).await;
        reaches(&router, LISTENING, 1.0).await;
        assert_eq!(price(&router, &[]).await, 1_000 + round);
    }
    // It hears again.
    let applied = metric(&router, APPLIED).await;
    run(&mut other, "UPDATE products SET price_cents = 5 WHERE id = 7").await;
    reaches(&router, APPLIED, applied + 1.0).await;
    assert_eq!(price(&router, &[]).await, 5);
}

#[tokio::test]
async fn a_text_that_nobody_understands_is_counted_and_ends_nothing() {
    let server = PostgresServer::start().await.expect("a server");
    let config = TestbedConfig { database_url: Some(server.url()), listen_writes: true, ..small() };
    let router = start(config).await.router();
    let mut other = other(&server).await;
    run(&mut other, "NOTIFY hitmark_writes, 'nonsense'; NOTIFY hitmark_writes, 'key product:7'").await;
    reaches(&router, APPLIED, 1.0).await;
    assert_eq!(metric(&router, "testbed_foreign_writes_total{result=\"unreadable\"}").await, 1.0);
}

/// Each table is hidden in turn: an answer that fails without it is read from it, and must go when the
/// table is told to have changed.
#[tokio::test]
async fn every_answer_names_every_table_that_it_is_read_from() {
    let server = PostgresServer::start().await.expect("a server");
    let config = TestbedConfig { database_url: Some(server.url()), listen_writes: true, ..small() };
    let testbed = start(config).await;
    let tables: Vec<&str> = testbed.summary().rows.iter().map(|(table, _)| *table).collect();
    let router = testbed.router();
    let mut other = other(&server).await;
    let own: &[(&str, &str)] = &[("hitmark-user", "2")];
    let uncached: Vec<_> = own.iter().chain(UNCACHED).copied().collect();
    let mut reads = 0;
    for table in tables {
        for path in PATHS {
            assert_eq!(ask(&router, path, own).await.status, StatusCode::OK, "{path}");
        }
        let applied = metric(&router, APPLIED).await;
        run(
            &mut other,
            &format!("NOTIFY hitmark_writes, 'table {table}'; ALTER TABLE {table} RENAME TO hidden"),
        )
        .await;
        reaches(&router, APPLIED, applied + 1.0).await;
        for path in PATHS {
            let fails = ask(&router, path, &uncached).await.status == StatusCode::INTERNAL_SERVER_ERROR;
            let is_kept = ask(&router, path, own).await.cache_status.starts_with("hitmark; hit");
            assert!(!(fails && is_kept), "{path} is read from {table} and does not say so");
            reads += usize::from(fails);
        }
        run(&mut other, &format!("ALTER TABLE hidden RENAME TO {table}")).await;
    }
    assert!(reads >= PATHS.len(), "every answer is read from at least one table: {reads}");
}

const PATHS: &[&str] = &[
    "/market/products",
    "/market/products?category=1",
    "/market/products/7",
    "/market/search?q=oak",
    "/api/v1/analytics/revenue",
    "/api/v1/analytics/segments",
    "/api/v1/analytics/products",
    "/api/v1/analytics/cohorts",
    "/api/v1/analytics/funnel",
    "/api/v1/customers",
    "/api/v1/customers/1",
    "/api/v1/customers/1/recommendations",
    "/api/v1/customers/1/recommendations?type=popular",
    "/api/v1/fraud/alerts",
    "/api/v1/fraud/dashboard",
    "/api/v1/realtime/metrics",
    "/api/recommendations/1",
    "/api/recommendations/trending",
    "/api/predictions/diagnosis/1/predict",
    "/api/analytics/recommendation/1",
    "/api/feedback/recommendation/1/summary",
    "/api/users/1/profile",
    "/incident/stores/1",
    "/incident/stores/1/incidents",
    "/incident/users/1/permissions",
    "/incident/incidents/7/report.pdf",
];

/// Two services on one Redis and one database: after a write has been answered, no read of either gives
/// an older price.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_the_answer_to_a_write_no_read_of_any_service_is_older() {
    let (server, redis) =
        (PostgresServer::start().await.expect("a server"), RedisServer::start().await.expect("a server"));
    let config = TestbedConfig {
        database_url: Some(server.url()),
        redis_url: Some(redis.url()),
        cache: CacheChoice::Redis,
        ..small()
    };
    let routers = [start(config.clone()).await.router(), start(config).await.router()];
    let answered = std::sync::Arc::new(std::sync::atomic::AtomicI64::new(0));
    let is_over = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let readers: Vec<_> = (0..8)
        .map(|reader| {
            let (router, answered) = (routers[reader % 2].clone(), std::sync::Arc::clone(&answered));
            let is_over = std::sync::Arc::clone(&is_over);
            tokio::spawn(async move {
                let (mut reads, mut hits) = (0_u32, 0_u32);
                while !is_over.load(std::sync::atomic::Ordering::SeqCst) {
                    let least = answered.load(std::sync::atomic::Ordering::SeqCst);
                    let answer = ask(&router, PRODUCT, &[]).await;
                    let read = answer.json()["price_cents"].as_i64().expect("a price");
                    assert!(
                        least == 0 || read >= least,
                        "reader {reader}: {read} after {least}: {}",
                        answer.cache_status
                    );
                    reads += 1;
                    hits += u32::from(answer.cache_status.starts_with("hitmark; hit"));
                }
                (reads, hits)
            })
        })
        .collect();
    let mut promised = 0;
    for price in 1_000_001..=1_000_150_i64 {
        let path = format!("/market/products/7?price_cents={price}");
        let told = ask_with(&routers[price as usize % 2], Method::PUT, &path, &[]).await;
        assert_eq!(told.status, StatusCode::OK);
        // A server that was too slow is told of, and then nothing is promised.
        if told.json()["cache_is_fresh"] == true {
            answered.store(price, std::sync::atomic::Ordering::SeqCst);
            promised += 1;
        }
    }
    assert!(promised > 50, "most writes were followed by their invalidation: {promised}");
    is_over.store(true, std::sync::atomic::Ordering::SeqCst);
    let mut total = (0, 0);
    for reader in readers {
        let (reads, hits) = reader.await.expect("no stale read");
        total = (total.0 + reads, total.1 + hits);
    }
    assert!(total.1 > 0 && total.0 > total.1, "hits and misses both took part: {total:?}");
}
