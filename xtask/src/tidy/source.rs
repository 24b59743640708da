//! Just enough of Rust's lexical structure: code without comments and strings, without its test
//! modules, its words and its braces. Bytes keep their places, so that lines can be told.
//!
//! This is no parser. A full one would make every build of the commands slower, and the rules here
//! are about braces and names.

/// A word (identifier, keyword or number) and the byte where it starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Word<'a> {
    pub(super) text: &'a str,
    pub(super) start: usize,
}

/// The line of a byte, from 1.
pub(super) fn line_at(text: &str, byte: usize) -> usize {
    text.as_bytes()[..byte].iter().filter(|byte| **byte == b'\n').count() + 1
}

/// All words of a text, in order.
pub(super) fn words(text: &str) -> impl Iterator<Item = Word<'_>> {
    let is_separator = |c: char| !(c.is_alphanumeric() || c == '_');
    let mut end = 0;
    text.split_inclusive(is_separator).filter_map(move |piece| {
        let start = end;
        end += piece.len();
        let text = piece.trim_end_matches(is_separator);
        (!text.is_empty()).then_some(Word { text, start })
    })
}

/// The byte of the brace that closes the one at `open`, if there is one.
pub(super) fn closing_brace(code: &str, open: usize) -> Option<usize> {
    let mut depth = 0_usize;
    for (offset, byte) in code.bytes().enumerate().skip(open) {
        match byte {
            b'{' => depth += 1,
            b'}' => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some(offset);
                }
            }
            _ => {}
        }
    }
    None
}

/// Blanks out each module or function that stands behind `#[cfg(test)]`.
pub(super) fn without_tests(code: &str) -> String {
    const MARK: &str = "#[cfg(test)]";
    let mut text = code.to_owned();
    let mut from = 0;
    while let Some(start) = text[from..].find(MARK).map(|offset| from + offset) {
        let end = match text[start..].find(['{', ';']).map(|offset| start + offset) {
            Some(open) if text.as_bytes()[open] == b'{' => closing_brace(&text, open),
            other => other,
        };
        let end = end.map_or(text.len(), |end| end + 1);
        let blank = blanked(&text[start..end]);
        text.replace_range(start..end, &blank);
        from = end;
    }
    text
}

/// The code alone: comments, strings and characters become spaces, newlines stay.
pub(super) fn code(source: &str) -> String {
    let mut out = String::with_capacity(source.len());
    let mut rest = source;
    while !rest.is_empty() {
        let hidden = hidden_bytes(rest, out.as_bytes().last().copied());
        let count = if hidden > 0 { hidden } else { rest.chars().next().map_or(1, char::len_utf8) };
        let (piece, after) = rest.split_at(count);
        if hidden > 0 || !piece.is_ascii() {
            out.push_str(&blanked(piece));
        } else {
            out.push_str(piece);
        }
        rest = after;
    }
    out
}

fn blanked(text: &str) -> String {
    text.bytes().map(|byte| if byte == b'\n' { '\n' } else { ' ' }).collect()
}

/// How many bytes at the start of `rest` are a comment, a string or a character; 0 if they are code.
fn hidden_bytes(rest: &str, before: Option<u8>) -> usize {
    let bytes = rest.as_bytes();
    match bytes {
        [b'/', b'/', ..] => rest.find('\n').unwrap_or(rest.len()),
        [b'/', b'*', ..] => block_comment_bytes(bytes),
        [b'"', ..] => quoted_bytes(bytes, b'"'),
        [b'\'', ..] => character_bytes(rest),
        // The letter of `for"` and the like is part of a word, not a prefix.
        [b'r', ..] if !before.is_some_and(|b| b.is_ascii_alphanumeric() || b == b'_') => {
            raw_string_bytes(rest, 1)
        }
        [b'b' | b'c', b'r', ..] if !before.is_some_and(|b| b.is_ascii_alphanumeric() || b == b'_') => {
            raw_string_bytes(rest, 2)
        }
        _ => 0,
    }
}

fn block_comment_bytes(bytes: &[u8]) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while at < bytes.len() {
        match &bytes[at..] {
            [b'/', b'*', ..] => (depth, at) = (depth + 1, at + 2),
            [b'*', b'/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            return at;
        }
    }
    bytes.len()
}

fn quoted_bytes(bytes: &[u8], quote: u8) -> usize {
    let mut at = 1;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 2,
            byte if byte == quote => return at + 1,
            _ => at += 1,
        }
    }
    bytes.len()
}

/// `'a'` and `'\n'` are characters, `'a` is a lifetime.
fn character_bytes(rest: &str) -> usize {
    let mut chars = rest.char_indices().skip(1);
    match (chars.next(), chars.next()) {
        (Some((_, '\\')), _) => quoted_bytes(rest.as_bytes(), b'\''),
        (Some(_), Some((at, '\''))) => at + 1,
        _ => 0,
    }
}

/// `r"…"`, `r#"…"#`, after a prefix of that many letters; 0 for a raw identifier or a plain word.
fn raw_string_bytes(rest: &str, prefix: usize) -> usize {
    let hashes = rest[prefix..].bytes().take_while(|byte| *byte == b'#').count();
    let Some(body) = rest[prefix + hashes..].strip_prefix('"') else { return 0 };
    let end = format!("\"{}", "#".repeat(hashes));
    match body.find(&end) {
        Some(at) => prefix + hashes + 1 + at + end.len(),
        None => rest.len(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_strings_and_characters_are_blanked_and_lines_stay() {
        let cases = [
            ("a // b {\nc", "a       \nc"),
            ("a /* b /* c */ d */ e", "a                   e"),
            ("f(\"x{\\\"}\") g", "f(       ) g"),
            ("r\"a\\\" b", "      b"),
            ("r#\"a\"b\"# c", "         c"),
            ("br#\"{\"# c", "        c"),
            ("r#type r", "r#type r"),
            ("'{' '\\'' b", "         b"),
            ("&'a str, 'b: loop", "&'a str, 'b: loop"),
            ("\"a\nb\" c", "  \n   c"),
            ("é x", "   x"),
            ("'é' x", "     x"),
            ("\"never closed", "             "),
            ("/* never closed", "               "),
            ("", ""),
        ];
        for (source, expected) in cases {
            assert_eq!(code(source), expected, "{source}");
            assert_eq!(code(source).len(), source.len(), "{source}");
        }
    }

    #[test]
    fn what_stands_behind_cfg_test_is_blanked_and_the_rest_stays() {
        let text = "fn a() {}\n#[cfg(test)]\nmod tests {\n fn b() {}\n}\nfn c() {}\n#[cfg(test)]\nmod more;\nfn d() {}\n";
        let left = without_tests(text);
        assert_eq!(left.split_whitespace().collect::<Vec<_>>().join(" "), "fn a() {} fn c() {} fn d() {}");
        assert_eq!(left.lines().count(), text.lines().count());
    }

    #[test]
    fn words_know_where_they_start() {
        let found: Vec<_> = words("fn a_1::b").map(|word| (word.text, word.start)).collect();
        assert_eq!(found, [("fn", 0), ("a_1", 3), ("b", 8)]);
    }

    #[test]
    fn a_brace_is_closed_by_its_own_partner() {
        assert_eq!(closing_brace("x { { } } }", 2), Some(8));
        assert_eq!(closing_brace("x { {", 2), None);
    }
}
