//! The configuration file: TOML with the flags' names as keys.
//!
//! ```toml
//! listen = "127.0.0.1:9121"
//! redis = ["redis://cache-1:6379", "redis://cache-2:6379"]   # or one text
//! http_stats = ["http://shop:8080/metrics"]
//! timeout = "5s"
//! probe_allow = ["redis://cache-*:6379"]
//!
//! [modules.default.redis]                # options of a collector, for targets without a module
//! keys = ["jobs", "feed:1"]
//!
//! [[targets]]                            # a target with a module of its own
//! kind = "redis"
//! url = "redis://cache-3:6379"
//! module = "small"
//! ```
//!
//! Keys are read one by one instead of into a struct, since that would stop at the first mistake.
//! A syntax error is told without its line's text, which may hold a password.

use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::config::Mistake;
use crate::config_tables::{modules, targets};
use crate::settings::{Given, OTHER_KINDS, Settings};

/// The largest file that is read.
const FILE_LEN_MAX: u64 = 1 << 20;

/// Reads a file: what it says, and every mistake in its form.
pub(crate) fn read(path: &Path) -> (Settings, Vec<Mistake>) {
    let name = path.display().to_string();
    let failed = |text: String| (Settings::default(), vec![Mistake::new(&*name, text)]);
    match std::fs::metadata(path) {
        Ok(meta) if meta.len() > FILE_LEN_MAX => return failed("is larger than 1 MiB".to_owned()),
        Ok(_) => {}
        Err(error) => return failed(format!("cannot be read: {error}")),
    }
    match std::fs::read_to_string(path) {
        Ok(text) => parse(&name, &text),
        Err(error) => failed(format!("cannot be read: {error}")),
    }
}

/// What is said of a key that is none.
const KNOWN: &str = "unknown key; known are listen, timeout, redis, http_stats, celery, postgres, mysql, \
                     memcached, rabbitmq, rq, sidekiq, bullmq, apalis, stream, targets, modules, \
                     probe_allow, password_file, web_config";

/// What is said to who looks for queues at the top.
const QUEUES: &str = "write the broker's URL under celery, rq, sidekiq, bullmq, apalis, stream or rabbitmq, and \
                      the names in its module, as in [modules.default.celery] queues = [\"mail\"]";

/// Reads the text of a file called `name`.
fn parse(name: &str, text: &str) -> (Settings, Vec<Mistake>) {
    let place = |at: usize| {
        format!(
            "{name}:{}",
            1 + text.as_bytes()[..at.min(text.len())].iter().filter(|b| **b == b'\n').count()
        )
    };
    let (table, errors) = DeTable::parse_recoverable(text);
    let mut mistakes: Vec<Mistake> = errors
        .iter()
        .map(|error| Mistake::new(place(error.span().map_or(0, |span| span.start)), error.message()))
        .collect();
    let mut settings = Settings::default();
    // A table that was recovered after a syntax error would only add mistakes that are none.
    if !mistakes.is_empty() {
        return (settings, mistakes);
    }
    for (key, value) in table.get_ref() {
        let at = place(key.span().start);
        let name = key.get_ref().replace('-', "_");
        match name.as_str() {
            "targets" => {
                settings.targets = targets(value, &place, &mut mistakes);
                continue;
            }
            "modules" => {
                settings.modules = modules(value, &place, &mut mistakes);
                continue;
            }
            _ => {}
        }
        let value = strings(value, &place);
        if let Some(kind) = OTHER_KINDS.iter().find(|kind| **kind == name) {
            match value {
                Ok(given) => drop(settings.others.insert(kind, given)),
                Err(text) => mistakes.push(Mistake::new(at, format!("{name}: {text}"))),
            }
            continue;
        }
        let stored = match name.as_str() {
            "listen" => one(value).map(|given| settings.listen = Some(given)),
            "timeout" => one(value).map(|given| settings.timeout = Some(given)),
            "redis" => value.map(|given| settings.redis = Some(given)),
            "http_stats" => value.map(|given| settings.http_stats = Some(given)),
            "probe_allow" => value.map(|given| settings.probe_allow = Some(given)),
            "password_file" => one(value).map(|given| settings.password_file = Some(given)),
            "web_config" => one(value).map(|given| settings.web_config = Some(given)),
            "queues" => Err(QUEUES),
            _ => Err(KNOWN),
        };
        if let Err(text) = stored {
            mistakes.push(Mistake::new(at, format!("{}: {text}", key.get_ref())));
        }
    }
    (settings, mistakes)
}

/// A text, a number or a list of texts, each with its place.
fn strings(
    value: &Spanned<DeValue<'_>>,
    place: &impl Fn(usize) -> String,
) -> Result<Vec<Given>, &'static str> {
    let at = place(value.span().start);
    match value.get_ref() {
        DeValue::String(text) => Ok(vec![Given::new(text.as_ref(), at)]),
        DeValue::Integer(number) => Ok(vec![Given::new(number.to_string(), at)]),
        DeValue::Float(number) => Ok(vec![Given::new(number.to_string(), at)]),
        DeValue::Array(items) => {
            let each = items.iter().map(|item| match item.get_ref() {
                DeValue::String(text) => Ok(Given::new(text.as_ref(), place(item.span().start))),
                _ => Err("is a list of something else than texts"),
            });
            each.collect()
        }
        _ => Err("is neither a text nor a list of texts"),
    }
}

fn one(given: Result<Vec<Given>, &'static str>) -> Result<Given, &'static str> {
    <[Given; 1]>::try_from(given?).map(|[given]| given).map_err(|_| "takes one value, not a list")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_says_what_the_flags_say_and_remembers_its_lines() {
        let text = "# mine\nlisten = \"127.0.0.1:0\"\nredis = [\n  \"redis://a\",\n  \"redis://b\",\n]\n\
                    http-stats = \"http://s\"\ntimeout = 2\n";
        let (settings, mistakes) = parse("e.toml", text);
        assert_eq!(mistakes, []);
        assert_eq!(settings.listen, Some(Given::new("127.0.0.1:0", "e.toml:2")));
        let redis = vec![Given::new("redis://a", "e.toml:4"), Given::new("redis://b", "e.toml:5")];
        assert_eq!(settings.redis, Some(redis));
        assert_eq!(settings.http_stats, Some(vec![Given::new("http://s", "e.toml:7")]));
        assert_eq!(settings.timeout, Some(Given::new("2", "e.toml:8")));
    }

    #[test]
    fn every_mistake_of_form_is_told_with_its_line() {
        let (_, mistakes) =
            parse("e.toml", "port = 1\nlisten = [\"a\", \"b\"]\nredis = [1]\ntimeout = true\n");
        let mut places: Vec<&str> = mistakes.iter().map(|mistake| mistake.place.as_str()).collect();
        places.sort_unstable();
        assert_eq!(places, ["e.toml:1", "e.toml:2", "e.toml:3", "e.toml:4"]);
    }

    #[test]
    fn a_syntax_error_does_not_quote_its_line() {
        let (_, mistakes) = parse("e.toml", "listen = \"x\"\nredis = \"redis://:hunter2@h\n");
        assert_eq!(mistakes[0].place, "e.toml:2");
        assert!(!format!("{mistakes:?}").contains("hunter2"), "{mistakes:?}");
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let (_, mistakes) = read(Path::new("/nowhere/e.toml"));
        assert!(mistakes[0].to_string().starts_with("/nowhere/e.toml: cannot be read"), "{mistakes:?}");
    }
}
