//! The edge over real sockets: between clients and an origin that is told what to answer.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on should stop here")]

mod administration;
mod caching;
mod failures;
mod layer;
mod passing;
mod support;
