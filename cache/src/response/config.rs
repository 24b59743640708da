//! How a response cache is set up.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::store_rules::SetCookiePolicy;

/// How a response cache is set up. Every limit has a default that fits a small edge.
#[derive(Debug, Clone)]
pub struct ResponseCacheConfig {
    /// The name in `Cache-Status`: a token (RFC 9110 §5.6.2).
    pub name: String,
    /// The scheme of requests whose target does not tell it: `http` or `https`.
    pub scheme: &'static str,
    /// What requests may ask of the cache.
    pub request_directives: RequestDirectivesPolicy,
    /// What is done with responses that set cookies.
    pub set_cookie: SetCookiePolicy,
    /// Larger bodies are passed on and not stored.
    pub max_body_bytes: usize,
    /// How long a body that is to be stored may take to arrive; a slower one is passed on as it
    /// comes and not stored.
    pub max_body_wait: Duration,
    /// The most bytes of bodies that are being read to be stored, together; beyond it, bodies are
    /// passed on and not stored.
    pub max_held_bytes: usize,
    /// The most responses of one URI that differ in what `Vary` names; the oldest goes.
    pub max_representations: usize,
    /// Longer targets are passed on and not stored.
    pub max_uri_bytes: usize,
    /// How long a request waits for another one's exchange with the origin before it asks itself.
    pub max_collapse_wait: Duration,
    /// How long nobody waits for a URI whose last answer could not be stored.
    pub uncacheable_for: Duration,
    /// How long after its lifetime a response with a validator is kept, so that it can be validated.
    pub keep_for_validation: Duration,
    /// How long after its lifetime any other response is kept: for clients that accept a stale one,
    /// and for a `HEAD` that may freshen it.
    pub keep_stale: Duration,
    /// How long after its lifetime a response may stand in for an origin that fails, where nothing
    /// is said about it. Zero keeps to what origins allow.
    pub stale_if_error: Duration,
    /// What time it is.
    pub clock: Clock,
}

impl Default for ResponseCacheConfig {
    fn default() -> Self {
        Self {
            name: "hitmark".to_owned(),
            scheme: "http",
            request_directives: RequestDirectivesPolicy::Honour,
            set_cookie: SetCookiePolicy::default(),
            max_body_bytes: 8 * 1024 * 1024,
            max_body_wait: Duration::from_secs(10),
            max_held_bytes: 256 * 1024 * 1024,
            max_representations: 64,
            max_uri_bytes: 8 * 1024,
            max_collapse_wait: Duration::from_secs(10),
            uncacheable_for: Duration::from_secs(10),
            keep_for_validation: Duration::from_secs(24 * 60 * 60),
            keep_stale: Duration::from_secs(60),
            stale_if_error: Duration::ZERO,
            clock: Clock::system(),
        }
    }
}

/// Whether `Cache-Control` of requests counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RequestDirectivesPolicy {
    /// As RFC 9111 §5.2.1 says. Any client can then make the cache ask the origin.
    #[default]
    Honour,
    /// They are passed on and otherwise ignored, as content delivery networks do. `no-store` and
    /// `only-if-cached` still count: they cost the origin nothing.
    Ignore,
}

/// What time it is: the system's, or a test's.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> SystemTime + Send + Sync>);

impl Clock {
    /// The system's clock.
    #[must_use]
    pub fn system() -> Self {
        Self(Arc::new(SystemTime::now))
    }

    /// A clock of one's own.
    pub fn new(now: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    pub(super) fn now(&self) -> SystemTime {
        (self.0)()
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}
