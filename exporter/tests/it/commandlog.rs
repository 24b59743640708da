//! Valkey's logs of large requests and replies without loss, and no question to servers without them.

use hitmark_testkit::{RedisServer, RedisVersion};

use crate::support::{assert_clean, commands, config, exporter, find, sample};

/// `INFO ALL` and all else that the exporter asks is shorter.
const LARGER_THAN: &str = "30000";
const SIZE: usize = 40_000;
const ARGS: &[&str] = &[
    "--commandlog-request-larger-than",
    LARGER_THAN,
    "--commandlog-reply-larger-than",
    LARGER_THAN,
    "--commandlog-large-reply-max-len",
    "32",
];
const GETS: &str = "redis_commandlog_entries_total{type=\"large-reply\",cmd=\"GET\"}";
const SETS: &str = "redis_commandlog_entries_total{type=\"large-request\",cmd=\"SET\"}";
const LOST_REPLIES: &str = "redis_commandlog_lost_total{type=\"large-reply\"}";
const LOST_REQUESTS: &str = "redis_commandlog_lost_total{type=\"large-request\"}";

async fn assert_exact(version: RedisVersion) {
    let server = RedisServer::start_version(version, ARGS).await.unwrap();
    let exporter = exporter(config([server.url()])).await;
    let secret = "secret".repeat(SIZE / 6);
    let set = format!("SET big {secret}");
    exporter.scrape().await;
    commands(server.port(), &[&set, "SET small 1", "GET small"]);
    let mut done = 0;
    // More than the log holds, more than the first question reaches, a few, none.
    for burst in [3, 0, 20, 32, 33, 50, 1] {
        commands(server.port(), &vec!["GET big"; burst]);
        done += burst;
        exporter.scrape().await;
    }
    let page = exporter.scrape().await;
    let lost = sample(&page, LOST_REPLIES);
    assert_eq!(
        (sample(&page, GETS), lost),
        (done as f64 - 19.0, 19.0),
        "33 and 50 do not fit into 32\n{page}"
    );
    assert_eq!((sample(&page, SETS), sample(&page, LOST_REQUESTS)), (1.0, 0.0));
    // `$39996\r\n`, the value, `\r\n`.
    let bytes = sample(&page, &GETS.replace("entries", "bytes"));
    assert_eq!(bytes, (done as f64 - 19.0) * (secret.len() as f64 + 10.0));
    assert_eq!(sample(&page, "redis_commandlog_large_reply_length"), 32.0);
    assert_eq!(sample(&page, "redis_commandlog_large_request_length"), 1.0);
    assert_eq!(sample(&page, "redis_commandlog_slow_length"), sample(&page, "redis_slowlog_length"));
    assert_eq!(sample(&page, "redis_commandlog_reply_larger_than"), 30_000.0);
    assert_eq!(sample(&page, "redis_commandlog_large_reply_max_len"), 32.0);
    assert!(!page.contains("secret"), "arguments never leave");
    assert_eq!(sample(&page, "redis_total_error_replies"), 0.0);
    assert_clean(&page);

    // Emptied between scrapes: what was written and emptied unseen is lost, not forgotten.
    commands(server.port(), &["GET big", "GET big", "COMMANDLOG RESET large-reply", "GET big"]);
    let page = exporter.scrape().await;
    assert_eq!((sample(&page, GETS), sample(&page, LOST_REPLIES)), (done as f64 - 18.0, 21.0));

    // A new run of the server begins its ids anew; what it wrote was not seen yet, so it counts.
    server.restart().await.unwrap();
    commands(server.port(), &[&set, "GET big"]);
    let page = exporter.scrape().await;
    assert_eq!((sample(&page, GETS), sample(&page, LOST_REPLIES)), (done as f64 - 17.0, 21.0));
    assert_eq!(sample(&page, SETS), 2.0);
}

#[tokio::test]
async fn the_logs_of_valkey_8_1_are_counted_or_lost_and_nothing_twice() {
    assert_exact(RedisVersion::Valkey8).await;
}

#[tokio::test]
async fn the_logs_of_valkey_9_1_are_counted_or_lost_and_nothing_twice() {
    assert_exact(RedisVersion::Valkey9).await;
}

#[tokio::test]
async fn a_server_without_these_logs_is_not_asked() {
    for server in [
        RedisServer::start().await.unwrap(),
        RedisServer::start_version(RedisVersion::Redis8, &[]).await.unwrap(),
    ] {
        let exporter = exporter(config([server.url()])).await;
        exporter.scrape().await;
        let page = exporter.scrape().await;
        assert!(!page.contains("commandlog"), "{page}");
        assert_eq!(sample(&page, "redis_total_error_replies"), 0.0);
        assert_eq!(find(&page, "redis_errors_total{err=\"ERR\"}"), None);
    }
}

#[tokio::test]
async fn missing_rights_cost_these_samples_only() {
    let server = RedisServer::start_version(RedisVersion::Valkey9, ARGS).await.unwrap();
    commands(server.port(), &["ACL SETUSER watcher on >pass ~* -@all +@connection +info"]);
    let url = server.url().replace("127.0.0.1", "watcher:pass@127.0.0.1");
    let page = exporter(config([url.clone()])).await.scrape().await;
    assert_eq!(sample(&page, "redis_up"), 1.0);
    assert_eq!(find(&page, "redis_commandlog_large_reply_length"), None);
    assert_eq!(find(&page, GETS), None);
    // The rights that the manual names are enough.
    commands(server.port(), &["ACL SETUSER watcher +commandlog|len +commandlog|get"]);
    let page = exporter(config([url])).await.scrape().await;
    assert_eq!(sample(&page, "redis_commandlog_large_reply_length"), 0.0);
    assert_eq!(sample(&page, LOST_REPLIES), 0.0);
}
