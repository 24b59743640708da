//! The analytics system: revenue, customers, cohorts, fraud and live figures of a shop, as dashboards
//! ask for them. Its answers are aggregates that cost tens of milliseconds and may be minutes old,
//! which is what a cache is for.
//!
//! "Now" is the end of the generated data, so that an answer is the same on every day.

mod customers;
mod fraud;
mod handlers;
pub(crate) mod keys;
mod model;
mod pagination;
mod parameters;
mod policies;
mod queries;
mod realtime;
pub(crate) mod seed;

pub(crate) use handlers::routes;
