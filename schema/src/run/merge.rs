//! One run of several of the same plan: load from many machines, or measured again, as one report.
//!
//! Nothing is averaged. Every super-block stays a pair of its own, since its sides were measured side by
//! side on one machine; the histograms add up where they always do, in the comparison. What is no sum,
//! such as a scenario's figures, cannot be merged and is refused. It reads no directory itself.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::document::{Invalid, RunDocument, RunState};
use super::event::{Event, EventKind};
use super::{Run, RunError, RunWriter};
use crate::environment::Environment;
use crate::experiment::Experiment;

/// Why runs are not merged.
#[derive(Debug, thiserror::Error)]
pub enum MergeError {
    /// They do not belong together; every reason.
    #[error("{}", .0.join("\n"))]
    Differ(Vec<String>),
    /// The new run could not be written.
    #[error(transparent)]
    Run(#[from] RunError),
}

/// Writes a new run into `dir` that holds every super-block of `runs`, numbered anew in their order.
/// `command` is the command line that asks for it.
///
/// # Errors
///
/// [`MergeError::Differ`] with everything that keeps the runs apart; [`MergeError::Run`] if `dir` holds a
/// run already or cannot be written.
pub fn merge(runs: &[Run], dir: &Path, command: String) -> Result<(), MergeError> {
    let mistakes = mistakes(runs);
    let Some(first) = runs.first().filter(|_| mistakes.is_empty()) else {
        return Err(MergeError::Differ(mistakes));
    };
    let document = document(first, runs, command);
    let ended = runs.iter().filter_map(|run| run.document.ended_unix_ns).max();
    let state = document.state;
    let mut writer = RunWriter::create(dir, document)?;
    // The numbers that the runs before take, by experiment.
    let mut taken: BTreeMap<&str, u32> = BTreeMap::new();
    for run in runs {
        for block in &run.blocks {
            let mut block = block.clone();
            block.index += taken.get(block.experiment.as_str()).copied().unwrap_or(0);
            writer.write_super_block(&block)?;
        }
        for experiment in &run.document.experiments {
            *taken.entry(&experiment.slug).or_default() += blocks_of(run, &experiment.slug);
        }
        run.events.iter().chain([&origin(run)]).try_for_each(|event| writer.write_event(event))?;
    }
    Ok(writer.finish(state, ended.unwrap_or_default())?)
}

/// How many numbers the super-blocks of an experiment take.
fn blocks_of(run: &Run, experiment: &str) -> u32 {
    let blocks = run.blocks.iter().filter(|block| block.experiment == experiment);
    blocks.map(|block| block.index + 1).max().unwrap_or(0)
}

/// Everything that keeps the runs apart.
fn mistakes(runs: &[Run]) -> Vec<String> {
    let Some(first) = runs.first() else { return vec!["name the runs to merge".to_owned()] };
    let mut mistakes = Vec::new();
    let mut seen = BTreeSet::new();
    for run in runs {
        let name = run.dir.display();
        if !seen.insert(run.dir.canonicalize().unwrap_or_else(|_| run.dir.clone())) {
            mistakes.push(format!("{name} is named twice: its requests would count twice"));
        }
        let (document, other) = (&run.document, &first.document);
        let differs = if !lines(&document.plan).eq(lines(&other.plan)) {
            "plan"
        } else if !document.experiments.iter().map(asked).eq(other.experiments.iter().map(asked)) {
            "list of experiments"
        } else if document.extent != other.extent {
            "extent (one of them was made with --quick)"
        } else {
            continue;
        };
        let first = first.dir.display();
        mistakes.push(format!(
            "{name} has another {differs} than {first}: only runs of the same plan are merged; \
             'hitmark report' draws several runs on one page, 'hitmark compare' holds one against another"
        ));
    }
    let scenarios = first.document.experiments.iter().filter(|experiment| experiment.scenario.is_some());
    mistakes.extend(scenarios.map(|experiment| {
        let name = &experiment.name;
        format!(
            "'{name}' is a scenario, whose figures are no sums: name its runs to 'hitmark report' instead"
        )
    }));
    mistakes
}

/// An experiment but for the address of the service, which differs between machines.
fn asked(experiment: &Experiment) -> Experiment {
    let mut asked = experiment.clone();
    asked.baseline.base_url.clear();
    asked.candidate.iter_mut().for_each(|candidate| candidate.base_url.clear());
    asked
}

/// The lines of a plan but for those that hold that address.
fn lines(plan: &str) -> impl Iterator<Item = &str> {
    plan.lines().filter(|line| !line.trim_start().starts_with("base_url"))
}

fn document(first: &Run, runs: &[Run], command: String) -> RunDocument {
    let documents = || runs.iter().map(|run| &run.document);
    let is_complete = documents().all(|document| document.state == RunState::Complete);
    let invalid = runs.iter().flat_map(|run| {
        let of_run = |entry: &Invalid| Invalid {
            experiment: entry.experiment.clone(),
            reason: format!("{} ({})", entry.reason, run.dir.display()),
        };
        run.document.invalid.iter().map(of_run)
    });
    let mut experiments = first.document.experiments.clone();
    for experiment in &mut experiments {
        experiment.pairs = experiment.pairs.saturating_mul(u32::try_from(runs.len()).unwrap_or(u32::MAX));
    }
    RunDocument {
        // A run that was cut short stays one: what it measured is kept, and the page says so.
        state: if is_complete { RunState::Complete } else { RunState::Interrupted },
        command,
        started_unix_ns: documents().map(|document| document.started_unix_ns).min().unwrap_or_default(),
        ended_unix_ns: None,
        environment: environment(runs),
        experiments,
        invalid: invalid.collect(),
        ..first.document.clone()
    }
}

/// The first run's machine with the names of all, and every server that took part.
fn environment(runs: &[Run]) -> Environment {
    let environments = || runs.iter().map(|run| &run.document.environment);
    let hosts: BTreeSet<&str> =
        environments().filter_map(|environment| environment.host.as_deref()).collect();
    let hosts: Vec<&str> = hosts.into_iter().collect();
    let mut merged = environments().next().cloned().unwrap_or_default();
    merged.host = (!hosts.is_empty()).then(|| hosts.join(", "));
    merged.servers = environments().rev().flat_map(|environment| environment.servers.clone()).collect();
    merged
}

/// Where the super-blocks come from, for a reader of the events.
fn origin(run: &Run) -> Event {
    let document = &run.document;
    let environment = &document.environment;
    let pairs: usize = document.experiments.iter().map(|experiment| run.pairs(&experiment.slug).len()).sum();
    let detail = format!(
        "{pairs} pairs of super-blocks from {}: host {}, {} cores, seed {}, hitmark {}",
        run.dir.display(),
        environment.host.as_deref().unwrap_or("unknown"),
        environment.cores,
        document.seed,
        environment.hitmark,
    );
    let unix_ns = document.started_unix_ns;
    Event { unix_ns, experiment: None, variant: None, kind: EventKind::Merged, detail }
}
