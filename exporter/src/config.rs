//! What the exporter needs to know, and every mistake in it at once.
//!
//! This is the second stage of options: `cli` and `config_file` hold what a person typed, this
//! holds what the program runs with. It opens no socket.

use std::collections::HashSet;
use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use crate::collectors::queues::QueueTarget;
use crate::collectors::{Collector, KINDS, Kind, Target};

/// How many targets one exporter may have: each adds its samples to every page.
pub const TARGETS_MAX: usize = 64;
/// How long a URL may be: it becomes a label value.
pub const URL_LEN_MAX: usize = 512;
/// The longest deadline of a scrape.
pub const TIMEOUT_MAX: Duration = Duration::from_secs(300);

/// What the exporter asks, where it listens, how long it waits.
#[derive(Clone)]
#[non_exhaustive]
pub struct ExporterConfig {
    /// Where the page is served; port 0 takes a free one.
    pub listen: SocketAddr,
    /// URLs of Redis or Valkey servers.
    pub redis: Vec<String>,
    /// Brokers whose queues are read.
    pub queues: Vec<QueueTarget>,
    /// URLs of services' own Prometheus pages, whose `cache_*` families are passed on.
    pub services: Vec<String>,
    /// The deadline for one target in one scrape.
    pub timeout: Duration,
}

impl Default for ExporterConfig {
    /// Listens on `127.0.0.1:9121`, redis_exporter's port, and waits 5 s; no targets.
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 9121)),
            redis: Vec::new(),
            queues: Vec::new(),
            services: Vec::new(),
            timeout: Duration::from_secs(5),
        }
    }
}

impl fmt::Debug for ExporterConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |urls: &[String]| urls.iter().map(|url| redacted(url)).collect::<Vec<_>>();
        f.debug_struct("ExporterConfig")
            .field("listen", &self.listen)
            .field("redis", &shown(&self.redis))
            .field("queues", &self.queues)
            .field("services", &shown(&self.services))
            .field("timeout", &self.timeout)
            .finish()
    }
}

impl ExporterConfig {
    /// Checks everything that can be checked without a network.
    ///
    /// # Errors
    /// [`ConfigError`] with every mistake.
    pub fn validate(&self) -> Result<(), ConfigError> {
        self.build().map(|_| ())
    }

    /// Makes the targets, or says everything that is wrong.
    pub(crate) fn build(&self) -> Result<Vec<Target>, ConfigError> {
        let mut mistakes = self.limits();
        let mut targets = Vec::new();
        for Kind { name, build } in KINDS {
            let (collectors, wrong) = build(self);
            mistakes.extend(wrong);
            mistakes.extend(twice(name, &collectors));
            targets.extend(collectors.into_iter().map(|collector| Target::new(name, collector)));
        }
        if mistakes.is_empty() { Ok(targets) } else { Err(ConfigError { mistakes }) }
    }

    fn limits(&self) -> Vec<Mistake> {
        let mut mistakes = Vec::new();
        let targets = self.redis.len() + self.queues.len() + self.services.len();
        if targets == 0 {
            mistakes.push(Mistake::new("redis", "nothing to ask: give a redis or an http_stats URL"));
        } else if targets > TARGETS_MAX {
            let text = format!("{targets} targets are more than {TARGETS_MAX}; start a second exporter");
            mistakes.push(Mistake::new("redis", text));
        }
        if self.timeout.is_zero() || self.timeout > TIMEOUT_MAX {
            let text = format!("{:?} is not between 1 ms and {} s", self.timeout, TIMEOUT_MAX.as_secs());
            mistakes.push(Mistake::new("timeout", text));
        }
        mistakes
    }
}

/// Two targets that show as one would write the same series twice, which makes a page invalid.
fn twice(kind: &str, collectors: &[Box<dyn Collector>]) -> Vec<Mistake> {
    let key = if kind == "service" { "http_stats" } else { kind };
    let mut seen = HashSet::new();
    collectors
        .iter()
        .filter(|collector| !seen.insert(collector.target().to_owned()))
        .map(|collector| Mistake::new(key, format!("{} is given twice", collector.target())))
        .collect()
}

/// The URL as it may be shown.
pub(crate) fn redacted(url: &str) -> String {
    let shown = hitmark_schema::redact::url(url);
    shown.chars().take(URL_LEN_MAX).collect()
}

/// One mistake: where, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// The key, flag or `file:line` at fault.
    pub place: String,
    /// What is wrong and what would be right.
    pub text: String,
}

impl Mistake {
    pub(crate) fn new(place: impl Into<String>, text: impl Into<String>) -> Self {
        Self { place: place.into(), text: text.into() }
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.text)
    }
}

/// Everything that is wrong with a configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    /// The mistakes, at least one.
    pub mistakes: Vec<Mistake>,
}

impl std::error::Error for ConfigError {}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let many = if self.mistakes.len() == 1 { "mistake" } else { "mistakes" };
        write!(f, "the configuration has {} {many}", self.mistakes.len())?;
        self.mistakes.iter().try_for_each(|mistake| write!(f, "\n  {mistake}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mistake_is_named_at_once_and_no_password_with_it() {
        let config = ExporterConfig {
            redis: vec![
                "redis://:hunter2@127.0.0.1:70000".to_owned(),
                "cache:hunter2@host:6379".to_owned(),
                "redis://a/0".to_owned(),
                "redis://a/0".to_owned(),
            ],
            services: vec!["https://127.0.0.1/metrics".to_owned(), "http://me:hunter2@h/metrics".to_owned()],
            timeout: Duration::ZERO,
            ..ExporterConfig::default()
        };
        let error = config.validate().unwrap_err();
        let text = error.to_string();
        assert_eq!(error.mistakes.len(), 6, "{text}");
        assert!(!text.contains("hunter2"), "{text}");
        assert!(!format!("{config:?}").contains("hunter2"), "{config:?}");
        for part in ["redis[0]", "redis[1]", "given twice", "http_stats[0]", "http_stats[1]", "timeout"] {
            assert!(text.contains(part), "{part} is missing in {text}");
        }
    }

    #[test]
    fn an_exporter_with_nothing_to_ask_is_a_mistake() {
        let error = ExporterConfig::default().validate().unwrap_err();
        assert!(error.to_string().contains("nothing to ask"), "{error}");
    }

    #[test]
    fn targets_that_differ_only_in_their_password_are_one_target() {
        let redis = vec!["redis://:a@h:1/0".to_owned(), "redis://:b@h:1/0".to_owned()];
        let error = ExporterConfig { redis, ..ExporterConfig::default() }.validate().unwrap_err();
        assert!(error.to_string().contains("given twice"), "{error}");
    }
}
