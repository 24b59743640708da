//! What modules of Redis and Valkey tell, under redis_exporter's names: search, Bloom filters, JSON.
//!
//! It is apart from `redis.rs` because most servers have none of these.

use super::Metric;
use super::declare::metrics;

metrics! {
    /// Every metric of a module of a Redis or Valkey server.
    REDIS_MODULES;

    // INFO MODULES.
    gauge REDIS_SEARCH_INDEXES "redis_search_number_of_indexes" [] "Indexes of the search module.";
    gauge REDIS_SEARCH_ACTIVE_INDEXES "redis_search_number_of_active_indexes" [] "Indexes that are queried or built now.";
    gauge REDIS_SEARCH_QUERIED_INDEXES "redis_search_number_of_active_indexes_running_queries" [] "Indexes that are queried now.";
    gauge REDIS_SEARCH_BUILDING_INDEXES "redis_search_number_of_active_indexes_indexing" [] "Indexes that are built now.";
    gauge REDIS_SEARCH_ATTRIBUTES "redis_search_number_of_attributes" [] "Attributes of all indexes.";
    gauge REDIS_SEARCH_MEMORY "redis_search_used_memory_bytes" [] "Memory of the search module.";
    gauge REDIS_SEARCH_INDEX_MEMORY "redis_search_used_memory_indexes_bytes" [] "Memory of all indexes.";
    gauge REDIS_SEARCH_VECTOR_MEMORY "redis_search_used_memory_vector_index_bytes" [] "Memory of the indexes of vectors.";
    gauge REDIS_SEARCH_SMALLEST "redis_search_smallest_memory_index_bytes" [] "Memory of the smallest index.";
    gauge REDIS_SEARCH_LARGEST "redis_search_largest_memory_index_bytes" [] "Memory of the largest index.";
    gauge REDIS_SEARCH_DOCUMENTS "redis_search_total_num_docs_in_indexes" [] "Documents in all indexes.";
    gauge REDIS_SEARCH_INDEXED "redis_search_total_indexed_documents" [] "Documents in all indexes, as Valkey names them.";
    gauge REDIS_SEARCH_WRITERS "redis_search_total_active_write_threads" [] "Threads that write to an index now.";
    gauge REDIS_SEARCH_QUERY_QUEUE "redis_search_query_queue_size" [] "Queries that wait.";
    gauge REDIS_SEARCH_WRITER_QUEUE "redis_search_writer_queue_size" [] "Changes that wait to be indexed.";
    gauge REDIS_SEARCH_FAILURES "redis_search_errors_indexing_failures" [] "Documents that could not be indexed.";
    gauge REDIS_SEARCH_CURSORS_IDLE "redis_search_global_idle" [] "Cursors that wait to be read.";
    gauge REDIS_SEARCH_CURSORS "redis_search_global_total" [] "Cursors.";
    gauge REDIS_SEARCH_CURSORS_IDLE_USER "redis_search_global_idle_user" [] "Clients' cursors that wait to be read.";
    gauge REDIS_SEARCH_CURSORS_USER "redis_search_global_total_user" [] "Clients' cursors.";
    gauge REDIS_SEARCH_COLLECTED "redis_search_collected_bytes" [] "Bytes that the collection of garbage freed.";
    gauge REDIS_SEARCH_GC_COLLECTED "redis_search_gc_collected_bytes" [] "Bytes that the collection of garbage freed, as newer versions name them.";
    counter REDIS_SEARCH_INDEXING_TIME "redis_search_indexing_time_ms_total" [] "Milliseconds spent on indexing.";
    counter REDIS_SEARCH_CYCLES "redis_search_cycles_total" [] "Collections of garbage.";
    counter REDIS_SEARCH_RUN "redis_search_run_ms_total" [] "Milliseconds spent on the collection of garbage.";
    counter REDIS_SEARCH_GC_CYCLES "redis_search_gc_cycles_total" [] "Collections of garbage, as newer versions name them.";
    counter REDIS_SEARCH_GC_RUN "redis_search_gc_run_ms_total" [] "Milliseconds spent on the collection of garbage, as newer versions name them.";
    counter REDIS_SEARCH_QUERIES "redis_search_queries_processed_total" [] "Queries that were answered.";
    counter REDIS_SEARCH_QUERY_COMMANDS "redis_search_query_commands_total" [] "Commands that query, those that read a cursor among them.";
    counter REDIS_SEARCH_QUERY_TIME "redis_search_query_execution_time_ms_total" [] "Milliseconds spent on queries.";
    counter REDIS_SEARCH_SUCCESSES "redis_search_successful_requests_count" [] "Queries that were answered, as Valkey names them.";
    counter REDIS_SEARCH_FAILED "redis_search_failure_requests_count" [] "Queries that failed.";
    gauge REDIS_BLOOM_MEMORY "redis_bf_bloom_total_memory_bytes" [] "Memory of Bloom filters.";
    gauge REDIS_BLOOM_OBJECTS "redis_bf_bloom_num_objects" [] "Bloom filters.";
    gauge REDIS_BLOOM_FILTERS "redis_bf_bloom_num_filters_across_objects" [] "Filters within all Bloom filters, which grow by adding one.";
    gauge REDIS_BLOOM_ITEMS "redis_bf_bloom_num_items_across_objects" [] "Items in all Bloom filters.";
    gauge REDIS_BLOOM_CAPACITY "redis_bf_bloom_capacity_across_objects" [] "Items that all Bloom filters have room for.";
    gauge REDIS_JSON_MEMORY "redis_json_total_memory_bytes" [] "Memory of JSON documents.";
    gauge REDIS_JSON_DOCUMENTS "redis_json_num_documents" [] "JSON documents.";

    // Each index of the search module.
    gauge REDIS_INDEX_DOCUMENTS "redis_search_index_num_docs" ["index_name"] "Documents of an index.";
    gauge REDIS_INDEX_MAX_ID "redis_search_index_max_doc_id" ["index_name"] "Highest number that a document of an index got.";
    gauge REDIS_INDEX_TERMS "redis_search_index_num_terms" ["index_name"] "Different terms of an index.";
    gauge REDIS_INDEX_RECORDS "redis_search_index_num_records" ["index_name"] "Records of an index.";
    gauge REDIS_INDEX_INVERTED "redis_search_index_inverted_size_bytes" ["index_name"] "Memory of an index' inverted index.";
    gauge REDIS_INDEX_BLOCKS "redis_search_index_total_inverted_index_blocks" ["index_name"] "Blocks of an index' inverted index.";
    gauge REDIS_INDEX_VECTORS "redis_search_index_vector_index_size_bytes" ["index_name"] "Memory of an index' vectors.";
    gauge REDIS_INDEX_OFFSETS "redis_search_index_offset_vectors_size_bytes" ["index_name"] "Memory of the places of terms in documents.";
    gauge REDIS_INDEX_TABLE "redis_search_index_doc_table_size_bytes" ["index_name"] "Memory of the table of documents.";
    gauge REDIS_INDEX_SORTABLE "redis_search_index_sortable_values_size_bytes" ["index_name"] "Memory of values to sort by.";
    gauge REDIS_INDEX_KEYS "redis_search_index_key_table_size_bytes" ["index_name"] "Memory of the table of documents' keys.";
    gauge REDIS_INDEX_TAGS "redis_search_index_tag_overhead_size_bytes" ["index_name"] "Memory of the structures of tags.";
    gauge REDIS_INDEX_TEXTS "redis_search_index_text_overhead_size_bytes" ["index_name"] "Memory of the structures of texts.";
    gauge REDIS_INDEX_SHAPES "redis_search_index_geoshapes_size_bytes" ["index_name"] "Memory of shapes.";
    gauge REDIS_INDEX_MEMORY "redis_search_index_total_index_memory_size_bytes" ["index_name"] "Memory of an index.";
    gauge REDIS_INDEX_PER_DOCUMENT "redis_search_index_avg_per_doc_records" ["index_name"] "Mean records of a document.";
    gauge REDIS_INDEX_PER_RECORD "redis_search_index_avg_per_record_bytes" ["index_name"] "Mean bytes of a record.";
    gauge REDIS_INDEX_PER_TERM "redis_search_index_avg_per_term_offsets" ["index_name"] "Mean places of a term.";
    gauge REDIS_INDEX_OFFSET_BITS "redis_search_index_avg_per_record_offset_bits" ["index_name"] "Mean bits of the places in a record.";
    gauge REDIS_INDEX_BUILDING "redis_search_index_indexing" ["index_name"] "1 while an index is built, else 0.";
    gauge REDIS_INDEX_PROGRESS "redis_search_index_percent_indexed" ["index_name"] "Share of the documents that is indexed, from 0 to 1.";
    gauge REDIS_INDEX_FAILURES "redis_search_index_hash_indexing_failures" ["index_name"] "Documents that could not be indexed.";
    counter REDIS_INDEX_USES "redis_search_index_number_of_uses_total" ["index_name"] "Times that an index was used.";
    gauge REDIS_INDEX_CLEANING "redis_search_index_cleaning" ["index_name"] "1 while an index is removed, else 0.";
}
