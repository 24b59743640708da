//! How the Redis backend is set up: where the server is, how long to wait for it.

use std::fmt;
use std::time::Duration;

use hitmark_schema::redact;

/// How the Redis backend is set up.
#[derive(Clone)]
#[non_exhaustive]
pub struct RedisConfig {
    /// The server: `redis://[user][:password@]host[:port][/db]`, `redis+unix:///path`,
    /// `redis+sentinel://[user:password@]host:port,host:port/master-name[/db]` for the master that
    /// these Sentinels tell, or `redis+cluster://[user:password@]host:port,host:port[?shards=N]` for
    /// the Cluster of which these are nodes. Its keys are cut into `N` shards, 16 if not said, 256 at
    /// most, each with a connection of its own: all processes must say the same number.
    pub url: String,
    /// What every key begins with; in a Cluster, what its hash tag begins with, and without braces. `clear` removes exactly the keys that begin with it.
    pub namespace: String,
    /// How long a get, set or delete waits for its answer before the link counts as down.
    pub response_timeout: Duration,
    /// How long one step of a deletion by pattern, or of a clearing, waits.
    pub invalidation_timeout: Duration,
    /// How long the background task waits for one connection.
    pub connect_timeout: Duration,
    /// The shortest pause before a try to connect again.
    pub pause_min: Duration,
    /// The longest pause before a try to connect again.
    pub pause_max: Duration,
    /// Whether writes and removals are told on the channel `<namespace>%removed`.
    pub announce: Announce,
}

/// Whether a client's writes and removals are told to those who listen by pub/sub. Who listens by
/// tracking hears of them in any case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Announce {
    /// Not told: right where nobody keeps copies, or all who do are told by tracking.
    Never,
    /// Told: every process that writes must, where one keeps copies and listens by pub/sub.
    Always,
}

impl RedisConfig {
    /// The defaults for a server near by: 50 ms for an answer, 500 ms for a connection, tries every
    /// 100 ms to 1 s, namespace `hitmark:`.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            namespace: "hitmark:".to_owned(),
            response_timeout: Duration::from_millis(50),
            invalidation_timeout: Duration::from_secs(2),
            connect_timeout: Duration::from_millis(500),
            pause_min: Duration::from_millis(100),
            pause_max: Duration::from_secs(1),
            announce: Announce::Never,
        }
    }
}

// Written by hand: the URL may hold a password.
impl fmt::Debug for RedisConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisConfig")
            .field("url", &redact::url(&self.url))
            .field("namespace", &self.namespace)
            .field("response_timeout", &self.response_timeout)
            .field("invalidation_timeout", &self.invalidation_timeout)
            .field("connect_timeout", &self.connect_timeout)
            .field("pause_min", &self.pause_min)
            .field("pause_max", &self.pause_max)
            .field("announce", &self.announce)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_config_never_shows_its_password() {
        let shown = format!("{:?}", RedisConfig::new("redis://user:s3cret@host:1/0"));
        assert!(!shown.contains("s3cret") && shown.contains("host"), "{shown}");
    }
}
