//! Patterns of keys, for deletion: literal parts and `*`, which stands for any run of characters.
//!
//! The text of a pattern means the same to every backend: `*` is its only wildcard, and it crosses
//! `:` as it does in a Redis glob. Whatever else a glob would read is escaped, as in a key.

use std::fmt::{self, Display};
use std::str::FromStr;

use crate::key::{Key, SEPARATOR, push_part};

/// The most wildcards in one pattern. Each one multiplies the work of matching.
pub const MAX_WILDCARDS: usize = 8;

/// The most bytes in the text of a pattern.
pub const MAX_PATTERN_BYTES: usize = 1024;

/// A set of keys, named by what their text looks like.
///
/// ```
/// use hitmark_cache::{Key, Pattern};
/// let product = Key::new("product").id(456);
/// assert_eq!(Pattern::under(&product).as_str(), "product:456:*");
/// let any_shop: Pattern = "product:*:shop:123".parse()?;
/// assert!(any_shop.matches(&product.and("shop", 123)));
/// # Ok::<(), hitmark_cache::PatternError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Pattern(String);

/// Why a text is no pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// An empty text would name no key at all.
    #[error("the pattern is empty: write `*` for every key")]
    Empty,
    /// More wildcards than [`MAX_WILDCARDS`].
    #[error("the pattern has {0} wildcards, but at most {MAX_WILDCARDS} are allowed: name more of the key")]
    TooManyWildcards(usize),
    /// More bytes than [`MAX_PATTERN_BYTES`].
    #[error("the pattern has {0} bytes, but at most {MAX_PATTERN_BYTES} are allowed")]
    TooLong(usize),
}

impl Pattern {
    /// Every key that has this key's parts and at least one part more; not the key itself.
    #[must_use]
    pub fn under(key: &Key) -> Self {
        Self(format!("{key}{SEPARATOR}*"))
    }

    /// The text, escaped: only `*` is special in it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the pattern names this key.
    #[must_use]
    pub fn matches(&self, key: &Key) -> bool {
        self.matches_text(key.as_str())
    }

    /// Matches greedily, and on a mismatch lets the last `*` take one character more: at most
    /// pattern length × key length steps, whatever the pattern.
    pub(crate) fn matches_text(&self, key: &str) -> bool {
        let (pattern, key) = (self.0.as_bytes(), key.as_bytes());
        let (mut at_pattern, mut at_key) = (0, 0);
        let mut last_wildcard: Option<(usize, usize)> = None;
        while at_key < key.len() {
            match pattern.get(at_pattern) {
                Some(b'*') => {
                    last_wildcard = Some((at_pattern, at_key));
                    at_pattern += 1;
                }
                Some(byte) if *byte == key[at_key] => {
                    at_pattern += 1;
                    at_key += 1;
                }
                _ => match last_wildcard {
                    Some((wildcard, taken)) => {
                        last_wildcard = Some((wildcard, taken + 1));
                        at_pattern = wildcard + 1;
                        at_key = taken + 1;
                    }
                    None => return false,
                },
            }
        }
        pattern[at_pattern..].iter().all(|byte| *byte == b'*')
    }
}

impl Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Pattern {
    type Err = PatternError;

    /// Reads the text of a pattern: `:` and `*` keep their meaning, and so does `%`, so that the
    /// text of any key is a pattern of just that key. All else is escaped as in a key.
    fn from_str(text: &str) -> Result<Self, PatternError> {
        if text.is_empty() {
            return Err(PatternError::Empty);
        }
        if text.len() > MAX_PATTERN_BYTES {
            return Err(PatternError::TooLong(text.len()));
        }
        let mut pattern = String::with_capacity(text.len());
        for ch in text.chars() {
            match ch {
                // A run of wildcards means what one means.
                '*' if pattern.ends_with('*') => {}
                '*' | '%' | SEPARATOR => pattern.push(ch),
                _ => push_part(&mut pattern, &ch),
            }
        }
        let wildcards = pattern.bytes().filter(|byte| *byte == b'*').count();
        if wildcards > MAX_WILDCARDS {
            return Err(PatternError::TooManyWildcards(wildcards));
        }
        Ok(Self(pattern))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_pattern_names_what_its_text_says() {
        let cases = [
            ("product:456:*", "product:456:shop:1", true),
            ("product:456:*", "product:456", false),
            ("product:456:*", "product:4567:shop:1", false),
            ("product:*:shop:1", "product:9:shop:1", true),
            ("product:*:shop:1", "product:9:shop:11", false),
            ("*", "", true),
            ("*a*b", "xaxaxb", true),
            ("*a*b", "xaxax", false),
            ("abc", "abc", true),
            ("abc", "abcd", false),
            ("abcd", "abc", false),
        ];
        for (text, key, expected) in cases {
            let pattern: Pattern = text.parse().expect(text);
            assert_eq!(pattern.matches_text(key), expected, "{text} on {key}");
        }
    }

    #[test]
    fn glob_characters_of_a_part_name_only_themselves() {
        let starred = Key::new("user").id("*");
        assert_eq!(Pattern::under(&starred).as_str(), "user:%2A:*");
        assert!(!Pattern::under(&starred).matches(&Key::new("user").id("bob").and("x", 1)));
        let text: Pattern = "user:[ab]?\\:*".parse().expect("a pattern");
        assert_eq!(text.as_str(), "user:%5Bab%5D%3F%5C:*");
    }

    #[test]
    fn texts_that_name_nothing_or_too_much_work_are_refused() {
        assert_eq!("".parse::<Pattern>(), Err(PatternError::Empty));
        assert_eq!("*a".repeat(9).parse::<Pattern>(), Err(PatternError::TooManyWildcards(9)));
        assert_eq!("a".repeat(2000).parse::<Pattern>(), Err(PatternError::TooLong(2000)));
        assert_eq!("a**********".parse::<Pattern>().expect("one wildcard").as_str(), "a*");
    }

    proptest! {
        #[test]
        fn the_text_of_a_key_is_a_pattern_of_just_that_key(a in ".{0,12}", b in ".{0,12}") {
            let key = Key::new("p").id(&a);
            let other = Key::new("p").id(&b);
            let pattern: Pattern = key.as_str().parse().expect("short");
            prop_assert!(pattern.matches(&key));
            prop_assert_eq!(pattern.matches(&other), a == b);
            prop_assert!(!Pattern::under(&key).matches(&key));
            prop_assert!(Pattern::under(&key).matches(&key.clone().and("shop", &b)));
        }
    }
}
