//! What `varnishstat -j` prints, as families. Pure and total.

use std::collections::BTreeMap;

use hitmark_schema::exposition::Family;
use hitmark_schema::metrics::VARNISH_BACKEND_UP;
use serde_json::{Map, Value};

use super::names::{self, Named};
use crate::collectors::Collected;
use crate::effectiveness::Reading;
use crate::failure::Failure;
use crate::text_format::{TextFamily, TextSample, escaped_help};

/// Most counters that are read; a server with hundreds of backends has some thousands.
const COUNTERS_MAX: usize = 20_000;

/// One counter as varnishstat tells it.
struct Counter<'a> {
    name: &'a str,
    ident: Option<&'a str>,
    value: u64,
    help: &'a str,
    is_counter: bool,
}

/// Labels, and the sample with the counter's own name.
type Samples<'a> = BTreeMap<Vec<(String, String)>, (&'a str, u64)>;

/// Turns the output into samples. A counter whose value is none is counted in
/// [`Collected::unreadable`].
///
/// # Errors
/// [`Failure::Answer`] if it is no such output, or holds too much to show as a whole.
pub fn parse(output: &str) -> Result<Collected, Failure> {
    let page = page(output)?;
    let all = counters(&page);
    if all.len() > COUNTERS_MAX {
        return Err(Failure::Answer(format!("{} counters are more than {COUNTERS_MAX}", all.len())));
    }
    let mut collected = Collected::default();
    let mut families: BTreeMap<String, (&str, bool, Samples<'_>)> = BTreeMap::new();
    for (name, value) in all {
        let Some(counter) = counter(name, value) else {
            collected.unreadable += 1;
            continue;
        };
        let Named { name, labels } = names::name(counter.name, counter.ident);
        let (_, counts, samples) =
            families.entry(name).or_insert_with(|| (counter.help, false, Samples::new()));
        *counts |= counter.is_counter;
        // A backend of two VCLs has one name: the newer VCL's counters stay.
        let there = samples.entry(labels).or_insert((counter.name, counter.value));
        if age(counter.name) >= age(there.0) {
            *there = (counter.name, counter.value);
        }
    }
    if !families.contains_key("varnish_main_uptime") && !families.contains_key("varnish_mgt_uptime") {
        return Err(Failure::Answer("varnishstat told not one counter of a running server".to_owned()));
    }
    if let Some((.., happy)) = families.get("varnish_backend_happy") {
        collected.families.push(backend_up(happy));
    }
    collected.relayed = families.into_iter().map(|(name, family)| text_family(name, family)).collect();
    Ok(collected)
}

/// Hits, misses and room, in the words that all tiers share.
pub(super) fn reading(output: &str) -> Option<Reading> {
    let page = page(output).ok()?;
    let all = counters(&page);
    let value = |name: &str| all.get(name)?.get("value")?.as_f64();
    // The store for short-lived objects has no limit of its own.
    let stores = |field: &str| -> f64 {
        let ours = |name: &str| {
            let is_store = name.starts_with("SMA.") || name.starts_with("SMF.");
            is_store && name.ends_with(field) && !name.contains(".Transient.")
        };
        all.iter().filter(|(name, _)| ours(name)).filter_map(|(_, value)| value.get("value")?.as_f64()).sum()
    };
    let (used, space) = (stores(".g_bytes"), stores(".g_space"));
    Some(Reading {
        hits: value("MAIN.cache_hit")?,
        misses: value("MAIN.cache_miss")?,
        evictions: value("MAIN.n_lru_nuked"),
        used: Some(used),
        limit: (space > 0.0).then_some(used + space),
        ..Reading::default()
    })
}

fn page(output: &str) -> Result<Map<String, Value>, Failure> {
    match serde_json::from_str(output) {
        Ok(Value::Object(page)) => Ok(page),
        _ => Err(Failure::Answer("varnishstat printed no JSON object".to_owned())),
    }
}

/// The counters: from version 6.5 on they stand apart from what is said of the page.
fn counters(page: &Map<String, Value>) -> &Map<String, Value> {
    page.get("counters").and_then(Value::as_object).unwrap_or(page)
}

fn counter<'a>(name: &'a str, value: &'a Value) -> Option<Counter<'a>> {
    let text = |key: &str| value.get(key).and_then(Value::as_str);
    Some(Counter {
        name,
        ident: text("ident"),
        value: value.get("value")?.as_u64()?,
        help: text("description").unwrap_or_default(),
        is_counter: matches!(text("flag"), Some("c" | "a")),
    })
}

/// Which of two VCLs is newer, by the time in the name that the reload gave it.
fn age(counter: &str) -> Option<&str> {
    counter.split('.').find(|part| part.starts_with("reload_"))
}

/// Up or down by the latest health probe, which is the lowest bit.
fn backend_up(happy: &Samples<'_>) -> Family {
    let mut family = Family::new(VARNISH_BACKEND_UP);
    for (labels, (_, bits)) in happy {
        let of = |name: &str| labels.iter().find(|(label, _)| label == name).map_or("", |(_, value)| value);
        family.push(&[("backend", of("backend")), ("server", of("server"))], (bits & 1) as f64);
    }
    family
}

/// A counter whose kept name lacks `_total` may not be declared one, so it is left untyped.
fn text_family(name: String, (help, counts, samples): (&str, bool, Samples<'_>)) -> TextFamily {
    let kind = match (counts, name.ends_with("_total")) {
        (true, true) => "counter",
        (false, false) => "gauge",
        _ => "untyped",
    };
    let samples = samples.into_iter().map(|(labels, (_, value))| TextSample {
        name: name.clone(),
        labels,
        value: value.to_string(),
    });
    TextFamily { samples: samples.collect(), help: escaped_help(help), kind: kind.to_owned(), name }
}
