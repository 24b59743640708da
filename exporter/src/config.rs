//! What the exporter needs to know, and every mistake in it at once.
//!
//! This is the second stage of options: `cli` and `config_file` hold what a person typed, this
//! holds what the program runs with. It opens no socket.

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::collectors::{Ask, KINDS, Kind, Labelled, Target};
use crate::options::Options;
use crate::overrides::Overrides;

/// How many targets one exporter may have: each adds its samples to every page.
pub const TARGETS_MAX: usize = 256;
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
    /// URLs of services' own Prometheus pages, whose `cache_*` families are passed on.
    pub services: Vec<String>,
    /// The deadline for one target in one scrape.
    pub timeout: Duration,
    /// Targets of every other kind, or with a module of their own.
    pub targets: Vec<TargetConfig>,
    /// Options by module and kind; the module `default` is for all who name none.
    pub modules: BTreeMap<String, BTreeMap<String, Options>>,
    /// What `/probe` and `/scrape` may ask beside the configured targets: URLs without credentials,
    /// in which `*` stands for any text.
    pub probe_allow: Vec<String>,
    /// A JSON map from target to password, as redis_exporter reads it.
    pub password_file: Option<PathBuf>,
    /// TLS and passwords of our own port, in exporter-toolkit's form.
    pub web_config: Option<PathBuf>,
    /// Whether `POST /-/reload` is obeyed.
    pub lifecycle: Lifecycle,
}

/// Whether requests may act on the exporter's own life.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Lifecycle {
    /// Only signals may.
    #[default]
    Signals,
    /// `POST /-/reload` too.
    Requests,
}

/// A target of any kind.
#[derive(Clone, PartialEq, Eq)]
pub struct TargetConfig {
    /// The kind's key, such as `redis` or `celery`.
    pub kind: String,
    /// The URL, perhaps with a password.
    pub url: String,
    /// The module whose options hold for it; empty is `default`.
    pub module: String,
    /// Where it was written, for mistakes: a flag or a key.
    pub place: String,
}

/// What a target is made from.
#[derive(Clone, PartialEq)]
pub(crate) struct Recipe {
    kind: String,
    url: String,
    options: Option<Options>,
    timeout: Duration,
    labelled: Labelled,
}

impl fmt::Debug for Recipe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, redacted(&self.url))
    }
}

impl fmt::Debug for TargetConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} ({})", self.kind, redacted(&self.url), self.module)
    }
}

impl Default for ExporterConfig {
    /// Listens on `127.0.0.1:9121`, redis_exporter's port, and waits 5 s; no targets.
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 9121)),
            redis: Vec::new(),
            services: Vec::new(),
            timeout: Duration::from_secs(5),
            targets: Vec::new(),
            modules: BTreeMap::new(),
            probe_allow: Vec::new(),
            password_file: None,
            web_config: None,
            lifecycle: Lifecycle::Signals,
        }
    }
}

impl fmt::Debug for ExporterConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |urls: &[String]| urls.iter().map(|url| redacted(url)).collect::<Vec<_>>();
        f.debug_struct("ExporterConfig")
            .field("listen", &self.listen)
            .field("redis", &shown(&self.redis))
            .field("services", &shown(&self.services))
            .field("timeout", &self.timeout)
            .field("targets", &self.targets)
            .field("modules", &self.modules.keys())
            .field("probe_allow", &self.probe_allow)
            .finish_non_exhaustive()
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
    pub(crate) fn build(&self) -> Result<Vec<(Recipe, Arc<Target>)>, ConfigError> {
        let all = self.all();
        let mut mistakes = self.limits(all.len());
        let mut targets = Vec::new();
        let mut seen = HashSet::new();
        for target in &all {
            let alone = all.iter().filter(|other| family(&other.kind) == family(&target.kind)).count() == 1;
            let labelled = if alone { Labelled::Bare } else { Labelled::ByTarget };
            match self.build_one(target, labelled, &Overrides::default()) {
                Ok(made) if seen.insert((target.kind.clone(), made.name().to_owned())) => {
                    let recipe = self.recipe(target, labelled, &Overrides::default());
                    targets.push((recipe, Arc::new(made)));
                }
                Ok(made) => {
                    mistakes.push(Mistake::new(&*target.place, format!("{} is given twice", made.name())));
                }
                Err(texts) => {
                    mistakes.extend(texts.into_iter().map(|text| Mistake::new(&*target.place, text)));
                }
            }
        }
        if mistakes.is_empty() { Ok(targets) } else { Err(ConfigError { mistakes }) }
    }

    /// Makes one target, configured or probed; or everything that is wrong with it.
    pub(crate) fn build_one(
        &self,
        target: &TargetConfig,
        labelled: Labelled,
        overrides: &Overrides,
    ) -> Result<Target, Vec<String>> {
        let Some(Kind { name, build, .. }) = KINDS.iter().find(|kind| kind.key == target.kind) else {
            let known: Vec<&str> = KINDS.iter().map(|kind| kind.key).collect();
            return Err(vec![format!(
                "this build has no collector for {} yet; it has {}",
                target.kind,
                known.join(", ")
            )]);
        };
        if target.url.len() > URL_LEN_MAX {
            return Err(vec![format!("the URL is longer than {URL_LEN_MAX} bytes")]);
        }
        let module = if target.module.is_empty() { "default" } else { &target.module };
        let nothing = Options::new();
        let options = match self.modules.get(module) {
            Some(kinds) => kinds.get(&target.kind).unwrap_or(&nothing),
            None if target.module.is_empty() => &nothing,
            None => return Err(vec![format!("there is no module {module}")]),
        };
        let with_overrides;
        let options = match overrides.is_empty() {
            true => options,
            false if target.kind.starts_with("redis") => {
                with_overrides = overrides.over(options);
                &with_overrides
            }
            false => return Err(vec!["keys and streams are asked of Redis targets only".to_owned()]),
        };
        let ask = Ask { url: &target.url, timeout: self.timeout, options, labelled };
        build(&ask).map(|collector| Target::new(name, collector))
    }

    /// What a target is made from: two that are equal are the same target.
    pub(crate) fn recipe(&self, target: &TargetConfig, labelled: Labelled, overrides: &Overrides) -> Recipe {
        let module = if target.module.is_empty() { "default" } else { &target.module };
        let options = self.modules.get(module).and_then(|kinds| kinds.get(&target.kind)).cloned();
        Recipe {
            kind: target.kind.clone(),
            url: target.url.clone(),
            options: match overrides.is_empty() {
                true => options,
                false => Some(overrides.over(&options.unwrap_or_default())),
            },
            timeout: self.timeout,
            labelled,
        }
    }

    /// Every configured target, those of the short lists first.
    pub(crate) fn all(&self) -> Vec<TargetConfig> {
        let short = |kind: &str, urls: &[String]| -> Vec<TargetConfig> {
            let target = |(index, url): (usize, &String)| TargetConfig {
                kind: kind_of(kind, url).to_owned(),
                url: url.clone(),
                module: String::new(),
                place: format!("{kind}[{index}]"),
            };
            urls.iter().enumerate().map(target).collect()
        };
        let mut all = short("redis", &self.redis);
        all.extend(short("http_stats", &self.services));
        all.extend(self.targets.iter().cloned());
        all
    }

    fn limits(&self, targets: usize) -> Vec<Mistake> {
        let mut mistakes = Vec::new();
        if targets == 0 && self.probe_allow.is_empty() {
            mistakes.push(Mistake::new(
                "redis",
                "nothing to ask: give a URL of redis, postgres, mysql, celery or http_stats",
            ));
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

/// The kind of a URL that stands among those of a kind: a cluster has a scheme of its own.
pub(crate) fn kind_of<'a>(kind: &'a str, url: &str) -> &'a str {
    let scheme = url.split("://").next().unwrap_or_default();
    if kind == "redis" && scheme.ends_with("+cluster") { "redis_cluster" } else { kind }
}

/// Kinds whose series have the same names, and so need the label `target` beside each other.
fn family(kind: &str) -> &str {
    kind.strip_suffix("_cluster").unwrap_or(kind)
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
