//! Where a scenario plays: its experiment, its clients, the engine's load, the run directory.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hitmark_schema::run::{Event, EventKind};
use hitmark_schema::{ScenarioResult, SuperBlock, Variant};

use super::client::Client;
use super::probe::OriginProbe;
use crate::answer::AnswerReader;
use crate::observe::page::Selector;
use crate::plan::{ExperimentPlan, Plan, RunSettings, ServiceAddress, StepPlan, VariantSettings};
use crate::probe::get;
use crate::request::RequestTemplate;
use crate::runner::work::{self, Recorded};
use crate::runner::{LoadError, Progress, RunOptions, Sink, targets};
use crate::schedule::unix_now_ns;
use crate::transport::{Target, Transport};

/// How often a pause looks whether the run is to end.
const STOP_CHECK: Duration = Duration::from_millis(100);

/// What a scenario works with.
#[derive(Debug)]
pub struct Stage<'a> {
    plan: &'a Plan,
    experiment: &'a ExperimentPlan,
    name: &'static str,
    options: &'a RunOptions,
    sink: &'a Arc<Sink>,
    targets: Vec<Arc<Target>>,
    /// Super-blocks written so far by side: numbers are never used twice.
    written: Mutex<[u32; 2]>,
}

/// A load of the engine.
#[derive(Debug)]
pub struct Load {
    /// What is sent; the stage's experiment, or it with some settings changed.
    pub experiment: ExperimentPlan,
    /// Super-blocks.
    pub blocks: u32,
    /// How long each variant is under load within a super-block.
    pub superblock: Duration,
    /// How long the load runs before anything is recorded.
    pub warmup: Duration,
    /// Which sides take part.
    pub sides: LoadSides,
}

/// Which sides take part in a load.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoadSides {
    /// All that the experiment has, alternating.
    All,
    /// One alone.
    Only(Variant),
}

/// What a load left.
#[derive(Debug, Default)]
pub struct Loaded {
    /// The super-blocks, in order; sides side by side.
    pub blocks: Vec<SuperBlock>,
    /// Why the generator's figures must not be used; empty if they may.
    pub faults: Vec<String>,
}

impl Loaded {
    /// The super-blocks of one side.
    pub fn side(&self, variant: Variant) -> impl Iterator<Item = &SuperBlock> {
        self.blocks.iter().filter(move |block| block.variant == variant)
    }
}

impl<'a> Stage<'a> {
    pub(crate) fn new(
        plan: &'a Plan,
        experiment: &'a ExperimentPlan,
        name: &'static str,
        options: &'a RunOptions,
        sink: &'a Arc<Sink>,
    ) -> Result<Self, LoadError> {
        let targets = targets(experiment)?;
        Ok(Self { plan, experiment, name, options, sink, targets, written: Mutex::default() })
    }

    /// The experiment.
    #[must_use]
    pub const fn experiment(&self) -> &ExperimentPlan {
        self.experiment
    }

    /// The settings of the whole run.
    #[must_use]
    pub const fn run(&self) -> &RunSettings {
        &self.plan.run
    }

    /// The sides that the experiment has.
    pub fn variants(&self) -> impl Iterator<Item = Variant> + '_ {
        Variant::ALL.into_iter().filter(|variant| self.experiment.side(*variant).is_some())
    }

    /// Whether the run is to end.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.options.stop.is_set()
    }

    /// Waits, but no longer than the run goes on.
    pub async fn sleep(&self, time: Duration) {
        let mut left = time;
        while !left.is_zero() && !self.is_stopped() {
            let step = left.min(STOP_CHECK);
            tokio::time::sleep(step).await;
            left -= step;
        }
    }

    /// A client of one side that sends the experiment's only request.
    ///
    /// # Errors
    ///
    /// If there is none, or if it cannot be built.
    pub fn client(&self, variant: Variant) -> Result<Client, LoadError> {
        let step = self.experiment.journeys.first().and_then(|journey| journey.steps.first());
        let step = step.ok_or_else(|| self.failed("the experiment has no request".to_owned()))?;
        self.client_of(variant, step).map_err(|why| self.failed(why))
    }

    /// A client of one side that sends another request.
    ///
    /// # Errors
    ///
    /// If the request cannot be built, in words.
    pub fn client_of(&self, variant: Variant, step: &StepPlan) -> Result<Client, String> {
        let side = self.experiment.side(variant).ok_or("there is no such side")?;
        let target = &self.targets[variant.index().min(self.targets.len() - 1)];
        let template =
            RequestTemplate::new(self.experiment, step, side).map_err(|error| error.to_string())?;
        Ok(Client {
            transport: Transport::new(Arc::clone(target)),
            template,
            reader: AnswerReader::new(self.experiment.outcome.clone()),
            expect: step.expect.clone(),
        })
    }

    /// A client that sends the experiment's only request to another process of one side's service.
    ///
    /// # Errors
    ///
    /// As [`Self::client`].
    pub fn client_at(&self, variant: Variant, address: &ServiceAddress) -> Result<Client, LoadError> {
        let experiment = &self.experiment;
        let (Some(side), Some(step)) =
            (experiment.side(variant), experiment.journeys.first().and_then(|journey| journey.steps.first()))
        else {
            return Err(self.failed("the experiment has no request".to_owned()));
        };
        let there = VariantSettings { address: address.clone(), ..side.clone() };
        let template = RequestTemplate::new(experiment, step, &there);
        let template = template.map_err(|error| self.failed(error.to_string()))?;
        let target = Target::new(address.clone(), experiment.timeout, experiment.http, side.ca.as_deref());
        let target = target.map_err(|error| self.failed(error.to_string()))?;
        Ok(Client {
            transport: Transport::new(Arc::new(target)),
            template,
            reader: AnswerReader::new(experiment.outcome.clone()),
            expect: step.expect.clone(),
        })
    }

    /// Counts origin calls of one side from now on.
    pub async fn origin_probe(&self, variant: Variant) -> OriginProbe {
        OriginProbe::new(self.experiment, &self.targets, variant).await
    }

    /// A sample of one side's metrics page, summed over its series; none if there is none.
    pub async fn sample(&self, variant: Variant, name: &str) -> Option<f64> {
        let side = self.experiment.side(variant)?;
        let path = side.observed.metrics.as_deref().unwrap_or("/metrics");
        let target = self.targets.get(variant.index().min(self.targets.len() - 1))?;
        let answer = get(&Arc::new(target.for_probes()), path).await.ok()?;
        let text = std::str::from_utf8(&answer.body).ok().filter(|_| answer.status == 200)?;
        Selector::parse(name).sum(text).map(|sum| sum as f64)
    }

    /// An empty result of one side.
    #[must_use]
    pub fn result(&self, variant: Variant) -> ScenarioResult {
        ScenarioResult {
            experiment: self.experiment.slug.clone(),
            scenario: self.name.to_owned(),
            variant,
            figures: Vec::new(),
            series: Vec::new(),
            failures: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// Tells of something that the scenario did.
    pub fn tell(&self, variant: Option<Variant>, detail: String) {
        let experiment = Some(self.experiment.slug.clone());
        let kind = EventKind::Intervention;
        self.sink.event(Event { unix_ns: unix_now_ns(), experiment, variant, kind, detail });
    }

    /// Why the scenario cannot go on.
    #[must_use]
    pub fn failed(&self, why: String) -> LoadError {
        LoadError::Scenario { experiment: self.experiment.name.clone(), scenario: self.name, why }
    }

    /// Puts the engine's load on one side or on all, writes its super-blocks, and returns them.
    ///
    /// # Errors
    ///
    /// If the load generator cannot run.
    pub async fn load(&self, load: Load) -> Result<Loaded, LoadError> {
        let Load { mut experiment, blocks, superblock, warmup, sides } = load;
        let recorded = match sides {
            LoadSides::All => Recorded::AsIs,
            LoadSides::Only(variant) => {
                if let (Variant::Candidate, Some(side)) = (variant, experiment.candidate.take()) {
                    experiment.baseline = side;
                }
                experiment.candidate = None;
                Recorded::As(variant)
            }
        };
        let first = self.claim(sides, blocks);
        let run = RunSettings { superblock, warmup, pairs: blocks, ..self.plan.run.clone() };
        let plan = Plan { source: String::new(), run, experiments: Vec::new() };
        let kept: Arc<Mutex<Vec<SuperBlock>>> = Arc::default();
        let (keep, told) = (Arc::clone(&kept), Arc::clone(&self.options.progress));
        let progress = move |step: Progress<'_>| {
            let Progress::Pair { experiment, done, pairs, requests, blocks } = step else {
                return told(step);
            };
            keep.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(blocks);
            // Numbers go on over the loads of a scenario; progress is that of this one.
            told(Progress::Pair { experiment, done: done - first, pairs, requests, blocks });
        };
        let options = RunOptions { progress: Arc::new(progress), ..self.options.clone() };
        let blocks = first..first + blocks;
        let ended = work::run(&plan, &experiment, blocks, &options, self.sink, &[], recorded).await?;
        let faults = ended.faults;
        let blocks = std::mem::take(&mut *kept.lock().unwrap_or_else(PoisonError::into_inner));
        Ok(Loaded { blocks, faults })
    }

    /// Numbers for so many super-blocks.
    fn claim(&self, sides: LoadSides, blocks: u32) -> u32 {
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        match sides {
            LoadSides::Only(variant) => {
                written[variant.index()] += blocks;
                written[variant.index()] - blocks
            }
            LoadSides::All => {
                let first = written[0].max(written[1]);
                *written = [first + blocks; 2];
                first
            }
        }
    }
}
