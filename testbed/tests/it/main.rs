//! The service as its clients see it: real databases, a real cache server, whole responses.

// The lint knows tests, but not the functions that they share.
#![allow(clippy::expect_used)]

mod admin;
mod analytics;
mod answers;
mod celery;
mod contradictions;
mod foreign;
mod freshness;
mod health;
mod incidents;
mod life;
mod market_writes;
mod outcomes;
mod pages;
mod rollbacks;
mod score_reports;
mod support;
mod tasks;
