//! Lists in header fields: splitting at separators that stand outside quoted strings, and joining
//! the lines of one field. Shared by the readers of directives, entity tags and `Vary`.

use http::HeaderMap;
use http::header::{AsHeaderName, HeaderValue};

/// The parts of a text between separators that stand outside quotes, without the spaces around
/// them; empty parts are left out (RFC 9110 §5.6.1.2).
pub(super) fn split(text: &str, separator: u8) -> Vec<&str> {
    let (mut parts, mut start) = (Vec::new(), 0);
    let (mut quoted, mut escaped) = (false, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            _ if byte == separator && !quoted => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts.into_iter().map(trimmed).filter(|part| !part.is_empty()).collect()
}

/// Without spaces and tabs around it (the RFC's optional white space; no more than that).
pub(super) fn trimmed(text: &str) -> &str {
    text.trim_matches([' ', '\t'])
}

/// All lines of a field as one, joined by `, ` (RFC 9110 §5.3). `None` without the field.
pub(super) fn joined(headers: &HeaderMap, name: impl AsHeaderName) -> Option<String> {
    let lines: Vec<_> = headers.get_all(name).iter().map(text).collect();
    (!lines.is_empty()).then(|| lines.join(", "))
}

/// A header value as text; bytes that are no UTF-8 each become the character of their number, so
/// that two values with different bytes stay different texts.
pub(super) fn text(value: &HeaderValue) -> String {
    match std::str::from_utf8(value.as_bytes()) {
        Ok(text) => text.to_owned(),
        Err(_) => value.as_bytes().iter().map(|byte| char::from(*byte)).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn separators_inside_quotes_do_not_split() {
        for (text, parts) in [
            ("a, b ,c", vec!["a", "b", "c"]),
            ("a=\"x, \\\", y\", b", vec!["a=\"x, \\\", y\"", "b"]),
            (", ,a,,", vec!["a"]),
            ("\"open, for ever", vec!["\"open, for ever"]),
            ("", vec![]),
        ] {
            assert_eq!(split(text, b','), parts, "{text}");
        }
    }
}
