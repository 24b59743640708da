//! The mappings that come with the exporter, for the pages that the reference systems agree on.
//!
//! They are written as a person would write them, and read by the same code.

use hitmark_schema::metrics::HTTP_JSON;
use url::Url;

use super::mapping::{Origin, Rule, rules};
use crate::config_tables;
use crate::options::{OptionReader, OptionValue};

const TEXT: &str = include_str!("shipped.toml");

/// The names, for mistakes.
pub(super) fn names() -> Vec<String> {
    config_tables::shipped(TEXT).into_keys().collect()
}

/// The rules of the mapping of that name.
pub(super) fn by_name(name: &str) -> Option<Vec<Rule>> {
    let all = config_tables::shipped(TEXT);
    let OptionValue::Table(mapping) = all.get(name)? else { return None };
    let mut reader = OptionReader::new(mapping);
    let mut rules = rules(reader.tables("metrics"), Origin::Shipped, &mut Vec::new());
    for rule in &mut rules {
        if let Some(metric) = HTTP_JSON.iter().find(|metric| metric.name == rule.name) {
            metric.help.clone_into(&mut rule.help);
        }
    }
    Some(rules)
}

/// The name of the mapping for a URL, by the end of its path.
pub(super) fn for_url(url: &Url) -> Option<String> {
    let all = config_tables::shipped(TEXT);
    let mut best: Option<(usize, &String)> = None;
    for (name, mapping) in &all {
        let OptionValue::Table(mapping) = mapping else { continue };
        for end in OptionReader::new(mapping).texts("paths") {
            // Of two ends that fit, the longer one says more.
            if url.path().ends_with(&end) && best.is_none_or(|(len, _)| end.len() > len) {
                best = Some((end.len(), name));
            }
        }
    }
    best.map(|(_, name)| name.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shipped_has_no_mistakes_and_is_in_the_registry() {
        let all = config_tables::shipped(TEXT);
        assert_eq!(all.len(), 5, "the text is TOML of a depth that is read");
        let mut written = Vec::new();
        for (name, mapping) in &all {
            let OptionValue::Table(mapping) = mapping else { panic!("{name} is no table") };
            let mut mistakes = Vec::new();
            let mut reader = OptionReader::new(mapping);
            reader.texts("paths");
            let rules = rules(reader.tables("metrics"), Origin::Shipped, &mut mistakes);
            assert_eq!((mistakes, reader.finish()), (vec![], vec![]), "{name}");
            assert!(!rules.is_empty());
            for rule in rules {
                let metric = HTTP_JSON.iter().find(|metric| metric.name == rule.name);
                let metric = metric.unwrap_or_else(|| panic!("{} is not in the registry", rule.name));
                let labels: Vec<&str> = rule.labels.iter().map(|(label, _)| label.as_str()).collect();
                assert_eq!((metric.kind.as_str(), metric.labels), (rule.kind, &*labels), "{}", rule.name);
                written.push(metric.name);
            }
        }
        for metric in HTTP_JSON.iter().filter(|metric| metric.name.starts_with("service_")) {
            assert!(written.contains(&metric.name), "no mapping gives {}", metric.name);
        }
    }

    #[test]
    fn a_url_chooses_by_the_longest_end_of_its_path() {
        for (url, name) in [
            ("http://h/api/v1/cache/stats", Some("cache_stats")),
            ("http://h/shop/api/cache/stats", Some("cache_stats_short")),
            ("http://h/api/cache/health?x=1", Some("cache_health")),
            ("http://h/api/tasks/status", Some("tasks_status")),
            ("http://h/api/cdn/status", Some("cdn_status")),
            ("http://h/api/else", None),
        ] {
            assert_eq!(for_url(&Url::parse(url).unwrap()).as_deref(), name, "{url}");
        }
    }
}
