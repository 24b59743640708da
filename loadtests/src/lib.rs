//! Load tests that compare a baseline with a candidate, in alternating slices, in nanoseconds.
//!
//! A plan file becomes a [`plan::Plan`]; each of its experiments becomes one goose attack whose
//! users send requests over their own connection and record what they saw; super-block by
//! super-block the record goes into a run directory. Nothing here judges the figures or draws
//! them, and a service is known only by its URL.
//!
//! # Layout
//!
//! - [`plan`]: the plan file, checked whole before the first request.
//! - [`keys`]: which key a request asks for.
//! - [`template`], [`request`]: what is sent. [`session`]: what a user remembers. [`transport`]: how it is sent and timed.
//! - [`answer`]: what a response's headers say of the cache.
//! - [`equivalence`]: whether both variants answer the same.
//! - [`live`]: a run while it goes, for a terminal and for Prometheus.
//! - [`observe`]: hits as the service and its cache server count them.
//! - [`recorder`]: latencies and counts, sharded by thread.
//! - [`schedule`]: whose turn it is: slices, super-blocks, arrivals.
//! - [`scenario`]: what scenarios are made of. [`scenarios`]: the list of them, one file each.
//! - [`user`]: what one user does, in the closed and in the open model.
//! - [`attack`]: goose. The only file that knows it.
//! - [`service_process`]: services that the plan starts itself.
//! - [`trace`]: traces of keys, read from files. [`whatif`]: what another cache would have made of one.
//! - [`runner`]: a plan's experiments, one after another, into a run directory.

pub mod answer;
pub mod attack;
mod checks;
mod encoding;
pub mod equivalence;
pub mod keys;
pub mod live;
pub mod observe;
pub mod plan;
mod probe;
pub mod recorder;
pub mod request;
pub mod runner;
pub mod scenario;
pub mod scenarios;
pub mod schedule;
pub mod service_process;
pub mod session;
pub mod starter;
pub mod template;
pub mod trace;
pub mod transport;
pub mod user;
pub mod verify;
mod watch;
pub mod whatif;

pub use plan::{Plan, PlanErrors};
pub use runner::hooks::{Hook, LiveCounters};
pub use runner::{Progress, RunOptions, RunReport, Stop, run, run_with};
pub use starter::starter;
pub use verify::{Verified, verify};
