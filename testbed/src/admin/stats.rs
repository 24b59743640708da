//! The pages of figures, in the shapes of the seeds.
//!
//! The server's own hit rate mixes everything that uses the server: sessions, queues, other services.
//! The judgement is therefore made on what this service counted itself, and both are shown.

use hitmark_schema::exposition::{Family, Value as Measured};
use hitmark_schema::metrics::CACHE_OPERATIONS;
use hitmark_schema::thresholds::{CACHE_RESPONSE_SECONDS, Grade, HIT_RATIO};
use serde_json::{Value, json};

use super::server::ServerInfo;

/// Lookups of this service's own cache layer.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Lookups {
    hits: f64,
    misses: f64,
}

impl Lookups {
    fn of(families: &[Family]) -> Self {
        let mut lookups = Self::default();
        let gets = families.iter().filter(|family| family.metric == CACHE_OPERATIONS);
        for sample in gets.flat_map(|family| &family.samples) {
            let has = |name, value| sample.labels.iter().any(|(label, text)| *label == name && text == value);
            if let (true, Measured::Number(count)) = (has("op", "get"), &sample.value) {
                match () {
                    () if has("result", "hit") => lookups.hits += count,
                    () if has("result", "miss") => lookups.misses += count,
                    () => {}
                }
            }
        }
        lookups
    }

    /// `None` before the first lookup: no ratio is better than a made-up one.
    fn hit_ratio(self) -> Option<f64> {
        let all = self.hits + self.misses;
        (all > 0.0).then(|| self.hits / all)
    }
}

/// `/api/v1/cache/stats`.
pub(super) fn full(families: &[Family], server: Option<&ServerInfo>) -> Value {
    let lookups = Lookups::of(families);
    let ratio = lookups.hit_ratio();
    let mut page = json!({ "connected": server.is_some() });
    if let Some(server) = server {
        page["used_memory"] = server.text("used_memory_human").into();
        for figure in ["connected_clients", "total_commands_processed", "keyspace_hits", "keyspace_misses"] {
            page[figure] = server.number(figure).into();
        }
        let (hits, misses) = (server.number("keyspace_hits"), server.number("keyspace_misses"));
        page["hit_rate"] = percent(Lookups { hits: hits as f64, misses: misses as f64 }.hit_ratio());
    }
    page["client"] = json!({ "hits": lookups.hits, "misses": lookups.misses, "hit_rate": percent(ratio) });
    page["performance_insights"] = json!({
        "hit_rate_category": ratio.map(|ratio| HIT_RATIO.grade(ratio).as_str()),
        "optimization_suggestions": suggestions(ratio),
    });
    page
}

/// `/api/cache/stats`: the seeds' second and third shape in one.
pub(super) fn short(families: &[Family], server: Option<&ServerInfo>) -> Value {
    let ratio = Lookups::of(families).hit_ratio();
    let mut page = json!({ "connected": server.is_some(), "hit_rate": percent(ratio) });
    if let Some(server) = server {
        page["response_time_ms"] = milliseconds(server).into();
        page["memory_usage_mb"] = server.mebibytes("used_memory").into();
        page["used_memory_mb"] = server.mebibytes("used_memory").into();
        page["used_memory_peak_mb"] = server.mebibytes("used_memory_peak").into();
        page["active_keys"] = server.keys.into();
        for figure in ["evicted_keys", "expired_keys", "total_commands_processed"] {
            page[figure] = server.number(figure).into();
        }
    }
    page
}

/// `/api/v1/cache/health` and `/api/cache/health`. `is_connected` is `None` for a cache without a server;
/// `server` is also `None` for a cache on several.
pub(super) fn health(now: &str, is_connected: Option<bool>, server: Option<&ServerInfo>) -> Value {
    let status = if is_connected == Some(false) { "degraded" } else { "healthy" };
    json!({
        "timestamp": now,
        "redis_connected": is_connected == Some(true),
        "response_time_ms": server.map(milliseconds),
        "status": status,
        "performance": server.map(|server| CACHE_RESPONSE_SECONDS.grade(server.ping.as_secs_f64()).as_str()),
    })
}

fn milliseconds(server: &ServerInfo) -> f64 {
    (server.ping.as_secs_f64() * 1e6).round() / 1e3
}

/// A ratio in percent with one decimal.
fn percent(ratio: Option<f64>) -> Value {
    ratio.map_or(Value::Null, |ratio| ((ratio * 1_000.0).round() / 10.0).into())
}

fn suggestions(ratio: Option<f64>) -> Vec<&'static str> {
    match ratio.map(|ratio| HIT_RATIO.grade(ratio)) {
        None => vec!["No lookups yet: nothing can be said"],
        Some(Grade::Excellent) => vec!["Cache performance is optimal"],
        Some(Grade::Good) => vec!["See which key families miss, and whether their lifetimes are too short"],
        Some(Grade::Poor) => vec![
            "See whether keys hold a parameter that does not change the answer",
            "See how often invalidation clears more than it must",
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn families(hits: f64, misses: f64) -> Vec<Family> {
        let mut family = Family::new(CACHE_OPERATIONS);
        family.push(&[("backend", "memory"), ("op", "get"), ("result", "hit")], hits);
        family.push(&[("backend", "memory"), ("op", "get"), ("result", "miss")], misses);
        family.push(&[("backend", "memory"), ("op", "set"), ("result", "ok")], 9_999.0);
        vec![family]
    }

    #[test]
    fn seventy_three_percent_is_excellent_as_the_rule_says_and_not_good_as_the_example_does() {
        let page = full(&families(730.0, 270.0), None);
        assert_eq!(page["client"]["hit_rate"], 73.0);
        assert_eq!(page["performance_insights"]["hit_rate_category"], "excellent");
        let page = full(&families(70.0, 30.0), None);
        assert_eq!(page["performance_insights"]["hit_rate_category"], "good");
        let page = full(&families(49.0, 51.0), None);
        assert_eq!(page["performance_insights"]["hit_rate_category"], "poor");
    }

    #[test]
    fn nothing_is_made_up_before_the_first_lookup() {
        let page = full(&families(0.0, 0.0), None);
        assert_eq!(page["client"]["hit_rate"], Value::Null);
        assert_eq!(page["performance_insights"]["hit_rate_category"], Value::Null);
    }

    #[test]
    fn twelve_and_a_half_milliseconds_are_good_as_the_rule_says() {
        let server = ServerInfo::for_test(std::time::Duration::from_micros(12_500));
        let page = health("now", Some(true), Some(&server));
        assert_eq!((&page["response_time_ms"], &page["performance"]), (&12.5.into(), &"good".into()));
        assert_eq!(health("now", Some(false), None)["status"], "degraded");
        assert_eq!(health("now", None, None)["status"], "healthy");
        let cluster = health("now", Some(true), None);
        assert_eq!((&cluster["redis_connected"], &cluster["response_time_ms"]), (&true.into(), &Value::Null));
    }
}
