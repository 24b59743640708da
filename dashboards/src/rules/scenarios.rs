//! The tests of the alerts, as data: what the series do, and whether the alert then fires.
//!
//! They are written by hand and from the outside, series by series: a test made from the rule's own
//! expression would agree with every mistake in it. Each value list holds a sample every 30 s.

use super::queue_scenarios::MORE;

/// Every test.
pub fn all() -> impl Iterator<Item = &'static Scenario> {
    SCENARIOS.iter().chain(MORE)
}

/// One test of one alert.
#[derive(Debug, Clone, Copy)]
pub struct Scenario {
    /// What happens, as a sentence.
    pub name: &'static str,
    /// The alert.
    pub alert: &'static str,
    /// Series and their values in promtool's notation.
    pub series: &'static [(&'static str, &'static str)],
    /// When the alert is looked at.
    pub at: &'static str,
    /// What is then expected.
    pub expect: Expect,
}

/// What is expected.
#[derive(Debug, Clone, Copy)]
pub enum Expect {
    /// The alert does not fire.
    Quiet,
    /// It fires, with these labels beside its own and this text.
    Fires {
        /// Labels of the series.
        labels: &'static [(&'static str, &'static str)],
        /// The description with its values filled in.
        description: &'static str,
    },
}

/// A scrape's own labels.
const AT: &[(&str, &str)] = &[("job", "cache"), ("instance", "a")];

/// The tests of the alerts of Redis and of services.
const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "a server that stays down",
        alert: "RedisDown",
        series: &[("redis_up{job=\"cache\",instance=\"a\"}", "1 0x10")],
        at: "3m",
        expect: Expect::Fires { labels: AT, description: "a has not answered the exporter for a minute." },
    },
    Scenario {
        name: "a server that misses one scrape",
        alert: "RedisDown",
        series: &[("redis_up{job=\"cache\",instance=\"a\"}", "1 0 1x10")],
        at: "30s",
        expect: Expect::Quiet,
    },
    Scenario {
        name: "a service whose backend stays away",
        alert: "CacheBackendDown",
        series: &[("cache_backend_up{job=\"cache\",instance=\"a\",backend=\"redis\"}", "1 0x10")],
        at: "3m",
        expect: Expect::Fires {
            labels: &[("job", "cache"), ("instance", "a"), ("backend", "redis")],
            description: "a cannot use its redis cache.",
        },
    },
    Scenario {
        name: "a service whose backend is well",
        alert: "CacheBackendDown",
        series: &[("cache_backend_up{job=\"cache\",instance=\"a\",backend=\"redis\"}", "1x10")],
        at: "3m",
        expect: Expect::Quiet,
    },
    Scenario {
        name: "a service that hits in one of four lookups",
        alert: "CacheHitRatioPoor",
        series: &[
            (
                "cache_operations_total{job=\"cache\",instance=\"a\",backend=\"redis\",op=\"get\",result=\"hit\"}",
                "0+300x60",
            ),
            (
                "cache_operations_total{job=\"cache\",instance=\"a\",backend=\"redis\",op=\"get\",result=\"miss\"}",
                "0+900x60",
            ),
            // Neither a failed read nor a write is a lookup.
            (
                "cache_operations_total{job=\"cache\",instance=\"a\",backend=\"redis\",op=\"get\",result=\"error\"}",
                "0+900x60",
            ),
            (
                "cache_operations_total{job=\"cache\",instance=\"a\",backend=\"redis\",op=\"set\",result=\"ok\"}",
                "0+900x60",
            ),
        ],
        at: "25m",
        expect: Expect::Fires {
            labels: &[("job", "cache"), ("instance", "a"), ("backend", "redis")],
            description: "25% of the lookups in a hit.",
        },
    },
    Scenario {
        name: "a service that is hardly asked, whatever its ratio",
        alert: "CacheHitRatioPoor",
        series: &[
            (
                "cache_operations_total{job=\"cache\",instance=\"a\",backend=\"redis\",op=\"get\",result=\"hit\"}",
                "0x60",
            ),
            (
                "cache_operations_total{job=\"cache\",instance=\"a\",backend=\"redis\",op=\"get\",result=\"miss\"}",
                "0+15x60",
            ),
        ],
        at: "25m",
        expect: Expect::Quiet,
    },
    Scenario {
        name: "a server whose past was good and whose present is poor",
        alert: "RedisHitRatioPoor",
        series: &[
            ("redis_keyspace_hits_total{job=\"cache\",instance=\"a\"}", "1000000000+300x60"),
            ("redis_keyspace_misses_total{job=\"cache\",instance=\"a\"}", "0+900x60"),
        ],
        at: "25m",
        expect: Expect::Fires { labels: AT, description: "25% of the lookups on a hit." },
    },
    Scenario {
        name: "a server whose past was poor and whose present is good",
        alert: "RedisHitRatioPoor",
        series: &[
            ("redis_keyspace_hits_total{job=\"cache\",instance=\"a\"}", "0+900x60"),
            ("redis_keyspace_misses_total{job=\"cache\",instance=\"a\"}", "1000000000+300x60"),
        ],
        at: "25m",
        expect: Expect::Quiet,
    },
    Scenario {
        name: "evictions while four of ten lookups miss",
        alert: "CacheEvicting",
        series: &[
            ("redis_evicted_keys_total{job=\"cache\",instance=\"a\"}", "0+60x60"),
            ("redis_keyspace_hits_total{job=\"cache\",instance=\"a\"}", "0+600x60"),
            ("redis_keyspace_misses_total{job=\"cache\",instance=\"a\"}", "0+400x60"),
        ],
        at: "25m",
        expect: Expect::Fires {
            labels: AT,
            description: "a evicts 2 keys a second while its hit ratio is not excellent.",
        },
    },
    Scenario {
        name: "evictions while nine of ten lookups hit",
        alert: "CacheEvicting",
        series: &[
            ("redis_evicted_keys_total{job=\"cache\",instance=\"a\"}", "0+60x60"),
            ("redis_keyspace_hits_total{job=\"cache\",instance=\"a\"}", "0+900x60"),
            ("redis_keyspace_misses_total{job=\"cache\",instance=\"a\"}", "0+100x60"),
        ],
        at: "25m",
        expect: Expect::Quiet,
    },
    Scenario {
        name: "a full server that may not evict",
        alert: "RedisMemoryFull",
        series: &[
            ("redis_memory_used_bytes{job=\"cache\",instance=\"a\"}", "95x60"),
            ("redis_memory_max_bytes{job=\"cache\",instance=\"a\"}", "100x60"),
            ("redis_instance_info{job=\"cache\",instance=\"a\",maxmemory_policy=\"noeviction\"}", "1x60"),
        ],
        at: "10m",
        expect: Expect::Fires { labels: AT, description: "a uses 95% of its memory limit." },
    },
    Scenario {
        name: "a full server that evicts, and one without a limit",
        alert: "RedisMemoryFull",
        series: &[
            ("redis_memory_used_bytes{job=\"cache\",instance=\"a\"}", "95x60"),
            ("redis_memory_max_bytes{job=\"cache\",instance=\"a\"}", "100x60"),
            ("redis_instance_info{job=\"cache\",instance=\"a\",maxmemory_policy=\"allkeys-lru\"}", "1x60"),
            ("redis_memory_used_bytes{job=\"cache\",instance=\"b\"}", "95x60"),
            ("redis_memory_max_bytes{job=\"cache\",instance=\"b\"}", "0x60"),
            ("redis_instance_info{job=\"cache\",instance=\"b\",maxmemory_policy=\"noeviction\"}", "1x60"),
        ],
        at: "10m",
        expect: Expect::Quiet,
    },
    Scenario {
        name: "clients are turned away",
        alert: "RedisRejectsConnections",
        series: &[("redis_rejected_connections_total{job=\"cache\",instance=\"a\"}", "7x5 9x10")],
        at: "4m",
        expect: Expect::Fires {
            labels: AT,
            description: "a has rejected connections: its limit of clients is reached.",
        },
    },
    Scenario {
        name: "clients were turned away long ago",
        alert: "RedisRejectsConnections",
        series: &[("redis_rejected_connections_total{job=\"cache\",instance=\"a\"}", "5x2 7x40")],
        at: "15m",
        expect: Expect::Quiet,
    },
    Scenario {
        name: "a service's page that cannot be read",
        alert: "CacheTargetUnreadable",
        series: &[(
            "hitmark_exporter_collector_success{job=\"cache\",instance=\"a\",collector=\"service\",target=\"http://shop:1\"}",
            "0x30",
        )],
        at: "6m",
        expect: Expect::Fires {
            labels: &[
                ("job", "cache"),
                ("instance", "a"),
                ("collector", "service"),
                ("target", "http://shop:1"),
            ],
            description: "The service target http://shop:1 has given no samples for five minutes.",
        },
    },
    Scenario {
        name: "a Redis server that is down has its own alert",
        alert: "CacheTargetUnreadable",
        series: &[(
            "hitmark_exporter_collector_success{job=\"cache\",instance=\"a\",collector=\"redis\",target=\"redis://h\"}",
            "0x30",
        )],
        at: "6m",
        expect: Expect::Quiet,
    },
];
