//! Texts with places for values, filled for each request.

use crate::plan::texts::{Known, Name, Piece, pieces};

/// A text with places for values.
#[derive(Debug, Clone, Default)]
pub struct Template {
    pieces: Vec<Piece>,
    escape: Escape,
}

/// What a value must not break.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Escape {
    /// Nothing: it stands as it is.
    #[default]
    None,
    /// A path or query: other than letters, digits and `-._~` is percent-encoded (RFC 3986 §2.3).
    Path,
    /// A string of a JSON document.
    Json,
}

/// The values of one request.
#[derive(Debug, Clone, Copy, Default)]
pub struct Values<'v> {
    /// The key.
    pub key: u64,
    /// How the key is written, if it is no number.
    pub key_text: Option<&'v str>,
    /// The key's row of the data file.
    pub row: &'v [Box<str>],
    /// Values that earlier answers gave.
    pub extracted: &'v [Option<String>],
    /// The `Cookie` header.
    pub cookie: Option<&'v str>,
}

/// A value that no answer has given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a value that an earlier answer should have given is missing")]
pub struct MissingValue;

impl Template {
    /// A text whose braces are filled.
    #[must_use]
    pub fn new(text: &str, known: &Known, escape: Escape) -> Self {
        Self { pieces: pieces(text, known), escape }
    }

    /// Whether there is nothing to fill.
    #[must_use]
    pub fn is_fixed(&self) -> bool {
        self.pieces.iter().all(|piece| matches!(piece, Piece::Text(_)))
    }

    /// The text with its values.
    ///
    /// # Errors
    ///
    /// If a value was not extracted.
    pub fn fill(&self, values: &Values<'_>) -> Result<String, MissingValue> {
        let mut text = String::with_capacity(self.length());
        self.fill_into(values, &mut text)?;
        Ok(text)
    }

    /// Appends the text with its values to another.
    ///
    /// # Errors
    ///
    /// If a value was not extracted.
    pub fn fill_into(&self, values: &Values<'_>, text: &mut String) -> Result<(), MissingValue> {
        for piece in &self.pieces {
            match piece {
                Piece::Text(plain) => text.push_str(plain),
                Piece::Value(Name::Key) => match values.key_text {
                    Some(key) => self.escape.push(text, key),
                    None => {
                        let mut digits = [0; 20];
                        text.push_str(decimal(values.key, &mut digits));
                    }
                },
                Piece::Value(Name::Column(column)) => {
                    let cell = values.row.get(*column).ok_or(MissingValue)?;
                    self.escape.push(text, cell);
                }
                Piece::Value(Name::Extracted(place)) => {
                    let value = values.extracted.get(*place).and_then(Option::as_deref);
                    self.escape.push(text, value.ok_or(MissingValue)?);
                }
            }
        }
        Ok(())
    }

    fn length(&self) -> usize {
        let of = |piece: &Piece| match piece {
            Piece::Text(text) => text.len(),
            Piece::Value(_) => 20,
        };
        self.pieces.iter().map(of).sum()
    }
}

impl Escape {
    fn push(self, text: &mut String, value: &str) {
        match self {
            Self::None => text.push_str(value),
            Self::Path => {
                for byte in value.bytes() {
                    if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                        text.push(byte as char);
                    } else {
                        text.push_str(&format!("%{byte:02X}"));
                    }
                }
            }
            Self::Json => {
                let quoted = serde_json::Value::from(value).to_string();
                text.push_str(&quoted[1..quoted.len() - 1]);
            }
        }
    }
}

/// The decimal digits of a number, without the detour of the formatting machinery.
fn decimal(mut number: u64, digits: &mut [u8; 20]) -> &str {
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            // Digits are ASCII, so this always succeeds.
            return std::str::from_utf8(&digits[at..]).unwrap_or("0");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(text: &str, escape: Escape, values: &Values<'_>) -> Result<String, MissingValue> {
        let mut known = Known::default();
        known.columns.push("name".to_owned());
        known.extracted.push("token".to_owned());
        Template::new(text, &known, escape).fill(values)
    }

    #[test]
    fn keys_stand_in_every_place() {
        let of = |key| Values { key, ..Values::default() };
        assert_eq!(filled("/a/{key}/b?x={key}", Escape::Path, &of(0)).unwrap(), "/a/0/b?x=0");
        let most = filled("{key}", Escape::Path, &of(u64::MAX)).unwrap();
        assert_eq!(most, "18446744073709551615");
        assert_eq!(filled("/fixed", Escape::Path, &of(7)).unwrap(), "/fixed");
    }

    #[test]
    fn values_are_escaped_for_the_place_where_they_stand() {
        let row = ["a b/\"ü".into()];
        let extracted = [Some("x".to_owned())];
        let values = Values { row: &row, extracted: &extracted, key_text: Some("k&1"), ..Values::default() };
        assert_eq!(filled("/{name}/{key}", Escape::Path, &values).unwrap(), "/a%20b%2F%22%C3%BC/k%261");
        assert_eq!(filled("{\"n\": \"{name}\"}", Escape::Json, &values).unwrap(), "{\"n\": \"a b/\\\"ü\"}");
        assert_eq!(filled("Bearer {token}", Escape::None, &values).unwrap(), "Bearer x");
        let nothing = Values { row: &row, ..Values::default() };
        assert_eq!(filled("Bearer {token}", Escape::None, &nothing), Err(MissingValue));
    }
}
