//! An invalidation as a value: to be queued while the cache server is away, to follow from another,
//! and to be sent between processes as text.
//!
//! The text is `SCOPE NAME`, such as `tag product:7`; it fits the payload of a PostgreSQL NOTIFY.

use std::fmt::{self, Display};
use std::str::FromStr;

use crate::key::Key;
use crate::pattern::Pattern;
use crate::tag::Tag;

/// What is no longer true.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Invalidation {
    /// The value of one key.
    Key(Key),
    /// Every value that carries the tag.
    Tag(Tag),
    /// Every value whose key the pattern names.
    Pattern(Pattern),
    /// Every value that was read from this table.
    Table(String),
    /// Everything.
    All,
}

/// Why a text is no invalidation.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no invalidation: write `key K`, `tag T`, `pattern P`, `table T` or `all`")]
pub struct InvalidationTextError(String);

impl Invalidation {
    /// Whether it covers a value of this key and these tags.
    #[must_use]
    pub fn covers(&self, key: &Key, tags: &[Tag]) -> bool {
        match self {
            Self::Key(named) => named == key,
            Self::Tag(tag) => tags.contains(tag),
            Self::Pattern(pattern) => pattern.matches(key),
            Self::Table(table) => tags.contains(&table_tag(table)),
            Self::All => true,
        }
    }
}

/// The tag of every value that was read from a table.
#[must_use]
pub fn table_tag(table: &str) -> Tag {
    Tag::new("table").id(table)
}

impl Display for Invalidation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(key) => write!(f, "key {key}"),
            Self::Tag(tag) => write!(f, "tag {tag}"),
            Self::Pattern(pattern) => write!(f, "pattern {pattern}"),
            Self::Table(table) => write!(f, "table {table}"),
            Self::All => f.write_str("all"),
        }
    }
}

impl FromStr for Invalidation {
    type Err = InvalidationTextError;

    fn from_str(text: &str) -> Result<Self, InvalidationTextError> {
        let unusable = || InvalidationTextError(text.chars().take(100).collect());
        let (scope, name) = text.split_once(' ').unwrap_or((text, ""));
        match (scope, name) {
            ("all", "") => Ok(Self::All),
            ("key", name) if !name.is_empty() => name.parse().map(Self::Key).map_err(|_| unusable()),
            ("tag", name) if !name.is_empty() => name.parse().map(Self::Tag).map_err(|_| unusable()),
            ("pattern", name) => name.parse().map(Self::Pattern).map_err(|_| unusable()),
            ("table", name) if !name.is_empty() => Ok(Self::Table(name.to_owned())),
            _ => Err(unusable()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn its_text_is_read_back_as_itself() {
        let pattern = Pattern::under(&Key::new("product").id("a b*"));
        for invalidation in [
            Invalidation::Key(Key::new("product").id("a b")),
            Invalidation::Tag(Tag::new("product").id(7)),
            Invalidation::Pattern(pattern),
            Invalidation::Table("order items".to_owned()),
            Invalidation::All,
        ] {
            assert_eq!(invalidation.to_string().parse(), Ok(invalidation));
        }
        for text in ["", "key", "key a b", "tag *", "everything", "all of it", "pattern ", "table "] {
            assert!(text.parse::<Invalidation>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn it_covers_what_it_names() {
        let (key, tags) = (Key::new("product").id(7), [Tag::new("shop").id(1), table_tag("products")]);
        for (text, covers) in [
            ("key product:7", true),
            ("key product", false),
            ("tag shop:1", true),
            ("tag shop", false),
            ("pattern product:*", true),
            ("pattern shop:*", false),
            ("table products", true),
            ("table product", false),
            ("all", true),
        ] {
            let invalidation: Invalidation = text.parse().expect("an invalidation");
            assert_eq!(invalidation.covers(&key, &tags), covers, "{text}");
        }
    }
}
