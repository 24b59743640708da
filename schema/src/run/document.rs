//! `run.json`: what was asked, where, and how far it came.

use serde::{Deserialize, Serialize};

use crate::environment::Environment;
use crate::experiment::Experiment;

/// The version of the run directory that this crate writes and reads.
pub const RUN_SCHEMA: u32 = 1;

/// How far a run came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunState {
    /// Still going, or killed: the writer could say no more.
    Running,
    /// All that the plan asks for was done.
    Complete,
    /// Stopped early, in order: what was measured is kept.
    Interrupted,
}

/// How much of its plan a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Extent {
    /// All that the plan asks for.
    #[default]
    Whole,
    /// A look: fewer and shorter steps, by `--quick`. Its figures are not those of the plan.
    Quick,
}

impl Extent {
    /// Whether it is all that the plan asks for.
    #[must_use]
    pub const fn is_whole(&self) -> bool {
        matches!(self, Self::Whole)
    }
}

/// The document of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunDocument {
    /// The version of the format: [`RUN_SCHEMA`].
    pub schema: u32,
    /// How far the run came.
    pub state: RunState,
    /// The command line that made it, secrets masked.
    pub command: String,
    /// The plan file as it was read, secrets masked; empty if there was none.
    pub plan: String,
    /// How much of the plan was asked for.
    #[serde(default, skip_serializing_if = "Extent::is_whole")]
    pub extent: Extent,
    /// The seed of key streams and slice order.
    pub seed: u64,
    /// The clock of the latencies.
    pub clock: String,
    /// When it began, nanoseconds since the Unix epoch.
    pub started_unix_ns: u64,
    /// When it ended; none if it was killed.
    pub ended_unix_ns: Option<u64>,
    /// The machine and the build.
    pub environment: Environment,
    /// The experiments, in the order of the plan.
    pub experiments: Vec<Experiment>,
    /// Why the figures must not be used, by experiment slug; absent experiments are valid.
    #[serde(default)]
    pub invalid: Vec<Invalid>,
}

/// Why the figures of an experiment must not be used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invalid {
    /// The slug of the experiment.
    pub experiment: String,
    /// What went wrong, as a sentence with its figures.
    pub reason: String,
}

impl RunDocument {
    /// The reasons for which an experiment's figures must not be used.
    pub fn invalid_reasons<'a>(&'a self, experiment: &'a str) -> impl Iterator<Item = &'a str> {
        self.invalid
            .iter()
            .filter(move |entry| entry.experiment == experiment)
            .map(|entry| entry.reason.as_str())
    }
}
