//! The form of entries: what goes in comes out, what was damaged does not.

use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::clock::UnixMs;
use crate::entry::Kind;

fn written(entry: &Entry, compression: Compression) -> Vec<u8> {
    let mut wire = Vec::new();
    encode_with(entry, compression, &mut wire).expect("a Vec takes all");
    wire
}

fn of_value(value: impl Into<Bytes>) -> Entry {
    Entry::fresh_for(value.into(), Duration::from_secs(60))
}

fn compressions() -> impl Strategy<Value = Compression> {
    prop_oneof![Just(Compression::Off), Just(Compression::Above(0)), Just(Compression::default())]
}

/// Bytes that shrink: runs of a few values.
fn runs() -> impl Strategy<Value = Vec<u8>> {
    proptest::collection::vec((0..4_u8, 1..600_usize), 0..8).prop_map(|runs| {
        runs.into_iter().flat_map(|(byte, times)| std::iter::repeat_n(byte, times)).collect()
    })
}

proptest! {
    #[test]
    fn what_was_encoded_is_decoded(
        value in prop_oneof![runs(), proptest::collection::vec(any::<u8>(), 0..2048)],
        dates in any::<[u64; 3]>(),
        origin_us in any::<u32>(),
        negative in any::<bool>(),
        compression in compressions(),
    ) {
        let [stored, fresh_until, kept_until] = dates.map(UnixMs);
        let kind = if negative { Kind::Negative } else { Kind::Value };
        let origin_time = Duration::from_micros(origin_us.into());
        let entry = Entry { value: value.into(), kind, stored, fresh_until, kept_until, origin_time };
        prop_assert_eq!(decode(written(&entry, compression).into()), Some(entry));
    }

    #[test]
    fn no_bytes_make_decoding_panic(
        stored in proptest::collection::vec(any::<u8>(), 0..128),
        flags in 0..4_u8,
    ) {
        let _ = decode(stored.clone().into());
        // The same bytes behind a valid checksum: what decompression is then given is arbitrary.
        let entry = Entry { kind: if flags & 1 == 1 { Kind::Negative } else { Kind::Value }, ..of_value("") };
        let mut ours = Header::of(&entry, flags & 2 == 2).sealed(&stored).to_vec();
        ours.extend_from_slice(&stored);
        let _ = decode(ours.into());
    }
}

proptest! {
    // Each case tries some thousand flips.
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn every_flip_of_a_bit_and_every_cut_is_found(
        value in prop_oneof![runs(), proptest::collection::vec(any::<u8>(), 0..400)],
        compression in compressions(),
    ) {
        let wire = written(&of_value(value), compression);
        for bit in 0..wire.len() * 8 {
            let mut damaged = wire.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            prop_assert_eq!(decode(damaged.into()), None, "bit {}", bit);
        }
        let cut = Bytes::from(wire);
        for end in (0..cut.len()).step_by(7) {
            prop_assert_eq!(decode(cut.slice(..end)), None, "cut at {}", end);
        }
    }
}

#[test]
fn what_shrinks_is_compressed_and_what_does_not_is_left_and_shared() {
    let json = Bytes::from(br#"{"id":456,"name":"a lamp","in_stock":true},"#.repeat(100));
    let wire = written(&of_value(json.clone()), Compression::default());
    assert!(wire.len() < json.len() / 4, "{} of {} bytes", wire.len(), json.len());
    assert_eq!(decode(wire.into()).map(|entry| entry.value), Some(json));

    // Steps of a linear congruential generator: nothing in them repeats within the size.
    let noise: Vec<u8> = std::iter::successors(Some(1_u64), |x| {
        Some(x.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407))
    })
    .map(|x| x.to_be_bytes()[0])
    .take(4096)
    .collect();
    let wire = Bytes::from(written(&of_value(noise.clone()), Compression::default()));
    assert_eq!(wire.len(), HEADER_BYTES + noise.len());
    let value = decode(wire.clone()).expect("as written").value;
    assert_eq!(value.as_ptr(), wire[HEADER_BYTES..].as_ptr(), "an uncompressed value is not copied");
}

#[test]
fn a_small_block_cannot_claim_a_large_value() {
    for (size, block) in [(u32::MAX, &b"\x10x"[..]), (64 << 20, b"\x10x"), (0x0001_0000, b""), (9, b"\x10x")]
    {
        let body = [&size.to_be_bytes(), block].concat();
        let mut wire = Header::of(&of_value(""), true).sealed(&body).to_vec();
        wire.extend_from_slice(&body);
        assert_eq!(decode(wire.into()), None, "{size} bytes");
    }
}

#[test]
fn foreign_bytes_are_not_taken_for_a_value() {
    let earlier = [&[0xC1, 2][..], &[0; 40]].concat();
    let foreign: [&[u8]; 6] = [
        b"",
        b"0",
        b"{\"id\":1,\"name\":\"a name that is longer than a header\"}",
        b"\x80\x04\x95pickled bytes, and more of them than a header has",
        &[0xC1, 3, 0],
        &earlier,
    ];
    for stored in foreign {
        assert!(decode(Bytes::copy_from_slice(stored)).is_none(), "{stored:?}");
    }
}
