//! Reads the keys of one table of a budget or of a file of claims, and remembers every mistake with its
//! line. Shared, so that both files are checked whole and in the same words.

use std::collections::BTreeSet;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// The keys of a table that are still to be read.
pub(crate) struct Fields<'a> {
    text: &'a str,
    table: &'a DeTable<'a>,
    line: usize,
    what: &'static str,
    read: BTreeSet<&'a str>,
    mistakes: Vec<(usize, String)>,
}

impl<'a> Fields<'a> {
    pub(crate) fn new(text: &'a str, table: &'a DeTable<'a>, line: usize, what: &'static str) -> Self {
        Self { text, table, line, what, read: BTreeSet::new(), mistakes: Vec::new() }
    }

    pub(crate) fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    /// A mistake at a key, or at the table if it has no such key.
    pub(crate) fn mistake(&mut self, key: &str, mistake: String) {
        let line = self.table.get(key).map_or(self.line, |value| self.line_of(value));
        self.mistakes.push((line, mistake));
    }

    /// A key that must be there and is not.
    pub(crate) fn missing<T>(&mut self, key: &str) -> Option<T> {
        self.mistakes.push((self.line, format!("{} lacks {key}", self.what)));
        None
    }

    pub(crate) fn required_text(&mut self, key: &'static str) -> Option<String> {
        if !self.has(key) {
            return self.missing(key);
        }
        self.one_of(key, |text| Ok(text.to_owned()))
    }

    /// A text that `named` understands.
    pub(crate) fn one_of<T>(
        &mut self,
        key: &'static str,
        named: impl Fn(&str) -> Result<T, String>,
    ) -> Option<T> {
        let value = self.take(key)?;
        let Some(text) = value.as_str() else { return self.wrong_type(key, "a text") };
        match named(text) {
            Ok(value) => Some(value),
            Err(mistake) => {
                self.mistake(key, format!("{key}: {mistake}"));
                None
            }
        }
    }

    pub(crate) fn number(&mut self, key: &'static str) -> Option<f64> {
        let value = self.take(key)?;
        let number = match value {
            DeValue::Integer(integer) => {
                i64::from_str_radix(integer.as_str(), integer.radix()).ok().map(|whole| whole as f64)
            }
            DeValue::Float(float) => float.as_str().parse().ok(),
            _ => return self.wrong_type(key, "a number"),
        };
        match number.filter(|number: &f64| number.is_finite()) {
            Some(number) => Some(number),
            None => self.wrong_type(key, "a finite number"),
        }
    }

    pub(crate) fn positive(&mut self, key: &'static str) -> Option<f64> {
        let number = self.number(key)?;
        if number > 0.0 {
            return Some(number);
        }
        self.mistake(key, format!("{key} is {number}; it must be above 0"));
        None
    }

    pub(crate) fn table(&mut self, key: &'static str) -> Option<(usize, &'a DeTable<'a>)> {
        let line = self.table.get(key).map(|value| self.line_of(value))?;
        match self.take(key)? {
            DeValue::Table(table) => Some((line, table)),
            _ => self.wrong_type(key, "a table"),
        }
    }

    /// An array of tables, with the line of each.
    pub(crate) fn tables(&mut self, key: &'static str, count_max: usize) -> Vec<(usize, &'a DeTable<'a>)> {
        let Some(value) = self.take(key) else { return Vec::new() };
        let Some(array) = value.as_array() else {
            self.mistake(key, format!("{key} is no list; write each as [[{key}]]"));
            return Vec::new();
        };
        if array.len() > count_max {
            self.mistake(key, format!("{} of [[{key}]] are more than {count_max}", array.len()));
        }
        let mut tables = Vec::new();
        for entry in array.iter().take(count_max) {
            let line = self.line_of(entry);
            match entry.get_ref() {
                DeValue::Table(table) => tables.push((line, table)),
                other => self.mistakes.push((line, format!("{key} holds {}, not a table", type_of(other)))),
            }
        }
        tables
    }

    /// Leaves the keys that were not read alone: without a kind nobody knows which belong.
    pub(crate) fn ignore_the_rest(&mut self) {
        self.read.extend(self.table.keys().map(|key| key.get_ref().as_ref()));
    }

    /// Hands over the mistakes, unknown keys among them.
    pub(crate) fn finish(mut self, mistakes: &mut Vec<(usize, String)>) {
        for (key, value) in self.table {
            if !self.read.contains(key.get_ref().as_ref()) {
                let line = self.line_of(value);
                self.mistakes.push((line, format!("{} has no key '{}'", self.what, key.get_ref())));
            }
        }
        mistakes.append(&mut self.mistakes);
    }

    fn take(&mut self, key: &'static str) -> Option<&'a DeValue<'a>> {
        self.read.insert(key);
        self.table.get(key).map(Spanned::get_ref)
    }

    fn wrong_type<T>(&mut self, key: &str, wanted: &str) -> Option<T> {
        let found = self.table.get(key).map_or("nothing", |value| type_of(value.get_ref()));
        self.mistake(key, format!("{key} is {found}; it should be {wanted}"));
        None
    }

    fn line_of(&self, value: &Spanned<DeValue<'_>>) -> usize {
        line_of(self.text, value.span().start)
    }
}

/// The line of a byte, from 1.
pub(crate) fn line_of(text: &str, byte: usize) -> usize {
    1 + text.as_bytes().iter().take(byte).filter(|byte| **byte == b'\n').count()
}

fn type_of(value: &DeValue<'_>) -> &'static str {
    value.type_str()
}

/// A duration such as `5ms` or `250 us`, in nanoseconds.
pub(crate) fn duration_ns(text: &str) -> Result<f64, String> {
    let wrong = || format!("'{text}' is no duration; write for example \"5ms\" (ns, us, ms, s)");
    let split = text.find(|ch: char| ch.is_ascii_alphabetic() || ch == 'µ').ok_or_else(wrong)?;
    let (number, unit) = text.split_at(split);
    let scale = match unit {
        "ns" => 1.0,
        "us" | "µs" => 1e3,
        "ms" => 1e6,
        "s" => 1e9,
        _ => return Err(wrong()),
    };
    let value: f64 = number.trim().parse().map_err(|_| wrong())?;
    if value.is_finite() && value > 0.0 { Ok(value * scale) } else { Err(wrong()) }
}
