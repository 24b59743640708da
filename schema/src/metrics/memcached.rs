//! memcached, under the names and labels of memcached_exporter, so that dashboards and alert rules
//! written for it keep working.
//!
//! Three types differ from that exporter's, whose own are wrong: the uptime, the time of the last
//! eviction and the bytes in the external store go up and down, so they are gauges here.

use super::Metric;
use super::declare::metrics;

metrics! {
    /// Every metric of a memcached server.
    MEMCACHED;

    // The scrape itself.
    gauge MEMCACHED_UP "memcached_up" [] "1 if the server answered this scrape, else 0.";

    // Who the server is.
    gauge MEMCACHED_VERSION "memcached_version" ["version"] "Always 1; the label says which version the server is.";
    gauge MEMCACHED_UPTIME "memcached_uptime_seconds" [] "Seconds since the server started.";
    gauge MEMCACHED_TIME "memcached_time_seconds" [] "Unix time by the server's own clock.";
    counter MEMCACHED_CPU_USER "memcached_process_user_cpu_seconds_total" [] "Processor time in user mode.";
    counter MEMCACHED_CPU_SYSTEM "memcached_process_system_cpu_seconds_total" [] "Processor time in the kernel.";

    // Network and connections.
    counter MEMCACHED_READ_BYTES "memcached_read_bytes_total" [] "Bytes read from the network.";
    counter MEMCACHED_WRITTEN_BYTES "memcached_written_bytes_total" [] "Bytes written to the network.";
    gauge MEMCACHED_CONNECTIONS "memcached_current_connections" [] "Open connections, this exporter's among them.";
    gauge MEMCACHED_CONNECTIONS_MAX "memcached_max_connections" [] "The limit of open connections.";
    counter MEMCACHED_CONNECTIONS_TOTAL "memcached_connections_total" [] "Connections accepted.";
    counter MEMCACHED_CONNECTIONS_REJECTED "memcached_connections_rejected_total" [] "Connections rejected because the limit was reached.";
    counter MEMCACHED_CONNECTIONS_YIELDED "memcached_connections_yielded_total" [] "Times that a connection had to wait because it asked too much at once.";
    counter MEMCACHED_LISTENER_DISABLED "memcached_connections_listener_disabled_total" [] "Times that the server stopped to accept because the limit was reached.";
    gauge MEMCACHED_ACCEPTING "memcached_accepting_connections" [] "1 while the server accepts connections, else 0.";

    // Effectiveness and memory.
    counter MEMCACHED_COMMANDS "memcached_commands_total" ["command", "status"] "Commands by name and by how they went: hit, miss or badval.";
    gauge MEMCACHED_BYTES "memcached_current_bytes" [] "Bytes of the items that are held.";
    gauge MEMCACHED_LIMIT "memcached_limit_bytes" [] "Bytes that the items may take.";
    gauge MEMCACHED_ITEMS "memcached_current_items" [] "Items that are held.";
    counter MEMCACHED_ITEMS_TOTAL "memcached_items_total" [] "Items ever stored.";
    counter MEMCACHED_EVICTED "memcached_items_evicted_total" [] "Valid items removed to make room.";
    counter MEMCACHED_RECLAIMED "memcached_items_reclaimed_total" [] "Items stored in the memory of expired ones.";
    counter MEMCACHED_TOO_LARGE "memcached_item_too_large_total" [] "Items refused because they were larger than an item may be.";
    counter MEMCACHED_NO_MEMORY "memcached_item_no_memory_total" [] "Items refused because there was no memory for them.";
    counter MEMCACHED_DIRECT_RECLAIMS "memcached_direct_reclaims_total" [] "Times that a worker had to make room itself.";
    gauge MEMCACHED_MALLOCED "memcached_malloced_bytes" [] "Memory of the slab pages.";

    // The keeper of the item lists.
    gauge MEMCACHED_CRAWLER_ENABLED "memcached_lru_crawler_enabled" [] "1 if the crawler of expired items is on, else 0.";
    gauge MEMCACHED_CRAWLER_SLEEP "memcached_lru_crawler_sleep" [] "Microseconds that the crawler sleeps between items.";
    gauge MEMCACHED_CRAWLER_TO_CRAWL "memcached_lru_crawler_to_crawl" [] "Most items that one crawl of a class looks at; 0 means all.";
    gauge MEMCACHED_MAINTAINER "memcached_lru_crawler_maintainer_thread" [] "1 if a thread keeps the lists of items, else 0.";
    gauge MEMCACHED_HOT_PERCENT "memcached_lru_crawler_hot_percent" [] "Percentage of a class's memory for new items.";
    gauge MEMCACHED_WARM_PERCENT "memcached_lru_crawler_warm_percent" [] "Percentage of a class's memory for items in use.";
    gauge MEMCACHED_HOT_FACTOR "memcached_lru_crawler_hot_max_factor" [] "Age at which a new item goes cold, as a factor of the coldest item's.";
    gauge MEMCACHED_WARM_FACTOR "memcached_lru_crawler_warm_max_factor" [] "Age at which an item in use goes cold, as a factor of the coldest item's.";
    counter MEMCACHED_CRAWLER_STARTS "memcached_lru_crawler_starts_total" [] "Crawls started.";
    counter MEMCACHED_CRAWLER_RECLAIMED "memcached_lru_crawler_reclaimed_total" [] "Items that the crawler freed.";
    counter MEMCACHED_CRAWLER_CHECKED "memcached_lru_crawler_items_checked_total" [] "Items that the crawler looked at.";
    counter MEMCACHED_TO_COLD "memcached_lru_crawler_moves_to_cold_total" [] "Items that went cold.";
    counter MEMCACHED_TO_WARM "memcached_lru_crawler_moves_to_warm_total" [] "Cold items that came into use again.";
    counter MEMCACHED_WITHIN "memcached_lru_crawler_moves_within_lru_total" [] "Items moved within their list.";

    // Slab classes: stats items.
    gauge MEMCACHED_SLAB_ITEMS "memcached_slab_current_items" ["slab"] "Items in the class.";
    gauge MEMCACHED_SLAB_AGE "memcached_slab_items_age_seconds" ["slab"] "Age of the oldest item in the class.";
    gauge MEMCACHED_SLAB_HOT "memcached_slab_hot_items" ["slab"] "New items in the class.";
    gauge MEMCACHED_SLAB_WARM "memcached_slab_warm_items" ["slab"] "Items in use in the class.";
    gauge MEMCACHED_SLAB_COLD "memcached_slab_cold_items" ["slab"] "Cold items in the class.";
    gauge MEMCACHED_SLAB_TEMPORARY "memcached_slab_temporary_items" ["slab"] "Items of the class that are held for a short time only.";
    gauge MEMCACHED_SLAB_HOT_AGE "memcached_slab_hot_age_seconds" ["slab"] "Age of the oldest new item in the class.";
    gauge MEMCACHED_SLAB_WARM_AGE "memcached_slab_warm_age_seconds" ["slab"] "Age of the oldest item in use in the class.";
    gauge MEMCACHED_SLAB_REQUESTED "memcached_slab_mem_requested_bytes" ["slab"] "Bytes that the items of the class asked for.";
    counter MEMCACHED_SLAB_CRAWLER_RECLAIMED "memcached_slab_items_crawler_reclaimed_total" ["slab"] "Items of the class that the crawler freed.";
    counter MEMCACHED_SLAB_EVICTED "memcached_slab_items_evicted_total" ["slab"] "Valid items of the class removed to make room.";
    counter MEMCACHED_SLAB_EVICTED_NONZERO "memcached_slab_items_evicted_nonzero_total" ["slab"] "Items of the class removed to make room although they had a time to live.";
    gauge MEMCACHED_SLAB_EVICTED_TIME "memcached_slab_items_evicted_time_seconds" ["slab"] "Time between the last access and the eviction of the item of the class that was evicted last.";
    counter MEMCACHED_SLAB_EVICTED_UNFETCHED "memcached_slab_items_evicted_unfetched_total" ["slab"] "Items of the class removed to make room and never read.";
    counter MEMCACHED_SLAB_EXPIRED_UNFETCHED "memcached_slab_items_expired_unfetched_total" ["slab"] "Items of the class that expired and were never read.";
    counter MEMCACHED_SLAB_OUTOFMEMORY "memcached_slab_items_outofmemory_total" ["slab"] "Items refused because the class had no memory.";
    counter MEMCACHED_SLAB_RECLAIMED "memcached_slab_items_reclaimed_total" ["slab"] "Items stored in the memory of expired items of the class.";
    counter MEMCACHED_SLAB_TAILREPAIRS "memcached_slab_items_tailrepairs_total" ["slab"] "Times that an item which nobody let go was freed by force.";
    counter MEMCACHED_SLAB_TO_COLD "memcached_slab_items_moves_to_cold" ["slab"] "Items of the class that went cold.";
    counter MEMCACHED_SLAB_TO_WARM "memcached_slab_items_moves_to_warm" ["slab"] "Cold items of the class that came into use again.";
    counter MEMCACHED_SLAB_WITHIN "memcached_slab_items_moves_within_lru" ["slab"] "Items of the class moved within their list.";
    counter MEMCACHED_SLAB_LRU_HITS "memcached_slab_lru_hits_total" ["slab", "lru"] "Reads that hit, by class and list of items.";

    // Slab classes: stats slabs.
    gauge MEMCACHED_SLAB_CHUNK_SIZE "memcached_slab_chunk_size_bytes" ["slab"] "Bytes of each chunk of the class.";
    gauge MEMCACHED_SLAB_CHUNKS_PER_PAGE "memcached_slab_chunks_per_page" ["slab"] "Chunks in one page of the class.";
    gauge MEMCACHED_SLAB_PAGES "memcached_slab_current_pages" ["slab"] "Pages of the class.";
    gauge MEMCACHED_SLAB_CHUNKS "memcached_slab_current_chunks" ["slab"] "Chunks of the class.";
    gauge MEMCACHED_SLAB_CHUNKS_USED "memcached_slab_chunks_used" ["slab"] "Chunks of the class that hold an item.";
    gauge MEMCACHED_SLAB_CHUNKS_FREE "memcached_slab_chunks_free" ["slab"] "Chunks of the class that hold none.";
    gauge MEMCACHED_SLAB_CHUNKS_FREE_END "memcached_slab_chunks_free_end" ["slab"] "Free chunks at the end of the newest page of the class.";
    counter MEMCACHED_SLAB_COMMANDS "memcached_slab_commands_total" ["slab", "command", "status"] "Commands that met an item of the class, by name and by how they went.";

    // The external store, where it is on.
    counter MEMCACHED_EXT_LOST "memcached_extstore_compact_lost_total" [] "Items lost while a page of the external store was compacted.";
    counter MEMCACHED_EXT_RESCUED "memcached_extstore_compact_rescued_total" [] "Items moved to a new page while theirs was compacted.";
    counter MEMCACHED_EXT_SKIPPED "memcached_extstore_compact_skipped_total" [] "Items dropped while their page was compacted because nobody used them.";
    counter MEMCACHED_EXT_PAGES_ALLOCATED "memcached_extstore_pages_allocated_total" [] "Pages of the external store taken into use.";
    counter MEMCACHED_EXT_PAGES_EVICTED "memcached_extstore_pages_evicted_total" [] "Pages evicted from the external store.";
    counter MEMCACHED_EXT_PAGES_RECLAIMED "memcached_extstore_pages_reclaimed_total" [] "Empty pages of the external store freed.";
    gauge MEMCACHED_EXT_PAGES_FREE "memcached_extstore_pages_free" [] "Pages of the external store that hold nothing.";
    gauge MEMCACHED_EXT_PAGES_USED "memcached_extstore_pages_used" [] "Pages of the external store that hold an item.";
    counter MEMCACHED_EXT_OBJECTS_EVICTED "memcached_extstore_objects_evicted_total" [] "Items evicted from the external store.";
    counter MEMCACHED_EXT_OBJECTS_READ "memcached_extstore_objects_read_total" [] "Items read from the external store.";
    counter MEMCACHED_EXT_OBJECTS_WRITTEN "memcached_extstore_objects_written_total" [] "Items written to the external store.";
    gauge MEMCACHED_EXT_OBJECTS_USED "memcached_extstore_objects_used" [] "Items in the external store.";
    counter MEMCACHED_EXT_BYTES_EVICTED "memcached_extstore_bytes_evicted_total" [] "Bytes evicted from the external store.";
    counter MEMCACHED_EXT_BYTES_READ "memcached_extstore_bytes_read_total" [] "Bytes read from the external store.";
    counter MEMCACHED_EXT_BYTES_WRITTEN "memcached_extstore_bytes_written_total" [] "Bytes written to the external store.";
    gauge MEMCACHED_EXT_BYTES_USED "memcached_extstore_bytes_used" [] "Bytes of the items in the external store.";
    gauge MEMCACHED_EXT_BYTES_FRAGMENTED "memcached_extstore_bytes_fragmented" [] "Bytes of the external store's used pages that hold no item.";
    gauge MEMCACHED_EXT_BYTES_LIMIT "memcached_extstore_bytes_limit" [] "Bytes that the external store may take.";
    gauge MEMCACHED_EXT_QUEUE "memcached_extstore_io_queue_depth" [] "Reads and writes that wait for the external store.";
}

/// Names that break Prometheus' rules and are kept because memcached_exporter's dashboards select them.
pub const MEMCACHED_KEPT: &[&str] = &[
    "memcached_slab_items_moves_to_cold",
    "memcached_slab_items_moves_to_warm",
    "memcached_slab_items_moves_within_lru",
];
