//! The metric registry: every name that hitmark writes, with its help, kind and labels.
//!
//! Exporter, service, dashboards, rules and documents take names from here, so a dashboard cannot
//! ask for a metric that nobody writes. The names that redis_exporter made common are kept as they
//! are, since existing dashboards select on them.

mod cache;
mod curve;
mod declare;
mod edge;
mod exporter;
mod http_json;
mod load;
mod memcached;
mod mysql;
mod nginx;
mod postgres;
mod process;
mod queue_systems;
mod queues;
mod redis;
mod redis_modules;
mod redis_newer;
mod response;
mod testbed;
mod tier;
mod varnish;

pub use cache::*;
pub use curve::*;
pub use edge::*;
pub use exporter::*;
pub use http_json::*;
pub use load::*;
pub use memcached::*;
pub use mysql::*;
pub use nginx::*;
pub use postgres::*;
pub use process::*;
pub use queue_systems::*;
pub use queues::*;
pub use redis::*;
pub use redis_modules::*;
pub use redis_newer::*;
pub use response::*;
pub use testbed::*;
pub use tier::*;
pub use varnish::*;

/// The kind of a metric, as the text page declares it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Only grows, except when its process starts anew.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Counts of observations by upper bound.
    Histogram,
    /// Quantiles that the source computed, with count and sum.
    Summary,
}

impl Kind {
    /// The word after `# TYPE name`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
            Self::Summary => "summary",
        }
    }
}

/// One metric: what it is called, what it means, which labels it carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Metric {
    /// The full name, in base units, counters with `_total`.
    pub name: &'static str,
    /// One sentence for `# HELP`.
    pub help: &'static str,
    /// Counter, gauge or histogram.
    pub kind: Kind,
    /// The label names, in the order of writing.
    pub labels: &'static [&'static str],
}

impl Metric {
    /// A counter.
    #[must_use]
    pub const fn counter(name: &'static str, help: &'static str, labels: &'static [&'static str]) -> Self {
        Self { name, help, kind: Kind::Counter, labels }
    }

    /// A gauge.
    #[must_use]
    pub const fn gauge(name: &'static str, help: &'static str, labels: &'static [&'static str]) -> Self {
        Self { name, help, kind: Kind::Gauge, labels }
    }

    /// A classic histogram.
    #[must_use]
    pub const fn histogram(name: &'static str, help: &'static str, labels: &'static [&'static str]) -> Self {
        Self { name, help, kind: Kind::Histogram, labels }
    }

    /// A summary.
    #[must_use]
    pub const fn summary(name: &'static str, help: &'static str, labels: &'static [&'static str]) -> Self {
        Self { name, help, kind: Kind::Summary, labels }
    }
}

/// Every metric of every room.
pub fn all() -> impl Iterator<Item = &'static Metric> {
    [
        CACHE,
        CURVE,
        RESPONSE,
        TESTBED,
        REDIS,
        REDIS_NEWER,
        REDIS_MODULES,
        POSTGRES,
        MYSQL,
        MEMCACHED,
        NGINX,
        VARNISH,
        HTTP_JSON,
        EDGE,
        QUEUES,
        QUEUE_SYSTEMS,
        TIER,
        EXPORTER,
        LOAD,
        PROCESS,
    ]
    .into_iter()
    .flatten()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn names_are_unique_and_spelled_as_prometheus_wants() {
        let mut seen = HashSet::new();
        for metric in all() {
            assert!(seen.insert(metric.name), "{} is registered twice", metric.name);
            assert!(metric.name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_'));
            assert!(metric.help.ends_with('.'), "{}: help is a sentence", metric.name);
            for label in metric.labels {
                assert!(label.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'), "{label}");
            }
        }
    }

    #[test]
    fn our_own_counters_end_in_total_and_nothing_else_does() {
        // The names of other exporters are kept whatever they are.
        let kept = |name: &str| {
            name.starts_with("redis_")
                || [MEMCACHED_KEPT, NGINX_KEPT, POSTGRES_KEPT, MYSQL_KEPT].concat().contains(&name)
        };
        for metric in all().filter(|metric| !kept(metric.name)) {
            assert_eq!(metric.kind == Kind::Counter, metric.name.ends_with("_total"), "{}", metric.name);
        }
    }
}
