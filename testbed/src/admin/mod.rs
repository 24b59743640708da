//! Administration of the cache: what it holds, how it does, and taking things out of it. Guarded by
//! the admin token; every invalidation leaves a line in the log (target `audit`).
//!
//! The shapes are those of the seed documents; categories come from `hitmark_schema::thresholds`.

mod guard;
mod handlers;
pub(crate) mod invalidation;
pub(crate) mod permits;
pub(crate) mod server;
mod stats;

pub(crate) use handlers::routes;
