//! Query parameters, read and checked together: a bad request is told all that is wrong with it at
//! once. Parameters that an endpoint does not know are ignored, as links carry all kinds of them.

use std::borrow::Cow;
use std::fmt::Display;
use std::ops::RangeInclusive;

use serde::Serialize;
use url::form_urlencoded;

/// The longest query string that is read.
const QUERY_BYTES_MAX: usize = 2_048;

/// The known parameters of one request.
#[derive(Debug)]
pub(crate) struct Parameters<'a> {
    pairs: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    mistakes: Mistakes,
}

/// All that is wrong with a request's parameters.
#[derive(Debug, Default, Serialize)]
#[serde(transparent)]
pub(crate) struct Mistakes(Vec<Mistake>);

#[derive(Debug, Serialize)]
struct Mistake {
    parameter: &'static str,
    problem: String,
}

impl<'a> Parameters<'a> {
    /// Reads the parameters that an endpoint knows.
    pub(crate) fn read(query: Option<&'a str>, known: &[&'static str]) -> Self {
        let query = query.unwrap_or_default();
        if query.len() > QUERY_BYTES_MAX {
            return Self {
                pairs: Vec::new(),
                mistakes: Mistakes::one("query", format!("is longer than {QUERY_BYTES_MAX} bytes")),
            };
        }
        let mut parameters = Self { pairs: Vec::new(), mistakes: Mistakes::default() };
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let Some(known) = known.iter().find(|known| **known == name) else { continue };
            if parameters.value(known).is_some() {
                parameters.mistakes.add(known, "is given more than once");
            } else {
                parameters.pairs.push((name, value));
            }
        }
        parameters
    }

    /// A whole number within a range.
    pub(crate) fn number(&mut self, name: &'static str, default: u32, range: RangeInclusive<u32>) -> u32 {
        let Some(value) = self.value(name) else { return default };
        match value.parse() {
            Ok(number) if range.contains(&number) => number,
            _ => {
                self.mistakes
                    .add(name, format!("must be a whole number from {} to {}", range.start(), range.end()));
                default
            }
        }
    }

    /// The number of a row, if it is given.
    pub(crate) fn id(&mut self, name: &'static str) -> Option<i64> {
        let value = self.value(name)?;
        let id = value.parse().ok().filter(|id| *id > 0);
        if id.is_none() {
            self.mistakes.add(name, "must be a whole number from 1");
        }
        id
    }

    /// A text that must be there, without the blanks around it.
    pub(crate) fn text(&mut self, name: &'static str, chars_max: usize) -> String {
        let text = self.value(name).unwrap_or_default().trim().to_owned();
        if text.is_empty() || text.chars().count() > chars_max || text.contains('\0') {
            self.mistakes.add(name, format!("must be a text of 1 to {chars_max} characters"));
        }
        text
    }

    /// One of a few words, with what each means; the first if it is not given.
    pub(crate) fn one_of<T: Copy>(&mut self, name: &'static str, words: &[(&str, T)]) -> T {
        let known = match self.value(name) {
            None => words.first(),
            Some(value) => words.iter().find(|(word, _)| *word == value),
        };
        if let Some((_, meaning)) = known {
            return *meaning;
        }
        let names: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        self.mistakes.add(name, format!("must be one of {}", names.join(", ")));
        words[0].1
    }

    /// Whether the parameter is given.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.value(name).is_some()
    }

    /// One of a closed list of words, or the default.
    pub(crate) fn choice(
        &mut self,
        name: &'static str,
        default: &'static str,
        choices: &[&'static str],
    ) -> &'static str {
        let Some(value) = self.value(name) else { return default };
        if value == default {
            return default;
        }
        match choices.iter().find(|choice| **choice == value) {
            Some(choice) => choice,
            None => {
                self.mistakes.add(name, format!("must be one of {}", choices.join(", ")));
                default
            }
        }
    }

    /// `true` or `false`; false if it is not given.
    pub(crate) fn flag(&mut self, name: &'static str) -> bool {
        self.choice(name, "false", &["true"]) == "true"
    }

    /// A day such as `2024-01-31`, as days since 1970.
    pub(crate) fn day(&mut self, name: &'static str, default: i64) -> i64 {
        let Some(value) = self.value(name) else { return default };
        let epoch = jiff::civil::date(1970, 1, 1);
        let day = value.parse::<jiff::civil::Date>().ok().and_then(|day| epoch.until(day).ok());
        match day {
            Some(span) => i64::from(span.get_days()),
            None => {
                self.mistakes.add(name, "must be a day such as 2024-01-31");
                default
            }
        }
    }

    /// Notes what is wrong with one parameter in view of another.
    pub(crate) fn mistake(&mut self, name: &'static str, problem: &'static str) {
        self.mistakes.add(name, problem);
    }

    /// What was read, unless something was wrong.
    pub(crate) fn finish<T>(self, read: T) -> Result<T, Mistakes> {
        if self.mistakes.0.is_empty() { Ok(read) } else { Err(self.mistakes) }
    }

    fn value(&self, name: &str) -> Option<&str> {
        self.pairs.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_ref())
    }
}

impl Mistakes {
    /// A single mistake.
    pub(crate) fn one(parameter: &'static str, problem: impl Display) -> Self {
        let mut mistakes = Self::default();
        mistakes.add(parameter, problem);
        mistakes
    }

    fn add(&mut self, parameter: &'static str, problem: impl Display) {
        self.0.push(Mistake { parameter, problem: problem.to_string() });
    }

    /// The names of the bad parameters.
    #[cfg(test)]
    pub(crate) fn names(&self) -> Vec<&'static str> {
        self.0.iter().map(|mistake| mistake.parameter).collect()
    }
}

/// The number of a row, in a path.
pub(crate) fn number(text: &str) -> Result<i64, Mistakes> {
    let number = text.parse().ok().filter(|number| *number > 0);
    number.ok_or_else(|| Mistakes::one("id", "must be a whole number from 1"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_held_to_their_range_and_unknown_names_are_ignored() {
        for (query, number, names) in [
            ("", 7, vec![]),
            ("page=3&_=1712", 3, vec![]),
            ("page=%33", 3, vec![]),
            ("page=", 7, vec!["page"]),
            ("page=0", 7, vec!["page"]),
            ("page=11", 7, vec!["page"]),
            ("page=1.5", 7, vec!["page"]),
            ("page=99999999999999999999", 7, vec!["page"]),
            ("page=2&page=3", 2, vec!["page"]),
        ] {
            let mut parameters = Parameters::read(Some(query), &["page"]);
            assert_eq!(parameters.number("page", 7, 1..=10), number, "{query}");
            let mistakes = parameters.finish(()).err().unwrap_or_default();
            assert_eq!(mistakes.names(), names, "{query}");
        }
    }

    #[test]
    fn a_text_is_trimmed_and_held_to_its_length() {
        for (query, good) in
            [("q=+oak+", true), ("q=+", false), ("", false), ("q=12345", false), ("q=a%00", false)]
        {
            let mut parameters = Parameters::read(Some(query), &["q"]);
            let text = parameters.text("q", 4);
            assert_eq!(parameters.finish(()).is_ok(), good, "{query}");
            assert!(!good || text == "oak");
        }
    }

    #[test]
    fn a_word_is_one_of_the_list_and_the_first_by_default() {
        for (query, meaning, good) in
            [("", 1, true), ("order=b", 2, true), ("order=c", 1, false), ("order=", 1, false)]
        {
            let mut parameters = Parameters::read(Some(query), &["order"]);
            assert_eq!(parameters.one_of("order", &[("a", 1), ("b", 2)]), meaning, "{query}");
            assert_eq!(parameters.finish(()).is_ok(), good, "{query}");
        }
    }

    #[test]
    fn an_endless_query_is_refused_unread() {
        let query = "q=".to_owned() + &"a".repeat(QUERY_BYTES_MAX);
        assert_eq!(
            Parameters::read(Some(&query), &["q"]).finish(()).expect_err("too long").names(),
            ["query"]
        );
    }
}
