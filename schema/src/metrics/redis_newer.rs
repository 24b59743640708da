//! What newer Redis and Valkey tell beyond Redis 7.0, and what nobody told of the older ones.
//!
//! It is apart from `redis.rs` only because that list is long. A name is redis_exporter's where its
//! newest version has one; the others are ours and follow the rules.

use super::Metric;
use super::declare::metrics;

metrics! {
    /// Every further metric of a Redis or Valkey server.
    REDIS_NEWER;

    // Fields of INFO.
    gauge REDIS_PUBSUB_CLIENTS "redis_pubsub_clients" [] "Clients that are subscribed to a channel or pattern.";
    gauge REDIS_WATCHING_CLIENTS "redis_watching_clients" [] "Clients that watch keys for a transaction.";
    gauge REDIS_WATCHED_KEYS "redis_total_watched_keys" [] "Keys that are watched for a transaction.";
    gauge REDIS_BLOCKING_KEYS "redis_total_blocking_keys" [] "Keys that a client waits for in a blocking command.";
    gauge REDIS_BLOCKING_KEYS_ON_NOKEY "redis_total_blocking_keys_on_nokey" [] "Keys whose deletion would wake a client that waits for them.";
    gauge REDIS_PAUSED_TIMEOUT "redis_paused_timeout_seconds" [] "Time that clients are still paused for; 0 when they are not.";
    counter REDIS_QUERY_LIMIT_DISCONNECTIONS "redis_client_query_buffer_limit_disconnections_total" [] "Clients closed because their query buffer reached its limit.";
    counter REDIS_OUTPUT_LIMIT_DISCONNECTIONS "redis_client_output_buffer_limit_disconnections_total" [] "Clients closed because their output buffer reached its limit.";
    counter REDIS_REPLY_BUFFER_SHRINKS "redis_reply_buffer_shrinks_total" [] "Times that a client's reply buffer was made smaller.";
    counter REDIS_REPLY_BUFFER_EXPANDS "redis_reply_buffer_expands_total" [] "Times that a client's reply buffer was made larger.";
    counter REDIS_DENIED_AUTH "redis_acl_access_denied_auth_total" [] "Logins refused.";
    counter REDIS_DENIED_COMMAND "redis_acl_access_denied_cmd_total" [] "Commands refused because the user may not run them.";
    counter REDIS_DENIED_KEY "redis_acl_access_denied_key_total" [] "Commands refused because the user may not touch the key.";
    counter REDIS_DENIED_CHANNEL "redis_acl_access_denied_channel_total" [] "Commands refused because the user may not use the channel.";
    counter REDIS_DENIED_DB "redis_acl_access_denied_db_total" [] "Commands refused because the user may not use the database.";
    counter REDIS_DENIED_CERTIFICATE "redis_acl_access_denied_tls_cert_total" [] "Logins by certificate refused.";
    gauge REDIS_ALLOCATOR_MUZZY "redis_allocator_muzzy_bytes" [] "Bytes that the allocator gave back and the operating system may still take.";
    gauge REDIS_REHASHING_OVERHEAD "redis_mem_overhead_db_hashtable_rehashing_bytes" [] "Memory of the tables of keys that are being moved to larger or smaller ones.";
    gauge REDIS_MEMORY_REPLICAS_BUFFER "redis_mem_replicas_repl_buffer_bytes" [] "Memory of what a replica keeps of its master's writes while it takes a full copy.";
    gauge REDIS_MEMORY_FULL_SYNC_BUFFER "redis_mem_replica_full_sync_buffer_bytes" [] "Memory of what a replica keeps of its master's writes while it takes a full copy, as Redis names it.";
    gauge REDIS_MEMORY_SLOT_IMPORT "redis_mem_cluster_slot_import_bytes" [] "Memory of slots that are being taken over.";
    gauge REDIS_MEMORY_SLOT_EXPORT "redis_mem_cluster_slot_export_bytes" [] "Memory of slots that are being handed over.";
    gauge REDIS_MEMORY_PEAK_TIME "redis_memory_used_peak_timestamp_seconds" [] "Unix time at which the server had allocated most.";
    gauge REDIS_MEMORY_HASH_TEMPLATES "redis_memory_used_hash_templates_bytes" [] "Memory of templates that hashes of the same fields share.";
    gauge REDIS_HASH_TEMPLATES "redis_hash_templates" [] "Templates that hashes of the same fields share.";
    gauge REDIS_HASH_TEMPLATE_KEYS "redis_hash_template_keys" [] "Hashes that share a template.";
    counter REDIS_DEFRAG_SECONDS "redis_defrag_seconds_total" [] "Time spent on defragmentation.";
    gauge REDIS_DEFRAG_NOW "redis_defrag_current_seconds" [] "Time since the defragmentation under way began; 0 when it rests.";
    counter REDIS_EXPIRED_SUBKEYS "redis_expired_subkeys_total" [] "Fields of hashes removed because their time to live had passed, as Redis names them.";
    counter REDIS_EXPIRED_FIELDS "redis_expired_fields_total" [] "Fields of hashes removed because their time to live had passed, as Valkey names them.";
    counter REDIS_EXPIRED_ACTIVE "redis_expired_keys_active_total" [] "Of the keys that expired, those that were found by the server's own search rather than by a lookup.";
    counter REDIS_EXPIRED_SUBKEYS_ACTIVE "redis_expired_subkeys_active_total" [] "Of the fields of hashes that expired, those that were found by the server's own search.";
    counter REDIS_SLOWLOG_COMMANDS "redis_slowlog_commands_total" [] "Commands that were written into the slow log, as the server counts them.";
    counter REDIS_SLOWLOG_COMMANDS_SECONDS "redis_slowlog_commands_duration_seconds_total" [] "Time of the commands that were written into the slow log, as the server adds it up.";
    gauge REDIS_SLOWLOG_COMMANDS_MAX "redis_slowlog_commands_duration_seconds_max" [] "Time of the slowest command that was written into the slow log.";
    counter REDIS_EVICTED_SCRIPTS "redis_evicted_scripts_total" [] "Scripts removed from the cache because it was full.";
    gauge REDIS_STALE_ITEMS "redis_expired_keys_with_volatile_items_stale_percentage" [] "Estimated percentage of keys whose items have expired but are still held.";
    counter REDIS_EVENTLOOP_CYCLES "redis_eventloop_cycles_total" [] "Turns of the event loop.";
    counter REDIS_EVENTLOOP_DURATION "redis_eventloop_duration_sum_usec_total" [] "Microseconds in the event loop, without waiting.";
    counter REDIS_EVENTLOOP_COMMANDS "redis_eventloop_duration_cmd_sum_usec_total" [] "Microseconds of the event loop in commands.";
    gauge REDIS_EVENTLOOP_RATE "redis_instantaneous_eventloop_cycles_per_sec" [] "Turns of the event loop per second of late.";
    gauge REDIS_EVENTLOOP_TURN "redis_instantaneous_eventloop_duration_usec" [] "Microseconds of a turn of the event loop of late.";
    counter REDIS_ACTIVE_MAIN_THREAD "redis_active_time_main_thread_seconds_total" [] "Time that the main thread was at work rather than waiting.";
    counter REDIS_IO_ACCEPTS "redis_io_threaded_accepts_total" [] "Connections accepted by I/O threads.";
    counter REDIS_IO_POLLS "redis_io_threaded_polls_total" [] "Polls for events by I/O threads.";
    counter REDIS_IO_FREED "redis_io_threaded_freed_objects_total" [] "Objects freed by I/O threads.";
    counter REDIS_PREFETCH_BATCHES "redis_io_threaded_prefetch_batches_total" [] "Batches of keys fetched into the processor's cache before their commands ran.";
    counter REDIS_PREFETCH_ENTRIES "redis_io_threaded_prefetch_entries_total" [] "Keys fetched into the processor's cache before their commands ran.";
    counter REDIS_FORKS "redis_forks_total" [] "Forks since the start.";
    gauge REDIS_COW_PEAK "redis_current_cow_peak_bytes" [] "Most memory copied on write by the child process under way; 0 if there is none.";
    gauge REDIS_COW_SIZE "redis_current_cow_size_bytes" [] "Memory copied on write by the child process under way; 0 if there is none.";
    gauge REDIS_COW_AGE "redis_current_cow_size_age_seconds" [] "How old the figure of memory copied on write is.";
    gauge REDIS_FORK_PROGRESS "redis_current_fork_progress_ratio" [] "Share of its work that the child process under way has done; 0 if there is none.";
    gauge REDIS_SAVE_PROCESSED "redis_current_save_processed_keys" [] "Keys that the child process under way has written.";
    gauge REDIS_SAVE_KEYS "redis_current_save_keys" [] "Keys that the child process under way had to write when it began.";
    gauge REDIS_BACKUP_IN_PROGRESS "redis_backup_in_progress" [] "1 while a backup is written, else 0.";
    counter REDIS_AOF_REWRITES "redis_aof_rewrites_total" [] "Rewrites of the append-only file.";
    gauge REDIS_AOF_REWRITE_FAILURES "redis_aof_rewrites_consecutive_failures" [] "Rewrites of the append-only file that failed since the last that went well.";
    gauge REDIS_AOF_REWRITE_BUFFER "redis_aof_rewrite_buffer_length" [] "Bytes of writes that wait for the end of a rewrite of the append-only file.";
    gauge REDIS_LOADING_START "redis_loading_start_timestamp_seconds" [] "While data is loaded: the Unix time at which that began.";
    gauge REDIS_LOADING_SIZE "redis_loading_size_bytes" [] "While data is loaded: the size of the file.";
    gauge REDIS_LOADING_LOADED "redis_loading_loaded_bytes" [] "While data is loaded: bytes of the file that have been read.";
    gauge REDIS_LOADING_ETA "redis_loading_eta_seconds" [] "While data is loaded: the server's estimate of the time that it still takes.";
    gauge REDIS_LOADING_MEMORY "redis_loading_rdb_used_memory_bytes" [] "While data is loaded: the memory of the server that wrote the file, as the file says.";
    gauge REDIS_FAILOVER_IN_PROGRESS "redis_master_failover_in_progress" [] "1 while the server hands its role to a replica by FAILOVER, else 0.";
    gauge REDIS_REPLICAS_BUFFER_SIZE "redis_replicas_repl_buffer_size_bytes" [] "On a replica: bytes kept of its master's writes while it takes a full copy.";
    gauge REDIS_REPLICAS_BUFFER_PEAK "redis_replicas_repl_buffer_peak_bytes" [] "On a replica: most bytes ever kept of its master's writes during a full copy.";
    gauge REDIS_FULL_SYNC_BUFFER_SIZE "redis_replica_full_sync_buffer_size_bytes" [] "On a replica: bytes kept of its master's writes while it takes a full copy, as Redis names them.";
    gauge REDIS_FULL_SYNC_BUFFER_PEAK "redis_replica_full_sync_buffer_peak_bytes" [] "On a replica: most bytes ever kept of its master's writes during a full copy, as Redis names them.";
    gauge REDIS_REPLICAS_WAITING "redis_replicas_waiting_psync" [] "Replicas that load a full copy and wait for what was written since.";
    gauge REDIS_GOOD_REPLICAS "redis_good_slaves" [] "Replicas that count for min-replicas-to-write.";
    gauge REDIS_LINK_DOWN "redis_master_link_down_seconds" [] "On a replica: time since the link to its master broke; -1 if there never was one, absent while it is up.";
    gauge REDIS_LINK_UP "redis_master_link_up_seconds" [] "On a replica: time since the link to its master came up; absent while it is down.";
    counter REDIS_DISCONNECTED "redis_master_disconnected_seconds_total" [] "On a replica: time without a link to its master.";
    gauge REDIS_SYNC_ATTEMPTS_NOW "redis_master_current_sync_attempts" [] "On a replica: attempts to reach its master since the link was last up.";
    counter REDIS_SYNC_ATTEMPTS "redis_master_sync_attempts_total" [] "On a replica: attempts to reach its master.";
    gauge REDIS_SYNC_SIZE "redis_master_sync_size_bytes" [] "On a replica that takes a full copy: its size; 0 if the master does not know it.";
    gauge REDIS_SYNC_READ "redis_master_sync_read_bytes" [] "On a replica that takes a full copy: bytes read.";
    gauge REDIS_SYNC_LEFT "redis_master_sync_left_bytes" [] "On a replica that takes a full copy: bytes to read; negative if the size is not known.";
    gauge REDIS_SYNC_LAST_IO "redis_master_sync_last_io_seconds" [] "On a replica that takes a full copy: seconds since it last read of it.";
    gauge REDIS_SLAVE_READ_OFFSET "redis_slave_read_repl_offset" [] "On a replica: the offset up to which it has read, run or not.";
    counter REDIS_NET_SLOT_IMPORT "redis_net_cluster_slot_import_bytes_total" [] "Bytes read for slots that were taken over.";
    counter REDIS_NET_SLOT_EXPORT "redis_net_cluster_slot_export_bytes_total" [] "Bytes written for slots that were handed over.";
    gauge REDIS_SLOT_MIGRATION_FORK "redis_slot_migration_fork_in_progress" [] "1 while a child process writes slots for another node, else 0.";
    counter REDIS_CLUSTER_LINKS_EXCEEDED "redis_cluster_links_buffer_limit_exceeded_total" [] "Links of the cluster bus closed because their buffer was too large.";
    gauge REDIS_TLS_SERVER_EXPIRES "redis_tls_server_cert_expires_in_seconds" [] "Time until the server's certificate ends; 0 if it has none.";
    gauge REDIS_TLS_CLIENT_EXPIRES "redis_tls_client_cert_expires_in_seconds" [] "Time until the certificate ends that the server shows as a client; 0 if it has none.";
    gauge REDIS_TLS_CA_EXPIRES "redis_tls_ca_cert_expires_in_seconds" [] "Time until the certificate of the server's authority ends; 0 if it has none.";
    gauge REDIS_SENTINEL_TILT_SINCE "redis_sentinel_tilt_since_seconds" [] "Time since the Sentinel stopped trusting its clock; -1 while it trusts it.";
    counter REDIS_SENTINEL_TILTS "redis_sentinel_tilts_total" [] "Times that the Sentinel stopped trusting its clock.";
    gauge REDIS_ENGINES "redis_scripting_engines_count" [] "Engines of scripts.";
    gauge REDIS_ENGINES_MEMORY "redis_scripting_engines_memory_used_bytes" [] "Memory of all engines of scripts.";
    gauge REDIS_ENGINES_OVERHEAD "redis_scripting_engines_memory_overhead_bytes" [] "Memory of the structures of all engines of scripts.";

    // What CLUSTER INFO tells beyond redis_exporter.
    gauge REDIS_CLUSTER_EPOCH "redis_cluster_current_epoch" [] "The cluster's epoch, which grows with each failover.";
    gauge REDIS_CLUSTER_MY_EPOCH "redis_cluster_my_epoch" [] "Epoch of this node's own configuration.";
    gauge REDIS_CLUSTER_NODES_PFAIL "redis_cluster_nodes_pfail" [] "Nodes that may have failed.";
    gauge REDIS_CLUSTER_NODES_FAIL "redis_cluster_nodes_fail" [] "Nodes that have failed.";
    gauge REDIS_CLUSTER_VOTING_PFAIL "redis_cluster_voting_nodes_pfail" [] "Nodes with a vote that may have failed.";
    gauge REDIS_CLUSTER_VOTING_FAIL "redis_cluster_voting_nodes_fail" [] "Nodes with a vote that have failed.";
    counter REDIS_CLUSTER_SENT_BYTES "redis_cluster_sent_bytes_total" [] "Bytes sent on the cluster bus.";
    counter REDIS_CLUSTER_RECEIVED_BYTES "redis_cluster_received_bytes_total" [] "Bytes received on the cluster bus.";
    counter REDIS_CLUSTER_PUBSUB_SENT "redis_cluster_pubsub_sent_bytes_total" [] "Bytes of published messages sent on the cluster bus.";
    counter REDIS_CLUSTER_PUBSUB_RECEIVED "redis_cluster_pubsub_received_bytes_total" [] "Bytes of published messages received on the cluster bus.";
    counter REDIS_CLUSTER_MODULE_SENT "redis_cluster_module_sent_bytes_total" [] "Bytes of modules' messages sent on the cluster bus.";
    counter REDIS_CLUSTER_MODULE_RECEIVED "redis_cluster_module_received_bytes_total" [] "Bytes of modules' messages received on the cluster bus.";

    // The first slots of a node of a cluster.
    gauge REDIS_CLUSTER_SLOT_KEYS "redis_cluster_slot_key_count" ["slot"] "Keys of a slot, of those that are first by a figure.";
    counter REDIS_CLUSTER_SLOT_CPU "redis_cluster_slot_cpu_usec_total" ["slot"] "Microseconds spent on a slot, of those that are first by a figure.";
    counter REDIS_CLUSTER_SLOT_INPUT "redis_cluster_slot_network_bytes_in_total" ["slot"] "Bytes read for a slot, of those that are first by a figure.";
    counter REDIS_CLUSTER_SLOT_OUTPUT "redis_cluster_slot_network_bytes_out_total" ["slot"] "Bytes written for a slot, of those that are first by a figure.";

    // The other Sentinels of a master.
    gauge REDIS_SENTINEL_PEER "redis_sentinel_peer_info" ["master_name", "master_address", "name", "ip", "port", "runid", "flags"] "Always 1; the labels say who another Sentinel of the master is.";

    // Valkey's logs of commands.
    gauge REDIS_COMMANDLOG_SLOW "redis_commandlog_slow_length" [] "Entries in the log of slow commands, which is the slow log.";
    gauge REDIS_COMMANDLOG_LARGE_REQUEST "redis_commandlog_large_request_length" [] "Entries in the log of large requests.";
    gauge REDIS_COMMANDLOG_LARGE_REPLY "redis_commandlog_large_reply_length" [] "Entries in the log of large replies.";
    gauge REDIS_COMMANDLOG_SLOWER_THAN "redis_commandlog_execution_slower_than" [] "Microseconds over which a command is logged as slow; negative is never.";
    gauge REDIS_COMMANDLOG_SLOW_MAX "redis_commandlog_slow_execution_max_len" [] "Most entries of the log of slow commands.";
    gauge REDIS_COMMANDLOG_REQUEST_LARGER_THAN "redis_commandlog_request_larger_than" [] "Bytes over which a request is logged as large; negative is never.";
    gauge REDIS_COMMANDLOG_REQUEST_MAX "redis_commandlog_large_request_max_len" [] "Most entries of the log of large requests.";
    gauge REDIS_COMMANDLOG_REPLY_LARGER_THAN "redis_commandlog_reply_larger_than" [] "Bytes over which a reply is logged as large; negative is never.";
    gauge REDIS_COMMANDLOG_REPLY_MAX "redis_commandlog_large_reply_max_len" [] "Most entries of the log of large replies.";
    counter REDIS_COMMANDLOG_ENTRIES "redis_commandlog_entries_total" ["type", "cmd"] "Entries of the logs of large requests and replies that the exporter has seen, each counted once.";
    counter REDIS_COMMANDLOG_BYTES "redis_commandlog_bytes_total" ["type", "cmd"] "Bytes of the large requests and replies that the exporter has seen.";
    counter REDIS_COMMANDLOG_LOST "redis_commandlog_lost_total" ["type"] "Entries that fell out of the logs of large requests and replies before a scrape could see them.";

    // Lines of INFO that name something.
    counter REDIS_ACTIVE_IO_THREAD "redis_active_time_io_thread_seconds_total" ["thread"] "Time that an I/O thread was at work rather than waiting.";
    gauge REDIS_IO_THREAD_CLIENTS "redis_io_thread_clients" ["thread"] "Clients of an I/O thread; 0 is the main thread.";
    counter REDIS_IO_THREAD_READS "redis_io_thread_reads_total" ["thread"] "Reads by an I/O thread; 0 is the main thread.";
    counter REDIS_IO_THREAD_WRITES "redis_io_thread_writes_total" ["thread"] "Writes by an I/O thread; 0 is the main thread.";
    gauge REDIS_ENGINE_INFO "redis_scripting_engine_info" ["engine", "module", "abi_version"] "Always 1; the labels say what the engine of scripts is.";
    gauge REDIS_ENGINE_MEMORY "redis_scripting_engine_memory_used_bytes" ["engine", "module", "abi_version"] "Memory of an engine of scripts.";
    gauge REDIS_ENGINE_OVERHEAD "redis_scripting_engine_memory_overhead_bytes" ["engine", "module", "abi_version"] "Memory of the structures of an engine of scripts.";
    gauge REDIS_TLS_CERTIFICATE "redis_tls_certificate_info" ["certificate", "serial"] "Always 1; the serial number of the server's, client's or authority's certificate.";
    gauge REDIS_DB_KEYS_EXPIRING_ITEMS "redis_db_keys_with_expiring_items" ["db"] "Keys with items that have a time to live of their own, by database.";
    gauge REDIS_DB_SIZED_KEYS "redis_db_sized_keys" ["db", "type", "at_least"] "Keys by their length in bytes (strings) or items: from at_least to below the next power of two. Sizes that no key has are absent.";
    gauge REDIS_AVAILABILITY_ZONE "redis_availability_zone_info" ["availability_zone"] "Always 1; the zone that the server was told that it is in.";
}
