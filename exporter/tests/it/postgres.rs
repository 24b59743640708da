//! PostgreSQL as it is: every number beside the server's own, resets, newcomers, a server that dies.

use hitmark_exporter::options::{OptionValue, Options};
use hitmark_exporter::{Exporter, ExporterConfig, TargetConfig};
use hitmark_testkit::{PostgresServer, free_port};
use tokio_postgres::{Client, NoTls};

use super::support::{exporter, find, sample};

const PRELOAD: &str = "shared_preload_libraries=pg_stat_statements";

/// A server with the extension, and a connection whose own statements are not counted.
async fn server() -> (PostgresServer, Client) {
    let server = PostgresServer::start_with(&[PRELOAD, "track_io_timing=on"]).await.unwrap();
    let client = connect(&server.url()).await;
    client.batch_execute("CREATE EXTENSION pg_stat_statements").await.unwrap();
    // The cluster does not sync: without this a crash takes the extension with it.
    client.batch_execute("CHECKPOINT").await.unwrap();
    client.batch_execute("SET pg_stat_statements.track = 'none'").await.unwrap();
    (server, client)
}

async fn connect(url: &str) -> Client {
    let (client, driver) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(driver);
    client
}

fn config(url: String, options: &[(&str, OptionValue)]) -> ExporterConfig {
    let mut config = ExporterConfig::default();
    config.listen.set_port(0);
    config.redis = Vec::new();
    let options: Options = options.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    config.modules.insert("m".to_owned(), [("postgres".to_owned(), options)].into());
    let target =
        TargetConfig { kind: "postgres".to_owned(), url, module: "m".to_owned(), place: "test".to_owned() };
    config.targets.push(target);
    config
}

async fn watcher(url: String, options: &[(&str, OptionValue)]) -> Exporter {
    exporter(config(url, options)).await
}

/// The sum over all series of a metric.
fn sum(page: &str, name: &str) -> f64 {
    let values = page.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix('{'));
    values.map(|line| line.rsplit_once(' ').unwrap().1.parse::<f64>().unwrap()).sum()
}

async fn number(client: &Client, sql: &str) -> f64 {
    client.query_one(&format!("SELECT ({sql})::float8"), &[]).await.unwrap().get(0)
}

/// Runs statements that differ in their operators, so that each is one entry of the server's table.
async fn distinct(client: &Client, range: std::ops::Range<u32>) {
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
        for line in
            before.lines().filter(|line| line.starts_with("pg_stat_statements_") && line.contains("_total{"))
        {
            let (series, value) = line.rsplit_once(' ').unwrap();
            let now = find(&page, series).unwrap_or(f64::INFINITY);
            assert!(now >= value.parse().unwrap(), "{series} fell from {value} to {now}");
        }
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
async fn databases_locks_connections_tables_and_indexes_are_the_servers_own() {
    let (server, admin) = server().await;
    let user = connect(&server.url()).await;
    user.batch_execute(
        "CREATE TABLE shop (a int, b int); INSERT INTO shop SELECT i, i FROM generate_series(1, 1000) i; \
         CREATE INDEX used ON shop (a); CREATE INDEX unused ON shop (b); CREATE UNIQUE INDEX one ON shop (b, a); \
         SET enable_seqscan = off",
    )
    .await
    .unwrap();
    // Statistics arrive when the session is idle, at most once a second.
    for _ in 0..50 {
        user.batch_execute("SELECT * FROM shop WHERE a = 7").await.unwrap();
        if number(&admin, "SELECT idx_scan FROM pg_stat_user_tables WHERE relname = 'shop'").await > 0.0 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    tokio::time::sleep(std::time::Duration::from_millis(1_100)).await;
    user.batch_execute("BEGIN; LOCK TABLE shop IN EXCLUSIVE MODE").await.unwrap();
    let exporter = watcher(server.url(), &[("tables_every_seconds", OptionValue::Number(0.0))]).await;
    let page = exporter.scrape().await;
    assert_eq!(sample(&page, "pg_settings_max_connections"), 100.0);
    assert_eq!(sample(&page, "pg_settings_shared_buffers_bytes"), 32.0 * 1024.0 * 1024.0);
    assert_eq!(sample(&page, "pg_replication_is_replica"), 0.0);
    assert_eq!(sample(&page, "pg_locks_count{datname=\"postgres\",mode=\"exclusivelock\"}"), 1.0, "{page}");
    assert_eq!(sample(&page, "pg_stat_activity_connections{state=\"idle in transaction\"}"), 1.0);
    assert_eq!(sample(&page, "pg_stat_activity_connections{state=\"idle\"}"), 1.0, "the test's other one");
    assert_eq!(sample(&page, "pg_long_running_transactions"), 1.0);
    assert!(sample(&page, "pg_long_running_transactions_oldest_timestamp_seconds") > 0.0);
    let table = "{datname=\"postgres\",schemaname=\"public\",relname=\"shop\"}";
    for (metric, column) in [
        ("pg_stat_user_tables_n_tup_ins", "n_tup_ins"),
        ("pg_stat_user_tables_seq_scan", "seq_scan"),
        ("pg_stat_user_tables_seq_tup_read", "seq_tup_read"),
        ("pg_stat_user_tables_idx_scan", "idx_scan"),
    ] {
        let wanted =
            number(&admin, &format!("SELECT {column} FROM pg_stat_user_tables WHERE relname = 'shop'")).await;
        assert_eq!(sample(&page, &format!("{metric}{table}")), wanted, "{metric}");
    }
    assert_eq!(sample(&page, "pg_stat_user_indexes_never_used{datname=\"postgres\"}"), 1.0, "{page}");
    assert!(page.contains("indexrelname=\"unused\"") && !page.contains("indexrelname=\"one\""), "{page}");
    let database = number(&admin, "SELECT oid::int8 FROM pg_database WHERE datname = 'template1'").await;
    let template = format!("{{datid=\"{database}\",datname=\"template1\"}}");
    assert_eq!(sample(&page, &format!("pg_stat_database_deadlocks{template}")), 0.0);
}

#[tokio::test]
async fn without_the_extension_that_step_fails_and_the_rest_works() {
    let server = PostgresServer::start().await.unwrap();
    let exporter = watcher(server.url(), &[]).await;
    for _ in 0..2 {
        let page = exporter.scrape().await;
        assert_eq!(sample(&page, "pg_up"), 1.0);
        let success = |step: &str| {
            page.lines().any(|line| {
                line.starts_with("hitmark_exporter_collector_success{")
                    && line.contains(step)
                    && line.ends_with(" 1")
            })
        };
        assert!(success("\"postgres_locks\"") && !success("\"postgres_statements\""), "{page}");
        assert!(page.contains("pg_stat_database_xact_commit{") && !page.contains("pg_stat_statements_"));
    }
    let client = connect(&server.url()).await;
    client.batch_execute("CREATE EXTENSION pg_stat_statements").await.unwrap();
    // It is there now but not loaded: still a failed step, still the rest.
    assert_eq!(sample(&exporter.scrape().await, "pg_up"), 1.0);
}

#[tokio::test]
async fn a_killed_server_is_down_and_one_that_comes_back_is_asked_again() {
    let (server, _client) = server().await;
    let exporter = watcher(server.url(), &[]).await;
    assert_eq!(sample(&exporter.scrape().await, "pg_up"), 1.0);
    server.kill();
    let page = exporter.scrape().await;
    assert_eq!((sample(&page, "pg_up"), sample(&page, "pg_exporter_last_scrape_error")), (0.0, 1.0));
    assert!(
        page.contains("hitmark_exporter_failures_total{collector=\"postgres\",kind=\"connect\"} 1"),
        "{page}"
    );
    server.restart().await.unwrap();
    let page = exporter.scrape().await;
    assert_eq!(sample(&page, "pg_up"), 1.0);
    assert!(page.contains("pg_stat_statements_calls_total{"), "{page}");
    // A connection that died between two scrapes costs no scrape.
    server.restart().await.unwrap();
    assert_eq!(sample(&exporter.scrape().await, "pg_up"), 1.0);
}

#[tokio::test]
async fn a_wrong_password_is_told_apart_and_is_nowhere_on_the_page() {
    let (server, client) = server().await;
    client
        .batch_execute("CREATE ROLE watcher LOGIN PASSWORD 'right'; SET password_encryption = 'md5'")
        .await
        .unwrap();
    let file: String = client.query_one("SHOW hba_file", &[]).await.unwrap().get(0);
    std::fs::write(file, "host all watcher 127.0.0.1/32 scram-sha-256\nhost all all 127.0.0.1/32 trust\n")
        .unwrap();
    client.batch_execute("SELECT pg_reload_conf()").await.unwrap();
    let url = |password: &str| format!("postgres://watcher:{password}@127.0.0.1:{}/postgres", server.port());
    let right = watcher(url("right"), &[]).await;
    let mut up = 0.0;
    // The reload takes a moment.
    for _ in 0..50 {
        up = sample(&right.scrape().await, "pg_up");
        let wrong = watcher(url("hunter2"), &[]).await.scrape().await;
        assert!(!wrong.contains("hunter2"), "{wrong}");
        if wrong.contains("kind=\"credentials\"} 1") {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    assert_eq!(up, 1.0);
    let wrong = watcher(url("hunter2"), &[]).await.scrape().await;
    assert!(wrong.contains("{collector=\"postgres\",kind=\"credentials\"} 1"), "{wrong}");
    // A role that may not see others' statements still gets exact sums.
    let page = right.scrape().await;
    assert!(sample(&page, "pg_stat_statements_hidden_entries") > 0.0, "{page}");
}

#[tokio::test]
async fn nobody_at_the_port_is_a_failure_to_connect_and_a_bad_url_a_mistake() {
    let url = format!("postgres://u:hunter2@127.0.0.1:{}/d", free_port());
    let page = watcher(url, &[]).await.scrape().await;
    assert_eq!(sample(&page, "pg_up"), 0.0);
    for url in
        ["postgres://u:hunter2@h/d?sslmode=require", "mysql://u:hunter2@h/d", "postgres://u:hunter2@h:x/d"]
    {
        let error = config(url.to_owned(), &[]).validate().unwrap_err().to_string();
        assert!(!error.contains("hunter2"), "{error}");
    }
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
