//! The bytes before a value: dates, kind, and the checksum of all.

use std::time::Duration;

use bytes::{Buf, Bytes};
use xxhash_rust::xxh3::{Xxh3Default, xxh3_64};

use crate::clock::UnixMs;
use crate::entry::{Entry, Kind};

const MAGIC: u8 = 0xC1;
const VERSION: u8 = 3;
const NEGATIVE: u8 = 1;
const COMPRESSED: u8 = 2;
const CHECKED_BYTES: usize = 31;
/// The whole header: what is checked, and the checksum.
pub(super) const BYTES: usize = CHECKED_BYTES + 8;
/// Up to here, header and value are put together on the stack to be hashed in one call, which takes
/// a fraction of what the setting up of a streaming hash does.
const SMALL_BYTES: usize = 240;

/// All of the header but its checksum.
#[derive(Debug, Clone, Copy)]
pub(super) struct Header {
    kind: Kind,
    pub(super) is_compressed: bool,
    stored: UnixMs,
    fresh_until: UnixMs,
    kept_until: UnixMs,
    origin_us: u32,
}

impl Header {
    pub(super) fn of(entry: &Entry, is_compressed: bool) -> Self {
        Self {
            kind: entry.kind,
            is_compressed,
            stored: entry.stored,
            fresh_until: entry.fresh_until,
            kept_until: entry.kept_until,
            origin_us: u32::try_from(entry.origin_time.as_micros()).unwrap_or(u32::MAX),
        }
    }

    /// The bytes of the header before this body.
    pub(super) fn sealed(&self, body: &[u8]) -> [u8; BYTES] {
        let mut bytes = [0; BYTES];
        bytes[0] = MAGIC;
        bytes[1] = VERSION;
        bytes[2] = match self.kind {
            Kind::Value => 0,
            Kind::Negative => NEGATIVE,
        };
        if self.is_compressed {
            bytes[2] |= COMPRESSED;
        }
        bytes[3..11].copy_from_slice(&self.stored.0.to_be_bytes());
        bytes[11..19].copy_from_slice(&self.fresh_until.0.to_be_bytes());
        bytes[19..27].copy_from_slice(&self.kept_until.0.to_be_bytes());
        bytes[27..31].copy_from_slice(&self.origin_us.to_be_bytes());
        let checksum = checksum(&bytes[..CHECKED_BYTES], body);
        bytes[CHECKED_BYTES..].copy_from_slice(&checksum.to_be_bytes());
        bytes
    }

    /// Reads the header, and checks it with all that follows; `None` if these bytes are not ours or
    /// no longer what was written.
    pub(super) fn opened(stored: &[u8]) -> Option<Self> {
        let (header, body) = stored.split_at_checked(BYTES)?;
        let (checked, mut sum) = header.split_at(CHECKED_BYTES);
        if checked[..2] != [MAGIC, VERSION] || sum.get_u64() != checksum(checked, body) {
            return None;
        }
        let mut fields = &checked[2..];
        let flags = fields.get_u8();
        if flags & !(NEGATIVE | COMPRESSED) != 0 {
            return None;
        }
        let [stored, fresh_until, kept_until] = std::array::from_fn(|_| UnixMs(fields.get_u64()));
        Some(Self {
            kind: if flags & NEGATIVE == 0 { Kind::Value } else { Kind::Negative },
            is_compressed: flags & COMPRESSED != 0,
            stored,
            fresh_until,
            kept_until,
            origin_us: fields.get_u32(),
        })
    }

    /// The entry of this header and its value.
    pub(super) fn entry(self, value: Bytes) -> Entry {
        Entry {
            value,
            kind: self.kind,
            stored: self.stored,
            fresh_until: self.fresh_until,
            kept_until: self.kept_until,
            origin_time: Duration::from_micros(self.origin_us.into()),
        }
    }
}

/// xxh3-64 of both, as if they were one text.
fn checksum(header: &[u8], body: &[u8]) -> u64 {
    let size_bytes = header.len() + body.len();
    if size_bytes <= SMALL_BYTES {
        let mut joined = [0; SMALL_BYTES];
        joined[..header.len()].copy_from_slice(header);
        joined[header.len()..size_bytes].copy_from_slice(body);
        return xxh3_64(&joined[..size_bytes]);
    }
    let mut hash = Xxh3Default::new();
    hash.update(header);
    hash.update(body);
    hash.digest()
}
