//! A statement's text as it may leave: no literal, no comment, one line, bounded.
//!
//! The servers normalise texts themselves, but not always: PostgreSQL keeps the text of utility
//! statements and of some cached plans as it came, passwords included. So nothing is trusted here:
//! what looks like a literal becomes `?`, and of a statement that is no query only its first word
//! stays.

/// How a server writes texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// Double quotes hold names.
    Postgres,
    /// Double quotes hold texts, backquotes hold names.
    Mysql,
}

/// First words of statements whose text is told.
const TOLD: &[&str] =
    &["SELECT", "INSERT", "UPDATE", "DELETE", "WITH", "MERGE", "VALUES", "TABLE", "REPLACE"];

/// One piece of a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Token<'a> {
    /// A word without quotes: a keyword, a name, or a parameter such as `$1`.
    Word(&'a str),
    /// A name in quotes, with them.
    Quoted(&'a str),
    /// A literal.
    Literal,
    /// A blank or a comment.
    Blank,
    /// Any other character.
    Sign(&'a str),
}

/// The text without literals and comments, at most `max` characters long. Nothing if it cannot be
/// told where its literals end.
pub(crate) fn scrub(text: &str, dialect: Dialect, max: usize) -> Option<String> {
    let tokens = tokens(text, dialect)?;
    let first = first_word(&tokens)?;
    if !TOLD.iter().any(|told| first.eq_ignore_ascii_case(told)) {
        let is_word = first.len() <= 20 && first.bytes().all(|byte| byte.is_ascii_alphabetic());
        return is_word.then(|| first.to_ascii_uppercase());
    }
    let mut shown = String::with_capacity(text.len().min(4 * max));
    let mut count = 0;
    for token in tokens {
        let piece = match token {
            Token::Word(piece) | Token::Quoted(piece) | Token::Sign(piece) => piece,
            Token::Literal => "?",
            Token::Blank if shown.is_empty() || shown.ends_with(' ') => "",
            Token::Blank => " ",
        };
        for ch in piece.chars() {
            if count == max {
                return Some(shown);
            }
            count += 1;
            shown.push(if ch.is_control() { ' ' } else { ch });
        }
    }
    shown.truncate(shown.trim_end().len());
    Some(shown)
}

/// The first word, if nothing but brackets stands before it.
pub(crate) fn first_word<'a>(tokens: &[Token<'a>]) -> Option<&'a str> {
    tokens.iter().find_map(|token| match token {
        Token::Word(word) => Some(Some(*word)),
        Token::Blank | Token::Sign("(") => None,
        _ => Some(None),
    })?
}

/// Takes the text apart. Nothing if a text in quotes holds a backslash: whether that escapes the
/// closing quote depends on settings that we do not know.
pub(crate) fn tokens(text: &str, dialect: Dialect) -> Option<Vec<Token<'_>>> {
    let mut tokens = Vec::with_capacity(text.len() / 4);
    let mut rest = text;
    while let Some(ch) = rest.chars().next() {
        let (token, len) = next(rest, ch, dialect)?;
        tokens.push(token);
        rest = &rest[len..];
    }
    Some(tokens)
}

fn next(rest: &str, ch: char, dialect: Dialect) -> Option<(Token<'_>, usize)> {
    let until = |is_end: fn(char) -> bool| rest.find(is_end).unwrap_or(rest.len());
    Some(match ch {
        ch if ch.is_whitespace() => (Token::Blank, until(|c| !c.is_whitespace())),
        '-' if rest.starts_with("--") => (Token::Blank, until(|c| c == '\n')),
        '/' if rest.starts_with("/*") => (Token::Blank, comment(rest)),
        '\'' => (Token::Literal, quoted(rest, '\'')?),
        '"' if dialect == Dialect::Mysql => (Token::Literal, quoted(rest, '"')?),
        '`' if dialect == Dialect::Postgres => (Token::Sign("`"), 1),
        '"' | '`' => {
            let len = quoted(rest, ch)?;
            (Token::Quoted(&rest[..len]), len)
        }
        '$' if dialect == Dialect::Postgres => dollar(rest),
        ch if ch.is_ascii_digit() => (Token::Literal, until(|c| !(c.is_alphanumeric() || c == '.'))),
        ch if ch.is_alphabetic() || ch == '_' => {
            let len = until(|c| !(c.is_alphanumeric() || c == '_' || c == '$'));
            // `E'…'`, `B'…'` and the like: the letter belongs to the literal, and nobody misses it.
            (Token::Word(&rest[..len]), len)
        }
        _ => (Token::Sign(&rest[..ch.len_utf8()]), ch.len_utf8()),
    })
}

/// The length of a text in quotes; a doubled quote does not end it. One that was cut ends the text.
fn quoted(rest: &str, quote: char) -> Option<usize> {
    let mut at = 1;
    loop {
        let Some(found) = rest[at..].find([quote, '\\']) else { return Some(rest.len()) };
        let end = at + found;
        if rest[end..].starts_with('\\') {
            return None;
        }
        at = end + 1;
        if !rest[at..].starts_with(quote) {
            return Some(at);
        }
        at += 1;
    }
}

/// `$1`, or a text between `$tag$` and `$tag$`.
fn dollar(rest: &str) -> (Token<'_>, usize) {
    let tag = rest[1..].find(|c: char| !(c.is_alphanumeric() || c == '_')).map_or(rest.len(), |len| len + 1);
    if rest[tag..].starts_with('$') {
        let open = &rest[..=tag];
        let end = rest[open.len()..].find(open).map_or(rest.len(), |len| len + 2 * open.len());
        return (Token::Literal, end);
    }
    let is_parameter = tag > 1 && rest[1..tag].bytes().all(|byte| byte.is_ascii_digit());
    (if is_parameter { Token::Word(&rest[..tag]) } else { Token::Literal }, tag)
}

/// The length of a comment, with the comments in it. One that was cut ends the text.
fn comment(rest: &str) -> usize {
    let (mut at, mut depth) = (2, 1_usize);
    while depth > 0 {
        let (open, close) = (rest[at..].find("/*"), rest[at..].find("*/"));
        at += match (open, close) {
            (Some(open), Some(close)) if open < close => {
                depth += 1;
                open + 2
            }
            (_, Some(close)) => {
                depth -= 1;
                close + 2
            }
            _ => return rest.len(),
        };
    }
    at
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pg(text: &str) -> Option<String> {
        scrub(text, Dialect::Postgres, 120)
    }

    #[test]
    fn literals_and_comments_do_not_leave() {
        for (text, wanted) in [
            ("SELECT  *\nFROM t1 WHERE a = $1", "SELECT * FROM t1 WHERE a = $1"),
            ("select 'it''s' , 12.5e3, t2.x from \"Odd 7\"", "select ? , ?, t2.x from \"Odd 7\""),
            ("/* user:7 /* in */ */ select -- secret\n 1", "select ?"),
            ("select $$a'b$$, $x$ $$ $x$, $12", "select ?, ?, $12"),
            ("(select 'cut", "(select ?"),
            ("select /* cut secret", "select"),
            ("select $secret", "select ?"),
        ] {
            assert_eq!(pg(text).as_deref(), Some(wanted), "{text}");
        }
        assert_eq!(scrub("SELECT \"hunter2\", `b`", Dialect::Mysql, 99).as_deref(), Some("SELECT ?, `b`"));
    }

    #[test]
    fn of_a_statement_that_is_no_query_only_its_first_word_is_told() {
        assert_eq!(pg("create user a password 'hunter2'").as_deref(), Some("CREATE"));
        assert_eq!(pg("SET x = hunter2").as_deref(), Some("SET"));
        assert_eq!(pg("'hunter2'"), None);
        assert_eq!(pg(""), None);
    }

    #[test]
    fn a_text_whose_literals_cannot_be_told_apart_is_not_told() {
        assert_eq!(pg(r"select 'a\', hunter2"), None);
    }

    #[test]
    fn a_text_is_cut_between_characters() {
        assert_eq!(scrub("select äöü from t", Dialect::Postgres, 9).as_deref(), Some("select äö"));
    }

    proptest! {
        #[test]
        fn any_text_is_taken_apart_without_a_panic(text in "[^\"`]*", max in 0..50_usize) {
            for dialect in [Dialect::Postgres, Dialect::Mysql] {
                if let Some(shown) = scrub(&format!("select {text}"), dialect, max) {
                    prop_assert!(shown.chars().count() <= max);
                    prop_assert!(!shown.contains('\''));
                }
            }
        }

        #[test]
        fn a_quoted_text_never_leaves(secret in "[a-z]{8,20}") {
            let text = format!("select a from t where b = '{secret}' and c = $1");
            prop_assert!(!pg(&text).unwrap().contains(&secret));
        }
    }
}
