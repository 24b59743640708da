//! Things that happen in the middle of a run and that a reader of its curves must know.

use serde::{Deserialize, Serialize};

use crate::variant::Variant;

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    /// The service began to say that its cache server could not be asked.
    CacheUnreachable,
    /// The service's cache answers again.
    CacheRecovered,
    /// Requests began to fail.
    ErrorsBegan,
    /// Requests succeed again.
    ErrorsEnded,
    /// The variants answered the same request differently.
    Mismatch,
    /// Service, cache server and load generator count different hits.
    CountsDiffer,
    /// A limit of the plan was broken, which ended the run.
    Aborted,
    /// Something that a scenario did on purpose, such as stopping a cache server.
    Intervention,
    /// The run was stopped before its plan was done.
    Interrupted,
    /// The super-blocks of another run were taken over.
    Merged,
}

impl EventKind {
    /// The event in words.
    #[must_use]
    pub const fn describe(self) -> &'static str {
        match self {
            Self::CacheUnreachable => "cache server unreachable",
            Self::CacheRecovered => "cache server back",
            Self::ErrorsBegan => "requests began to fail",
            Self::ErrorsEnded => "requests succeed again",
            Self::Mismatch => "bodies differ",
            Self::CountsDiffer => "counts of hits differ",
            Self::Aborted => "run aborted",
            Self::Intervention => "intervention",
            Self::Interrupted => "run interrupted",
            Self::Merged => "run merged",
        }
    }
}

/// One thing that happened: a line of `events.jsonl`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// When, nanoseconds since the Unix epoch.
    pub unix_ns: u64,
    /// In which experiment, by slug; none if it concerns the run.
    pub experiment: Option<String>,
    /// On which side, where it is known.
    pub variant: Option<Variant>,
    /// What.
    pub kind: EventKind,
    /// More, for a person.
    pub detail: String,
}
