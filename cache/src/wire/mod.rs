//! The form of an entry outside this process: a header, then the value, as it is or compressed.
//!
//! ```text
//! byte 0       0xC1, which starts no UTF-8 text, no JSON, no MessagePack, no gzip and no pickle
//! byte 1       version of the form: 3
//! byte 2       bit 0: a negative entry; bit 1: the value is compressed; the others are 0
//! bytes 3..11  when it was stored, in milliseconds since 1970, big-endian
//! bytes 11..19 until when it is fresh
//! bytes 19..27 until when it is kept
//! bytes 27..31 how long the origin took, in microseconds
//! bytes 31..39 checksum: xxh3-64 of bytes 0..31 and of all after byte 39
//! bytes 39..   the value; compressed: its size in four bytes, then an LZ4 block
//! ```
//!
//! The header tells the dates in the same round trip as the value. What removes the value is the
//! store's own expiry. A damaged entry is no entry: the store removes it and the origin is asked. The
//! checksum finds damage, not malice: who may write to the store may write a valid entry.

mod codec;
mod compression;
mod header;

use std::io::{self, Write};

use bytes::{Buf, Bytes};

pub(crate) use self::codec::Codec;
pub use self::compression::Compression;
use self::header::Header;
use crate::entry::Entry;

/// Bytes before the value.
pub const HEADER_BYTES: usize = header::BYTES;

/// Writes header and value with the default compression.
///
/// # Errors
/// Those of `out`.
pub fn encode(entry: &Entry, out: &mut impl Write) -> io::Result<()> {
    encode_with(entry, Compression::default(), out)
}

/// Writes header and value. A value that is not compressed goes out as it is, without a copy.
///
/// # Errors
/// Those of `out`.
pub fn encode_with(entry: &Entry, compression: Compression, out: &mut impl Write) -> io::Result<()> {
    let packed = compression.compress(&entry.value);
    let body = packed.as_deref().unwrap_or(&entry.value);
    out.write_all(&Header::of(entry, packed.is_some()).sealed(body))?;
    out.write_all(body)
}

/// The entry; its value is not copied unless it was compressed. `None` if these bytes are not ours,
/// or not as they were written.
#[must_use]
pub fn decode(mut stored: Bytes) -> Option<Entry> {
    let header = Header::opened(&stored)?;
    stored.advance(HEADER_BYTES);
    let value = if header.is_compressed { compression::decompress(&stored)? } else { stored };
    Some(header.entry(value))
}

#[cfg(test)]
mod tests;
