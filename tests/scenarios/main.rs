//! The shipped scenario plans, made short, by the built command against the reference service with
//! real Redis and PostgreSQL.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    dead_code,
    reason = "a test that cannot go on should stop here; other tests use the rest of the support"
)]

#[path = "../support/mod.rs"]
mod support;

mod each;
mod outage;
mod shipped;
mod staleness;
