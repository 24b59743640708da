//! A plan's experiments, one after another, into a run directory.
//!
//! Experiments do not overlap: each has the machine to itself. Within one, both variants alternate.
//! What is measured is on disk before the next super-block begins, so a run that is killed or
//! stopped keeps all that it finished.

pub mod hooks;
mod lanes;
mod report;
mod sink;
pub(crate) mod work;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use hooks::Hook;
pub use sink::Sink;

use hitmark_schema::environment::Environment;
use hitmark_schema::experiment::Experiment;
use hitmark_schema::run::{Event, EventKind, RUN_SCHEMA, RunState};
use hitmark_schema::{RunDocument, RunError, RunWriter, SuperBlock, Variant, VariantPlan, redact};

use crate::attack::AttackError;
use crate::plan::{ExperimentPlan, Plan, VariantSettings};
use crate::request::RequestError;
use crate::scenario::ScenarioPlan;
use crate::scenario::stage::Stage;
use crate::schedule::open::Lateness;
use crate::schedule::unix_now_ns;
use crate::service_process::{ServiceError, ServiceProcess};
use crate::transport::Target;
use crate::transport::tls::TlsError;
use sink::Totals;
use work::Recorded;

/// How a run is to be made.
#[derive(Clone)]
pub struct RunOptions {
    /// The run directory: new, or empty of runs.
    pub out: PathBuf,
    /// The command line, secrets masked.
    pub command: String,
    /// Versions of the servers that take part, where the caller knows them.
    pub servers: BTreeMap<String, String>,
    /// Told of every step.
    pub progress: Arc<dyn Fn(Progress<'_>) + Send + Sync>,
    /// Ends the run early when set.
    pub stop: Stop,
}

impl RunOptions {
    /// A run into this directory that tells nobody of its steps.
    #[must_use]
    pub fn new(out: PathBuf, stop: Stop) -> Self {
        Self { out, command: String::new(), servers: BTreeMap::new(), progress: Arc::new(|_| {}), stop }
    }
}

impl std::fmt::Debug for RunOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RunOptions")
            .field("out", &self.out)
            .field("command", &self.command)
            .finish_non_exhaustive()
    }
}

/// Ends a run early: all users finish their current request, and what was measured is kept.
#[derive(Debug, Clone, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Ends the run.
    pub fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether the run is to end.
    #[must_use]
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// A step of a run.
#[derive(Debug, Clone, Copy)]
pub enum Progress<'a> {
    /// An experiment begins.
    Began {
        /// Its name.
        experiment: &'a str,
        /// Super-block pairs that it will take; 0 where nobody knows, as of a scenario.
        pairs: u32,
    },
    /// A super-block ended.
    Pair {
        /// The name of the experiment.
        experiment: &'a str,
        /// Pairs that are done.
        done: u32,
        /// Pairs in all.
        pairs: u32,
        /// Requests in this pair, both variants together.
        requests: u64,
        /// What was measured in it, side by side.
        blocks: &'a [SuperBlock],
    },
}

/// What a run came to, in the counts that decide an exit code. Figures are in the run directory.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RunReport {
    /// Recorded requests.
    pub requests: u64,
    /// Failed ones, wrong bodies among them.
    pub errors: u64,
    /// Wrong bodies.
    pub mismatches: u64,
    /// What scenarios found to be wrong whatever its speed: experiment and finding.
    pub failures: Vec<(String, String)>,
    /// Why experiments must not be used: name and reason.
    pub invalid: Vec<(String, String)>,
    /// How late the requests of open models were sent: experiment and figures, for each restart.
    pub lateness: Vec<(String, Lateness)>,
    /// The run was stopped before its plan was done.
    pub interrupted: bool,
}

/// Why a run could not be made.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The run directory could not be written.
    #[error(transparent)]
    Run(#[from] RunError),
    /// The load generator could not run.
    #[error("experiment '{experiment}': {source}")]
    Attack {
        /// The experiment.
        experiment: String,
        /// What went wrong.
        source: AttackError,
    },
    /// The users have no threads to run on.
    #[error("experiment '{experiment}': the users' threads cannot be started: {source}")]
    Threads {
        /// The experiment.
        experiment: String,
        /// What went wrong.
        source: std::io::Error,
    },
    /// A request could not be built.
    #[error("experiment '{experiment}': {source}")]
    Request {
        /// The experiment.
        experiment: String,
        /// What went wrong.
        source: RequestError,
    },
    /// A scenario could not do what it has to do.
    #[error("experiment '{experiment}', {scenario}: {why}")]
    Scenario {
        /// The experiment.
        experiment: String,
        /// The scenario.
        scenario: &'static str,
        /// What went wrong.
        why: String,
    },
    /// TLS could not be set up.
    #[error("experiment '{experiment}', {variant}: {source}")]
    Tls {
        /// The experiment.
        experiment: String,
        /// The side.
        variant: Variant,
        /// What went wrong.
        source: TlsError,
    },
    /// A service that the plan starts did not come up.
    #[error("experiment '{experiment}', {variant}: {source}")]
    Service {
        /// The experiment.
        experiment: String,
        /// The side.
        variant: Variant,
        /// What went wrong.
        source: ServiceError,
    },
}

/// Runs a plan.
///
/// # Errors
///
/// If the run directory cannot be written, a service cannot be started, or goose cannot run.
/// Requests that fail are no error here: they are measurements.
pub async fn run(plan: &Plan, options: RunOptions) -> Result<RunReport, LoadError> {
    run_with(plan, options, &[]).await
}

/// Runs a plan with things to be done in the middle of it, beside those that the plan declares.
///
/// # Errors
///
/// As [`run`]. A hook that fails is no error: an event tells of it.
pub async fn run_with(plan: &Plan, options: RunOptions, hooks: &[Hook]) -> Result<RunReport, LoadError> {
    let writer = RunWriter::create(&options.out, document(plan, &options))?;
    let (sink, thread) = Sink::start(writer, options.stop.clone());
    let sink = Arc::new(sink);
    let mut outcome = Ok(());
    for experiment in &plan.experiments {
        outcome = run_experiment(plan, experiment, &options, &sink, hooks).await;
        if outcome.is_err() || options.stop.is_set() {
            break;
        }
    }
    let state =
        if options.stop.is_set() || outcome.is_err() { RunState::Interrupted } else { RunState::Complete };
    if state == RunState::Interrupted {
        let detail =
            outcome.as_ref().err().map_or_else(|| "stopped by request".to_owned(), ToString::to_string);
        sink.event(Event {
            unix_ns: unix_now_ns(),
            experiment: None,
            variant: None,
            kind: EventKind::Interrupted,
            detail,
        });
    }
    let Totals { requests, errors, mismatches, failures, invalid, lateness } = thread.finish(state).await?;
    outcome?;
    let interrupted = state == RunState::Interrupted;
    Ok(RunReport { requests, errors, mismatches, failures, invalid, lateness, interrupted })
}

/// Runs one experiment: as often anew as the plan asks, its pairs spread over the restarts.
async fn run_experiment(
    plan: &Plan,
    experiment: &ExperimentPlan,
    options: &RunOptions,
    sink: &Arc<Sink>,
    hooks: &[Hook],
) -> Result<(), LoadError> {
    // How many super-blocks a scenario takes may depend on what it finds.
    let pairs = if experiment.scenario.is_some() { 0 } else { plan.run.pairs };
    (options.progress)(Progress::Began { experiment: &experiment.name, pairs });
    if let Some(scenario) = &experiment.scenario {
        return run_scenario(plan, experiment, scenario, options, sink).await;
    }
    let mut first_block = 0;
    for restart in 0..plan.run.restarts {
        let blocks =
            plan.run.pairs / plan.run.restarts + u32::from(restart < plan.run.pairs % plan.run.restarts);
        let services = start_services(experiment).await?;
        let numbers = first_block..first_block + blocks;
        let ended = work::run(plan, experiment, numbers, options, sink, hooks, Recorded::AsIs).await;
        for service in services {
            service.stop().await;
        }
        let work::Ended { faults, lateness } = ended?;
        if let Some(lateness) = lateness {
            sink.lateness(&experiment.name, lateness);
        }
        for fault in faults {
            sink.invalidate(&experiment.slug, &experiment.name, fault);
        }
        first_block += blocks;
        if options.stop.is_set() {
            break;
        }
    }
    Ok(())
}

/// Runs a scenario and writes what it found.
async fn run_scenario(
    plan: &Plan,
    experiment: &ExperimentPlan,
    scenario: &ScenarioPlan,
    options: &RunOptions,
    sink: &Arc<Sink>,
) -> Result<(), LoadError> {
    let services = start_services(experiment).await?;
    let found = match Stage::new(plan, experiment, scenario.name, options, sink) {
        Ok(stage) => scenario.scenario.run(&stage).await,
        Err(error) => Err(error),
    };
    for service in services {
        service.stop().await;
    }
    for result in found? {
        sink.scenario(result);
    }
    Ok(())
}

/// Where the sides are: one target if both are at one address, else two.
pub(crate) fn targets(experiment: &ExperimentPlan) -> Result<Vec<Arc<Target>>, LoadError> {
    let mut targets: Vec<Arc<Target>> = Vec::new();
    for variant in Variant::ALL {
        let Some(side) = experiment.side(variant) else { continue };
        let (at, ca) = (&side.address, side.ca.as_deref());
        let is_known = targets.iter().any(|target| {
            let known = target.address();
            (known.scheme, &known.host, known.port, &known.authority)
                == (at.scheme, &at.host, at.port, &at.authority)
        });
        if !is_known {
            let target = Target::new(at.clone(), experiment.timeout, experiment.http, ca);
            let target = target.map_err(|source| LoadError::Tls {
                experiment: experiment.name.clone(),
                variant,
                source,
            })?;
            targets.push(Arc::new(target));
        }
    }
    Ok(targets)
}

pub(crate) async fn start_services(experiment: &ExperimentPlan) -> Result<Vec<ServiceProcess>, LoadError> {
    let mut services = Vec::new();
    for variant in Variant::ALL {
        if let Some(VariantSettings { start: Some(start), .. }) = experiment.side(variant) {
            let targets = targets(experiment)?;
            let target = Arc::new(targets[variant.index().min(targets.len() - 1)].for_probes());
            let service = ServiceProcess::start(start, &target).await.map_err(|source| {
                LoadError::Service { experiment: experiment.name.clone(), variant, source }
            })?;
            services.push(service);
        }
    }
    Ok(services)
}

fn document(plan: &Plan, options: &RunOptions) -> RunDocument {
    let mut environment = Environment::capture();
    environment.servers.clone_from(&options.servers);
    RunDocument {
        schema: RUN_SCHEMA,
        state: RunState::Running,
        command: options.command.clone(),
        plan: redact::text(&plan.source),
        extent: plan.run.extent,
        seed: plan.run.seed,
        clock: "CLOCK_MONOTONIC, nanoseconds".to_owned(),
        started_unix_ns: unix_now_ns(),
        ended_unix_ns: None,
        environment,
        experiments: plan.experiments.iter().map(|experiment| record(plan, experiment)).collect(),
        invalid: Vec::new(),
    }
}

fn record(plan: &Plan, experiment: &ExperimentPlan) -> Experiment {
    Experiment {
        name: experiment.name.clone(),
        slug: experiment.slug.clone(),
        system: experiment.system.clone(),
        differs: experiment.differs.clone(),
        scenario: experiment.scenario.as_ref().map(|scenario| scenario.name.to_owned()),
        request: experiment.describe_requests()
            + &experiment.pace.describe()
            + &experiment.describe_scenario(),
        keys: experiment.keys.as_ref().map(|keys| keys.describe()),
        load: experiment.load,
        pairs: plan.run.pairs,
        slice_ms: u64::try_from(plan.run.slice.as_millis()).unwrap_or(u64::MAX),
        superblock_s: plan.run.superblock.as_secs_f64(),
        warmup_s: plan.run.warmup.as_secs_f64(),
        baseline: record_side(experiment, &experiment.baseline),
        candidate: experiment.candidate.as_ref().map(|side| record_side(experiment, side)),
    }
}

fn record_side(experiment: &ExperimentPlan, side: &VariantSettings) -> VariantPlan {
    let masked = |(name, value): &(String, String)| (name.clone(), redact::header(name, value));
    VariantPlan {
        name: side.name.clone(),
        base_url: redact::url(&side.base_url),
        headers: experiment.headers.iter().chain(&side.headers).map(masked).collect(),
    }
}
