//! The marketplace: product lists, product pages and search, as a building supplier's market has
//! them. Its cache holds whole response bodies; its data rarely change and are read by everybody.

mod changes;
mod handlers;
mod keys;
mod model;
mod queries;
pub(crate) mod seed;
mod words;
mod writes;

pub(crate) use changes::{TABLES, cascades};
pub(crate) use handlers::routes;
