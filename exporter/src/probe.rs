//! Targets that a request names: `/probe?target=&module=` and `/scrape?target=`.
//!
//! It decides what may be asked at all, so that a probe cannot be pointed anywhere, and keeps the
//! connection of each target between scrapes, within a bound. Patterns come from the operator;
//! the target comes from the request and is never trusted.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use url::Url;

use crate::collectors::{Labelled, Target};
use crate::config::{ExporterConfig, Recipe, TargetConfig};
use crate::overrides::Overrides;

/// Most targets whose connections are kept.
const KEPT_MAX: usize = 1_024;

/// Kinds whose targets are URLs of pages.
const WEB_KINDS: &[&str] = &["http_json", "edge", "nginx"];

/// Why a target is not asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProbeError {
    #[error("no target; write ?target=redis://host:port")]
    NoTarget,
    #[error("this target is not allowed; the operator allows targets with probe_allow")]
    NotAllowed,
    #[error("{0}")]
    Wrong(String),
}

/// URL without credentials, module, and what the request asks beside.
type Name = (String, String, Overrides);

/// A target that was asked, and when last.
#[derive(Debug, Clone)]
struct Kept {
    used: Instant,
    recipe: Recipe,
    target: Arc<Target>,
}

/// The targets that were asked, by URL and module.
#[derive(Debug)]
pub(crate) struct Probes {
    config: ExporterConfig,
    /// User and password by URL without credentials.
    passwords: HashMap<String, (String, String)>,
    kept: Mutex<HashMap<Name, Kept>>,
}

impl Probes {
    /// Reads the password file, if there is one, and takes over what `old` keeps and would be made
    /// the same way now.
    ///
    /// # Errors
    /// What is wrong with the file, without its text.
    pub(crate) fn new(config: ExporterConfig, old: Option<&Self>) -> Result<Self, String> {
        let passwords = match &config.password_file {
            None => HashMap::new(),
            Some(path) => {
                let text =
                    std::fs::read_to_string(path).map_err(|error| format!("cannot be read: {error}"))?;
                let map: HashMap<String, String> = serde_json::from_str(&text)
                    .map_err(|_| "is no JSON map from target to password".to_owned())?;
                map.into_iter()
                    .map(|(target, password)| (bare(&target), (user_of(&target), password)))
                    .collect()
            }
        };
        let probes = Self { config, passwords, kept: Mutex::default() };
        if let Some(old) = old {
            let old = old.kept.lock().unwrap_or_else(PoisonError::into_inner).clone();
            let same = |((key, module, overrides), kept): &(Name, Kept)| {
                let asked = probes.asked(key, module);
                asked.is_ok_and(|asked| probes.recipe(&asked, overrides) == kept.recipe)
            };
            *probes.kept.lock().unwrap_or_else(PoisonError::into_inner) =
                old.into_iter().filter(same).collect();
        }
        Ok(probes)
    }

    /// The target that a request names, if it may be asked.
    ///
    /// `parameters` are all of the request's: those that `overrides` knows count.
    pub(crate) fn find(
        &self,
        target: &str,
        module: &str,
        parameters: &[(String, String)],
    ) -> Result<Arc<Target>, ProbeError> {
        if target.is_empty() {
            return Err(ProbeError::NoTarget);
        }
        let url = if target.contains("://") { target.to_owned() } else { format!("redis://{target}") };
        let key = bare(&url);
        let asked = self.asked(&key, module)?;
        let overrides = Overrides::read(parameters, &key).map_err(ProbeError::Wrong)?;
        let name = (key, module.to_owned(), overrides);
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = kept.get_mut(&name) {
            known.used = Instant::now();
            return Ok(Arc::clone(&known.target));
        }
        let made = self.config.build_one(&asked, Labelled::Bare, &name.2);
        let target = Arc::new(made.map_err(|texts| ProbeError::Wrong(texts.join("; ")))?);
        if kept.len() >= KEPT_MAX
            && let Some(oldest) = kept.iter().min_by_key(|(_, kept)| kept.used).map(|(name, _)| name.clone())
        {
            kept.remove(&oldest);
        }
        let recipe = self.recipe(&asked, &name.2);
        kept.insert(name, Kept { used: Instant::now(), recipe, target: Arc::clone(&target) });
        Ok(target)
    }

    fn recipe(&self, asked: &TargetConfig, overrides: &Overrides) -> Recipe {
        self.config.recipe(asked, Labelled::Bare, overrides)
    }

    /// What a request for this URL asks, if it may be asked.
    fn asked(&self, key: &str, module: &str) -> Result<TargetConfig, ProbeError> {
        let configured = self.config.all().into_iter().find(|known| bare(&known.url) == key);
        if configured.is_none() && !self.config.probe_allow.iter().any(|pattern| matches(pattern, key)) {
            return Err(ProbeError::NotAllowed);
        }
        Ok(self.config_of(key, module, configured))
    }

    /// What a web page is: the kind that the module has options for, else a service's own page.
    fn web_kind(&self, module: &str) -> &'static str {
        let kinds = self.config.modules.get(module);
        let has = |kind: &&&str| kinds.is_some_and(|kinds| kinds.contains_key(**kind));
        WEB_KINDS.iter().find(has).copied().unwrap_or("http_stats")
    }

    /// What to ask: credentials come from the configuration or the password file, never the request.
    fn config_of(&self, key: &str, module: &str, configured: Option<TargetConfig>) -> TargetConfig {
        if let Some(mut target) = configured {
            if !module.is_empty() {
                module.clone_into(&mut target.module);
            }
            return target;
        }
        let kind = match key.split("://").next().unwrap_or_default() {
            scheme if scheme.ends_with("+cluster") => "redis_cluster",
            scheme if scheme.ends_with("+sentinel") => "redis",
            "redis" | "rediss" | "valkey" | "valkeys" | "unix" | "redis+unix" => "redis",
            "postgres" | "postgresql" => "postgres",
            "http" | "https" => self.web_kind(module),
            "mysql" | "mariadb" => "mysql",
            scheme => scheme,
        };
        let url = match self.passwords.get(key) {
            Some((user, password)) => with_credentials(key, user, password),
            None => key.to_owned(),
        };
        TargetConfig { kind: kind.to_owned(), url, module: module.to_owned(), place: "target".to_owned() }
    }
}

/// The user that stands in a URL of the password file.
fn user_of(url: &str) -> String {
    Url::parse(&first_host(url).0).map(|url| url.username().to_owned()).unwrap_or_default()
}

fn with_credentials(url: &str, user: &str, password: &str) -> String {
    let (first, others) = first_host(url);
    let Ok(mut parsed) = Url::parse(&first) else { return url.to_owned() };
    match (parsed.set_username(user), parsed.set_password(Some(password))) {
        (Ok(()), Ok(())) => put_back(parsed.as_str(), others),
        _ => url.to_owned(),
    }
}

/// The URL without credentials, query and final slash: what is compared and shown.
fn bare(url: &str) -> String {
    let (first, others) = first_host(url);
    let Ok(mut parsed) = Url::parse(&first) else { return url.to_owned() };
    let _ = parsed.set_username("");
    let _ = parsed.set_password(None);
    parsed.set_query(None);
    parsed.set_fragment(None);
    put_back(parsed.as_str(), others).trim_end_matches('/').to_owned()
}

/// A URL of several hosts, of Sentinels or a cluster, with only the first, and the others.
fn first_host(url: &str) -> (String, &str) {
    let range = hosts_of(url);
    match url[range.clone()].split_once(',') {
        Some((first, others)) => {
            (format!("{}{}", &url[..range.start + first.len()], &url[range.end..]), others)
        }
        None => (url.to_owned(), ""),
    }
}

fn put_back(url: &str, others: &str) -> String {
    let end = hosts_of(url).end;
    if others.is_empty() { url.to_owned() } else { format!("{},{others}{}", &url[..end], &url[end..]) }
}

/// Where the hosts stand in a URL.
fn hosts_of(url: &str) -> std::ops::Range<usize> {
    let from = url.find("://").map_or(0, |at| at + 3);
    let end = url[from..].find(['/', '?', '#']).map_or(url.len(), |length| from + length);
    url[from..end].rfind('@').map_or(from, |at| from + at + 1)..end
}

/// `*` in the pattern stands for any text without `/`, `@` or whitespace, so that no host can be
/// smuggled into the place of a port or a database.
fn matches(pattern: &str, text: &str) -> bool {
    let Some((before, after)) = pattern.split_once('*') else { return pattern == text };
    let Some(rest) = text.strip_prefix(before) else { return false };
    let end = rest.find(|c: char| c == '/' || c == '@' || c.is_whitespace()).unwrap_or(rest.len());
    (0..=end).any(|skip| rest.is_char_boundary(skip) && matches(after, &rest[skip..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_a_part_of_a_host_and_never_for_another_host() {
        for (pattern, text, wanted) in [
            ("redis://cache-*:6379", "redis://cache-1:6379", true),
            ("redis://cache-*:6379", "redis://cache-1:6380", false),
            ("redis://cache-*:6379", "redis://evil:6379", false),
            ("redis://10.0.*.*:*", "redis://10.0.1.2:6379", true),
            ("redis://10.0.*.*:*", "redis://10.1.1.2:6379", false),
            ("redis://h:1", "redis://h:1", true),
            ("redis://h:*", "redis://h:1/2", false),
            ("redis://a*", "redis://a@evil", false),
        ] {
            assert_eq!(matches(pattern, text), wanted, "{pattern} {text}");
        }
    }

    #[test]
    fn credentials_and_queries_of_a_request_are_dropped() {
        assert_eq!(bare("redis://me:pw@h:6379/?a=b#c"), "redis://h:6379");
        assert_eq!(bare("redis://h:6379/2"), "redis://h:6379/2");
        assert_eq!(
            bare("redis+sentinel://me:pw@a:1,b:2/main?sentinel_password=x"),
            "redis+sentinel://a:1,b:2/main"
        );
        let with = with_credentials("redis+cluster://a:1,b:2", "me", "p@w");
        assert_eq!(with, "redis+cluster://me:p%40w@a:1,b:2");
        assert_eq!((bare(&with), user_of(&with)), ("redis+cluster://a:1,b:2".to_owned(), "me".to_owned()));
    }

    #[test]
    fn a_target_outside_the_list_is_refused_and_one_inside_is_kept() {
        let config = ExporterConfig { probe_allow: vec!["redis://h*:1".to_owned()], ..Default::default() };
        let probes = Probes::new(config, None).unwrap();
        assert!(matches!(probes.find("redis://other:1", "", &[]), Err(ProbeError::NotAllowed)));
        assert!(matches!(probes.find("", "", &[]), Err(ProbeError::NoTarget)));
        assert!(matches!(probes.find("h1:1", "gone", &[]), Err(ProbeError::Wrong(_))));
        let (one, two) =
            (probes.find("h1:1", "", &[]).unwrap(), probes.find("redis://x:y@h1:1", "", &[]).unwrap());
        assert!(Arc::ptr_eq(&one, &two));
    }
}
