//! The two nested parts of the configuration file: `[[targets]]` and `[modules.NAME.KIND]`.
//!
//! They are apart from `config_file`, which reads what a flag could say too.

use std::collections::BTreeMap;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::config::{Mistake, TargetConfig};
use crate::options::{OptionValue, Options};

/// How deep tables may stand in tables.
const DEPTH_MAX: usize = 3;

type Value<'a> = Spanned<DeValue<'a>>;

/// Reads `[[targets]]`.
pub(crate) fn targets(
    value: &Value<'_>,
    place: &impl Fn(usize) -> String,
    mistakes: &mut Vec<Mistake>,
) -> Vec<TargetConfig> {
    let at = place(value.span().start);
    let DeValue::Array(items) = value.get_ref() else {
        mistakes.push(Mistake::new(at, "targets: write each as a table [[targets]]"));
        return Vec::new();
    };
    let mut targets = Vec::new();
    for item in items.iter() {
        let at = place(item.span().start);
        let DeValue::Table(table) = item.get_ref() else {
            mistakes.push(Mistake::new(at, "targets: write each as a table [[targets]]"));
            continue;
        };
        if let Some(target) = target(table, at, mistakes) {
            targets.push(target);
        }
    }
    targets
}

fn target(table: &DeTable<'_>, at: String, mistakes: &mut Vec<Mistake>) -> Option<TargetConfig> {
    let mut target =
        TargetConfig { kind: String::new(), url: String::new(), module: String::new(), place: at.clone() };
    let before = mistakes.len();
    for (key, value) in table {
        let slot = match key.get_ref().as_ref() {
            "kind" => &mut target.kind,
            "url" => &mut target.url,
            "module" => &mut target.module,
            name => {
                let text = format!("targets: {name}: unknown key; known are kind, url, module");
                mistakes.push(Mistake::new(&*at, text));
                continue;
            }
        };
        match value.get_ref() {
            DeValue::String(text) => text.as_ref().clone_into(slot),
            _ => mistakes.push(Mistake::new(&*at, format!("targets: {}: is no text", key.get_ref()))),
        }
    }
    if target.kind.is_empty() || target.url.is_empty() {
        mistakes.push(Mistake::new(at, "targets: kind and url are needed"));
    }
    (mistakes.len() == before).then_some(target)
}

/// Reads `[modules.NAME.KIND]`.
pub(crate) fn modules(
    value: &Value<'_>,
    place: &impl Fn(usize) -> String,
    mistakes: &mut Vec<Mistake>,
) -> BTreeMap<String, BTreeMap<String, Options>> {
    let mut modules = BTreeMap::new();
    for (name, kinds) in tables(value, place, mistakes) {
        let mut sections = BTreeMap::new();
        for (kind, options) in tables(kinds, place, mistakes) {
            sections.insert(kind, section(options, place, mistakes));
        }
        modules.insert(name, sections);
    }
    modules
}

fn tables<'a, 'b>(
    value: &'a Value<'b>,
    place: &impl Fn(usize) -> String,
    mistakes: &mut Vec<Mistake>,
) -> Vec<(String, &'a Value<'b>)> {
    match value.get_ref() {
        DeValue::Table(table) => {
            table.iter().map(|(key, value)| (key.get_ref().to_string(), value)).collect()
        }
        _ => {
            let text = "modules: write options in a table [modules.NAME.KIND]";
            mistakes.push(Mistake::new(place(value.span().start), text));
            Vec::new()
        }
    }
}

fn section(value: &Value<'_>, place: &impl Fn(usize) -> String, mistakes: &mut Vec<Mistake>) -> Options {
    let mut options = Options::new();
    for (name, value) in tables(value, place, mistakes) {
        match option(value.get_ref(), DEPTH_MAX) {
            Some(option) => drop(options.insert(name, option)),
            None => {
                let text =
                    format!("modules: {name}: is no flag, number, text, table or list of texts or tables");
                mistakes.push(Mistake::new(place(value.span().start), text));
            }
        }
    }
    options
}

/// One value; tables nest as deep as a list of metrics with their labels, and no deeper.
fn option(value: &DeValue<'_>, depth: usize) -> Option<OptionValue> {
    Some(match value {
        DeValue::Boolean(flag) => OptionValue::Flag(*flag),
        DeValue::Integer(number) => OptionValue::Number(number.to_string().parse().ok()?),
        DeValue::Float(number) => OptionValue::Number(number.to_string().parse().ok()?),
        DeValue::String(text) => OptionValue::Text(text.to_string()),
        DeValue::Table(table) => OptionValue::Table(nested(table, depth)?),
        DeValue::Array(items) if items.iter().any(|item| matches!(item.get_ref(), DeValue::Table(_))) => {
            let tables = items.iter().map(|item| match item.get_ref() {
                DeValue::Table(table) => nested(table, depth),
                _ => None,
            });
            OptionValue::Tables(tables.collect::<Option<_>>()?)
        }
        DeValue::Array(items) => {
            let texts = items.iter().map(|item| match item.get_ref() {
                DeValue::String(text) => Some(text.to_string()),
                _ => None,
            });
            OptionValue::List(texts.collect::<Option<_>>()?)
        }
        _ => return None,
    })
}

fn nested(table: &DeTable<'_>, depth: usize) -> Option<Options> {
    let depth = depth.checked_sub(1)?;
    table
        .iter()
        .map(|(name, value)| Some((name.get_ref().to_string(), option(value.get_ref(), depth)?)))
        .collect()
}

/// Reads the options of a text that we ship, such as a mapping: tables by name.
pub(crate) fn shipped(text: &str) -> Options {
    let table = DeTable::parse(text).map(Spanned::into_inner).unwrap_or_default();
    nested(&table, DEPTH_MAX + 1).unwrap_or_default()
}
