//! What a module says of a JSON page: which value is which metric. Read whole, every mistake told.
//!
//! It is read when the configuration is checked, so that a scrape can only meet a page that differs
//! from what was expected, never a mapping that makes no sense.

use std::collections::{BTreeMap, HashSet};

use hitmark_schema::metrics::{self, Metric};

use super::path::Path;
use crate::options::{OptionReader, OptionValue, Options};

/// Most metrics of one mapping.
pub(super) const METRICS_MAX: usize = 200;
/// Most labels of one metric.
const LABELS_MAX: usize = 8;
/// Longest name of a metric or a label.
const NAME_LEN_MAX: usize = 128;
/// Prefixes of names that only this exporter itself writes.
const OURS: [&str; 3] = ["hitmark_", "process_", "http_json_"];

/// One metric and where its values stand.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Rule {
    pub(super) name: String,
    pub(super) help: String,
    pub(super) kind: &'static str,
    /// The elements, each of which gives a sample; without it the document gives one.
    pub(super) each: Option<Path>,
    pub(super) path: Path,
    pub(super) labels: Vec<(String, LabelSource)>,
    /// What texts mean.
    pub(super) values: BTreeMap<String, f64>,
    pub(super) scale: f64,
    /// Whether a missing value is worth counting.
    pub(super) presence: Presence,
}

/// Whether a page is expected to hold a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Presence {
    /// A page without it is not what was expected.
    Expected,
    /// Pages may leave it out.
    Optional,
}

/// Where a label's value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum LabelSource {
    /// The configuration.
    Fixed(String),
    /// The page.
    Page(Path),
    /// The name or the place of the element within its parent.
    Key,
}

/// Whose names a mapping may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    /// A person's: any name that the exporter does not write itself.
    Configuration,
    /// Ours: names of the registry.
    Shipped,
}

/// Reads the metrics of a mapping. Every mistake names its metric.
pub(super) fn rules(tables: &[Options], origin: Origin, mistakes: &mut Vec<String>) -> Vec<Rule> {
    if tables.len() > METRICS_MAX {
        mistakes.push(format!("metrics: {} are more than {METRICS_MAX}", tables.len()));
        return Vec::new();
    }
    let mut seen = HashSet::new();
    let mut rules = Vec::new();
    for (place, table) in tables.iter().enumerate() {
        let before = mistakes.len();
        let rule = rule(table, origin, place, mistakes);
        if mistakes.len() == before && !seen.insert(rule.name.clone()) {
            mistakes.push(format!("metrics[{place}]: {} is given twice", rule.name));
        }
        rules.push(rule);
    }
    rules
}

fn rule(table: &Options, origin: Origin, place: usize, mistakes: &mut Vec<String>) -> Rule {
    let mut reader = OptionReader::new(table);
    let name = reader.text("name");
    let kind = kind(&mut reader);
    name_mistakes(&name, kind, origin, &mut reader);
    let help = reader.text("help");
    let each = reader.text("each");
    let each = (!each.is_empty()).then(|| path_of("each", Path::parse_each(&each), &mut reader)).flatten();
    let path = reader.text("path");
    let path = path_of("path", Path::parse(&path), &mut reader);
    let labels = labels(&mut reader);
    let values = values(&mut reader);
    let scale = reader.number("scale", 1.0, -1e12..=1e12);
    let presence = if reader.flag("optional", false) { Presence::Optional } else { Presence::Expected };
    let paths = labels.iter().filter_map(|(_, source)| match source {
        LabelSource::Page(path) => Some(path.needs_element()),
        LabelSource::Key => Some(true),
        LabelSource::Fixed(_) => None,
    });
    let needs_element = paths.chain(path.as_ref().map(Path::needs_element)).any(|needs| needs);
    if needs_element && each.is_none() {
        reader.mistake("each: is missing, and @ stands for one of its elements");
    }
    let shown =
        if name.is_empty() { format!("metrics[{place}]") } else { format!("metrics[{place}] {name}") };
    mistakes.extend(reader.finish().into_iter().map(|text| format!("{shown}: {text}")));
    // A rule with mistakes is never used; the root stands in for its path.
    let path = path.unwrap_or_else(Path::root);
    let help = if help.is_empty() { format!("A value of the page, by the mapping of {name}.") } else { help };
    Rule { name, help, kind, each, path, labels, values, scale, presence }
}

fn kind(reader: &mut OptionReader<'_>) -> &'static str {
    match reader.text("type").as_str() {
        "" | "gauge" => "gauge",
        "counter" => "counter",
        _ => {
            reader.mistake("type: is neither gauge nor counter");
            "gauge"
        }
    }
}

fn name_mistakes(name: &str, kind: &str, origin: Origin, reader: &mut OptionReader<'_>) {
    if !is_name(name, true) {
        reader.mistake("name: is no metric name; write letters, digits and _");
        return;
    }
    if name.ends_with("_total") != (kind == "counter") {
        reader.mistake("name: a counter's name ends in _total and no other's does");
    }
    let registered = metrics::all().any(|metric: &Metric| metric.name == name);
    if origin == Origin::Configuration && (registered || OURS.iter().any(|prefix| name.starts_with(prefix))) {
        reader.mistake("name: the exporter itself writes this name; choose another");
    }
}

fn path_of(
    name: &str,
    path: Result<Path, super::path::NoPath>,
    reader: &mut OptionReader<'_>,
) -> Option<Path> {
    match path {
        Ok(path) => Some(path),
        Err(wrong) => {
            reader.mistake(format!("{name}: {wrong}"));
            None
        }
    }
}

fn labels(reader: &mut OptionReader<'_>) -> Vec<(String, LabelSource)> {
    let table = reader.table("labels");
    if table.len() > LABELS_MAX {
        reader.mistake(format!("labels: {} are more than {LABELS_MAX}", table.len()));
        return Vec::new();
    }
    let mut labels = Vec::new();
    for (name, value) in table {
        if !is_name(name, false) || name.starts_with("__") || ["le", "quantile", "target"].contains(&name) {
            reader.mistake(format!("labels: {name} is no label name that a mapping may give"));
            continue;
        }
        let OptionValue::Text(text) = value else {
            reader.mistake(format!("labels: {name} is no text"));
            continue;
        };
        let source = match text.as_str() {
            "@key" => Some(LabelSource::Key),
            path if path.starts_with(['$', '@']) => {
                path_of("labels", Path::parse(path), reader).map(LabelSource::Page)
            }
            fixed => Some(LabelSource::Fixed(fixed.to_owned())),
        };
        labels.extend(source.map(|source| (name.to_owned(), source)));
    }
    labels
}

fn values(reader: &mut OptionReader<'_>) -> BTreeMap<String, f64> {
    let mut values = BTreeMap::new();
    for (text, value) in reader.table("values") {
        match value {
            OptionValue::Number(number) if number.is_finite() => {
                values.insert(text.to_owned(), *number);
            }
            _ => reader.mistake(format!("values: {text} is no number")),
        }
    }
    values
}

fn is_name(name: &str, colon: bool) -> bool {
    let valid = |ch: char| ch.is_ascii_alphanumeric() || ch == '_' || (colon && ch == ':');
    !name.is_empty()
        && name.len() <= NAME_LEN_MAX
        && !name.starts_with(|ch: char| ch.is_ascii_digit())
        && name.chars().all(valid)
}
