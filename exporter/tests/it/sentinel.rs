//! A target of Sentinels: the page is the master's, whoever that is.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use hitmark_exporter::Exporter;
use hitmark_testkit::{RedisSentinel, RedisServer};

use crate::support::{assert_clean, commands, config, config_of, exporter, find, sample};

/// The target without its database, and the port of the Sentinel in it.
fn target(sentinel: &RedisSentinel) -> (String, u16) {
    let url = sentinel.url().trim_end_matches("/0").to_owned();
    let port = url.rsplit_once(':').unwrap().1.split('/').next().unwrap().parse().unwrap();
    (url, port)
}

fn followed(server: &RedisServer) -> String {
    format!(
        "redis_followed_master_info{{master_name=\"main\",master_address=\"127.0.0.1:{}\"}}",
        server.port()
    )
}

/// Scrapes until the page is so, for a minute at most.
async fn until(exporter: &Exporter, is_so: impl Fn(&str) -> bool) -> String {
    for _ in 0..1_200 {
        let page = exporter.scrape().await;
        if is_so(&page) {
            return page;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("it never was so:\n{}", exporter.scrape().await);
}

#[tokio::test]
async fn the_page_is_the_master_s_and_follows_a_failover() {
    let sentinel = RedisSentinel::start().await.unwrap();
    let (url, _) = target(&sentinel);
    // The first Sentinel is not there: the next one is asked.
    let exporter = exporter(config([url.replace("://", "://127.0.0.1:1,")])).await;
    let page = exporter.scrape().await;
    assert_eq!((sample(&page, "redis_up"), sample(&page, &followed(sentinel.first_master()))), (1.0, 1.0));
    assert!(page.contains("role=\"master\"") && !page.contains("role=\"slave\""), "{page}");
    let (connections, name) =
        (sample(&page, "redis_connections_received_total"), "redis_connections_received_total");
    // Sentinel and replica connect too, but not at each scrape: the connection is kept.
    for _ in 0..5 {
        exporter.scrape().await;
    }
    assert!(sample(&exporter.scrape().await, name) < connections + 5.0);
    assert_clean(&page);

    sentinel.first_master().kill();
    let page = exporter.scrape().await;
    assert_eq!(sample(&page, "redis_up"), 0.0, "nobody is promoted yet");
    assert_eq!(sample(&page, "redis_exporter_last_scrape_error{err=\"connect\"}"), 1.0, "{page}");
    let page = until(&exporter, |page| find(page, "redis_up") == Some(1.0)).await;
    assert_eq!(sample(&page, &followed(sentinel.first_replica())), 1.0);
    assert_eq!(find(&page, &followed(sentinel.first_master())), None, "the old one is not on the page");
    assert_eq!(sample(&page, "redis_followed_master_changes_total{master_name=\"main\"}"), 1.0);
    assert!(page.contains("role=\"master\"") && !page.contains("role=\"slave\""), "{page}");

    // It comes back as a replica, and stays off the page.
    sentinel.first_master().restart().await.unwrap();
    let port = sentinel.first_replica().port();
    for _ in 0..1_200 {
        if commands(port, &["INFO replication"]).contains("connected_slaves:1") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let page = until(&exporter, |page| find(page, "redis_connected_slaves") == Some(1.0)).await;
    assert_eq!(sample(&page, &followed(sentinel.first_replica())), 1.0);
    assert_eq!(page.matches("\nredis_up ").count(), 1);
}

#[tokio::test]
async fn servers_and_sentinels_have_passwords_of_their_own() {
    let sentinel = RedisSentinel::start().await.unwrap();
    let (url, port) = target(&sentinel);
    for server in [sentinel.first_replica(), sentinel.first_master()] {
        commands(server.port(), &["CONFIG SET masterauth hunter2", "CONFIG SET requirepass hunter2"]);
    }
    // A Sentinel knows no QUIT, so its answers are read by their length.
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    stream.write_all(b"SENTINEL SET main auth-pass hunter2\r\nACL SETUSER default >hunter3\r\n").unwrap();
    let mut answers = [0; 10];
    stream.read_exact(&mut answers).unwrap();
    assert_eq!(&answers, b"+OK\r\n+OK\r\n");
    let with = url.replace("://", "://:hunter2@") + "?sentinel_password=hunter3";
    let good = exporter(config([with.clone()])).await;
    let page = good.scrape().await;
    assert_eq!((sample(&page, "redis_up"), sample(&page, &followed(sentinel.first_master()))), (1.0, 1.0));
    for wrong in [with.replace("hunter3", "hunter4"), with.replace("hunter2@", "hunter4@")] {
        let page = exporter(config([wrong])).await.scrape().await;
        assert_eq!(sample(&page, "redis_exporter_last_scrape_error{err=\"credentials\"}"), 1.0, "{page}");
        assert!(!page.contains("hunter"), "{page}");
    }
}

#[tokio::test]
async fn a_name_that_no_sentinel_knows_is_told_as_such() {
    let sentinel = RedisSentinel::start().await.unwrap();
    let url = target(&sentinel).0.replace("/main", "/mian");
    // Another Sentinel that is down does not hide it.
    let url = url.replace("://", "://127.0.0.1:1,").replace("/mian", ",127.0.0.1:2/mian");
    let page = exporter(config([url])).await.scrape().await;
    assert_eq!(sample(&page, "redis_up"), 0.0);
    assert_eq!(sample(&page, "redis_exporter_last_scrape_error{err=\"unknown_master\"}"), 1.0, "{page}");
    let failures = "hitmark_exporter_failures_total{collector=\"redis\",kind=\"unknown_master\"}";
    assert_eq!(sample(&page, failures), 1.0);
    let text = config(["redis+sentinel://:hunter2@h:1".to_owned()]).validate().unwrap_err().to_string();
    assert!(text.contains("redis+sentinel://:***@h:1") && text.contains("names no master"), "{text}");
}

#[tokio::test]
async fn queues_are_read_from_the_master() {
    let sentinel = RedisSentinel::start().await.unwrap();
    let (url, _) = target(&sentinel);
    let lines = ["SELECT 2", "LPUSH mail a b c", "SADD _kombu.binding.mail x\u{6}\u{16}\u{6}\u{16}mail"];
    commands(sentinel.first_master().port(), &lines);
    let exporter = exporter(config_of("celery", &format!("{url}/2"), &[])).await;
    let length = "queue_length{system=\"celery\",queue=\"mail\"}";
    assert_eq!(sample(&exporter.scrape().await, length), 3.0);
    // The replica holds what the master confirmed before it ends.
    let replica = sentinel.first_replica().port();
    for _ in 0..1_200 {
        if commands(replica, &["SELECT 2", "LLEN mail"]).contains(":3") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    sentinel.first_master().kill();
    let page = until(&exporter, |page| find(page, length).is_some()).await;
    assert_eq!(sample(&page, length), 3.0);
}
