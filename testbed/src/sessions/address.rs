//! The check of the session store's URL: that it is one, and that nothing else lies there.
//!
//! The seeds' documents put sessions into the database that another of them gives to the task broker,
//! and clear the cache by emptying its database: either way, people are logged out.

use hitmark_schema::redact;
use url::Url;

use crate::config::TestbedConfig;
use crate::tasks::CELERY;

/// What is wrong with the URL of sessions, if anything.
pub(crate) fn mistake(config: &TestbedConfig) -> Option<String> {
    let text = config.sessions_url.as_deref()?;
    let shown = redact::url(text);
    let Some(place) = Place::of(text) else {
        return Some(format!("sessions URL '{shown}': write redis://host:6379/1"));
    };
    let cache = config.redis_url.as_deref().filter(|_| config.cache.needs_redis());
    let tasks = config.tasks_url.as_deref().map(|url| url.strip_prefix(CELERY).unwrap_or(url));
    for (other, whose) in
        [(cache, "the cache"), (tasks, "the tasks"), (config.task_results_url(), "the results of tasks")]
    {
        if other.and_then(Place::of).is_some_and(|other| other == place) {
            return Some(format!(
                "sessions URL '{shown}': {whose} use this database too, and clearing it would log everybody out; \
                 give sessions a database of their own, such as redis://host:6379/1"
            ));
        }
    }
    None
}

/// A database of a server.
#[derive(Debug, PartialEq, Eq)]
struct Place {
    host: String,
    port: u16,
    db: u32,
}

impl Place {
    /// Where a plain Redis URL leads. Several hosts are no place: they cannot be compared.
    fn of(url: &str) -> Option<Self> {
        let url = Url::parse(url).ok().filter(|url| url.scheme() == "redis")?;
        let host = match url.host_str()? {
            "localhost" => "127.0.0.1",
            host => host,
        };
        let db = url.path().trim_matches('/');
        let db = if db.is_empty() { 0 } else { db.parse().ok()? };
        Some(Self { host: host.to_owned(), port: url.port().unwrap_or(6_379), db })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::choices::CacheChoice;

    fn told(sessions: &str, cache: &str, tasks: &str) -> String {
        let config = TestbedConfig {
            cache: CacheChoice::Redis,
            redis_url: Some(cache.to_owned()),
            tasks_url: Some(tasks.to_owned()),
            sessions_url: Some(sessions.to_owned()),
            ..TestbedConfig::default()
        };
        mistake(&config).unwrap_or_default()
    }

    #[test]
    fn sessions_share_a_database_with_neither_the_cache_nor_the_tasks() {
        let (cache, tasks) = ("redis://h:6379/0", "celery+redis://h/2");
        for (sessions, says) in [
            ("redis://h/1", ""),
            ("redis://other/0", ""),
            ("redis://:pw@h", "the cache use this database"),
            ("redis://h:6379/2", "the tasks use this database"),
            ("http://h/1", "write redis://"),
            ("redis://h/one", "write redis://"),
        ] {
            let told = told(sessions, cache, tasks);
            assert!(
                if says.is_empty() { told.is_empty() } else { told.contains(says) },
                "{sessions}: {told}"
            );
            assert!(!told.contains("pw@"), "{told}");
        }
        assert!(told("redis://localhost/0", "redis://127.0.0.1:6379", tasks).contains("the cache"));
    }
}
