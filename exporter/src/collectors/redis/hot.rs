//! The hottest keys of each prefix, by what the server itself remembers of accesses.
//!
//! Under an LFU policy that is `OBJECT FREQ`, under any other `OBJECT IDLETIME`; never `MONITOR`, which
//! makes the server send every command of every client. A pass with `SCAN` goes on from scrape to scrape for a few
//! milliseconds each time, so every key is looked at in its turn, and the hottest so far are looked at
//! again in each scrape. `OBJECT` neither warms a key nor spares it from eviction, but the server counts
//! it as a lookup, so the caller is told of each batch. Names of keys stay here unless the module says
//! otherwise: what is told is the prefix and the rank.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use hitmark_schema::exposition::Family;
use hitmark_schema::metrics as m;

use super::info::field;
use super::keys::Induced;
use super::options::RedisOptions;
use super::rounds::BATCH;
use super::sample::{prefix_of, scanned};
use crate::failure::Failure;
use crate::redis_client::{Command, RedisClient, Reply};

/// `COUNT` of each `SCAN`.
const COUNT: &str = "100";
/// Most keys that are kept over all prefixes: each is asked about again in every scrape.
const KEPT_MAX: usize = 1_000;
/// Longer keys are not kept.
const KEY_MAX: usize = 1_024;
/// The longest part of a key that is told.
const SHOWN_MAX: usize = 128;

/// What the server remembers of accesses, which its policy decides.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) enum Heat {
    /// The logarithmic counter: more is hotter.
    Frequency,
    /// Seconds since the last access: less is hotter.
    #[default]
    Idle,
}

/// The hottest keys so far.
#[derive(Debug, Default)]
pub(super) struct HotKeys {
    heat: Heat,
    cursor: String,
    /// By prefix, the hottest first.
    tops: BTreeMap<String, Vec<Hot>>,
    running: BTreeMap<String, Mean>,
    ended: BTreeMap<String, Mean>,
    passes: u32,
}

#[derive(Debug, Clone, PartialEq)]
struct Hot {
    key: String,
    value: f64,
}

/// All keys of a prefix within one pass.
#[derive(Debug, Clone, Copy, Default)]
struct Mean {
    sum: f64,
    count: f64,
}

impl Heat {
    /// What a server with this `INFO` can be asked; asking for the other is an error that it counts.
    pub(super) fn of(info: &str) -> Self {
        let is_lfu = field(info, "maxmemory_policy").is_some_and(|policy| policy.ends_with("-lfu"));
        if is_lfu { Self::Frequency } else { Self::Idle }
    }

    const fn word(self) -> &'static str {
        match self {
            Self::Frequency => "FREQ",
            Self::Idle => "IDLETIME",
        }
    }
}

impl HotKeys {
    /// Looks at the kept keys again, then goes on with the pass for as long as the module allows.
    /// `tell` learns of every batch what it added to the server's hits and misses.
    pub(super) async fn go_on(
        &mut self,
        client: &RedisClient,
        options: &RedisOptions,
        heat: Heat,
        limit: Duration,
        tell: impl Fn(Induced),
    ) -> Result<(), Failure> {
        let begun = Instant::now();
        let end = begun + limit.min(Duration::from_millis(options.hot_ms));
        if self.heat != heat {
            *self = Self { heat, ..Self::default() };
        }
        let kept: Vec<String> = self.tops.values().flatten().map(|hot| hot.key.clone()).collect();
        let kept: Vec<&str> = kept.iter().map(String::as_str).collect();
        let values = ask(client, heat, &kept, limit, &tell).await?;
        self.tops.clear();
        kept.iter().zip(values).for_each(|(key, value)| self.keep(key, value, options));
        loop {
            let cursor = if self.cursor.is_empty() { "0" } else { self.cursor.as_str() };
            let replies = client.ask(&[&["SCAN", cursor, "COUNT", COUNT]], limit).await?;
            let Some((next, keys)) = replies.first().and_then(scanned) else {
                return Err(Failure::Answer("SCAN answered no cursor".to_owned()));
            };
            let values = ask(client, heat, &keys, limit, &tell).await?;
            for (key, value) in keys.iter().zip(values) {
                self.add(key, value, options);
            }
            next.clone_into(&mut self.cursor);
            if next == "0" {
                self.cursor.clear();
                self.ended = std::mem::take(&mut self.running);
                self.passes += 1;
            }
            if next == "0" || Instant::now() >= end {
                return Ok(());
            }
        }
    }

    /// Counts a key that the pass met.
    fn add(&mut self, key: &str, value: Option<f64>, options: &RedisOptions) {
        let Some(number) = value else { return };
        let prefix = prefix_of(key, options);
        let known = self.running.contains_key(&prefix) || self.running.len() < options.names_max;
        let mean = self.running.entry(if known { prefix } else { "other".to_owned() }).or_default();
        mean.sum += number;
        mean.count += 1.0;
        self.keep(key, value, options);
    }

    /// Keeps a key if it is among the hottest of its prefix.
    fn keep(&mut self, key: &str, value: Option<f64>, options: &RedisOptions) {
        let Some(value) = value.filter(|_| key.len() <= KEY_MAX) else { return };
        let prefixes_max = options.names_max.min(KEPT_MAX / options.hot_keys.max(1));
        let prefix = prefix_of(key, options);
        let known = self.tops.contains_key(&prefix) || self.tops.len() < prefixes_max;
        let top = self.tops.entry(if known { prefix } else { "other".to_owned() }).or_default();
        if let Some(there) = top.iter_mut().find(|there| there.key == key) {
            there.value = value;
        } else {
            top.push(Hot { key: key.to_owned(), value });
        }
        let order = |one: &Hot, other: &Hot| match self.heat {
            Heat::Frequency => other.value.total_cmp(&one.value),
            Heat::Idle => one.value.total_cmp(&other.value),
        };
        // By name where two are as hot, so that ranks do not change places for nothing.
        top.sort_by(|one, other| order(one, other).then_with(|| one.key.cmp(&other.key)));
        top.truncate(options.hot_keys);
    }

    pub(super) fn families(&self, options: &RedisOptions) -> Vec<Family> {
        let (rank, mean) = match self.heat {
            Heat::Frequency => (m::REDIS_HOT_FREQUENCY, m::REDIS_PREFIX_FREQUENCY),
            Heat::Idle => (m::REDIS_HOT_IDLE, m::REDIS_PREFIX_IDLE),
        };
        let (mut ranks, mut names, mut means) =
            (Family::new(rank), Family::new(m::REDIS_HOT_INFO), Family::new(mean));
        for (prefix, top) in &self.tops {
            for (place, hot) in top.iter().enumerate() {
                let rank = (place + 1).to_string();
                let labels = [("prefix", prefix.as_str()), ("rank", rank.as_str())];
                ranks.push(&labels, hot.value);
                if options.hot_key_names {
                    let key = &hot.key[..hot.key.floor_char_boundary(SHOWN_MAX)];
                    names.push(&[labels[0], labels[1], ("key", key)], 1.0);
                }
            }
        }
        for (prefix, all) in &self.ended {
            means.push(&[("prefix", prefix)], all.sum / all.count);
        }
        vec![ranks, names, means, Family::single(m::REDIS_HOT_PASSES, f64::from(self.passes))]
    }
}

/// The heat of each key; nothing for one that is gone.
async fn ask(
    client: &RedisClient,
    heat: Heat,
    keys: &[&str],
    limit: Duration,
    tell: &impl Fn(Induced),
) -> Result<Vec<Option<f64>>, Failure> {
    let mut values = Vec::with_capacity(keys.len());
    for batch in keys.chunks(BATCH) {
        let commands: Vec<[&str; 3]> = batch.iter().map(|key| ["OBJECT", heat.word(), *key]).collect();
        let commands: Vec<Command<'_>> = commands.iter().map(<[&str; 3]>::as_slice).collect();
        let replies = client.ask(&commands, limit).await?;
        tell(replies.iter().fold((0.0, 0.0), |(hits, misses), reply| match reply {
            Reply::Int(_) => (hits + 1.0, misses),
            Reply::Nil => (hits, misses + 1.0),
            // The policy is looked at after the key was found; other refusals look nothing up.
            Reply::Refused(words) if words.contains("maxmemory policy") => (hits + 1.0, misses),
            _ => (hits, misses),
        }));
        if let Some(Reply::Refused(words)) = replies.first() {
            return Err(Failure::Refused(words.clone()));
        }
        values.extend(replies.iter().map(|reply| match reply {
            Reply::Int(value) => Some(*value as f64),
            _ => None,
        }));
    }
    Ok(values)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(hot_keys: usize, names_max: usize) -> RedisOptions {
        RedisOptions { hot_keys, names_max, delimiter: ":".to_owned(), ..RedisOptions::default() }
    }

    fn ranks(hot: &HotKeys, prefix: &str) -> Vec<(String, f64)> {
        hot.tops[prefix].iter().map(|hot| (hot.key.clone(), hot.value)).collect()
    }

    #[test]
    fn the_hottest_of_each_prefix_are_kept_in_order_and_each_once() {
        let mut hot = HotKeys { heat: Heat::Frequency, ..HotKeys::default() };
        for (key, value) in [("a:1", 5.0), ("a:2", 9.0), ("a:3", 7.0), ("b:1", 1.0), ("a:2", 6.0)] {
            hot.add(key, Some(value), &options(2, 10));
        }
        assert_eq!(ranks(&hot, "a"), [("a:3".to_owned(), 7.0), ("a:2".to_owned(), 6.0)]);
        assert_eq!(ranks(&hot, "b").len(), 1);
    }

    #[test]
    fn of_idle_times_the_shortest_is_the_hottest() {
        let mut hot = HotKeys::default();
        for (key, value) in [("a:1", 50.0), ("a:2", 0.0), ("a:3", 7.0)] {
            hot.add(key, Some(value), &options(2, 10));
        }
        assert_eq!(ranks(&hot, "a"), [("a:2".to_owned(), 0.0), ("a:3".to_owned(), 7.0)]);
    }

    #[test]
    fn prefixes_beyond_the_bound_share_one_name_and_all_series_are_bounded() {
        let mut hot = HotKeys::default();
        for number in 0..5_000 {
            hot.add(&format!("{number}:x"), Some(1.0), &options(100, 50));
        }
        let kept: usize = hot.tops.values().map(Vec::len).sum();
        assert!(hot.tops.len() <= 11 && hot.tops.contains_key("other") && kept <= KEPT_MAX + 100, "{kept}");
        assert_eq!(hot.running.len(), 51);
    }

    #[test]
    fn names_of_keys_are_told_only_where_the_module_says_so_and_cut() {
        let mut hot = HotKeys::default();
        let key = format!("a:{}", "ä".repeat(100));
        hot.add(&key, Some(1.0), &options(2, 10));
        let named = |options: &RedisOptions| {
            let families = hot.families(options);
            let names = families.iter().find(|family| family.metric == m::REDIS_HOT_INFO);
            names.map_or(Vec::new(), |names| names.samples.clone())
        };
        assert!(named(&options(2, 10)).is_empty());
        let shown = named(&RedisOptions { hot_key_names: true, ..options(2, 10) });
        assert_eq!(shown[0].labels[2].1.len(), SHOWN_MAX);
    }

    #[test]
    fn the_policy_decides_what_is_asked() {
        let of = |policy: &str| Heat::of(&format!("maxmemory_policy:{policy}\r\n"));
        assert_eq!((of("allkeys-lfu"), of("volatile-lfu")), (Heat::Frequency, Heat::Frequency));
        assert_eq!((of("allkeys-lru"), of("noeviction")), (Heat::Idle, Heat::Idle));
    }
}
