//! Takes typed fields out of a TOML table and notes every mistake with its line.
//!
//! serde would stop at the first mistake and forget where the others stand. Here a table is
//! emptied field by field; what is left over at the end was misspelled.

use std::ops::Range;
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::Mistake;

/// The mistakes found so far, with what is needed to turn an offset into a line.
#[derive(Debug)]
pub(crate) struct Notes<'t> {
    text: &'t str,
    /// The folder of the plan file, which other files are named from.
    folder: PathBuf,
    mistakes: Vec<Mistake>,
}

impl<'t> Notes<'t> {
    pub(crate) fn new(text: &'t str, folder: &Path) -> Self {
        Self { text, folder: folder.to_owned(), mistakes: Vec::new() }
    }

    /// A file that the plan names, looked for beside the plan.
    pub(crate) fn beside(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    pub(crate) fn add(&mut self, at: Range<usize>, text: impl Into<String>) {
        let line = self.text.as_bytes()[..at.start.min(self.text.len())]
            .iter()
            .filter(|byte| **byte == b'\n')
            .count()
            + 1;
        self.mistakes.push(Mistake { line: Some(line), text: text.into() });
    }

    pub(crate) fn add_unplaced(&mut self, text: impl Into<String>) {
        self.mistakes.push(Mistake { line: None, text: text.into() });
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.mistakes.is_empty()
    }

    /// The mistakes in the order of their lines.
    pub(crate) fn into_mistakes(mut self) -> Vec<Mistake> {
        self.mistakes.sort_by_key(|mistake| mistake.line);
        self.mistakes
    }
}

/// A table that is being emptied.
#[derive(Debug)]
pub(crate) struct Fields<'t, 'p> {
    name: String,
    span: Range<usize>,
    table: &'p DeTable<'t>,
    taken: Vec<&'static str>,
    is_top: bool,
}

/// A value with the place where it stands.
pub(crate) type Placed<T> = (T, Range<usize>);

impl<'t, 'p> Fields<'t, 'p> {
    /// `name` is how mistakes call the table, for example `[run]`.
    pub(crate) fn new(name: impl Into<String>, span: Range<usize>, table: &'p DeTable<'t>) -> Self {
        Self { name: name.into(), span, table, taken: Vec::new(), is_top: false }
    }

    /// The document itself.
    pub(crate) fn top(table: &'p DeTable<'t>) -> Self {
        Self { is_top: true, ..Self::new("the plan", 0..0, table) }
    }

    pub(crate) fn span(&self) -> Range<usize> {
        self.span.clone()
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The raw value of a key.
    pub(crate) fn value(&mut self, key: &'static str) -> Option<&'p Spanned<DeValue<'t>>> {
        if !self.taken.contains(&key) {
            self.taken.push(key);
        }
        self.table.iter().find(|(name, _)| name.get_ref().as_ref() == key).map(|(_, value)| value)
    }

    /// A value of one type; a value of another type is a mistake and counts as absent.
    fn typed<T>(
        &mut self,
        notes: &mut Notes<'_>,
        key: &'static str,
        wanted: &str,
        read: impl Fn(&'p DeValue<'t>) -> Option<T>,
    ) -> Option<Placed<T>> {
        let value = self.value(key)?;
        match read(value.get_ref()) {
            Some(read) => Some((read, value.span())),
            None => {
                let found = value.get_ref().type_str();
                notes.add(value.span(), format!("{} {key}: must be {wanted}, not {found}", self.name));
                None
            }
        }
    }

    pub(crate) fn string(&mut self, notes: &mut Notes<'_>, key: &'static str) -> Option<Placed<String>> {
        self.typed(notes, key, "a string", |value| value.as_str().map(str::to_owned))
    }

    pub(crate) fn required_string(
        &mut self,
        notes: &mut Notes<'_>,
        key: &'static str,
    ) -> Option<Placed<String>> {
        let present = self.value(key).is_some();
        let text = self.string(notes, key);
        if !present {
            notes.add(self.span(), format!("{} needs '{key}'", self.name));
        }
        match text {
            Some((text, at)) if text.trim().is_empty() => {
                notes.add(at, format!("{} {key}: must not be empty", self.name));
                None
            }
            text => text,
        }
    }

    pub(crate) fn boolean(&mut self, notes: &mut Notes<'_>, key: &'static str) -> Option<bool> {
        self.typed(notes, key, "true or false", DeValue::as_bool).map(|(value, _)| value)
    }

    /// A whole number within bounds.
    pub(crate) fn whole(
        &mut self,
        notes: &mut Notes<'_>,
        key: &'static str,
        bounds: std::ops::RangeInclusive<u64>,
    ) -> Option<u64> {
        let (value, at) = self.typed(notes, key, "a whole number", integer)?;
        match u64::try_from(value) {
            Ok(value) if bounds.contains(&value) => Some(value),
            _ => {
                let (low, high) = bounds.into_inner();
                notes.add(at, format!("{} {key}: must be from {low} to {high}, not {value}", self.name));
                None
            }
        }
    }

    /// A number above `low` (or equal, if `low` is 0 and `zero` allows it) up to `high`.
    pub(crate) fn number(
        &mut self,
        notes: &mut Notes<'_>,
        key: &'static str,
        low: f64,
        high: f64,
    ) -> Option<f64> {
        let (value, at) = self.typed(notes, key, "a number", float)?;
        if value.is_finite() && (low..=high).contains(&value) {
            return Some(value);
        }
        notes.add(at, format!("{} {key}: must be from {low} to {high}, not {value}", self.name));
        None
    }

    pub(crate) fn strings(
        &mut self,
        notes: &mut Notes<'_>,
        key: &'static str,
    ) -> Option<Placed<Vec<String>>> {
        self.typed(notes, key, "an array of strings", |value| {
            value.as_array()?.iter().map(|item| item.get_ref().as_str().map(str::to_owned)).collect()
        })
    }

    pub(crate) fn integers(&mut self, notes: &mut Notes<'_>, key: &'static str) -> Option<Placed<Vec<i64>>> {
        self.typed(notes, key, "an array of whole numbers", |value| {
            value.as_array()?.iter().map(|item| integer(item.get_ref())).collect()
        })
    }

    pub(crate) fn numbers(&mut self, notes: &mut Notes<'_>, key: &'static str) -> Option<Placed<Vec<f64>>> {
        self.typed(notes, key, "an array of numbers", |value| {
            value.as_array()?.iter().map(|item| float(item.get_ref())).collect()
        })
    }

    /// A table of strings, numbers and booleans, as name and text.
    pub(crate) fn string_map(&mut self, notes: &mut Notes<'_>, key: &'static str) -> Vec<(String, String)> {
        let map = self.typed(notes, key, "a table of strings", |value| {
            value
                .as_table()?
                .iter()
                .map(|(name, value)| Some((name.get_ref().to_string(), scalar(value.get_ref())?)))
                .collect()
        });
        map.map(|(map, _)| map).unwrap_or_default()
    }

    pub(crate) fn table(&mut self, notes: &mut Notes<'_>, key: &'static str) -> Option<Fields<'t, 'p>> {
        let name = if self.is_top { format!("[{key}]") } else { format!("{} {key}", self.name) };
        let (table, span) = self.typed(notes, key, "a table", DeValue::as_table)?;
        Some(Fields::new(name, span, table))
    }

    /// The tables of a list; none if the key is absent.
    pub(crate) fn tables(&mut self, notes: &mut Notes<'_>, key: &'static str) -> Vec<Fields<'t, 'p>> {
        let list = self.typed(notes, key, "a list of tables", DeValue::as_array);
        let mut tables = Vec::new();
        for (place, item) in list.into_iter().flat_map(|(items, _)| items.iter()).enumerate() {
            let name = format!("{} {key} {}", self.name, place + 1);
            match item.get_ref().as_table() {
                Some(table) => tables.push(Fields::new(name, item.span(), table)),
                None => notes.add(item.span(), format!("{name}: must be a table")),
            }
        }
        tables
    }

    /// One string, or several.
    pub(crate) fn string_or_strings(&mut self, notes: &mut Notes<'_>, key: &'static str) -> Vec<String> {
        let strings =
            self.typed(notes, key, "a string or an array of strings", |value| match value.as_str() {
                Some(text) => Some(vec![text.to_owned()]),
                None => {
                    value.as_array()?.iter().map(|item| item.get_ref().as_str().map(str::to_owned)).collect()
                }
            });
        strings.map(|(strings, _)| strings).unwrap_or_default()
    }

    /// Notes every key that nobody took.
    pub(crate) fn finish(self, notes: &mut Notes<'_>) {
        for (key, _) in self.table {
            if !self.taken.contains(&key.get_ref().as_ref()) {
                let known = self.taken.join(", ");
                let meant = nearest(key.get_ref(), &self.taken)
                    .map_or_else(String::new, |meant| format!("did you mean '{meant}'? "));
                notes.add(
                    key.span(),
                    format!("{} has no key '{}'; {meant}it takes {known}", self.name, key.get_ref()),
                );
            }
        }
    }
}

/// The known key that a misspelled one is closest to, if any is close.
fn nearest(key: &str, known: &[&'static str]) -> Option<&'static str> {
    let near = known.iter().map(|other| (distance(key, other), *other)).min()?;
    (near.0 <= key.len().max(3) / 3).then_some(near.1)
}

/// Letters to insert, delete or replace to turn one word into the other (Levenshtein, 1966).
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (line, letter) in one.chars().enumerate() {
        let mut corner = row[0];
        row[0] = line + 1;
        for (place, theirs) in other.iter().enumerate() {
            let replaced = corner + usize::from(letter != *theirs);
            corner = row[place + 1];
            row[place + 1] = replaced.min(corner + 1).min(row[place] + 1);
        }
    }
    row[other.len()]
}

fn integer(value: &DeValue<'_>) -> Option<i64> {
    let integer = value.as_integer()?;
    i64::from_str_radix(integer.as_str(), integer.radix()).ok()
}

fn float(value: &DeValue<'_>) -> Option<f64> {
    match value.as_float() {
        Some(float) => float.as_str().parse().ok(),
        None => integer(value).map(|whole| whole as f64),
    }
}

fn scalar(value: &DeValue<'_>) -> Option<String> {
    value
        .as_str()
        .map(str::to_owned)
        .or_else(|| integer(value).map(|whole| whole.to_string()))
        .or_else(|| value.as_bool().map(|boolean| boolean.to_string()))
}
