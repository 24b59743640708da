//! What the collectors of databases share: counters of statements that stay exact.
//!
//! PostgreSQL and MySQL both keep a table of statements that forgets, is reset and is too long to
//! export. `ledger` turns it into a bounded set of counters that only grow (`ranking` chooses whose),
//! `text` takes what may be personal out of a statement's text, `cacheable` says whether a cache may
//! pay for a statement. None of them knows a database.

pub(crate) mod cacheable;
pub(crate) mod ledger;
mod ranking;
pub(crate) mod text;
