//! Each scenario's arithmetic against a small service whose behaviour is known by construction.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on should stop here")]

mod edges;
mod loads;
mod options;
mod quick;
mod reads;
mod service;
mod stampede;
mod stopped;
mod support;
