//! Against real servers: exact counts, one connection, one round trip, and servers that fail.

use std::time::{Duration, Instant};

use axum::http::StatusCode;
use hitmark_testkit::{RedisServer, free_port};

use crate::support::{commands, config, exporter, find, get, request, sample};

#[tokio::test]
async fn counts_are_exactly_what_the_clients_did() {
    let server =
        RedisServer::start_with(&["--maxmemory", "64mb", "--slowlog-log-slower-than", "0"]).await.unwrap();
    let exporter = exporter(config([server.url()])).await;
    let before = exporter.scrape().await;
    commands(
        server.port(),
        &["SET a 1", "SET b 2 EX 600", "GET a", "GET a", "GET b", "GET gone", "INCR a x"],
    );
    let after = exporter.scrape().await;
    let grown = |series: &str| sample(&after, series) - find(&before, series).unwrap_or(0.0);

    assert_eq!(sample(&after, "redis_up"), 1.0);
    assert_eq!(grown("redis_keyspace_hits_total"), 3.0);
    assert_eq!(grown("redis_keyspace_misses_total"), 1.0);
    assert_eq!(grown("redis_commands_total{cmd=\"get\"}"), 4.0);
    assert_eq!(grown("redis_commands_total{cmd=\"set\"}"), 2.0);
    assert_eq!(grown("redis_commands_rejected_calls_total{cmd=\"incr\"}"), 1.0);
    assert_eq!(grown("redis_errors_total{err=\"ERR\"}"), 1.0);
    assert_eq!(sample(&after, "redis_db_keys{db=\"db0\"}"), 2.0);
    assert_eq!(sample(&after, "redis_db_keys_expiring{db=\"db0\"}"), 1.0);
    assert_eq!(sample(&after, "redis_db_keys{db=\"db15\"}"), 0.0);
    assert_eq!(sample(&after, "redis_memory_max_bytes"), 67_108_864.0);
    assert_eq!(sample(&after, "redis_max_clients"), sample(&after, "redis_config_maxclients"));
    assert!(sample(&after, "redis_slowlog_last_id") > sample(&before, "redis_slowlog_last_id"));
    assert!(sample(&after, "redis_slowlog_length") > 0.0);
    assert_eq!(sample(&after, "redis_exporter_last_scrape_error{err=\"\"}"), 0.0);
}

#[tokio::test]
async fn ten_scrapes_use_one_connection_and_add_nothing_but_their_own_commands() {
    let server = RedisServer::start().await.unwrap();
    let exporter = exporter(config([server.url()])).await;
    let first = exporter.scrape().await;
    let mut last = String::new();
    for _ in 0..10 {
        last = exporter.scrape().await;
    }
    let grown = |series: &str| sample(&last, series) - find(&first, series).unwrap_or(0.0);
    assert_eq!(grown("redis_connections_received_total"), 0.0);
    assert_eq!(grown("redis_keyspace_hits_total"), 0.0);
    assert_eq!(grown("redis_keyspace_misses_total"), 0.0);
    // What is asked, six commands for each scrape, the histograms and three values of the configuration in
    // every eighth (two here), and nothing else: no PING, no SELECT.
    assert_eq!(grown("redis_commands_processed_total"), 68.0);
    for cmd in ["info", "slowlog|len", "slowlog|get"] {
        assert_eq!(grown(&format!("redis_commands_total{{cmd=\"{cmd}\"}}")), 10.0, "{cmd}");
    }
    assert_eq!(grown("redis_commands_total{cmd=\"config|get\"}"), 26.0);
    assert!(!last.contains("redis_errors_total"), "the exporter causes no error reply\n{last}");
    let clients = commands(server.port(), &["CLIENT LIST"]);
    assert_eq!(clients.matches("name=hitmark-exporter").count(), 1, "{clients}");
}

#[tokio::test]
async fn one_scrape_is_one_write_and_one_read_of_the_server() {
    let server = RedisServer::start().await.unwrap();
    let exporter = exporter(config([server.url()])).await;
    exporter.scrape().await;
    let reads = || -> u64 {
        let info = commands(server.port(), &["INFO stats"]);
        let line = info.lines().find_map(|line| line.strip_prefix("total_reads_processed:")).unwrap();
        line.trim().parse().unwrap()
    };
    let before = reads();
    let alone = reads() - before;
    let before = reads();
    for _ in 0..10 {
        exporter.scrape().await;
    }
    assert_eq!(reads() - before - alone, 10);
}

#[tokio::test]
async fn scrapes_at_once_share_one_question() {
    let server = RedisServer::start().await.unwrap();
    let exporter = exporter(config([server.url()])).await;
    exporter.scrape().await;
    server.pause();
    let (pages, ()) = tokio::join!(futures::future::join_all((0..8).map(|_| exporter.scrape())), async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        server.resume();
    });
    let counts: Vec<f64> =
        pages.iter().map(|page| sample(page, "redis_commands_total{cmd=\"info\"}")).collect();
    assert!(counts.iter().all(|count| *count == counts[0]), "{counts:?}");
    let next = exporter.scrape().await;
    assert_eq!(sample(&next, "redis_commands_total{cmd=\"info\"}"), counts[0] + 1.0);
}

#[tokio::test]
async fn a_server_that_is_not_there_is_a_sample_on_a_good_page() {
    let exporter = exporter(config([format!("redis://127.0.0.1:{}", free_port())])).await;
    let (status, page) = get(&exporter, request("/metrics")).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(sample(&page, "redis_up"), 0.0);
    assert_eq!(sample(&page, "redis_exporter_last_scrape_error{err=\"connect\"}"), 1.0);
    assert!(
        page.contains("hitmark_exporter_collector_success{collector=\"redis\",target=\"redis://127.0.0.1:")
    );
    assert!(!page.contains("redis_keyspace_hits_total"), "a count that is not known is not 0");
}

#[tokio::test]
async fn a_server_that_hangs_costs_its_deadline_and_no_more() {
    let server = RedisServer::start().await.unwrap();
    let mut config = config([server.url()]);
    config.timeout = Duration::from_secs(20);
    let exporter = exporter(config).await;
    assert_eq!(sample(&exporter.scrape().await, "redis_up"), 1.0);
    server.pause();
    let mut asked = request("/metrics");
    asked.headers_mut().insert("X-Prometheus-Scrape-Timeout-Seconds", "0.5".parse().unwrap());
    let started = Instant::now();
    let (status, page) = get(&exporter, asked).await;
    // Far from the exporter's own 20 s: the caller's half second was honoured.
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
    assert_eq!((status, sample(&page, "redis_up")), (StatusCode::OK, 0.0));
    assert_eq!(sample(&page, "redis_exporter_last_scrape_error{err=\"timeout\"}"), 1.0);
    server.resume();
    assert_eq!(sample(&exporter.scrape().await, "redis_up"), 1.0);
}

#[tokio::test]
async fn a_server_that_restarts_is_seen_again_by_the_next_scrape() {
    let server = RedisServer::start().await.unwrap();
    let exporter = exporter(config([server.url()])).await;
    assert_eq!(sample(&exporter.scrape().await, "redis_up"), 1.0);
    server.kill();
    assert_eq!(sample(&exporter.scrape().await, "redis_up"), 0.0);
    server.restart().await.unwrap();
    assert_eq!(sample(&exporter.scrape().await, "redis_up"), 1.0);
    // Killed and back between two scrapes: the kept connection is dead, and the scrape still works.
    server.restart().await.unwrap();
    assert_eq!(sample(&exporter.scrape().await, "redis_up"), 1.0);
}

#[tokio::test]
async fn several_servers_share_a_page_and_one_of_them_down_spoils_nothing() {
    let (one, two) = (RedisServer::start().await.unwrap(), RedisServer::start().await.unwrap());
    commands(two.port(), &["SET a 1"]);
    let gone = format!("redis://127.0.0.1:{}/0", free_port());
    let exporter = exporter(config([one.url(), two.url(), gone.clone()])).await;
    let page = exporter.scrape().await;
    let at = |name: &str, url: &str| sample(&page, &format!("{name}{{target=\"{url}\"}}"));
    assert_eq!([one.url(), two.url(), gone].map(|url| at("redis_up", &url)), [1.0, 1.0, 0.0]);
    let keys = |url: String| sample(&page, &format!("redis_db_keys{{db=\"db0\",target=\"{url}\"}}"));
    assert_eq!((keys(one.url()), keys(two.url())), (0.0, 1.0));
    assert_eq!(page.matches("# TYPE redis_up gauge").count(), 1);
    if let Err(error) = hitmark_testkit::promtool_with_input(["check", "metrics"], &page) {
        assert!(!error.to_string().contains("error while linting"), "{error}");
    }
}

#[tokio::test]
async fn missing_rights_cost_samples_and_are_not_asked_for_again_and_again() {
    let server = RedisServer::start().await.unwrap();
    let acl = "ACL SETUSER watcher on >hunter2 -@all +info +client|setname";
    commands(server.port(), &[acl]);
    let url = format!("redis://watcher:hunter2@127.0.0.1:{}/", server.port());
    let exporter = exporter(config([url])).await;
    exporter.scrape().await;
    let first = exporter.scrape().await;
    let last = exporter.scrape().await;
    assert_eq!((sample(&last, "redis_up"), find(&last, "redis_slowlog_length")), (1.0, None));
    let refusals = "redis_errors_total{err=\"NOPERM\"}";
    assert_eq!(sample(&last, refusals), sample(&first, refusals));
    assert!(!last.contains("hunter2"), "{last}");
}

#[tokio::test]
async fn a_wrong_password_is_told_apart_and_is_nowhere_on_the_page() {
    let server = RedisServer::start_with(&["--requirepass", "right"]).await.unwrap();
    let exporter = exporter(config([format!("redis://:hunter2@127.0.0.1:{}", server.port())])).await;
    let page = exporter.scrape().await;
    assert_eq!(sample(&page, "redis_exporter_last_scrape_error{err=\"credentials\"}"), 1.0);
    assert!(!page.contains("hunter2"), "{page}");
}
