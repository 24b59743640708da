//! Run directories are written as a load run writes them, read back, and turned into everything that
//! this crate makes of them.

mod comparison;
mod gate;
mod manifest;
mod page;
mod runs;
mod support;
