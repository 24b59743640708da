//! What a database's URL says of TLS, which the libraries read only in part.
//!
//! It is apart from both clients: each has its own names, as its database's own programs have them.

use std::collections::BTreeMap;

/// Takes these parameters out of the query: the rest of the URL, and their values by name.
pub(crate) fn take(url: &str, names: &[&'static str]) -> (String, BTreeMap<&'static str, String>) {
    let Some((before, query)) = url.split_once('?') else { return (url.to_owned(), BTreeMap::new()) };
    let mut taken = BTreeMap::new();
    let mut rest = Vec::new();
    for pair in query.split('&') {
        let name = pair.split('=').next().unwrap_or_default();
        match names.iter().find(|known| **known == name) {
            // A plus sign is one here, and no space.
            Some(known) => {
                let pair = pair.replace('+', "%2B");
                let value = url::form_urlencoded::parse(pair.as_bytes()).next();
                taken.insert(*known, value.map(|(_, value)| value.into_owned()).unwrap_or_default());
            }
            None => rest.push(pair),
        }
    }
    let question = if rest.is_empty() { "" } else { "?" };
    (format!("{before}{question}{}", rest.join("&")), taken)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_named_parameters_are_taken_and_the_others_stay() {
        let (rest, taken) =
            take("postgres://h/d?sslmode=require&a=b&sslrootcert=%2Fa+b", &["sslmode", "sslrootcert"]);
        assert_eq!(rest, "postgres://h/d?a=b");
        assert_eq!((taken["sslmode"].as_str(), taken["sslrootcert"].as_str()), ("require", "/a+b"));
        assert_eq!(take("mysql://h?ssl-mode=x", &["ssl-mode"]).0, "mysql://h");
        assert_eq!(take("mysql://h", &["ssl-mode"]).0, "mysql://h");
    }
}
