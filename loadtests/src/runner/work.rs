//! One attack: the users of an experiment at work, between two restarts.

use std::ops::Range;
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use hitmark_schema::{LoadModel, Variant};

use super::hooks::{self, Hook};
use super::lanes::Lanes;
use super::report::Report;
use super::{LoadError, RunOptions, Sink};
use crate::attack::{Work, attack};
use crate::observe::Observer;
use crate::plan::{ExperimentPlan, Plan};
use crate::schedule::closed::{ClosedSchedule, Edge};
use crate::schedule::open::{Lateness, OpenSchedule, Punctuality};
use crate::schedule::{EndedBlock, Shape, Sides};
use crate::user::open::OwnTimes;
use crate::user::{Shared, TurnEnd, User};

/// Under which side a load is recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Recorded {
    /// Each side under its own.
    AsIs,
    /// A load of one side alone, which the engine takes for a baseline, under that side.
    As(Variant),
}

/// Runs the given super-blocks of an experiment; what is to be said of the generator's own part comes
/// back.
pub(crate) async fn run(
    plan: &Plan,
    experiment: &ExperimentPlan,
    blocks: Range<u32>,
    options: &RunOptions,
    sink: &Arc<Sink>,
    timed: &[Hook],
    recorded: Recorded,
) -> Result<Ended, LoadError> {
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
            Model::Open(OpenSchedule::new(shape, rate_per_s, &experiment.pace), Box::default())
        }
    };
    let lanes =
        Lanes::start(users).map_err(|source| LoadError::Threads { experiment: name.clone(), source })?;
    let work = Arc::new(Turns {
        lanes,
        users,
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
    attack(work.lanes.count(), &host, Arc::clone(&work) as Arc<dyn Work>)
        .await
        .map_err(|source| LoadError::Attack { experiment: name, source })?;
    drop(tasks);
    Ok(work.finish().await)
}

/// What an attack's end says of the generator itself.
#[derive(Debug, Default)]
pub(crate) struct Ended {
    /// Why what it measured must not be used, if it must not.
    pub(crate) faults: Vec<String>,
    /// How late requests were sent; none in the closed model, where nothing is due.
    pub(crate) lateness: Option<Lateness>,
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
    lanes: Lanes,
    users: usize,
    shared: Arc<Shared>,
    model: Model,
    report: Report,
}

enum Model {
    Closed(ClosedSchedule),
    Open(OpenSchedule, Box<Punctuality>),
}

impl Work for Turns {
    fn of_crew(self: Arc<Self>, crew: usize) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(async move {
            let handle = self.lanes.of(crew).clone();
            let members = (crew..self.users).step_by(self.lanes.count());
            let at_work: Vec<_> =
                members.map(|user| handle.spawn(Arc::clone(&self).all_turns(user))).collect();
            for member in at_work {
                // A user that panics has told so; the others go on to their end.
                let _ = member.await;
            }
        })
    }
}

impl Turns {
    /// Every turn of a user, one after the other. There is one such future for each user, so what is
    /// done seldom, such as the leader's work, is on the heap while it is done and no longer.
    async fn all_turns(self: Arc<Self>, number: usize) {
        let mut user = User::new(number as u64, &self.report.experiment, &self.shared);
        let mut times = OwnTimes::default();
        let mut end = TurnEnd::Again;
        while end == TurnEnd::Again {
            end = match &self.model {
                Model::Closed(schedule) => {
                    let lead = |edge: Edge| Box::pin(self.report.edge(edge));
                    user.closed_turn(&self.shared, schedule, lead).await
                }
                Model::Open(schedule, punctuality) => {
                    let lead = |ended: EndedBlock| Box::pin(self.report.block(ended));
                    user.open_turn(&self.shared, schedule, &mut times, punctuality, lead).await
                }
            };
        }
    }

    /// Writes what the open model leaves for the end, its last super-block, and says where the
    /// generator was not punctual.
    async fn finish(&self) -> Ended {
        let mut ended = Ended::default();
        if let Model::Open(schedule, punctuality) = &self.model
            && !self.shared.stop.is_set()
        {
            self.report.block(schedule.finish(&self.shared.recorder)).await;
            ended = Ended { faults: punctuality.faults(schedule), lateness: punctuality.lateness() };
        }
        self.report.compare_counts();
        ended
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A user's share of a thousand in thirty megabytes, beside its connection.
    const FUTURE_BYTES_MAX: usize = 3_584;

    const fn size_of_future<A, B, F>(_: fn(A, B) -> F) -> usize {
        size_of::<F>()
    }

    #[test]
    fn a_user_at_work_takes_little_memory() {
        let bytes = size_of_future(Turns::all_turns);
        assert!(bytes <= FUTURE_BYTES_MAX, "{bytes} bytes");
    }
}
