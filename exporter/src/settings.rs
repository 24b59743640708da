//! What a person typed, and where: flags, environment and file, before they become a configuration.
//!
//! It is separate from `config` so that a mistake names the flag or the line of the file at fault,
//! and all mistakes of all sources come at once.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::time::Duration;

use crate::config::{ConfigError, ExporterConfig, Mistake, TargetConfig};
use crate::options::Options;

/// The server that is asked if nothing else is: redis_exporter's default too.
const REDIS_DEFAULT: &str = "redis://127.0.0.1:6379";

/// The kinds of target that have a flag of their own and no field: a kind becomes known here when it
/// is planned, and usable when its collector is in the list.
pub(crate) const OTHER_KINDS: &[&str] =
    &["celery", "postgres", "mysql", "memcached", "rabbitmq", "rq", "sidekiq", "bullmq", "apalis", "stream"];

/// A text and where it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Given {
    pub(crate) text: String,
    /// A flag, a variable or `file:line`.
    pub(crate) place: String,
}

/// Everything that one source says. What it does not say is `None`.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Settings {
    pub(crate) listen: Option<Given>,
    pub(crate) redis: Option<Vec<Given>>,
    pub(crate) http_stats: Option<Vec<Given>>,
    pub(crate) timeout: Option<Given>,
    /// URLs by kind, for kinds of [`OTHER_KINDS`].
    pub(crate) others: BTreeMap<&'static str, Vec<Given>>,
    pub(crate) targets: Vec<TargetConfig>,
    pub(crate) modules: BTreeMap<String, BTreeMap<String, Options>>,
    pub(crate) probe_allow: Option<Vec<Given>>,
    pub(crate) password_file: Option<Given>,
    pub(crate) web_config: Option<Given>,
}

impl Given {
    pub(crate) fn new(text: impl Into<String>, place: impl Into<String>) -> Self {
        Self { text: text.into(), place: place.into() }
    }

    fn mistake(&self, wanted: &str) -> Mistake {
        Mistake::new(&*self.place, format!("{:?} {wanted}", self.text))
    }
}

impl Settings {
    /// These settings, and what only `lower` says.
    pub(crate) fn over(self, lower: Self) -> Self {
        let mut others = lower.others;
        others.extend(self.others);
        Self {
            others,
            targets: if self.targets.is_empty() { lower.targets } else { self.targets },
            modules: if self.modules.is_empty() { lower.modules } else { self.modules },
            probe_allow: self.probe_allow.or(lower.probe_allow),
            password_file: self.password_file.or(lower.password_file),
            web_config: self.web_config.or(lower.web_config),
            listen: self.listen.or(lower.listen),
            redis: self.redis.or(lower.redis),
            http_stats: self.http_stats.or(lower.http_stats),
            timeout: self.timeout.or(lower.timeout),
        }
    }

    /// The configuration, or every mistake, `earlier` ones first.
    pub(crate) fn resolve(self, earlier: Vec<Mistake>) -> Result<ExporterConfig, ConfigError> {
        let mut mistakes = earlier;
        let mut config = ExporterConfig::default();
        let mut places = HashMap::new();
        if let Some(given) = &self.listen {
            match given.text.parse::<SocketAddr>() {
                Ok(listen) => config.listen = listen,
                Err(_) => mistakes.push(given.mistake("is no address; write IP:PORT, as in 127.0.0.1:9121")),
            }
        }
        if let Some(given) = &self.timeout {
            places.insert("timeout".to_owned(), given.place.clone());
            match duration(&given.text) {
                Some(timeout) => config.timeout = timeout,
                None => mistakes.push(given.mistake("is no duration; write 5s or 500ms")),
            }
        }
        if let Some(given) = &self.web_config {
            mistakes.push(given.mistake("is not read: TLS and passwords on our own port are not built yet"));
        }
        let asks_nothing = self.redis.is_none()
            && self.http_stats.is_none()
            && self.others.is_empty()
            && self.targets.is_empty()
            && self.probe_allow.is_none();
        let default = asks_nothing.then(|| vec![Given::new(REDIS_DEFAULT, "the default")]);
        config.redis = texts("redis", self.redis.or(default), &mut places);
        config.services = texts("http_stats", self.http_stats, &mut places);
        config.targets = self.targets;
        for (kind, given) in self.others {
            config.targets.extend(given.into_iter().map(|given| TargetConfig {
                kind: kind.to_owned(),
                url: given.text,
                module: String::new(),
                place: given.place,
            }));
        }
        config.modules = self.modules;
        config.probe_allow = texts("probe_allow", self.probe_allow, &mut places);
        config.password_file = self.password_file.map(|given| given.text.into());
        if let Err(error) = config.validate() {
            mistakes.extend(error.mistakes.into_iter().map(|mut mistake| {
                if let Some(place) = places.get(&mistake.place) {
                    mistake.place.clone_from(place);
                }
                mistake
            }));
        }
        if mistakes.is_empty() { Ok(config) } else { Err(ConfigError { mistakes }) }
    }
}

fn texts(key: &str, given: Option<Vec<Given>>, places: &mut HashMap<String, String>) -> Vec<String> {
    let given = given.unwrap_or_default();
    for (index, Given { place, .. }) in given.iter().enumerate() {
        places.entry(key.to_owned()).or_insert_with(|| place.clone());
        places.insert(format!("{key}[{index}]"), place.clone());
    }
    given.into_iter().map(|given| given.text).collect()
}

/// Reads `5s`, `500ms`, `1m` or a bare number of seconds.
fn duration(text: &str) -> Option<Duration> {
    let end = text.find(|ch: char| ch.is_ascii_alphabetic()).unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let scale = match unit {
        "ms" => 1e-3,
        "s" | "" => 1.0,
        "m" => 60.0,
        _ => return None,
    };
    Duration::try_from_secs_f64(number.trim().parse::<f64>().ok()? * scale).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_carry_their_unit() {
        for (text, millis) in [
            ("5s", Some(5_000)),
            ("500ms", Some(500)),
            ("1m", Some(60_000)),
            ("2", Some(2_000)),
            ("0.5", Some(500)),
        ] {
            assert_eq!(duration(text), millis.map(Duration::from_millis), "{text}");
        }
        for text in ["", "s", "soon", "5h", "-1s", "nan", "inf"] {
            assert_eq!(duration(text), None, "{text}");
        }
    }

    #[test]
    fn mistakes_of_all_sources_come_at_once_with_their_places() {
        let settings = Settings {
            listen: Some(Given::new(":9121", "--listen")),
            redis: Some(vec![Given::new("redis://ok", "e.toml:2"), Given::new("http://no:pw@h", "e.toml:3")]),
            timeout: Some(Given::new("0s", "e.toml:5")),
            ..Settings::default()
        };
        let error = settings.resolve(vec![Mistake::new("e.toml:1", "unknown key")]).unwrap_err();
        let places: Vec<&str> = error.mistakes.iter().map(|mistake| mistake.place.as_str()).collect();
        assert_eq!(places, ["e.toml:1", "--listen", "e.toml:5", "e.toml:3"]);
        assert!(!error.to_string().contains("pw"), "{error}");
    }

    #[test]
    fn a_flag_stands_over_a_file_and_nothing_means_the_local_server() {
        let flag =
            Settings { redis: Some(vec![Given::new("redis://flag", "--redis")]), ..Settings::default() };
        let file = Settings {
            redis: Some(vec![Given::new("redis://file", "f:1")]),
            timeout: Some(Given::new("1s", "f:2")),
            ..Settings::default()
        };
        let config = flag.over(file).resolve(Vec::new()).unwrap();
        assert_eq!((config.redis, config.timeout), (vec!["redis://flag".to_owned()], Duration::from_secs(1)));
        assert_eq!(Settings::default().resolve(Vec::new()).unwrap().redis, [REDIS_DEFAULT]);
        let services = Some(vec![Given::new("http://shop:1", "--http-stats")]);
        let only_services = Settings { http_stats: services, ..Settings::default() };
        assert!(only_services.resolve(Vec::new()).unwrap().redis.is_empty());
    }
}
