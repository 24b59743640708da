//! The marketplace: product lists, product pages and search, as a building supplier's market has
//! them. Its cache holds whole response bodies; its data rarely change and are read by everybody.

mod around;
pub(crate) mod cascades;
mod handlers;
mod keys;
mod loading;
mod model;
mod policies;
mod queries;
pub(crate) mod seed;
mod words;
mod writes;

pub(crate) use handlers::{product_body, routes};
