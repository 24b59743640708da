//! Series that alerts and dashboards share, so that a ratio is computed in one place.

use hitmark_schema::metrics as m;

use super::Recording;
use crate::promql::{Scope, ratio, sum};

/// The labels that tell cache servers apart: `target` is there when one exporter asks several.
pub const SERVER: &[&str] = &["job", "instance", "target"];
/// The labels that tell caches of services apart.
pub const CACHE: &[&str] = &["job", "instance", "service", "backend"];

/// The labels that tell caches of the tier apart.
const TIER: &[&str] = &["job", "instance", "target", "tier"];
/// The labels that tell Celery's tasks apart.
const TASK: &[&str] = &["job", "instance", "target", "name"];

/// Every recording rule, each after those that it reads.
#[must_use]
pub fn recordings() -> Vec<Recording> {
    let rate = |metric, matchers| Scope::Rule.rate(metric, matchers);
    let found = sum(&rate(&m::CACHE_OPERATIONS, "op=\"get\",result=\"hit\""), CACHE);
    let both = format!("{} + {}", rate(&m::REDIS_HITS, ""), rate(&m::REDIS_MISSES, ""));
    let tier = format!("{} + {}", rate(&m::TIER_HITS, ""), rate(&m::TIER_MISSES, ""));
    // A task that only fails has no series of successes.
    let [failed, succeeded] =
        [&m::CELERY_TASK_FAILED, &m::CELERY_TASK_SUCCEEDED].map(|metric| sum(&rate(metric, ""), TASK));
    let rule = |name, expression| Recording { name, expression };
    vec![
        rule("redis:lookups:rate5m", sum(&both, SERVER)),
        rule(
            "redis:hit_ratio:rate5m",
            ratio(&sum(&rate(&m::REDIS_HITS, ""), SERVER), "redis:lookups:rate5m"),
        ),
        rule("redis:evicted_keys:rate5m", sum(&rate(&m::REDIS_EVICTED, ""), SERVER)),
        rule("redis:memory_used:ratio", ratio(m::REDIS_MEMORY_USED.name, m::REDIS_MEMORY_MAX.name)),
        rule(
            "cache:lookups:rate5m",
            sum(&rate(&m::CACHE_OPERATIONS, "op=\"get\",result=~\"hit|miss\""), CACHE),
        ),
        rule("cache:hit_ratio:rate5m", ratio(&found, "cache:lookups:rate5m")),
        rule("tier:lookups:rate5m", sum(&tier, TIER)),
        rule("tier:hit_ratio:rate5m", ratio(&sum(&rate(&m::TIER_HITS, ""), TIER), "tier:lookups:rate5m")),
        rule(
            "celery:task_failure:ratio5m",
            ratio(&failed, &format!("({failed} + ({succeeded} or 0 * {failed}))")),
        ),
        rule(
            "pg:connections_used:ratio",
            ratio(&sum(m::PG_BACKENDS.name, SERVER), &sum(m::PG_MAX_CONNECTIONS.name, SERVER)),
        ),
    ]
}
