//! What can go wrong: with the cache, and with the origin behind it.
//!
//! The two are separate types because they are separate news. `get_or_set` never fails for the
//! cache's sake, so it returns only the origin's error.

use std::any::Any;
use std::error::Error;
use std::fmt;
use std::sync::Arc;

/// Why a cache operation did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CacheError {
    /// The URL of the cache server cannot be used. The URL is shown without its secrets.
    #[error("cannot use the cache URL `{url}`: {reason}")]
    Url {
        /// The URL, with its secrets masked.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The file or folder of a local cache cannot be used.
    #[error("cannot open the cache `{path}`: {reason}")]
    Open {
        /// Where it is.
        path: String,
        /// What is wrong with it, and what to do.
        reason: String,
    },
    /// There is no connection to the server now; one is being made in the background.
    #[error("the cache server cannot be reached; reconnecting in the background")]
    Unreachable,
    /// The server did not answer in time.
    #[error("the cache server did not answer in time")]
    Timeout,
    /// The server answered with an error.
    #[error("the cache server answered with an error: {0}")]
    Server(String),
    /// A local store failed: its disk is full, its file is damaged, or too much is asked of it at once.
    #[error("the cache's store failed: {0}")]
    Store(String),
}

/// Why the origin gave no value. Every caller that waited for the same origin call gets the same
/// error; it is never cached.
pub enum OriginError<E> {
    /// The origin's own error.
    Failed(Arc<E>),
    /// The error of an origin call that another caller made, whose error type is not `E`. Two
    /// callers that share a key but not an error type meet this.
    FailedElsewhere(Arc<dyn Error + Send + Sync>),
    /// The origin panicked, with this message.
    Panicked(Arc<str>),
    /// The runtime stopped before the origin answered.
    Abandoned,
}

impl<E> OriginError<E> {
    /// The origin's own error, if it is of the type that this caller expects.
    #[must_use]
    pub fn failed(&self) -> Option<&E> {
        match self {
            Self::Failed(error) => Some(error),
            _ => None,
        }
    }
}

// Written by hand: a derived Clone would ask for `E: Clone`, which the Arc makes needless.
impl<E> Clone for OriginError<E> {
    fn clone(&self) -> Self {
        match self {
            Self::Failed(error) => Self::Failed(Arc::clone(error)),
            Self::FailedElsewhere(error) => Self::FailedElsewhere(Arc::clone(error)),
            Self::Panicked(message) => Self::Panicked(Arc::clone(message)),
            Self::Abandoned => Self::Abandoned,
        }
    }
}

impl<E: fmt::Debug> fmt::Debug for OriginError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(error) => f.debug_tuple("Failed").field(error).finish(),
            Self::FailedElsewhere(error) => f.debug_tuple("FailedElsewhere").field(error).finish(),
            Self::Panicked(message) => f.debug_tuple("Panicked").field(message).finish(),
            Self::Abandoned => f.write_str("Abandoned"),
        }
    }
}

impl<E: fmt::Display> fmt::Display for OriginError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(error) => write!(f, "the origin failed: {error}"),
            Self::FailedElsewhere(error) => write!(f, "the origin failed: {error}"),
            Self::Panicked(message) => write!(f, "the origin panicked: {message}"),
            Self::Abandoned => f.write_str("the runtime stopped before the origin answered"),
        }
    }
}

// No source(): the message above already holds the cause's, and a chain would print it twice.
impl<E: fmt::Debug + fmt::Display> Error for OriginError<E> {}

/// A failed origin call before it is known which caller, and so which error type, will read it.
#[derive(Debug, Clone)]
pub(crate) enum Failure {
    /// The same error twice: to be cast back to its type, and to be shown where that fails.
    Failed { typed: Arc<dyn Any + Send + Sync>, shown: Arc<dyn Error + Send + Sync> },
    /// The message of a panic.
    Panicked(Arc<str>),
    /// Nobody is left who could answer.
    Abandoned,
}

impl Failure {
    pub(crate) fn failed<E: Error + Send + Sync + 'static>(error: E) -> Self {
        let error = Arc::new(error);
        Self::Failed { typed: Arc::<E>::clone(&error), shown: error }
    }

    /// The failure of a panic, from what it carried.
    pub(crate) fn panicked(payload: &(dyn Any + Send)) -> Self {
        let message = payload
            .downcast_ref::<&str>()
            .copied()
            .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
            .unwrap_or("without a message");
        Self::Panicked(message.into())
    }
}

impl<E: Error + Send + Sync + 'static> From<Failure> for OriginError<E> {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Failed { typed, shown } => match typed.downcast::<E>() {
                Ok(error) => Self::Failed(error),
                Err(_) => Self::FailedElsewhere(shown),
            },
            Failure::Panicked(message) => Self::Panicked(message),
            Failure::Abandoned => Self::Abandoned,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, thiserror::Error)]
    #[error("no row {0}")]
    struct NoRow(u32);

    #[test]
    fn an_error_comes_back_as_its_own_type_and_as_text_to_others() {
        let failure = Failure::failed(NoRow(7));
        let own: OriginError<NoRow> = failure.clone().into();
        assert_eq!(own.failed(), Some(&NoRow(7)));
        assert_eq!(own.to_string(), "the origin failed: no row 7");
        let other: OriginError<std::io::Error> = failure.into();
        assert!(other.failed().is_none());
        assert_eq!(other.to_string(), "the origin failed: no row 7");
    }

    #[test]
    fn a_panic_is_told_by_its_message() {
        let payloads: [(Box<dyn Any + Send>, &str); 3] = [
            (Box::new("plain"), "plain"),
            (Box::new("owned".to_owned()), "owned"),
            (Box::new(5_u8), "without a message"),
        ];
        for (payload, message) in payloads {
            let error: OriginError<NoRow> = Failure::panicked(payload.as_ref()).into();
            assert_eq!(error.to_string(), format!("the origin panicked: {message}"));
        }
    }
}
