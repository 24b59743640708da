//! What a module says of one kind of target: named values, read with all their mistakes.
//!
//! A collector asks for the options that it knows, with default and range, then calls `finish`,
//! which adds the names that it did not ask for. So an option is declared where it is used, and a
//! misspelled one is never ignored in silence.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

/// Most texts in one list: each key, stream or queue adds series.
pub const LIST_MAX: usize = 1_000;

/// Options by name.
pub type Options = BTreeMap<String, OptionValue>;

/// One value as the configuration file holds it.
#[derive(Debug, Clone, PartialEq)]
pub enum OptionValue {
    /// `true` or `false`.
    Flag(bool),
    /// Any number.
    Number(f64),
    /// A text.
    Text(String),
    /// A list of texts.
    List(Vec<String>),
    /// Named values within one, such as the labels of a metric.
    Table(Options),
    /// A list of such, such as the metrics of a mapping.
    Tables(Vec<Options>),
}

/// Reads options and gathers mistakes.
#[derive(Debug)]
pub(crate) struct OptionReader<'a> {
    options: &'a Options,
    known: Vec<&'static str>,
    mistakes: Vec<String>,
}

impl<'a> OptionReader<'a> {
    pub(crate) fn new(options: &'a Options) -> Self {
        Self { options, known: Vec::new(), mistakes: Vec::new() }
    }

    /// A switch.
    pub(crate) fn flag(&mut self, name: &'static str, default: bool) -> bool {
        match self.get(name) {
            None => default,
            Some(OptionValue::Flag(flag)) => *flag,
            Some(_) => self.wrong(name, "is neither true nor false", default),
        }
    }

    /// A number within a range.
    pub(crate) fn number(&mut self, name: &'static str, default: f64, range: RangeInclusive<f64>) -> f64 {
        let text = format!("is no number from {} to {}", range.start(), range.end());
        match self.get(name) {
            None => default,
            Some(OptionValue::Number(number)) if range.contains(number) => *number,
            Some(_) => self.wrong(name, &text, default),
        }
    }

    /// A text, empty if it is not given.
    pub(crate) fn text(&mut self, name: &'static str) -> String {
        match self.get(name) {
            None => String::new(),
            Some(OptionValue::Text(text)) => text.clone(),
            Some(_) => self.wrong(name, "is no text", String::new()),
        }
    }

    /// A text or a list of texts.
    pub(crate) fn texts(&mut self, name: &'static str) -> Vec<String> {
        match self.get(name) {
            None => Vec::new(),
            Some(OptionValue::Text(text)) => vec![text.clone()],
            Some(OptionValue::List(list)) if list.len() <= LIST_MAX => list.clone(),
            Some(_) => self.wrong(name, &format!("is no list of at most {LIST_MAX} texts"), Vec::new()),
        }
    }

    /// Named values, none if it is not given.
    pub(crate) fn table(&mut self, name: &'static str) -> Vec<(&'a str, &'a OptionValue)> {
        match self.get(name) {
            None => Vec::new(),
            Some(OptionValue::Table(table)) if table.len() <= LIST_MAX => {
                table.iter().map(|(name, value)| (name.as_str(), value)).collect()
            }
            Some(_) => self.wrong(name, &format!("is no table of at most {LIST_MAX} values"), Vec::new()),
        }
    }

    /// Tables, none if they are not given.
    pub(crate) fn tables(&mut self, name: &'static str) -> &'a [Options] {
        match self.get(name) {
            None => &[],
            Some(OptionValue::Tables(tables)) if tables.len() <= LIST_MAX => tables,
            Some(_) => self.wrong(name, &format!("is no list of at most {LIST_MAX} tables"), &[]),
        }
    }

    /// Adds a mistake about a value that was read.
    pub(crate) fn mistake(&mut self, text: impl Into<String>) {
        self.mistakes.push(text.into());
    }

    /// Every mistake, unknown names among them.
    pub(crate) fn finish(mut self) -> Vec<String> {
        let known = self.known.join(", ");
        let unknown = self.options.keys().filter(|name| !self.known.contains(&name.as_str()));
        let unknown: Vec<String> =
            unknown.map(|name| format!("{name}: unknown option; known are {known}")).collect();
        self.mistakes.extend(unknown);
        self.mistakes
    }

    fn get(&mut self, name: &'static str) -> Option<&'a OptionValue> {
        self.known.push(name);
        self.options.get(name)
    }

    fn wrong<T>(&mut self, name: &str, text: &str, instead: T) -> T {
        self.mistakes.push(format!("{name}: {text}"));
        instead
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mistake_is_told_and_an_unknown_name_is_one() {
        let options = Options::from([
            ("keys".to_owned(), OptionValue::List(vec!["a".to_owned()])),
            ("every".to_owned(), OptionValue::Number(0.0)),
            ("slowlog".to_owned(), OptionValue::Text("yes".to_owned())),
            ("kyes".to_owned(), OptionValue::Flag(true)),
        ]);
        let mut reader = OptionReader::new(&options);
        assert_eq!(reader.texts("keys"), ["a"]);
        assert_eq!(reader.number("every", 4.0, 1.0..=100.0), 4.0);
        assert!(reader.flag("slowlog", true));
        assert_eq!(reader.text("note"), "");
        let mistakes = reader.finish();
        assert_eq!(mistakes.len(), 3, "{mistakes:?}");
        assert!(mistakes[2].starts_with("kyes: unknown option; known are keys"), "{mistakes:?}");
    }
}
