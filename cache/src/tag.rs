//! Names of sets of entries that are removed together: every entry that shows product 7, say.
//!
//! A tag is built like a [`Key`](crate::Key), part by part, and as injectively.

use std::fmt::{self, Display};

use crate::key::Key;

/// A name that entries carry, by which they are removed.
///
/// ```
/// use hitmark_cache::Tag;
/// assert_eq!(Tag::new("product").id(7).as_str(), "product:7");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tag(Key);

/// The most tags that one entry may carry. Further ones would make each store slower without limit.
pub const MAX_TAGS: usize = 32;

impl Tag {
    /// A tag of one part.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self(Key::new(name))
    }

    /// The same tag with one more part.
    #[must_use]
    pub fn id<T: Display>(self, id: T) -> Self {
        Self(self.0.id(id))
    }

    /// The escaped text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl std::str::FromStr for Tag {
    type Err = crate::key::KeyTextError;

    /// Reads back what [`as_str`](Self::as_str) gave.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

impl Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
