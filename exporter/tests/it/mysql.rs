//! MariaDB as it is: digests beside the server's own sums, resets, newcomers, a server that dies.

use hitmark_exporter::options::{OptionValue, Options};
use hitmark_exporter::{Exporter, ExporterConfig, TargetConfig};
use hitmark_testkit::{MariaDb, free_port};
use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Opts};

use super::support::{exporter, find, sample};

/// Statements of this connection are not counted.
async fn admin(server: &MariaDb) -> Conn {
    let mut connection = connect(&server.url()).await;
    let silent =
        "UPDATE performance_schema.threads SET INSTRUMENTED = 'NO' WHERE PROCESSLIST_ID = CONNECTION_ID()";
    connection.query_drop(silent).await.unwrap();
    connection
}

async fn connect(url: &str) -> Conn {
    Conn::new(Opts::from_url(url).unwrap()).await.unwrap()
}

async fn watcher(url: String, options: &[(&str, OptionValue)]) -> Exporter {
    let mut config = ExporterConfig::default();
    config.listen.set_port(0);
    config.redis = Vec::new();
    let options: Options = options.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    config.modules.insert("m".to_owned(), [("mysql".to_owned(), options)].into());
    let place = "test".to_owned();
    config.targets.push(TargetConfig { kind: "mysql".to_owned(), url, module: "m".to_owned(), place });
    exporter(config).await
}

fn sum(page: &str, name: &str) -> f64 {
    let values = page.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix('{'));
    values.map(|line| line.rsplit_once(' ').unwrap().1.parse::<f64>().unwrap()).sum()
}

async fn number(connection: &mut Conn, column: &str) -> f64 {
    let sql = format!(
        "SELECT cast(sum({column}) AS DOUBLE) FROM performance_schema.events_statements_summary_by_digest"
    );
    connection.query_first::<f64, _>(sql).await.unwrap().unwrap()
}

/// Statements that differ in their operators, so that each is a digest of its own.
async fn distinct(connection: &mut Conn, range: std::ops::Range<u32>) {
    for at in range {
        let signs = (0..9).map(|bit| if at >> bit & 1 == 1 { " + 1" } else { " - 1" });
        connection.query_drop(format!("SELECT 1{}", signs.collect::<String>())).await.unwrap();
    }
}

const COLUMNS: [(&str, &str); 6] = [
    ("mysql_perf_schema_events_statements_total", "COUNT_STAR"),
    ("mysql_perf_schema_events_statements_rows_sent_total", "SUM_ROWS_SENT"),
    ("mysql_perf_schema_events_statements_rows_examined_total", "SUM_ROWS_EXAMINED"),
    ("mysql_perf_schema_events_statements_rows_affected_total", "SUM_ROWS_AFFECTED"),
    ("mysql_perf_schema_events_statements_tmp_tables_total", "SUM_CREATED_TMP_TABLES"),
    ("mysql_perf_schema_events_statements_seconds_total", "SUM_TIMER_WAIT DIV 1000 / 1e9"),
];

#[tokio::test]
async fn top_and_other_add_up_to_the_servers_own_sums() {
    let server = MariaDb::start().await.unwrap();
    let (mut admin, mut user) = (admin(&server).await, connect(&server.url()).await);
    user.query_drop("CREATE TABLE t (a int)").await.unwrap();
    user.query_drop("INSERT INTO t SELECT seq FROM seq_1_to_1000").await.unwrap();
    distinct(&mut user, 0..400).await;
    let exporter = watcher(server.url(), &[]).await;
    for round in 0..3 {
        let page = exporter.scrape().await;
        assert_eq!(sample(&page, "mysql_up"), 1.0, "{page}");
        for (metric, column) in COLUMNS {
            let (ours, wanted) = (sum(&page, metric), number(&mut admin, column).await);
            let limit = if metric.contains("seconds") { 1e-6 } else { 0.0 };
            assert!((ours - wanted).abs() <= limit, "round {round}: {metric}: {ours} is not {wanted}");
        }
        let shown = |line: &&str| line.starts_with("mysql_perf_schema_events_statements_total{");
        let shown = page.lines().filter(shown).count();
        assert!(shown == 101 || shown == 102, "100 statements and the rest, not {shown}");
        assert!(page.contains("digest_text=\"INSERT INTO `t` SELECT `seq` FROM `seq_1_to_1000`"), "{page}");
        user.query_drop("SELECT a, count(*) FROM t GROUP BY a").await.unwrap();
        distinct(&mut user, 100..200).await;
    }
}

#[tokio::test]
async fn a_truncated_table_of_digests_loses_nothing_and_a_newcomer_is_shown() {
    let server = MariaDb::start().await.unwrap();
    let (mut admin, mut user) = (admin(&server).await, connect(&server.url()).await);
    distinct(&mut user, 0..40).await;
    let exporter = watcher(server.url(), &[("statements", OptionValue::Number(5.0))]).await;
    let first = sum(&exporter.scrape().await, "mysql_perf_schema_events_statements_total");
    admin.query_drop("TRUNCATE TABLE performance_schema.events_statements_summary_by_digest").await.unwrap();
    // Digests are dated to the second.
    tokio::time::sleep(std::time::Duration::from_millis(1_100)).await;
    distinct(&mut user, 0..40).await;
    distinct(&mut user, 0..40).await;
    user.query_drop("SELECT sleep(0.05)").await.unwrap();
    let page = exporter.scrape().await;
    let wanted = first + number(&mut admin, "COUNT_STAR").await;
    assert_eq!(sum(&page, "mysql_perf_schema_events_statements_total"), wanted);
    assert!(page.contains("digest_text=\"SELECT `sleep` (?)"), "{page}");
    assert!(page.contains("reason=\"volatile\"} 0"), "{page}");
}

#[tokio::test]
async fn the_global_status_is_the_servers_own() {
    let server = MariaDb::start_with(&["--performance-schema=OFF"]).await.unwrap();
    let mut user = connect(&server.url()).await;
    for _ in 0..7 {
        user.query_drop("SELECT 1").await.unwrap();
    }
    let exporter = watcher(server.url(), &[]).await;
    let page = exporter.scrape().await;
    let variable = |name: &str| format!("SHOW GLOBAL STATUS LIKE '{name}'");
    for (metric, name) in [
        ("mysql_global_status_aborted_clients", "Aborted_clients"),
        ("mysql_global_status_max_used_connections", "Max_used_connections"),
        ("mysql_global_status_innodb_buffer_pool_reads", "Innodb_buffer_pool_reads"),
        ("mysql_global_status_connections", "Connections"),
    ] {
        let (_, wanted): (String, f64) = user.query_first(variable(name)).await.unwrap().unwrap();
        assert_eq!(sample(&page, metric), wanted, "{metric}");
    }
    assert!(sample(&page, "mysql_global_status_commands_total{command=\"select\"}") >= 8.0, "{page}");
    assert_eq!(sample(&page, "mysql_global_variables_max_connections"), 151.0);
    // Without performance_schema that step fails and the rest works.
    assert_eq!(
        (sample(&page, "mysql_up"), find(&page, "mysql_perf_schema_events_statements_entries")),
        (1.0, None)
    );
    let step = "hitmark_exporter_collector_success{collector=\"mysql_digests\"";
    assert!(page.lines().any(|line| line.starts_with(step) && line.ends_with(" 0")), "{page}");
}

#[tokio::test]
async fn a_killed_server_is_down_and_a_wrong_password_is_nowhere_on_the_page() {
    let server = MariaDb::start().await.unwrap();
    let up = watcher(server.url(), &[]).await;
    assert_eq!(sample(&up.scrape().await, "mysql_up"), 1.0);
    let wrong = format!("mysql://tester:hunter2@127.0.0.1:{}/", server.port());
    let page = watcher(wrong, &[]).await.scrape().await;
    assert_eq!(sample(&page, "mysql_up"), 0.0);
    assert!(
        page.contains("{collector=\"mysql\",kind=\"credentials\"} 1") && !page.contains("hunter2"),
        "{page}"
    );
    server.kill();
    let page = up.scrape().await;
    assert_eq!((sample(&page, "mysql_up"), sample(&page, "mysql_exporter_last_scrape_error")), (0.0, 1.0));
    assert!(page.contains("{collector=\"mysql\",kind=\"connect\"} 1"), "{page}");
    server.restart().await.unwrap();
    assert_eq!(sample(&up.scrape().await, "mysql_up"), 1.0);
    let nobody = format!("mysql://u:hunter2@127.0.0.1:{}/", free_port());
    assert_eq!(sample(&watcher(nobody, &[]).await.scrape().await, "mysql_up"), 0.0);
}
