//! Redis, under the names and labels of redis_exporter, so that dashboards and alert rules written
//! for it keep working.
//!
//! The names are kept whatever they are: some break Prometheus' naming rules, and a new name would
//! break every dashboard that selects the old one. Our own additions live in the other files.

use super::Metric;
use super::declare::metrics;

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

    // Further fields of INFO.
    gauge REDIS_IO_THREADS_ACTIVE "redis_io_threads_active" [] "1 while I/O threads are at work, else 0.";
    gauge REDIS_CLIENTS_TIMEOUT_TABLE "redis_clients_in_timeout_table" [] "Clients in the table of timeouts.";
    gauge REDIS_CLUSTER_CONNECTIONS "redis_cluster_connections" [] "Sockets of the cluster bus.";
    gauge REDIS_ALLOCATOR_FRAG_BYTES "redis_allocator_frag_bytes" [] "Bytes in active pages less bytes allocated.";
    gauge REDIS_ALLOCATOR_FRAG_RATIO "redis_allocator_frag_ratio" [] "Bytes in active pages divided by bytes allocated.";
    gauge REDIS_ALLOCATOR_RSS_BYTES "redis_allocator_rss_bytes" [] "Resident bytes less bytes in active pages.";
    gauge REDIS_ALLOCATOR_RSS_RATIO "redis_allocator_rss_ratio" [] "Resident bytes divided by bytes in active pages.";
    gauge REDIS_RSS_OVERHEAD_RATIO "redis_rss_overhead_ratio" [] "Memory as the operating system sees it, divided by what the allocator holds resident.";
    gauge REDIS_RSS_OVERHEAD_BYTES "redis_rss_overhead_bytes" [] "Memory as the operating system sees it, less what the allocator holds resident.";
    gauge REDIS_MEMORY_VM_EVAL "redis_memory_used_vm_eval_bytes" [] "Memory of the engine of scripts.";
    gauge REDIS_MEMORY_SCRIPTS_EVAL "redis_memory_used_scripts_eval_bytes" [] "Memory of scripts by EVAL.";
    gauge REDIS_CACHED_SCRIPTS "redis_number_of_cached_scripts" [] "Scripts in the cache.";
    gauge REDIS_FUNCTIONS "redis_number_of_functions" [] "Functions loaded.";
    gauge REDIS_LIBRARIES "redis_number_of_libraries" [] "Libraries of functions loaded.";
    gauge REDIS_MEMORY_VM_FUNCTIONS "redis_memory_used_vm_functions_bytes" [] "Memory of the engine of functions.";
    gauge REDIS_MEMORY_VM_TOTAL "redis_memory_used_vm_total" [] "Bytes of the engines of scripts and functions.";
    gauge REDIS_MEMORY_FUNCTIONS "redis_memory_used_functions_bytes" [] "Memory of functions.";
    gauge REDIS_MEMORY_BACKLOG "redis_mem_replication_backlog_bytes" [] "Memory of the replication backlog.";
    gauge REDIS_MEMORY_REPLICATION "redis_mem_total_replication_buffers_bytes" [] "Memory of all replication buffers.";
    gauge REDIS_MEMORY_CLUSTER_LINKS "redis_mem_cluster_links_bytes" [] "Memory of the links of the cluster bus.";
    gauge REDIS_MEMORY_AOF_BUFFER "redis_mem_aof_buffer_bytes" [] "Memory of the buffer of the append-only file.";
    gauge REDIS_DEFRAG_RUNNING "redis_active_defrag_running" [] "Share of the processor that defragmentation uses, in percent; 0 when it rests.";
    gauge REDIS_LAZYFREED "redis_lazyfreed_objects" [] "Objects freed in the background.";
    gauge REDIS_ASYNC_LOADING "redis_async_loading" [] "1 while data is loaded and the old data is still served, else 0.";
    gauge REDIS_RDB_LAST_SECONDS "redis_rdb_last_bgsave_duration_sec" [] "Seconds that the last snapshot took; -1 if there was none.";
    gauge REDIS_RDB_CURRENT_SECONDS "redis_rdb_current_bgsave_duration_sec" [] "Seconds that the snapshot under way has taken; -1 if there is none.";
    gauge REDIS_RDB_SAVES "redis_rdb_saves_total" [] "Snapshots written since the start.";
    gauge REDIS_RDB_COW "redis_rdb_last_cow_size_bytes" [] "Memory copied on write during the last snapshot.";
    gauge REDIS_RDB_LOAD_EXPIRED "redis_rdb_last_load_expired_keys" [] "Keys that had expired when the snapshot was loaded.";
    gauge REDIS_RDB_LOAD_LOADED "redis_rdb_last_load_loaded_keys" [] "Keys loaded from the snapshot.";
    gauge REDIS_AOF_REWRITING "redis_aof_rewrite_in_progress" [] "1 while the append-only file is rewritten, else 0.";
    gauge REDIS_AOF_SCHEDULED "redis_aof_rewrite_scheduled" [] "1 if a rewrite of the append-only file waits for the snapshot, else 0.";
    gauge REDIS_AOF_LAST_SECONDS "redis_aof_last_rewrite_duration_sec" [] "Seconds that the last rewrite took; -1 if there was none.";
    gauge REDIS_AOF_CURRENT_SECONDS "redis_aof_current_rewrite_duration_sec" [] "Seconds that the rewrite under way has taken; -1 if there is none.";
    gauge REDIS_AOF_LAST_BGREWRITE "redis_aof_last_bgrewrite_status" [] "1 if the last rewrite of the append-only file went well, else 0.";
    gauge REDIS_AOF_COW "redis_aof_last_cow_size_bytes" [] "Memory copied on write during the last rewrite.";
    gauge REDIS_AOF_SIZE "redis_aof_current_size_bytes" [] "Size of the append-only file.";
    gauge REDIS_AOF_BASE "redis_aof_base_size_bytes" [] "Size of the append-only file after its last rewrite.";
    gauge REDIS_AOF_PENDING "redis_aof_pending_rewrite" [] "1 if a rewrite starts after the snapshot, else 0.";
    gauge REDIS_AOF_BUFFER "redis_aof_buffer_length" [] "Bytes that wait to be written to the append-only file.";
    gauge REDIS_AOF_BIO "redis_aof_pending_bio_fsync" [] "Syncs of the append-only file that wait.";
    gauge REDIS_AOF_DELAYED "redis_aof_delayed_fsync" [] "Syncs of the append-only file that were late.";
    gauge REDIS_MODULE_FORK "redis_module_fork_in_progress" [] "1 while a module's child process runs, else 0.";
    gauge REDIS_MODULE_COW "redis_module_fork_last_cow_size" [] "Memory copied on write during the last fork of a module.";
    gauge REDIS_EXPIRED_CAP "redis_expired_time_cap_reached_total" [] "Times that expiry stopped early because its time was up.";
    counter REDIS_EXPIRE_CPU "redis_expire_cycle_cpu_time_ms_total" [] "Milliseconds of processor time in expiry.";
    counter REDIS_EVICTION_EXCEEDED "redis_eviction_exceeded_time_ms_total" [] "Milliseconds that memory was over its limit.";
    gauge REDIS_EVICTION_NOW "redis_current_eviction_exceeded_time_ms" [] "Milliseconds that memory has been over its limit now; 0 if it is not.";
    counter REDIS_EVICTED_CLIENTS "redis_evicted_clients_total" [] "Clients closed because their buffers were too large together.";
    gauge REDIS_PUBSUB_SHARD "redis_pubsubshard_channels" [] "Shard channels with a subscriber.";
    gauge REDIS_MIGRATE_SOCKETS "redis_migrate_cached_sockets_total" [] "Sockets kept for MIGRATE.";
    gauge REDIS_EXPIRES_TRACKED "redis_slave_expires_tracked_keys" [] "On a writable replica: keys whose expiry it tracks itself.";
    gauge REDIS_DEFRAG_HITS "redis_defrag_hits" [] "Values moved by defragmentation.";
    gauge REDIS_DEFRAG_MISSES "redis_defrag_misses" [] "Values that defragmentation left where they were.";
    gauge REDIS_DEFRAG_KEY_HITS "redis_defrag_key_hits" [] "Keys that defragmentation moved something of.";
    gauge REDIS_DEFRAG_KEY_MISSES "redis_defrag_key_misses" [] "Keys that defragmentation skipped.";
    gauge REDIS_TRACKING_KEYS "redis_tracking_total_keys" [] "Keys tracked for client-side caching.";
    gauge REDIS_TRACKING_ITEMS "redis_tracking_total_items" [] "Pairs of key and client tracked for client-side caching.";
    gauge REDIS_TRACKING_PREFIXES "redis_tracking_total_prefixes" [] "Prefixes tracked for client-side caching.";
    gauge REDIS_UNEXPECTED_ERRORS "redis_unexpected_error_replies" [] "Error replies that were not expected.";
    counter REDIS_ERROR_REPLIES "redis_total_error_replies" [] "Error replies.";
    gauge REDIS_DUMP_SANITIZATIONS "redis_dump_payload_sanitizations" [] "Payloads checked in depth by RESTORE.";
    counter REDIS_READS "redis_total_reads_processed" [] "Reads from sockets.";
    counter REDIS_WRITES "redis_total_writes_processed" [] "Writes to sockets.";
    counter REDIS_IO_READS "redis_io_threaded_reads_processed" [] "Reads by I/O threads.";
    counter REDIS_IO_WRITES "redis_io_threaded_writes_processed" [] "Writes by I/O threads.";
    counter REDIS_NET_REPL_INPUT "redis_net_repl_input_bytes_total" [] "Bytes read for replication.";
    counter REDIS_NET_REPL_OUTPUT "redis_net_repl_output_bytes_total" [] "Bytes written for replication.";
    counter REDIS_CPU_SYS_MAIN "redis_cpu_sys_main_thread_seconds_total" [] "Processor time of the main thread in the kernel.";
    counter REDIS_CPU_USER_MAIN "redis_cpu_user_main_thread_seconds_total" [] "Processor time of the main thread in user mode.";
    gauge REDIS_RESYNCS_FULL "redis_replica_resyncs_full" [] "Full resyncs with replicas.";
    gauge REDIS_RESYNC_ACCEPTED "redis_replica_partial_resync_accepted" [] "Partial resyncs accepted.";
    gauge REDIS_RESYNC_DENIED "redis_replica_partial_resync_denied" [] "Partial resyncs denied.";
    gauge REDIS_BACKLOG_SIZE "redis_replication_backlog_bytes" [] "Size of the replication backlog.";
    gauge REDIS_BACKLOG_ACTIVE "redis_repl_backlog_is_active" [] "1 if the replication backlog is in use, else 0.";
    gauge REDIS_BACKLOG_FIRST "redis_repl_backlog_first_byte_offset" [] "Offset of the first byte in the replication backlog.";
    gauge REDIS_BACKLOG_HISTORY "redis_repl_backlog_history_bytes" [] "Bytes in the replication backlog.";
    gauge REDIS_SECOND_OFFSET "redis_second_repl_offset" [] "Offset up to which the second replication id is accepted; -1 for none.";
    gauge REDIS_REPLICA_PRIORITY "redis_slave_priority" [] "On a replica: its priority when a master is elected.";

    // Told by lines of their own.
    gauge REDIS_LAST_CONNECT_SECONDS "redis_exporter_last_scrape_connect_time_seconds" [] "Time that connecting took in this scrape; 0 when the kept connection was used.";
    gauge REDIS_REPLICA_OFFSET "redis_connected_slave_offset_bytes" ["slave_ip", "slave_port", "slave_state"] "Replication offset of a replica.";
    gauge REDIS_REPLICA_LAG "redis_connected_slave_lag_seconds" ["slave_ip", "slave_port", "slave_state"] "Seconds since a replica was last heard.";
    gauge REDIS_MASTER_SYNC "redis_master_sync_in_progress" ["master_host", "master_port"] "On a replica: 1 while it takes a full copy from its master, else 0.";
    gauge REDIS_SLAVE_OFFSET "redis_slave_repl_offset" ["master_host", "master_port"] "On a replica: its replication offset.";
    summary REDIS_PERCENTILES "redis_latency_percentiles_usec" ["cmd"] "Microseconds by command, as the server's own percentiles.";
    histogram REDIS_LATENCIES "redis_commands_latencies_usec" ["cmd"] "Microseconds by command. Every bound is there for every command, so that commands can be added up.";
    gauge REDIS_LATENCIES_AGE "redis_commands_latencies_age_seconds" [] "How old the latency histograms on this page are: they are asked for in every few scrapes only.";
    gauge REDIS_SPIKE_LAST "redis_latency_spike_last" ["event_name"] "Unix time of the latest latency spike, by event.";
    gauge REDIS_SPIKE_SECONDS "redis_latency_spike_duration_seconds" ["event_name"] "Time of the latest latency spike, by event.";
    gauge REDIS_CLUSTER_ENABLED "redis_cluster_enabled" [] "1 if the server is part of a cluster, else 0.";
    gauge REDIS_CLUSTER_STATE "redis_cluster_state" [] "1 if the cluster is well, else 0.";
    gauge REDIS_CLUSTER_SLOTS_ASSIGNED "redis_cluster_slots_assigned" [] "Slots that have a node.";
    gauge REDIS_CLUSTER_SLOTS_OK "redis_cluster_slots_ok" [] "Slots whose node is well.";
    gauge REDIS_CLUSTER_SLOTS_PFAIL "redis_cluster_slots_pfail" [] "Slots whose node may have failed.";
    gauge REDIS_CLUSTER_SLOTS_FAIL "redis_cluster_slots_fail" [] "Slots whose node has failed.";
    gauge REDIS_CLUSTER_NODES "redis_cluster_known_nodes" [] "Nodes that this one knows.";
    gauge REDIS_CLUSTER_SIZE "redis_cluster_size" [] "Masters that hold a slot.";
    counter REDIS_CLUSTER_SENT "redis_cluster_messages_sent_total" [] "Messages sent on the cluster bus.";
    counter REDIS_CLUSTER_RECEIVED "redis_cluster_messages_received_total" [] "Messages received on the cluster bus.";
    gauge REDIS_KEY_SIZE "redis_key_size" ["db", "key"] "Length of a configured key by its type; absent if there is no such key.";
    gauge REDIS_KEY_MEMORY "redis_key_memory_usage_bytes" ["db", "key"] "Memory of a configured key.";
    gauge REDIS_STREAM_LENGTH "redis_stream_length" ["db", "stream"] "Entries of a configured stream.";
    gauge REDIS_STREAM_GROUPS "redis_stream_groups" ["db", "stream"] "Consumer groups of a configured stream.";
    gauge REDIS_STREAM_RADIX_KEYS "redis_stream_radix_tree_keys" ["db", "stream"] "Nodes with entries in the stream's tree.";
    gauge REDIS_STREAM_RADIX_NODES "redis_stream_radix_tree_nodes" ["db", "stream"] "Nodes in the stream's tree.";
    gauge REDIS_STREAM_GROUP_CONSUMERS "redis_stream_group_consumers" ["db", "stream", "group"] "Consumers of a group.";
    gauge REDIS_STREAM_GROUP_PENDING "redis_stream_group_messages_pending" ["db", "stream", "group"] "Entries delivered to a group and not acknowledged.";
    gauge REDIS_STREAM_GROUP_LAG "redis_stream_group_lag" ["db", "stream", "group"] "Entries of the stream that the group has not been given yet.";
    gauge REDIS_STREAM_GROUP_READ "redis_stream_group_entries_read" ["db", "stream", "group"] "Entries that the group has been given, by the server's count.";
    gauge REDIS_CLIENTS_BY_NAME "redis_clients" ["name"] "Connected clients by the name that they gave themselves.";
    gauge REDIS_CLIENT_OUTPUT_BYTES "redis_clients_output_memory_bytes" ["name"] "Memory of output buffers by the clients' name.";

    gauge REDIS_LAST_PING_SECONDS "redis_exporter_last_scrape_ping_time_seconds" [] "Time that a PING took in this scrape, where the module asks for one.";
    gauge REDIS_STREAM_FIRST "redis_stream_first_entry_id" ["db", "stream"] "Time in the id of the stream's first entry, in milliseconds.";
    gauge REDIS_STREAM_LAST "redis_stream_last_entry_id" ["db", "stream"] "Time in the id of the stream's last entry, in milliseconds.";
    gauge REDIS_STREAM_LAST_GENERATED "redis_stream_last_generated_id" ["db", "stream"] "Time in the last id that the stream gave, in milliseconds.";
    gauge REDIS_STREAM_MAX_DELETED "redis_stream_max_deleted_entry_id" ["db", "stream"] "Time in the highest id that was deleted, in milliseconds.";
    counter REDIS_STREAM_ADDED "redis_stream_entries_added_total" ["db", "stream"] "Entries ever added to the stream.";
    gauge REDIS_STREAM_GROUP_LAST "redis_stream_group_last_delivered_id" ["db", "stream", "group"] "Time in the id that the group was given last, in milliseconds.";
    gauge REDIS_STREAM_CONSUMER_PENDING "redis_stream_group_consumer_messages_pending" ["db", "stream", "group", "consumer"] "Entries delivered to a consumer and not acknowledged.";
    gauge REDIS_STREAM_CONSUMER_IDLE "redis_stream_group_consumer_idle_seconds" ["db", "stream", "group", "consumer"] "Seconds since a consumer last tried something.";
    gauge REDIS_KEY_VALUE "redis_key_value" ["db", "key"] "The number under a configured key, where the module asks for values.";
    gauge REDIS_KEY_TEXT "redis_key_value_as_string" ["db", "key", "val"] "Always 1; the label is the short text under a configured key, where the module asks for values.";
    gauge REDIS_KEYS_COUNT "redis_keys_count" ["db", "key"] "Keys that match a configured pattern, by the last pass over all keys.";
    gauge REDIS_GROUP_COUNT "redis_key_group_count" ["db", "key_group"] "Keys by group, by the last pass over all keys.";
    gauge REDIS_GROUP_BYTES "redis_key_group_memory_usage_bytes" ["db", "key_group"] "Memory of the keys by group, by the last pass over all keys.";
    gauge REDIS_GROUPS "redis_number_of_distinct_key_groups" ["db"] "Groups of keys.";
    gauge REDIS_GROUPS_MILLIS "redis_last_key_groups_scrape_duration_milliseconds" [] "Milliseconds that the last pass over all keys took, over all its scrapes.";
    gauge REDIS_CONFIG_IO_THREADS "redis_config_io_threads" [] "Threads for sockets, as configured.";
    gauge REDIS_CONFIG_BACKLOG "redis_config_repl_backlog_size" [] "Bytes of the replication backlog, as configured.";
    gauge REDIS_CONFIG_OUTPUT_LIMIT "redis_config_client_output_buffer_limit_bytes" ["class", "limit"] "Limit of a client's output buffer, by class of client; 0 means that there is none.";
    gauge REDIS_CONFIG_OUTPUT_OVERCOME "redis_config_client_output_buffer_limit_overcome_seconds" ["class", "limit"] "Seconds for which the soft limit may be exceeded.";
    gauge REDIS_CONFIG_VALUE "redis_config_value" ["key"] "A number in the configuration, where the module asks for it.";
    gauge REDIS_CONFIG_KEY_VALUE "redis_config_key_value" ["key", "value"] "Always 1; the labels are an entry of the configuration that is no secret, where the module asks for it.";
    gauge REDIS_MODULE_INFO "redis_module_info" ["name", "ver", "api", "filters", "usedby", "using"] "Always 1; the labels say which module is loaded.";
    gauge REDIS_CLIENT_INFO "redis_connected_client_info" ["id", "name", "flags", "db", "host", "user", "resp"] "Always 1; the labels say who a client is, where the module asks for clients one by one.";
    gauge REDIS_CLIENT_OMEM "redis_connected_client_output_buffer_memory_usage_bytes" ["id", "name"] "Memory of a client's output buffer.";
    gauge REDIS_CLIENT_TOTAL "redis_connected_client_total_memory_consumed_bytes" ["id", "name"] "Memory of all of a client's buffers.";
    gauge REDIS_CLIENT_CREATED "redis_connected_client_created_at_timestamp" ["id", "name"] "Unix time at which a client connected.";
    gauge REDIS_CLIENT_IDLE "redis_connected_client_idle_since_timestamp" ["id", "name"] "Unix time since which a client has been idle.";
    gauge REDIS_CLIENT_SUB "redis_connected_client_channel_subscriptions_count" ["id", "name"] "Channels that a client is subscribed to.";
    gauge REDIS_CLIENT_PSUB "redis_connected_client_pattern_matching_subscriptions_count" ["id", "name"] "Patterns that a client is subscribed to.";
    gauge REDIS_CLIENT_SSUB "redis_connected_client_shard_channel_subscriptions_count" ["id", "name"] "Shard channels that a client is subscribed to.";
    gauge REDIS_CLIENT_QUERY "redis_connected_client_query_buffer_length_bytes" ["id", "name"] "Bytes in a client's query buffer.";
    gauge REDIS_CLIENT_QUERY_FREE "redis_connected_client_query_buffer_free_space_bytes" ["id", "name"] "Bytes free in a client's query buffer.";
    gauge REDIS_CLIENT_OUTPUT "redis_connected_client_output_buffer_length_bytes" ["id", "name"] "Bytes in a client's output buffer.";
    gauge REDIS_CLIENT_OUTPUT_LIST "redis_connected_client_output_list_length" ["id", "name"] "Replies that wait for a client.";

    // What a Sentinel tells.
    gauge REDIS_SENTINEL_MASTERS "redis_sentinel_masters" [] "Masters that this Sentinel watches.";
    gauge REDIS_SENTINEL_TILT "redis_sentinel_tilt" [] "1 while the Sentinel does not trust its clock and only watches, else 0.";
    gauge REDIS_SENTINEL_SCRIPTS "redis_sentinel_running_scripts" [] "Scripts that the Sentinel runs now.";
    gauge REDIS_SENTINEL_QUEUE "redis_sentinel_scripts_queue_length" [] "Scripts that wait.";
    gauge REDIS_SENTINEL_SIMULATED "redis_sentinel_simulate_failure_flags" [] "Failures that the Sentinel is told to simulate, as bits.";
    gauge REDIS_SENTINEL_STATUS "redis_sentinel_master_status" ["master_name", "master_address", "master_status"] "1 if the Sentinel finds the master well, else 0.";
    gauge REDIS_SENTINEL_REPLICAS "redis_sentinel_master_slaves" ["master_name", "master_address"] "Replicas of the master.";
    gauge REDIS_SENTINEL_OK_REPLICAS "redis_sentinel_master_ok_slaves" ["master_name", "master_address"] "Replicas of the master that are not held to be down.";
    gauge REDIS_SENTINEL_SENTINELS "redis_sentinel_master_sentinels" ["master_name", "master_address"] "Sentinels that watch the master, this one among them.";
    gauge REDIS_SENTINEL_OK_SENTINELS "redis_sentinel_master_ok_sentinels" ["master_name", "master_address"] "Sentinels that watch the master and are not held to be down, this one among them.";
    gauge REDIS_SENTINEL_QUORUM_OK "redis_sentinel_master_ckquorum_status" ["master_name", "message"] "1 if enough Sentinels are there to agree on a failover, else 0; the message is the Sentinel's.";
    gauge REDIS_SENTINEL_QUORUM "redis_sentinel_master_setting_ckquorum" ["master_name", "master_address"] "Sentinels that must agree that the master is down.";
    gauge REDIS_SENTINEL_FAILOVER "redis_sentinel_master_setting_failover_timeout" ["master_name", "master_address"] "Milliseconds that a failover may take.";
    gauge REDIS_SENTINEL_SYNCS "redis_sentinel_master_setting_parallel_syncs" ["master_name", "master_address"] "Replicas that follow a new master at a time.";
    gauge REDIS_SENTINEL_DOWN_AFTER "redis_sentinel_master_setting_down_after_milliseconds" ["master_name", "master_address"] "Milliseconds of silence after which the master is held to be down.";
    gauge REDIS_SENTINEL_EPOCH "redis_sentinel_master_config_epoch" ["master_name", "master_address"] "Epoch of the master's configuration: it grows with each failover.";
    gauge REDIS_SENTINEL_LAST_OK "redis_sentinel_master_last_ok_ping_reply_seconds" ["master_name", "master_address"] "Seconds since the master last answered well.";

    // The master that a target of Sentinels is. These names are ours.
    gauge REDIS_FOLLOWED_MASTER "redis_followed_master_info" ["master_name", "master_address"] "Always 1; the labels say which server the Sentinels name master, and so which one this page is of.";
    counter REDIS_FOLLOWED_CHANGES "redis_followed_master_changes_total" ["master_name"] "Times that the Sentinels named another master since the exporter started.";

    // The nodes of a cluster, as one of them sees them. These names are ours.
    gauge REDIS_NODE_INFO "redis_cluster_node_info" ["node", "id", "role", "master_id"] "Always 1; the labels say what the node is.";
    gauge REDIS_NODE_SLOTS "redis_cluster_node_slots" ["node"] "Slots that the node owns.";
    gauge REDIS_NODE_UP "redis_cluster_node_reachable" ["node"] "1 if the other nodes do not suspect it to have failed, else 0.";
    gauge REDIS_NODES_FOUND "redis_cluster_nodes_found" [] "Nodes found in this scrape.";
    gauge REDIS_NODES_LEFT_OUT "redis_cluster_nodes_left_out" [] "Nodes that were found and not asked, because there are more than the bound.";

    // What no other exporter tells. These names are ours and follow the rules.
    counter REDIS_SLOWLOG_ENTRIES "redis_slowlog_entries_total" ["cmd"] "Entries of the slow log that the exporter has seen, each counted once.";
    counter REDIS_SLOWLOG_SECONDS "redis_slowlog_duration_seconds_total" ["cmd"] "Time of the entries of the slow log that the exporter has seen.";
    counter REDIS_SLOWLOG_LOST "redis_slowlog_lost_total" [] "Entries that fell out of the slow log before a scrape could see them.";
    counter REDIS_APP_HITS "redis_app_keyspace_hits_total" [] "Hits less those that this exporter caused.";
    counter REDIS_APP_MISSES "redis_app_keyspace_misses_total" [] "Misses less those that this exporter caused.";
    gauge REDIS_HIT_RATIO "redis_keyspace_hit_ratio" ["window"] "Hits divided by lookups within the window, from the exact counters, without this exporter's own; absent if there were none.";
    gauge REDIS_HITS_PER_MIB "redis_keyspace_hits_per_mib" ["window"] "Hits per second within the window for each MiB of memory in use.";
    gauge REDIS_HEADROOM "redis_memory_headroom_bytes" [] "Memory left before the limit makes the server evict or refuse; absent without a limit.";
    gauge REDIS_UNTIL_FULL "redis_memory_until_full_seconds" [] "Seconds until the limit is reached at the rate of the window; absent without a limit or growth.";
    gauge REDIS_EVICTED_SHARE "redis_keys_evicted_share_ratio" ["window"] "Of the keys that went within the window, the share that was evicted rather than expired; absent if none went.";
    gauge REDIS_PREFIX_KEYS "redis_prefix_keys" ["prefix"] "Estimated keys by prefix.";
    gauge REDIS_PREFIX_KEYS_STDERR "redis_prefix_keys_stderr" ["prefix"] "Standard error of the estimate of keys; 0 when every key was seen.";
    gauge REDIS_PREFIX_KEYS_LOW "redis_prefix_keys_low" ["prefix"] "Lower end of the 95 % interval of the estimate of keys.";
    gauge REDIS_PREFIX_KEYS_HIGH "redis_prefix_keys_high" ["prefix"] "Upper end of the 95 % interval of the estimate of keys.";
    gauge REDIS_PREFIX_BYTES "redis_prefix_memory_bytes" ["prefix"] "Estimated memory by prefix.";
    gauge REDIS_PREFIX_BYTES_STDERR "redis_prefix_memory_stderr_bytes" ["prefix"] "Standard error of the estimate of memory; 0 when every key was seen.";
    gauge REDIS_PREFIX_BYTES_LOW "redis_prefix_memory_low_bytes" ["prefix"] "Lower end of the 95 % interval of the estimate of memory.";
    gauge REDIS_PREFIX_BYTES_HIGH "redis_prefix_memory_high_bytes" ["prefix"] "Upper end of the 95 % interval of the estimate of memory, with what the sample has not met.";
    gauge REDIS_PREFIX_UNSEEN "redis_prefix_memory_unseen_bytes" [] "Memory of the data that the estimates of all prefixes lack: much where few keys hold it and the sample has not met them; absent where several databases share the memory.";
    gauge REDIS_PREFIX_TTL_SHARE "redis_prefix_expiring_ratio" ["prefix"] "Share of a prefix' sampled keys that have a time to live.";
    gauge REDIS_HOT_FREQUENCY "redis_hot_key_frequency" ["prefix", "rank"] "The server's LFU counter of the hottest keys of each prefix, rank 1 the hottest: from 0 to 255, logarithmic, falling without access.";
    gauge REDIS_HOT_IDLE "redis_hot_key_idle_seconds" ["prefix", "rank"] "Time since the last access of the most recently used keys of each prefix, rank 1 the latest.";
    gauge REDIS_HOT_INFO "redis_hot_key_info" ["prefix", "rank", "key"] "Always 1; the name of a hot key, where the module allows it.";
    counter REDIS_HOT_PASSES "redis_hot_key_passes_total" [] "Passes over all keys for the hottest that came to their end.";
    gauge REDIS_PREFIX_FREQUENCY "redis_prefix_mean_frequency" ["prefix"] "Mean LFU counter of a prefix' keys in the last pass over all keys.";
    gauge REDIS_PREFIX_IDLE "redis_prefix_mean_idle_seconds" ["prefix"] "Mean time since the last access of a prefix' keys in the last pass over all keys.";
    gauge REDIS_SAMPLED_KEYS "redis_prefix_sampled_keys" [] "Keys in the sample that the prefixes are estimated from.";
}

/// Names that break Prometheus' rules and are kept because redis_exporter's dashboards select them.
/// `promtool check metrics` may complain of these and of nothing else.
pub const REDIS_KEPT: &[&str] = &[
    "redis_aof_current_rewrite_duration_sec",
    "redis_aof_last_rewrite_duration_sec",
    "redis_cluster_slot_key_count",
    "redis_connected_client_channel_subscriptions_count",
    "redis_connected_client_pattern_matching_subscriptions_count",
    "redis_connected_client_shard_channel_subscriptions_count",
    "redis_current_eviction_exceeded_time_ms",
    "redis_eviction_exceeded_time_ms_total",
    "redis_expire_cycle_cpu_time_ms_total",
    "redis_expired_time_cap_reached_total",
    "redis_instantaneous_eventloop_cycles_per_sec",
    "redis_io_threaded_reads_processed",
    "redis_io_threaded_writes_processed",
    "redis_key_group_count",
    "redis_keys_count",
    "redis_last_key_groups_scrape_duration_milliseconds",
    "redis_memory_used_vm_total",
    "redis_migrate_cached_sockets_total",
    "redis_rdb_current_bgsave_duration_sec",
    "redis_rdb_last_bgsave_duration_sec",
    "redis_rdb_saves_total",
    "redis_scripting_engines_count",
    "redis_search_failure_requests_count",
    "redis_search_gc_run_ms_total",
    "redis_search_global_total",
    "redis_search_index_avg_per_record_offset_bits",
    "redis_search_indexing_time_ms_total",
    "redis_search_query_execution_time_ms_total",
    "redis_search_run_ms_total",
    "redis_search_successful_requests_count",
    "redis_sentinel_master_setting_down_after_milliseconds",
    "redis_total_error_replies",
    "redis_total_reads_processed",
    "redis_total_writes_processed",
];
