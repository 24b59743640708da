//! What all users of an attack share: prepared requests, the recorder, the state of the run.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use hitmark_schema::Variant;
use hitmark_schema::run::EventKind;

use crate::equivalence::Equivalence;
use crate::keys::{KeyChoice, mix};
use crate::plan::{
    CompareBodies, Cookies, DataTable, Expect, ExperimentPlan, Pace, Source, StepPlan, VariantSettings,
};
use crate::recorder::Recorder;
use crate::request::{RequestError, RequestTemplate};
use crate::runner::{Sink, Stop};
use crate::session::Session;
use crate::template::Values;
use crate::transport::Target;
use crate::watch::Watch;

/// What all users of an attack share.
#[derive(Debug)]
pub struct Shared {
    pub(crate) journeys: [Vec<Journey>; 2],
    pub(crate) weights: u64,
    /// What a user does once, by side.
    pub(crate) login: Vec<Vec<Step>>,
    /// One address, or two.
    pub(crate) targets: Vec<Arc<Target>>,
    pub(crate) keys: Option<KeyChoice>,
    pub(crate) data: Option<DataTable>,
    pub(crate) pace: Pace,
    pub(crate) users: usize,
    pub(crate) seed: u64,
    pub(crate) cookies: Cookies,
    pub(crate) redirects_max: u32,
    pub(crate) compare_bodies: CompareBodies,
    pub(crate) recorder: Recorder,
    pub(crate) equivalence: Equivalence,
    pub(crate) watch: Watch,
    pub(crate) sink: Arc<Sink>,
    pub(crate) stop: Stop,
    login_failed: AtomicBool,
}

/// A journey of one side, prepared.
#[derive(Debug)]
pub struct Journey {
    pub(crate) weight: u64,
    pub(crate) steps: Vec<Step>,
}

/// One request of a journey, prepared.
#[derive(Debug)]
pub struct Step {
    pub(crate) name: String,
    /// The number of the step in its experiment.
    pub(crate) number: u64,
    pub(crate) template: RequestTemplate,
    pub(crate) expect: Expect,
    /// Values to take: their place among the plan's names, and where they stand.
    pub(crate) extract: Vec<(usize, Source)>,
    /// Whether a value stands in the body.
    pub(crate) reads_body: bool,
}

impl Step {
    pub(crate) fn new(
        experiment: &ExperimentPlan,
        step: &StepPlan,
        number: u64,
        side: &VariantSettings,
    ) -> Result<Self, RequestError> {
        let place = |name: &str| experiment.known.extracted.iter().position(|known| known == name);
        let extract: Vec<(usize, Source)> =
            step.extract.iter().filter_map(|(name, source)| Some((place(name)?, source.clone()))).collect();
        let in_body = |source: &Source| matches!(source, Source::Json(_) | Source::Between(..));
        Ok(Self {
            name: step.name.clone(),
            number,
            template: RequestTemplate::new(experiment, step, side)?,
            expect: step.expect.clone(),
            reads_body: extract.iter().any(|(_, source)| in_body(source)),
            extract,
        })
    }
}

impl Shared {
    /// Prepares an experiment for its users.
    ///
    /// # Errors
    ///
    /// If a request cannot be built, which a checked plan excludes.
    pub fn new(
        experiment: &ExperimentPlan,
        targets: Vec<Arc<Target>>,
        seed: u64,
        sink: Arc<Sink>,
        stop: Stop,
    ) -> Result<Self, RequestError> {
        let sides: Vec<&VariantSettings> =
            Variant::ALL.into_iter().filter_map(|variant| experiment.side(variant)).collect();
        let mut journeys = [Vec::new(), Vec::new()];
        let mut login = Vec::new();
        for (place, side) in sides.into_iter().enumerate() {
            let mut number = 0;
            let mut prepare = |steps: &[StepPlan]| -> Result<Vec<Step>, RequestError> {
                let numbered = steps.iter().map(|step| {
                    number += 1;
                    Step::new(experiment, step, number - 1, side)
                });
                numbered.collect()
            };
            for journey in &experiment.journeys {
                let weight = u64::from(journey.weight);
                journeys[place].push(Journey { weight, steps: prepare(&journey.steps)? });
            }
            login.push(prepare(&experiment.login)?);
        }
        Ok(Self {
            weights: journeys[0].iter().map(|journey| journey.weight).sum(),
            journeys,
            login,
            targets,
            keys: experiment.keys.clone(),
            data: experiment.data.clone(),
            pace: experiment.pace.clone(),
            users: experiment.load.users(),
            seed,
            cookies: experiment.cookies,
            redirects_max: experiment.redirects_max,
            compare_bodies: experiment.compare_bodies,
            recorder: Recorder::default(),
            equivalence: Equivalence::default(),
            watch: Watch::new(&experiment.slug),
            sink,
            stop,
            login_failed: AtomicBool::new(false),
        })
    }

    /// The journey that a draw chooses.
    pub(crate) fn journey(&self, variant: Variant, draw: u64) -> Option<&Journey> {
        let journeys = &self.journeys[variant.index()];
        if let [only] = journeys.as_slice() {
            return Some(only);
        }
        let mut left = mix(self.seed ^ mix(draw)) % self.weights.max(1);
        journeys.iter().find(|journey| {
            let is_chosen = left < journey.weight;
            left = left.saturating_sub(journey.weight);
            is_chosen
        })
    }

    /// The values of a request.
    pub(crate) fn values<'v>(&'v self, key: Option<u64>, session: &'v Session) -> Values<'v> {
        let key_text = match (&self.keys, key) {
            (Some(keys), Some(key)) => keys.text(key),
            _ => None,
        };
        let row = self.data.as_ref().map_or(&[][..], |data| data.row(key.unwrap_or(1)));
        let key = key.unwrap_or(0);
        Values { key, key_text, row, extracted: &session.extracted, cookie: session.cookie() }
    }

    /// Tells once that users cannot log in.
    pub(crate) fn login_failed(&self, user: u64, variant: Variant, step: &str) {
        if !self.login_failed.swap(true, Ordering::Relaxed) {
            let detail = format!("user {user} could not log in at '{step}'");
            self.watch.tell(Some(variant), EventKind::ErrorsBegan, &self.sink, detail);
        }
    }
}
