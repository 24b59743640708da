//! What the exporter says of its own scrapes.

use super::Metric;

/// Duration of one collector.
pub const EXPORTER_COLLECTOR_SECONDS: Metric = Metric::gauge(
    "hitmark_exporter_collector_duration_seconds",
    "Time that the collector took in this scrape.",
    &["collector", "target"],
);
/// Success of one collector.
pub const EXPORTER_COLLECTOR_SUCCESS: Metric = Metric::gauge(
    "hitmark_exporter_collector_success",
    "1 if the collector got its samples in this scrape, else 0.",
    &["collector", "target"],
);
/// Values that could not be read.
pub const EXPORTER_UNREADABLE: Metric = Metric::gauge(
    "hitmark_exporter_unreadable_fields",
    "Known fields of the target's answer whose value could not be read in this scrape.",
    &["collector", "target"],
);
/// Samples of one target.
pub const EXPORTER_SERIES: Metric = Metric::gauge(
    "hitmark_exporter_series",
    "Samples that the target added to this page; one for each histogram or summary.",
    &["collector", "target"],
);
/// Failures by kind.
pub const EXPORTER_FAILURES: Metric = Metric::counter(
    "hitmark_exporter_failures_total",
    "Scrapes of a target that failed, by kind of failure.",
    &["collector", "kind"],
);
/// Scrapes served.
pub const EXPORTER_SCRAPES: Metric =
    Metric::counter("hitmark_exporter_scrapes_total", "Scrapes that were served.", &[]);
/// What the exporter is.
pub const EXPORTER_BUILD_INFO: Metric = Metric::gauge(
    "hitmark_exporter_build_info",
    "Always 1; the labels say what was built.",
    &["version", "profile"],
);
/// Whether the configuration in force is the one in the file.
pub const EXPORTER_RELOAD_SUCCESSFUL: Metric = Metric::gauge(
    "hitmark_exporter_config_last_reload_successful",
    "1 if the last reading of the configuration succeeded, else 0: then an older one is in force.",
    &[],
);
/// When the configuration in force was read.
pub const EXPORTER_RELOADED_AT: Metric = Metric::gauge(
    "hitmark_exporter_config_last_reload_success_timestamp_seconds",
    "Unix time of the last reading of the configuration that succeeded.",
    &[],
);
/// Scrapes, under redis_exporter's name.
pub const REDIS_EXPORTER_SCRAPES: Metric =
    Metric::counter("redis_exporter_scrapes_total", "Scrapes that were served.", &[]);
/// Time of the scrapes, under redis_exporter's name.
pub const REDIS_EXPORTER_SECONDS: Metric =
    Metric::summary("redis_exporter_scrape_duration_seconds", "Time of the scrapes that were served.", &[]);
/// Wrong requests for a target, under redis_exporter's name.
pub const REDIS_EXPORTER_REFUSED: Metric = Metric::counter(
    "redis_target_scrape_request_errors_total",
    "Requests for a target that named none, a wrong one or one that is not allowed.",
    &[],
);
/// What the exporter is, under redis_exporter's name.
pub const REDIS_EXPORTER_BUILD_INFO: Metric = Metric::gauge(
    "redis_exporter_build_info",
    "Always 1; the labels of what this program does not know are empty.",
    &["version", "commit_sha", "build_date", "golang_version"],
);

/// Every metric of the exporter about itself.
pub const EXPORTER: &[Metric] = &[
    EXPORTER_COLLECTOR_SECONDS,
    EXPORTER_COLLECTOR_SUCCESS,
    EXPORTER_UNREADABLE,
    EXPORTER_SERIES,
    EXPORTER_FAILURES,
    EXPORTER_SCRAPES,
    EXPORTER_BUILD_INFO,
    EXPORTER_RELOAD_SUCCESSFUL,
    EXPORTER_RELOADED_AT,
    REDIS_EXPORTER_SCRAPES,
    REDIS_EXPORTER_SECONDS,
    REDIS_EXPORTER_REFUSED,
    REDIS_EXPORTER_BUILD_INFO,
];
