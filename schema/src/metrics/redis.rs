//! Redis, under the names and labels of redis_exporter, so that dashboards and alert rules written
//! for it keep working.
//!
//! The names are kept whatever they are: some break Prometheus' naming rules, and a new name would
//! break every dashboard that selects the old one. Our own additions live in the other files.

use super::Metric;

/// Declares each metric once: a constant whose documentation is its help, and its place in the list.
macro_rules! metrics {
    ($(#[$list_doc:meta])* $list:ident; $($kind:ident $constant:ident $name:literal [$($label:literal),*] $help:literal;)+) => {
        $(#[doc = $help] pub const $constant: Metric = Metric::$kind($name, $help, &[$($label),*]);)+
        $(#[$list_doc])*
        pub const $list: &[Metric] = &[$($constant),+];
    };
}

metrics! {
    /// Every metric of a Redis or Valkey server.
    REDIS;

    // The scrape itself.
    gauge REDIS_UP "redis_up" [] "1 if the server answered this scrape, else 0.";
    gauge REDIS_LAST_SCRAPE_SECONDS "redis_exporter_last_scrape_duration_seconds" [] "Time that this scrape of the server took.";
    gauge REDIS_LAST_SCRAPE_ERROR "redis_exporter_last_scrape_error" ["err"] "1 if this scrape of the server failed, with the kind of failure in err; else 0 and an empty err.";

    // Who the server is.
    gauge REDIS_INSTANCE_INFO "redis_instance_info" ["role", "redis_version", "redis_build_id", "redis_mode", "os", "maxmemory_policy", "tcp_port", "run_id", "process_id", "master_replid"] "Always 1; the labels say what the server is.";
    gauge REDIS_UPTIME "redis_uptime_in_seconds" [] "Seconds since the server started.";
    gauge REDIS_START_TIME "redis_start_time_seconds" [] "Unix time at which the server started, by the server's own clock where it tells it.";
    gauge REDIS_PROCESS_ID "redis_process_id" [] "Process id of the server.";

    // Effectiveness.
    counter REDIS_HITS "redis_keyspace_hits_total" [] "Lookups of a key that was there, of every client and reading command.";
    counter REDIS_MISSES "redis_keyspace_misses_total" [] "Lookups of a key that was not there, of every client and reading command.";
    counter REDIS_EVICTED "redis_evicted_keys_total" [] "Keys removed because memory was short.";
    counter REDIS_EXPIRED "redis_expired_keys_total" [] "Keys removed because their time to live had passed.";
    gauge REDIS_EXPIRED_STALE_PERCENTAGE "redis_expired_stale_percentage" [] "Estimated percentage of keys that have expired but are still held.";

    // Memory.
    gauge REDIS_MEMORY_USED "redis_memory_used_bytes" [] "Memory allocated by the server.";
    gauge REDIS_MEMORY_RSS "redis_memory_used_rss_bytes" [] "Memory of the server as the operating system sees it.";
    gauge REDIS_MEMORY_PEAK "redis_memory_used_peak_bytes" [] "Most memory that the server ever allocated.";
    gauge REDIS_MEMORY_DATASET "redis_memory_used_dataset_bytes" [] "Memory of the data itself, without overhead.";
    gauge REDIS_MEMORY_OVERHEAD "redis_memory_used_overhead_bytes" [] "Memory of the server's own structures.";
    gauge REDIS_MEMORY_STARTUP "redis_memory_used_startup_bytes" [] "Memory that the server used when it started.";
    gauge REDIS_MEMORY_LUA "redis_memory_used_lua_bytes" [] "Memory of the Lua engine.";
    gauge REDIS_MEMORY_SCRIPTS "redis_memory_used_scripts_bytes" [] "Memory of cached scripts.";
    gauge REDIS_MEMORY_MAX "redis_memory_max_bytes" [] "The memory limit; 0 means that there is none.";
    gauge REDIS_FRAGMENTATION_RATIO "redis_mem_fragmentation_ratio" [] "Memory as the operating system sees it, divided by memory allocated.";
    gauge REDIS_FRAGMENTATION_BYTES "redis_mem_fragmentation_bytes" [] "Memory as the operating system sees it, less memory allocated.";
    gauge REDIS_MEMORY_CLIENTS_NORMAL "redis_mem_clients_normal" [] "Bytes held by normal clients.";
    gauge REDIS_MEMORY_CLIENTS_REPLICAS "redis_mem_clients_slaves" [] "Bytes held by replica clients.";
    gauge REDIS_MEMORY_NOT_EVICTABLE "redis_mem_not_counted_for_eviction_bytes" [] "Memory that the limit does not count.";
    gauge REDIS_ALLOCATOR_ACTIVE "redis_allocator_active_bytes" [] "Bytes in the allocator's active pages.";
    gauge REDIS_ALLOCATOR_ALLOCATED "redis_allocator_allocated_bytes" [] "Bytes allocated from the allocator.";
    gauge REDIS_ALLOCATOR_RESIDENT "redis_allocator_resident_bytes" [] "Bytes that the allocator holds resident.";
    gauge REDIS_SYSTEM_MEMORY "redis_total_system_memory_bytes" [] "Memory of the server's host.";
    gauge REDIS_LAZYFREE_PENDING "redis_lazyfree_pending_objects" [] "Objects waiting to be freed in the background.";

    // Keys.
    gauge REDIS_DB_KEYS "redis_db_keys" ["db"] "Keys by database.";
    gauge REDIS_DB_KEYS_EXPIRING "redis_db_keys_expiring" ["db"] "Keys that have a time to live, by database.";
    gauge REDIS_DB_AVG_TTL "redis_db_avg_ttl_seconds" ["db"] "Estimated mean time to live of the keys that have one, by database.";

    // Clients, network, processor.
    gauge REDIS_CLIENTS "redis_connected_clients" [] "Connected clients, this exporter's connection among them.";
    gauge REDIS_CLIENTS_BLOCKED "redis_blocked_clients" [] "Clients that wait in a blocking command.";
    gauge REDIS_CLIENTS_TRACKING "redis_tracking_clients" [] "Clients that use client-side caching.";
    gauge REDIS_CLIENTS_MAX "redis_max_clients" [] "The limit of connected clients.";
    gauge REDIS_CONFIG_MAXCLIENTS "redis_config_maxclients" [] "The limit of connected clients, as configured.";
    gauge REDIS_CONFIG_MAXMEMORY "redis_config_maxmemory" [] "The memory limit in bytes, as configured; 0 means that there is none.";
    gauge REDIS_RECENT_MAX_INPUT_BUFFER "redis_client_recent_max_input_buffer_bytes" [] "Largest input buffer of a client of late.";
    gauge REDIS_RECENT_MAX_OUTPUT_BUFFER "redis_client_recent_max_output_buffer_bytes" [] "Largest output buffer of a client of late.";
    counter REDIS_CONNECTIONS_REJECTED "redis_rejected_connections_total" [] "Connections rejected because the limit of clients was reached.";
    counter REDIS_CONNECTIONS_RECEIVED "redis_connections_received_total" [] "Connections accepted.";
    counter REDIS_COMMANDS_PROCESSED "redis_commands_processed_total" [] "Commands processed.";
    counter REDIS_NET_INPUT "redis_net_input_bytes_total" [] "Bytes read from the network.";
    counter REDIS_NET_OUTPUT "redis_net_output_bytes_total" [] "Bytes written to the network.";
    counter REDIS_CPU_SYS "redis_cpu_sys_seconds_total" [] "Processor time in the kernel.";
    counter REDIS_CPU_USER "redis_cpu_user_seconds_total" [] "Processor time in user mode.";
    counter REDIS_CPU_SYS_CHILDREN "redis_cpu_sys_children_seconds_total" [] "Processor time of background processes in the kernel.";
    counter REDIS_CPU_USER_CHILDREN "redis_cpu_user_children_seconds_total" [] "Processor time of background processes in user mode.";
    gauge REDIS_PUBSUB_CHANNELS "redis_pubsub_channels" [] "Channels with a subscriber.";
    gauge REDIS_PUBSUB_PATTERNS "redis_pubsub_patterns" [] "Patterns with a subscriber.";
    gauge REDIS_LATEST_FORK "redis_latest_fork_seconds" [] "Time of the latest fork.";

    // Commands.
    counter REDIS_COMMANDS "redis_commands_total" ["cmd"] "Calls by command.";
    counter REDIS_COMMANDS_SECONDS "redis_commands_duration_seconds_total" ["cmd"] "Time in commands, by command.";
    counter REDIS_COMMANDS_REJECTED "redis_commands_rejected_calls_total" ["cmd"] "Calls rejected before they ran, by command.";
    counter REDIS_COMMANDS_FAILED "redis_commands_failed_calls_total" ["cmd"] "Calls that ran and failed, by command.";
    counter REDIS_ERRORS "redis_errors_total" ["err"] "Error replies by their first word.";

    // The slow log.
    gauge REDIS_SLOWLOG_LENGTH "redis_slowlog_length" [] "Entries in the slow log.";
    gauge REDIS_SLOWLOG_LAST_ID "redis_slowlog_last_id" [] "Id of the newest entry in the slow log; 0 if it is empty.";
    gauge REDIS_LAST_SLOW_EXECUTION "redis_last_slow_execution_duration_seconds" [] "Time of the newest entry in the slow log; 0 if it is empty.";

    // Replication and persistence.
    gauge REDIS_CONNECTED_REPLICAS "redis_connected_slaves" [] "Connected replicas.";
    gauge REDIS_REPLICA_INFO "redis_slave_info" ["master_host", "master_port", "read_only"] "Always 1 on a replica; the labels say whose.";
    gauge REDIS_MASTER_LINK_UP "redis_master_link_up" ["master_host", "master_port"] "On a replica: 1 if the link to its master is up, else 0.";
    gauge REDIS_MASTER_LAST_IO "redis_master_last_io_seconds_ago" ["master_host", "master_port"] "On a replica: seconds since its master was last heard.";
    gauge REDIS_MASTER_REPL_OFFSET "redis_master_repl_offset" [] "The replication offset of the master.";
    gauge REDIS_RDB_CHANGES "redis_rdb_changes_since_last_save" [] "Changes since the last snapshot.";
    gauge REDIS_RDB_IN_PROGRESS "redis_rdb_bgsave_in_progress" [] "1 while a snapshot is written, else 0.";
    gauge REDIS_RDB_LAST_SAVE "redis_rdb_last_save_timestamp_seconds" [] "Unix time of the last good snapshot.";
    gauge REDIS_RDB_LAST_STATUS "redis_rdb_last_bgsave_status" [] "1 if the last snapshot was written, else 0.";
    gauge REDIS_AOF_ENABLED "redis_aof_enabled" [] "1 if the append-only file is on, else 0.";
    gauge REDIS_AOF_LAST_STATUS "redis_aof_last_write_status" [] "1 if the last write of the append-only file went well, else 0.";
    gauge REDIS_LOADING "redis_loading_dump_file" [] "1 while the server loads its data, else 0.";
}
