//! Who asks, and what only they may be shown: axes, their combinations, and the look into an answer.

use hyper::header::ACCEPT_ENCODING;

use super::client::Reply;
use crate::plan::StepPlan;
use crate::plan::fields::{Fields, Notes};
use crate::plan::sides::headers;
use crate::plan::steps;
use crate::plan::texts::Known;

/// Combinations at most.
const CELLS_MAX: usize = 1_024;

/// One way in which clients differ: tenant, user, locale, encoding.
#[derive(Debug, Clone, PartialEq)]
pub struct Axis {
    /// Its name.
    pub name: String,
    /// Its values; at least two.
    pub values: Vec<AxisValue>,
}

/// One value of an axis.
#[derive(Debug, Clone, PartialEq)]
pub struct AxisValue {
    /// Its name.
    pub name: String,
    /// Headers of those who have it.
    pub headers: Vec<(String, String)>,
    /// Query parameters of those who have it.
    pub query: Vec<(String, String)>,
    /// A request that each of them sends once before the first probe; the cookies of its answer go with
    /// every probe.
    pub login: Option<StepPlan>,
    /// A text that stands in their answers and in nobody else's; `{key}` is the key.
    pub canary: Option<String>,
}

/// One combination: a place in each axis.
#[derive(Debug, Clone, PartialEq)]
pub struct Cell {
    values: Vec<AxisValue>,
}

/// What was found in an answer.
#[derive(Debug, Default, PartialEq)]
pub struct Findings {
    /// The axis of each canary out of place, and a sentence.
    pub leaks: Vec<(String, String)>,
    /// The canary of whoever asked is missing.
    pub is_missing: bool,
    /// The answer has an encoding that was not asked for: a sentence.
    pub wrong_encoding: Option<String>,
}

/// Reads `[[axis]]` with its list of `values`.
pub(crate) fn read_axes(notes: &mut Notes<'_>, fields: &mut Fields<'_, '_>, known: &mut Known) -> Vec<Axis> {
    let tables = fields.tables(notes, "axis");
    if tables.is_empty() {
        notes.add(fields.span(), format!("{} needs at least one 'axis' of those who ask", fields.name()));
    }
    let mut axes: Vec<Axis> = Vec::new();
    for mut table in tables {
        let name = table.required_string(notes, "name").map(|(name, _)| name).unwrap_or_default();
        let values: Vec<AxisValue> = table
            .tables(notes, "values")
            .into_iter()
            .filter_map(|value| read_value(notes, value, known))
            .collect();
        if values.len() < 2 {
            notes.add(table.span(), format!("{} needs two 'values' or more", table.name()));
        }
        if let Some((one, other)) = nested(&values) {
            let text =
                format!("canary '{one}' stands in canary '{other}': neither could be told from the other");
            notes.add(table.span(), format!("{}: {text}", table.name()));
        }
        table.finish(notes);
        axes.push(Axis { name, values });
    }
    let combinations = axes.iter().map(|axis| axis.values.len()).try_fold(1, usize::checked_mul);
    if combinations.is_none_or(|count| count > CELLS_MAX) {
        notes.add(fields.span(), format!("{}: at most {CELLS_MAX} combinations", fields.name()));
        return Vec::new();
    }
    axes
}

fn read_value(notes: &mut Notes<'_>, mut fields: Fields<'_, '_>, known: &mut Known) -> Option<AxisValue> {
    let name = fields.required_string(notes, "name");
    let headers = headers(notes, &mut fields, known);
    let query = fields.string_map(notes, "query");
    let login = fields.table(notes, "login").and_then(|table| steps::step(notes, table, known));
    let canary = fields.string(notes, "canary");
    if let Some((_, at)) = canary.as_ref().filter(|(canary, _)| canary.trim().is_empty()) {
        notes.add(at.clone(), format!("{} canary: must not be empty", fields.name()));
    }
    fields.finish(notes);
    Some(AxisValue { name: name?.0, headers, query, login, canary: canary.map(|(canary, _)| canary) })
}

/// Two canaries of which one stands in the other.
fn nested(values: &[AxisValue]) -> Option<(&str, &str)> {
    let canaries: Vec<&str> = values.iter().filter_map(|value| value.canary.as_deref()).collect();
    canaries.iter().enumerate().find_map(|(place, one)| {
        let other = canaries.iter().enumerate().find(|(at, other)| *at != place && other.contains(one))?;
        Some((*one, *other.1))
    })
}

/// Every combination of the axes' values.
#[must_use]
pub fn cells(axes: &[Axis]) -> Vec<Cell> {
    let mut cells = vec![Cell { values: Vec::new() }];
    for axis in axes {
        let with = |cell: &Cell, value: &AxisValue| {
            let mut values = cell.values.clone();
            values.push(value.clone());
            Cell { values }
        };
        cells =
            cells.iter().flat_map(|cell| axis.values.iter().map(move |value| with(cell, value))).collect();
    }
    cells
}

impl Cell {
    /// The experiment's request as this combination sends it.
    #[must_use]
    pub fn request(&self, request: &StepPlan) -> StepPlan {
        let mut step = request.clone();
        for value in &self.values {
            step.headers.extend(value.headers.iter().cloned());
            for (name, text) in &value.query {
                let separator = if step.path.contains('?') { '&' } else { '?' };
                let mut encoder = url::form_urlencoded::Serializer::new(String::new());
                encoder.append_pair(name, text);
                step.path = format!("{}{separator}{}", step.path, encoder.finish());
            }
        }
        step
    }

    /// Looks for everybody's canaries in this combination's answer.
    #[must_use]
    pub fn look(&self, axes: &[Axis], key: u64, reply: &Reply) -> Findings {
        let body = String::from_utf8_lossy(&reply.body);
        let filled = |canary: &str| canary.replace("{key}", &key.to_string());
        let mut findings = Findings::default();
        for (axis, mine) in axes.iter().zip(&self.values) {
            for value in &axis.values {
                let Some(canary) = &value.canary else { continue };
                let is_there = body.contains(&filled(canary));
                if value.name == mine.name {
                    findings.is_missing |= !is_there;
                } else if is_there {
                    let (name, of, to) = (&axis.name, &value.name, &mine.name);
                    let what = format!(
                        "{name} '{to}' was shown what is of {name} '{of}', key {key} ({})",
                        self.describe()
                    );
                    findings.leaks.push((axis.name.clone(), what));
                }
            }
        }
        findings.wrong_encoding = self.wrong_encoding(key, reply);
        findings
    }

    /// An encoding of the answer that the request did not name.
    fn wrong_encoding(&self, key: u64, reply: &Reply) -> Option<String> {
        let sent = reply.headers.text("content-encoding")?.to_ascii_lowercase();
        let headers = || self.values.iter().flat_map(|value| &value.headers);
        let asked = headers().rfind(|(name, _)| name.eq_ignore_ascii_case(ACCEPT_ENCODING.as_str()));
        let (_, asked) = asked?;
        let is_named = asked.to_ascii_lowercase().split([',', ';']).any(|word| word.trim() == sent);
        let describe = self.describe();
        (!is_named && sent != "identity" && !asked.contains('*'))
            .then(|| format!("an answer in {sent} came to a request for '{asked}', key {key} ({describe})"))
    }

    fn describe(&self) -> String {
        self.values.iter().map(|value| value.name.as_str()).collect::<Vec<_>>().join(", ")
    }
}
