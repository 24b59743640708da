//! What a request to `/scrape` may ask of a Redis target beside its page, as redis_exporter takes it:
//! `check-keys`, `check-single-keys`, `check-streams`, `check-single-streams`, `count-keys`.
//!
//! It is apart from `probe`, which decides whom a request may name. These options stand in for the
//! module's; each is a list `db0=key,key`, of the target's own database only, and all of them together
//! are bounded. Values of keys stay the module's decision. What cannot be done is refused, not ignored.

use std::collections::BTreeMap;

use crate::options::{OptionValue, Options};

/// Most keys, streams and patterns of one request.
const NAMES_MAX: usize = 100;
/// The longest of them.
const NAME_LEN_MAX: usize = 512;

/// A parameter, the option that it stands in for, and whether a pattern may stand in it.
const PARAMETERS: [(&str, &str, Patterns); 5] = [
    ("check-keys", "keys", Patterns::Taken),
    ("check-single-keys", "keys", Patterns::Refused),
    ("check-streams", "streams", Patterns::Refused),
    ("check-single-streams", "streams", Patterns::Refused),
    ("count-keys", "count_keys", Patterns::Taken),
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Patterns {
    Taken,
    Refused,
}

/// The options of one request: equal ones are the same target.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(crate) struct Overrides(BTreeMap<&'static str, Vec<String>>);

impl Overrides {
    /// Reads the parameters of a request; others than these belong to somebody else and are left alone.
    ///
    /// The error says what cannot be done and what to do instead.
    pub(crate) fn read(parameters: &[(String, String)], target: &str) -> Result<Self, String> {
        let (mut read, db) = (BTreeMap::<&'static str, Vec<String>>::new(), database(target));
        for (name, value) in parameters.iter().filter(|(_, value)| !value.is_empty()) {
            let Some((_, option, patterns)) = PARAMETERS.iter().find(|(known, ..)| known == name) else {
                refuse(name)?;
                continue;
            };
            let names = read.entry(*option).or_default();
            for part in value.split(',').map(str::trim).filter(|part| !part.is_empty()) {
                names.push(name_of(name, part, &db, *patterns)?);
            }
        }
        let count: usize = read.values().map(Vec::len).sum();
        match count {
            0..=NAMES_MAX => Ok(Self(read)),
            _ => Err(format!("asks for {count} keys and streams; at most {NAMES_MAX} in one request")),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The module's options with these in their place.
    pub(crate) fn over(&self, options: &Options) -> Options {
        let mut options = options.clone();
        let lists = self.0.iter();
        options.extend(lists.map(|(name, list)| ((*name).to_owned(), OptionValue::List(list.clone()))));
        options
    }
}

/// A parameter of redis_exporter, or one that looks like it, that is not taken.
fn refuse(name: &str) -> Result<(), String> {
    let is_theirs = ["check-", "count-", "tls-server-name", "tls_server_name"];
    if is_theirs.iter().any(|start| name.starts_with(start)) {
        let known: Vec<&str> = PARAMETERS.iter().map(|(name, ..)| *name).collect();
        let known = known.join(", ");
        return Err(format!(
            "{name} is no parameter here; known are {known}; write the rest into a module and ask with &module="
        ));
    }
    Ok(())
}

fn name_of(parameter: &str, part: &str, db: &str, patterns: Patterns) -> Result<String, String> {
    let (asked, name) = match part.split_once('=') {
        Some((asked, name)) => (asked.trim().trim_start_matches("db"), name.trim()),
        None => (db, part),
    };
    if asked != db {
        return Err(format!(
            "{parameter} asks for database {asked} and the target is database {db}: name it in the target, as \
             redis://host:port/{asked}"
        ));
    }
    // Names may be escaped once more, since a comma parts them.
    let name = url::form_urlencoded::parse(format!("x={}", name.replace('&', "%26")).as_bytes())
        .next()
        .map_or(String::new(), |(_, name)| name.into_owned());
    if name.is_empty() || name.len() > NAME_LEN_MAX || name.chars().any(char::is_control) {
        return Err(format!("{parameter} holds a name that is none; write 1 to {NAME_LEN_MAX} bytes"));
    }
    if patterns == Patterns::Refused && name.contains(['*', '?', '[']) {
        return Err(format!(
            "{parameter} takes names and no patterns; check-keys and count-keys take patterns"
        ));
    }
    Ok(name)
}

/// The database that the target's URL names.
fn database(target: &str) -> String {
    let path = url::Url::parse(target).map(|url| url.path().trim_matches('/').to_owned());
    path.ok().filter(|db| !db.is_empty() && db.parse::<u32>().is_ok()).unwrap_or_else(|| "0".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &str, target: &str) -> Result<Overrides, String> {
        let pairs = url::form_urlencoded::parse(query.as_bytes());
        let pairs: Vec<(String, String)> =
            pairs.map(|(name, value)| (name.into_owned(), value.into_owned())).collect();
        Overrides::read(&pairs, target)
    }

    #[test]
    fn parameters_become_options_of_the_target_s_database() {
        let query = "target=h&check-keys=db2%3Da*,b&check-single-keys=db2%3Dx%252Cy&count-keys=s:*&check-streams=&__x=1";
        let read = read(query, "redis://h:1/2").unwrap();
        let list = |names: &[&str]| OptionValue::List(names.iter().map(|name| (*name).to_owned()).collect());
        let module = Options::from([
            ("keys".to_owned(), list(&["old"])),
            ("ping".to_owned(), OptionValue::Flag(true)),
        ]);
        let options = read.over(&module);
        assert_eq!(options["keys"], list(&["a*", "b", "x,y"]));
        assert_eq!((&options["count_keys"], &options["ping"]), (&list(&["s:*"]), &OptionValue::Flag(true)));
        assert!(!options.contains_key("streams"));
        assert!(super::Overrides::default().is_empty());
    }

    #[test]
    fn what_cannot_be_done_is_refused_with_what_to_do() {
        for (query, words) in [
            ("check-keys=db3%3Da".to_owned(), "redis://host:port/3"),
            ("check-single-keys=a*".to_owned(), "no patterns"),
            ("check-streams=s*".to_owned(), "no patterns"),
            ("check-key-groups=x".to_owned(), "&module="),
            ("tls_server_name=x".to_owned(), "&module="),
            (format!("check-keys={}", ["k"; 101].join(",")), "101 keys"),
            (format!("count-keys={}", "k".repeat(513)), "512 bytes"),
        ] {
            let told = read(&query, "redis://h:1").unwrap_err();
            assert!(told.contains(words), "{query}: {told}");
        }
    }
}
