//! The tests of the alerts of queues, of the tier and of databases. What a test is stands in
//! `scenarios`.

use super::scenarios::{Expect, Scenario};

/// These tests.
pub(super) const MORE: &[Scenario] = &[
    Scenario {
        name: "a master that changed",
        alert: "RedisFailedOver",
        series: &[(
            "redis_followed_master_changes_total{job=\"cache\",instance=\"a\",master_name=\"main\"}",
            "0x4 1x30",
        )],
        at: "5m",
        expect: Expect::Fires {
            labels: &[("job", "cache"), ("instance", "a"), ("master_name", "main")],
            description: "a follows a new master of main.",
        },
    },
    Scenario {
        name: "a master that changed long ago",
        alert: "RedisFailedOver",
        series: &[(
            "redis_followed_master_changes_total{job=\"cache\",instance=\"a\",master_name=\"main\"}",
            "0x4 1x60",
        )],
        at: "25m",
        expect: Expect::Quiet,
    },
    Scenario {
        name: "a tier that hits in one of four lookups",
        alert: "CacheTierHitRatioPoor",
        series: &[
            ("cache_tier_hits_total{job=\"cache\",instance=\"a\",tier=\"varnish\"}", "0+300x60"),
            ("cache_tier_misses_total{job=\"cache\",instance=\"a\",tier=\"varnish\"}", "0+900x60"),
        ],
        at: "25m",
        expect: Expect::Fires {
            labels: &[("job", "cache"), ("instance", "a"), ("tier", "varnish")],
            description: "25% of the lookups of varnish on a hit.",
        },
    },
    Scenario {
        name: "a tier that hits mostly, and one that is hardly asked",
        alert: "CacheTierHitRatioPoor",
        series: &[
            ("cache_tier_hits_total{job=\"cache\",instance=\"a\",tier=\"varnish\"}", "0+900x60"),
            ("cache_tier_misses_total{job=\"cache\",instance=\"a\",tier=\"varnish\"}", "0+300x60"),
            ("cache_tier_hits_total{job=\"cache\",instance=\"a\",tier=\"memcached\"}", "0x60"),
            ("cache_tier_misses_total{job=\"cache\",instance=\"a\",tier=\"memcached\"}", "0+9x60"),
        ],
        at: "25m",
        expect: Expect::Quiet,
    },
    Scenario {
        name: "a database that stays down",
        alert: "DatabaseDown",
        series: &[
            ("pg_up{job=\"cache\",instance=\"a\"}", "1 0x10"),
            ("mysql_up{job=\"cache\",instance=\"a\"}", "1x10"),
        ],
        at: "3m",
        expect: Expect::Fires {
            labels: &[("job", "cache"), ("instance", "a")],
            description: "A database of a has not answered the exporter for a minute.",
        },
    },
    Scenario {
        name: "a database that misses one scrape",
        alert: "DatabaseDown",
        series: &[
            ("pg_up{job=\"cache\",instance=\"a\"}", "1 0 1x10"),
            ("mysql_up{job=\"cache\",instance=\"a\"}", "1x10"),
        ],
        at: "30s",
        expect: Expect::Quiet,
    },
    Scenario {
        name: "ninety connections of a hundred, in two databases",
        alert: "PostgresConnectionsNearLimit",
        series: &[
            ("pg_stat_database_numbackends{job=\"cache\",instance=\"a\",datid=\"1\",datname=\"x\"}", "50x30"),
            ("pg_stat_database_numbackends{job=\"cache\",instance=\"a\",datid=\"2\",datname=\"y\"}", "40x30"),
            ("pg_settings_max_connections{job=\"cache\",instance=\"a\"}", "100x30"),
        ],
        at: "8m",
        expect: Expect::Fires {
            labels: &[("job", "cache"), ("instance", "a")],
            description: "a uses 90% of its connections.",
        },
    },
    Scenario {
        name: "half of the connections",
        alert: "PostgresConnectionsNearLimit",
        series: &[
            ("pg_stat_database_numbackends{job=\"cache\",instance=\"a\",datid=\"1\",datname=\"x\"}", "50x30"),
            ("pg_settings_max_connections{job=\"cache\",instance=\"a\"}", "100x30"),
        ],
        at: "8m",
        expect: Expect::Quiet,
    },
    Scenario {
        name: "a message that nobody takes",
        alert: "QueueOldestMessageOld",
        series: &[(
            "queue_oldest_message_age_seconds{job=\"cache\",instance=\"a\",system=\"rq\",queue=\"mail\"}",
            "0+30x60",
        )],
        at: "20m",
        expect: Expect::Fires {
            labels: &[("job", "cache"), ("instance", "a"), ("system", "rq"), ("queue", "mail")],
            description: "The oldest message of mail (rq) has waited 20m 0s.",
        },
    },
    Scenario {
        name: "messages that are taken in time",
        alert: "QueueOldestMessageOld",
        series: &[(
            "queue_oldest_message_age_seconds{job=\"cache\",instance=\"a\",system=\"rq\",queue=\"mail\"}",
            "20 250 30x60",
        )],
        at: "20m",
        expect: Expect::Quiet,
    },
    Scenario {
        name: "a queue that would take hours",
        alert: "QueueDoesNotDrain",
        series: &[(
            "queue_time_to_drain_seconds{job=\"cache\",instance=\"a\",system=\"rq\",queue=\"mail\"}",
            "9999x100",
        )],
        at: "40m",
        expect: Expect::Fires {
            labels: &[("job", "cache"), ("instance", "a"), ("system", "rq"), ("queue", "mail")],
            description: "mail (rq) has not been draining for half an hour.",
        },
    },
    Scenario {
        name: "a queue that grew for a while",
        alert: "QueueDoesNotDrain",
        series: &[(
            "queue_time_to_drain_seconds{job=\"cache\",instance=\"a\",system=\"rq\",queue=\"mail\"}",
            "9999x30 60x70",
        )],
        at: "40m",
        expect: Expect::Quiet,
    },
    Scenario {
        name: "messages in a queue that no worker reads",
        alert: "QueueWithoutWorkers",
        series: &[
            ("queue_length{job=\"cache\",instance=\"a\",system=\"rq\",queue=\"mail\"}", "7x40"),
            ("queue_workers{job=\"cache\",instance=\"a\",system=\"rq\",queue=\"mail\"}", "0x40"),
        ],
        at: "15m",
        expect: Expect::Fires {
            labels: &[("job", "cache"), ("instance", "a"), ("system", "rq"), ("queue", "mail")],
            description: "7 messages wait in mail (rq) and it has no worker.",
        },
    },
    Scenario {
        name: "a queue with a worker, and an empty one without",
        alert: "QueueWithoutWorkers",
        series: &[
            ("queue_length{job=\"cache\",instance=\"a\",system=\"rq\",queue=\"mail\"}", "7x40"),
            ("queue_workers{job=\"cache\",instance=\"a\",system=\"rq\",queue=\"mail\"}", "1x40"),
            ("queue_length{job=\"cache\",instance=\"a\",system=\"rq\",queue=\"old\"}", "0x40"),
            ("queue_workers{job=\"cache\",instance=\"a\",system=\"rq\",queue=\"old\"}", "0x40"),
        ],
        at: "15m",
        expect: Expect::Quiet,
    },
    Scenario {
        name: "three more messages are dead",
        alert: "QueueMessagesGivenUp",
        series: &[("queue_dead{job=\"cache\",instance=\"a\",system=\"rq\",queue=\"mail\"}", "2x100 5x60")],
        at: "70m",
        expect: Expect::Fires {
            labels: &[("job", "cache"), ("instance", "a"), ("system", "rq"), ("queue", "mail")],
            description: "3 messages of mail (rq) were given up within an hour.",
        },
    },
    Scenario {
        name: "old dead messages",
        alert: "QueueMessagesGivenUp",
        series: &[("queue_dead{job=\"cache\",instance=\"a\",system=\"rq\",queue=\"mail\"}", "5x200")],
        at: "70m",
        expect: Expect::Quiet,
    },
    Scenario {
        name: "a task that only fails",
        alert: "CeleryTasksFail",
        series: &[(
            "celery_task_failed_total{job=\"cache\",instance=\"a\",name=\"pay\",hostname=\"w\",queue_name=\"q\",exception=\"ValueError\"}",
            "0+30x60",
        )],
        at: "20m",
        expect: Expect::Fires {
            labels: &[("job", "cache"), ("instance", "a"), ("name", "pay")],
            description: "100% of the runs of pay fail.",
        },
    },
    Scenario {
        name: "a task that rarely fails",
        alert: "CeleryTasksFail",
        series: &[
            (
                "celery_task_failed_total{job=\"cache\",instance=\"a\",name=\"pay\",hostname=\"w\",queue_name=\"q\",exception=\"ValueError\"}",
                "0+1x60",
            ),
            (
                "celery_task_succeeded_total{job=\"cache\",instance=\"a\",name=\"pay\",hostname=\"w\",queue_name=\"q\"}",
                "0+99x60",
            ),
        ],
        at: "20m",
        expect: Expect::Quiet,
    },
];
