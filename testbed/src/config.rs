//! What a testbed is started with, and the check of it: every mistake at once, before anything is
//! opened. Flags and environment variables are the command line's business.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use hitmark_schema::curve::SamplerConfig;
use hitmark_schema::redact;
use url::Url;

use crate::admin::permits;
use crate::cdn::CdnConfig;
use crate::choices::{CacheChoice, Indexes, SeedSize};
use crate::compression::{self, Compression};
use crate::sessions;
use crate::tasks::CELERY;
use crate::telemetry::SLOW_AFTER;

/// What a testbed is started with. `Debug` shows URLs masked and never shows the token.
#[derive(Clone)]
pub struct TestbedConfig {
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// `sqlite://path` or `postgres://…`; without it, a SQLite file in a temporary folder that goes
    /// with the testbed.
    pub database_url: Option<String>,
    /// The cache of the cached variant.
    pub cache: CacheChoice,
    /// The server of [`CacheChoice::Redis`] and [`CacheChoice::Tiered`]; ignored by the other choices.
    pub redis_url: Option<String>,
    /// Where tasks wait: `redis://…` for workers of this service, `celery+redis://…` for a Celery
    /// worker; without it, in the process.
    pub tasks_url: Option<String>,
    /// The Redis database in which a Celery worker leaves the results of tasks; without it, that of the
    /// tasks. Ignored with other workers.
    pub task_results_url: Option<String>,
    /// The Redis database of sessions, which must hold nothing else; without it, in the process.
    pub sessions_url: Option<String>,
    /// The folder of [`CacheChoice::Sqlite`] and [`CacheChoice::File`]; without it, a temporary one that
    /// goes with the testbed. Ignored by the other choices.
    pub cache_path: Option<PathBuf>,
    /// How much data is loaded.
    pub seed_size: SeedSize,
    /// Whether queries have the indexes that the systems' documents recommend.
    pub indexes: Indexes,
    /// The bearer token of administrative endpoints; without it they are closed.
    pub admin_token: Option<String>,
    /// The secret of signed tokens (JWT, HS256), whose permissions administrative endpoints honour.
    pub jwt_secret: Option<String>,
    /// Requests that the whole service answers in a minute; without it, no limit, so that a load
    /// test measures the service and not the limit.
    pub rate_limit: Option<NonZeroU32>,
    /// How answers are compressed, for the systems that do.
    pub compression: Compression,
    /// The network before the assets.
    pub cdn: CdnConfig,
    /// From when on a request is slow: told in the log, and counted.
    pub slow_after: Duration,
    /// Whether the critical answers are in the cache before the testbed serves.
    pub warm: bool,
    /// Whether PostgreSQL tells of writes by others, so that cached answers go with them.
    pub listen_writes: bool,
    /// What the sample of the live miss-ratio curve may cost; without it, there is no curve.
    pub curve: Option<SamplerConfig>,
}

impl Default for TestbedConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)),
            database_url: None,
            cache: CacheChoice::Memory,
            redis_url: None,
            tasks_url: None,
            task_results_url: None,
            sessions_url: None,
            cache_path: None,
            seed_size: SeedSize::Medium,
            indexes: Indexes::Present,
            admin_token: None,
            jwt_secret: None,
            rate_limit: None,
            compression: Compression::default(),
            cdn: CdnConfig::default(),
            slow_after: SLOW_AFTER,
            warm: false,
            listen_writes: false,
            curve: Some(SamplerConfig::default()),
        }
    }
}

impl fmt::Debug for TestbedConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestbedConfig")
            .field("listen", &self.listen)
            .field("database_url", &self.database_url.as_deref().map(redact::url))
            .field("cache", &self.cache)
            .field("redis_url", &self.redis_url.as_deref().map(redact::url))
            .field("tasks_url", &self.tasks_url.as_deref().map(redact::url))
            .field("task_results_url", &self.task_results_url.as_deref().map(redact::url))
            .field("sessions_url", &self.sessions_url.as_deref().map(redact::url))
            .field("cache_path", &self.cache_path)
            .field("seed_size", &self.seed_size)
            .field("indexes", &self.indexes)
            .field("admin_token", &self.admin_token.as_ref().map(|_| redact::MASK))
            .field("jwt_secret", &self.jwt_secret.as_ref().map(|_| redact::MASK))
            .field("rate_limit", &self.rate_limit)
            .field("compression", &self.compression)
            .field("cdn", &self.cdn)
            .field("slow_after", &self.slow_after)
            .field("warm", &self.warm)
            .field("listen_writes", &self.listen_writes)
            .field("curve", &self.curve)
            .finish()
    }
}

impl TestbedConfig {
    /// Checks everything that can be checked without opening anything.
    ///
    /// # Errors
    /// All mistakes together, each naming its setting and what to write instead.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let mistakes = [
            self.database_mistake(),
            self.listen_mistake(),
            self.redis_mistake(),
            self.tasks_mistake(),
            self.results_mistake(),
            sessions::mistake(self),
            self.token_mistake(),
            compression::mistake(self.compression),
            permits::mistake(self),
        ];
        let mistakes: Vec<String> = mistakes.into_iter().flatten().collect();
        if mistakes.is_empty() { Ok(()) } else { Err(ConfigError { mistakes }) }
    }

    fn database_mistake(&self) -> Option<String> {
        let text = self.database_url.as_deref()?;
        let shown = redact::url(text);
        if text.starts_with("sqlite:") {
            let in_memory = text.contains(":memory:") || text.contains("mode=memory");
            let no_path = text.trim_start_matches("sqlite:").trim_start_matches("//").is_empty();
            return (in_memory || no_path).then(|| {
                format!("database URL '{shown}': the connections must share one file; write sqlite://path/to/file.db")
            });
        }
        match Url::parse(text) {
            Ok(url) if matches!(url.scheme(), "postgres" | "postgresql") && url.has_host() => None,
            _ => Some(format!(
                "database URL '{shown}': write sqlite://path/to/file.db or postgres://user@host:5432/name"
            )),
        }
    }

    fn listen_mistake(&self) -> Option<String> {
        let is_sqlite = self.database_url.as_deref().is_none_or(|url| url.starts_with("sqlite:"));
        (self.listen_writes && is_sqlite).then(|| {
            "--listen-writes needs PostgreSQL, since SQLite tells nobody of writes: give --database-url postgres://…"
                .to_owned()
        })
    }

    fn redis_mistake(&self) -> Option<String> {
        if !self.cache.needs_redis() {
            return None;
        }
        let Some(text) = self.redis_url.as_deref() else {
            let cache = self.cache;
            return Some(format!("cache '{cache}' needs a Redis URL, such as redis://127.0.0.1:6379/0"));
        };
        match Url::parse(text) {
            // With several hosts it is no URL by the book: the cache itself reads it.
            _ if is_of_several(text) => None,
            Ok(url) if url.scheme() == "redis" && url.has_host() => None,
            _ => Some(format!(
                "Redis URL '{}': write redis://host:6379/0, redis+sentinel://host:26379/master-name or \
                 redis+cluster://host:6379,host:6379",
                redact::url(text)
            )),
        }
    }

    fn tasks_mistake(&self) -> Option<String> {
        let text = self.tasks_url.as_deref()?;
        match Url::parse(text.strip_prefix(CELERY).unwrap_or(text)) {
            Ok(url) if url.scheme() == "redis" && url.has_host() => None,
            _ => Some(format!(
                "tasks URL '{}': write redis://host:6379/2, or celery+redis://host:6379/2 for a Celery worker",
                redact::url(text)
            )),
        }
    }

    fn results_mistake(&self) -> Option<String> {
        let text = self.task_results_url()?;
        match Url::parse(text) {
            Ok(url) if url.scheme() == "redis" && url.has_host() => None,
            _ => Some(format!("task results URL '{}': write redis://host:6379/3", redact::url(text))),
        }
    }

    /// Where results are read, if a Celery worker leaves them in a place of their own.
    pub(crate) fn task_results_url(&self) -> Option<&str> {
        let is_celery = self.tasks_url.as_deref().is_some_and(|url| url.starts_with(CELERY));
        self.task_results_url.as_deref().filter(|_| is_celery)
    }

    fn token_mistake(&self) -> Option<String> {
        let token = self.admin_token.as_deref()?;
        token
            .trim()
            .is_empty()
            .then(|| "the admin token is empty: leave it out, or give it a value".to_owned())
    }
}

/// Whether the URL names Sentinels or nodes of a Cluster, and not one server at a fixed place.
pub(crate) fn is_of_several(redis_url: &str) -> bool {
    ["redis+sentinel://", "redis+cluster://"].iter().any(|scheme| redis_url.starts_with(scheme))
}

/// Every mistake of a configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", mistakes.join("; "))]
pub struct ConfigError {
    /// One sentence for each.
    pub mistakes: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_configuration_is_valid() {
        assert_eq!(TestbedConfig::default().validate(), Ok(()));
    }

    #[test]
    fn all_mistakes_are_told_at_once_and_without_their_secrets() {
        let config = TestbedConfig {
            database_url: Some("mysql://app:s3cret@db/shop".to_owned()),
            cache: CacheChoice::Redis,
            redis_url: Some("http://:hunter2@cache".to_owned()),
            admin_token: Some(" ".to_owned()),
            ..TestbedConfig::default()
        };
        let error = config.validate().expect_err("three mistakes");
        assert_eq!(error.mistakes.len(), 3, "{error}");
        for shown in [error.to_string(), format!("{config:?}")] {
            assert!(!shown.contains("s3cret") && !shown.contains("hunter2"), "{shown}");
        }
    }

    #[test]
    fn the_place_of_results_is_judged_where_a_celery_worker_leaves_them() {
        for (tasks, results, is_good) in [
            ("celery+redis://h/2", "redis://h/3", true),
            ("celery+redis://h/2", "db+postgresql://app:s3cret@h/results", false),
            ("redis://h/2", "db+postgresql://app:s3cret@h/results", true),
        ] {
            let config = TestbedConfig {
                tasks_url: Some(tasks.to_owned()),
                task_results_url: Some(results.to_owned()),
                ..TestbedConfig::default()
            };
            let told = config.validate().err().map(|error| error.to_string()).unwrap_or_default();
            assert_eq!(told.contains("task results URL"), !is_good, "{tasks} {results}: {told}");
            assert!(!format!("{told}{config:?}").contains("s3cret"), "{told}");
        }
    }

    #[test]
    fn only_postgresql_can_tell_of_writes() {
        for (url, is_good) in [(None, false), (Some("sqlite://a.db"), false), (Some("postgres://db/a"), true)]
        {
            let database_url = url.map(str::to_owned);
            let config = TestbedConfig { database_url, listen_writes: true, ..TestbedConfig::default() };
            let told = config.validate().err().map(|error| error.to_string()).unwrap_or_default();
            assert_eq!(told.contains("--listen-writes needs PostgreSQL"), !is_good, "{url:?}: {told}");
        }
    }

    #[test]
    fn the_caches_on_a_redis_server_need_its_url() {
        for cache in [CacheChoice::Redis, CacheChoice::Tiered] {
            let error = TestbedConfig { cache, ..TestbedConfig::default() }.validate().expect_err("no URL");
            assert!(error.to_string().contains(&format!("cache '{cache}' needs a Redis URL")), "{error}");
            for (url, is_good) in [
                ("redis://cache:6379/0", true),
                ("redis+sentinel://a:26379,b:26379/main", true),
                ("redis+cluster://a:6379,b:6379?shards=32", true),
                ("redis+unknown://a:6379", false),
                ("cache:6379", false),
            ] {
                let config =
                    TestbedConfig { cache, redis_url: Some(url.to_owned()), ..TestbedConfig::default() };
                assert_eq!(config.validate().is_ok(), is_good, "{url}");
            }
        }
    }

    #[test]
    fn database_urls_are_judged_by_what_the_pool_can_share() {
        for (url, is_good) in [
            ("sqlite://shop.db", true),
            ("sqlite:shop.db", true),
            ("sqlite:///var/lib/shop.db?mode=rwc", true),
            ("postgres://app:pw@db:5432/shop", true),
            ("postgresql://db/shop", true),
            ("sqlite::memory:", false),
            ("sqlite://", false),
            ("sqlite://x?mode=memory", false),
            ("postgres:shop", false),
            ("shop.db", false),
        ] {
            let config = TestbedConfig { database_url: Some(url.to_owned()), ..TestbedConfig::default() };
            assert_eq!(config.validate().is_ok(), is_good, "{url}");
        }
    }
}
