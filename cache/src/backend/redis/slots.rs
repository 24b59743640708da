//! Slots of a Cluster: which one a name lies in, and a hash tag for each shard.
//!
//! The rule is the Redis Cluster specification's: CRC16 (XMODEM) of what stands between the first `{`
//! and the next `}`, modulo 16384.

/// How many slots a Cluster has.
pub(super) const SLOTS: u16 = 16_384;

/// CRC16 with the polynomial 0x1021 from zero, neither reflected nor inverted.
fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |crc, byte| {
        (0..8).fold(crc ^ u16::from(*byte) << 8, |crc, _| crc << 1 ^ if crc >> 15 == 1 { 0x1021 } else { 0 })
    })
}

/// The slot of every name with this hash tag.
pub(super) fn slot_of(tag: &str) -> u16 {
    crc16(tag.as_bytes()) % SLOTS
}

/// The hash tag of a shard: `<namespace><number>`, and a suffix that brings it into its own part of the
/// slots, of which there are as many as shards. Left to chance, one node of three would often have
/// twice the shards of another.
pub(super) fn hash_tag(namespace: &str, shard: u16, shards: u16) -> String {
    let is_own =
        |tag: &String| u32::from(slot_of(tag)) * u32::from(shards) / u32::from(SLOTS) == u32::from(shard);
    let plain = format!("{namespace}{shard:02}");
    let mut suffixed = (1_u32..).map(|suffix| format!("{plain}.{suffix}"));
    if is_own(&plain) { plain } else { suffixed.find(is_own).unwrap_or(plain) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_that_of_the_specification() {
        assert_eq!(crc16(b"123456789"), 0x31C3);
        assert_eq!(slot_of("foo"), 12_182);
    }

    #[test]
    fn shards_lie_in_as_many_equal_parts_of_the_slots() {
        for (namespace, shards) in [("hitmark:", 1), ("hitmark:", 16), ("", 7), ("shop", 256)] {
            let tags: Vec<String> = (0..shards).map(|shard| hash_tag(namespace, shard, shards)).collect();
            for (shard, tag) in (0_u32..).zip(&tags) {
                assert!(tag.starts_with(namespace));
                assert_eq!(u32::from(slot_of(tag)) * u32::from(shards) / 16_384, shard, "{tag}");
            }
        }
        assert_eq!(hash_tag("hitmark:", 0, 1), "hitmark:00");
    }
}
