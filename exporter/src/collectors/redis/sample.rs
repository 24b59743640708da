//! What keys cost, by prefix, from a bounded random sample of the keyspace.
//!
//! `SCAN` with a random cursor starts at a random place of the hash table, and the few keys that it
//! returns are one cluster of the sample; each round trip asks for many clusters. Shares and means
//! come from the clusters together, standard errors from the differences between clusters, since the
//! keys of one cluster are not drawn alone (Cochran, Sampling Techniques, 1977, ratio estimators).
//! Neither `SCAN` nor `MEMORY USAGE` counts as a lookup. Small keyspaces are read whole: then the
//! numbers are exact and the error is 0.

use std::collections::{BTreeMap, VecDeque};

use hitmark_schema::exposition::Family;
use hitmark_schema::metrics as m;

use super::options::RedisOptions;
use crate::redis_client::Reply;

/// `COUNT` of each `SCAN`: small, so that a cluster is small.
pub(super) const COUNT: &str = "10";
/// Clusters asked for in one round trip.
pub(super) const CLUSTERS: usize = 20;
/// Most clusters that are kept, the oldest go first: the sample spreads over scrapes.
const KEPT_MAX: usize = 2_000;
/// The longest prefix that is shown.
const PREFIX_MAX: usize = 64;

/// One key of the sample, without the key.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Sampled {
    pub(super) prefix: String,
    pub(super) bytes: f64,
    pub(super) expires: bool,
}

/// The sample so far.
#[derive(Debug, Default)]
pub(super) struct Sample {
    random: u64,
    clusters: VecDeque<Vec<Sampled>>,
    whole: bool,
}

/// The sums of one prefix over all clusters, for a ratio estimate.
#[derive(Debug, Default, Clone)]
struct Sums {
    keys: Moments,
    bytes: Moments,
    expiring: f64,
}

/// What the variance of a ratio to the clusters' sizes needs.
#[derive(Debug, Default, Clone, Copy)]
struct Moments {
    sum: f64,
    squares: f64,
    with_size: f64,
}

impl Moments {
    fn add(&mut self, value: f64, size: f64) {
        self.sum += value;
        self.squares += value * value;
        self.with_size += value * size;
    }

    /// The ratio of the sums and its standard error, by the linear approximation.
    fn ratio(self, clusters: f64, size_sum: f64, size_squares: f64) -> (f64, f64) {
        let ratio = self.sum / size_sum;
        let residuals = self.squares - 2.0 * ratio * self.with_size + ratio * ratio * size_squares;
        let variance = clusters / (clusters - 1.0).max(1.0) * residuals.max(0.0) / (size_sum * size_sum);
        (ratio, variance.sqrt())
    }
}

impl Sample {
    /// A random cursor. The server masks it with the size of its table, from reversed bits, so every
    /// place of the table is equally likely.
    pub(super) fn cursor(&mut self, seed: u64) -> String {
        // SplitMix64 (Steele et al., 2014): good enough to choose places, and no dependency.
        if self.random == 0 {
            self.random = seed;
        }
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.random;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) >> 16).to_string()
    }

    /// Adds the clusters of a scrape.
    pub(super) fn add(&mut self, clusters: impl IntoIterator<Item = Vec<Sampled>>) {
        if std::mem::take(&mut self.whole) {
            self.clusters.clear();
        }
        self.clusters.extend(clusters);
        while self.clusters.len() > KEPT_MAX {
            self.clusters.pop_front();
        }
    }

    /// Replaces the sample by all keys.
    pub(super) fn set_whole(&mut self, keys: Vec<Sampled>) {
        self.clusters = VecDeque::from([keys]);
        self.whole = true;
    }

    /// The estimates for a database of `total` keys.
    pub(super) fn families(&self, total: f64, names_max: usize) -> Vec<Family> {
        let sizes: Vec<f64> = self.clusters.iter().map(|cluster| cluster.len() as f64).collect();
        let (size_sum, size_squares) = (sizes.iter().sum::<f64>(), sizes.iter().map(|n| n * n).sum::<f64>());
        if size_sum == 0.0 {
            return Vec::new();
        }
        let metrics = [
            m::REDIS_PREFIX_KEYS,
            m::REDIS_PREFIX_KEYS_STDERR,
            m::REDIS_PREFIX_BYTES,
            m::REDIS_PREFIX_BYTES_STDERR,
            m::REDIS_PREFIX_TTL_SHARE,
        ];
        let mut families: Vec<Family> = metrics.into_iter().map(Family::new).collect();
        for (prefix, sums) in self.sums(names_max) {
            let scale = |moments: Moments| {
                let (ratio, error) = moments.ratio(sizes.len() as f64, size_sum, size_squares);
                (ratio * total, if self.whole { 0.0 } else { error * total })
            };
            let (keys, bytes) = (scale(sums.keys), scale(sums.bytes));
            let values = [keys.0, keys.1, bytes.0, bytes.1, sums.expiring / sums.keys.sum];
            for (family, value) in families.iter_mut().zip(values) {
                family.push(&[("prefix", &prefix)], value);
            }
        }
        families.push(Family::single(m::REDIS_SAMPLED_KEYS, size_sum));
        families
    }

    /// The sums by prefix; prefixes beyond the bound, the rarest first, are `other`.
    fn sums(&self, names_max: usize) -> BTreeMap<String, Sums> {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for key in self.clusters.iter().flatten() {
            *counts.entry(&key.prefix).or_default() += 1;
        }
        let mut names: Vec<(&str, usize)> = counts.into_iter().collect();
        names.sort_by_key(|(name, count)| (std::cmp::Reverse(*count), *name));
        names.truncate(names_max);
        let shown: std::collections::BTreeSet<&str> = names.into_iter().map(|(name, _)| name).collect();
        let mut sums: BTreeMap<String, Sums> = BTreeMap::new();
        for cluster in &self.clusters {
            let mut here: BTreeMap<&str, (f64, f64, f64)> = BTreeMap::new();
            for key in cluster {
                let name = if shown.contains(key.prefix.as_str()) { key.prefix.as_str() } else { "other" };
                let (keys, bytes, expiring) = here.entry(name).or_default();
                *keys += 1.0;
                *bytes += key.bytes;
                *expiring += f64::from(u8::from(key.expires));
            }
            for (name, (keys, bytes, expiring)) in here {
                let sum = sums.entry(name.to_owned()).or_default();
                sum.keys.add(keys, cluster.len() as f64);
                sum.bytes.add(bytes, cluster.len() as f64);
                sum.expiring += expiring;
            }
        }
        sums
    }
}

/// The next cursor and the keys of a reply to `SCAN`.
pub(super) fn scanned(reply: &Reply) -> Option<(&str, Vec<&str>)> {
    let Reply::List(parts) = reply else { return None };
    let [Reply::Text(cursor), Reply::List(keys)] = parts.as_slice() else { return None };
    let keys = keys.iter().filter_map(|key| match key {
        Reply::Text(key) => Some(key.as_str()),
        _ => None,
    });
    Some((cursor, keys.collect()))
}

/// The prefix of a key: a configured one, or what stands before the delimiter; never the whole key.
pub(super) fn prefix_of(key: &str, options: &RedisOptions) -> String {
    if !options.prefixes.is_empty() {
        let longest = options.prefixes.iter().filter(|prefix| key.starts_with(prefix.as_str()));
        return longest.max_by_key(|prefix| prefix.len()).cloned().unwrap_or_else(|| "other".to_owned());
    }
    match key.split_once(options.delimiter.as_str()) {
        Some((prefix, _)) if prefix.len() <= PREFIX_MAX => prefix.to_owned(),
        _ => "other".to_owned(),
    }
}

/// Reads `MEMORY USAGE` and `TTL` of one key; nothing if the key is gone.
pub(super) fn measured(prefix: String, memory: &Reply, ttl: &Reply) -> Option<Sampled> {
    match (memory, ttl) {
        (Reply::Int(bytes), Reply::Int(seconds)) => {
            Some(Sampled { prefix, bytes: *bytes as f64, expires: *seconds >= 0 })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(prefix: &str, bytes: f64) -> Sampled {
        Sampled { prefix: prefix.to_owned(), bytes, expires: prefix == "a" }
    }

    fn value(families: &[Family], metric: m::Metric, prefix: &str) -> f64 {
        let family = families.iter().find(|family| family.metric == metric).unwrap();
        let sample = family.samples.iter().find(|sample| sample.labels[0].1 == prefix).unwrap();
        match sample.value {
            hitmark_schema::exposition::Value::Number(value) => value,
            _ => panic!("not a number"),
        }
    }

    #[test]
    fn a_keyspace_read_whole_is_exact() {
        let mut sample = Sample::default();
        sample.set_whole(vec![key("a", 10.0), key("a", 20.0), key("b", 5.0)]);
        let families = sample.families(3.0, 10);
        assert_eq!(value(&families, m::REDIS_PREFIX_KEYS, "a"), 2.0);
        assert_eq!(value(&families, m::REDIS_PREFIX_BYTES, "a"), 30.0);
        assert_eq!(value(&families, m::REDIS_PREFIX_BYTES_STDERR, "a"), 0.0);
        assert_eq!(value(&families, m::REDIS_PREFIX_TTL_SHARE, "a"), 1.0);
    }

    #[test]
    fn prefixes_over_the_bound_are_added_up() {
        let mut sample = Sample::default();
        sample.set_whole(vec![key("a", 1.0), key("a", 1.0), key("b", 5.0), key("c", 5.0)]);
        let families = sample.families(4.0, 1);
        assert_eq!(value(&families, m::REDIS_PREFIX_KEYS, "other"), 2.0);
        assert_eq!(value(&families, m::REDIS_PREFIX_BYTES, "other"), 10.0);
    }

    /// 200 seeded trials on clusters drawn from a known mix: the intervals hold the truth about as
    /// often as they say.
    #[test]
    fn the_intervals_hold_the_truth() {
        let (mut held, trials, total) = (0, 200_u64, 1_000_000.0);
        for seed in 1..=trials {
            let mut sample = Sample::default();
            let mut draw = |below: u64| sample.cursor(seed * 7_919).parse::<u64>().unwrap() % below;
            let clusters: Vec<Vec<Sampled>> =
                (0..100)
                    .map(|_| {
                        let size = 8 + draw(6);
                        (0..size)
                            .map(|_| {
                                if draw(10) < 3 { key("a", 100.0 + draw(200) as f64) } else { key("b", 50.0) }
                            })
                            .collect()
                    })
                    .collect();
            sample.add(clusters);
            let families = sample.families(total, 10);
            let (bytes, error) = (
                value(&families, m::REDIS_PREFIX_BYTES, "a"),
                value(&families, m::REDIS_PREFIX_BYTES_STDERR, "a"),
            );
            let truth = 0.3 * 199.5 * total;
            held += u32::from((bytes - truth).abs() <= 1.96 * error);
        }
        assert!(held >= 180, "{held} of {trials} intervals held the truth");
    }

    #[test]
    fn a_key_is_never_shown_whole() {
        let options = RedisOptions { delimiter: ":".to_owned(), ..RedisOptions::default() };
        for (key, prefix) in [("user:17", "user"), ("alone", "other"), ("", "other"), (":x", "")] {
            assert_eq!(prefix_of(key, &options), prefix, "{key}");
        }
        let listed = RedisOptions { prefixes: vec!["user:".to_owned(), "user:vip:".to_owned()], ..options };
        assert_eq!(prefix_of("user:vip:1", &listed), "user:vip:");
        assert_eq!(prefix_of("cart:1", &listed), "other");
    }
}
