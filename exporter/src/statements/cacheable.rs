//! Whether a cache may pay for a statement: it only reads, gives the same twice, is repeated and slow.
//!
//! It is a hint, read from the normalised text and the counters; the reason is told beside it. That a
//! statement's rows change rarely cannot be seen here.

use super::text::{Dialect, Token, first_word, tokens};

/// What a statement does, as far as its text tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Nature {
    /// It only reads, and what it reads is in tables.
    Reads,
    /// It changes rows.
    Writes,
    /// It locks the rows that it reads.
    Locks,
    /// Its result changes although no table does.
    Volatile,
    /// It is no query.
    Utility,
    /// The text is hidden or cannot be read.
    Unknown,
}

/// From when on a cache may pay.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Limits {
    /// Executions.
    pub(crate) calls: u64,
    /// Mean time of one in nanoseconds.
    pub(crate) mean_ns: u64,
}

/// Functions and values whose result changes by itself.
const VOLATILE: &[&str] = &[
    "NOW",
    "RANDOM",
    "RAND",
    "NEXTVAL",
    "CURRVAL",
    "CLOCK_TIMESTAMP",
    "STATEMENT_TIMESTAMP",
    "TRANSACTION_TIMESTAMP",
    "TIMEOFDAY",
    "CURRENT_TIMESTAMP",
    "CURRENT_TIME",
    "CURRENT_DATE",
    "LOCALTIME",
    "LOCALTIMESTAMP",
    "CURDATE",
    "CURTIME",
    "SYSDATE",
    "UNIX_TIMESTAMP",
    "UTC_TIMESTAMP",
    "UUID",
    "GEN_RANDOM_UUID",
    "UUID_GENERATE_V4",
    "TXID_CURRENT",
    "PG_SLEEP",
    "SLEEP",
    "CONNECTION_ID",
    "LAST_INSERT_ID",
    "ROW_COUNT",
    "FOUND_ROWS",
    "SETVAL",
];
const WRITES: &[&str] = &["INSERT", "UPDATE", "DELETE", "MERGE", "REPLACE", "INTO"];

/// Reads what a statement does from its text.
pub(crate) fn nature(text: &str, dialect: Dialect) -> Nature {
    let Some(tokens) = tokens(text, dialect) else { return Nature::Unknown };
    let Some(first) = first_word(&tokens) else { return Nature::Unknown };
    let is = |word: &str, list: &[&str]| list.iter().any(|known| word.eq_ignore_ascii_case(known));
    if is(first, &["INSERT", "UPDATE", "DELETE", "MERGE", "REPLACE"]) {
        return Nature::Writes;
    }
    if !is(first, &["SELECT", "WITH", "VALUES", "TABLE"]) {
        return Nature::Utility;
    }
    let words = words(&tokens);
    let locks = words.windows(2).any(|pair| {
        is(pair[0], &["FOR", "KEY"]) && is(pair[1], &["UPDATE", "SHARE"])
            || is(pair[0], &["LOCK"]) && is(pair[1], &["IN"])
    }) || words.windows(2).any(|pair| is(pair[0], &["FOR"]) && is(pair[1], &["NO", "KEY"]));
    if locks {
        Nature::Locks
    } else if words.iter().any(|word| is(word, WRITES)) {
        Nature::Writes
    } else if words.iter().any(|word| is(word, VOLATILE)) {
        Nature::Volatile
    } else {
        Nature::Reads
    }
}

/// The words without quotes, and names of functions: MariaDB writes `` `now` ( ) ``.
fn words<'a>(tokens: &[Token<'a>]) -> Vec<&'a str> {
    let is_called =
        |at: usize| tokens[at + 1..].iter().find(|token| **token != Token::Blank) == Some(&Token::Sign("("));
    tokens
        .iter()
        .enumerate()
        .filter_map(|(at, token)| match token {
            Token::Word(word) => Some(*word),
            Token::Quoted(name) if name.starts_with('`') && is_called(at) => Some(name.trim_matches('`')),
            _ => None,
        })
        .collect()
}

/// Whether a cache may pay, and one word why.
pub(crate) fn verdict(nature: Nature, calls: u64, time_ns: u64, limits: Limits) -> (bool, &'static str) {
    match nature {
        Nature::Writes => (false, "writes"),
        Nature::Locks => (false, "locks"),
        Nature::Volatile => (false, "volatile"),
        Nature::Utility => (false, "utility"),
        Nature::Unknown => (false, "unknown"),
        Nature::Reads if calls < limits.calls => (false, "rare"),
        Nature::Reads if time_ns / calls.max(1) < limits.mean_ns => (false, "fast"),
        Nature::Reads => (true, "repeated_slow_read"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nature_of_a_statement_is_read_from_its_text() {
        for (text, wanted) in [
            ("SELECT a FROM t WHERE id = $1", Nature::Reads),
            ("with x as (select $1) select * from x", Nature::Reads),
            ("(SELECT a) UNION (SELECT b)", Nature::Reads),
            ("SELECT \"update\" FROM t", Nature::Reads),
            ("WITH gone AS (DELETE FROM t RETURNING *) SELECT * FROM gone", Nature::Writes),
            ("SELECT a INTO b FROM t", Nature::Writes),
            ("INSERT INTO t VALUES ($1)", Nature::Writes),
            ("SELECT a FROM t FOR UPDATE", Nature::Locks),
            ("SELECT a FROM t FOR NO KEY UPDATE", Nature::Locks),
            ("SELECT a FROM t FOR KEY SHARE", Nature::Locks),
            ("SELECT a FROM t LOCK IN SHARE MODE", Nature::Locks),
            ("SELECT now()", Nature::Volatile),
            ("SELECT a FROM t WHERE d > CURRENT_DATE", Nature::Volatile),
            ("VACUUM t", Nature::Utility),
            ("", Nature::Unknown),
            (r"SELECT 'a\'", Nature::Unknown),
        ] {
            assert_eq!(nature(text, Dialect::Postgres), wanted, "{text}");
        }
    }

    #[test]
    fn only_a_repeated_slow_read_is_worth_a_cache() {
        assert_eq!(nature("SELECT `a` , `now` ( )", Dialect::Mysql), Nature::Volatile);
        assert_eq!(nature("SELECT `now` FROM `t`", Dialect::Mysql), Nature::Reads);
        let limits = Limits { calls: 10, mean_ns: 1_000 };
        assert_eq!(verdict(Nature::Reads, 10, 10_000, limits), (true, "repeated_slow_read"));
        assert_eq!(verdict(Nature::Reads, 9, 10_000, limits), (false, "rare"));
        assert_eq!(verdict(Nature::Reads, 10, 9_999, limits), (false, "fast"));
        assert_eq!(verdict(Nature::Writes, 10, 10_000, limits), (false, "writes"));
        let nothing = Limits { calls: 0, mean_ns: 0 };
        assert_eq!(verdict(Nature::Reads, 0, 0, nothing), (true, "repeated_slow_read"));
    }
}
