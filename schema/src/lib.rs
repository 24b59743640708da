//! What the rooms of hitmark share: the words, and the files in which the rooms meet.
//!
//! Measuring (`loadtests`), judging (`reports`), watching (`exporter`) and the service under test
//! (`cache`, `testbed`) never call each other to exchange a figure. They meet in the types of this
//! crate: an experiment, its measurements, the run directory, the metric registry, the table of
//! thresholds. It opens no socket, starts no runtime and draws nothing.
//!
//! # Layout
//!
//! - [`outcome`], [`variant`], [`experiment`], [`measurement`]: the words.
//! - [`run`]: the run directory, its writer and its reader.
//! - [`scenario`]: what a scenario found.
//! - [`environment`]: where a run was made.
//! - [`cache_status`]: the `Cache-Status` response header, as sent and as read.
//! - [`cache_headers`]: what the headers of any cache say, vendors' own among them.
//! - [`curve`]: a miss-ratio curve from a sample of requests, as they come.
//! - [`metrics`], [`exposition`]: metric names, and the text page that carries them; [`process`]: what a
//!   process says of itself there.
//! - [`thresholds`]: the one table of what is excellent, good or poor.
//! - [`redact`]: URLs without their secrets.

pub mod cache_headers;
pub mod cache_status;
pub mod curve;
pub mod environment;
pub mod experiment;
pub mod exposition;
pub mod measurement;
pub mod metrics;
pub mod outcome;
pub mod process;
pub mod redact;
pub mod run;
pub mod scenario;
pub mod thresholds;
pub mod variant;
pub mod whatif;

pub use experiment::{Experiment, LoadModel, VariantPlan};
pub use measurement::{Counters, ErrorKind, SuperBlock, Timing};
pub use outcome::Outcome;
pub use run::{Run, RunDocument, RunError, RunWriter};
pub use scenario::{Figure, ScenarioResult, Unit};
pub use variant::Variant;
