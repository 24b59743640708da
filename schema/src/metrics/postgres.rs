//! What the exporter says of PostgreSQL, under postgres_exporter's names where it has them.
//!
//! Names, kinds and labels that it has are kept as they are, so its dashboards and alerts work; what
//! it lacks is named after the same views.

use super::Metric;

const BY_DATABASE: &[&str] = &["datid", "datname"];
const BY_NAME: &[&str] = &["datname"];
const BY_STATEMENT: &[&str] = &["user", "datname", "queryid"];
const BY_TABLE: &[&str] = &["datname", "schemaname", "relname"];
const BY_ACTIVITY: &[&str] =
    &["datname", "state", "usename", "application_name", "backend_type", "wait_event_type", "wait_event"];

macro_rules! metrics {
    ($($kind:ident $id:ident $name:literal $labels:ident $help:literal)*) => {
        $(#[doc = $help] pub const $id: Metric = Metric::$kind($name, $help, $labels);)*
        /// Every metric of PostgreSQL.
        pub const POSTGRES: &[Metric] = &[$($id),*];
    };
}

const NONE: &[&str] = &[];
const VERSION: &[&str] = &["version", "short_version"];
const BY_LOCK: &[&str] = &["datname", "mode"];
const BY_STATE: &[&str] = &["state"];
const BY_QUERY: &[&str] = &["queryid", "query"];
const BY_REASON: &[&str] = &["user", "datname", "queryid", "reason"];
const BY_REPLICA: &[&str] = &["application_name", "client_addr", "state"];
const BY_INDEX: &[&str] = &["datname", "schemaname", "relname", "indexrelname"];

metrics! {
    gauge PG_UP "pg_up" NONE "1 if the server answered this scrape, else 0."
    gauge PG_LAST_SCRAPE_ERROR "pg_exporter_last_scrape_error" NONE "1 if the last scrape of the server failed, else 0."
    gauge PG_LAST_SCRAPE_SECONDS "pg_exporter_last_scrape_duration_seconds" NONE "Time that the scrape of the server took."
    gauge PG_STATIC "pg_static" VERSION "Always 1; the labels hold the server's version."
    gauge PG_START_TIME "pg_postmaster_start_time_seconds" NONE "When the server started, in seconds since 1970."
    gauge PG_MAX_CONNECTIONS "pg_settings_max_connections" NONE "Most connections that the server allows."
    gauge PG_RESERVED_CONNECTIONS "pg_settings_superuser_reserved_connections" NONE "Connections that only superusers may use."
    gauge PG_SHARED_BUFFERS "pg_settings_shared_buffers_bytes" NONE "Size of the server's buffer pool."
    gauge PG_IS_REPLICA "pg_replication_is_replica" NONE "1 if the server replays the log of another, else 0."
    gauge PG_REPLICATION_LAG "pg_replication_lag_seconds" NONE "Age of what was replayed last, 0 if all is replayed or the server is no replica."
    gauge PG_REPLICA_DISTANCE "pg_stat_replication_pg_wal_lsn_diff" BY_REPLICA "Bytes of the log that the replica has not replayed yet."
    gauge PG_BACKENDS "pg_stat_database_numbackends" BY_DATABASE "Connections to the database now."
    counter PG_COMMITS "pg_stat_database_xact_commit" BY_DATABASE "Transactions committed."
    counter PG_ROLLBACKS "pg_stat_database_xact_rollback" BY_DATABASE "Transactions rolled back."
    counter PG_BLOCKS_READ "pg_stat_database_blks_read" BY_DATABASE "Blocks read from the system because the buffer pool lacked them."
    counter PG_BLOCKS_HIT "pg_stat_database_blks_hit" BY_DATABASE "Blocks found in the buffer pool."
    counter PG_ROWS_RETURNED "pg_stat_database_tup_returned" BY_DATABASE "Live rows read by sequential scans and index entries returned."
    counter PG_ROWS_FETCHED "pg_stat_database_tup_fetched" BY_DATABASE "Live rows fetched by index scans."
    counter PG_ROWS_INSERTED "pg_stat_database_tup_inserted" BY_DATABASE "Rows inserted."
    counter PG_ROWS_UPDATED "pg_stat_database_tup_updated" BY_DATABASE "Rows updated."
    counter PG_ROWS_DELETED "pg_stat_database_tup_deleted" BY_DATABASE "Rows deleted."
    counter PG_CONFLICTS "pg_stat_database_conflicts" BY_DATABASE "Queries cancelled on a replica because of recovery."
    counter PG_TEMP_FILES "pg_stat_database_temp_files" BY_DATABASE "Temporary files that queries wrote."
    counter PG_TEMP_BYTES "pg_stat_database_temp_bytes" BY_DATABASE "Bytes that queries wrote to temporary files."
    counter PG_DEADLOCKS "pg_stat_database_deadlocks" BY_DATABASE "Deadlocks detected."
    counter PG_READ_TIME "pg_stat_database_blk_read_time" BY_DATABASE "Milliseconds spent reading blocks, if track_io_timing is on."
    counter PG_WRITE_TIME "pg_stat_database_blk_write_time" BY_DATABASE "Milliseconds spent writing blocks, if track_io_timing is on."
    gauge PG_BUFFER_HIT_RATIO "pg_stat_database_buffer_hit_ratio" BY_NAME "Share of block lookups since the last scrape that the buffer pool answered; absent if there were none."
    gauge PG_ACTIVITY_COUNT "pg_stat_activity_count" BY_ACTIVITY "Connections by what they do, without the exporter's own."
    gauge PG_ACTIVITY_MAX_TX "pg_stat_activity_max_tx_duration" BY_ACTIVITY "Seconds that the longest transaction of these connections has been open."
    gauge PG_LONGEST_QUERY "pg_stat_activity_max_query_duration_seconds" NONE "Time that the longest running query has taken so far."
    gauge PG_BLOCKED "pg_stat_activity_blocked" NONE "Connections that wait for a lock."
    gauge PG_CONNECTIONS "pg_stat_activity_connections" BY_STATE "Clients' connections by state, without the exporter's own."
    gauge PG_LONG_TRANSACTIONS "pg_long_running_transactions" NONE "Transactions that are open and not idle."
    gauge PG_OLDEST_TRANSACTION "pg_long_running_transactions_oldest_timestamp_seconds" NONE "Age of the oldest of these transactions."
    gauge PG_LOCKS "pg_locks_count" BY_LOCK "Locks held or awaited, by database and mode, without the exporter's own."
    counter PG_TABLE_SEQ_SCANS "pg_stat_user_tables_seq_scan" BY_TABLE "Sequential scans of the table."
    counter PG_TABLE_SEQ_ROWS "pg_stat_user_tables_seq_tup_read" BY_TABLE "Rows read by sequential scans."
    counter PG_TABLE_IDX_SCANS "pg_stat_user_tables_idx_scan" BY_TABLE "Index scans of the table."
    counter PG_TABLE_IDX_ROWS "pg_stat_user_tables_idx_tup_fetch" BY_TABLE "Rows fetched by index scans."
    counter PG_TABLE_INSERTED "pg_stat_user_tables_n_tup_ins" BY_TABLE "Rows inserted."
    counter PG_TABLE_UPDATED "pg_stat_user_tables_n_tup_upd" BY_TABLE "Rows updated."
    counter PG_TABLE_DELETED "pg_stat_user_tables_n_tup_del" BY_TABLE "Rows deleted."
    gauge PG_TABLE_LIVE "pg_stat_user_tables_n_live_tup" BY_TABLE "Estimated live rows."
    gauge PG_TABLE_DEAD "pg_stat_user_tables_n_dead_tup" BY_TABLE "Estimated dead rows."
    gauge PG_INDEXES_UNUSED "pg_stat_user_indexes_never_used" BY_NAME "Indexes that no scan has used since the statistics began and that enforce no constraint."
    gauge PG_INDEX_UNUSED_BYTES "pg_stat_user_indexes_never_used_bytes" BY_INDEX "Size of an index that no scan has used since the statistics began; the largest are told."
    gauge PG_TABLES_AGE "pg_stat_user_tables_age_seconds" NONE "How long ago the samples of tables and indexes were read."
    counter PG_STATEMENT_CALLS "pg_stat_statements_calls_total" BY_STATEMENT "Executions of the statement; other and retired hold the rest."
    counter PG_STATEMENT_SECONDS "pg_stat_statements_seconds_total" BY_STATEMENT "Time spent executing the statement."
    counter PG_STATEMENT_ROWS "pg_stat_statements_rows_total" BY_STATEMENT "Rows that the statement returned or changed."
    counter PG_STATEMENT_READ_SECONDS "pg_stat_statements_block_read_seconds_total" BY_STATEMENT "Time spent reading blocks, if track_io_timing is on."
    counter PG_STATEMENT_WRITE_SECONDS "pg_stat_statements_block_write_seconds_total" BY_STATEMENT "Time spent writing blocks, if track_io_timing is on."
    counter PG_STATEMENT_HIT "pg_stat_statements_shared_blocks_hit_total" BY_STATEMENT "Blocks that the buffer pool held."
    counter PG_STATEMENT_READ "pg_stat_statements_shared_blocks_read_total" BY_STATEMENT "Blocks that had to be read."
    counter PG_STATEMENT_DIRTIED "pg_stat_statements_shared_blocks_dirtied_total" BY_STATEMENT "Blocks that the statement made dirty."
    counter PG_STATEMENT_WRITTEN "pg_stat_statements_shared_blocks_written_total" BY_STATEMENT "Blocks that the statement had to write."
    counter PG_STATEMENT_TEMP_READ "pg_stat_statements_temp_blocks_read_total" BY_STATEMENT "Temporary blocks read."
    counter PG_STATEMENT_TEMP_WRITTEN "pg_stat_statements_temp_blocks_written_total" BY_STATEMENT "Temporary blocks written."
    gauge PG_STATEMENT_TEXT "pg_stat_statements_query_id" BY_QUERY "Always 1; the label holds the statement's text without literals and comments."
    gauge PG_STATEMENT_CACHEABLE "pg_stat_statements_cacheable" BY_REASON "1 if the statement reads only, is repeated and slow, so that a cache may pay; the reason says what decided."
    gauge PG_STATEMENT_ENTRIES "pg_stat_statements_entries" NONE "Statements that the server remembers."
    gauge PG_STATEMENT_HIDDEN "pg_stat_statements_hidden_entries" NONE "Statements whose identity our role may not see; grant pg_read_all_stats. They are in other."
    counter PG_STATEMENT_DEALLOC "pg_stat_statements_dealloc_total" NONE "How often the server dropped its least executed statements because it remembers no more."
}

/// Names that postgres_exporter made common and that `promtool check metrics` finds fault with.
pub const POSTGRES_KEPT: &[&str] = &[
    "pg_stat_database_blk_read_time",
    "pg_stat_database_blk_write_time",
    "pg_stat_database_blks_hit",
    "pg_stat_database_blks_read",
    "pg_stat_database_conflicts",
    "pg_stat_database_deadlocks",
    "pg_stat_database_temp_bytes",
    "pg_stat_database_temp_files",
    "pg_stat_database_tup_deleted",
    "pg_stat_database_tup_fetched",
    "pg_stat_database_tup_inserted",
    "pg_stat_database_tup_returned",
    "pg_stat_database_tup_updated",
    "pg_stat_database_xact_commit",
    "pg_stat_database_xact_rollback",
    "pg_stat_activity_count",
    "pg_stat_user_tables_idx_scan",
    "pg_stat_user_tables_idx_tup_fetch",
    "pg_stat_user_tables_n_tup_del",
    "pg_stat_user_tables_n_tup_ins",
    "pg_stat_user_tables_n_tup_upd",
    "pg_stat_user_tables_seq_scan",
    "pg_stat_user_tables_seq_tup_read",
    "pg_locks_count",
];
