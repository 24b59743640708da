//! The form of an entry outside this process: a header, then the value as it is.
//!
//! ```text
//! byte 0       0xC1, which starts no UTF-8 text, no JSON, no MessagePack, no gzip and no pickle
//! byte 1       version of the form: 2
//! byte 2       0 for a value, 1 for a negative entry
//! bytes 3..11  when it was stored, in milliseconds since 1970, big-endian
//! bytes 11..19 until when it is fresh
//! bytes 19..27 until when it is kept
//! bytes 27..31 how long the origin took, in microseconds
//! bytes 31..   the value
//! ```
//!
//! The header tells the dates in the same round trip as the value. What removes the value is the
//! store's own expiry.

use std::io::{self, Write};
use std::time::Duration;

use bytes::{Buf, Bytes};

use crate::clock::UnixMs;
use crate::entry::{Entry, Kind};

const MAGIC: u8 = 0xC1;
const VERSION: u8 = 2;
/// Bytes before the value.
pub(crate) const HEADER_BYTES: usize = 31;

/// Writes header and value.
pub(crate) fn encode(entry: &Entry, out: &mut impl Write) -> io::Result<()> {
    let kind = match entry.kind {
        Kind::Value => 0,
        Kind::Negative => 1,
    };
    let origin_us = u32::try_from(entry.origin_time.as_micros()).unwrap_or(u32::MAX);
    out.write_all(&[MAGIC, VERSION, kind])?;
    for moment in [entry.stored, entry.fresh_until, entry.kept_until] {
        out.write_all(&moment.0.to_be_bytes())?;
    }
    out.write_all(&origin_us.to_be_bytes())?;
    out.write_all(&entry.value)
}

/// The entry, its value not copied; `None` if these bytes are not ours.
pub(crate) fn decode(mut stored: Bytes) -> Option<Entry> {
    if stored.len() < HEADER_BYTES || stored[..2] != [MAGIC, VERSION] {
        return None;
    }
    stored.advance(2);
    let kind = match stored.get_u8() {
        0 => Kind::Value,
        1 => Kind::Negative,
        _ => return None,
    };
    let [stored_at, fresh_until, kept_until] = std::array::from_fn(|_| UnixMs(stored.get_u64()));
    let origin_time = Duration::from_micros(stored.get_u32().into());
    Some(Entry { kind, stored: stored_at, fresh_until, kept_until, origin_time, value: stored })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_was_encoded_is_decoded(
            value in proptest::collection::vec(any::<u8>(), 0..64),
            dates in any::<[u64; 3]>(),
            origin_us in any::<u32>(),
            negative in any::<bool>(),
        ) {
            let [stored, fresh_until, kept_until] = dates.map(UnixMs);
            let kind = if negative { Kind::Negative } else { Kind::Value };
            let origin_time = Duration::from_micros(origin_us.into());
            let entry = Entry { value: value.into(), kind, stored, fresh_until, kept_until, origin_time };
            let mut wire = Vec::new();
            encode(&entry, &mut wire).expect("a Vec takes all");
            prop_assert_eq!(decode(wire.into()), Some(entry));
        }

        #[test]
        fn no_bytes_make_decoding_panic(stored in proptest::collection::vec(any::<u8>(), 0..64)) {
            let mut ours = vec![MAGIC, VERSION];
            ours.extend_from_slice(&stored);
            let _ = decode(stored.into());
            let _ = decode(ours.into());
        }
    }

    #[test]
    fn foreign_bytes_are_not_taken_for_a_value() {
        let version_1 = [&[0xC1, 1][..], &[0; 40]].concat();
        let foreign: [&[u8]; 6] = [
            b"",
            b"0",
            b"{\"id\":1,\"name\":\"a name that is longer than a header\"}",
            b"\x80\x04\x95pickled bytes, and more of them than a header has",
            &[0xC1, 2, 0],
            &version_1,
        ];
        for stored in foreign {
            assert!(decode(Bytes::copy_from_slice(stored)).is_none(), "{stored:?}");
        }
    }
}
