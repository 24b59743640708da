//! The table: which field of `INFO` becomes which metric, on which scale.
//!
//! Adding a field is one line here and one in the registry. Fields that are not in the table are
//! ignored, so a newer server breaks nothing.

use hitmark_schema::metrics::{self as m, Metric};

/// How the text of a field becomes the value of a sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scale {
    /// As it is.
    One,
    /// Microseconds become seconds.
    Micros,
    /// Milliseconds become seconds.
    Millis,
    /// A percentage becomes a ratio.
    Percent,
    /// `ok` is 1, anything else is 0.
    Ok,
    /// This word is 0, anything else is 1.
    Not(&'static str),
}

/// Field, metric, scale; in the order of the page.
pub(super) const FIELDS: &[(&str, Metric, Scale)] = {
    use Scale::{Micros, Millis, Not, Ok, One, Percent};
    &[
        ("uptime_in_seconds", m::REDIS_UPTIME, One),
        ("process_id", m::REDIS_PROCESS_ID, One),
        ("keyspace_hits", m::REDIS_HITS, One),
        ("keyspace_misses", m::REDIS_MISSES, One),
        ("evicted_keys", m::REDIS_EVICTED, One),
        ("expired_keys", m::REDIS_EXPIRED, One),
        ("expired_stale_perc", m::REDIS_EXPIRED_STALE_PERCENTAGE, One),
        ("used_memory", m::REDIS_MEMORY_USED, One),
        ("used_memory_rss", m::REDIS_MEMORY_RSS, One),
        ("used_memory_peak", m::REDIS_MEMORY_PEAK, One),
        ("used_memory_dataset", m::REDIS_MEMORY_DATASET, One),
        ("used_memory_overhead", m::REDIS_MEMORY_OVERHEAD, One),
        ("used_memory_startup", m::REDIS_MEMORY_STARTUP, One),
        ("used_memory_lua", m::REDIS_MEMORY_LUA, One),
        ("used_memory_scripts", m::REDIS_MEMORY_SCRIPTS, One),
        ("maxmemory", m::REDIS_MEMORY_MAX, One),
        ("mem_fragmentation_ratio", m::REDIS_FRAGMENTATION_RATIO, One),
        ("mem_fragmentation_bytes", m::REDIS_FRAGMENTATION_BYTES, One),
        ("mem_clients_normal", m::REDIS_MEMORY_CLIENTS_NORMAL, One),
        ("mem_clients_slaves", m::REDIS_MEMORY_CLIENTS_REPLICAS, One),
        ("mem_not_counted_for_evict", m::REDIS_MEMORY_NOT_EVICTABLE, One),
        ("allocator_active", m::REDIS_ALLOCATOR_ACTIVE, One),
        ("allocator_allocated", m::REDIS_ALLOCATOR_ALLOCATED, One),
        ("allocator_resident", m::REDIS_ALLOCATOR_RESIDENT, One),
        ("total_system_memory", m::REDIS_SYSTEM_MEMORY, One),
        ("lazyfree_pending_objects", m::REDIS_LAZYFREE_PENDING, One),
        ("connected_clients", m::REDIS_CLIENTS, One),
        ("blocked_clients", m::REDIS_CLIENTS_BLOCKED, One),
        ("tracking_clients", m::REDIS_CLIENTS_TRACKING, One),
        ("maxclients", m::REDIS_CLIENTS_MAX, One),
        ("client_recent_max_input_buffer", m::REDIS_RECENT_MAX_INPUT_BUFFER, One),
        ("client_recent_max_output_buffer", m::REDIS_RECENT_MAX_OUTPUT_BUFFER, One),
        ("rejected_connections", m::REDIS_CONNECTIONS_REJECTED, One),
        ("total_connections_received", m::REDIS_CONNECTIONS_RECEIVED, One),
        ("total_commands_processed", m::REDIS_COMMANDS_PROCESSED, One),
        ("total_net_input_bytes", m::REDIS_NET_INPUT, One),
        ("total_net_output_bytes", m::REDIS_NET_OUTPUT, One),
        ("used_cpu_sys", m::REDIS_CPU_SYS, One),
        ("used_cpu_user", m::REDIS_CPU_USER, One),
        ("used_cpu_sys_children", m::REDIS_CPU_SYS_CHILDREN, One),
        ("used_cpu_user_children", m::REDIS_CPU_USER_CHILDREN, One),
        ("pubsub_channels", m::REDIS_PUBSUB_CHANNELS, One),
        ("pubsub_patterns", m::REDIS_PUBSUB_PATTERNS, One),
        ("latest_fork_usec", m::REDIS_LATEST_FORK, Micros),
        ("connected_slaves", m::REDIS_CONNECTED_REPLICAS, One),
        ("master_repl_offset", m::REDIS_MASTER_REPL_OFFSET, One),
        ("rdb_changes_since_last_save", m::REDIS_RDB_CHANGES, One),
        ("rdb_bgsave_in_progress", m::REDIS_RDB_IN_PROGRESS, One),
        ("rdb_last_save_time", m::REDIS_RDB_LAST_SAVE, One),
        ("rdb_last_bgsave_status", m::REDIS_RDB_LAST_STATUS, Ok),
        ("aof_enabled", m::REDIS_AOF_ENABLED, One),
        ("aof_last_write_status", m::REDIS_AOF_LAST_STATUS, Ok),
        ("loading", m::REDIS_LOADING, One),
        ("cluster_enabled", m::REDIS_CLUSTER_ENABLED, One),
        ("io_threads_active", m::REDIS_IO_THREADS_ACTIVE, One),
        ("clients_in_timeout_table", m::REDIS_CLIENTS_TIMEOUT_TABLE, One),
        ("cluster_connections", m::REDIS_CLUSTER_CONNECTIONS, One),
        ("allocator_frag_bytes", m::REDIS_ALLOCATOR_FRAG_BYTES, One),
        ("allocator_frag_ratio", m::REDIS_ALLOCATOR_FRAG_RATIO, One),
        ("allocator_rss_bytes", m::REDIS_ALLOCATOR_RSS_BYTES, One),
        ("allocator_rss_ratio", m::REDIS_ALLOCATOR_RSS_RATIO, One),
        ("rss_overhead_ratio", m::REDIS_RSS_OVERHEAD_RATIO, One),
        ("rss_overhead_bytes", m::REDIS_RSS_OVERHEAD_BYTES, One),
        ("used_memory_vm_eval", m::REDIS_MEMORY_VM_EVAL, One),
        ("used_memory_scripts_eval", m::REDIS_MEMORY_SCRIPTS_EVAL, One),
        ("number_of_cached_scripts", m::REDIS_CACHED_SCRIPTS, One),
        ("number_of_functions", m::REDIS_FUNCTIONS, One),
        ("number_of_libraries", m::REDIS_LIBRARIES, One),
        ("used_memory_vm_functions", m::REDIS_MEMORY_VM_FUNCTIONS, One),
        ("used_memory_vm_total", m::REDIS_MEMORY_VM_TOTAL, One),
        ("used_memory_functions", m::REDIS_MEMORY_FUNCTIONS, One),
        ("mem_replication_backlog", m::REDIS_MEMORY_BACKLOG, One),
        ("mem_total_replication_buffers", m::REDIS_MEMORY_REPLICATION, One),
        ("mem_cluster_links", m::REDIS_MEMORY_CLUSTER_LINKS, One),
        ("mem_aof_buffer", m::REDIS_MEMORY_AOF_BUFFER, One),
        ("active_defrag_running", m::REDIS_DEFRAG_RUNNING, One),
        ("lazyfreed_objects", m::REDIS_LAZYFREED, One),
        ("async_loading", m::REDIS_ASYNC_LOADING, One),
        ("rdb_last_bgsave_time_sec", m::REDIS_RDB_LAST_SECONDS, One),
        ("rdb_current_bgsave_time_sec", m::REDIS_RDB_CURRENT_SECONDS, One),
        ("rdb_saves", m::REDIS_RDB_SAVES, One),
        ("rdb_last_cow_size", m::REDIS_RDB_COW, One),
        ("rdb_last_load_keys_expired", m::REDIS_RDB_LOAD_EXPIRED, One),
        ("rdb_last_load_keys_loaded", m::REDIS_RDB_LOAD_LOADED, One),
        ("aof_rewrite_in_progress", m::REDIS_AOF_REWRITING, One),
        ("aof_rewrite_scheduled", m::REDIS_AOF_SCHEDULED, One),
        ("aof_last_rewrite_time_sec", m::REDIS_AOF_LAST_SECONDS, One),
        ("aof_current_rewrite_time_sec", m::REDIS_AOF_CURRENT_SECONDS, One),
        ("aof_last_bgrewrite_status", m::REDIS_AOF_LAST_BGREWRITE, Ok),
        ("aof_last_cow_size", m::REDIS_AOF_COW, One),
        ("aof_current_size", m::REDIS_AOF_SIZE, One),
        ("aof_base_size", m::REDIS_AOF_BASE, One),
        ("aof_pending_rewrite", m::REDIS_AOF_PENDING, One),
        ("aof_buffer_length", m::REDIS_AOF_BUFFER, One),
        ("aof_pending_bio_fsync", m::REDIS_AOF_BIO, One),
        ("aof_delayed_fsync", m::REDIS_AOF_DELAYED, One),
        ("module_fork_in_progress", m::REDIS_MODULE_FORK, One),
        ("module_fork_last_cow_size", m::REDIS_MODULE_COW, One),
        ("expired_time_cap_reached_count", m::REDIS_EXPIRED_CAP, One),
        ("expire_cycle_cpu_milliseconds", m::REDIS_EXPIRE_CPU, One),
        ("total_eviction_exceeded_time", m::REDIS_EVICTION_EXCEEDED, One),
        ("current_eviction_exceeded_time", m::REDIS_EVICTION_NOW, One),
        ("evicted_clients", m::REDIS_EVICTED_CLIENTS, One),
        ("pubsubshard_channels", m::REDIS_PUBSUB_SHARD, One),
        ("migrate_cached_sockets", m::REDIS_MIGRATE_SOCKETS, One),
        ("slave_expires_tracked_keys", m::REDIS_EXPIRES_TRACKED, One),
        ("active_defrag_hits", m::REDIS_DEFRAG_HITS, One),
        ("active_defrag_misses", m::REDIS_DEFRAG_MISSES, One),
        ("active_defrag_key_hits", m::REDIS_DEFRAG_KEY_HITS, One),
        ("active_defrag_key_misses", m::REDIS_DEFRAG_KEY_MISSES, One),
        ("tracking_total_keys", m::REDIS_TRACKING_KEYS, One),
        ("tracking_total_items", m::REDIS_TRACKING_ITEMS, One),
        ("tracking_total_prefixes", m::REDIS_TRACKING_PREFIXES, One),
        ("unexpected_error_replies", m::REDIS_UNEXPECTED_ERRORS, One),
        ("total_error_replies", m::REDIS_ERROR_REPLIES, One),
        ("dump_payload_sanitizations", m::REDIS_DUMP_SANITIZATIONS, One),
        ("total_reads_processed", m::REDIS_READS, One),
        ("total_writes_processed", m::REDIS_WRITES, One),
        ("io_threaded_reads_processed", m::REDIS_IO_READS, One),
        ("io_threaded_writes_processed", m::REDIS_IO_WRITES, One),
        ("total_net_repl_input_bytes", m::REDIS_NET_REPL_INPUT, One),
        ("total_net_repl_output_bytes", m::REDIS_NET_REPL_OUTPUT, One),
        ("used_cpu_sys_main_thread", m::REDIS_CPU_SYS_MAIN, One),
        ("used_cpu_user_main_thread", m::REDIS_CPU_USER_MAIN, One),
        ("sync_full", m::REDIS_RESYNCS_FULL, One),
        ("sync_partial_ok", m::REDIS_RESYNC_ACCEPTED, One),
        ("sync_partial_err", m::REDIS_RESYNC_DENIED, One),
        ("repl_backlog_size", m::REDIS_BACKLOG_SIZE, One),
        ("repl_backlog_active", m::REDIS_BACKLOG_ACTIVE, One),
        ("repl_backlog_first_byte_offset", m::REDIS_BACKLOG_FIRST, One),
        ("repl_backlog_histlen", m::REDIS_BACKLOG_HISTORY, One),
        ("second_repl_offset", m::REDIS_SECOND_OFFSET, One),
        ("slave_priority", m::REDIS_REPLICA_PRIORITY, One),
        ("pubsub_clients", m::REDIS_PUBSUB_CLIENTS, One),
        ("watching_clients", m::REDIS_WATCHING_CLIENTS, One),
        ("total_watched_keys", m::REDIS_WATCHED_KEYS, One),
        ("total_blocking_keys", m::REDIS_BLOCKING_KEYS, One),
        ("total_blocking_keys_on_nokey", m::REDIS_BLOCKING_KEYS_ON_NOKEY, One),
        ("paused_timeout_milliseconds", m::REDIS_PAUSED_TIMEOUT, Millis),
        ("client_query_buffer_limit_disconnections", m::REDIS_QUERY_LIMIT_DISCONNECTIONS, One),
        ("client_output_buffer_limit_disconnections", m::REDIS_OUTPUT_LIMIT_DISCONNECTIONS, One),
        ("reply_buffer_shrinks", m::REDIS_REPLY_BUFFER_SHRINKS, One),
        ("reply_buffer_expands", m::REDIS_REPLY_BUFFER_EXPANDS, One),
        ("acl_access_denied_auth", m::REDIS_DENIED_AUTH, One),
        ("acl_access_denied_cmd", m::REDIS_DENIED_COMMAND, One),
        ("acl_access_denied_key", m::REDIS_DENIED_KEY, One),
        ("acl_access_denied_channel", m::REDIS_DENIED_CHANNEL, One),
        ("acl_access_denied_db", m::REDIS_DENIED_DB, One),
        ("acl_access_denied_tls_cert", m::REDIS_DENIED_CERTIFICATE, One),
        ("allocator_muzzy", m::REDIS_ALLOCATOR_MUZZY, One),
        ("mem_overhead_db_hashtable_rehashing", m::REDIS_REHASHING_OVERHEAD, One),
        ("mem_replicas_repl_buffer", m::REDIS_MEMORY_REPLICAS_BUFFER, One),
        ("mem_replica_full_sync_buffer", m::REDIS_MEMORY_FULL_SYNC_BUFFER, One),
        ("mem_cluster_slot_import", m::REDIS_MEMORY_SLOT_IMPORT, One),
        ("mem_cluster_slot_export", m::REDIS_MEMORY_SLOT_EXPORT, One),
        ("used_memory_peak_time", m::REDIS_MEMORY_PEAK_TIME, One),
        ("used_memory_hash_templates", m::REDIS_MEMORY_HASH_TEMPLATES, One),
        ("hash_templates", m::REDIS_HASH_TEMPLATES, One),
        ("hash_template_keys", m::REDIS_HASH_TEMPLATE_KEYS, One),
        ("total_active_defrag_time", m::REDIS_DEFRAG_SECONDS, Millis),
        ("current_active_defrag_time", m::REDIS_DEFRAG_NOW, Millis),
        ("expired_subkeys", m::REDIS_EXPIRED_SUBKEYS, One),
        ("expired_fields", m::REDIS_EXPIRED_FIELDS, One),
        ("expired_keys_active", m::REDIS_EXPIRED_ACTIVE, One),
        ("expired_subkeys_active", m::REDIS_EXPIRED_SUBKEYS_ACTIVE, One),
        ("slowlog_commands_count", m::REDIS_SLOWLOG_COMMANDS, One),
        ("slowlog_commands_time_ms_sum", m::REDIS_SLOWLOG_COMMANDS_SECONDS, Millis),
        ("slowlog_commands_time_ms_max", m::REDIS_SLOWLOG_COMMANDS_MAX, Millis),
        ("evicted_scripts", m::REDIS_EVICTED_SCRIPTS, One),
        ("expired_keys_with_volatile_items_stale_perc", m::REDIS_STALE_ITEMS, One),
        ("eventloop_cycles", m::REDIS_EVENTLOOP_CYCLES, One),
        ("eventloop_duration_sum", m::REDIS_EVENTLOOP_DURATION, One),
        ("eventloop_duration_cmd_sum", m::REDIS_EVENTLOOP_COMMANDS, One),
        ("instantaneous_eventloop_cycles_per_sec", m::REDIS_EVENTLOOP_RATE, One),
        ("instantaneous_eventloop_duration_usec", m::REDIS_EVENTLOOP_TURN, One),
        ("used_active_time_main_thread", m::REDIS_ACTIVE_MAIN_THREAD, One),
        ("io_threaded_accept_processed", m::REDIS_IO_ACCEPTS, One),
        ("io_threaded_poll_processed", m::REDIS_IO_POLLS, One),
        ("io_threaded_freed_objects", m::REDIS_IO_FREED, One),
        ("io_threaded_total_prefetch_batches", m::REDIS_PREFETCH_BATCHES, One),
        ("io_threaded_total_prefetch_entries", m::REDIS_PREFETCH_ENTRIES, One),
        ("total_forks", m::REDIS_FORKS, One),
        ("current_cow_peak", m::REDIS_COW_PEAK, One),
        ("current_cow_size", m::REDIS_COW_SIZE, One),
        ("current_cow_size_age", m::REDIS_COW_AGE, One),
        ("current_fork_perc", m::REDIS_FORK_PROGRESS, Percent),
        ("current_save_keys_processed", m::REDIS_SAVE_PROCESSED, One),
        ("current_save_keys_total", m::REDIS_SAVE_KEYS, One),
        ("backup_in_progress", m::REDIS_BACKUP_IN_PROGRESS, One),
        ("aof_rewrites", m::REDIS_AOF_REWRITES, One),
        ("aof_rewrites_consecutive_failures", m::REDIS_AOF_REWRITE_FAILURES, One),
        ("aof_rewrite_buffer_length", m::REDIS_AOF_REWRITE_BUFFER, One),
        ("loading_start_time", m::REDIS_LOADING_START, One),
        ("loading_total_bytes", m::REDIS_LOADING_SIZE, One),
        ("loading_loaded_bytes", m::REDIS_LOADING_LOADED, One),
        ("loading_eta_seconds", m::REDIS_LOADING_ETA, One),
        ("loading_rdb_used_mem", m::REDIS_LOADING_MEMORY, One),
        ("master_failover_state", m::REDIS_FAILOVER_IN_PROGRESS, Not("no-failover")),
        ("replicas_repl_buffer_size", m::REDIS_REPLICAS_BUFFER_SIZE, One),
        ("replicas_repl_buffer_peak", m::REDIS_REPLICAS_BUFFER_PEAK, One),
        ("replica_full_sync_buffer_size", m::REDIS_FULL_SYNC_BUFFER_SIZE, One),
        ("replica_full_sync_buffer_peak", m::REDIS_FULL_SYNC_BUFFER_PEAK, One),
        ("replicas_waiting_psync", m::REDIS_REPLICAS_WAITING, One),
        ("min_slaves_good_slaves", m::REDIS_GOOD_REPLICAS, One),
        ("master_link_down_since_seconds", m::REDIS_LINK_DOWN, One),
        ("master_link_up_since_seconds", m::REDIS_LINK_UP, One),
        ("total_disconnect_time_sec", m::REDIS_DISCONNECTED, One),
        ("master_current_sync_attempts", m::REDIS_SYNC_ATTEMPTS_NOW, One),
        ("master_total_sync_attempts", m::REDIS_SYNC_ATTEMPTS, One),
        ("master_sync_total_bytes", m::REDIS_SYNC_SIZE, One),
        ("master_sync_read_bytes", m::REDIS_SYNC_READ, One),
        ("master_sync_left_bytes", m::REDIS_SYNC_LEFT, One),
        ("master_sync_last_io_seconds_ago", m::REDIS_SYNC_LAST_IO, One),
        ("slave_read_repl_offset", m::REDIS_SLAVE_READ_OFFSET, One),
        ("total_net_cluster_slot_import_bytes", m::REDIS_NET_SLOT_IMPORT, One),
        ("total_net_cluster_slot_export_bytes", m::REDIS_NET_SLOT_EXPORT, One),
        ("slot_migration_fork_in_progress", m::REDIS_SLOT_MIGRATION_FORK, One),
        ("tls_server_cert_expires_in_seconds", m::REDIS_TLS_SERVER_EXPIRES, One),
        ("tls_client_cert_expires_in_seconds", m::REDIS_TLS_CLIENT_EXPIRES, One),
        ("tls_ca_cert_expires_in_seconds", m::REDIS_TLS_CA_EXPIRES, One),
        ("sentinel_tilt_since_seconds", m::REDIS_SENTINEL_TILT_SINCE, One),
        ("sentinel_total_tilt", m::REDIS_SENTINEL_TILTS, One),
        ("engines_count", m::REDIS_ENGINES, One),
        ("engines_total_used_memory", m::REDIS_ENGINES_MEMORY, One),
        ("engines_total_memory_overhead", m::REDIS_ENGINES_OVERHEAD, One),
    ]
};

impl Scale {
    /// The value of a field's text, or nothing if the text makes no sense.
    pub(super) fn read(self, text: &str) -> Option<f64> {
        match self {
            Self::One => number(text),
            Self::Micros => number(text).map(|micros| micros / 1e6),
            Self::Millis => number(text).map(|millis| millis / 1e3),
            Self::Percent => number(text).map(|percent| percent / 100.0),
            Self::Ok => Some(f64::from(u8::from(text == "ok"))),
            Self::Not(word) => Some(f64::from(u8::from(text != word))),
        }
    }
}

/// A finite number. Rust would also read `nan` and `inf`, which no healthy server writes.
pub(super) fn number(text: &str) -> Option<f64> {
    text.parse().ok().filter(|value: &f64| value.is_finite())
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use hitmark_schema::metrics::Kind;

    use super::*;

    #[test]
    fn each_field_and_each_metric_is_in_the_table_once() {
        let fields: HashSet<_> = FIELDS.iter().map(|(field, ..)| field).collect();
        let names: HashSet<_> = FIELDS.iter().map(|(_, metric, _)| metric.name).collect();
        assert_eq!((fields.len(), names.len()), (FIELDS.len(), FIELDS.len()));
    }

    #[test]
    fn a_metric_of_the_table_has_no_label_and_is_no_histogram() {
        for (field, metric, _) in FIELDS {
            assert!(metric.labels.is_empty() && metric.kind != Kind::Histogram, "{field}");
        }
    }

    #[test]
    fn scales_read_what_servers_write() {
        for (scale, text, value) in [
            (Scale::One, "12", Some(12.0)),
            (Scale::One, "-1", Some(-1.0)),
            (Scale::One, "0.25", Some(0.25)),
            (Scale::One, "nan", None),
            (Scale::One, "12M", None),
            (Scale::One, "", None),
            (Scale::Micros, "1500", Some(0.0015)),
            (Scale::Millis, "1500", Some(1.5)),
            (Scale::Percent, "12.50", Some(0.125)),
            (Scale::Not("no-failover"), "no-failover", Some(0.0)),
            (Scale::Not("no-failover"), "waiting-for-sync", Some(1.0)),
            (Scale::Ok, "ok", Some(1.0)),
            (Scale::Ok, "err", Some(0.0)),
        ] {
            assert_eq!(scale.read(text), value, "{scale:?} {text:?}");
        }
    }
}
