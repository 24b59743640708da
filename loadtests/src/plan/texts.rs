//! Texts with places for values: `{key}`, a column of the data file, a value that was extracted.
//!
//! Only names that are known count; any other brace is a brace, as JSON bodies are full of them.

/// The names that may stand in braces.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Known {
    key: Option<KeyKind>,
    /// Columns of the data file, in its order.
    pub columns: Vec<String>,
    /// Values that some answer gives, in the order of the plan.
    pub extracted: Vec<String>,
}

/// How keys are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyKind {
    /// As numbers.
    Number,
    /// As texts, which must be escaped where they stand.
    Text,
}

/// A name in braces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Name {
    /// The request's key.
    Key,
    /// A column of the data file.
    Column(usize),
    /// A value that was extracted.
    Extracted(usize),
}

impl Known {
    /// `{key}` is always known: that it lacks 'keys' is a mistake of its own.
    pub(super) fn new(key: KeyKind, columns: Vec<String>) -> Self {
        Self { key: Some(key), columns, extracted: Vec::new() }
    }

    pub(crate) fn learn(&mut self, name: &str) {
        if !self.extracted.iter().any(|known| known == name) {
            self.extracted.push(name.to_owned());
        }
    }

    pub(super) fn has_numeric_key(&self) -> bool {
        self.key == Some(KeyKind::Number)
    }

    /// What a name stands for.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<Name> {
        let place = |names: &[String]| names.iter().position(|known| known == name);
        match name {
            "key" => Some(Name::Key),
            _ => {
                place(&self.columns).map(Name::Column).or_else(|| place(&self.extracted).map(Name::Extracted))
            }
        }
    }

    pub(super) fn describe(&self) -> String {
        let names =
            std::iter::once("key").chain(self.columns.iter().chain(&self.extracted).map(String::as_str));
        names.map(|name| format!("{{{name}}}")).collect::<Vec<_>>().join(", ")
    }
}

/// A piece of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// As it is.
    Text(String),
    /// A value.
    Value(Name),
}

/// The pieces of a text.
#[must_use]
pub fn pieces(text: &str, known: &Known) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut plain = String::new();
    let mut rest = text;
    while let Some(open) = rest.find('{') {
        let inside = &rest[open + 1..];
        let name = inside.find('}').map(|close| &inside[..close]);
        match name.and_then(|name| Some((known.find(name)?, name.len()))) {
            Some((value, length)) => {
                plain.push_str(&rest[..open]);
                pieces.push(Piece::Text(std::mem::take(&mut plain)));
                pieces.push(Piece::Value(value));
                rest = &inside[length + 1..];
            }
            None => {
                plain.push_str(&rest[..=open]);
                rest = inside;
            }
        }
    }
    plain.push_str(rest);
    pieces.push(Piece::Text(plain));
    pieces.retain(|piece| *piece != Piece::Text(String::new()));
    pieces
}

/// The text with a 1 for every value, and whether braces are left over.
pub(super) fn sample(text: &str, known: &Known) -> (String, bool) {
    let mut sample = String::new();
    for piece in pieces(text, known) {
        match piece {
            Piece::Text(text) => sample.push_str(&text),
            Piece::Value(_) => sample.push('1'),
        }
    }
    let has_braces = sample.contains(['{', '}']);
    (sample, has_braces)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_names_are_values_and_all_other_braces_are_braces() {
        let mut known = Known::new(KeyKind::Number, vec!["user".to_owned()]);
        known.learn("token");
        let text = r#"{"id": {key}, "u": "{user}", "t": {"x": "{token}"}, "y": "{none}"}"#;
        let pieces = pieces(text, &known);
        let values: Vec<_> = pieces
            .iter()
            .filter_map(|piece| match piece {
                Piece::Value(name) => Some(*name),
                Piece::Text(_) => None,
            })
            .collect();
        assert_eq!(values, [Name::Key, Name::Column(0), Name::Extracted(0)]);
        assert_eq!(sample("/a/{key}/{user}", &known), ("/a/1/1".to_owned(), false));
        assert_eq!(sample("/a/{x}", &known), ("/a/{x}".to_owned(), true));
        assert_eq!(known.describe(), "{key}, {user}, {token}");
    }
}
