//! For whom a value is: the tenant, the user, the language and the encoding that a body depends on.
//!
//! An endpoint declares what its body depends on; a key is made only of a request that tells all of
//! it. So a part that was forgotten is an error and not another tenant's answer.

use std::fmt;

use crate::key::Key;

/// Something that a body may depend on beside its own parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Dimension {
    /// The customer whose data it shows.
    Tenant,
    /// The signed-in user.
    User,
    /// The language.
    Locale,
    /// The content encoding, such as `gzip`.
    Encoding,
}

impl Dimension {
    /// Every dimension, in the order in which keys carry them.
    pub const ALL: [Self; 4] = [Self::Tenant, Self::User, Self::Locale, Self::Encoding];

    /// Its name in keys.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Tenant => "tenant",
            Self::User => "user",
            Self::Locale => "locale",
            Self::Encoding => "encoding",
        }
    }
}

/// What is known of who asks.
///
/// ```
/// use hitmark_cache::{Dimension, Key, KeyScope};
/// let scope = KeyScope::new().with(Dimension::Tenant, 7).with(Dimension::Locale, "de");
/// let key = scope.key(Key::new("list"), &[Dimension::Locale, Dimension::Tenant])?;
/// assert_eq!(key.as_str(), "list:tenant:7:locale:de");
/// assert!(scope.key(Key::new("list"), &[Dimension::User]).is_err());
/// # Ok::<(), hitmark_cache::MissingDimension>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeyScope {
    known: [Option<String>; Dimension::ALL.len()],
}

/// A body depends on something that the request does not tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the body of this key depends on the {}, which the request does not tell: do not cache it", .0.as_str())]
pub struct MissingDimension(pub Dimension);

impl KeyScope {
    /// Nothing is known.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The same with one more dimension known.
    #[must_use]
    pub fn with(mut self, dimension: Dimension, value: impl fmt::Display) -> Self {
        self.known[dimension as usize] = Some(value.to_string());
        self
    }

    /// The key of a body that depends on these dimensions, in whatever order they are declared.
    ///
    /// # Errors
    /// The first of them that is not known.
    pub fn key(&self, key: Key, depends_on: &[Dimension]) -> Result<Key, MissingDimension> {
        let mut key = key;
        for dimension in Dimension::ALL.into_iter().filter(|dimension| depends_on.contains(dimension)) {
            let value = self.known[dimension as usize].as_ref().ok_or(MissingDimension(dimension))?;
            key = key.and(dimension.as_str(), value);
        }
        Ok(key)
    }
}
