//! The run directory: the contract between measuring and judging.
//!
//! A run is one execution of a plan. Its directory holds
//!
//! | file | content |
//! |---|---|
//! | `run.json` | schema version, plan, environment, command line, load model, state |
//! | `histograms.hlog` | HdrHistogram interval log (V2, compressed), one tagged line per experiment, variant, outcome, timing and super-block |
//! | `counters.jsonl` | one line per variant and super-block: requests, errors, bytes, calls |
//! | `events.jsonl` | one line per thing that happened in between, such as a lost cache server |
//! | `scenarios.jsonl` | one line per scenario and side: its figures and curves; only where a plan has scenarios |
//!
//! Every file is flushed as each super-block ends, so a killed run keeps what it finished. A
//! variant's super-block counts only once its line in `counters.jsonl` is whole: that line is
//! written last. Nothing here judges or draws.

mod document;
mod event;
mod hlog;
mod merge;
mod reader;
mod writer;

pub use document::{Extent, RUN_SCHEMA, RunDocument, RunState};
pub use event::{Event, EventKind};
pub use merge::{MergeError, merge};
pub use reader::Run;
pub use writer::RunWriter;

use std::path::{Path, PathBuf};

/// The document that describes a run.
pub const RUN_FILE: &str = "run.json";
/// The latencies.
pub const HISTOGRAMS_FILE: &str = "histograms.hlog";
/// The counts.
pub const COUNTERS_FILE: &str = "counters.jsonl";
/// What happened in between.
pub const EVENTS_FILE: &str = "events.jsonl";
/// What scenarios found.
pub const SCENARIOS_FILE: &str = "scenarios.jsonl";

/// Why a run directory could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// A file could not be read or written.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was attempted.
        action: &'static str,
        /// On which file.
        path: PathBuf,
        /// What the system answered.
        source: std::io::Error,
    },
    /// The directory holds a run already, and a run is never rewritten.
    #[error("{} holds a run already; a run is never rewritten: name another directory with --out", .0.display())]
    Exists(PathBuf),
    /// The directory holds no run.
    #[error("{} is no run directory: it has no {RUN_FILE}; 'hitmark load run' and 'hitmark demo' write one", .0.display())]
    NotARun(PathBuf),
    /// The run was written by another version of the format.
    #[error("{}: the run has schema {found}, this hitmark reads schema {expected}; read it with the hitmark that wrote it", path.display())]
    SchemaVersion {
        /// The document.
        path: PathBuf,
        /// The version in it.
        found: u64,
        /// The version that is understood.
        expected: u32,
    },
    /// A line or document is not what the format asks for.
    #[error("{}:{line}: {reason}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        reason: String,
    },
}

impl RunError {
    fn io(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { action, path, source }
    }
}
