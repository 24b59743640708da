//! The health system: recommendations, predictions from similar patients, and what feedback says of
//! them, in three languages. Its reads are expensive and stable; its writes clear what they change.
//!
//! A prediction compares a patient with all others of the same type, by all their records: that is
//! real work of the database, and nothing waits to look slow.

mod handlers;
mod keys;
mod locale;
mod model;
mod policies;
mod queries;
pub(crate) mod seed;
pub(crate) mod warm;
mod writes;

pub(crate) use handlers::routes;
