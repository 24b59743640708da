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
const BY_SLOT: &[&str] = &["slot_name", "slot_type"];
const BY_SLOT_STATUS: &[&str] = &["slot_name", "slot_type", "wal_status"];
const BY_SLOT_DATABASE: &[&str] = &["slot_name", "database"];
const BY_THRESHOLD: &[&str] = &["threshold"];
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
    gauge PG_REPLICA_POSITION "pg_stat_replication_pg_current_wal_lsn_bytes" BY_REPLICA "Position of the log that the replica follows, in bytes."
    gauge PG_REPLICA_WRITE_LAG "pg_stat_replication_write_lag_seconds" BY_REPLICA "Time until the replica had written the log, as last measured; absent while it has nothing to do."
    gauge PG_REPLICA_FLUSH_LAG "pg_stat_replication_flush_lag_seconds" BY_REPLICA "Time until the replica had flushed the log, as last measured; absent while it has nothing to do."
    gauge PG_REPLICA_REPLAY_LAG "pg_stat_replication_replay_lag_seconds" BY_REPLICA "Time until the replica had replayed the log, as last measured; absent while it has nothing to do."
    gauge PG_SLOT_POSITION "pg_replication_slot_slot_current_wal_lsn" BY_SLOT "Position of the log now, in bytes."
    gauge PG_SLOT_FLUSHED "pg_replication_slot_slot_confirmed_flush_lsn" BY_SLOT "Position up to which the reader of the slot has confirmed the log, in bytes; 0 for a physical slot, absent while nobody reads."
    gauge PG_SLOT_IS_ACTIVE "pg_replication_slot_slot_is_active" BY_SLOT "1 if somebody reads from the slot, else 0."
    gauge PG_SLOT_SAFE_WAL "pg_replication_slot_safe_wal_size_bytes" BY_SLOT "Bytes that may still be written before the slot is in danger of being lost; absent without max_slot_wal_keep_size."
    gauge PG_SLOT_STATUS "pg_replication_slot_wal_status" BY_SLOT_STATUS "Always 1; the label says whether the log that the slot needs is still there."
    gauge PG_SLOTS_ACTIVE "pg_replication_slots_active" BY_SLOT_DATABASE "1 if somebody reads from the slot, else 0."
    gauge PG_SLOTS_DISTANCE "pg_replication_slots_pg_wal_lsn_diff" BY_SLOT_DATABASE "Bytes of the log that the slot holds back."
    gauge PG_WAL_SEGMENTS "pg_wal_segments" NONE "Files of the log."
    gauge PG_WAL_SIZE "pg_wal_size_bytes" NONE "Size of the files of the log."
    gauge PG_WAL_POSITION "pg_wal_lsn_location_bytes" NONE "Position in the log up to which the server has written, or replayed if it is a replica."
    counter PG_ARCHIVED "pg_stat_archiver_archived_count" NONE "Files of the log that were archived."
    counter PG_ARCHIVE_FAILED "pg_stat_archiver_failed_count" NONE "Attempts to archive a file of the log that failed."
    gauge PG_ARCHIVE_AGE "pg_stat_archiver_last_archive_age" NONE "Seconds since a file of the log was archived last; absent if none ever was."
    counter PG_BUFFERS_CLEAN "pg_stat_bgwriter_buffers_clean_total" NONE "Blocks that the background writer wrote."
    counter PG_MAXWRITTEN_CLEAN "pg_stat_bgwriter_maxwritten_clean_total" NONE "How often the background writer stopped because it had written too many blocks at once."
    counter PG_BUFFERS_ALLOC "pg_stat_bgwriter_buffers_alloc_total" NONE "Places in the buffer pool that were given to a block."
    counter PG_BGWRITER_RESET "pg_stat_bgwriter_stats_reset_total" NONE "When these counters began, in seconds since 1970."
    counter PG_CHECKPOINTS_TIMED "pg_stat_bgwriter_checkpoints_timed_total" NONE "Checkpoints that were due; until PostgreSQL 16."
    counter PG_CHECKPOINTS_REQ "pg_stat_bgwriter_checkpoints_req_total" NONE "Checkpoints that were asked for; until PostgreSQL 16."
    counter PG_CHECKPOINT_WRITE_TIME "pg_stat_bgwriter_checkpoint_write_time_total" NONE "Milliseconds that checkpoints spent writing; until PostgreSQL 16."
    counter PG_CHECKPOINT_SYNC_TIME "pg_stat_bgwriter_checkpoint_sync_time_total" NONE "Milliseconds that checkpoints spent syncing; until PostgreSQL 16."
    counter PG_BUFFERS_CHECKPOINT "pg_stat_bgwriter_buffers_checkpoint_total" NONE "Blocks that checkpoints wrote; until PostgreSQL 16."
    counter PG_BUFFERS_BACKEND "pg_stat_bgwriter_buffers_backend_total" NONE "Blocks that connections had to write themselves; until PostgreSQL 16."
    counter PG_BUFFERS_BACKEND_FSYNC "pg_stat_bgwriter_buffers_backend_fsync_total" NONE "How often a connection had to sync a file itself; until PostgreSQL 16."
    counter PG_CHECKPOINTER_TIMED "pg_stat_checkpointer_num_timed_total" NONE "Checkpoints that were due; from PostgreSQL 17 on."
    counter PG_CHECKPOINTER_REQUESTED "pg_stat_checkpointer_num_requested_total" NONE "Checkpoints that were asked for; from PostgreSQL 17 on."
    counter PG_RESTARTPOINTS_TIMED "pg_stat_checkpointer_restartpoints_timed_total" NONE "Restartpoints of a replica that were due; from PostgreSQL 17 on."
    counter PG_RESTARTPOINTS_REQ "pg_stat_checkpointer_restartpoints_req_total" NONE "Restartpoints of a replica that were asked for; from PostgreSQL 17 on."
    counter PG_RESTARTPOINTS_DONE "pg_stat_checkpointer_restartpoints_done_total" NONE "Restartpoints of a replica that were performed; from PostgreSQL 17 on."
    counter PG_CHECKPOINTER_WRITE_TIME "pg_stat_checkpointer_write_time_total" NONE "Milliseconds that checkpoints spent writing; from PostgreSQL 17 on."
    counter PG_CHECKPOINTER_SYNC_TIME "pg_stat_checkpointer_sync_time_total" NONE "Milliseconds that checkpoints spent syncing; from PostgreSQL 17 on."
    counter PG_CHECKPOINTER_BUFFERS "pg_stat_checkpointer_buffers_written_total" NONE "Blocks that checkpoints wrote; from PostgreSQL 17 on."
    counter PG_CHECKPOINTER_RESET "pg_stat_checkpointer_stats_reset_total" NONE "When these counters began, in seconds since 1970; from PostgreSQL 17 on."
    gauge PG_DATABASE_SIZE "pg_database_size_bytes" BY_NAME "Size of the database's files."
    gauge PG_DATABASE_SIZE_AGE "pg_database_size_age_seconds" NONE "How long ago the sizes of the databases were read."
    gauge PG_CONNECTION_LIMIT "pg_database_connection_limit" BY_NAME "Most connections that the database allows; -1 is no limit of its own."
    gauge PG_FROZEN_AGE "pg_database_wraparound_age_datfrozenxid_seconds" BY_NAME "Transactions since the oldest one that is not frozen; in spite of the name, no seconds. At 2^31 the server stops writing."
    gauge PG_MULTIXACT_AGE "pg_database_wraparound_age_datminmxid_seconds" BY_NAME "Multixacts since the oldest one that is still needed; in spite of the name, no seconds."
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
    gauge PG_LONG_TRANSACTIONS_COUNT "pg_long_running_transactions_count" BY_THRESHOLD "Transactions that are not idle and have been open for at least so many seconds."
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
    "pg_long_running_transactions_count",
    "pg_stat_archiver_archived_count",
    "pg_stat_archiver_failed_count",
];
