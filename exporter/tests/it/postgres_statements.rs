//! `pg_stat_statements` as it is: sums beside the server's own, resets, newcomers, texts.

use hitmark_exporter::options::OptionValue;
use hitmark_testkit::PostgresServer;
use tokio_postgres::Client;

use super::postgres::{PRELOAD, connect, number, server, watcher};
use super::support::{find, sample};

/// The sum over all series of a metric.
pub(crate) fn sum(page: &str, name: &str) -> f64 {
    let values = page.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix('{'));
    values.map(|line| line.rsplit_once(' ').unwrap().1.parse::<f64>().unwrap()).sum()
}

/// Runs statements that differ in their operators, so that each is one entry of the server's table.
pub(crate) async fn distinct(client: &Client, range: std::ops::Range<u32>) {
    let mut text = String::new();
    for at in range {
        let signs = (0..12).map(|bit| if at >> bit & 1 == 1 { " + 1" } else { " - 1" });
        text += &format!("SELECT 1{};", signs.collect::<String>());
    }
    client.batch_execute(&text).await.unwrap();
}

const COLUMNS: [(&str, &str); 9] = [
    ("pg_stat_statements_calls_total", "calls"),
    ("pg_stat_statements_rows_total", "rows"),
    ("pg_stat_statements_seconds_total", "total_exec_time / 1000"),
    ("pg_stat_statements_shared_blocks_hit_total", "shared_blks_hit"),
    ("pg_stat_statements_shared_blocks_read_total", "shared_blks_read"),
    ("pg_stat_statements_shared_blocks_dirtied_total", "shared_blks_dirtied"),
    ("pg_stat_statements_temp_blocks_written_total", "temp_blks_written"),
    ("pg_stat_statements_temp_blocks_read_total", "temp_blks_read"),
    ("pg_stat_statements_block_read_seconds_total", "blk_read_time / 1000"),
];

#[tokio::test]
async fn top_and_other_add_up_to_the_servers_own_sums_with_two_thousand_statements() {
    let (server, admin) = server().await;
    let user = connect(&server.url()).await;
    distinct(&user, 0..2_000).await;
    user.batch_execute("CREATE TABLE t AS SELECT i FROM generate_series(1, 5000) i; SELECT count(*) FROM t")
        .await
        .unwrap();
    let exporter = watcher(server.url(), &[]).await;
    for round in 0..3 {
        let page = exporter.scrape().await;
        assert_eq!(sample(&page, "pg_up"), 1.0, "{page}");
        for (metric, column) in COLUMNS {
            let wanted = number(&admin, &format!("SELECT sum({column}) FROM pg_stat_statements")).await;
            let ours = sum(&page, metric);
            // Times are counted in nanoseconds: the sums differ by what adding up fractions loses.
            let limit = if metric.contains("seconds") { 1e-6 } else { 0.0 };
            assert!((ours - wanted).abs() <= limit, "round {round}: {metric}: {ours} is not {wanted}");
        }
        let shown = page.lines().filter(|line| line.starts_with("pg_stat_statements_calls_total{")).count();
        assert!(shown == 101 || shown == 102, "100 statements and the rest, not {shown}");
        let entries = number(&admin, "SELECT count(*) FROM pg_stat_statements").await;
        assert!(entries > 2_000.0);
        assert_eq!(sample(&page, "pg_stat_statements_entries"), entries);
        distinct(&user, round * 50..round * 50 + 700).await;
    }
}

#[tokio::test]
async fn each_statement_of_the_top_has_the_servers_own_number() {
    let (server, admin) = server().await;
    let user = connect(&server.url()).await;
    distinct(&user, 0..40).await;
    let exporter = watcher(server.url(), &[]).await;
    exporter.scrape().await;
    distinct(&user, 10..30).await;
    let page = exporter.scrape().await;
    let sql = "SELECT queryid, calls, rows FROM pg_stat_statements WHERE query LIKE 'SELECT $1 %'";
    let rows = admin.query(sql, &[]).await.unwrap();
    assert_eq!(rows.len(), 40);
    for row in rows {
        let labels =
            format!("{{user=\"postgres\",datname=\"postgres\",queryid=\"{}\"}}", row.get::<_, i64>(0));
        let value = |metric: &str| sample(&page, &format!("{metric}{labels}"));
        assert_eq!(value("pg_stat_statements_calls_total"), row.get::<_, i64>(1) as f64);
        assert_eq!(value("pg_stat_statements_rows_total"), row.get::<_, i64>(2) as f64);
    }
}

/// Every counter of a statement that both pages have is at least what it was.
fn nothing_fell(before: &str, page: &str) {
    let is_counter = |line: &&str| line.starts_with("pg_stat_statements_") && line.contains("_total{");
    for line in before.lines().filter(is_counter) {
        let (series, value) = line.rsplit_once(' ').unwrap();
        let now = find(page, series).unwrap_or(f64::INFINITY);
        assert!(now >= value.parse().unwrap(), "{series} fell from {value} to {now}");
    }
}

#[tokio::test]
async fn what_the_server_drops_to_make_room_stays_counted() {
    let server = PostgresServer::start_with(&[PRELOAD, "pg_stat_statements.max=100"]).await.unwrap();
    let user = connect(&server.url()).await;
    user.batch_execute("CREATE EXTENSION pg_stat_statements").await.unwrap();
    let exporter = watcher(server.url(), &[("statements", OptionValue::Number(10.0))]).await;
    let mut before = exporter.scrape().await;
    for round in 0..5 {
        distinct(&user, round * 300..round * 300 + 300).await;
        let page = exporter.scrape().await;
        nothing_fell(&before, &page);
        let calls = |page: &str| sum(page, "pg_stat_statements_calls_total");
        assert!(calls(&page) > calls(&before));
        assert!(sample(&page, "pg_stat_statements_entries") <= 100.0);
        before = page;
    }
    assert!(sample(&before, "pg_stat_statements_dealloc_total") > 0.0);
    assert!(sum(&before, "pg_stat_statements_calls_total") > 100.0);
}

#[tokio::test]
async fn a_reset_loses_nothing_and_no_counter_falls() {
    let (server, admin) = server().await;
    let user = connect(&server.url()).await;
    distinct(&user, 0..50).await;
    let exporter = watcher(server.url(), &[("statements", OptionValue::Number(10.0))]).await;
    let mut before = exporter.scrape().await;
    let mut wanted = sum(&before, "pg_stat_statements_calls_total");
    for _ in 0..3 {
        admin.batch_execute("SELECT pg_stat_statements_reset()").await.unwrap();
        // More calls than before the reset: only the time of the reset tells the two apart.
        for _ in 0..5 {
            distinct(&user, 0..50).await;
        }
        wanted += number(&admin, "SELECT sum(calls) FROM pg_stat_statements").await;
        let page = exporter.scrape().await;
        assert_eq!(sum(&page, "pg_stat_statements_calls_total"), wanted);
        nothing_fell(&before, &page);
        before = page;
    }
}

#[tokio::test]
async fn a_statement_that_becomes_slow_is_shown_within_two_scrapes() {
    let (server, admin) = server().await;
    let user = connect(&server.url()).await;
    distinct(&user, 0..300).await;
    for at in 0..20 {
        let slower = format!("SELECT count(*){} FROM generate_series(1, 200000)", " + 1".repeat(at));
        user.batch_execute(&slower).await.unwrap();
    }
    // It was fast until now, and its total is far from the others'.
    let slow = "SELECT count(*) AS victim FROM generate_series(1, $1)";
    let statement = user.prepare(slow).await.unwrap();
    user.query(&statement, &[&1_i32]).await.unwrap();
    let exporter = watcher(server.url(), &[("statements", OptionValue::Number(10.0))]).await;
    exporter.scrape().await;
    let sql = "SELECT queryid FROM pg_stat_statements WHERE query LIKE '%AS victim%'";
    let id: i64 = admin.query_one(sql, &[]).await.unwrap().get(0);
    let series =
        format!("pg_stat_statements_calls_total{{user=\"postgres\",datname=\"postgres\",queryid=\"{id}\"}}");
    let mut rows = 1;
    assert_eq!(find(&exporter.scrape().await, &series), None);
    for _ in 0..2 {
        rows += 400_000;
        user.query(&statement, &[&rows]).await.unwrap();
        exporter.scrape().await;
    }
    let page = exporter.scrape().await;
    assert_eq!(sample(&page, &series), 2.0, "what it did since it is shown");
    assert_eq!(
        sum(&page, "pg_stat_statements_calls_total"),
        number(&admin, "SELECT sum(calls) FROM pg_stat_statements").await
    );
}

#[tokio::test]
async fn texts_are_told_without_secrets_and_reads_that_repeat_are_marked() {
    let (server, _admin) = server().await;
    let user = connect(&server.url()).await;
    user.batch_execute("CREATE ROLE someone PASSWORD 'hunter2'; CREATE TABLE t (a int)").await.unwrap();
    for at in 0..30 {
        user.batch_execute(&format!("SELECT a FROM t WHERE a = {at}; INSERT INTO t VALUES ({at})"))
            .await
            .unwrap();
    }
    let exporter = watcher(server.url(), &[("cacheable_mean_ms", OptionValue::Number(0.0))]).await;
    let page = exporter.scrape().await;
    assert!(!page.contains("hunter2"), "{page}");
    assert!(page.contains("query=\"SELECT a FROM t WHERE a = $1\"} 1"), "{page}");
    assert!(page.contains("query=\"CREATE\"} 1"), "{page}");
    let marks = |reason: &str| {
        let of = |line: &&str| line.starts_with("pg_stat_statements_cacheable{") && line.contains(reason);
        page.lines().filter(of).map(|line| line.rsplit_once(' ').unwrap().1).collect::<Vec<_>>()
    };
    assert_eq!(marks("repeated_slow_read"), ["1"]);
    assert!(marks("\"writes\"").contains(&"0") && marks("\"utility\"").contains(&"0"));
}

#[tokio::test]
async fn the_exporter_does_not_count_itself() {
    let (server, admin) = server().await;
    let exporter = watcher(server.url(), &[]).await;
    exporter.scrape().await;
    let calls = "SELECT sum(calls) FROM pg_stat_statements";
    let before = number(&admin, calls).await;
    for _ in 0..5 {
        exporter.scrape().await;
    }
    assert_eq!(number(&admin, calls).await, before);
}
