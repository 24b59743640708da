//! Does the cache pay? Effectiveness first, then traffic, memory and clients.
//!
//! It shows the cache server's own counters beside those of the caching layer in the services: the
//! server mixes every client and command, the layer counts each use once.

use hitmark_schema::metrics as m;
use hitmark_schema::thresholds::{HIT_RATIO, MEMORY_USED_RATIO};

use super::panels::{graded, over_time, query, stat};
use crate::grafana::{Dashboard, Panel, Row, Shape, Unit};
use crate::promql::{Scope, ratio, sum};

const HERE: Scope = Scope::Dashboard;

/// The dashboard.
#[must_use]
pub fn dashboard() -> Dashboard {
    Dashboard {
        name: "cache-overview",
        title: "Cache overview",
        description: "Whether the cache pays: effectiveness, traffic, memory, clients.",
        present: &[&m::REDIS_UP, &m::CACHE_OPERATIONS],
        rows: vec![effectiveness(), sizes(), traffic(), memory(), clients()],
    }
}

fn effectiveness() -> Row {
    let (hits, misses) =
        (sum(&HERE.rate(&m::REDIS_HITS, ""), &[]), sum(&HERE.rate(&m::REDIS_MISSES, ""), &[]));
    let server = ratio(&hits, &format!("({hits} + {misses})"));
    let by = &["instance"];
    let (hits, misses) = (sum(&HERE.rate(&m::REDIS_HITS, ""), by), sum(&HERE.rate(&m::REDIS_MISSES, ""), by));
    let by_instance = ratio(&hits, &format!("({hits} + {misses})"));
    let found = sum(&HERE.rate(&m::CACHE_OPERATIONS, "op=\"get\",result=\"hit\""), &[]);
    let asked = sum(&HERE.rate(&m::CACHE_OPERATIONS, "op=\"get\",result=~\"hit|miss\""), &[]);
    let panels = vec![
        Panel {
            bands: Some(&HIT_RATIO),
            ..stat("Hit ratio of the servers", &graded(&HIT_RATIO), Unit::Ratio, server)
        },
        Panel {
            bands: Some(&HIT_RATIO),
            ..stat("Hit ratio of the services", &graded(&HIT_RATIO), Unit::Ratio, ratio(&found, &asked))
        },
        stat(
            "Servers up",
            "Cache servers that answered the last scrape.",
            Unit::Count,
            format!("sum({})", HERE.series(&m::REDIS_UP, "")),
        ),
        Panel {
            bands: Some(&HIT_RATIO),
            ..over_time(
                "Hit ratio by server",
                "A ratio of rates: it shows the window, not the server's life. A gap means that nothing was asked.",
                Shape::Lines,
                Unit::Ratio,
                vec![query(by_instance, "{{instance}}")],
            )
        },
    ];
    Row { title: "Effectiveness", panels }
}

/// What another size would do, by the live miss-ratio curve of the caching layer.
fn sizes() -> Row {
    let average = |expression: String, by: &str| format!("avg by ({by}) ({expression})");
    let found = sum(&HERE.rate(&m::CACHE_OPERATIONS, "op=\"get\",result=\"hit\""), &[]);
    let asked = sum(&HERE.rate(&m::CACHE_OPERATIONS, "op=\"get\",result=~\"hit|miss\""), &[]);
    let by_bytes = average(HERE.series(&m::CURVE_BYTES_MISS_RATIO, ""), "backend, bytes");
    let panels = vec![
        over_time(
            "Miss ratio at other sizes",
            "Estimated for an LRU cache of a quarter to four times the present capacity. Lines that lie on each other \
             mean that more memory buys nothing, and less costs nothing. What is measured also misses what expired \
             or was invalidated, which no size changes.",
            Shape::Lines,
            Unit::Ratio,
            vec![
                query(
                    average(HERE.series(&m::CURVE_CAPACITY_MISS_RATIO, ""), "backend, factor"),
                    "{{factor}} × capacity {{backend}}",
                ),
                query(format!("1 - {}", ratio(&found, &asked)), "measured"),
            ],
        ),
        over_time(
            "Miss-ratio curve by bytes",
            "Estimated miss ratio of an LRU cache of so many bytes, now. Buy the size where the bars stop shrinking. \
             Select one instance: each has a curve of its own.",
            Shape::Bars,
            Unit::Ratio,
            vec![query(format!("sort_desc({by_bytes})"), "{{bytes}} B {{backend}}")],
        ),
        over_time(
            "Bytes asked for, held and allowed",
            "The estimated bytes of all keys of the window beside those that are held and those that may be. A window \
             that fits needs no larger cache.",
            Shape::Lines,
            Unit::Bytes,
            vec![
                query(sum(&HERE.series(&m::CURVE_FOOTPRINT, ""), &["backend"]), "asked for {{backend}}"),
                query(sum(&HERE.series(&m::CACHE_SIZE_BYTES, ""), &["backend"]), "held {{backend}}"),
                query(sum(&HERE.series(&m::CACHE_CAPACITY_BYTES, ""), &["backend"]), "allowed {{backend}}"),
            ],
        ),
    ];
    Row { title: "Size", panels }
}

fn traffic() -> Row {
    let rate = |metric, matchers| HERE.rate(metric, matchers);
    let panels = vec![
        over_time(
            "Commands by kind",
            "Commands for each second. Many small reads of one kind may be one larger read.",
            Shape::Stacked,
            Unit::PerSecond,
            vec![query(sum(&rate(&m::REDIS_COMMANDS, ""), &["cmd"]), "{{cmd}}")],
        ),
        over_time(
            "Cache operations of the services, by result",
            "What the caching layer saw. Errors and timeouts should be none: each costs a call of the origin.",
            Shape::Stacked,
            Unit::PerSecond,
            vec![query(sum(&rate(&m::CACHE_OPERATIONS, ""), &["op", "result"]), "{{op}} {{result}}")],
        ),
        over_time(
            "Origin calls",
            "Calls that a miss caused, and those that the stampede guard made needless.",
            Shape::Lines,
            Unit::PerSecond,
            vec![
                query(sum(&rate(&m::CACHE_ORIGIN_CALLS, ""), &["result"]), "calls {{result}}"),
                query(sum(&rate(&m::CACHE_ORIGIN_COALESCED, ""), &[]), "coalesced"),
            ],
        ),
    ];
    Row { title: "Traffic", panels }
}

fn memory() -> Row {
    let (used, max) = (HERE.series(&m::REDIS_MEMORY_USED, ""), HERE.series(&m::REDIS_MEMORY_MAX, ""));
    let panels = vec![
        over_time(
            "Memory used and its limit",
            &format!("{} No limit line means that no limit is set.", graded(&MEMORY_USED_RATIO)),
            Shape::Lines,
            Unit::Bytes,
            vec![
                query(sum(&used, &["instance"]), "used {{instance}}"),
                query(format!("{} > 0", sum(&max, &["instance"])), "limit {{instance}}"),
            ],
        ),
        over_time(
            "Evicted and expired keys",
            "Expiry is the plan; eviction means that memory is short. Evictions with a poor hit ratio cost time.",
            Shape::Lines,
            Unit::PerSecond,
            vec![
                query(sum(&HERE.rate(&m::REDIS_EVICTED, ""), &["instance"]), "evicted {{instance}}"),
                query(sum(&HERE.rate(&m::REDIS_EXPIRED, ""), &["instance"]), "expired {{instance}}"),
            ],
        ),
        over_time(
            "Keys by database",
            "Keys held. A database that only grows may hold keys without a time to live.",
            Shape::Stacked,
            Unit::Count,
            vec![query(format!("{} > 0", sum(&HERE.series(&m::REDIS_DB_KEYS, ""), &["db"])), "{{db}}")],
        ),
    ];
    Row { title: "Memory", panels }
}

fn clients() -> Row {
    let by_instance = |metric| sum(&HERE.series(metric, ""), &["instance"]);
    let panels = vec![
        over_time(
            "Clients",
            "Connected and blocked clients. A rising line without more traffic is a leak of connections.",
            Shape::Lines,
            Unit::Count,
            vec![
                query(by_instance(&m::REDIS_CLIENTS), "connected {{instance}}"),
                query(by_instance(&m::REDIS_CLIENTS_BLOCKED), "blocked {{instance}}"),
            ],
        ),
        over_time(
            "Slow log",
            "Entries in the slow log; it keeps the newest 128 unless configured otherwise. Read it with SLOWLOG GET.",
            Shape::Lines,
            Unit::Count,
            vec![query(by_instance(&m::REDIS_SLOWLOG_LENGTH), "{{instance}}")],
        ),
        over_time(
            "Time of a scrape",
            "What watching costs, by target.",
            Shape::Lines,
            Unit::Seconds,
            vec![query(HERE.series(&m::EXPORTER_COLLECTOR_SECONDS, ""), "{{collector}} {{target}}")],
        ),
    ];
    Row { title: "Clients and cost", panels }
}
