//! What the cache is worth, from exact counters: ratio in a window, headroom, eviction against expiry.
//!
//! The raw counters are on the page as they are; these gauges are for people without a query
//! language. They start anew with a new run of the server.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use hitmark_schema::exposition::Family;
use hitmark_schema::metrics as m;

use super::fields::number;
use super::info::field;

/// The window and its label.
const WINDOW: (Duration, &str) = (Duration::from_secs(300), "5m");
/// Most points in the window; more frequent scrapes replace the newest one.
const POINTS_MAX: usize = 301;
/// The least time over which a slope means something.
const SLOPE_MIN: Duration = Duration::from_secs(30);

/// The counters at one scrape.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Point {
    at: Instant,
    hits: f64,
    misses: f64,
    used: f64,
    evicted: f64,
    expired: f64,
}

/// The points of the window, and what this exporter did to the counters itself.
#[derive(Debug, Default)]
pub(super) struct Effect {
    run_id: String,
    points: VecDeque<Point>,
    raw: (f64, f64),
    /// Hits and misses that this exporter caused in this run of the server.
    pub(super) induced: (f64, f64),
    /// What other collectors had looked up by the last scrape, since this process started.
    elsewhere: (u64, u64),
}

impl Effect {
    /// Takes what other collectors have looked up so far on the same server.
    pub(super) fn elsewhere(&mut self, total: (u64, u64)) {
        self.induced.0 += total.0.saturating_sub(self.elsewhere.0) as f64;
        self.induced.1 += total.1.saturating_sub(self.elsewhere.1) as f64;
        self.elsewhere = total;
    }

    /// Adds a scrape and says what the window holds.
    pub(super) fn absorb(&mut self, info: &str, at: Instant) -> Vec<Family> {
        let read = |name: &str| field(info, name).and_then(number);
        let run_id = field(info, "run_id").unwrap_or_default();
        let (Some(hits), Some(misses), Some(used)) =
            (read("keyspace_hits"), read("keyspace_misses"), read("used_memory"))
        else {
            return Vec::new();
        };
        // CONFIG RESETSTAT sets the counters to 0 without a new run.
        let fell = hits < self.raw.0 || misses < self.raw.1;
        if self.run_id != run_id || fell {
            // At the first scrape, what is taken off was looked up in this run already.
            let induced = if self.run_id.is_empty() { self.induced } else { (0.0, 0.0) };
            *self = Self { run_id: run_id.to_owned(), elsewhere: self.elsewhere, induced, ..Self::default() };
        }
        self.raw = (hits, misses);
        let point = Point {
            at,
            hits: (hits - self.induced.0).max(0.0),
            misses: (misses - self.induced.1).max(0.0),
            used,
            evicted: read("evicted_keys").unwrap_or(0.0),
            expired: read("expired_keys").unwrap_or(0.0),
        };
        self.push(point);
        let limit = read("maxmemory").filter(|limit| *limit > 0.0);
        self.families(point, limit, read("mem_not_counted_for_evict").unwrap_or(0.0))
    }

    /// Hits and misses at the last scrape without those that this exporter caused.
    pub(super) fn lookups(&self) -> Option<(f64, f64)> {
        self.points.back().map(|point| (point.hits, point.misses))
    }

    fn push(&mut self, point: Point) {
        while self.points.len() > 1 && point.at.duration_since(self.points[1].at) >= WINDOW.0 {
            self.points.pop_front();
        }
        if self.points.len() >= POINTS_MAX {
            self.points.pop_back();
        }
        self.points.push_back(point);
    }

    fn families(&self, now: Point, limit: Option<f64>, not_counted: f64) -> Vec<Family> {
        let mut families = vec![
            Family::single(m::REDIS_APP_HITS, now.hits),
            Family::single(m::REDIS_APP_MISSES, now.misses),
        ];
        let first = self.points.front().copied().unwrap_or(now);
        let window = [("window", WINDOW.1)];
        let share = |part: f64, whole: f64| (whole > 0.0).then(|| part / whole);
        let (hits, misses) = (now.hits - first.hits, now.misses - first.misses);
        let (evicted, expired) = (now.evicted - first.evicted, now.expired - first.expired);
        let span = now.at.duration_since(first.at).as_secs_f64();
        let per_mib = share(hits, span * now.used / 1_048_576.0);
        for (metric, value) in [
            (m::REDIS_HIT_RATIO, share(hits, hits + misses)),
            (m::REDIS_HITS_PER_MIB, per_mib),
            (m::REDIS_EVICTED_SHARE, share(evicted, evicted + expired)),
        ] {
            families.extend(value.map(|value| Family::new(metric).with(&window, value)));
        }
        let Some(limit) = limit else { return families };
        let headroom = (limit - (now.used - not_counted)).max(0.0);
        families.push(Family::single(m::REDIS_HEADROOM, headroom));
        let growth = now.used - first.used;
        if span >= SLOPE_MIN.as_secs_f64() && growth > 0.0 {
            families.push(Family::single(m::REDIS_UNTIL_FULL, headroom * span / growth));
        }
        families
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info(run: &str, hits: u32, misses: u32, used: u32) -> String {
        format!(
            "run_id:{run}\r\nkeyspace_hits:{hits}\r\nkeyspace_misses:{misses}\r\nused_memory:{used}\r\nmaxmemory:10000\r\nevicted_keys:{misses}\r\nexpired_keys:{hits}\r\n"
        )
    }

    fn value(families: &[Family], metric: m::Metric) -> Option<f64> {
        families.iter().find(|family| family.metric == metric).map(|family| match family.samples[0].value {
            hitmark_schema::exposition::Value::Number(value) => value,
            _ => f64::NAN,
        })
    }

    #[test]
    fn the_ratio_is_that_of_the_window_without_our_own_lookups() {
        let (mut effect, start) = (Effect::default(), Instant::now());
        effect.absorb(&info("a", 1_000, 0, 1_000), start);
        effect.induced = (10.0, 5.0);
        let families = effect.absorb(&info("a", 1_040, 15, 2_000), start + Duration::from_secs(60));
        assert_eq!(value(&families, m::REDIS_HIT_RATIO), Some(0.75));
        assert_eq!(value(&families, m::REDIS_APP_MISSES), Some(10.0));
        assert_eq!(value(&families, m::REDIS_HEADROOM), Some(8_000.0));
        assert_eq!(value(&families, m::REDIS_UNTIL_FULL), Some(480.0));
        let later = effect.absorb(&info("a", 1_040, 15, 2_000), start + Duration::from_secs(900));
        assert_eq!(value(&later, m::REDIS_HIT_RATIO), None, "no lookups in the window is no ratio");
    }

    #[test]
    fn a_new_run_of_the_server_starts_a_new_window() {
        let (mut effect, start) = (Effect::default(), Instant::now());
        effect.absorb(&info("a", 1_000, 0, 1_000), start);
        effect.induced = (10.0, 5.0);
        let families = effect.absorb(&info("b", 3, 1, 1_000), start + Duration::from_secs(15));
        assert_eq!(
            (value(&families, m::REDIS_APP_HITS), value(&families, m::REDIS_HIT_RATIO)),
            (Some(3.0), None)
        );
        assert_eq!(effect.induced, (0.0, 0.0));
    }
}
