//! Starting, loading once, serving, ending.

use std::sync::Mutex;
use std::time::Duration;

use hitmark_testbed::{CacheChoice, SeedSize, Testbed, TestbedConfig, TestbedError};
use sqlx::Row;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;

use crate::support::{UNCACHED, ask, small, start};

#[tokio::test]
async fn a_file_is_loaded_once_and_anew_after_a_load_that_was_cut_short() {
    let folder = tempfile::tempdir().expect("a folder");
    let url = format!("sqlite://{}/shop.db", folder.path().display());
    let config = TestbedConfig { database_url: Some(url.clone()), ..small() };
    let seen = Mutex::new(Vec::new());
    let first = Testbed::start(config.clone(), |progress| {
        if progress.done == progress.total {
            seen.lock().expect("no panic").push((progress.table, progress.total));
        }
    });
    let first = first.await.expect("a first start");
    let rows = [("users", 1_000), ("shops", 50), ("categories", 40), ("products", 2_000), ("orders", 4_000)];
    assert_eq!(seen.lock().expect("no panic")[..rows.len()], rows);
    assert_eq!(first.summary().rows[..rows.len()], rows);
    assert!(first.summary().load_time.is_some());
    assert!(first.summary().servers["sqlite"].starts_with("3."), "{:?}", first.summary());
    let answer = ask(&first.router(), "/market/products/3", UNCACHED).await;
    drop(first);

    let second = start(config.clone()).await;
    assert_eq!(second.summary().load_time, None, "the data were there");
    drop(second);

    // What a load that was cut short leaves behind.
    sqlx::any::install_default_drivers();
    let pool = sqlx::AnyPool::connect(&url).await.expect("the file");
    sqlx::raw_sql("UPDATE testbed_seeds SET state = 'loading'; DELETE FROM orders")
        .execute(&pool)
        .await
        .expect("half a load");
    pool.close().await;
    let third = start(config).await;
    assert!(third.summary().load_time.is_some());
    assert_eq!(third.summary().rows[..rows.len()], rows);
    assert_eq!(ask(&third.router(), "/market/products/3", UNCACHED).await, answer);
}

#[tokio::test]
async fn a_database_with_tables_of_its_own_is_left_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let url = format!("sqlite://{}/other.db", folder.path().display());
    sqlx::any::install_default_drivers();
    let pool = sqlx::AnyPool::connect(&format!("{url}?mode=rwc")).await.expect("a file");
    sqlx::raw_sql("CREATE TABLE orders (mine TEXT); INSERT INTO orders VALUES ('kept')")
        .execute(&pool)
        .await
        .expect("a table");
    let error = Testbed::start(TestbedConfig { database_url: Some(url), ..small() }, |_| {}).await;
    let error = error.expect_err("the table is in the way");
    assert!(matches!(error, TestbedError::Migration { .. }), "{error}");
    assert!(error.to_string().contains("a database of its own"), "{error}");
    let kept = sqlx::query("SELECT mine FROM orders").fetch_one(&pool).await;
    assert_eq!(kept.map(|row| row.get::<String, _>(0)).expect("the row"), "kept");
}

#[tokio::test]
async fn a_testbed_serves_until_it_is_told_to_stop_and_ends_open_requests() {
    let testbed = start(small()).await;
    let (addr, url) = (testbed.addr(), testbed.url());
    assert_eq!(url, format!("http://{addr}"));
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = tokio::spawn(testbed.serve(async move {
        let _ = stopped.await;
    }));
    let mut stream = TcpStream::connect(addr).await.expect("a connection");
    stream
        .write_all(b"GET /market/search?q=oak HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        .await
        .expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(answer.contains("cache-status: hitmark; fwd=uri-miss; stored\r\n"), "{answer}");

    // An idle connection must not hold up the end.
    let _idle = TcpStream::connect(addr).await.expect("a connection");
    stop.send(()).expect("still serving");
    let ended = tokio::time::timeout(Duration::from_secs(8), serving).await;
    ended.expect("in time").expect("no panic").expect("a clean end");
    assert!(TcpStream::connect(addr).await.is_err(), "nobody listens any more");
}

#[tokio::test]
async fn mistakes_and_an_address_in_use_are_told_before_any_work() {
    let config = TestbedConfig {
        database_url: Some("nonsense".to_owned()),
        cache: CacheChoice::Redis,
        redis_url: None,
        ..small()
    };
    let error = Testbed::start(config, |_| {}).await.expect_err("two mistakes").to_string();
    assert!(error.contains("database URL 'nonsense'") && error.contains("needs a Redis URL"), "{error}");

    let taken = start(small()).await;
    let config = TestbedConfig { listen: taken.addr(), seed_size: SeedSize::Large, ..small() };
    let error =
        Testbed::start(config, |_| panic!("nothing is loaded")).await.expect_err("the address is taken");
    assert!(matches!(error, TestbedError::Listen { .. }), "{error}");
}
