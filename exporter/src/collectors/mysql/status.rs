//! Global status and variables: what every alert of MySQL asks for.

use hitmark_schema::exposition::Family;
use hitmark_schema::metrics as m;

use crate::sql::Answer;

/// Names of the server's status in small letters, and their metrics.
const STATUS: &[(&str, m::Metric)] = &[
    ("uptime", m::MYSQL_UPTIME),
    ("threads_connected", m::MYSQL_THREADS_CONNECTED),
    ("threads_running", m::MYSQL_THREADS_RUNNING),
    ("max_used_connections", m::MYSQL_MAX_USED_CONNECTIONS),
    ("innodb_row_lock_current_waits", m::MYSQL_ROW_LOCK_WAITING),
    ("queries", m::MYSQL_QUERIES),
    ("questions", m::MYSQL_QUESTIONS),
    ("slow_queries", m::MYSQL_SLOW_QUERIES),
    ("connections", m::MYSQL_CONNECTS),
    ("aborted_clients", m::MYSQL_ABORTED_CLIENTS),
    ("aborted_connects", m::MYSQL_ABORTED_CONNECTS),
    ("bytes_received", m::MYSQL_BYTES_RECEIVED),
    ("bytes_sent", m::MYSQL_BYTES_SENT),
    ("created_tmp_tables", m::MYSQL_TMP_TABLES),
    ("created_tmp_disk_tables", m::MYSQL_TMP_DISK_TABLES),
    ("select_full_join", m::MYSQL_FULL_JOINS),
    ("select_scan", m::MYSQL_SELECT_SCANS),
    ("innodb_buffer_pool_read_requests", m::MYSQL_POOL_REQUESTS),
    ("innodb_buffer_pool_reads", m::MYSQL_POOL_READS),
    ("innodb_row_lock_waits", m::MYSQL_ROW_LOCK_WAITS),
    ("innodb_row_lock_time", m::MYSQL_ROW_LOCK_TIME),
    ("innodb_deadlocks", m::MYSQL_DEADLOCKS),
];

/// The question for the names above and the commands; it holds nothing that a user chose.
pub(super) fn question() -> String {
    let names: Vec<String> = STATUS.iter().map(|(name, _)| format!("'{name}'")).collect();
    format!(
        "SHOW GLOBAL STATUS WHERE Variable_name LIKE 'Com\\_%' OR Variable_name IN ({})",
        names.join(", ")
    )
}

/// Version and settings: one row.
pub(super) const SERVER: &str = "SELECT @@version, @@global.max_connections, @@global.innodb_buffer_pool_size, \
                                 @@global.long_query_time, @@performance_schema";

/// Reads names and values. The number beside is how many known ones have no readable value.
pub(super) fn status(answer: &Answer) -> (Vec<Family>, usize) {
    let mut families = Vec::with_capacity(STATUS.len() + 1);
    let mut commands = Family::new(m::MYSQL_COMMANDS);
    let mut unreadable = 0;
    for row in answer.rows_of(2) {
        let name = row[0].text().to_ascii_lowercase();
        let value = row[1].number();
        match (name.strip_prefix("com_"), STATUS.iter().find(|(known, _)| *known == name), value) {
            // A server knows some 170 commands and has executed a few.
            (Some(command), _, Some(value)) if value > 0.0 => {
                commands.push(&[("command", command)], value);
            }
            (_, Some((_, metric)), Some(value)) => families.push(Family::single(*metric, value)),
            (_, Some(_), None) => unreadable += 1,
            _ => {}
        }
    }
    families.push(commands);
    (families, unreadable)
}

/// Reads version and settings.
pub(super) fn server(answer: &Answer) -> Vec<Family> {
    let Some([version, connections, pool, long, ..]) = answer.rows_of(5).next() else { return Vec::new() };
    let mut families = vec![Family::new(m::MYSQL_VERSION).with(&[("version", &version.text())], 1.0)];
    for (metric, cell) in [
        (m::MYSQL_MAX_CONNECTIONS, connections),
        (m::MYSQL_POOL_SIZE, pool),
        (m::MYSQL_LONG_QUERY_TIME, long),
    ] {
        families.extend(cell.number().map(|value| Family::single(metric, value)));
    }
    families
}

/// Whether the server keeps digests at all.
pub(super) fn has_digests(answer: &Answer) -> bool {
    answer.rows_of(5).next().is_some_and(|row| row[4].count() == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_names_are_told_in_any_case_and_commands_that_were_executed() {
        let text = "Uptime\t7\nCom_select\t3\nCom_drop_db\t0\nThreads_running\todd\nRocksdb_x\t1\n";
        let (families, unreadable) = status(&Answer::from_tsv(text));
        assert_eq!(unreadable, 1);
        assert_eq!(families[0], Family::single(m::MYSQL_UPTIME, 7.0));
        assert_eq!(families[1], Family::new(m::MYSQL_COMMANDS).with(&[("command", "select")], 3.0));
    }

    #[test]
    fn a_server_without_performance_schema_is_told_apart() {
        assert!(!has_digests(&Answer::from_tsv("10.11\t151\t1\t10.0\t0\n")));
        assert!(has_digests(&Answer::from_tsv("10.11\t151\t1\t10.0\t1\n")));
        assert!(!has_digests(&Answer::default()));
    }
}
