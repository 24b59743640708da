//! A run becomes comparisons: for each experiment its ratios, its verdict and what the cache saves.
//!
//! Pure: the same run gives the same comparison. Showing it is the business of `table`, `summary`
//! and `page`.

use hitmark_schema::run::{Event, EventKind};
use hitmark_schema::{Experiment, Outcome, Run, SuperBlock, Variant};

use crate::pairing::{NotMeasured, Pairing, Ratio};
use crate::scenario::{ScenarioFindings, findings};
use crate::statistics::Quantile;
use crate::variants::{VariantSummary, not_failed};
use crate::verdict::{Question, Verdict, functional_errors, judge};

/// Misses below which the price of a miss, and so the break-even hit ratio, is a rumour.
const MISSES_TO_TRUST: u64 = 30;

/// What a run says.
#[derive(Debug, Clone, PartialEq)]
pub struct RunComparison {
    /// Whether no experiment is void.
    pub valid: bool,
    /// The experiments that compare latencies, in the order of the plan.
    pub experiments: Vec<ExperimentComparison>,
    /// What the scenarios of the others found.
    pub scenarios: Vec<ScenarioFindings>,
    /// What happened in the middle of the run.
    pub events: Vec<EventNote>,
    /// What a reader of the figures should know.
    pub notes: Vec<String>,
}

/// What a run says about one experiment.
#[derive(Debug, Clone, PartialEq)]
pub struct ExperimentComparison {
    /// The experiment as the plan has it.
    pub experiment: Experiment,
    /// Finished pairs of super-blocks.
    pub pairs: usize,
    /// The verdict on the median; none for a baseline that was measured alone.
    pub verdict: Option<Verdict>,
    /// Why, as a sentence.
    pub why: String,
    /// Whether the functional errors of CLI exit 6 void the timing.
    pub functional_errors: bool,
    /// Candidate ÷ baseline over all outcomes; empty without a candidate.
    pub ratios: Vec<(Quantile, Result<Ratio, NotMeasured>)>,
    /// Candidate ÷ baseline for the candidate's answers of one outcome.
    pub ratios_by_outcome: Vec<OutcomeRatios>,
    /// The candidate's share of answers out of the cache; none if it was never asked.
    pub hit_ratio: Option<f64>,
    /// The hit ratio from which on the cache saves time; none without a hit or a miss.
    pub break_even_hit_ratio: Option<f64>,
    /// Mean latency of the baseline − mean latency of the candidate, in seconds.
    pub net_seconds_saved_per_request: Option<f64>,
    /// Requests per second, candidate ÷ baseline: above 1 the candidate does more; none without pairs.
    pub throughput: Option<Ratio>,
    /// The sides: baseline, then candidate.
    pub variants: Vec<VariantSummary>,
    /// What a reader of these figures should know.
    pub notes: Vec<String>,
}

/// The candidate's answers of one outcome against the baseline.
#[derive(Debug, Clone, PartialEq)]
pub struct OutcomeRatios {
    /// The candidate's outcome.
    pub outcome: Outcome,
    /// Which of the baseline's answers they are compared with.
    pub against: Against,
    /// The ratios.
    pub ratios: Vec<(Quantile, Result<Ratio, NotMeasured>)>,
}

/// Which of the baseline's answers an outcome is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Against {
    /// Those of the same outcome.
    SameOutcome,
    /// All of them: the baseline has too few of the same outcome.
    All,
}

impl Against {
    /// The words in files and tables.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SameOutcome => "same outcome",
            Self::All => "all",
        }
    }
}

/// Something that happened, with its time since the start of the run.
#[derive(Debug, Clone, PartialEq)]
pub struct EventNote {
    /// Seconds since the run began; 0 for anything earlier.
    pub at_s: f64,
    /// When, nanoseconds since the Unix epoch.
    pub unix_ns: u64,
    /// The slug of the experiment; none if it concerns the run.
    pub experiment: Option<String>,
    /// On which side, where it is known.
    pub variant: Option<Variant>,
    /// What.
    pub kind: EventKind,
    /// More, for a person.
    pub detail: String,
}

/// Compares candidate and baseline in every experiment of a run.
#[must_use]
pub fn compare_run(run: &Run) -> RunComparison {
    let mut experiments: Vec<ExperimentComparison> =
        compared(run).map(|experiment| compare(run, experiment)).collect();
    let voids: Vec<Option<String>> = experiments.iter().map(|experiment| void(run, experiment)).collect();
    let questions: Vec<Question<'_>> = experiments
        .iter()
        .zip(voids)
        .map(|(experiment, void)| Question { void, p50: experiment.ratio(Quantile::P50) })
        .collect();
    let verdicts = judge(&questions);
    for (experiment, (verdict, why)) in experiments.iter_mut().zip(verdicts) {
        experiment.verdict = verdict;
        experiment.why = why;
    }
    RunComparison {
        valid: experiments.iter().all(|experiment| experiment.verdict != Some(Verdict::Invalid)),
        experiments,
        scenarios: findings(run),
        events: run.events.iter().map(|event| EventNote::new(event, run.document.started_unix_ns)).collect(),
        notes: notes(run),
    }
}

/// The experiments that are comparisons: a scenario's load is not made for one.
fn compared(run: &Run) -> impl Iterator<Item = &Experiment> {
    run.document.experiments.iter().filter(|experiment| experiment.scenario.is_none())
}

impl ExperimentComparison {
    /// The ratio of a quantile over all outcomes; none without a candidate.
    #[must_use]
    pub fn ratio(&self, quantile: Quantile) -> Option<&Result<Ratio, NotMeasured>> {
        self.ratios.iter().find(|(other, _)| *other == quantile).map(|(_, ratio)| ratio)
    }

    /// One side.
    #[must_use]
    pub fn side(&self, variant: Variant) -> Option<&VariantSummary> {
        self.variants.iter().find(|side| side.variant == variant)
    }
}

impl EventNote {
    fn new(event: &Event, started_unix_ns: u64) -> Self {
        Self {
            at_s: event.unix_ns.saturating_sub(started_unix_ns) as f64 / 1e9,
            unix_ns: event.unix_ns,
            experiment: event.experiment.clone(),
            variant: event.variant,
            kind: event.kind,
            detail: event.detail.clone(),
        }
    }
}

/// The ratio of the rates of each pair; a pair in which a side was not under load tells nothing.
fn throughput(pairs: &[(&SuperBlock, &SuperBlock)]) -> Option<Ratio> {
    let rate = |block: &SuperBlock| {
        let is_told = block.counters.requests > 0 && block.active_ns > 0;
        is_told.then(|| (block.counters.requests as f64 / block.active_ns as f64).ln())
    };
    let difference =
        |(baseline, candidate): &(&SuperBlock, &SuperBlock)| Some(rate(candidate)? - rate(baseline)?);
    let differences: Vec<f64> = pairs.iter().filter_map(difference).collect();
    Ratio::new(&differences, 1)
}

/// Everything but the verdict, which needs the other experiments.
fn compare(run: &Run, experiment: &Experiment) -> ExperimentComparison {
    let variants: Vec<VariantSummary> = Variant::ALL
        .into_iter()
        .filter_map(|variant| VariantSummary::new(run, experiment, variant))
        .collect();
    let pairs = run.pairs(&experiment.slug);
    let candidate = variants.iter().find(|side| side.variant == Variant::Candidate);
    let baseline = variants.iter().find(|side| side.variant == Variant::Baseline);
    let (ratios, ratios_by_outcome) = match candidate {
        Some(candidate) => {
            let overall = Pairing::new(&pairs, not_failed, not_failed);
            let outcomes = candidate.outcomes.iter().map(|(outcome, _)| *outcome).filter(|o| not_failed(*o));
            (ratios(&overall), outcomes.map(|outcome| of_outcome(&pairs, outcome)).collect())
        }
        None => (Vec::new(), Vec::new()),
    };
    let mut comparison = ExperimentComparison {
        experiment: experiment.clone(),
        pairs: pairs.len(),
        verdict: None,
        why: String::new(),
        functional_errors: functional_errors(&variants).is_some(),
        ratios,
        ratios_by_outcome,
        hit_ratio: candidate.and_then(VariantSummary::hit_ratio),
        break_even_hit_ratio: break_even(baseline, candidate),
        net_seconds_saved_per_request: saved(baseline, candidate),
        throughput: throughput(&pairs),
        variants,
        notes: Vec::new(),
    };
    comparison.notes = experiment_notes(&comparison);
    comparison
}

fn ratios(pairing: &Pairing) -> Vec<(Quantile, Result<Ratio, NotMeasured>)> {
    Quantile::COMPARED.into_iter().map(|quantile| (quantile, pairing.ratio(quantile))).collect()
}

fn of_outcome(
    pairs: &[(&hitmark_schema::SuperBlock, &hitmark_schema::SuperBlock)],
    outcome: Outcome,
) -> OutcomeRatios {
    let only = |other: Outcome| other == outcome;
    let same = Pairing::new(pairs, only, only);
    if same.ratio(Quantile::P50).is_ok() {
        return OutcomeRatios { outcome, against: Against::SameOutcome, ratios: ratios(&same) };
    }
    let all = Pairing::new(pairs, not_failed, only);
    OutcomeRatios { outcome, against: Against::All, ratios: ratios(&all) }
}

/// h* = (t_miss − t_baseline) / (t_miss − t_hit) with mean latencies: at a hit ratio of h* a request
/// costs the candidate h*·t_hit + (1 − h*)·t_miss = t_baseline. None if nothing was hit or missed, or
/// if a hit is no faster than a miss.
fn break_even(baseline: Option<&VariantSummary>, candidate: Option<&VariantSummary>) -> Option<f64> {
    let base = baseline?.overall.mean_ns?;
    let hit = candidate?.served_from_cache_mean_ns()?;
    let miss = candidate?.of(Outcome::Miss)?.mean_ns?;
    (miss > hit).then(|| ((miss - base) / (miss - hit)).clamp(0.0, 1.0))
}

fn saved(baseline: Option<&VariantSummary>, candidate: Option<&VariantSummary>) -> Option<f64> {
    Some((baseline?.overall.mean_ns? - candidate?.overall.mean_ns?) / 1e9)
}

/// Why an experiment's figures must not be used: the run says so, or its answers were wrong.
fn void(run: &Run, comparison: &ExperimentComparison) -> Option<String> {
    let mut reasons: Vec<String> =
        run.document.invalid_reasons(&comparison.experiment.slug).map(str::to_owned).collect();
    reasons.extend(functional_errors(&comparison.variants));
    (!reasons.is_empty()).then(|| reasons.join("; "))
}

fn notes(run: &Run) -> Vec<String> {
    let mut notes = run.notes.clone();
    if run.document.state == hitmark_schema::run::RunState::Interrupted {
        notes.push("the run was stopped before its plan was done".to_owned());
    }
    if !run.document.extent.is_whole() {
        notes.push(
            "a quick run: fewer and shorter steps than its plan has; its figures are a look".to_owned(),
        );
    }
    if run.document.environment.profile == "debug" {
        notes.push("hitmark was built without optimisation: these figures describe nothing".to_owned());
    }
    notes
}

fn experiment_notes(comparison: &ExperimentComparison) -> Vec<String> {
    let mut notes = Vec::new();
    let planned = comparison.experiment.pairs as usize;
    if comparison.experiment.candidate.is_some() && comparison.pairs < planned {
        notes.push(format!("{} of {planned} planned pairs were finished", comparison.pairs));
    }
    for side in &comparison.variants {
        let counters = &side.counters;
        let name = &side.name;
        if counters.errors_total() > 0 {
            notes.push(format!(
                "{name}: {} of {} requests failed",
                counters.errors_total(),
                counters.requests
            ));
        }
        if counters.cache_unreachable > 0 {
            notes.push(format!(
                "{name}: the cache server could not be asked for {} requests",
                counters.cache_unreachable
            ));
        }
        if counters.dropped > 0 {
            notes.push(format!("{name}: {} arrivals were due and never sent", counters.dropped));
        }
    }
    let misses = comparison.side(Variant::Candidate).map_or(0, |side| side.count(Outcome::Miss));
    if comparison.break_even_hit_ratio.is_some() && misses < MISSES_TO_TRUST {
        let word = if misses == 1 { "miss" } else { "misses" };
        notes.push(format!("the break-even hit ratio rests on {misses} {word}"));
    }
    for (quantile, ratio) in &comparison.ratios {
        if let Ok(ratio) = ratio
            && ratio.blocks_per_pair > 1
        {
            let merged = ratio.blocks_per_pair;
            notes.push(format!(
                "{quantile}: {merged} neighbouring super-blocks were merged into each pair, since one holds too few values"
            ));
        }
    }
    notes.extend(left_out(comparison).filter(|_| comparison.pairs > 0));
    notes
}

/// One note for all percentiles that were not compared: their reasons differ in a number only.
fn left_out(comparison: &ExperimentComparison) -> Option<String> {
    let missing =
        || comparison.ratios.iter().filter_map(|(quantile, ratio)| Some((quantile, ratio.as_ref().err()?)));
    let (_, reason) = missing().next()?;
    let names: Vec<&str> = missing().map(|(quantile, _)| quantile.as_str()).collect();
    Some(format!("no ratio of {}: {reason}", names.join(", ")))
}
