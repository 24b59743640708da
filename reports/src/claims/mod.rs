//! Claims: figures that others state, held against what a run measured.
//!
//! A claim is a line in a file, an experiment proves or refutes it, and an honest "refuted" is a
//! result. Separate from the gate, because nobody promised to keep a claim: it decides no exit code.

mod figure;
mod file;
mod output;
mod reading;
mod shipped;

pub use figure::{Figure, Kind};
pub use file::{Bounds, Claim, ClaimErrors, Claims, How};
pub use output::{Format, UnknownFormat};
pub use shipped::{SHIPPED, shipped};

use std::collections::BTreeSet;
use std::path::PathBuf;

use hitmark_schema::Run;

use crate::comparison::{ExperimentComparison, RunComparison, compare_run};
use figure::Measured;

/// What a run says about a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// The whole interval lies within what is stated.
    Proven,
    /// The whole interval lies outside.
    Refuted,
    /// The interval holds both: the run cannot tell.
    Undecided,
    /// The run has no figure for it.
    NotMeasured,
}

impl Standing {
    /// Every standing, in the order of a summary.
    pub const ALL: [Self; 4] = [Self::Proven, Self::Refuted, Self::Undecided, Self::NotMeasured];

    /// The words in files and tables.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Proven => "proven",
            Self::Refuted => "refuted",
            Self::Undecided => "undecided",
            Self::NotMeasured => "not measured",
        }
    }
}

/// A claim with what was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Held {
    /// The claim.
    pub claim: Claim,
    /// What the run says.
    pub standing: Standing,
    /// The measured figure, in the unit of its kind; none if it was not measured.
    pub value: Option<f64>,
    /// Its 95 % interval; none for exact counts.
    pub interval: Option<(f64, f64)>,
    /// Why, as a sentence.
    pub why: String,
    /// The run that it is held against, by its directory; none if no run has the experiment.
    pub run: Option<PathBuf>,
}

/// All claims of some files, held against some runs.
#[derive(Debug, Clone, PartialEq)]
pub struct ClaimsReport {
    /// The claims, in the order of their files.
    pub held: Vec<Held>,
    /// What a reader should know of the runs.
    pub notes: Vec<String>,
}

impl ClaimsReport {
    /// How many claims stand so.
    #[must_use]
    pub fn count(&self, standing: Standing) -> usize {
        self.held.iter().filter(|held| held.standing == standing).count()
    }

    /// The report in a format. Ends with a line feed.
    #[must_use]
    pub fn render(&self, format: Format) -> String {
        output::render(self, format)
    }
}

/// Holds claims against runs, so that runs of several systems give one table. Each claim is held against
/// the first run that has its experiment; a note names the runs that were passed over for it.
#[must_use]
pub fn hold(runs: &[Run], claims: &[Claims]) -> ClaimsReport {
    let compared: Vec<(&Run, RunComparison)> = runs.iter().map(|run| (run, compare_run(run))).collect();
    let held: Vec<Held> =
        claims.iter().flat_map(|file| &file.claims).map(|claim| hold_one(&compared, claim)).collect();
    let mut notes: Vec<String> =
        compared.iter().flat_map(|(_, comparison)| comparison.notes.clone()).collect();
    notes.extend(several(&compared, &held));
    let mut told = BTreeSet::new();
    notes.retain(|note| told.insert(note.clone()));
    let timed = held.iter().filter(|held| held.interval.is_some()).count();
    if timed > 1 {
        notes.push(format!(
            "each of the {timed} intervals holds its truth with 95 %: about {:.1} of them miss it by chance",
            timed as f64 * 0.05
        ));
    }
    ClaimsReport { held, notes }
}

fn hold_one(runs: &[(&Run, RunComparison)], claim: &Claim) -> Held {
    let (experiment, kind, bounds) = match &claim.how {
        How::Not { why } => return not_measured(claim, why.clone()),
        How::Measured { experiment, kind, bounds } => (experiment, kind, *bounds),
    };
    let Some((run, comparison)) = having(runs, experiment).next() else {
        return not_measured(claim, format!("no run here has the experiment '{experiment}'"));
    };
    let held = match figure::measure(run, comparison, kind) {
        Err(why) => not_measured(claim, why),
        Ok(measured) => judged(claim, bounds, &measured),
    };
    Held { run: Some(run.dir.clone()), ..held }
}

/// The runs that have an experiment, in the order in which they were named.
fn having<'a>(
    runs: &'a [(&'a Run, RunComparison)],
    experiment: &'a str,
) -> impl Iterator<Item = (&'a Run, &'a ExperimentComparison)> {
    runs.iter().filter_map(move |(run, comparison)| {
        let of = comparison.experiments.iter().find(|of| of.experiment.name == experiment)?;
        Some((*run, of))
    })
}

/// A note for each experiment of a claim that more than one run has: which of them counts.
fn several(runs: &[(&Run, RunComparison)], held: &[Held]) -> Vec<String> {
    let mut notes = Vec::new();
    for one in held {
        let How::Measured { experiment, .. } = &one.claim.how else { continue };
        let dirs: Vec<String> =
            having(runs, experiment).map(|(run, _)| run.dir.display().to_string()).collect();
        if let [first, others @ ..] = dirs.as_slice()
            && !others.is_empty()
        {
            let others = others.join(", ");
            notes.push(format!("'{experiment}' is in several runs: {first} is held, not {others}"));
        }
    }
    notes
}

fn judged(claim: &Claim, bounds: Bounds, measured: &Measured) -> Held {
    let (standing, why) = match (measured.exact, measured.interval) {
        (true, _) if bounds.hold(measured.value) => (Standing::Proven, "counted exactly".to_owned()),
        (true, _) => (Standing::Refuted, "counted exactly".to_owned()),
        (false, None) => (Standing::Undecided, "too few observations for an interval".to_owned()),
        (false, Some((lower, upper))) => match (bounds.hold(lower), bounds.hold(upper)) {
            (true, true) => (Standing::Proven, "the whole interval keeps what is stated".to_owned()),
            (false, false) if bounds.lie_outside(lower, upper) => {
                (Standing::Refuted, "the whole interval lies outside what is stated".to_owned())
            }
            _ => (Standing::Undecided, "the interval lies on both sides of what is stated".to_owned()),
        },
    };
    Held {
        claim: claim.clone(),
        standing,
        value: Some(measured.value),
        interval: measured.interval,
        why,
        run: None,
    }
}

fn not_measured(claim: &Claim, why: String) -> Held {
    Held {
        claim: claim.clone(),
        standing: Standing::NotMeasured,
        value: None,
        interval: None,
        why,
        run: None,
    }
}
