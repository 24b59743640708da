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
