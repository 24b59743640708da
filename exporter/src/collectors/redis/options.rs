//! What a module may say of a Redis target: `[modules.NAME.redis]`.
//!
//! Everything that costs the server more than the one round trip of a default scrape is off until
//! it is named here.

use super::census::is_pattern;
use crate::options::OptionReader;

/// The options, read and checked.
#[derive(Debug, Clone, Default)]
pub(super) struct RedisOptions {
    /// Every how many scrapes `LATENCY HISTOGRAM` is asked; 0 is never.
    pub(super) histogram_every: u32,
    /// Keys, or patterns of keys, whose length and memory are told.
    pub(super) keys: Vec<String>,
    /// Whether short texts under those keys are told as values.
    pub(super) key_values: bool,
    /// Patterns whose keys are counted.
    pub(super) count_keys: Vec<String>,
    /// Whether all keys are counted by prefix, with their memory.
    pub(super) key_groups: bool,
    /// The longest that the pass over all keys may take in one scrape, in milliseconds.
    pub(super) census_ms: u64,
    /// Streams that are told with their groups.
    pub(super) streams: Vec<String>,
    /// Whether clients are told, added up by name.
    pub(super) clients: bool,
    /// Whether clients are told one by one.
    pub(super) client_details: bool,
    /// Whether every value of the configuration is told but the secret ones.
    pub(super) config: bool,
    /// Whether what modules tell of themselves is told.
    pub(super) modules: bool,
    /// Patterns of search indexes that are told.
    pub(super) search_indexes: Vec<String>,
    /// Slots of a cluster's node that are told, by each figure that the server keeps; 0 is none.
    pub(super) slot_stats: usize,
    /// Whether a Sentinel's peers are told one by one.
    pub(super) sentinel_peers: bool,
    /// Whether a master is left alone: what walks or looks at keys is then asked of replicas only.
    pub(super) keys_on_replicas_only: bool,
    /// Whether the consumers of a stream's groups are told.
    pub(super) stream_consumers: bool,
    /// Whether a `PING` is timed.
    pub(super) ping: bool,
    /// Most values of a label that a server's users choose.
    pub(super) names_max: usize,
    /// Keys sampled in one scrape; 0 is none.
    pub(super) sample_keys: usize,
    /// The longest that sampling may take in one scrape, in milliseconds.
    pub(super) sample_ms: u64,
    /// Where the sample's random places start; 0 is a new start with each process.
    pub(super) sample_seed: u64,
    /// Hottest keys of each prefix; 0 is none.
    pub(super) hot_keys: usize,
    /// The longest that the pass for them may take in one scrape, in milliseconds.
    pub(super) hot_ms: u64,
    /// Whether these keys are told by name.
    pub(super) hot_key_names: bool,
    /// Prefixes that are told apart; none means that they are learned.
    pub(super) prefixes: Vec<String>,
    /// What ends a prefix that is learned.
    pub(super) delimiter: String,
}

impl RedisOptions {
    /// Whether something needs the pass over all keys.
    pub(super) fn want_census(&self) -> bool {
        self.key_groups || !self.count_keys.is_empty() || self.keys.iter().any(|key| is_pattern(key))
    }

    pub(super) fn read(reader: &mut OptionReader<'_>) -> Self {
        let delimiter = reader.text("delimiter");
        Self {
            histogram_every: reader.number("latency_histogram_every", 8.0, 0.0..=1_000.0) as u32,
            keys: reader.texts("keys"),
            key_values: reader.flag("key_values", false),
            count_keys: reader.texts("count_keys"),
            key_groups: reader.flag("key_groups", false),
            census_ms: reader.number("census_ms", 10.0, 1.0..=1_000.0) as u64,
            streams: reader.texts("streams"),
            clients: reader.flag("clients", false),
            client_details: reader.flag("client_details", false),
            config: reader.flag("config", false),
            modules: reader.flag("modules", false),
            search_indexes: reader.texts("search_indexes"),
            slot_stats: reader.number("slot_stats", 0.0, 0.0..=1_000.0) as usize,
            sentinel_peers: reader.flag("sentinel_peers", false),
            keys_on_replicas_only: reader.flag("keys_on_replicas_only", false),
            stream_consumers: reader.flag("stream_consumers", true),
            ping: reader.flag("ping", false),
            names_max: reader.number("names_max", 100.0, 1.0..=5_000.0) as usize,
            sample_keys: reader.number("sample_keys", 0.0, 0.0..=10_000.0) as usize,
            sample_ms: reader.number("sample_ms", 10.0, 1.0..=1_000.0) as u64,
            sample_seed: reader.number("sample_seed", 0.0, 0.0..=1e15) as u64,
            hot_keys: reader.number("hot_keys", 0.0, 0.0..=100.0) as usize,
            hot_ms: reader.number("hot_ms", 10.0, 1.0..=1_000.0) as u64,
            hot_key_names: reader.flag("hot_key_names", false),
            prefixes: reader.texts("prefixes"),
            delimiter: if delimiter.is_empty() { ":".to_owned() } else { delimiter },
        }
    }
}
