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
use crate::config::{ExporterConfig, TargetConfig};

/// Most targets whose connections are kept.
const KEPT_MAX: usize = 1_024;

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

/// URL without credentials, and module.
type Name = (String, String);

/// The targets that were asked, by URL and module.
#[derive(Debug)]
pub(crate) struct Probes {
    config: ExporterConfig,
    passwords: HashMap<String, String>,
    kept: Mutex<HashMap<Name, (Instant, Arc<Target>)>>,
}

impl Probes {
    /// Reads the password file, if there is one.
    ///
    /// # Errors
    /// What is wrong with the file, without its text.
    pub(crate) fn new(config: ExporterConfig) -> Result<Self, String> {
        let passwords = match &config.password_file {
            None => HashMap::new(),
            Some(path) => {
                let text =
                    std::fs::read_to_string(path).map_err(|error| format!("cannot be read: {error}"))?;
                let map: HashMap<String, String> = serde_json::from_str(&text)
                    .map_err(|_| "is no JSON map from target to password".to_owned())?;
                map.into_iter().map(|(target, password)| (bare(&target), password)).collect()
            }
        };
        Ok(Self { config, passwords, kept: Mutex::new(HashMap::new()) })
    }

    /// The target that a request names, if it may be asked.
    pub(crate) fn find(&self, target: &str, module: &str) -> Result<Arc<Target>, ProbeError> {
        if target.is_empty() {
            return Err(ProbeError::NoTarget);
        }
        let url = if target.contains("://") { target.to_owned() } else { format!("redis://{target}") };
        let key = bare(&url);
        let configured = self.config.all().into_iter().find(|known| bare(&known.url) == key);
        if configured.is_none() && !self.config.probe_allow.iter().any(|pattern| matches(pattern, &key)) {
            return Err(ProbeError::NotAllowed);
        }
        let name = (key.clone(), module.to_owned());
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((used, target)) = kept.get_mut(&name) {
            *used = Instant::now();
            return Ok(Arc::clone(target));
        }
        let asked = self.config_of(&url, &key, module, configured);
        let made = self.config.build_one(&asked, Labelled::Bare);
        let made = Arc::new(made.map_err(|texts| ProbeError::Wrong(texts.join("; ")))?);
        if kept.len() >= KEPT_MAX
            && let Some(oldest) = kept.iter().min_by_key(|(_, (used, _))| *used).map(|(name, _)| name.clone())
        {
            kept.remove(&oldest);
        }
        kept.insert(name, (Instant::now(), Arc::clone(&made)));
        Ok(made)
    }

    /// What to ask: credentials come from the configuration or the password file, never the request.
    fn config_of(
        &self,
        url: &str,
        key: &str,
        module: &str,
        configured: Option<TargetConfig>,
    ) -> TargetConfig {
        if let Some(mut target) = configured {
            if !module.is_empty() {
                module.clone_into(&mut target.module);
            }
            return target;
        }
        let kind = match url.split("://").next().unwrap_or_default() {
            "redis" | "rediss" | "valkey" | "valkeys" | "unix" | "redis+unix" => "redis",
            "postgres" | "postgresql" => "postgres",
            "mysql" | "mariadb" => "mysql",
            "http" => "http_stats",
            scheme => scheme,
        };
        let mut url = key.to_owned();
        if let Some(password) = self.passwords.get(key)
            && let Ok(mut parsed) = Url::parse(key)
            && parsed.set_password(Some(password)).is_ok()
        {
            url = parsed.into();
        }
        TargetConfig { kind: kind.to_owned(), url, module: module.to_owned(), place: "target".to_owned() }
    }
}

/// The URL without credentials, query and final slash: what is compared and shown.
fn bare(url: &str) -> String {
    let Ok(mut parsed) = Url::parse(url) else { return url.to_owned() };
    let _ = parsed.set_username("");
    let _ = parsed.set_password(None);
    parsed.set_query(None);
    parsed.set_fragment(None);
    parsed.as_str().trim_end_matches('/').to_owned()
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
    }

    #[test]
    fn a_target_outside_the_list_is_refused_and_one_inside_is_kept() {
        let config = ExporterConfig { probe_allow: vec!["redis://h*:1".to_owned()], ..Default::default() };
        let probes = Probes::new(config).unwrap();
        assert!(matches!(probes.find("redis://other:1", ""), Err(ProbeError::NotAllowed)));
        assert!(matches!(probes.find("", ""), Err(ProbeError::NoTarget)));
        assert!(matches!(probes.find("h1:1", "gone"), Err(ProbeError::Wrong(_))));
        let (one, two) = (probes.find("h1:1", "").unwrap(), probes.find("redis://x:y@h1:1", "").unwrap());
        assert!(Arc::ptr_eq(&one, &two));
    }
}
