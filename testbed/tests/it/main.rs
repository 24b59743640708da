//! The service as its clients see it: real databases, a real cache server, whole responses.

// The lint knows tests, but not the functions that they share.
#![allow(clippy::expect_used)]

mod analytics;
mod answers;
mod life;
mod outcomes;
mod pages;
mod support;
