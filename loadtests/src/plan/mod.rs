//! The plan: what a plan file asks for, after every check.
//!
//! A [`Plan`] in hand means that the file was read whole and found right: the rest of the crate
//! checks nothing again. [`Plan::parse`] reports all mistakes at once, each with its line, before
//! any request is sent.

mod check;
pub(crate) mod fields;
pub(crate) mod hosts;
mod keys;
mod load;
mod outcomes;
mod quick;
pub(crate) mod sides;
pub(crate) mod steps;
pub mod texts;

use std::path::Path;
use std::time::Duration;

pub(crate) use hosts::service_address;
pub use hosts::{RedisAddress, Scheme, ServiceAddress};
pub use keys::DataTable;
pub use load::{AbortWhen, Arrivals, Pace, Stage};
pub use outcomes::OutcomeRule;
pub use steps::{Expect, JourneyPlan, Source, StepBody, StepPlan};
use texts::Known;

use crate::keys::KeyChoice;
use crate::scenario::ScenarioPlan;
use hitmark_schema::run::Extent;
use hitmark_schema::{LoadModel, Variant};

/// The bounds within which a plan must stay. They are generous; they keep a slip of the keyboard
/// from becoming a night of load.
pub mod bounds {
    /// Super-block pairs of an experiment.
    pub const PAIRS_MAX: u64 = 1_000;
    /// Length of a slice in milliseconds.
    pub const SLICE_MS_MAX: u64 = 10_000;
    /// Length of a super-block in seconds for each variant.
    pub const SUPERBLOCK_S_MAX: f64 = 60.0;
    /// Length of an experiment in seconds, where it is given.
    pub const DURATION_S_MAX: f64 = 86_400.0;
    /// Warm-up in seconds.
    pub const WARMUP_S_MAX: f64 = 600.0;
    /// Concurrent users, or requests in flight.
    pub const USERS_MAX: u64 = 10_000;
    /// Arrivals per second.
    pub const RATE_PER_S_MAX: f64 = 200_000.0;
    /// Time limit of one request in milliseconds: what a histogram can hold.
    pub const TIMEOUT_MS_MAX: u64 = 60_000;
    /// Requests of one experiment.
    pub const REQUESTS_MAX: u64 = 1_000_000_000;
    /// Times that both variants are started anew within an experiment.
    pub const RESTARTS_MAX: u64 = 20;
    /// Experiments of a plan.
    pub const EXPERIMENTS_MAX: usize = 100;
    /// Requests of a journey or of a login.
    pub const STEPS_MAX: usize = 50;
    /// Redirects that one request may follow.
    pub const REDIRECTS_MAX: u64 = 10;
    /// Bytes of a plan file.
    pub const PLAN_BYTES_MAX: usize = 1 << 20;
}

/// A checked plan.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The file's text, as it was read.
    pub source: String,
    /// Settings of the whole run.
    pub run: RunSettings,
    /// The experiments, in the order of the file; at least one.
    pub experiments: Vec<ExperimentPlan>,
}

/// `[run]`: settings of the whole run.
#[derive(Debug, Clone, PartialEq)]
pub struct RunSettings {
    /// Whether the plan was made short, which the run directory says.
    pub extent: Extent,
    /// The seed of key streams and slice order.
    pub seed: u64,
    /// Super-block pairs of each experiment.
    pub pairs: u32,
    /// How long a variant keeps its turn.
    pub slice: Duration,
    /// How long each variant is under load within a super-block.
    pub superblock: Duration,
    /// How long the load runs before anything is recorded.
    pub warmup: Duration,
    /// How many times an experiment begins anew, with fresh connections and, where the plan starts
    /// the services itself, fresh processes.
    pub restarts: u32,
    /// Requests of one experiment, at most.
    pub requests_max: u64,
    /// When the run is given up.
    pub abort_when: AbortWhen,
}

/// `[[experiment]]`: a baseline and a candidate that differ in one declared thing.
#[derive(Debug, Clone)]
pub struct ExperimentPlan {
    /// Its name, unique in the plan.
    pub name: String,
    /// Its name in file tags, unique in the plan.
    pub slug: String,
    /// The group it belongs to.
    pub system: Option<String>,
    /// The one declared difference.
    pub differs: String,
    /// What is done beyond comparing both sides in alternating slices; none for that alone.
    pub scenario: Option<ScenarioPlan>,
    /// What users do, over and over; at least one journey.
    pub journeys: Vec<JourneyPlan>,
    /// What a user does once before, on each side.
    pub login: Vec<StepPlan>,
    /// The names that may stand in braces.
    pub known: Known,
    /// Headers of both variants.
    pub headers: Vec<(String, String)>,
    /// Which keys are asked for; none if the path is fixed.
    pub keys: Option<KeyChoice>,
    /// Values that go with the keys.
    pub data: Option<DataTable>,
    /// How requests are offered.
    pub load: LoadModel,
    /// What shapes the load beyond its model.
    pub pace: Pace,
    /// Whether cookies are kept and sent.
    pub cookies: Cookies,
    /// Redirects that one request may follow; none by default.
    pub redirects_max: u32,
    /// Encodings that are asked for, `gzip` and `br`; none by default.
    pub encodings: Vec<String>,
    /// The version of HTTP.
    pub http: HttpVersion,
    /// Commands that are run in the middle of the load.
    pub hooks: Vec<HookPlan>,
    /// A rule for outcomes of the plan's own.
    pub outcome: Option<OutcomeRule>,
    /// The time limit of one request.
    pub timeout: Duration,
    /// Whether the bodies of both variants are compared.
    pub compare_bodies: CompareBodies,
    /// What is there today.
    pub baseline: VariantSettings,
    /// What is proposed, if anything.
    pub candidate: Option<VariantSettings>,
}

/// Whether the bodies of both variants are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CompareBodies {
    /// A sample of them; a difference is an error.
    Sample,
    /// Not at all: for bodies that change by nature.
    Off,
}

/// Whether cookies are kept and sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cookies {
    /// Neither.
    Ignore,
    /// By each user, apart for each side.
    Keep,
}

/// `[[experiment.hook]]`: a command that is run in the middle of the load.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HookPlan {
    /// When, from the end of the warm-up on.
    pub at: Duration,
    /// What the event says.
    pub name: String,
    /// Program and arguments.
    pub command: Vec<String>,
}

/// The version of HTTP that is spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HttpVersion {
    /// HTTP/1.1, one request at a time on a connection.
    Http1,
    /// HTTP/2, without an upgrade: over TLS by ALPN, else by prior knowledge (RFC 9113 §3.3).
    Http2,
}

/// What says how many hits there were, beside the responses: sampled as super-blocks end.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Observed {
    /// The path of the service's own metrics page.
    pub metrics: Option<String>,
    /// The sample that counts the service's hits: a name, with labels that must match.
    pub hits: Option<String>,
    /// The sample that counts its misses.
    pub misses: Option<String>,
    /// The sample that counts its origin calls.
    pub origin_calls: Option<String>,
    /// The sample that counts its database queries.
    pub queries: Option<String>,
    /// The sample that counts its processor time, in seconds.
    pub cpu: Option<String>,
    /// The cache server: `redis://[user:password@]host[:port]`.
    pub redis: Option<RedisAddress>,
}

/// One side of an experiment.
#[derive(Debug, Clone)]
pub struct VariantSettings {
    /// Its name.
    pub name: String,
    /// The service's URL as the plan gives it.
    pub base_url: String,
    /// Where the service listens, checked against the safety rule.
    pub address: ServiceAddress,
    /// Headers of this side.
    pub headers: Vec<(String, String)>,
    /// Query parameters of this side.
    pub query: Vec<(String, String)>,
    /// The service, if the plan starts it itself.
    pub start: Option<StartCommand>,
    /// A certificate authority in PEM that is trusted beside the system's, for `https`.
    pub ca: Option<Vec<u8>>,
    /// What counts hits beside the responses.
    pub observed: Observed,
}

/// A service that the plan starts itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StartCommand {
    /// Program and arguments.
    pub command: Vec<String>,
    /// The path that answers 2xx once the service is ready.
    pub ready: String,
    /// Environment variables on top of the inherited ones.
    pub env: Vec<(String, String)>,
}

impl Plan {
    /// Reads and checks a plan file.
    ///
    /// # Errors
    ///
    /// All mistakes at once, each with its line.
    pub fn read(path: &Path) -> Result<Self, PlanErrors> {
        let text = std::fs::read_to_string(path).map_err(|error| PlanErrors {
            file: path.display().to_string(),
            mistakes: vec![Mistake { line: None, text: format!("cannot read the plan: {error}") }],
        })?;
        Self::parse(&text, &path.display().to_string())
    }

    /// Checks the text of a plan; `file` is what mistakes name, and other files are looked for beside it.
    ///
    /// # Errors
    ///
    /// All mistakes at once, each with its line.
    pub fn parse(text: &str, file: &str) -> Result<Self, PlanErrors> {
        let folder = Path::new(file).parent().unwrap_or(Path::new(""));
        check::plan(text, folder).map_err(|mistakes| PlanErrors { file: file.to_owned(), mistakes })
    }

    /// Keeps only the experiments with these names or slugs; all of them if none is named.
    ///
    /// # Errors
    ///
    /// The names that no experiment has, with those that exist.
    pub fn only(mut self, names: &[String]) -> Result<Self, String> {
        let matches =
            |experiment: &ExperimentPlan, name: &String| experiment.name == *name || experiment.slug == *name;
        let unknown: Vec<&String> = names
            .iter()
            .filter(|name| !self.experiments.iter().any(|experiment| matches(experiment, name)))
            .collect();
        if !unknown.is_empty() {
            let known: Vec<&str> =
                self.experiments.iter().map(|experiment| experiment.name.as_str()).collect();
            return Err(format!("--only {unknown:?}: no such experiment; the plan has {}", known.join(", ")));
        }
        if !names.is_empty() {
            self.experiments.retain(|experiment| names.iter().any(|name| matches(experiment, name)));
        }
        Ok(self)
    }
}

impl ExperimentPlan {
    /// The requests in words: `GET /items/{key}`, or the names of the journeys.
    #[must_use]
    pub fn describe_requests(&self) -> String {
        match self.journeys.as_slice() {
            [JourneyPlan { steps, .. }] if steps.len() == 1 => {
                steps.iter().map(|step| format!("{} {}", step.method, step.path)).collect()
            }
            journeys => {
                let name = |journey: &JourneyPlan| {
                    format!("{} ({} requests, weight {})", journey.name, journey.steps.len(), journey.weight)
                };
                format!("journeys: {}", journeys.iter().map(name).collect::<Vec<_>>().join(", "))
            }
        }
    }

    /// The scenario in words, after those of the request; empty without one.
    #[must_use]
    pub fn describe_scenario(&self) -> String {
        self.scenario.as_ref().map_or_else(String::new, |plan| format!(", {}", plan.scenario.describe()))
    }

    /// The settings of one side, where the experiment has it.
    #[must_use]
    pub const fn side(&self, variant: Variant) -> Option<&VariantSettings> {
        match variant {
            Variant::Baseline => Some(&self.baseline),
            Variant::Candidate => self.candidate.as_ref(),
        }
    }
}

/// One mistake in a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// The line, from 1, where it is known.
    pub line: Option<usize>,
    /// What is wrong, and what would be right.
    pub text: String,
}

/// All mistakes of a plan file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanErrors {
    /// The file.
    pub file: String,
    /// The mistakes, in the order of the file.
    pub mistakes: Vec<Mistake>,
}

impl std::error::Error for PlanErrors {}

impl std::fmt::Display for PlanErrors {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (place, mistake) in self.mistakes.iter().enumerate() {
            if place > 0 {
                writeln!(f)?;
            }
            match mistake.line {
                Some(line) => write!(f, "{}:{line}: {}", self.file, mistake.text)?,
                None => write!(f, "{}: {}", self.file, mistake.text)?,
            }
        }
        Ok(())
    }
}
