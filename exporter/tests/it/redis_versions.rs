//! Redis 6.2 and 8.2, Valkey 8.1 and 9.1: the whole page of each, from servers that really run.
//!
//! Redis 7.0 is Debian's and tested everywhere else. Replies of each version are kept as fixtures too,
//! with the page that they become.

use std::collections::BTreeSet;

use hitmark_testkit::{RedisServer, RedisVersion};

use crate::names::{FULL, Shown, full_page};
use crate::support::{commands, config, exporter, find, sample};

/// A version: how its server is started beyond the defaults, and what it cannot tell.
struct Case {
    version: RedisVersion,
    /// What it says that it is.
    says: &'static str,
    /// Without it these refuse `DEBUG SLEEP`.
    debug: &'static [&'static str],
    /// Names of the list that this version has no field for.
    lacks: &'static [&'static str],
}

const DEBUG: &[&str] = &["--enable-debug-command", "yes"];

const REDIS_6: Case = Case {
    version: RedisVersion::Redis6,
    says: "redis_version=\"6.2.",
    debug: &[],
    lacks: &[
        "redis_commands_latencies_usec",
        "redis_connected_client_shard_channel_subscriptions_count",
        "redis_current_eviction_exceeded_time_ms",
        "redis_eviction_exceeded_time_ms_total",
        "redis_latency_percentiles_usec",
        "redis_stream_entries_added_total",
        "redis_stream_group_entries_read",
        "redis_stream_group_lag",
        "redis_stream_max_deleted_entry_id",
    ],
};
const REDIS_8: Case =
    Case { version: RedisVersion::Redis8, says: "redis_version=\"8.2.", debug: DEBUG, lacks: &[] };
const VALKEY_8: Case =
    Case { version: RedisVersion::Valkey8, says: "valkey_version=\"8.1.", debug: DEBUG, lacks: &[] };
const VALKEY_9: Case =
    Case { version: RedisVersion::Valkey9, says: "valkey_version=\"9.1.", debug: DEBUG, lacks: &[] };

/// Every collector and step of the page succeeded, and nothing that the server said was unreadable.
fn assert_whole(page: &str) {
    let of = |name: &'static str| page.lines().filter(move |line| line.starts_with(name));
    assert!(of("hitmark_exporter_collector_success{").count() > 1, "{page}");
    for line in of("hitmark_exporter_collector_success{") {
        assert!(line.ends_with(" 1"), "{line}");
    }
    for line in of("hitmark_exporter_unreadable").chain(of("hitmark_exporter_failures_total{")) {
        assert!(line.ends_with(" 0"), "{line}");
    }
}

/// What the clients did is what the page says, and asking does not change it.
async fn counts_are_exact(case: &Case) {
    let server =
        RedisServer::start_version(case.version, &["--maxmemory", "64mb", "--slowlog-log-slower-than", "0"])
            .await
            .unwrap();
    let exporter = exporter(config([server.url()])).await;
    let before = exporter.scrape().await;
    commands(
        server.port(),
        &["SET a 1", "SET b 2 EX 600", "GET a", "GET a", "GET b", "GET gone", "INCR a x"],
    );
    let after = exporter.scrape().await;
    let grown = |series: &str| sample(&after, series) - find(&before, series).unwrap_or(0.0);
    assert_eq!(sample(&after, "redis_up"), 1.0);
    assert_whole(&after);
    for (series, wanted) in [
        ("redis_keyspace_hits_total", 3.0),
        ("redis_keyspace_misses_total", 1.0),
        ("redis_commands_total{cmd=\"get\"}", 4.0),
        ("redis_commands_total{cmd=\"set\"}", 2.0),
        ("redis_commands_rejected_calls_total{cmd=\"incr\"}", 1.0),
        ("redis_errors_total{err=\"ERR\"}", 1.0),
        ("redis_connections_received_total", 1.0),
    ] {
        assert_eq!(grown(series), wanted, "{series}\n{after}");
    }
    assert_eq!(sample(&after, "redis_db_keys{db=\"db0\"}"), 2.0);
    assert_eq!(sample(&after, "redis_db_keys_expiring{db=\"db0\"}"), 1.0);
    assert_eq!(sample(&after, "redis_memory_max_bytes"), 67_108_864.0);
    // The connection's seven commands, the two of its end, ours: each is in the log once.
    let ids = grown("redis_slowlog_last_id");
    let entries = |page: &str| -> f64 {
        let of = |line: &&str| line.starts_with("redis_slowlog_entries_total{");
        page.lines().filter(of).map(|line| line.rsplit_once(' ').unwrap().1.parse::<f64>().unwrap()).sum()
    };
    assert_eq!(entries(&after) - entries(&before), ids, "{after}");
    let errors = find(&exporter.scrape().await, "redis_errors_total{err=\"ERR\"}");
    assert_eq!(errors, Some(1.0), "the exporter causes no error reply");
}

/// Every name of redis_exporter's that this version has a field for, with every option on.
async fn the_page_is_whole(case: &Case) {
    let args = [&FULL[..], case.debug].concat();
    let server = RedisServer::start_version(case.version, &args).await.unwrap();
    let of_master = server.port().to_string();
    let replica = ["--replicaof", "127.0.0.1", &of_master, "--masterauth", "hunter2"];
    let replica = RedisServer::start_version(case.version, &replica).await.unwrap();
    let node = RedisServer::start_version(case.version, &["--cluster-enabled", "yes"]).await.unwrap();
    let watcher = exporter(config([replica.url()])).await;
    let mut of_replica = String::new();
    for _ in 0..600 {
        of_replica = watcher.scrape().await;
        if of_replica.lines().any(|line| line.starts_with("redis_master_link_up{") && line.ends_with(" 1")) {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    let full = full_page(&server).await;
    assert_whole(&full);
    assert!(full.contains(case.says), "{full}");
    let mut shown = Shown::default();
    let of_node = exporter(config([node.url()])).await.scrape().await;
    for page in [&full, &of_replica, &of_node] {
        shown.add(page);
    }
    let missing: BTreeSet<&str> = shown
        .missing()
        .into_iter()
        .map(|(name, _)| name)
        .filter(|name| !name.starts_with("redis_sentinel_"))
        .collect();
    assert_eq!(missing, case.lacks.iter().copied().collect::<BTreeSet<_>>());
}

#[tokio::test]
async fn redis_6_2_is_told_exactly() {
    counts_are_exact(&REDIS_6).await;
}

#[tokio::test]
async fn redis_6_2_gives_every_name_that_it_has_a_field_for() {
    the_page_is_whole(&REDIS_6).await;
}

#[tokio::test]
async fn redis_8_2_is_told_exactly() {
    counts_are_exact(&REDIS_8).await;
}

#[tokio::test]
async fn redis_8_2_gives_every_name_that_it_has_a_field_for() {
    the_page_is_whole(&REDIS_8).await;
}

#[tokio::test]
async fn valkey_8_1_is_told_exactly() {
    counts_are_exact(&VALKEY_8).await;
}

#[tokio::test]
async fn valkey_8_1_gives_every_name_that_it_has_a_field_for() {
    the_page_is_whole(&VALKEY_8).await;
}

#[tokio::test]
async fn valkey_9_1_is_told_exactly() {
    counts_are_exact(&VALKEY_9).await;
}

#[tokio::test]
async fn valkey_9_1_gives_every_name_that_it_has_a_field_for() {
    the_page_is_whole(&VALKEY_9).await;
}
