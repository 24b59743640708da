//! System 1: the score report generator. Its users' reports are queries, cached with the tables that
//! they read and invalidated by a commit to one of them; its documents are printed by tasks; who asks
//! is known by a session.

mod document;
mod handlers;
mod keys;
mod login;
mod model;
mod queries;
pub(crate) mod seed;
mod writes;

pub(crate) use document::print_document;
pub(crate) use handlers::routes;
pub(crate) use keys::TABLES;
