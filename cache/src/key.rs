//! Typed keys: `prefix:identifier:additional`, built part by part.
//!
//! A key *is* its list of parts. Two keys are equal exactly when their parts are equal, because
//! everything in a part that could be read as a separator or as a glob is escaped as `%XX`. So a
//! part may hold what a user typed without reaching another user's entry.

use std::fmt::{self, Display, Write};

/// The separator between parts. Inside a part it is escaped.
pub(crate) const SEPARATOR: char = ':';

/// The name of one cached value: a prefix and any number of parts after it.
///
/// ```
/// use hitmark_cache::Key;
/// let key = Key::new("product").id(456).and("shop", 123);
/// assert_eq!(key.as_str(), "product:456:shop:123");
/// assert_eq!(Key::new("search").id("a:b*").as_str(), "search:a%3Ab%2A");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key(String);

impl Key {
    /// A key of one part: what kind of value it names.
    #[must_use]
    pub fn new(prefix: &str) -> Self {
        // Most keys fit, so that building one allocates once.
        let mut text = String::with_capacity(64);
        push_part(&mut text, &prefix);
        Self(text)
    }

    /// The same key with one more part: which value of that kind.
    #[must_use]
    pub fn id<T: Display>(mut self, id: T) -> Self {
        self.0.push(SEPARATOR);
        push_part(&mut self.0, &id);
        self
    }

    /// The same key with two more parts: the name of what else the value depends on, and its value.
    #[must_use]
    pub fn and<T: Display>(self, name: &str, value: T) -> Self {
        self.id(name).id(value)
    }

    /// The escaped text, as the backends store it (Redis puts its namespace before it).
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A hash whose bits are all good, for choices that need not be kept from who chooses keys. It is
    /// the same in every process. Folded multiplications over 16 bytes each, as in wyhash: a
    /// nanosecond or two.
    #[inline]
    pub(crate) fn fingerprint(&self) -> u64 {
        const ODD: [u64; 3] = [0x9E37_79B9_7F4A_7C15, 0xBF58_476D_1CE4_E5B9, 0x94D0_49BB_1331_11EB];
        let text = self.0.as_bytes();
        let mut hash = ODD[0] ^ text.len() as u64;
        let mut rest = text;
        while let Some((chunk, more)) = rest.split_first_chunk::<16>().filter(|(_, more)| !more.is_empty()) {
            let (one, other) = halves(chunk);
            hash = folded(one ^ hash, other ^ ODD[1]);
            rest = more;
        }
        let (one, other) = match (text.last_chunk::<16>(), text.first_chunk::<8>(), text.last_chunk::<8>()) {
            (Some(chunk), ..) => halves(chunk),
            (None, Some(first), Some(last)) => (u64::from_le_bytes(*first), u64::from_le_bytes(*last)),
            _ => (text.iter().fold(0, |all, byte| all << 8 | u64::from(*byte)), 0),
        };
        folded(folded(one ^ hash, other ^ ODD[2]), ODD[1])
    }
}

fn halves(chunk: &[u8; 16]) -> (u64, u64) {
    let whole = u128::from_le_bytes(*chunk);
    (whole as u64, (whole >> 64) as u64)
}

fn folded(one: u64, other: u64) -> u64 {
    let product = u128::from(one) * u128::from(other);
    product as u64 ^ (product >> 64) as u64
}

/// Why a text is not the text of a key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not the text of a key: `:`, `%XX` and plain characters, but no globs, spaces or other `%`")]
pub struct KeyTextError;

impl std::str::FromStr for Key {
    type Err = KeyTextError;

    /// Reads back what [`as_str`](Self::as_str) gave, escaped as it is.
    fn from_str(text: &str) -> Result<Self, KeyTextError> {
        let is_plain = text.bytes().all(|byte| !is_special(byte) || matches!(byte, b':' | b'%'));
        let mut escapes = text.split('%').skip(1).map(str::as_bytes);
        let is_escaped = escapes.all(|rest| {
            rest.get(..2)
                .is_some_and(|hex| hex.iter().all(|b| b.is_ascii_digit() || (b'A'..=b'F').contains(b)))
        });
        if is_plain && is_escaped { Ok(Self(text.to_owned())) } else { Err(KeyTextError) }
    }
}

impl Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Appends one part, escaped.
pub(crate) fn push_part(text: &mut String, part: &dyn Display) {
    // Writing to a String cannot fail; a Display that fails of itself is cut where it failed.
    let _ = write!(Escape(text), "{part}");
}

/// Escapes all that is written through it.
struct Escape<'a>(&'a mut String);

impl Write for Escape<'_> {
    fn write_str(&mut self, part: &str) -> fmt::Result {
        if !part.bytes().any(is_special) {
            self.0.push_str(part);
            return Ok(());
        }
        for ch in part.chars() {
            match u8::try_from(ch) {
                Ok(byte) if is_special(byte) => write!(self.0, "%{byte:02X}")?,
                _ => self.0.push(ch),
            }
        }
        Ok(())
    }
}

/// Bytes that mean something to a key (`:`), to the escaping (`%`), to a glob, or to a terminal.
const fn is_special(byte: u8) -> bool {
    matches!(byte, b':' | b'%' | b'*' | b'?' | b'[' | b']' | b'\\') || byte <= b' ' || byte == 0x7f
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key_of(parts: &[String]) -> Key {
        let (first, rest) = parts.split_first().expect("a key has a part");
        rest.iter().fold(Key::new(first), |key, part| key.id(part))
    }

    /// Reads a key back into its parts: the proof that nothing was lost.
    fn parts_of(key: &Key) -> Vec<String> {
        let unescape = |part: &str| {
            let mut pieces = part.split('%');
            let mut text = pieces.next().unwrap_or_default().to_owned();
            for piece in pieces {
                text.push(char::from(u8::from_str_radix(&piece[..2], 16).expect("two hex digits")));
                text.push_str(&piece[2..]);
            }
            text
        };
        key.as_str().split(SEPARATOR).map(unescape).collect()
    }

    fn nasty_part() -> impl Strategy<Value = String> {
        proptest::collection::vec(
            prop_oneof![
                Just(":".to_owned()),
                Just("%".to_owned()),
                Just("%3A".to_owned()),
                Just("*".to_owned()),
                Just("\\".to_owned()),
                Just("[a]".to_owned()),
                Just("\0\r\n".to_owned()),
                Just("é😀".to_owned()),
                any::<char>().prop_map(String::from),
            ],
            0..4,
        )
        .prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn parts_can_be_read_back_so_different_parts_make_different_keys(
            parts in proptest::collection::vec(nasty_part(), 1..5),
        ) {
            let key = key_of(&parts);
            prop_assert_eq!(key.as_str().parse(), Ok(key.clone()));
            prop_assert_eq!(parts_of(&key), parts);
        }

        #[test]
        fn a_key_holds_no_character_that_a_glob_or_a_terminal_would_read(
            parts in proptest::collection::vec(nasty_part(), 1..5),
        ) {
            let key = key_of(&parts);
            let allowed = |b: u8| !is_special(b) || b == b':' || b == b'%';
            prop_assert!(key.as_str().bytes().all(allowed), "{}", key);
        }
    }

    #[test]
    fn fingerprints_of_keys_that_differ_little_are_spread_evenly() {
        let kinds: [fn(u32) -> Key; 4] = [
            |id| Key::new("k").id(id),
            |id| Key::new("product").id(id),
            |id| Key::new("product").id(id).and("locale", "en").and("shop", 7),
            |id| Key::new("search").id(format!("{}{id}{}", "x".repeat(40), "y".repeat(40))),
        ];
        for kind in kinds {
            let mut below = 0;
            let mut low_bits = [0_u32; 64];
            let mut seen = std::collections::HashSet::new();
            for id in 0..64_000 {
                let fingerprint = kind(id).fingerprint();
                below += u32::from(fingerprint < u64::MAX / 100);
                low_bits[(fingerprint % 64) as usize] += 1;
                seen.insert(fingerprint);
            }
            assert_eq!(seen.len(), 64_000, "{}", kind(1));
            // 640 ± 25 and 1,000 ± 31 by chance: five times that.
            assert!((515..=765).contains(&below), "{}: {below}", kind(1));
            assert!(low_bits.iter().all(|count| (845..=1_155).contains(count)), "{}: {low_bits:?}", kind(1));
        }
    }

    #[test]
    fn parts_that_look_alike_when_joined_stay_apart() {
        let cases = [
            (Key::new("a").id("b:c"), Key::new("a").id("b").id("c")),
            (Key::new("a").id("b%3Ac"), Key::new("a").id("b:c")),
            (Key::new("a").id(""), Key::new("a")),
            (Key::new("a").id("").id("b"), Key::new("a").id("b").id("")),
            (Key::new("a").id("*"), Key::new("a").id("%2A")),
        ];
        for (left, right) in cases {
            assert_ne!(left.as_str(), right.as_str());
        }
    }
}
