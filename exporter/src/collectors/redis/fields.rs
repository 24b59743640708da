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
    /// `ok` is 1, anything else is 0.
    Ok,
}

/// Field, metric, scale; in the order of the page.
pub(super) const FIELDS: &[(&str, Metric, Scale)] = {
    use Scale::{Micros, Ok, One};
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
    ]
};

impl Scale {
    /// The value of a field's text, or nothing if the text makes no sense.
    pub(super) fn read(self, text: &str) -> Option<f64> {
        match self {
            Self::One => number(text),
            Self::Micros => number(text).map(|micros| micros / 1e6),
            Self::Ok => Some(f64::from(u8::from(text == "ok"))),
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
            (Scale::Ok, "ok", Some(1.0)),
            (Scale::Ok, "err", Some(0.0)),
        ] {
            assert_eq!(scale.read(text), value, "{scale:?} {text:?}");
        }
    }
}
