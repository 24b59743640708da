//! A Redis server as one cache tier among others, under the names `cache_tier_*`.
//!
//! The window and the names are `effectiveness`'; here is what Redis says in those words, and the one
//! account that it does not keep itself: how many of the evicted keys were younger than their time to
//! live. `evicted_keys` does not tell that, but the policy does: under `volatile-*` only keys with a
//! time to live are evicted. Under `allkeys-*` it is certain only where all keys have one, or none;
//! otherwise the evictions are counted apart as unclear, never guessed.

use std::time::Instant;

use hitmark_schema::exposition::Family;

use super::fields::number;
use super::info::field;
use crate::effectiveness::{Effectiveness, Reading};

/// The window of this server.
#[derive(Debug)]
pub(super) struct Tier {
    effect: Effectiveness,
    evictions: Evictions,
}

impl Default for Tier {
    fn default() -> Self {
        Self { effect: Effectiveness::new("redis"), evictions: Evictions::default() }
    }
}

impl Tier {
    /// Adds a scrape; `lookups` are hits and misses without this exporter's own.
    pub(super) fn absorb(&mut self, info: &str, lookups: (f64, f64), at: Instant) -> Vec<Family> {
        let read = |name: &str| field(info, name).and_then(number);
        self.evictions.absorb(info);
        // The limit does not count some buffers, so the room in use is without them.
        let not_counted = read("mem_not_counted_for_evict").unwrap_or(0.0);
        let reading = Reading {
            hits: lookups.0,
            misses: lookups.1,
            evictions: read("evicted_keys"),
            evicted_unexpired: Some(self.evictions.unexpired),
            evicted_unclear: Some(self.evictions.unclear),
            used: read("used_memory").map(|used| (used - not_counted).max(0.0)),
            limit: read("maxmemory").filter(|limit| *limit > 0.0),
        };
        self.effect.absorb(reading, at)
    }
}

/// Which keys the server may evict, as one scrape shows it.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Candidates {
    /// Only keys with a time to live.
    Expiring,
    /// Only keys without one.
    Lasting,
    /// Both, or nobody knows.
    Both,
}

/// Evictions since the first scrape, by what the policy says of them.
#[derive(Debug, Default)]
struct Evictions {
    run_id: String,
    last: Option<(f64, Candidates)>,
    unexpired: f64,
    unclear: f64,
}

impl Evictions {
    fn absorb(&mut self, info: &str) {
        let run_id = field(info, "run_id").unwrap_or_default();
        let Some(evicted) = field(info, "evicted_keys").and_then(number) else { return };
        let candidates = candidates(info);
        if let Some((before, were)) = self.last.filter(|_| self.run_id == run_id) {
            // CONFIG RESETSTAT sets the server's counter to 0: then all of it is new.
            let new = if evicted < before { evicted } else { evicted - before };
            match (were, candidates) {
                (Candidates::Expiring, Candidates::Expiring) => self.unexpired += new,
                (Candidates::Lasting, Candidates::Lasting) => {}
                // What they were in between is not known.
                _ => self.unclear += new,
            }
        }
        run_id.clone_into(&mut self.run_id);
        self.last = Some((evicted, candidates));
    }
}

fn candidates(info: &str) -> Candidates {
    if field(info, "maxmemory_policy").is_some_and(|policy| policy.starts_with("volatile-")) {
        return Candidates::Expiring;
    }
    let (mut keys, mut expiring) = (0.0, 0.0);
    for line in info.lines().filter(|line| line.starts_with("db")) {
        let Some((_, counts)) = line.split_once(":keys=") else { continue };
        let mut counts = counts.split(',');
        keys += counts.next().and_then(number).unwrap_or(0.0);
        let with_ttl = counts.find_map(|count| count.strip_prefix("expires="));
        expiring += with_ttl.and_then(number).unwrap_or(0.0);
    }
    if expiring == 0.0 && keys > 0.0 {
        Candidates::Lasting
    } else if expiring >= keys && keys > 0.0 {
        Candidates::Expiring
    } else {
        Candidates::Both
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info(policy: &str, evicted: u32, keys: u32, expires: u32) -> String {
        format!(
            "run_id:a\r\nmaxmemory_policy:{policy}\r\nevicted_keys:{evicted}\r\n\
             db0:keys={keys},expires={expires},avg_ttl=5\r\n"
        )
    }

    #[test]
    fn evictions_are_unexpired_unclear_or_neither_by_policy_and_keyspace() {
        for (policy, keys, expires, unexpired, unclear) in [
            ("volatile-lru", 10, 3, 7.0, 0.0),
            ("allkeys-lru", 10, 10, 7.0, 0.0),
            ("allkeys-lru", 10, 0, 0.0, 0.0),
            ("allkeys-lfu", 10, 9, 0.0, 7.0),
            ("allkeys-lru", 0, 0, 0.0, 7.0),
        ] {
            let mut evictions = Evictions::default();
            evictions.absorb(&info(policy, 100, keys, expires));
            assert_eq!(evictions.unexpired + evictions.unclear, 0.0, "the time before is not known");
            evictions.absorb(&info(policy, 107, keys, expires));
            assert_eq!((evictions.unexpired, evictions.unclear), (unexpired, unclear), "{policy} {expires}");
        }
    }

    #[test]
    fn a_policy_that_changed_leaves_what_came_between_unclear() {
        let mut evictions = Evictions::default();
        evictions.absorb(&info("allkeys-lru", 0, 10, 5));
        evictions.absorb(&info("volatile-ttl", 4, 10, 5));
        evictions.absorb(&info("volatile-ttl", 5, 10, 5));
        evictions.absorb(&info("volatile-ttl", 2, 10, 5));
        assert_eq!((evictions.unexpired, evictions.unclear), (3.0, 4.0), "a counter that fell began anew");
        evictions.absorb(&info("volatile-ttl", 90, 10, 5).replace("run_id:a", "run_id:b"));
        assert_eq!(evictions.unexpired, 3.0, "a new run of the server begins unseen");
    }
}
