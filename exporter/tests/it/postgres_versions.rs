//! PostgreSQL 13, 14, 16, 17 and 18: the whole page of each, beside the server's own numbers.
//!
//! PostgreSQL 15 is Debian's and tested everywhere else.

use hitmark_exporter::options::OptionValue;
use hitmark_testkit::PostgresServer;

use super::postgres::{PRELOAD, connect, number, watcher};
use super::postgres_statements::{distinct, sum};
use super::support::{find, sample};

/// Every collector and step of the page succeeded.
fn assert_whole(page: &str) {
    let of = |name: &'static str| page.lines().filter(move |line| line.starts_with(name));
    assert!(of("hitmark_exporter_collector_success{").count() > 5, "{page}");
    for line in of("hitmark_exporter_collector_success{") {
        assert!(line.ends_with(" 1"), "{line}");
    }
    for line in of("hitmark_exporter_failures_total{") {
        assert!(line.ends_with(" 0"), "{line}");
    }
}

/// The whole page of one version: nothing fails, and its statements add up to the server's own sums.
async fn the_page_is_whole(major: u32) {
    let server = PostgresServer::start_version(major, &[PRELOAD, "track_io_timing=on"]).await.unwrap();
    let admin = connect(&server.url()).await;
    admin
        .batch_execute("CREATE EXTENSION pg_stat_statements; SET pg_stat_statements.track = 'none'")
        .await
        .unwrap();
    let user = connect(&server.url()).await;
    user.batch_execute("CREATE TABLE t AS SELECT i FROM generate_series(1, 5000) i; SELECT count(*) FROM t")
        .await
        .unwrap();
    distinct(&user, 0..150).await;
    let exporter = watcher(server.url(), &[("tables_every_seconds", OptionValue::Number(0.0))]).await;
    let version = number(&admin, "SELECT current_setting('server_version_num')::int").await as u32;
    assert_eq!(version / 10_000, major);
    let blocks = if major >= 17 { "shared_blk" } else { "blk" };
    for round in 0..2 {
        let page = exporter.scrape().await;
        assert_eq!(sample(&page, "pg_up"), 1.0, "{page}");
        assert_whole(&page);
        assert!(page.contains(&format!("short_version=\"{major}.{}.0\"", version % 10_000)), "{page}");
        for (metric, column) in [
            ("pg_stat_statements_calls_total", "calls"),
            ("pg_stat_statements_rows_total", "rows"),
            ("pg_stat_statements_seconds_total", "total_exec_time / 1000"),
            ("pg_stat_statements_shared_blocks_hit_total", "shared_blks_hit"),
            ("pg_stat_statements_shared_blocks_dirtied_total", "shared_blks_dirtied"),
            ("pg_stat_statements_block_read_seconds_total", &format!("{blocks}_read_time / 1000")),
            ("pg_stat_statements_block_write_seconds_total", &format!("{blocks}_write_time / 1000")),
        ] {
            let wanted = number(&admin, &format!("SELECT sum({column}) FROM pg_stat_statements")).await;
            let ours = sum(&page, metric);
            let limit = if metric.contains("seconds") { 1e-6 } else { 0.0 };
            assert!((ours - wanted).abs() <= limit, "round {round}: {metric}: {ours} is not {wanted}");
        }
        // The view that tells of dropped statements is there from 14 on.
        let dealloc = find(&page, "pg_stat_statements_dealloc_total");
        assert_eq!(dealloc.is_some(), major >= 14, "{page}");
        distinct(&user, 100..300).await;
    }
}

/// What the server itself says of each series: it is asked before and after the scrape, and what the page
/// says lies between.
const OWN: [(&str, &str); 12] = [
    ("pg_wal_segments", "SELECT count(*) FROM pg_ls_waldir() WHERE length(name) = 24"),
    ("pg_wal_size_bytes", "SELECT sum(size) FROM pg_ls_waldir() WHERE length(name) = 24"),
    ("pg_wal_lsn_location_bytes", "SELECT pg_current_wal_lsn() - '0/0'"),
    ("pg_stat_archiver_archived_count", "SELECT archived_count FROM pg_stat_archiver"),
    ("pg_stat_archiver_failed_count", "SELECT failed_count FROM pg_stat_archiver"),
    ("pg_stat_bgwriter_buffers_clean_total", "SELECT buffers_clean FROM pg_stat_bgwriter"),
    ("pg_stat_bgwriter_buffers_alloc_total", "SELECT buffers_alloc FROM pg_stat_bgwriter"),
    ("pg_database_size_bytes{datname=\"template1\"}", "SELECT pg_database_size('template1')"),
    (
        "pg_database_wraparound_age_datfrozenxid_seconds{datname=\"postgres\"}",
        "SELECT age(datfrozenxid) FROM pg_database WHERE datname = 'postgres'",
    ),
    (
        "pg_database_wraparound_age_datminmxid_seconds{datname=\"postgres\"}",
        "SELECT mxid_age(datminmxid) FROM pg_database WHERE datname = 'postgres'",
    ),
    (
        "pg_replication_slots_pg_wal_lsn_diff{slot_name=\"feed\",database=\"postgres\"}",
        "SELECT pg_current_wal_lsn() - restart_lsn FROM pg_replication_slots",
    ),
    (
        "pg_replication_slot_slot_current_wal_lsn{slot_name=\"feed\",slot_type=\"logical\"}",
        "SELECT pg_current_wal_lsn() - '0/0'",
    ),
];

/// The same for checkpoints, which 17 moved.
const CHECKPOINTS: [(&str, &str); 3] = [
    ("pg_stat_bgwriter_checkpoints_req_total", "SELECT checkpoints_req FROM pg_stat_bgwriter"),
    ("pg_stat_bgwriter_buffers_checkpoint_total", "SELECT buffers_checkpoint FROM pg_stat_bgwriter"),
    ("pg_stat_bgwriter_buffers_backend_total", "SELECT buffers_backend FROM pg_stat_bgwriter"),
];
const CHECKPOINTS_17: [(&str, &str); 3] = [
    ("pg_stat_checkpointer_num_requested_total", "SELECT num_requested FROM pg_stat_checkpointer"),
    ("pg_stat_checkpointer_num_timed_total", "SELECT num_timed FROM pg_stat_checkpointer"),
    ("pg_stat_checkpointer_buffers_written_total", "SELECT buffers_written FROM pg_stat_checkpointer"),
];

/// The log, slots, checkpoints, sizes and ages are the server's own.
async fn the_server_is_told_as_it_tells_itself(major: u32) {
    let server = PostgresServer::start_version(major, &["wal_level=logical"]).await.unwrap();
    let admin = connect(&server.url()).await;
    admin.batch_execute("CREATE TABLE t AS SELECT i FROM generate_series(1, 5000) i").await.unwrap();
    admin.batch_execute("SELECT pg_create_logical_replication_slot('feed', 'test_decoding')").await.unwrap();
    admin.batch_execute("INSERT INTO t SELECT i FROM generate_series(1, 5000) i").await.unwrap();
    admin.batch_execute("CHECKPOINT").await.unwrap();
    let checkpoints = if major >= 17 { CHECKPOINTS_17 } else { CHECKPOINTS };
    // The counters of a checkpoint arrive a moment after it.
    for _ in 0..600 {
        if number(&admin, checkpoints[0].1).await > 0.0 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    let own: Vec<(&str, &str)> = OWN.into_iter().chain(checkpoints).collect();
    let exporter = watcher(server.url(), &[("statements", OptionValue::Number(0.0))]).await;
    for _ in 0..2 {
        let mut before = Vec::new();
        for (_, sql) in &own {
            before.push(number(&admin, sql).await);
        }
        let page = exporter.scrape().await;
        assert_whole(&page);
        for ((series, sql), before) in own.iter().zip(before) {
            let (ours, after) = (sample(&page, series), number(&admin, sql).await);
            assert!(before <= ours && ours <= after, "{series}: {before} <= {ours} <= {after}\n{page}");
        }
        assert!(sample(&page, checkpoints[0].0) > 0.0);
        let slot = "{slot_name=\"feed\",slot_type=\"logical\"}";
        assert_eq!(sample(&page, &format!("pg_replication_slot_slot_is_active{slot}")), 0.0);
        assert!(page.contains("slot_type=\"logical\",wal_status=\"reserved\"} 1"), "{page}");
        assert_eq!(page.contains("pg_stat_checkpointer_"), major >= 17);
        assert_eq!(page.contains("pg_stat_bgwriter_checkpoints_"), major < 17);
        assert_eq!(sample(&page, "pg_database_connection_limit{datname=\"postgres\"}"), -1.0);
        admin.batch_execute("INSERT INTO t SELECT i FROM generate_series(1, 500) i").await.unwrap();
    }
}

#[tokio::test]
async fn postgres_13_is_told_as_it_tells_itself() {
    the_server_is_told_as_it_tells_itself(13).await;
}

#[tokio::test]
async fn postgres_14_is_told_as_it_tells_itself() {
    the_server_is_told_as_it_tells_itself(14).await;
}

#[tokio::test]
async fn postgres_16_is_told_as_it_tells_itself() {
    the_server_is_told_as_it_tells_itself(16).await;
}

#[tokio::test]
async fn postgres_17_is_told_as_it_tells_itself() {
    the_server_is_told_as_it_tells_itself(17).await;
}

#[tokio::test]
async fn postgres_18_is_told_as_it_tells_itself() {
    the_server_is_told_as_it_tells_itself(18).await;
}

#[tokio::test]
async fn postgres_13_gives_the_whole_page() {
    the_page_is_whole(13).await;
}

#[tokio::test]
async fn postgres_14_gives_the_whole_page() {
    the_page_is_whole(14).await;
}

#[tokio::test]
async fn postgres_16_gives_the_whole_page() {
    the_page_is_whole(16).await;
}

#[tokio::test]
async fn postgres_17_gives_the_whole_page() {
    the_page_is_whole(17).await;
}

#[tokio::test]
async fn postgres_18_gives_the_whole_page() {
    the_page_is_whole(18).await;
}
