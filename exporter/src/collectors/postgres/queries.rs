//! What is asked of PostgreSQL 13 to 17. Every question stands for itself; the columns stand in the
//! order in which the parsers read them.
//!
//! The views of the statistics cost the server more than anything else here, so each is read once,
//! rows are bounded by the server, and sums are its work.

/// Settings, role and version: one row.
pub(super) const SERVER: &str = "SELECT current_setting('server_version'), \
    current_setting('server_version_num')::int, \
    extract(epoch FROM pg_postmaster_start_time())::float8, \
    current_setting('max_connections')::int, \
    current_setting('superuser_reserved_connections')::int, \
    pg_size_bytes(current_setting('shared_buffers')), \
    pg_is_in_recovery(), \
    CASE WHEN NOT pg_is_in_recovery() OR pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() THEN 0 \
         ELSE greatest(0, extract(epoch FROM now() - pg_last_xact_replay_timestamp())) END::float8, \
    current_database(), \
    pg_wal_lsn_diff(CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() \
        ELSE pg_current_wal_lsn() END, '0/0')::int8, \
    has_function_privilege('pg_ls_waldir()', 'EXECUTE')";

/// One row for each database, the busiest first.
pub(super) const DATABASES: &str = "SELECT s.datid, s.datname, numbackends, xact_commit, xact_rollback, \
    blks_read, blks_hit, tup_returned, tup_fetched, tup_inserted, tup_updated, tup_deleted, conflicts, \
    temp_files, temp_bytes, deadlocks, blk_read_time, blk_write_time, \
    CASE WHEN d.datallowconn THEN age(d.datfrozenxid) END, \
    CASE WHEN d.datallowconn THEN mxid_age(d.datminmxid) END, d.datconnlimit \
    FROM pg_stat_database s JOIN pg_database d ON d.oid = s.datid ORDER BY xact_commit DESC LIMIT 200";

/// The size of each database that we may ask for, the largest first. The server walks its folders.
pub(super) const SIZES: &str = "SELECT datname, pg_database_size(oid) FROM pg_database \
    WHERE datallowconn AND (has_database_privilege(oid, 'CONNECT') \
        OR pg_has_role('pg_read_all_stats', 'MEMBER')) ORDER BY 2 DESC LIMIT 200";

/// Connections by what they do, the most frequent first.
pub(super) const ACTIVITY: &str = "SELECT datname, state, usename, application_name, backend_type, \
    wait_event_type, wait_event, count(*), \
    max(extract(epoch FROM clock_timestamp() - xact_start))::float8, \
    (max(extract(epoch FROM clock_timestamp() - query_start)) \
        FILTER (WHERE state = 'active' AND backend_type = 'client backend'))::float8, \
    count(*) FILTER (WHERE xact_start IS NOT NULL AND state IS DISTINCT FROM 'idle' \
        AND backend_type = 'client backend'), \
    count(*) FILTER (WHERE xact_start <= clock_timestamp() - interval '60s' \
        AND state IS DISTINCT FROM 'idle' AND backend_type = 'client backend'), \
    count(*) FILTER (WHERE xact_start <= clock_timestamp() - interval '300s' \
        AND state IS DISTINCT FROM 'idle' AND backend_type = 'client backend'), \
    count(*) FILTER (WHERE xact_start <= clock_timestamp() - interval '600s' \
        AND state IS DISTINCT FROM 'idle' AND backend_type = 'client backend'), \
    count(*) FILTER (WHERE xact_start <= clock_timestamp() - interval '1800s' \
        AND state IS DISTINCT FROM 'idle' AND backend_type = 'client backend') \
    FROM pg_stat_activity WHERE pid <> pg_backend_pid() \
    GROUP BY 1, 2, 3, 4, 5, 6, 7 ORDER BY 8 DESC";

/// Locks of databases by mode.
pub(super) const LOCKS: &str = "SELECT database, lower(mode), count(*) FROM pg_locks \
    WHERE database IS NOT NULL AND pid IS DISTINCT FROM pg_backend_pid() GROUP BY 1, 2";

/// Replicas that read our log.
pub(super) const REPLICAS: &str = "SELECT application_name, client_addr::text, state, \
    pg_wal_lsn_diff(here, replay_lsn)::float8, pg_wal_lsn_diff(here, '0/0')::int8, \
    extract(epoch FROM write_lag)::float8, extract(epoch FROM flush_lag)::float8, \
    extract(epoch FROM replay_lag)::float8 \
    FROM pg_stat_replication, (SELECT CASE WHEN pg_is_in_recovery() THEN pg_last_wal_receive_lsn() \
        ELSE pg_current_wal_lsn() END) log(here) ORDER BY 1, 2 LIMIT 100";

/// Replication slots.
pub(super) const SLOTS: &str = "SELECT slot_name, slot_type, database, active, \
    pg_wal_lsn_diff(here, '0/0')::int8, \
    pg_wal_lsn_diff(coalesce(confirmed_flush_lsn, '0/0'), '0/0')::int8, safe_wal_size, wal_status, \
    pg_wal_lsn_diff(here, restart_lsn)::int8 \
    FROM pg_replication_slots, (SELECT CASE WHEN pg_is_in_recovery() THEN pg_last_wal_receive_lsn() \
        ELSE pg_current_wal_lsn() END) log(here) ORDER BY 1 LIMIT 100";

/// The files of the log: one row. Needs the role `pg_monitor`.
pub(super) const WAL: &str = "SELECT count(*), coalesce(sum(size), 0)::int8 FROM pg_ls_waldir() \
    WHERE name ~ '^[0-9A-F]{24}$'";

/// Asked in its place where that role is missing: each refusal would be an error in the server's log and
/// a rollback in its statistics.
pub(super) const NO_WAL: &str = "SELECT 1 WHERE false";

/// Archiver, background writer, checkpoints: one row, until version 16.
pub(super) const WRITER: &str = "SELECT archived_count, failed_count, \
    extract(epoch FROM now() - last_archived_time)::float8, buffers_clean, maxwritten_clean, \
    buffers_alloc, extract(epoch FROM b.stats_reset)::float8, checkpoints_timed, checkpoints_req, \
    checkpoint_write_time, checkpoint_sync_time, buffers_checkpoint, buffers_backend, \
    buffers_backend_fsync, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL \
    FROM pg_stat_archiver a, pg_stat_bgwriter b";

/// The same from version 17 on, where checkpoints have a view of their own.
pub(super) const WRITER_17: &str = "SELECT archived_count, failed_count, \
    extract(epoch FROM now() - last_archived_time)::float8, buffers_clean, maxwritten_clean, \
    buffers_alloc, extract(epoch FROM b.stats_reset)::float8, NULL, NULL, NULL, NULL, NULL, NULL, NULL, \
    num_timed, num_requested, restartpoints_timed, restartpoints_req, restartpoints_done, write_time, \
    sync_time, buffers_written, extract(epoch FROM c.stats_reset)::float8 \
    FROM pg_stat_archiver a, pg_stat_bgwriter b, pg_stat_checkpointer c";

/// Use of the tables of our database, the most read first.
pub(super) fn tables(max: usize) -> String {
    format!(
        "SELECT current_database(), schemaname, relname, seq_scan, seq_tup_read, coalesce(idx_scan, 0), \
         coalesce(idx_tup_fetch, 0), n_tup_ins, n_tup_upd, n_tup_del, n_live_tup, n_dead_tup \
         FROM pg_stat_user_tables \
         ORDER BY seq_tup_read + coalesce(idx_tup_fetch, 0) DESC, relid LIMIT {max}"
    )
}

/// Indexes that no scan has used and that enforce nothing, the largest first, with their number.
pub(super) fn unused_indexes(max: usize) -> String {
    format!(
        "SELECT current_database(), n.nspname, t.relname, c.relname, pg_relation_size(c.oid), unused.all \
         FROM (SELECT i.indexrelid, i.indrelid, count(*) OVER () AS all \
               FROM pg_index i JOIN pg_class k ON k.oid = i.indexrelid \
               WHERE NOT i.indisunique AND NOT i.indisexclusion AND k.relkind = 'i' \
                 AND i.indexrelid >= 16384 AND pg_stat_get_numscans(i.indexrelid) = 0 \
               ORDER BY k.relpages DESC, i.indexrelid LIMIT {max}) unused \
         JOIN pg_class c ON c.oid = unused.indexrelid JOIN pg_class t ON t.oid = unused.indrelid \
         JOIN pg_namespace n ON n.oid = c.relnamespace"
    )
}

/// Version and schema of the extension, if it is there.
pub(super) const EXTENSION: &str = "SELECT e.extversion, quote_ident(n.nspname) FROM pg_extension e \
    JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'pg_stat_statements'";

/// How the columns of `pg_stat_statements` are called in one version of the extension.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct StatementQueries {
    /// One row for each line of the server's table, without texts.
    pub(super) all: String,
    /// How often lines were dropped, and when the table began; if the version has it.
    pub(super) info: Option<String>,
    /// Text and names of some statements.
    pub(super) texts: String,
}

/// The questions for a version of the extension such as `1.10`; nothing if it is too old.
pub(super) fn statements(version: &str, schema: &str, max: usize) -> Option<StatementQueries> {
    let (major, minor) = version.split_once('.')?;
    let version: (u32, u32) = (major.parse().ok()?, minor.parse().ok()?);
    if version < (1, 8) {
        return None;
    }
    let toplevel = if version >= (1, 9) { "toplevel" } else { "true" };
    // Version 1.11 tells when each line began, and tells time on shared blocks apart.
    let (born, time) = if version >= (1, 11) { ("stats_since", "shared_blk") } else { ("0::int8", "blk") };
    Some(StatementQueries {
        all: format!(
            "SELECT userid, dbid, queryid, {toplevel}, {born}, calls, total_exec_time, rows, \
             {time}_read_time, {time}_write_time, shared_blks_hit, shared_blks_read, shared_blks_dirtied, \
             shared_blks_written, temp_blks_read, temp_blks_written \
             FROM {schema}.pg_stat_statements(false) LIMIT {}",
            max + 1
        ),
        info: (version >= (1, 9))
            .then(|| format!("SELECT dealloc, stats_reset FROM {schema}.pg_stat_statements_info")),
        texts: format!(
            "SELECT s.userid, s.dbid, s.queryid, pg_get_userbyid(s.userid), \
             coalesce(d.datname, s.dbid::text), left(s.query, 20000) \
             FROM {schema}.pg_stat_statements(true) s LEFT JOIN pg_database d ON d.oid = s.dbid \
             WHERE s.queryid = ANY($1::int8[])"
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_version_of_the_extension_is_asked_for_the_columns_that_it_has() {
        let all = |version| statements(version, "public", 9).unwrap().all;
        assert!(all("1.8").contains(" true, 0::int8,") && all("1.8").contains(" blk_read_time"));
        assert!(all("1.10").contains("toplevel, 0::int8"));
        assert!(all("1.11").contains("stats_since") && all("1.12").contains("shared_blk_read_time"));
        assert_eq!(statements("1.8", "public", 9).unwrap().info, None);
        assert_eq!(statements("1.7", "public", 9), None);
        assert_eq!(statements("odd", "public", 9), None);
    }
}
