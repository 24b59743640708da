//! The caching tier as a whole: Redis, memcached, Varnish, nginx and the edge side by side.
//!
//! The neutral `cache_tier_*` metrics put what each server counts in its own way on one axis; the
//! servers' own names come below, for what only one of them has.

use hitmark_schema::metrics as m;
use hitmark_schema::thresholds::{HIT_RATIO, MEMORY_USED_RATIO};

use super::panels::{graded, over_time, query, stat};
use crate::grafana::{Dashboard, Panel, Row, Shape, Unit};
use crate::promql::{Scope, max, min, quantile, ratio, sum};

const HERE: Scope = Scope::Dashboard;
/// What tells one cache of the tier from another.
const BY: &[&str] = &["tier", "instance", "target"];
const LEGEND: &str = "{{tier}} {{target}} {{instance}}";

/// The dashboard.
#[must_use]
pub fn dashboard() -> Dashboard {
    Dashboard {
        name: "caching-tier",
        title: "Caching tier",
        description: "Every cache between a client and the origin: what each answers, holds and drops.",
        present: &[&m::TIER_HITS, &m::EDGE_UP, &m::NGINX_UP],
        rows: vec![effectiveness(), room(), edge(), servers()],
    }
}

fn effectiveness() -> Row {
    let hit_ratio = |by: &[&str]| {
        let (hits, misses) =
            (sum(&HERE.rate(&m::TIER_HITS, ""), by), sum(&HERE.rate(&m::TIER_MISSES, ""), by));
        ratio(&hits, &format!("({hits} + {misses})"))
    };
    let panels = vec![
        Panel {
            bands: Some(&HIT_RATIO),
            ..stat("Hit ratio of all tiers", &graded(&HIT_RATIO), Unit::Ratio, hit_ratio(&[]))
        },
        stat(
            "Lookups that reach an origin",
            "Misses of all tiers for each second. A miss of an outer tier may hit in an inner one, so this is an upper bound.",
            Unit::PerSecond,
            sum(&HERE.rate(&m::TIER_MISSES, ""), &[]),
        ),
        Panel {
            bands: Some(&HIT_RATIO),
            ..over_time(
                "Hit ratio by tier",
                "A ratio of rates. An outer tier with a poor ratio in front of an inner one with an excellent one does work twice.",
                Shape::Lines,
                Unit::Ratio,
                vec![query(hit_ratio(BY), LEGEND)],
            )
        },
        over_time(
            "Hits for each MiB held",
            "What a MiB of each tier earns. Memory belongs where this is highest.",
            Shape::Lines,
            Unit::PerSecond,
            vec![query(max(&HERE.series(&m::TIER_HITS_PER_MIB, ""), BY), LEGEND)],
        ),
    ];
    Row { title: "Effectiveness", panels }
}

fn room() -> Row {
    let gauge = |metric| max(&HERE.series(metric, ""), BY);
    let panels = vec![
        over_time(
            "Bytes held and their limit",
            &graded(&MEMORY_USED_RATIO),
            Shape::Lines,
            Unit::Bytes,
            vec![
                query(gauge(&m::TIER_USED), "used {{tier}} {{target}} {{instance}}"),
                query(gauge(&m::TIER_LIMIT), "limit {{tier}} {{target}} {{instance}}"),
            ],
        ),
        over_time(
            "Evictions",
            "Entries removed because room was short. With an excellent hit ratio it is well; with a poor one, give it room.",
            Shape::Lines,
            Unit::PerSecond,
            vec![query(sum(&HERE.rate(&m::TIER_EVICTIONS, ""), BY), LEGEND)],
        ),
        over_time(
            "Time until full",
            "At the growth of the last five minutes; absent without a limit or growth.",
            Shape::Lines,
            Unit::Seconds,
            vec![query(min(&HERE.series(&m::TIER_UNTIL_FULL, ""), BY), LEGEND)],
        ),
    ];
    Row { title: "Room", panels }
}

fn edge() -> Row {
    let outcomes = sum(&HERE.rate(&m::EDGE_PROBES, ""), &["outcome"]);
    let first_byte = HERE.buckets(&m::EDGE_FIRST_BYTE, "");
    let panels = vec![
        over_time(
            "How the edge answers the probe",
            "By the headers of its answers. A page that is always a miss is not cached there: look at its Cache-Control and Vary.",
            Shape::Stacked,
            Unit::PerSecond,
            vec![query(outcomes, "{{outcome}}")],
        ),
        over_time(
            "Time to the first byte, p95",
            "By outcome. What lies between hit and miss is what the edge saves.",
            Shape::Lines,
            Unit::Seconds,
            vec![query(quantile(0.95, &first_byte, &["outcome"]), "{{outcome}}")],
        ),
        over_time(
            "Age of the pages",
            "As their own header tells. An age above the page's time to live means that stale pages are served.",
            Shape::Lines,
            Unit::Seconds,
            vec![query(max(&HERE.series(&m::EDGE_PATH_AGE, ""), &["path"]), "{{path}}")],
        ),
    ];
    Row { title: "Edge", panels }
}

fn servers() -> Row {
    let by = &["instance", "target"];
    let panels = vec![
        over_time(
            "memcached commands",
            "By how they went. Misses of get are what the services ask of their origin.",
            Shape::Stacked,
            Unit::PerSecond,
            vec![query(
                sum(&HERE.rate(&m::MEMCACHED_COMMANDS, ""), &["command", "status"]),
                "{{command}} {{status}}",
            )],
        ),
        over_time(
            "nginx requests",
            "For each second, one of them for each scrape.",
            Shape::Lines,
            Unit::PerSecond,
            vec![query(sum(&HERE.rate(&m::NGINX_REQUESTS, ""), by), "{{target}} {{instance}}")],
        ),
        over_time(
            "Varnish backends that are well",
            "By their health probe; 0 too where no probe is configured.",
            Shape::Lines,
            Unit::Count,
            vec![query(
                min(&HERE.series(&m::VARNISH_BACKEND_UP, ""), &["backend", "server"]),
                "{{backend}} {{server}}",
            )],
        ),
    ];
    Row { title: "Servers", panels }
}
