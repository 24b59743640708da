//! System 4: the incident service of a chain of stores. What staff report is listed, shown with a
//! photo and printed; what a user may see depends on the user.

mod handlers;
mod keys;
mod media;
mod model;
mod policies;
mod queries;
pub(crate) mod seed;
mod writes;

pub(crate) use handlers::routes;
pub(crate) use writes::print_report;
