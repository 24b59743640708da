//! A real replica: what both servers say of it, and of the slot when it goes away.

use hitmark_exporter::options::OptionValue;
use hitmark_testkit::PostgresServer;

use super::postgres::{connect, number, watcher};
use super::support::{find, sample};

const SLOT: &str = "{slot_name=\"standby\",slot_type=\"physical\"}";
const HELD: &str = "pg_replication_slots_pg_wal_lsn_diff{slot_name=\"standby\",database=\"\"}";

/// The value of the only sample of a metric.
fn only(page: &str, name: &str) -> Option<f64> {
    let of = |line: &&str| line.starts_with(&format!("{name}{{"));
    let mut lines = page.lines().filter(of);
    let value = lines.next()?.rsplit_once(' ')?.1.parse().ok();
    assert_eq!(lines.next(), None, "one replica, one series");
    value
}

#[tokio::test]
async fn a_replica_and_its_slot_are_told_by_both_servers() {
    let primary = PostgresServer::start().await.unwrap();
    let admin = connect(&primary.url()).await;
    admin.batch_execute("CREATE TABLE t (i int)").await.unwrap();
    let replica = primary.start_replica("standby").await.unwrap();
    let options = [("statements", OptionValue::Number(0.0))];
    let (of_primary, of_replica) =
        (watcher(primary.url(), &options).await, watcher(replica.url(), &options).await);

    let mut page = String::new();
    for _ in 0..600 {
        admin.batch_execute("INSERT INTO t VALUES (1)").await.unwrap();
        page = of_primary.scrape().await;
        let measured = only(&page, "pg_stat_replication_replay_lag_seconds").is_some();
        if measured && page.contains("state=\"streaming\"") {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    for name in ["write_lag_seconds", "flush_lag_seconds", "replay_lag_seconds", "pg_wal_lsn_diff"] {
        let value = only(&page, &format!("pg_stat_replication_{name}"));
        assert!(value.is_some_and(|value| value >= 0.0), "{name} in\n{page}");
    }
    assert_eq!(sample(&page, &format!("pg_replication_slot_slot_is_active{SLOT}")), 1.0, "{page}");
    assert_eq!(sample(&page, &format!("pg_replication_slot_slot_confirmed_flush_lsn{SLOT}")), 0.0);
    assert_eq!(sample(&page, "pg_replication_is_replica"), 0.0);

    let mut page = String::new();
    let follower = connect(&replica.url()).await;
    for _ in 0..600 {
        page = of_replica.scrape().await;
        let behind = number(&admin, "SELECT pg_current_wal_lsn() - '0/0'").await;
        if find(&page, "pg_wal_lsn_location_bytes").is_some_and(|position| position >= behind) {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    assert_eq!((sample(&page, "pg_up"), sample(&page, "pg_replication_is_replica")), (1.0, 1.0), "{page}");
    let replayed = number(&follower, "SELECT pg_last_wal_replay_lsn() - '0/0'").await;
    assert!(sample(&page, "pg_wal_lsn_location_bytes") <= replayed);
    for line in page.lines().filter(|line| line.starts_with("hitmark_exporter_collector_success{")) {
        assert!(line.ends_with(" 1"), "a replica answers every question: {line}");
    }

    replica.kill();
    let before = sample(&of_primary.scrape().await, HELD);
    for _ in 0..600 {
        page = of_primary.scrape().await;
        if sample(&page, &format!("pg_replication_slot_slot_is_active{SLOT}")) == 0.0 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    assert_eq!(sample(&page, &format!("pg_replication_slot_slot_is_active{SLOT}")), 0.0, "{page}");
    assert_eq!(only(&page, "pg_stat_replication_pg_wal_lsn_diff"), None);
    admin.batch_execute("INSERT INTO t SELECT i FROM generate_series(1, 10000) i").await.unwrap();
    let held = sample(&of_primary.scrape().await, HELD);
    assert!(held >= before + 10_000.0 * 32.0, "the slot holds the log back: {before}, {held}");
}
