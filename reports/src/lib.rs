//! Run directories become statistics, charts, pages and verdicts.
//!
//! Everything here is pure: a [`Run`] goes in, values and text come out, and the same run gives the
//! same bytes. Nothing is sent, printed or written, and nothing is known of how a run was made: not
//! the load generator, not the cache, not the service.
//!
//! # Layout
//!
//! - [`statistics`]: exact rank statistics on plain numbers.
//! - [`pairing`], [`variants`], [`comparison`], [`verdict`]: a run becomes ratios and verdicts.
//! - [`summary`], [`table`], [`words`], [`format`](mod@format): the same for programs, terminals and sentences.
//! - [`scenario`]: what scenarios found, as rows.
//! - [`charts`], [`page()`]: the same for eyes.
//! - [`claims`]: a run is held against what others state.
//! - [`gate`]: a run is held against a budget. [`compare`]: a run is held against another run.

pub mod charts;
pub mod claims;
pub mod compare;
pub mod comparison;
mod costs;
mod fields;
pub mod format;
pub mod gate;
mod level;
mod page;
pub mod pairing;
mod plot;
pub mod scenario;
pub mod statistics;
pub mod summary;
pub mod table;
pub mod variants;
pub mod verdict;
mod whatif;
pub mod words;

pub use compare::{RunsComparison, compare_runs};
pub use comparison::{ExperimentComparison, RunComparison, compare_run};
pub use page::{page, whatif_page};
pub use summary::summary_json;
pub use table::{summary_markdown, table_text};
pub use verdict::{Verdict, pairs_needed};
pub use whatif::whatif_text;

#[doc(no_inline)]
pub use hitmark_schema::Run;
