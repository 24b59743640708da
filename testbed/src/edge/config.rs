//! What an edge is started with, and the check of it: every mistake at once, before anything is opened.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use hitmark_schema::curve::SamplerConfig;
use hitmark_schema::redact;
use http::Uri;
use http::uri::{Authority, Scheme};

use crate::choices::CacheChoice;
use crate::config::{ConfigError, TestbedConfig};

/// What an edge is started with. `Debug` shows URLs masked and never shows the token.
#[derive(Clone)]
pub struct EdgeConfig {
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The origin, such as `http://127.0.0.1:8080`: scheme, host and port, nothing more.
    pub origin: String,
    /// Where responses are kept.
    pub cache: CacheChoice,
    /// The server of a cache that needs one.
    pub redis_url: Option<String>,
    /// The folder of a cache on disk; without it, a temporary one.
    pub cache_path: Option<PathBuf>,
    /// The bearer token of `PURGE`; without it nothing can be purged.
    pub purge_token: Option<String>,
    /// How long the origin may take to begin its answer.
    pub origin_timeout: Duration,
    /// How long after its lifetime a response may stand in for a failing origin, where neither side
    /// says anything about it.
    pub stale_if_error: Duration,
    /// What the sample of the live miss-ratio curve may cost; without it, there is no curve.
    pub curve: Option<SamplerConfig>,
}

impl Default for EdgeConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8090)),
            origin: String::new(),
            cache: CacheChoice::Memory,
            redis_url: None,
            cache_path: None,
            purge_token: None,
            origin_timeout: Duration::from_secs(30),
            stale_if_error: Duration::ZERO,
            curve: Some(SamplerConfig::default()),
        }
    }
}

impl fmt::Debug for EdgeConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EdgeConfig")
            .field("listen", &self.listen)
            .field("origin", &redact::url(&self.origin))
            .field("cache", &self.cache)
            .field("redis_url", &self.redis_url.as_deref().map(redact::url))
            .field("cache_path", &self.cache_path)
            .field("purge_token", &self.purge_token.as_ref().map(|_| redact::MASK))
            .field("origin_timeout", &self.origin_timeout)
            .field("stale_if_error", &self.stale_if_error)
            .field("curve", &self.curve)
            .finish()
    }
}

impl EdgeConfig {
    /// Checks everything that can be checked without opening anything; the origin's authority.
    ///
    /// # Errors
    /// All mistakes together, each naming its setting and what to write instead.
    pub fn validate(&self) -> Result<Authority, ConfigError> {
        let mut mistakes = match self.of_the_cache().validate() {
            Ok(()) => Vec::new(),
            Err(error) => error.mistakes,
        };
        if self.purge_token.as_deref().is_some_and(|token| token.trim().is_empty()) {
            mistakes.push("the purge token is empty: leave it out, or give it a value".to_owned());
        }
        if self.origin_timeout.is_zero() {
            mistakes.push("the origin timeout is zero: give the origin at least a second".to_owned());
        }
        let authority = authority(&self.origin);
        if let Err(mistake) = &authority {
            mistakes.insert(0, mistake.clone());
        }
        match authority {
            Ok(authority) if mistakes.is_empty() => Ok(authority),
            _ => Err(ConfigError { mistakes }),
        }
    }

    /// The part that a testbed has too.
    pub(super) fn of_the_cache(&self) -> TestbedConfig {
        TestbedConfig {
            cache: self.cache,
            redis_url: self.redis_url.clone(),
            cache_path: self.cache_path.clone(),
            ..TestbedConfig::default()
        }
    }
}

fn authority(origin: &str) -> Result<Authority, String> {
    let shown = redact::url(origin);
    let wanted = "write http://host:port";
    let uri: Uri = origin.parse().map_err(|_| format!("origin '{shown}' is no URL: {wanted}"))?;
    match uri.scheme() {
        Some(scheme) if *scheme == Scheme::HTTP => {}
        Some(scheme) if *scheme == Scheme::HTTPS => {
            return Err(format!("origin '{shown}': the edge speaks no TLS; {wanted}"));
        }
        _ => return Err(format!("origin '{shown}': {wanted}")),
    }
    if uri.query().is_some() || !matches!(uri.path(), "" | "/") {
        return Err(format!("origin '{shown}': a path is not supported; {wanted}"));
    }
    match uri.authority() {
        Some(authority) if !authority.as_str().contains('@') => Ok(authority.clone()),
        Some(_) => Err(format!("origin '{shown}': credentials are not supported; {wanted}")),
        None => Err(format!("origin '{shown}': {wanted}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_scheme_host_and_port() {
        for (origin, is_good) in [
            ("http://127.0.0.1:8080", true),
            ("http://origin.test/", true),
            ("http://[::1]:8080", true),
            ("https://origin.test", false),
            ("http://origin.test/shop", false),
            ("http://origin.test/?a", false),
            ("http://user:secret@origin.test", false),
            ("origin.test:8080", false),
            ("", false),
        ] {
            let config = EdgeConfig { origin: origin.to_owned(), ..EdgeConfig::default() };
            assert_eq!(config.validate().is_ok(), is_good, "{origin}");
        }
    }

    #[test]
    fn all_mistakes_are_told_at_once_and_without_their_secrets() {
        let config = EdgeConfig {
            origin: "http://user:hunter2@origin.test".to_owned(),
            cache: CacheChoice::Redis,
            purge_token: Some(" ".to_owned()),
            origin_timeout: Duration::ZERO,
            ..EdgeConfig::default()
        };
        let error = config.validate().expect_err("four mistakes");
        assert_eq!(error.mistakes.len(), 4, "{error}");
        let token = EdgeConfig { purge_token: Some("s3cret".to_owned()), ..config };
        for shown in [error.to_string(), format!("{token:?}")] {
            assert!(!shown.contains("s3cret") && !shown.contains("hunter2"), "{shown}");
        }
    }
}
