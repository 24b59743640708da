//! What a module may say of a Redis target: `[modules.NAME.redis]`.
//!
//! Everything that costs the server more than the one round trip of a default scrape is off until
//! it is named here.

use crate::options::OptionReader;

/// The options, read and checked.
#[derive(Debug, Clone, Default)]
pub(super) struct RedisOptions {
    /// Every how many scrapes `LATENCY HISTOGRAM` is asked; 0 is never.
    pub(super) histogram_every: u32,
    /// Keys whose length and memory are told.
    pub(super) keys: Vec<String>,
    /// Streams that are told with their groups.
    pub(super) streams: Vec<String>,
    /// Whether clients are told, added up by name.
    pub(super) clients: bool,
    /// Most values of a label that a server's users choose.
    pub(super) names_max: usize,
    /// Keys sampled in one scrape; 0 is none.
    pub(super) sample_keys: usize,
    /// The longest that sampling may take in one scrape, in milliseconds.
    pub(super) sample_ms: u64,
    /// Prefixes that are told apart; none means that they are learned.
    pub(super) prefixes: Vec<String>,
    /// What ends a prefix that is learned.
    pub(super) delimiter: String,
}

impl RedisOptions {
    pub(super) fn read(reader: &mut OptionReader<'_>) -> Self {
        let delimiter = reader.text("delimiter");
        Self {
            histogram_every: reader.number("latency_histogram_every", 8.0, 0.0..=1_000.0) as u32,
            keys: reader.texts("keys"),
            streams: reader.texts("streams"),
            clients: reader.flag("clients", false),
            names_max: reader.number("names_max", 100.0, 1.0..=5_000.0) as usize,
            sample_keys: reader.number("sample_keys", 0.0, 0.0..=10_000.0) as usize,
            sample_ms: reader.number("sample_ms", 10.0, 1.0..=1_000.0) as u64,
            prefixes: reader.texts("prefixes"),
            delimiter: if delimiter.is_empty() { ":".to_owned() } else { delimiter },
        }
    }
}
