//! What is sent and what must come back: requests, journeys of several, checks, extractions.

use toml::de::DeValue;

use super::bounds;
use super::fields::{Fields, Notes};
use super::sides::headers;
use super::texts::{self, Known};

/// One request of a journey.
#[derive(Debug, Clone, PartialEq)]
pub struct StepPlan {
    /// What messages call it.
    pub name: String,
    /// The request method.
    pub method: String,
    /// The path, with `{key}`, columns of the data file and extracted values in braces.
    pub path: String,
    /// The request body.
    pub body: Option<StepBody>,
    /// Headers of this request, on top of the experiment's.
    pub headers: Vec<(String, String)>,
    /// What the answer must be like.
    pub expect: Expect,
    /// What is taken from the answer for later requests: a name, and where its value stands.
    pub extract: Vec<(String, Source)>,
}

/// The body of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StepBody {
    /// As it is written.
    Text(String),
    /// A JSON document, in which values are escaped as JSON asks.
    Json(String),
}

/// Requests that a user sends one after the other.
#[derive(Debug, Clone, PartialEq)]
pub struct JourneyPlan {
    /// What messages call it.
    pub name: String,
    /// How often it is chosen, in proportion to the others' weights.
    pub weight: u32,
    /// The requests; at least one.
    pub steps: Vec<StepPlan>,
}

/// What an answer must be like.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Expect {
    /// Statuses that are right.
    pub statuses: Vec<u16>,
    /// Headers that must be there; with a text, it must stand in the value.
    pub headers: Vec<(String, String)>,
    /// Texts that must stand in the body.
    pub contains: Vec<String>,
    /// Texts that must not.
    pub lacks: Vec<String>,
    /// JSON pointers and the values that must stand there.
    pub json: Vec<(String, serde_json::Value)>,
    /// Bytes of the body, at least.
    pub bytes_min: Option<u64>,
}

impl Expect {
    /// Whether every body has to be looked into.
    #[must_use]
    pub fn needs_body(&self) -> bool {
        !(self.contains.is_empty() && self.lacks.is_empty() && self.json.is_empty())
    }
}

/// Where a value stands in an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// At a JSON pointer (RFC 6901) of the body.
    Json(String),
    /// In a header.
    Header(String),
    /// In a cookie that is set.
    Cookie(String),
    /// Between two texts of the body.
    Between(String, String),
}

impl Source {
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let fault =
            || format!("'{text}' is none of json:/pointer, header:name, cookie:name, between:before|after");
        let (kind, rest) = text.split_once(':').ok_or_else(fault)?;
        match kind {
            "json" if rest.is_empty() || rest.starts_with('/') => Ok(Self::Json(rest.to_owned())),
            "header" if !rest.is_empty() => Ok(Self::Header(rest.to_ascii_lowercase())),
            "cookie" if !rest.is_empty() => Ok(Self::Cookie(rest.to_owned())),
            "between" => match rest.split_once('|') {
                Some((before, after)) if !before.is_empty() && !after.is_empty() => {
                    Ok(Self::Between(before.to_owned(), after.to_owned()))
                }
                _ => Err(fault()),
            },
            _ => Err(fault()),
        }
    }
}

/// The experiment's own request: the keys stand in the experiment itself.
pub(super) fn single(notes: &mut Notes<'_>, fields: &mut Fields<'_, '_>, known: &Known) -> Option<StepPlan> {
    let method = method(notes, fields);
    let path = path(notes, fields, known);
    let body = body(notes, fields, known);
    let expect = expect(notes, fields);
    let path = path?;
    Some(StepPlan {
        name: path.clone(),
        method: method?,
        path,
        body,
        headers: Vec::new(),
        expect,
        extract: Vec::new(),
    })
}

/// A list of requests under a key: `login`, or a journey's `step`.
pub(super) fn list(
    notes: &mut Notes<'_>,
    fields: &mut Fields<'_, '_>,
    key: &'static str,
    known: &mut Known,
) -> Vec<StepPlan> {
    let tables = fields.tables(notes, key);
    if tables.len() > bounds::STEPS_MAX {
        notes.add(fields.span(), format!("{} {key}: at most {} requests", fields.name(), bounds::STEPS_MAX));
    }
    tables.into_iter().filter_map(|table| step(notes, table, known)).collect()
}

pub(crate) fn step(notes: &mut Notes<'_>, mut fields: Fields<'_, '_>, known: &mut Known) -> Option<StepPlan> {
    let name = fields.string(notes, "name").map(|(name, _)| name);
    let step = single(notes, &mut fields, known);
    let headers = headers(notes, &mut fields, known);
    let at = fields.value("extract").map_or(0..0, toml::Spanned::span);
    let mut extract = Vec::new();
    for (name, text) in fields.string_map(notes, "extract") {
        match Source::parse(&text) {
            Ok(source) => {
                known.learn(&name);
                extract.push((name, source));
            }
            Err(fault) => notes.add(at.clone(), format!("{} extract: {fault}", fields.name())),
        }
    }
    fields.finish(notes);
    let step = step?;
    Some(StepPlan { name: name.unwrap_or_else(|| step.path.clone()), headers, extract, ..step })
}

/// `[[experiment.journey]]`.
pub(super) fn journeys(
    notes: &mut Notes<'_>,
    fields: &mut Fields<'_, '_>,
    known: &mut Known,
) -> Vec<JourneyPlan> {
    let mut journeys = Vec::new();
    for (place, mut table) in fields.tables(notes, "journey").into_iter().enumerate() {
        let name = table.string(notes, "name").map(|(name, _)| name);
        let weight = table.whole(notes, "weight", 1..=1_000_000).unwrap_or(1);
        let steps = list(notes, &mut table, "step", known);
        if steps.is_empty() {
            notes.add(table.span(), format!("{} needs [[experiment.journey.step]]", table.name()));
        }
        table.finish(notes);
        let name = name.unwrap_or_else(|| format!("journey {}", place + 1));
        journeys.push(JourneyPlan { name, weight: u32::try_from(weight).unwrap_or(u32::MAX), steps });
    }
    journeys
}

fn method(notes: &mut Notes<'_>, fields: &mut Fields<'_, '_>) -> Option<String> {
    const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
    let Some((method, at)) = fields.string(notes, "method") else { return Some("GET".to_owned()) };
    if METHODS.contains(&method.as_str()) {
        return Some(method);
    }
    notes.add(at, format!("{} method: must be one of {}, not '{method}'", fields.name(), METHODS.join(", ")));
    None
}

fn path(notes: &mut Notes<'_>, fields: &mut Fields<'_, '_>, known: &Known) -> Option<String> {
    let (path, at) = fields.required_string(notes, "path")?;
    let (sample, unknown) = texts::sample(&path, known);
    let fault = if !path.starts_with('/') {
        Some("must begin with '/'".to_owned())
    } else if unknown || sample.contains(['{', '}']) {
        Some(format!("knows only {} in braces", known.describe()))
    } else if sample.parse::<hyper::Uri>().is_err() || sample.contains('#') {
        Some("is not a path; percent-encode what does not belong into one".to_owned())
    } else {
        None
    };
    match fault {
        Some(fault) => {
            notes.add(at, format!("{} path: '{path}' {fault}", fields.name()));
            None
        }
        None => Some(path),
    }
}

fn body(notes: &mut Notes<'_>, fields: &mut Fields<'_, '_>, known: &Known) -> Option<StepBody> {
    let text = fields.string(notes, "body");
    let json = fields.value("json").map(|value| (json_of(value.get_ref()), value.span()));
    if let (Some(_), Some((_, at))) = (&text, &json) {
        notes.add(at.clone(), format!("{}: give 'body' or 'json', not both", fields.name()));
    }
    if let Some((json, _)) = json {
        // A number or a boolean in braces is written without its quotes: "{key}" alone is the number.
        let text = json.to_string();
        let bare = if known.has_numeric_key() { text.replace("\"{key}\"", "{key}") } else { text };
        return Some(StepBody::Json(bare));
    }
    text.map(|(text, _)| StepBody::Text(text))
}

/// A TOML value as JSON. Dates become strings.
fn json_of(value: &DeValue<'_>) -> serde_json::Value {
    use serde_json::Value;
    match value {
        DeValue::String(text) => Value::String(text.to_string()),
        DeValue::Boolean(boolean) => Value::Bool(*boolean),
        DeValue::Array(items) => items.iter().map(|item| json_of(item.get_ref())).collect(),
        DeValue::Table(table) => {
            table.iter().map(|(name, value)| (name.get_ref().to_string(), json_of(value.get_ref()))).collect()
        }
        DeValue::Integer(number) => {
            i64::from_str_radix(number.as_str(), number.radix()).map_or(Value::Null, Value::from)
        }
        DeValue::Float(number) => number.as_str().parse::<f64>().map_or(Value::Null, Value::from),
        DeValue::Datetime(time) => Value::String(time.to_string()),
    }
}

fn expect(notes: &mut Notes<'_>, fields: &mut Fields<'_, '_>) -> Expect {
    let outer = statuses(notes, fields, "expect_status");
    let Some(mut table) = fields.table(notes, "expect") else {
        return Expect { statuses: outer.unwrap_or_else(|| vec![200]), ..Expect::default() };
    };
    let inner = statuses(notes, &mut table, "status");
    let at = table.value("json").map_or(0..0, toml::Spanned::span);
    let mut json = Vec::new();
    if let Some(value) = table.value("json") {
        match json_of(value.get_ref()) {
            serde_json::Value::Object(map) => json.extend(map),
            _ => notes
                .add(at.clone(), format!("{} json: must be a table of pointers and values", table.name())),
        }
    }
    for (pointer, _) in json.iter().filter(|(pointer, _)| !pointer.is_empty() && !pointer.starts_with('/')) {
        notes.add(
            at.clone(),
            format!("{} json: '{pointer}' is no JSON pointer: begin with '/'", table.name()),
        );
    }
    let expect = Expect {
        statuses: inner.or(outer).unwrap_or_else(|| vec![200]),
        headers: table
            .string_map(notes, "headers")
            .into_iter()
            .map(|(name, value)| (name.to_ascii_lowercase(), value))
            .collect(),
        contains: table.string_or_strings(notes, "body_contains"),
        lacks: table.string_or_strings(notes, "body_lacks"),
        json,
        bytes_min: table.whole(notes, "bytes_min", 1..=u64::MAX),
    };
    table.finish(notes);
    expect
}

fn statuses(notes: &mut Notes<'_>, fields: &mut Fields<'_, '_>, key: &'static str) -> Option<Vec<u16>> {
    let (statuses, at) = fields.integers(notes, key)?;
    let mut checked = Vec::new();
    for status in &statuses {
        match u16::try_from(*status) {
            Ok(status) if (100..600).contains(&status) => checked.push(status),
            _ => notes.add(at.clone(), format!("{} {key}: {status} is not an HTTP status", fields.name())),
        }
    }
    if statuses.is_empty() {
        notes.add(at, format!("{} {key}: name at least one status", fields.name()));
    }
    Some(checked)
}
