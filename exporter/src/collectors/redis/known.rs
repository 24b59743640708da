//! What becomes of every field of `INFO`: exported, or not and why.
//!
//! It is here for the test that asks each server that can be started for all its fields: a field that a
//! new version writes and that nobody decided about is a mistake there. A scrape does not need it.

use super::fields::FIELDS;
use super::{keys, lines};

/// Fields whose value is told by another metric, and which.
const ELSEWHERE: &[(&str, &str)] = &[
    ("role", "redis_instance_info"),
    ("redis_version", "redis_instance_info"),
    ("redis_build_id", "redis_instance_info"),
    ("redis_mode", "redis_instance_info"),
    ("server_mode", "redis_instance_info"),
    ("os", "redis_instance_info"),
    ("maxmemory_policy", "redis_instance_info"),
    ("tcp_port", "redis_instance_info"),
    ("run_id", "redis_instance_info"),
    ("master_replid", "redis_instance_info"),
    ("valkey_version", "redis_instance_info"),
    ("valkey_release_stage", "redis_instance_info"),
    ("server_time_usec", "redis_start_time_seconds"),
    ("master_host", "redis_slave_info"),
    ("master_port", "redis_slave_info"),
    ("slave_read_only", "redis_slave_info"),
    ("master_link_status", "redis_master_link_up"),
    ("master_last_io_seconds_ago", "redis_master_last_io_seconds_ago"),
    ("master_sync_in_progress", "redis_master_sync_in_progress"),
    ("slave_repl_offset", "redis_slave_repl_offset"),
    ("module", "redis_module_info"),
    ("cluster_state", "redis_cluster_state"),
    ("availability_zone", "redis_availability_zone_info"),
    ("sentinel_masters", "redis_sentinel_masters"),
    ("sentinel_tilt", "redis_sentinel_tilt"),
    ("sentinel_running_scripts", "redis_sentinel_running_scripts"),
    ("sentinel_scripts_queue_length", "redis_sentinel_scripts_queue_length"),
    ("sentinel_simulate_failure_flags", "redis_sentinel_simulate_failure_flags"),
];

/// Why a field is not exported.
const BUILD: &str = "text about how the server was built";
const SETTING: &str = "a setting; the option `config` tells all of them";
const SAME: &str = "another field says the same in base units, as a number";
const QUOTIENT: &str = "the quotient of two fields that are exported";
const RATE: &str = "a rate of late of a counter that is exported, which Prometheus computes over any time";
const PLACE: &str = "where the server listens or runs, which the target's URL and the host tell";
const CLOCK: &str = "the server's clock for its own use";

/// Fields that are not exported, and why.
pub const NOT_EXPORTED: &[(&str, &str)] = &[
    ("redis_git_sha1", BUILD),
    ("redis_git_dirty", BUILD),
    ("arch_bits", BUILD),
    ("gcc_version", BUILD),
    ("atomicvar_api", BUILD),
    ("multiplexing_api", BUILD),
    ("monotonic_clock", BUILD),
    ("mem_allocator", BUILD),
    ("server_name", "always valkey; redis_instance_info has its version"),
    ("hz", SETTING),
    ("configured_hz", SETTING),
    ("clients_hz", SETTING),
    ("replica_announced", SETTING),
    ("process_supervised", PLACE),
    ("executable", PLACE),
    ("config_file", PLACE),
    ("lru_clock", CLOCK),
    ("uptime_in_days", SAME),
    ("maxmemory_human", SAME),
    ("total_system_memory_human", SAME),
    ("used_memory_human", SAME),
    ("used_memory_lua_human", SAME),
    ("used_memory_peak_human", SAME),
    ("used_memory_rss_human", SAME),
    ("used_memory_scripts_human", SAME),
    ("used_memory_vm_total_human", SAME),
    ("used_memory_dataset_perc", QUOTIENT),
    ("used_memory_peak_perc", QUOTIENT),
    ("loading_loaded_perc", QUOTIENT),
    ("master_sync_perc", QUOTIENT),
    ("instantaneous_ops_per_sec", RATE),
    ("instantaneous_input_kbps", RATE),
    ("instantaneous_output_kbps", RATE),
    ("instantaneous_input_repl_kbps", RATE),
    ("instantaneous_output_repl_kbps", RATE),
    ("master_replid2", "the id of a past master, for partial resyncs only"),
    ("paused_reason", "text; redis_paused_timeout_seconds tells that clients are paused and for how long"),
    ("paused_actions", "text; redis_paused_timeout_seconds tells that clients are paused and for how long"),
    ("shutdown_in_milliseconds", "there for seconds before the server is gone"),
];

/// Lines that name something: what their field begins with, and the attributes that become samples or
/// labels, or are known not to. Without attributes, any are known.
const NAMED: &[(&str, &[&str])] = &[
    (
        "cmdstat_",
        &[
            "calls",
            "usec",
            // The quotient of those two.
            "usec_per_call",
            "rejected_calls",
            "failed_calls",
            // From Redis 8.8 on; `redis_slowlog_entries_total` tells it of every version.
            "slowlog_count",
            "slowlog_time_ms_sum",
            "slowlog_time_ms_max",
        ],
    ),
    ("errorstat_", &["count"]),
    ("latency_percentiles_usec_", &[]),
    // How a replica gets its copy (`type`) is a matter of the moment.
    ("slave", &["ip", "port", "state", "offset", "lag", "type"]),
    ("io_thread_", &["clients", "reads", "writes"]),
    ("engine_", &["name", "module", "abi_version", "used_memory", "memory_overhead"]),
    // A master as a Sentinel sees it: SENTINEL MASTERS is asked, which says more.
    ("master", &[]),
    // Where the server listens.
    ("listener", &[]),
    ("db", &["keys", "expires", "avg_ttl", "subexpiry", "keys_with_volatile_items"]),
    (lines::ACTIVE_THREAD, &[]),
];

/// The fields of a server's `INFO ALL`, and the attributes of its lines, that this exporter neither
/// exports nor leaves out on purpose; an attribute as `field.attribute`.
#[must_use]
pub fn unknown_fields(info: &str) -> Vec<String> {
    let pairs = info.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once(':'));
    pairs.flat_map(|(field, value)| unknown(field, value)).collect()
}

fn unknown(field: &str, value: &str) -> Vec<String> {
    if is_known(field) {
        return Vec::new();
    }
    let named = NAMED.iter().find(|(prefix, _)| {
        let rest = field.strip_prefix(prefix);
        rest.is_some_and(|rest| prefix.ends_with("stat_") || prefix.ends_with("usec_") || is_index(rest))
    });
    let Some((_, known)) = named else { return vec![field.to_owned()] };
    let attributes = value.split(',').filter_map(|part| part.split_once('='));
    let new = attributes.filter(|(name, _)| !known.is_empty() && !known.contains(name));
    new.map(|(name, _)| format!("{field}.{name}")).collect()
}

fn is_known(field: &str) -> bool {
    let of_database = field.strip_prefix("db").and_then(|rest| rest.split_once("_distrib_"));
    FIELDS.iter().any(|(name, ..)| *name == field)
        || ELSEWHERE.iter().chain(NOT_EXPORTED).any(|(name, _)| *name == field)
        || keys::CLUSTER.iter().any(|(name, _)| *name == field)
        || lines::SERIALS.iter().any(|(name, _)| *name == field)
        || of_database.is_some_and(|(digits, _)| is_index(digits))
}

fn is_index(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|sign| sign.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use hitmark_schema::metrics;

    use super::*;

    #[test]
    fn a_field_is_exported_or_not_and_never_both() {
        let mut seen = HashSet::new();
        let fields = FIELDS.iter().map(|(field, ..)| *field);
        let others = ELSEWHERE.iter().chain(NOT_EXPORTED).map(|(field, _)| *field);
        for field in fields.chain(others).chain(keys::CLUSTER.iter().map(|(field, _)| *field)) {
            assert!(seen.insert(field), "{field} is there twice");
        }
    }

    #[test]
    fn what_is_told_elsewhere_is_told_by_a_metric_of_the_registry() {
        for (field, name) in ELSEWHERE {
            assert!(metrics::all().any(|metric| metric.name == *name), "{field}: {name}");
        }
    }

    #[test]
    fn attributes_that_are_read_are_known() {
        let known = |prefix: &str| NAMED.iter().find(|(name, _)| *name == prefix).unwrap().1;
        for (attribute, _) in lines::THREAD {
            assert!(known("io_thread_").contains(attribute));
        }
        let engine = lines::ENGINE.iter().map(|(name, _)| name).chain(lines::ENGINE_LABELS);
        for attribute in engine {
            assert!(known("engine_").contains(attribute));
        }
        for attribute in lines::EXPIRING_ITEMS {
            assert!(known("db").contains(attribute));
        }
    }

    #[test]
    fn new_fields_and_new_attributes_are_noticed() {
        let info = "# Server\r\nredis_version:9\r\nhz:10\r\nnew_field:1\r\ncmdstat_get:calls=1,new=2\r\n\
                    db0:keys=1,odd=2\r\ndb0_distrib_sets_items:1=1\r\nslave0:ip=::1,port=1,rate=2\r\n\
                    slave_new:1\r\ndbsize:3\r\nlatency_percentiles_usec_get:p50=1.0\r\n";
        let wanted = ["new_field", "cmdstat_get.new", "db0.odd", "slave0.rate", "slave_new", "dbsize"];
        assert_eq!(unknown_fields(info), wanted);
    }
}
