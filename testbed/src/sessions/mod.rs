//! Who is logged in: a store of its own, apart from the cache, since a cache may forget and a session
//! may not. In this process by default, or in a Redis database that holds nothing else.
//!
//! A session's id never becomes a key of the cache, and is shown nowhere.

mod address;
mod memory;
mod redis_store;

use std::fmt;
use std::time::Duration;

pub(crate) use self::address::mistake;
use self::memory::InMemory;
use self::redis_store::InRedis;

/// How long a session lives after its last use.
pub(crate) const SESSION_TTL: Duration = Duration::from_secs(1_800);
/// Hexadecimal digits of an id: 128 bits, as OWASP's session management asks for at least 64.
const ID_DIGITS: usize = 32;

/// The id of a session: whoever has it is logged in.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct SessionId(String);

impl SessionId {
    fn new() -> Self {
        Self(format!("{:032x}", rand::random::<u128>()))
    }

    /// Reads an id; `None` if the text cannot be one.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let is_id = text.len() == ID_DIGITS && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_id.then(|| Self(text.to_owned()))
    }

    /// The id itself, for the cookie and the store's key.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionId")
    }
}

/// The store could not be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SessionError {
    /// It cannot be asked.
    #[error("the session store {url} cannot be asked: {reason}")]
    Store {
        /// Its URL, masked.
        url: String,
        /// What it said.
        reason: String,
    },
    /// It may drop sessions to make room.
    #[error(
        "the session store {url} may evict any key (maxmemory-policy {policy}): sessions would be lost; \
         use a server of their own with noeviction or a volatile policy"
    )]
    Evicts {
        /// Its URL, masked.
        url: String,
        /// The policy.
        policy: String,
    },
}

/// Where sessions are kept.
#[derive(Debug)]
pub(crate) enum Sessions {
    Memory(InMemory),
    Redis(Box<InRedis>),
}

impl Sessions {
    /// In a Redis database, or without a URL in this process.
    pub(crate) async fn start(url: Option<&str>) -> Result<Self, SessionError> {
        Ok(match url {
            None => Self::Memory(InMemory::new()),
            Some(url) => Self::Redis(Box::new(InRedis::connect(url).await?)),
        })
    }

    /// Begins a session of a user.
    pub(crate) async fn begin(&self, user: i64) -> Result<SessionId, SessionError> {
        let id = SessionId::new();
        match self {
            Self::Memory(store) => store.put(&id, user).await,
            Self::Redis(store) => store.put(&id, user).await?,
        }
        Ok(id)
    }

    /// Whose session it is, and prolongs it; `None` if there is none.
    pub(crate) async fn user(&self, id: &SessionId) -> Result<Option<i64>, SessionError> {
        match self {
            Self::Memory(store) => Ok(store.user(id).await),
            Self::Redis(store) => store.user(id).await,
        }
    }

    /// Ends a session.
    pub(crate) async fn end(&self, id: &SessionId) -> Result<(), SessionError> {
        match self {
            Self::Memory(store) => {
                store.remove(id).await;
                Ok(())
            }
            Self::Redis(store) => store.remove(id).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_read_back_differs_each_time_and_is_not_shown() {
        let (one, other) = (SessionId::new(), SessionId::new());
        assert_ne!(one, other);
        assert_eq!(SessionId::read(one.reveal()), Some(one.clone()));
        assert!(!format!("{one:?}").contains(one.reveal()));
        for bad in ["", "x", "0123456789abcdef0123456789abcde*", "0123456789abcdef0123456789abcdef0"] {
            assert_eq!(SessionId::read(bad), None, "{bad}");
        }
    }

    #[tokio::test]
    async fn a_session_in_this_process_begins_and_ends() {
        let sessions = Sessions::start(None).await.expect("no server is needed");
        let id = sessions.begin(7).await.expect("begun");
        assert_eq!(sessions.user(&id).await.expect("asked"), Some(7));
        sessions.end(&id).await.expect("ended");
        assert_eq!(sessions.user(&id).await.expect("asked"), None);
    }
}
