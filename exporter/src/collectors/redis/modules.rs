//! `INFO MODULES`: what modules tell of themselves, under redis_exporter's names.
//!
//! `INFO ALL` lists modules and leaves their own sections out, so this is a question of its own, asked
//! where the module's option `modules` is on. A field that is not in the table is ignored: a module
//! writes what it likes.

use hitmark_schema::exposition::Family;
use hitmark_schema::metrics::{self as m, Metric};

use super::fields::number;
use super::info;
use crate::redis_client::Reply;

/// Field, metric.
const FIELDS: &[(&str, Metric)] = &[
    ("search_number_of_indexes", m::REDIS_SEARCH_INDEXES),
    ("search_number_of_active_indexes", m::REDIS_SEARCH_ACTIVE_INDEXES),
    ("search_number_of_active_indexes_running_queries", m::REDIS_SEARCH_QUERIED_INDEXES),
    ("search_number_of_active_indexes_indexing", m::REDIS_SEARCH_BUILDING_INDEXES),
    ("search_number_of_attributes", m::REDIS_SEARCH_ATTRIBUTES),
    ("search_used_memory_bytes", m::REDIS_SEARCH_MEMORY),
    ("search_used_memory_indexes", m::REDIS_SEARCH_INDEX_MEMORY),
    ("search_used_memory_vector_index", m::REDIS_SEARCH_VECTOR_MEMORY),
    ("search_smallest_memory_index", m::REDIS_SEARCH_SMALLEST),
    ("search_largest_memory_index", m::REDIS_SEARCH_LARGEST),
    ("search_total_num_docs_in_indexes", m::REDIS_SEARCH_DOCUMENTS),
    ("search_total_indexed_documents", m::REDIS_SEARCH_INDEXED),
    ("search_total_active_write_threads", m::REDIS_SEARCH_WRITERS),
    ("search_query_queue_size", m::REDIS_SEARCH_QUERY_QUEUE),
    ("search_writer_queue_size", m::REDIS_SEARCH_WRITER_QUEUE),
    ("search_errors_indexing_failures", m::REDIS_SEARCH_FAILURES),
    ("search_global_idle", m::REDIS_SEARCH_CURSORS_IDLE),
    ("search_global_total", m::REDIS_SEARCH_CURSORS),
    ("search_global_idle_user", m::REDIS_SEARCH_CURSORS_IDLE_USER),
    ("search_global_total_user", m::REDIS_SEARCH_CURSORS_USER),
    ("search_bytes_collected", m::REDIS_SEARCH_COLLECTED),
    ("search_gc_bytes_collected", m::REDIS_SEARCH_GC_COLLECTED),
    ("search_total_indexing_time", m::REDIS_SEARCH_INDEXING_TIME),
    ("search_total_cycles", m::REDIS_SEARCH_CYCLES),
    ("search_total_ms_run", m::REDIS_SEARCH_RUN),
    ("search_gc_total_cycles", m::REDIS_SEARCH_GC_CYCLES),
    ("search_gc_total_ms_run", m::REDIS_SEARCH_GC_RUN),
    ("search_total_queries_processed", m::REDIS_SEARCH_QUERIES),
    ("search_total_query_commands", m::REDIS_SEARCH_QUERY_COMMANDS),
    ("search_total_query_execution_time_ms", m::REDIS_SEARCH_QUERY_TIME),
    ("search_successful_requests_count", m::REDIS_SEARCH_SUCCESSES),
    ("search_failure_requests_count", m::REDIS_SEARCH_FAILED),
    ("bf_bloom_total_memory_bytes", m::REDIS_BLOOM_MEMORY),
    ("bf_bloom_num_objects", m::REDIS_BLOOM_OBJECTS),
    ("bf_bloom_num_filters_across_objects", m::REDIS_BLOOM_FILTERS),
    ("bf_bloom_num_items_across_objects", m::REDIS_BLOOM_ITEMS),
    ("bf_bloom_capacity_across_objects", m::REDIS_BLOOM_CAPACITY),
    ("json_total_memory_bytes", m::REDIS_JSON_MEMORY),
    ("json_num_documents", m::REDIS_JSON_DOCUMENTS),
];

/// Reads the reply. Pure and total.
pub(super) fn parse(reply: &Reply) -> Vec<Family> {
    let Reply::Text(text) = reply else { return Vec::new() };
    info::lines(text)
        .filter_map(|(field, value)| {
            let (_, metric) = FIELDS.iter().find(|(name, _)| *name == field)?;
            Some(Family::single(*metric, number(value)?))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_numbers_are_told_and_all_else_is_ignored() {
        let text = "# Modules\r\nmodule:name=search,ver=21005\r\n\r\n# search_memory\r\n\
                    search_used_memory_indexes:603\r\nsearch_version:2.10.5\r\nsearch_total_cycles:-nan\r\n\
                    new_thing:1\r\nbf_bloom_num_objects:2\r\n";
        let families = parse(&Reply::Text(text.to_owned()));
        let names: Vec<&str> = families.iter().map(|family| family.metric.name).collect();
        assert_eq!(names, ["redis_search_used_memory_indexes_bytes", "redis_bf_bloom_num_objects"]);
        assert_eq!(parse(&Reply::Refused("NOPERM".to_owned())), []);
    }
}
