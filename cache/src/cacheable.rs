//! What may be cached. A type says so by [`Cacheable`]; [`Password`], [`Token`] and [`Session`] do
//! not, and nothing turns them into bytes that could be, so that the compiler refuses them.
//!
//! Bytes can hold anything: this keeps honest code from mistakes, not a determined one from harm.

use std::error::Error;
use std::fmt;
use std::future::Future;

use bytes::Bytes;

use crate::error::OriginError;
use crate::key::Key;
use crate::layer::CacheLayer;
use crate::policy::Policy;

/// A value that may lie in a cache, and its bytes there.
///
/// ```compile_fail
/// use hitmark_cache::{Cacheable, Password};
/// fn put(_: impl Cacheable) {}
/// put(Password::new("secret"));
/// ```
///
/// ```compile_fail
/// use hitmark_cache::{Cacheable, Token};
/// fn put(_: impl Cacheable) {}
/// put(Token::new("secret"));
/// ```
///
/// ```compile_fail
/// use hitmark_cache::{Cacheable, Session};
/// fn put(_: impl Cacheable) {}
/// put(vec![Session::new("secret")]);
/// ```
///
/// ```
/// use hitmark_cache::Cacheable;
/// fn put(_: impl Cacheable) {}
/// put("a name".to_owned());
/// put(Some("a name".to_owned()));
/// ```
pub trait Cacheable: Sized + Send {
    /// The bytes that are kept.
    fn to_bytes(&self) -> Bytes;

    /// Reads them back; `None` if they are not a value of this type, which is then fetched anew.
    fn from_bytes(bytes: &Bytes) -> Option<Self>;
}

impl Cacheable for Bytes {
    fn to_bytes(&self) -> Bytes {
        self.clone()
    }

    fn from_bytes(bytes: &Bytes) -> Option<Self> {
        Some(bytes.clone())
    }
}

impl Cacheable for String {
    fn to_bytes(&self) -> Bytes {
        Bytes::copy_from_slice(self.as_bytes())
    }

    fn from_bytes(bytes: &Bytes) -> Option<Self> {
        Self::from_utf8(bytes.to_vec()).ok()
    }
}

impl<T: Cacheable> Cacheable for Option<T> {
    /// One byte that says whether there is a value, then the value.
    fn to_bytes(&self) -> Bytes {
        match self {
            None => Bytes::from_static(&[0]),
            Some(value) => [&[1], &value.to_bytes()[..]].concat().into(),
        }
    }

    fn from_bytes(bytes: &Bytes) -> Option<Self> {
        match bytes.first()? {
            0 if bytes.len() == 1 => Some(None),
            1 => T::from_bytes(&bytes.slice(1..)).map(Some),
            _ => None,
        }
    }
}

impl CacheLayer {
    /// [`fetch`](Self::fetch) for values of a type that may be cached.
    ///
    /// # Errors
    /// As for [`fetch`](Self::fetch). Bytes that are no value of the type are removed and the origin
    /// is asked once more; [`OriginError::Abandoned`] if even its own bytes cannot be read.
    pub async fn fetch_typed<T, F, Fut, E>(
        &self,
        key: &Key,
        policy: &Policy,
        origin: F,
    ) -> Result<T, OriginError<E>>
    where
        T: Cacheable,
        F: Fn() -> Fut + Send + Sync,
        Fut: Future<Output = Result<T, E>> + Send + 'static,
        E: Error + Send + Sync + 'static,
    {
        let bytes = || {
            let value = origin();
            async move { value.await.map(|value| value.to_bytes()) }
        };
        let served = self.fetch(key, policy, bytes).await?;
        if let Some(value) = T::from_bytes(&served.value) {
            return Ok(value);
        }
        // If this fails, nothing of the store is served before it is done.
        let _ = self.delete(key).await;
        let served = self.fetch(key, policy, bytes).await?;
        T::from_bytes(&served.value).ok_or(OriginError::Abandoned)
    }
}

/// A type for a secret: shown masked, never [`Cacheable`].
macro_rules! secret {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq)]
        pub struct $name(String);

        impl $name {
            /// Takes the secret in.
            #[must_use]
            pub fn new(secret: impl Into<String>) -> Self {
                Self(secret.into())
            }

            /// The secret itself, for the one place that must have it.
            #[must_use]
            pub fn reveal(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(masked)"))
            }
        }
    };
}

secret! {
    /// A password, in clear or hashed.
    Password
}
secret! {
    /// Something that proves who its bearer is.
    Token
}
secret! {
    /// What a signed-in user's browser shows.
    Session
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_kept_is_read_back_and_foreign_bytes_are_not() {
        for value in [None, Some(String::new()), Some("ü".to_owned())] {
            assert_eq!(Option::<String>::from_bytes(&value.to_bytes()), Some(value));
        }
        assert_eq!(String::from_bytes(&Bytes::from_static(&[0xff])), None);
        assert_eq!(Option::<String>::from_bytes(&Bytes::from_static(&[0, 1])), None);
    }

    #[test]
    fn a_secret_is_not_shown() {
        assert_eq!(format!("{:?}", Password::new("hunter2")), "Password(masked)");
    }
}
