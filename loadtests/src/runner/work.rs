//! One attack: the users of an experiment at work, between two restarts.

use std::ops::Range;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use hitmark_schema::{LoadModel, Variant};

use super::hooks::{self, Hook};
use super::report::Report;
use super::{LoadError, RunOptions, Sink};
use crate::attack::{TurnEnd, Work, attack};
use crate::observe::Observer;
use crate::plan::{ExperimentPlan, Plan};
use crate::schedule::closed::{ClosedSchedule, Edge};
use crate::schedule::open::{OpenSchedule, Punctuality};
use crate::schedule::{EndedBlock, Shape, Sides};
use crate::user::open::OwnTimes;
use crate::user::{Shared, User};

/// Under which side a load is recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Recorded {
    /// Each side under its own.
    AsIs,
    /// A load of one side alone, which the engine takes for a baseline, under that side.
    As(Variant),
}

/// Runs the given super-blocks of an experiment; what is wrong with the generator's own part comes
/// back in words.
pub(crate) async fn run(
    plan: &Plan,
    experiment: &ExperimentPlan,
    blocks: Range<u32>,
    options: &RunOptions,
    sink: &Arc<Sink>,
    timed: &[Hook],
    recorded: Recorded,
) -> Result<Vec<String>, LoadError> {
    let name = experiment.name.clone();
    let targets = super::targets(experiment)?;
    let has_slices = matches!(experiment.load, LoadModel::Closed { .. });
    let observer = Observer::new(experiment, &targets, has_slices);
    let shared = Shared::new(experiment, targets, plan.run.seed, Arc::clone(sink), options.stop.clone())
        .map_err(|source| LoadError::Request { experiment: name.clone(), source })?;
    let shared = Arc::new(shared);
    let shape = shape(plan, experiment, &blocks);
    let users = experiment.load.users();
    let model = match experiment.load {
        LoadModel::Closed { users } => {
            Model::Closed(ClosedSchedule::new(shape, users, experiment.pace.clone()))
        }
        LoadModel::Open { rate_per_s, .. } => {
            Model::Open(OpenSchedule::new(shape, rate_per_s, &experiment.pace), Punctuality::default())
        }
    };
    let work = Arc::new(Turns {
        users: (0..users).map(|number| Mutex::new(Some(Seat::new(number, experiment, &shared)))).collect(),
        shared: Arc::clone(&shared),
        model,
        report: Report {
            experiment: experiment.clone(),
            pairs: plan.run.pairs,
            options: options.clone(),
            sink: Arc::clone(sink),
            observer: observer.map(tokio::sync::Mutex::new),
            totals: Mutex::default(),
            abort_when: plan.run.abort_when,
            recorded,
        },
    });
    let host = format!("http://{}", experiment.baseline.address.authority);
    let tasks = hooks::start(timed, experiment, plan.run.warmup, &shared);
    attack(users, &host, Arc::clone(&work) as Arc<dyn Work>)
        .await
        .map_err(|source| LoadError::Attack { experiment: name, source })?;
    drop(tasks);
    Ok(work.finish().await)
}

fn shape(plan: &Plan, experiment: &ExperimentPlan, blocks: &Range<u32>) -> Shape {
    Shape {
        slice: plan.run.slice,
        superblock: plan.run.superblock,
        warmup: plan.run.warmup,
        first_block: blocks.start,
        blocks: blocks.end - blocks.start,
        seed: plan.run.seed,
        sides: if experiment.candidate.is_some() { Sides::Both } else { Sides::BaselineOnly },
        requests_max: plan.run.requests_max,
    }
}

/// What the users of an attack work on.
struct Turns {
    users: Vec<Mutex<Option<Seat>>>,
    shared: Arc<Shared>,
    model: Model,
    report: Report,
}

/// A user and what it books of itself, taken out of its place for the length of a turn.
struct Seat {
    user: User,
    times: OwnTimes,
}

enum Model {
    Closed(ClosedSchedule),
    Open(OpenSchedule, Punctuality),
}

impl Seat {
    fn new(number: usize, experiment: &ExperimentPlan, shared: &Shared) -> Self {
        Self { user: User::new(number as u64, experiment, shared), times: OwnTimes::default() }
    }
}

impl Work for Turns {
    fn turn(self: Arc<Self>, user: usize) -> Pin<Box<dyn Future<Output = TurnEnd> + Send>> {
        Box::pin(async move {
            let Some(place) = self.users.get(user) else { return TurnEnd::Done };
            let Some(mut seat) = place.lock().unwrap_or_else(PoisonError::into_inner).take() else {
                return TurnEnd::Done;
            };
            let end = match &self.model {
                Model::Closed(schedule) => {
                    let lead = async |edge: Edge| self.report.edge(edge).await;
                    seat.user.closed_turn(&self.shared, schedule, lead).await
                }
                Model::Open(schedule, punctuality) => {
                    let lead = async |ended: EndedBlock| self.report.block(ended).await;
                    seat.user.open_turn(&self.shared, schedule, &mut seat.times, punctuality, lead).await
                }
            };
            *place.lock().unwrap_or_else(PoisonError::into_inner) = Some(seat);
            end
        })
    }
}

impl Turns {
    /// Writes what the open model leaves for the end, its last super-block, and says where the
    /// generator was not punctual.
    async fn finish(&self) -> Vec<String> {
        let mut faults = Vec::new();
        if let Model::Open(schedule, punctuality) = &self.model
            && !self.shared.stop.is_set()
        {
            self.report.block(schedule.finish(&self.shared.recorder)).await;
            faults = punctuality.faults(schedule);
        }
        self.report.compare_counts();
        faults
    }
}
