//! The alerts: what each means for a user, and what to do.
//!
//! Borders come from the threshold table. A ratio alerts only where there is traffic, and eviction
//! alone does not: a full cache that still answers is doing its work.

use hitmark_schema::metrics as m;
use hitmark_schema::thresholds::{HIT_RATIO, MEMORY_USED_RATIO};

use super::queue_alerts::QUEUE_ALERTS;

/// The share of connections above which somebody should look.
const CONNECTIONS_SHARE: f64 = 0.8;

/// Every alert, of caches and of queues.
pub fn all() -> impl Iterator<Item = &'static Alert> {
    ALERTS.iter().chain(QUEUE_ALERTS)
}

/// One alert.
#[derive(Debug, Clone, Copy)]
pub struct Alert {
    /// The name.
    pub name: &'static str,
    /// The expression.
    pub expression: fn() -> String,
    /// How long it must hold, in Prometheus' words.
    pub wait: &'static str,
    /// Who is called.
    pub severity: Severity,
    /// One line.
    pub summary: &'static str,
    /// One line with the value; a template.
    pub description: &'static str,
    /// What it means and what to do.
    pub runbook: &'static str,
}

/// Who is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// Somebody, now.
    Critical,
    /// Somebody, in working hours.
    Warning,
}

impl Severity {
    /// The value of the label.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::Warning => "warning",
        }
    }
}

/// The alerts of caches and of what is behind them.
const ALERTS: &[Alert] = &[
    Alert {
        name: "RedisDown",
        expression: || format!("{} == 0", m::REDIS_UP.name),
        wait: "1m",
        severity: Severity::Critical,
        summary: "A cache server does not answer.",
        description: "{{ $labels.instance }} has not answered the exporter for a minute.",
        runbook: "Every lookup now costs a call of the origin, and services wait for their cache timeout first. \
                  Ask the server with redis-cli PING from the exporter's host. If it answers, compare the \
                  exporter's URL and credentials: redis_exporter_last_scrape_error names the kind of failure. If \
                  not, look at the server's log for memory or disk, and restart it.",
    },
    Alert {
        name: "CacheBackendDown",
        expression: || format!("{} == 0", m::CACHE_BACKEND_UP.name),
        wait: "1m",
        severity: Severity::Critical,
        summary: "A service cannot reach its cache.",
        description: "{{ $labels.instance }} cannot use its {{ $labels.backend }} cache.",
        runbook: "The service answers from its origin, slower. If RedisDown fires too, begin there. If not, the way \
                  between the two is at fault: name resolution, firewall, credentials, or the limit of clients of \
                  the server. The service's log names the error.",
    },
    Alert {
        name: "CacheHitRatioPoor",
        expression: || format!("cache:hit_ratio:rate5m < {} and cache:lookups:rate5m > 1", HIT_RATIO.good),
        wait: "15m",
        severity: Severity::Warning,
        summary: "Most lookups of a service's cache miss.",
        description: "{{ $value | humanizePercentage }} of the lookups in {{ $labels.instance }} hit.",
        runbook: "Below half, the cache may cost more than it saves. After a deploy or a flush, wait until it is warm. \
                  Otherwise look for keys that hold something unique (a time, a session), for times to live shorter \
                  than the time between two uses, for invalidation that is too wide, and for evictions.",
    },
    Alert {
        name: "RedisHitRatioPoor",
        expression: || format!("redis:hit_ratio:rate5m < {} and redis:lookups:rate5m > 1", HIT_RATIO.good),
        wait: "15m",
        severity: Severity::Warning,
        summary: "Most lookups of a cache server miss.",
        description: "{{ $value | humanizePercentage }} of the lookups on {{ $labels.instance }} hit.",
        runbook: "The server counts every client and reading command, a queue's polls and a session check too, so compare \
                  with CacheHitRatioPoor, which counts what services ask of their cache. If only this one fires, find \
                  who misses: commands by kind on the dashboard, then CLIENT LIST.",
    },
    Alert {
        name: "CacheEvicting",
        expression: || {
            format!("redis:evicted_keys:rate5m > 0 and redis:hit_ratio:rate5m < {}", HIT_RATIO.excellent)
        },
        wait: "15m",
        severity: Severity::Warning,
        summary: "A cache server evicts keys that are asked for again.",
        description: "{{ $labels.instance }} evicts {{ $value | humanize }} keys a second while its hit ratio is not \
                      excellent.",
        runbook: "Memory is too small for what is asked. Find large keys with redis-cli --memkeys, shorten times to live of \
                  what is rarely asked, compress large values, or raise maxmemory. Eviction with an excellent hit ratio \
                  is well and does not alert.",
    },
    Alert {
        name: "RedisMemoryFull",
        expression: || {
            format!(
                "redis:memory_used:ratio > {} and on (job, instance, target) {}{{maxmemory_policy=\"noeviction\"}}",
                MEMORY_USED_RATIO.good,
                m::REDIS_INSTANCE_INFO.name
            )
        },
        wait: "5m",
        severity: Severity::Critical,
        summary: "A cache server that may not evict is nearly full.",
        description: "{{ $labels.instance }} uses {{ $value | humanizePercentage }} of its memory limit.",
        runbook: "When it is full, every write fails. Raise maxmemory with CONFIG SET, or choose a policy that evicts, such as \
                  allkeys-lru, if nothing but a cache lives there. Then find what grows: keys by database on the \
                  dashboard, and keys without a time to live.",
    },
    Alert {
        name: "RedisRejectsConnections",
        expression: || format!("increase({}[5m]) > 0", m::REDIS_CONNECTIONS_REJECTED.name),
        wait: "0m",
        severity: Severity::Warning,
        summary: "A cache server turns clients away.",
        description: "{{ $labels.instance }} has rejected connections: its limit of clients is reached.",
        runbook: "Compare connected clients with redis_max_clients. A line that rises without more traffic is a leak: CLIENT LIST \
                  shows who holds them and for how long. Bound the clients' pools before raising maxclients.",
    },
    Alert {
        name: "CacheTargetUnreadable",
        expression: || format!("{}{{collector!=\"redis\"}} == 0", m::EXPORTER_COLLECTOR_SUCCESS.name),
        wait: "5m",
        severity: Severity::Warning,
        summary: "The exporter gets nothing from a target.",
        description: "The {{ $labels.collector }} target {{ $labels.target }} has given no samples for five minutes.",
        runbook: "The dashboards show gaps for it. Fetch the target's URL with curl from the exporter's host; the exporter's log \
                  says at which line or for which reason it gave up.",
    },
    Alert {
        name: "RedisFailedOver",
        expression: || format!("increase({}[10m]) > 0", m::REDIS_FOLLOWED_CHANGES.name),
        wait: "0m",
        severity: Severity::Warning,
        summary: "Another server became the master.",
        description: "{{ $labels.instance }} follows a new master of {{ $labels.master_name }}.",
        runbook: "The Sentinels held the old master to be down. Keys that it had not sent to its replicas are lost, so the \
                  cache is colder; expect misses for a while. redis_followed_master_info names the new master. Find out \
                  why the old one fell silent, and see that it is back as a replica: connected slaves on the dashboard.",
    },
    Alert {
        name: "CacheTierHitRatioPoor",
        expression: || format!("tier:hit_ratio:rate5m < {} and tier:lookups:rate5m > 1", HIT_RATIO.good),
        wait: "15m",
        severity: Severity::Warning,
        summary: "Most lookups of a cache of the tier miss.",
        description: "{{ $value | humanizePercentage }} of the lookups of {{ $labels.tier }} on {{ $labels.instance }} hit.",
        runbook: "Behind another cache a poor ratio may be right: only what that one lacks arrives here. If this is the first \
                  cache, look at what may be cached at all (Cache-Control, Vary, cookies), at times to live, and at \
                  evictions on the dashboard Caching tier.",
    },
    Alert {
        name: "DatabaseDown",
        expression: || format!("{} == 0 or {} == 0", m::PG_UP.name, m::MYSQL_UP.name),
        wait: "1m",
        severity: Severity::Critical,
        summary: "A database behind the cache does not answer.",
        description: "A database of {{ $labels.instance }} has not answered the exporter for a minute.",
        runbook: "Every miss now fails, and what is cached hides it until it expires. hitmark_exporter_failures_total names the \
                  kind: certificate means that one side does not trust the other (the exporter's log says what to do), \
                  credentials that the user or password is refused, connect that nobody listens there.",
    },
    Alert {
        name: "PostgresConnectionsNearLimit",
        expression: || format!("pg:connections_used:ratio > {CONNECTIONS_SHARE}"),
        wait: "5m",
        severity: Severity::Warning,
        summary: "A PostgreSQL server has few connections left.",
        description: "{{ $labels.instance }} uses {{ $value | humanizePercentage }} of its connections.",
        runbook: "At the limit new clients are refused. After a cold start of the cache this is the herd of misses: warm it before \
                  traffic comes. Otherwise look for connections that are idle in a transaction, and bound the clients' pools.",
    },
];
