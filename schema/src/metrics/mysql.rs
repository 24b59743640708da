//! What the exporter says of MySQL and MariaDB, under mysqld_exporter's names.

use super::Metric;

const NONE: &[&str] = &[];
const VERSION: &[&str] = &["version"];
const BY_DIGEST: &[&str] = &["schema", "digest", "digest_text"];
const BY_REASON: &[&str] = &["schema", "digest", "reason"];
const BY_COMMAND: &[&str] = &["command"];

macro_rules! metrics {
    ($($kind:ident $id:ident $name:literal $labels:ident $help:literal)*) => {
        $(#[doc = $help] pub const $id: Metric = Metric::$kind($name, $help, $labels);)*
        /// Every metric of MySQL.
        pub const MYSQL: &[Metric] = &[$($id),*];
    };
}

metrics! {
    gauge MYSQL_UP "mysql_up" NONE "1 if the server answered this scrape, else 0."
    gauge MYSQL_LAST_SCRAPE_ERROR "mysql_exporter_last_scrape_error" NONE "1 if the last scrape of the server failed, else 0."
    gauge MYSQL_VERSION "mysql_version_info" VERSION "Always 1; the label holds the server's version."
    gauge MYSQL_UPTIME "mysql_global_status_uptime" NONE "Seconds since the server started."
    gauge MYSQL_THREADS_CONNECTED "mysql_global_status_threads_connected" NONE "Open connections."
    gauge MYSQL_THREADS_RUNNING "mysql_global_status_threads_running" NONE "Connections that are executing."
    gauge MYSQL_MAX_USED_CONNECTIONS "mysql_global_status_max_used_connections" NONE "Most connections at once since the server started."
    gauge MYSQL_ROW_LOCK_WAITING "mysql_global_status_innodb_row_lock_current_waits" NONE "Row locks that are awaited now."
    counter MYSQL_QUERIES "mysql_global_status_queries" NONE "Statements executed, those of stored programs too."
    counter MYSQL_QUESTIONS "mysql_global_status_questions" NONE "Statements that clients sent."
    counter MYSQL_SLOW_QUERIES "mysql_global_status_slow_queries" NONE "Statements that took longer than long_query_time."
    counter MYSQL_CONNECTS "mysql_global_status_connections" NONE "Attempts to connect."
    counter MYSQL_ABORTED_CLIENTS "mysql_global_status_aborted_clients" NONE "Connections that ended without a goodbye."
    counter MYSQL_ABORTED_CONNECTS "mysql_global_status_aborted_connects" NONE "Attempts to connect that failed."
    counter MYSQL_BYTES_RECEIVED "mysql_global_status_bytes_received" NONE "Bytes that clients sent."
    counter MYSQL_BYTES_SENT "mysql_global_status_bytes_sent" NONE "Bytes sent to clients."
    counter MYSQL_TMP_TABLES "mysql_global_status_created_tmp_tables" NONE "Temporary tables made for queries."
    counter MYSQL_TMP_DISK_TABLES "mysql_global_status_created_tmp_disk_tables" NONE "Temporary tables that went to disk."
    counter MYSQL_FULL_JOINS "mysql_global_status_select_full_join" NONE "Joins without an index."
    counter MYSQL_SELECT_SCANS "mysql_global_status_select_scan" NONE "Joins that scanned their first table."
    counter MYSQL_POOL_REQUESTS "mysql_global_status_innodb_buffer_pool_read_requests" NONE "Pages asked of the buffer pool."
    counter MYSQL_POOL_READS "mysql_global_status_innodb_buffer_pool_reads" NONE "Pages that had to be read from disk."
    counter MYSQL_ROW_LOCK_WAITS "mysql_global_status_innodb_row_lock_waits" NONE "Row locks that had to be awaited."
    counter MYSQL_ROW_LOCK_TIME "mysql_global_status_innodb_row_lock_time" NONE "Milliseconds spent waiting for row locks."
    counter MYSQL_DEADLOCKS "mysql_global_status_innodb_deadlocks" NONE "Deadlocks detected, where the server counts them."
    counter MYSQL_COMMANDS "mysql_global_status_commands_total" BY_COMMAND "Statements executed by command."
    gauge MYSQL_MAX_CONNECTIONS "mysql_global_variables_max_connections" NONE "Most connections that the server allows."
    gauge MYSQL_POOL_SIZE "mysql_global_variables_innodb_buffer_pool_size" NONE "Size of the buffer pool in bytes."
    gauge MYSQL_LONG_QUERY_TIME "mysql_global_variables_long_query_time" NONE "Seconds from which a statement counts as slow."
    counter MYSQL_STATEMENTS "mysql_perf_schema_events_statements_total" BY_DIGEST "Executions of the statement; other and retired hold the rest."
    counter MYSQL_STATEMENT_SECONDS "mysql_perf_schema_events_statements_seconds_total" BY_DIGEST "Time spent executing the statement."
    counter MYSQL_STATEMENT_LOCK_SECONDS "mysql_perf_schema_events_statements_lock_time_seconds_total" BY_DIGEST "Time spent waiting for table locks."
    counter MYSQL_STATEMENT_ERRORS "mysql_perf_schema_events_statements_errors_total" BY_DIGEST "Errors of the statement."
    counter MYSQL_STATEMENT_WARNINGS "mysql_perf_schema_events_statements_warnings_total" BY_DIGEST "Warnings of the statement."
    counter MYSQL_STATEMENT_AFFECTED "mysql_perf_schema_events_statements_rows_affected_total" BY_DIGEST "Rows changed."
    counter MYSQL_STATEMENT_SENT "mysql_perf_schema_events_statements_rows_sent_total" BY_DIGEST "Rows sent to clients."
    counter MYSQL_STATEMENT_EXAMINED "mysql_perf_schema_events_statements_rows_examined_total" BY_DIGEST "Rows read from tables."
    counter MYSQL_STATEMENT_TMP_TABLES "mysql_perf_schema_events_statements_tmp_tables_total" BY_DIGEST "Temporary tables made."
    counter MYSQL_STATEMENT_TMP_DISK "mysql_perf_schema_events_statements_tmp_disk_tables_total" BY_DIGEST "Temporary tables that went to disk."
    counter MYSQL_STATEMENT_SORT_PASSES "mysql_perf_schema_events_statements_sort_merge_passes_total" BY_DIGEST "Merge passes of sorts."
    counter MYSQL_STATEMENT_SORT_ROWS "mysql_perf_schema_events_statements_sort_rows_total" BY_DIGEST "Rows sorted."
    counter MYSQL_STATEMENT_NO_INDEX "mysql_perf_schema_events_statements_no_index_used_total" BY_DIGEST "Executions that used no index."
    gauge MYSQL_STATEMENT_CACHEABLE "mysql_perf_schema_events_statements_cacheable" BY_REASON "1 if the statement reads only, is repeated and slow, so that a cache may pay; the reason says what decided."
    gauge MYSQL_STATEMENT_ENTRIES "mysql_perf_schema_events_statements_entries" NONE "Statements that the server tells apart."
}

/// Names that mysqld_exporter made common and that `promtool check metrics` finds fault with.
pub const MYSQL_KEPT: &[&str] = &[
    "mysql_global_status_aborted_clients",
    "mysql_global_status_aborted_connects",
    "mysql_global_status_bytes_received",
    "mysql_global_status_bytes_sent",
    "mysql_global_status_connections",
    "mysql_global_status_created_tmp_disk_tables",
    "mysql_global_status_created_tmp_tables",
    "mysql_global_status_innodb_buffer_pool_read_requests",
    "mysql_global_status_innodb_buffer_pool_reads",
    "mysql_global_status_innodb_deadlocks",
    "mysql_global_status_innodb_row_lock_time",
    "mysql_global_status_innodb_row_lock_waits",
    "mysql_global_status_queries",
    "mysql_global_status_questions",
    "mysql_global_status_select_full_join",
    "mysql_global_status_select_scan",
    "mysql_global_status_slow_queries",
];
