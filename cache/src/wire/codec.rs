//! The form of entries with the time that writing and reading it takes: one for each store that keeps
//! its values outside this process. A store in memory has none, since its values have no other form.

use std::io::{self, Write};
use std::time::Instant;

use bytes::Bytes;

use super::{decode, encode};
use crate::entry::Entry;
use crate::metrics::Histogram;

/// Writes and reads entries, and keeps the times.
#[derive(Debug, Default)]
pub(crate) struct Codec {
    pub(crate) encode_times: Histogram,
    pub(crate) decode_times: Histogram,
}

impl Codec {
    /// As [`encode`].
    pub(crate) fn encode(&self, entry: &Entry, out: &mut impl Write) -> io::Result<()> {
        let started = Instant::now();
        let written = encode(entry, out);
        self.encode_times.record(started.elapsed());
        written
    }

    /// As [`decode`].
    pub(crate) fn decode(&self, stored: Bytes) -> Option<Entry> {
        let started = Instant::now();
        let entry = decode(stored);
        self.decode_times.record(started.elapsed());
        entry
    }
}
