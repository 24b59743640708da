//! The caching layer as its users see it. One binary, so that it links once.

// Helpers of tests fail as tests do; the lint's own exception covers only functions marked #[test].
#![allow(clippy::expect_used)]

mod cluster;
mod contract;
mod faults;
mod file;
mod hygiene;
mod invalidation;
mod leases;
mod memory;
mod model;
mod outage;
mod policies;
mod processes;
mod redis;
mod sentinel;
mod slow;
mod sqlite;
mod support;
mod tiered;
