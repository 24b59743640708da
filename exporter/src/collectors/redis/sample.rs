//! What keys cost, by prefix, from a bounded random sample of the keyspace.
//!
//! `SCAN` with a random cursor starts at a random place of the hash table, and the few keys that it
//! returns are one cluster of the sample; each round trip asks for many clusters. Where a key stands is
//! chosen by a keyed hash, so no prefix is likelier to be met than another, which one `RANDOMKEY` each
//! would not give: it favours keys in short chains. Shares and means come from the clusters together,
//! their errors from the differences between clusters (`estimate`). Neither `SCAN` nor `MEMORY USAGE`
//! counts as a lookup. Small keyspaces are read whole: then the numbers are exact and the error is 0.

use std::collections::{BTreeMap, VecDeque};

use hitmark_schema::exposition::Family;
use hitmark_schema::metrics as m;

use super::estimate::{Estimate, Missed, Moments, Range, Sizes};
use super::options::RedisOptions;
use crate::redis_client::Reply;

/// `COUNT` of each `SCAN`: small, so that a cluster is small.
pub(super) const COUNT: &str = "10";
/// What is told of each prefix, in the order of the estimates.
const METRICS: [m::Metric; 9] = [
    m::REDIS_PREFIX_KEYS,
    m::REDIS_PREFIX_KEYS_STDERR,
    m::REDIS_PREFIX_KEYS_LOW,
    m::REDIS_PREFIX_KEYS_HIGH,
    m::REDIS_PREFIX_BYTES,
    m::REDIS_PREFIX_BYTES_STDERR,
    m::REDIS_PREFIX_BYTES_LOW,
    m::REDIS_PREFIX_BYTES_HIGH,
    m::REDIS_PREFIX_TTL_SHARE,
];
/// Clusters asked for in one round trip.
pub(super) const CLUSTERS: usize = 20;
/// Most clusters that are kept, the oldest go first: the sample spreads over scrapes.
const KEPT_MAX: usize = 2_000;
/// What is said of keys without a prefix, and of prefixes beyond the bound.
const OTHER: &str = "other";
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
    clusters: VecDeque<Cluster>,
    whole: bool,
}

/// The keys of one place, added up by prefix.
#[derive(Debug)]
struct Cluster {
    size: f64,
    parts: Vec<Part>,
}

/// The keys of one prefix in one place.
#[derive(Debug, Default)]
struct Part {
    prefix: String,
    keys: f64,
    bytes: f64,
    expiring: f64,
    range: Range,
}

/// The sums of one prefix over all clusters, for a ratio estimate.
#[derive(Debug, Default, Clone)]
struct Sums {
    keys: Moments,
    bytes: Moments,
    expiring: f64,
    range: Range,
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
        self.clusters.extend(clusters.into_iter().filter(|keys| !keys.is_empty()).map(Cluster::of));
        while self.clusters.len() > KEPT_MAX {
            self.clusters.pop_front();
        }
    }

    /// Replaces the sample by all keys.
    pub(super) fn set_whole(&mut self, keys: Vec<Sampled>) {
        self.clusters = VecDeque::from([Cluster::of(keys)]);
        self.whole = true;
    }

    /// The estimates for a database of `total` keys; `held` is what the server says of their memory.
    pub(super) fn families(&self, total: f64, held: Option<f64>, names_max: usize) -> Vec<Family> {
        let sizes = Sizes::of(self.clusters.iter().map(|cluster| cluster.size));
        // One cluster says nothing of how clusters differ.
        if sizes.sum == 0.0 || (sizes.clusters < 2.0 && !self.whole) {
            return Vec::new();
        }
        let sums = self.sums(names_max);
        let seen = sums.values().map(|sums| sums.bytes.sum).sum::<f64>() / sizes.sum * total;
        let unseen = held.filter(|_| !self.whole).map_or(0.0, |held| (held - seen).max(0.0));
        let spread = sums.values().map(|sums| sums.range.spread(sums.keys.sum)).fold(1.0, f64::max);
        let missed = Missed { unseen, spread, held };
        let mut families: Vec<Family> = METRICS.into_iter().map(Family::new).collect();
        for (prefix, sums) in sums {
            let (keys, bytes) = if self.whole {
                (Estimate::exact(sums.keys.sum), Estimate::exact(sums.bytes.sum))
            } else {
                let typical = sums.range.typical(sums.keys.sum);
                let bytes = sums.bytes.amount(sizes, total, &missed, sums.keys.sum, typical);
                (sums.keys.count(sizes, total), bytes)
            };
            let of = |estimate: Estimate| [estimate.value, estimate.error, estimate.low, estimate.high];
            let values = of(keys).into_iter().chain(of(bytes)).chain([sums.expiring / sums.keys.sum]);
            for (family, value) in families.iter_mut().zip(values) {
                family.push(&[("prefix", prefix)], value);
            }
        }
        families.push(Family::single(m::REDIS_SAMPLED_KEYS, sizes.sum));
        families.extend(held.map(|_| Family::single(m::REDIS_PREFIX_UNSEEN, unseen)));
        families
    }

    /// The sums by prefix; prefixes beyond the bound, the rarest first, are `other`.
    fn sums(&self, names_max: usize) -> BTreeMap<&str, Sums> {
        let mut counts: BTreeMap<&str, f64> = BTreeMap::new();
        for part in self.clusters.iter().flat_map(|cluster| &cluster.parts) {
            *counts.entry(&part.prefix).or_default() += part.keys;
        }
        let mut names: Vec<(&str, f64)> = counts.into_iter().collect();
        names.sort_by(|one, two| two.1.total_cmp(&one.1).then_with(|| one.0.cmp(two.0)));
        names.truncate(names_max);
        let mut sums: BTreeMap<&str, Sums> =
            names.into_iter().map(|(name, _)| (name, Sums::default())).collect();
        for cluster in &self.clusters {
            let mut other = Part::default();
            for part in &cluster.parts {
                match sums.get_mut(part.prefix.as_str()) {
                    Some(sum) if part.prefix != OTHER => sum.add(part, cluster.size),
                    _ => other.join(part),
                }
            }
            if other.keys > 0.0 {
                sums.entry(OTHER).or_default().add(&other, cluster.size);
            }
        }
        sums
    }
}

impl Cluster {
    /// Adds up by prefix: a sample of many scrapes would else be added up anew in each of them.
    fn of(keys: Vec<Sampled>) -> Self {
        let mut cluster = Self { size: keys.len() as f64, parts: Vec::new() };
        for key in keys {
            let mut part = Part {
                keys: 1.0,
                bytes: key.bytes,
                expiring: f64::from(u8::from(key.expires)),
                ..Part::default()
            };
            part.range.add(key.bytes);
            match cluster.parts.iter_mut().find(|there| there.prefix == key.prefix) {
                Some(there) => there.join(&part),
                None => cluster.parts.push(Part { prefix: key.prefix, ..part }),
            }
        }
        cluster
    }
}

impl Part {
    fn join(&mut self, other: &Self) {
        self.keys += other.keys;
        self.bytes += other.bytes;
        self.expiring += other.expiring;
        self.range.join(other.range);
    }
}

impl Sums {
    fn add(&mut self, part: &Part, size: f64) {
        self.keys.add(part.keys, size);
        self.bytes.add(part.bytes, size);
        self.expiring += part.expiring;
        self.range.join(part.range);
    }
}

/// The next cursor and the keys of a reply to `SCAN`.
pub(super) fn scanned(reply: &Reply) -> Option<(&str, Vec<&str>)> {
    let Reply::List(parts) = reply else { return None };
    let [Reply::Text(cursor), Reply::List(keys)] = parts.as_slice() else { return None };
    let keys = keys.iter().filter_map(|key| match key {
        // Of a key that is no UTF-8 we do not have the bytes: asking for it would be a miss.
        Reply::Text(key) if !key.contains(char::REPLACEMENT_CHARACTER) => Some(key.as_str()),
        _ => None,
    });
    Some((cursor, keys.collect()))
}

/// The prefix of a key: a configured one, or what stands before the delimiter; never the whole key.
pub(super) fn prefix_of(key: &str, options: &RedisOptions) -> String {
    if !options.prefixes.is_empty() {
        let longest = options.prefixes.iter().filter(|prefix| key.starts_with(prefix.as_str()));
        return longest.max_by_key(|prefix| prefix.len()).cloned().unwrap_or_else(|| OTHER.to_owned());
    }
    match key.split_once(options.delimiter.as_str()) {
        Some((prefix, _)) if prefix.len() <= PREFIX_MAX => prefix.to_owned(),
        _ => OTHER.to_owned(),
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
        let families = sample.families(3.0, None, 10);
        assert_eq!(value(&families, m::REDIS_PREFIX_KEYS, "a"), 2.0);
        assert_eq!(value(&families, m::REDIS_PREFIX_BYTES, "a"), 30.0);
        assert_eq!(value(&families, m::REDIS_PREFIX_BYTES_STDERR, "a"), 0.0);
        assert_eq!(value(&families, m::REDIS_PREFIX_TTL_SHARE, "a"), 1.0);
    }

    #[test]
    fn prefixes_over_the_bound_are_added_up() {
        let mut sample = Sample::default();
        sample.set_whole(vec![key("a", 1.0), key("a", 1.0), key("b", 5.0), key("c", 5.0)]);
        let families = sample.families(4.0, None, 1);
        assert_eq!(value(&families, m::REDIS_PREFIX_KEYS, "other"), 2.0);
        assert_eq!(value(&families, m::REDIS_PREFIX_BYTES, "other"), 10.0);
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
