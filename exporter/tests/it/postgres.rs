//! PostgreSQL as it is: what the server says of itself, rights, a server that dies.

use hitmark_exporter::options::{OptionValue, Options};
use hitmark_exporter::{Exporter, ExporterConfig, TargetConfig};
use hitmark_testkit::{PostgresServer, free_port};
use tokio_postgres::{Client, NoTls};

use super::support::{exporter, find, sample};

pub(crate) const PRELOAD: &str = "shared_preload_libraries=pg_stat_statements";

/// A server with the extension, and a connection whose own statements are not counted.
pub(crate) async fn server() -> (PostgresServer, Client) {
    let server = PostgresServer::start_with(&[PRELOAD, "track_io_timing=on"]).await.unwrap();
    let client = connect(&server.url()).await;
    client.batch_execute("CREATE EXTENSION pg_stat_statements").await.unwrap();
    // The cluster does not sync: without this a crash takes the extension with it.
    client.batch_execute("CHECKPOINT").await.unwrap();
    client.batch_execute("SET pg_stat_statements.track = 'none'").await.unwrap();
    (server, client)
}

pub(crate) async fn connect(url: &str) -> Client {
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

pub(crate) async fn watcher(url: String, options: &[(&str, OptionValue)]) -> Exporter {
    exporter(config(url, options)).await
}

pub(crate) async fn number(client: &Client, sql: &str) -> f64 {
    client.query_one(&format!("SELECT ({sql})::float8"), &[]).await.unwrap().get(0)
}

#[tokio::test]
async fn connections_that_wait_for_a_lock_and_the_window_s_hit_ratio_are_told() {
    let (server, _admin) = server().await;
    let (holder, waiter) = (connect(&server.url()).await, connect(&server.url()).await);
    holder.batch_execute("CREATE TABLE shop AS SELECT 1 AS a").await.unwrap();
    holder.batch_execute("BEGIN; LOCK TABLE shop").await.unwrap();
    let waiting = tokio::spawn(async move { waiter.batch_execute("SELECT * FROM shop").await });
    let exporter = watcher(server.url(), &[]).await;
    let mut page = exporter.scrape().await;
    for _ in 0..100 {
        if sample(&page, "pg_stat_activity_blocked") == 1.0 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        page = exporter.scrape().await;
    }
    assert_eq!(sample(&page, "pg_stat_activity_blocked"), 1.0, "{page}");
    assert!(sample(&page, "pg_stat_activity_max_query_duration_seconds") > 0.0);
    holder.batch_execute("COMMIT").await.unwrap();
    waiting.await.unwrap().unwrap();
    for _ in 0..100 {
        page = exporter.scrape().await;
        if let Some(ratio) = find(&page, "pg_stat_database_buffer_hit_ratio{datname=\"postgres\"}") {
            assert!(ratio > 0.0 && ratio <= 1.0, "{ratio}");
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("blocks were looked up, so that there is a ratio in\n{page}");
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
async fn a_role_without_rights_is_refused_once_and_gets_the_rest() {
    let (server, admin) = server().await;
    admin.batch_execute("CREATE ROLE watcher LOGIN").await.unwrap();
    let exporter = watcher(server.url().replace("postgres@", "watcher@"), &[]).await;
    let mut pages = Vec::new();
    // Statistics arrive when the session is idle, at most once a second.
    for _ in 0..5 {
        pages.push(exporter.scrape().await);
        tokio::time::sleep(std::time::Duration::from_millis(1_100)).await;
    }
    let last = pages.last().unwrap();
    assert!(sample(last, "pg_wal_lsn_location_bytes") > 0.0 && find(last, "pg_wal_segments").is_none());
    let step = |line: &&str| line.starts_with("hitmark_exporter_collector_success{") && line.ends_with(" 0");
    let failed: Vec<&str> = last.lines().filter(step).collect();
    assert!(failed.len() == 1 && failed[0].contains("\"postgres_wal\""), "{failed:?}");
    let rollbacks = "SELECT xact_rollback FROM pg_stat_database WHERE datname = 'postgres'";
    // Each refusal is a rollback: not to be counted among the statements, which is asked for once for each
    // connection, and the files of the log.
    let rollbacks = number(&admin, rollbacks).await;
    assert!(rollbacks <= 2.0, "{rollbacks} refusals in five scrapes");
}

#[tokio::test]
async fn nobody_at_the_port_is_a_failure_to_connect_and_a_bad_url_a_mistake() {
    let url = format!("postgres://u:hunter2@127.0.0.1:{}/d", free_port());
    let page = watcher(url, &[]).await.scrape().await;
    assert_eq!(sample(&page, "pg_up"), 0.0);
    for url in
        ["postgres://u:hunter2@h/d?sslmode=maybe", "mysql://u:hunter2@h/d", "postgres://u:hunter2@h:x/d"]
    {
        let error = config(url.to_owned(), &[]).validate().unwrap_err().to_string();
        assert!(!error.contains("hunter2"), "{error}");
    }
}
