//! The response cache through its layer: sequences of requests and answers before a scripted origin.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on should stop here")]

mod coalescing;
mod invalidation;
mod privacy;
mod sequences;
mod stale;
mod support;
