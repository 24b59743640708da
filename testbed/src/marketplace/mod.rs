//! The marketplace: product lists, product pages and search, as a building supplier's market has
//! them. Its cache holds whole response bodies; its data rarely change and are read by everybody.

mod handlers;
mod keys;
mod model;
mod queries;
pub(crate) mod seed;
mod words;

pub(crate) use handlers::routes;
