//! Run directories are written as a load run writes them, read back, and turned into everything that
//! this crate makes of them.

#![allow(clippy::unwrap_used, reason = "a test that cannot write its run has nothing to test")]

mod claims;
mod comparison;
mod gate;
mod manifest;
mod page;
mod runs;
mod scenario;
mod support;
