//! How the answers of one endpoint are cached: for how long, and which tables they are read from. A
//! write to one of those tables takes the answer out, whoever wrote.
//!
//! A policy is made once, at the first request, and lent to all: a hit allocates nothing for it.

use std::time::Duration;

use hitmark_cache::{Policy, table_tag};

/// Fresh for `ttl`, unless one of the tables is written to.
pub(crate) fn of_tables(ttl: Duration, tables: &[&str]) -> Policy {
    Policy::ttl(ttl).tags(tables.iter().map(|table| table_tag(table)))
}

/// A list of policies by name: `static NAME = lifetime, of these tables`.
macro_rules! policies {
    ($($(#[$note:meta])* $name:ident = $ttl:expr, [$($table:literal),+];)+) => {
        $($(#[$note])* pub(super) static $name: std::sync::LazyLock<hitmark_cache::Policy> =
            std::sync::LazyLock::new(|| crate::policy::of_tables($ttl, &[$($table),+]));)+
    };
}

pub(crate) use policies;
