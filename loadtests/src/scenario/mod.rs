//! What every scenario is made of: its stage, clients, actions, timelines, intervals.
//!
//! A scenario asks a question that only a cache can be asked, so it has a course of its own: it
//! expires a key, stops a server, writes while others read. Each is one file in
//! [`scenarios`](crate::scenarios); what they share stands here. The load that a scenario needs is that
//! of the engine wherever it is a load; only where single requests must be arranged (all at one
//! moment, each after a write) does a scenario send them itself, over the same transport.

pub mod action;
pub mod canaries;
pub mod client;
pub mod crowd;
pub mod grid;
pub mod interval;
pub mod memory;
pub mod peak;
pub mod probe;
pub mod stage;
pub mod timeline;
pub mod versions;

use std::fmt::Debug;
use std::pin::Pin;
use std::sync::Arc;

use hitmark_schema::ScenarioResult;

use crate::plan::StepPlan;
use crate::plan::fields::{Fields, Notes};
use crate::plan::texts::Known;
use crate::runner::LoadError;
use stage::Stage;

/// What a scenario found, or why it could not go on.
pub type Found<'s> = Pin<Box<dyn Future<Output = Result<Vec<ScenarioResult>, LoadError>> + Send + 's>>;

/// A scenario with its options, checked and ready to run.
pub trait Scenario: Debug + Send + Sync {
    /// What will be done, in words after the experiment's name.
    fn describe(&self) -> String;

    /// The same question in about ten seconds at most, beside what its actions take by themselves: fewer
    /// and shorter steps. Nothing becomes longer than the plan has it.
    fn quick(&self) -> Arc<dyn Scenario>;

    /// Runs the scenario on every side of its experiment: one result for each.
    fn run<'s>(&'s self, stage: &'s Stage<'s>) -> Found<'s>;
}

/// A scenario as an experiment of a plan names it.
#[derive(Debug, Clone)]
pub struct ScenarioPlan {
    /// Its name.
    pub name: &'static str,
    /// Its options.
    pub scenario: Arc<dyn Scenario>,
}

/// An entry of the list of scenarios.
#[derive(Clone, Copy)]
pub struct Entry {
    /// The name in plans: `scenario = "stampede"` with its options in `[experiment.stampede]`.
    pub name: &'static str,
    /// What it measures, as `hitmark load list` prints it.
    pub about: &'static str,
    /// Reads and checks the options.
    pub(crate) read: Read,
}

/// Reads options: `None` if they are not right; every mistake is noted.
pub(crate) type Read =
    for<'n, 't, 'p, 'c> fn(&mut Notes<'n>, Fields<'t, 'p>, &mut Context<'c>) -> Option<Arc<dyn Scenario>>;

/// What options are checked against.
#[derive(Debug)]
pub(crate) struct Context<'c> {
    /// Hosts that may be sent to beside loopback.
    pub(crate) allow_hosts: &'c [String],
    /// The names that may stand in braces; a scenario may add its own.
    pub(crate) known: &'c mut Known,
    /// The experiment's only request; none if it has journeys.
    pub(crate) request: Option<StepPlan>,
    /// Whether the load is open: a rate.
    pub(crate) is_open: bool,
    /// Whether keys are chosen, and are numbers.
    pub(crate) has_keys: bool,
}

impl Context<'_> {
    /// Notes a mistake unless the experiment has exactly one request and no journeys.
    pub(crate) fn need_single_request(&self, notes: &mut Notes<'_>, fields: &Fields<'_, '_>) {
        if self.request.is_none() {
            notes.add(
                fields.span(),
                format!("{}: this scenario sends one request: give 'path', no journeys", fields.name()),
            );
        }
    }

    /// Notes a mistake unless keys are chosen, for an option that counts them.
    pub(crate) fn need_keys(&self, notes: &mut Notes<'_>, fields: &Fields<'_, '_>, option: &str) {
        if !self.has_keys {
            let advice = "needs {key} in the path, and 'keys' that are numbers";
            notes.add(fields.span(), format!("{} {option}: {advice}", fields.name()));
        }
    }

    /// Notes a mistake unless the load is a number of users.
    pub(crate) fn need_users(&self, notes: &mut Notes<'_>, fields: &Fields<'_, '_>) {
        if self.is_open {
            notes.add(fields.span(), format!("{}: this scenario needs 'users', not 'rate'", fields.name()));
        }
    }
}

impl std::fmt::Debug for Entry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Entry").field("name", &self.name).finish_non_exhaustive()
    }
}
