//! Which keys a node of a cluster owns: the slot of a key and the slots of a node.
//!
//! Source: the Redis Cluster specification, "Key distribution model" and "Hash tags".

/// Slots of a cluster.
const SLOTS: u16 = 16_384;

/// Ranges of slots, ends included.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Slots(Vec<(u16, u16)>);

impl Slots {
    /// Reads `0-5460 7000 [93-<-…]`; slots that are moving stand in brackets and are skipped.
    pub(crate) fn read<'a>(words: impl Iterator<Item = &'a str>) -> Self {
        let range = |word: &str| {
            let (first, last) = word.split_once('-').unwrap_or((word, word));
            let (first, last) = (first.parse().ok()?, last.parse().ok()?);
            (first <= last && last < SLOTS).then_some((first, last))
        };
        Self(words.filter_map(range).collect())
    }

    /// How many there are.
    pub(crate) fn count(&self) -> u32 {
        self.0.iter().map(|(first, last)| u32::from(last - first) + 1).sum()
    }

    /// Whether the key's slot is one of them.
    pub(crate) fn contain(&self, key: &str) -> bool {
        let slot = slot(key);
        self.0.iter().any(|(first, last)| (*first..=*last).contains(&slot))
    }
}

/// The slot of a key: of what stands in its first braces, if there is something.
fn slot(key: &str) -> u16 {
    let tag = key.split_once('{').and_then(|(_, rest)| rest.split_once('}')).map(|(tag, _)| tag);
    crc16(tag.filter(|tag| !tag.is_empty()).unwrap_or(key).as_bytes()) % SLOTS
}

/// CRC-16/XMODEM: polynomial 0x1021, start 0.
fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |crc, byte| {
        (0..8).fold(crc ^ (u16::from(*byte) << 8), |crc, _| {
            if crc & 0x8000 == 0 { crc << 1 } else { (crc << 1) ^ 0x1021 }
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_those_of_the_specification() {
        // The specification's check value, and what CLUSTER KEYSLOT of a Redis 7.0 answers.
        assert_eq!(crc16(b"123456789"), 0x31c3);
        for (key, wanted) in
            [("foo", 12_182), ("a", 15_495), ("{user1000}.following", 3_443), ("foo{}{bar}", 8_363)]
        {
            assert_eq!(slot(key), wanted, "{key}");
        }
        assert_eq!(slot("foo{{bar}}zap"), crc16(b"{bar") % SLOTS);
    }

    #[test]
    fn ranges_single_slots_and_moving_ones_are_read() {
        let slots = Slots::read("0-5460 12182 [93-<-292f] x 7-3 0-16384".split(' '));
        assert_eq!((slots.count(), slots.contain("foo"), slots.contain("a")), (5_462, true, false));
    }
}
