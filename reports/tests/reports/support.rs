//! Writes synthetic run directories: lognormal latencies from a seed, so each test says what the
//! truth is.

use std::collections::BTreeMap;
use std::path::Path;

use hitmark_schema::environment::Environment;
use hitmark_schema::measurement::latency_histogram;
use hitmark_schema::run::{Event, EventKind, Extent, RUN_SCHEMA, RunState};
use hitmark_schema::{
    Counters, ErrorKind, Experiment, LoadModel, Outcome, Run, RunDocument, RunWriter, SuperBlock, Timing,
    Variant, VariantPlan, experiment,
};
use tempfile::TempDir;

/// When every synthetic run begins.
pub(crate) const STARTED: u64 = 1_700_000_000_000_000_000;
/// How long a super-block takes, both variants together.
const BLOCK_NS: u64 = 2_000_000_000;

/// The truth of one experiment.
#[derive(Debug, Clone)]
pub(crate) struct Truth {
    pub(crate) name: &'static str,
    pub(crate) pairs: u32,
    pub(crate) requests: u64,
    pub(crate) baseline_ns: f64,
    pub(crate) hit_ns: f64,
    pub(crate) miss_ns: f64,
    pub(crate) hit_ratio: f64,
    /// Spread of the logarithm of single latencies.
    pub(crate) spread: f64,
    /// Spread of the logarithm of one side of one super-block.
    pub(crate) noise: f64,
    pub(crate) candidate: bool,
    pub(crate) counters: fn(Variant, u32, &mut Counters),
    /// The outcome of the baseline's requests.
    pub(crate) baseline_outcome: Outcome,
    /// The super-block from which on the cache is away: every request misses.
    pub(crate) cache_away_from: Option<u32>,
}

impl Default for Truth {
    fn default() -> Self {
        Self {
            name: "product detail",
            pairs: 20,
            requests: 1_000,
            baseline_ns: 2_000_000.0,
            hit_ns: 61_000.0,
            miss_ns: 2_080_000.0,
            hit_ratio: 0.97,
            spread: 0.3,
            noise: 0.02,
            candidate: true,
            counters: |_, _, _| {},
            baseline_outcome: Outcome::Bypass,
            cache_away_from: None,
        }
    }
}

/// How a run came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    Complete,
    /// Nobody said anything: a kill after so many super-block pairs.
    KilledAfter(u32),
}

/// A run directory that goes away with the test.
pub(crate) struct Written {
    pub(crate) dir: TempDir,
    pub(crate) run: Run,
}

/// Writes and reads back a complete run.
pub(crate) fn run(truths: &[Truth]) -> Written {
    run_with(truths, Ending::Complete, &[], &[])
}

/// Writes and reads back a run with its ending, its events and its invalid experiments.
pub(crate) fn run_with(
    truths: &[Truth],
    ending: Ending,
    events: &[Event],
    invalid: &[(&str, &str)],
) -> Written {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = RunWriter::create(dir.path(), document(truths)).unwrap();
    for (nth, truth) in truths.iter().enumerate() {
        let pairs = if let Ending::KilledAfter(pairs) = ending { pairs } else { truth.pairs };
        for index in 0..pairs {
            for block in blocks(truth, nth as u64, index) {
                writer.write_super_block(&block).unwrap();
            }
        }
    }
    for event in events {
        writer.write_event(event).unwrap();
    }
    for (slug, reason) in invalid {
        writer.invalidate(slug, reason).unwrap();
    }
    if ending == Ending::Complete {
        writer.finish(RunState::Complete, STARTED + 60_000_000_000).unwrap();
    }
    let run = Run::read(dir.path()).unwrap();
    Written { dir, run }
}

/// The cache server goes away so many seconds after the start.
pub(crate) fn cache_lost(at_s: u64, slug: &str) -> Event {
    Event {
        unix_ns: STARTED + at_s * 1_000_000_000,
        experiment: Some(slug.to_owned()),
        variant: Some(Variant::Candidate),
        kind: EventKind::CacheUnreachable,
        detail: "connection refused <tcp>".to_owned(),
    }
}

/// A budget that must be right.
pub(crate) fn budget(text: &str) -> hitmark_reports::gate::Budget {
    hitmark_reports::gate::Budget::parse(text, Path::new("budget.toml"))
        .unwrap_or_else(|errors| panic!("{errors}"))
}

fn document(truths: &[Truth]) -> RunDocument {
    RunDocument {
        schema: RUN_SCHEMA,
        state: RunState::Running,
        command: "hitmark load run plan.toml --out run".to_owned(),
        plan: "[run]\nseed = 42\n\n[[experiment]]\nname = \"product detail\"\n".to_owned(),
        extent: Extent::Whole,
        seed: 42,
        clock: "monotonic".to_owned(),
        started_unix_ns: STARTED,
        ended_unix_ns: None,
        environment: Environment {
            host: Some("bench-1".to_owned()),
            os: "linux".to_owned(),
            kernel: Some("6.1.0".to_owned()),
            cpu: Some("Example CPU 3000".to_owned()),
            cores: 2,
            memory_bytes: Some(24_700_000_000),
            load_average_1m: Some(0.42),
            hitmark: "0.1.0".to_owned(),
            rustc: "rustc 1.95.0".to_owned(),
            profile: "release".to_owned(),
            git_commit: Some("8bd8877".to_owned()),
            git_dirty: Some(true),
            servers: BTreeMap::from([("redis".to_owned(), "7.0.15".to_owned())]),
            ..Environment::default()
        },
        experiments: truths.iter().map(experiment_of).collect(),
        invalid: Vec::new(),
    }
}

fn experiment_of(truth: &Truth) -> Experiment {
    let side = |name: &str| VariantPlan {
        name: name.to_owned(),
        base_url: "http://me:s3cret@127.0.0.1:8080".to_owned(),
        headers: Vec::new(),
    };
    Experiment {
        name: truth.name.to_owned(),
        slug: experiment::slug(truth.name),
        system: Some("marketplace".to_owned()),
        differs: "response cache".to_owned(),
        scenario: None,
        request: "GET /market/products/{key}".to_owned(),
        keys: Some("zipf s=1.07 n=10000".to_owned()),
        load: LoadModel::Closed { users: 20 },
        pairs: truth.pairs,
        slice_ms: 20,
        superblock_s: 1.0,
        warmup_s: 1.0,
        baseline: side("uncached"),
        candidate: truth.candidate.then(|| side("cached")),
    }
}

fn blocks(truth: &Truth, nth: u64, index: u32) -> Vec<SuperBlock> {
    let mut variants = vec![Variant::Baseline];
    variants.extend(truth.candidate.then_some(Variant::Candidate));
    variants.into_iter().map(|variant| block(truth, nth, variant, index)).collect()
}

fn block(truth: &Truth, nth: u64, variant: Variant, index: u32) -> SuperBlock {
    let mut random = Random::new(1 + nth * 1_000_003 + u64::from(index) * 1_009 + variant.index() as u64);
    let drift = (truth.noise * random.normal()).exp();
    let mut histograms = BTreeMap::new();
    for _ in 0..truth.requests {
        let (outcome, median) = match variant {
            Variant::Baseline => (truth.baseline_outcome, truth.baseline_ns),
            Variant::Candidate if truth.cache_away_from.is_some_and(|from| index >= from) => {
                (Outcome::Miss, truth.miss_ns)
            }
            Variant::Candidate if random.uniform() < truth.hit_ratio => (Outcome::Hit, truth.hit_ns),
            Variant::Candidate => (Outcome::Miss, truth.miss_ns),
        };
        let latency = median * drift * (truth.spread * random.normal()).exp();
        for timing in Timing::ALL {
            let histogram = histograms.entry((outcome, timing)).or_insert_with(latency_histogram);
            histogram.saturating_record(latency.max(1.0) as u64);
        }
    }
    let mut counters = Counters {
        requests: truth.requests,
        bodies_compared: truth.requests / 8,
        body_bytes: truth.requests * 1_210,
        ..Counters::default()
    };
    (truth.counters)(variant, index, &mut counters);
    let started_unix_ns = STARTED + (nth * 50 + u64::from(index)) * BLOCK_NS;
    SuperBlock {
        experiment: experiment::slug(truth.name),
        variant,
        index,
        started_unix_ns,
        duration_ns: BLOCK_NS,
        active_ns: BLOCK_NS / 2,
        histograms,
        counters,
    }
}

/// One failed request in a hundred.
pub(crate) fn failing(variant: Variant, _: u32, counters: &mut Counters) {
    if variant == Variant::Candidate {
        counters.errors.insert(ErrorKind::Status, counters.requests / 100);
    }
}

/// One body that differs in the third super-block.
pub(crate) fn differing(variant: Variant, index: u32, counters: &mut Counters) {
    if variant == Variant::Candidate && index == 3 {
        counters.mismatches = 1;
        counters.errors.insert(ErrorKind::Mismatch, 1);
    }
}

/// splitmix64: enough for tests, the same everywhere.
struct Random(u64);

impl Random {
    fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn uniform(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Box and Muller.
    fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.uniform()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.uniform()).cos()
    }
}
