//! The form of a value outside this process: a header of ten bytes, then the value as it is.
//!
//! ```text
//! byte 0      0xC1, which starts no UTF-8 text, no JSON, no MessagePack, no gzip and no pickle
//! byte 1      version of the form: 1
//! bytes 2..10 when the value expires, in milliseconds since 1970, big-endian
//! bytes 10..  the value
//! ```
//!
//! The header tells the remaining life in the same round trip as the value. It only informs: what
//! removes the value is the store's own expiry, so hosts whose clocks differ still share entries.

use std::io::{self, Write};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bytes::{Buf, Bytes};

const MAGIC: u8 = 0xC1;
const VERSION: u8 = 1;
/// Bytes before the value.
pub(crate) const HEADER_BYTES: usize = 10;

/// Writes header and value.
pub(crate) fn encode(value: &[u8], expires: SystemTime, out: &mut impl Write) -> io::Result<()> {
    let since_epoch = expires.duration_since(UNIX_EPOCH).unwrap_or_default();
    let expires_ms = u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX);
    out.write_all(&[MAGIC, VERSION])?;
    out.write_all(&expires_ms.to_be_bytes())?;
    out.write_all(value)
}

/// The value, without copying it, and when it expires; `None` if these bytes are not ours.
pub(crate) fn decode(mut stored: Bytes, now: Now) -> Option<(Bytes, Instant)> {
    if stored.len() < HEADER_BYTES || stored[..2] != [MAGIC, VERSION] {
        return None;
    }
    stored.advance(2);
    let since_epoch = Duration::from_millis(stored.get_u64());
    let left = since_epoch.saturating_sub(now.wall.duration_since(UNIX_EPOCH).unwrap_or_default());
    // A time that this clock cannot hold was not written by us.
    Some((stored, now.steady.checked_add(left)?))
}

/// The present on both clocks: the wall clock that hosts share, and the steady one that we serve.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Now {
    wall: SystemTime,
    steady: Instant,
}

impl Now {
    pub(crate) fn read() -> Self {
        Self { wall: SystemTime::now(), steady: Instant::now() }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_was_encoded_is_decoded_with_its_remaining_life(
            value in proptest::collection::vec(any::<u8>(), 0..64),
            ttl_ms in 0_u64..1_000_000_000,
        ) {
            let wall = UNIX_EPOCH + Duration::from_millis(1_700_000_000_000);
            let now = Now { wall, steady: Instant::now() };
            let ttl = Duration::from_millis(ttl_ms);
            let mut stored = Vec::new();
            encode(&value, wall + ttl, &mut stored).expect("a Vec takes all");
            let (decoded, expires) = decode(stored.into(), now).expect("ours");
            prop_assert_eq!(decoded, value);
            prop_assert_eq!(expires - now.steady, ttl);
        }

        #[test]
        fn no_bytes_make_decoding_panic(stored in proptest::collection::vec(any::<u8>(), 0..32)) {
            let mut ours = vec![MAGIC, VERSION];
            ours.extend_from_slice(&stored);
            let _ = decode(stored.into(), Now::read());
            let _ = decode(ours.into(), Now::read());
        }
    }

    #[test]
    fn foreign_bytes_are_not_taken_for_a_value() {
        let version_2 = [0xC1, 2, 0, 0, 0, 0, 0, 0, 0, 0, b'x'];
        let foreign: [&[u8]; 6] = [
            b"",
            b"0",
            b"{\"id\":1,\"name\":\"x\"}",
            b"\x80\x04\x95pickled bytes",
            &[0xC1, 1, 0],
            &version_2,
        ];
        for stored in foreign {
            assert!(decode(Bytes::copy_from_slice(stored), Now::read()).is_none(), "{stored:?}");
        }
    }
}
