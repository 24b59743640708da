//! What services say of themselves on JSON pages: the names of the mappings that come with the
//! exporter, and of the mapping itself. A person's own mapping brings names of its own.

use super::Metric;
use super::declare::metrics;

metrics! {
    /// Every metric of the shipped mappings, and of mappings themselves.
    HTTP_JSON;

    gauge HTTP_JSON_UP "http_json_up" [] "1 if the page was read in this scrape, else 0.";
    counter HTTP_JSON_MISSING "http_json_missing_total" ["metric"] "Values that a page did not hold, or not as a number, by the metric that they are mapped to.";
    counter HTTP_JSON_DROPPED "http_json_dropped_total" ["metric"] "Samples that were left out because there were too many or because another one had the same labels.";

    gauge SERVICE_CACHE_CONNECTED "service_cache_connected" [] "1 if the service reaches its cache server, by its own account.";
    gauge SERVICE_CACHE_HEALTHY "service_cache_healthy" [] "1 if the service calls its cache healthy, else 0.";
    gauge SERVICE_CACHE_RESPONSE "service_cache_response_seconds" [] "Time in which the cache server answered the service.";
    gauge SERVICE_CACHE_CLIENTS "service_cache_server_clients" [] "Clients of the cache server, as the service tells.";
    counter SERVICE_CACHE_COMMANDS "service_cache_server_commands_total" [] "Commands of the cache server, as the service tells.";
    counter SERVICE_CACHE_SERVER_HITS "service_cache_server_hits_total" [] "Hits of the cache server from all its clients, as the service tells.";
    counter SERVICE_CACHE_SERVER_MISSES "service_cache_server_misses_total" [] "Misses of the cache server from all its clients, as the service tells.";
    gauge SERVICE_CACHE_SERVER_RATIO "service_cache_server_hit_ratio" [] "Hits divided by lookups of the cache server since its start, as the service tells.";
    gauge SERVICE_CACHE_USED "service_cache_server_used_bytes" [] "Memory of the cache server, as the service tells.";
    gauge SERVICE_CACHE_KEYS "service_cache_server_keys" [] "Keys of the cache server, as the service tells.";
    counter SERVICE_CACHE_EVICTED "service_cache_server_evicted_total" [] "Keys that the cache server evicted, as the service tells.";
    counter SERVICE_CACHE_EXPIRED "service_cache_server_expired_total" [] "Keys that expired in the cache server, as the service tells.";
    counter SERVICE_CACHE_HITS "service_cache_client_hits_total" [] "Hits that the service counted itself.";
    counter SERVICE_CACHE_MISSES "service_cache_client_misses_total" [] "Misses that the service counted itself.";
    gauge SERVICE_CACHE_RATIO "service_cache_client_hit_ratio" [] "Hits divided by lookups since the service's start, by its own count.";
    gauge SERVICE_CACHE_GRADE "service_cache_grade" [] "What the service makes of its hit ratio: 2 excellent, 1 good, 0 poor.";
    gauge SERVICE_CACHE_COMPRESSION "service_cache_compression_ratio" [] "Share of the bytes that compression saves, as the service tells.";

    gauge SERVICE_TASKS_HEALTHY "service_tasks_healthy" [] "1 if the service calls its tasks healthy, else 0.";
    gauge SERVICE_TASKS_WAITING "service_tasks_waiting" ["queue"] "Tasks that wait, as the service tells.";
    gauge SERVICE_TASKS_RUNNING "service_tasks_running" ["queue"] "Tasks that run, as the service tells.";
    counter SERVICE_TASKS_DONE "service_tasks_done_total" ["queue"] "Tasks done, as the service tells.";
    counter SERVICE_TASKS_RETRIED "service_tasks_retried_total" ["queue"] "Further tries of tasks, as the service tells.";
    counter SERVICE_TASKS_DEAD "service_tasks_dead_total" ["queue"] "Tasks given up, as the service tells.";

    gauge SERVICE_CDN_ENABLED "service_cdn_enabled" ["provider"] "1 if the service delivers through its CDN, else 0.";
    gauge SERVICE_CDN_HEALTHY "service_cdn_healthy" [] "1 if the service calls its CDN healthy, else 0.";
    gauge SERVICE_CDN_RATIO "service_cdn_hit_ratio" [] "Share of the requests that the CDN answers, as the service tells.";
}
