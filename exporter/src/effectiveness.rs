//! What a cache tier is worth, from exact counters, under the neutral names `cache_tier_*`.
//!
//! One window for every kind of cache that counts hits and misses, so that one dashboard shows all
//! tiers. It knows no server: a collector hands over the numbers of one scrape. Redis has a richer
//! account of its own (`collectors/redis/effect.rs`).

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use hitmark_schema::exposition::Family;
use hitmark_schema::metrics as m;

/// The window and its label.
const WINDOW: (Duration, &str) = (Duration::from_secs(300), "5m");
/// Most points in the window; more frequent scrapes replace the newest one.
const POINTS_MAX: usize = 301;
/// The least time over which a slope means something.
const SLOPE_MIN: Duration = Duration::from_secs(30);
const MIB: f64 = 1_048_576.0;

/// The counters of a tier at one scrape. What the server does not tell is `None`.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Reading {
    /// Lookups answered from the store, since the server started.
    pub(crate) hits: f64,
    /// Lookups that were not.
    pub(crate) misses: f64,
    /// Entries removed because room was short.
    pub(crate) evictions: Option<f64>,
    /// Of those, entries whose time to live had not passed, as far as the server tells.
    pub(crate) evicted_unexpired: Option<f64>,
    /// Of those, entries of which it is not known whether they had a time to live.
    pub(crate) evicted_unclear: Option<f64>,
    /// Bytes held.
    pub(crate) used: Option<f64>,
    /// Bytes that may be held.
    pub(crate) limit: Option<f64>,
}

/// The readings of the window.
#[derive(Debug)]
pub(crate) struct Effectiveness {
    tier: &'static str,
    points: VecDeque<(Instant, Reading)>,
}

impl Effectiveness {
    pub(crate) const fn new(tier: &'static str) -> Self {
        Self { tier, points: VecDeque::new() }
    }

    /// Adds a scrape and says what the window holds.
    pub(crate) fn absorb(&mut self, now: Reading, at: Instant) -> Vec<Family> {
        // A counter that fell belongs to a new run of the server, and so to a new window.
        if self.points.back().is_some_and(|(_, last)| now.hits < last.hits || now.misses < last.misses) {
            self.points.clear();
        }
        while self.points.len() > 1 && at.duration_since(self.points[1].0) >= WINDOW.0 {
            self.points.pop_front();
        }
        if self.points.len() >= POINTS_MAX {
            self.points.pop_back();
        }
        self.points.push_back((at, now));
        let (since, first) = self.points.front().copied().unwrap_or((at, now));
        self.families(first, now, at.duration_since(since))
    }

    fn families(&self, first: Reading, now: Reading, span: Duration) -> Vec<Family> {
        let span_s = span.as_secs_f64();
        let (hits, misses) = (now.hits - first.hits, now.misses - first.misses);
        let headroom = now.limit.zip(now.used).map(|(limit, used)| (limit - used).max(0.0));
        let growth = now.used.zip(first.used).map_or(0.0, |(now, first)| now - first);
        let until_full = headroom.filter(|_| span >= SLOPE_MIN && growth > 0.0);
        let held = now.used.filter(|used| *used > 0.0 && span_s > 0.0);
        let tier = ("tier", self.tier);
        let window = ("window", WINDOW.1);
        let mut families = Vec::new();
        for (metric, value) in [
            (m::TIER_HITS, Some(now.hits)),
            (m::TIER_MISSES, Some(now.misses)),
            (m::TIER_EVICTIONS, now.evictions),
            (m::TIER_EVICTED_UNEXPIRED, now.evicted_unexpired),
            (m::TIER_EVICTED_UNCLEAR, now.evicted_unclear),
            (m::TIER_USED, now.used),
            (m::TIER_LIMIT, now.limit),
            (m::TIER_HEADROOM, headroom),
            (m::TIER_UNTIL_FULL, until_full.map(|headroom| headroom * span_s / growth)),
        ] {
            families.extend(value.map(|value| Family::new(metric).with(&[tier], value)));
        }
        let ratio = (hits + misses > 0.0).then(|| hits / (hits + misses));
        let per_mib = held.map(|used| hits / span_s / (used / MIB));
        for (metric, value) in [(m::TIER_HIT_RATIO, ratio), (m::TIER_HITS_PER_MIB, per_mib)] {
            families.extend(value.map(|value| Family::new(metric).with(&[tier, window], value)));
        }
        families
    }
}

#[cfg(test)]
mod tests {
    use hitmark_schema::exposition::Value;

    use super::*;

    fn reading(hits: f64, misses: f64, used: f64) -> Reading {
        Reading {
            hits,
            misses,
            evictions: Some(0.0),
            used: Some(used),
            limit: Some(10_000.0),
            ..Reading::default()
        }
    }

    fn value(families: &[Family], metric: m::Metric) -> Option<f64> {
        families.iter().find(|family| family.metric == metric).map(|family| match family.samples[0].value {
            Value::Number(value) => value,
            _ => f64::NAN,
        })
    }

    #[test]
    fn the_ratio_is_that_of_the_window_and_no_lookups_are_no_ratio() {
        let (mut effect, start) = (Effectiveness::new("memcached"), Instant::now());
        let first = effect.absorb(reading(1_000.0, 0.0, 1_000.0), start);
        assert_eq!((value(&first, m::TIER_HIT_RATIO), value(&first, m::TIER_HITS)), (None, Some(1_000.0)));
        let later = effect.absorb(reading(1_030.0, 10.0, 2_000.0), start + Duration::from_secs(60));
        assert_eq!(value(&later, m::TIER_HIT_RATIO), Some(0.75));
        assert_eq!(value(&later, m::TIER_HEADROOM), Some(8_000.0));
        assert_eq!(value(&later, m::TIER_UNTIL_FULL), Some(480.0));
        let quiet = effect.absorb(reading(1_030.0, 10.0, 2_000.0), start + Duration::from_secs(900));
        assert_eq!(value(&quiet, m::TIER_HIT_RATIO), None);
    }

    #[test]
    fn a_counter_that_fell_starts_a_new_window() {
        let (mut effect, start) = (Effectiveness::new("memcached"), Instant::now());
        effect.absorb(reading(1_000.0, 500.0, 1.0), start);
        effect.absorb(reading(3.0, 1.0, 1.0), start + Duration::from_secs(10));
        let families = effect.absorb(reading(4.0, 1.0, 1.0), start + Duration::from_secs(20));
        assert_eq!(value(&families, m::TIER_HIT_RATIO), Some(1.0));
    }

    #[test]
    fn what_the_server_does_not_tell_has_no_sample() {
        let mut effect = Effectiveness::new("edge");
        let bare = Reading { hits: 1.0, ..Reading::default() };
        let families = effect.absorb(bare, Instant::now());
        let names: Vec<&str> = families.iter().map(|family| family.metric.name).collect();
        assert_eq!(names, ["cache_tier_hits_total", "cache_tier_misses_total"]);
    }

    #[test]
    fn frequent_scrapes_do_not_grow_the_window_without_bound() {
        let (mut effect, start) = (Effectiveness::new("memcached"), Instant::now());
        for step in 0..2_000_u32 {
            effect.absorb(reading(f64::from(step), 0.0, 1.0), start + Duration::from_millis(10) * step);
        }
        assert_eq!(effect.points.len(), POINTS_MAX);
    }
}
