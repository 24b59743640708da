//! Reads a run directory, also one whose run was killed.
//!
//! A line that was cut off by a kill can only be the last one of its file: there it is dropped and
//! noted. Anywhere else a line that does not fit is an error that names file and line, since
//! leaving it out would quietly change the figures.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;

use super::document::{RUN_SCHEMA, RunDocument, RunState};
use super::event::Event;
use super::writer::CountersLine;
use super::{COUNTERS_FILE, EVENTS_FILE, HISTOGRAMS_FILE, RUN_FILE, RunError, SCENARIOS_FILE, hlog};
use crate::measurement::SuperBlock;
use crate::scenario::ScenarioResult;
use crate::variant::Variant;

/// A run as it was written.
#[derive(Debug, Clone)]
pub struct Run {
    /// Where it was read from.
    pub dir: PathBuf,
    /// What was asked, where, and how far it came.
    pub document: RunDocument,
    /// The super-blocks that were finished, in the order of writing.
    pub blocks: Vec<SuperBlock>,
    /// What happened in between.
    pub events: Vec<Event>,
    /// What scenarios found, in the order of writing; empty if the plan has none.
    pub scenarios: Vec<ScenarioResult>,
    /// What a reader of the figures should know, such as a line that a kill cut off.
    pub notes: Vec<String>,
}

/// Experiment, variant and number of a super-block.
type BlockId = (String, Variant, u32);

impl Run {
    /// Reads a run directory.
    ///
    /// # Errors
    ///
    /// [`RunError::NotARun`] without a `run.json`, [`RunError::SchemaVersion`] for another version
    /// of the format, [`RunError::Malformed`] for a line that does not fit.
    pub fn read(dir: &Path) -> Result<Self, RunError> {
        let document = read_document(dir)?;
        let mut notes = Vec::new();
        if document.state == RunState::Running {
            notes.push("the run did not end in order: it is still going, or it was killed".to_owned());
        }
        let mut blocks = read_counters(dir, &document, &mut notes)?;
        read_histograms(dir, &mut blocks, &mut notes)?;
        let mut events = Vec::new();
        read_lines(&dir.join(EVENTS_FILE), &mut notes, |line| {
            events.push(json::<Event>(line)?);
            Ok(())
        })?;
        let mut scenarios = Vec::new();
        if dir.join(SCENARIOS_FILE).exists() {
            read_lines(&dir.join(SCENARIOS_FILE), &mut notes, |line| {
                scenarios.push(json::<ScenarioResult>(line)?);
                Ok(())
            })?;
        }
        Ok(Self { dir: dir.to_owned(), document, blocks, events, scenarios, notes })
    }

    /// The finished super-blocks of one side of an experiment, by number.
    #[must_use]
    pub fn side(&self, experiment: &str, variant: Variant) -> BTreeMap<u32, &SuperBlock> {
        self.blocks
            .iter()
            .filter(|block| block.experiment == experiment && block.variant == variant)
            .map(|block| (block.index, block))
            .collect()
    }

    /// The super-blocks of which both sides are finished, in order: the pairs of observations.
    #[must_use]
    pub fn pairs(&self, experiment: &str) -> Vec<(&SuperBlock, &SuperBlock)> {
        let mut candidates = self.side(experiment, Variant::Candidate);
        self.side(experiment, Variant::Baseline)
            .into_iter()
            .filter_map(|(index, baseline)| Some((baseline, candidates.remove(&index)?)))
            .collect()
    }
}

fn read_document(dir: &Path) -> Result<RunDocument, RunError> {
    let path = dir.join(RUN_FILE);
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(RunError::NotARun(dir.to_owned()));
        }
        Err(error) => return Err(RunError::io("read", &path)(error)),
    };
    let malformed = |error: serde_json::Error| RunError::Malformed {
        path: path.clone(),
        line: error.line(),
        reason: error.to_string(),
    };
    // The version is looked at first: another version may well have other fields.
    let value: serde_json::Value = serde_json::from_str(&text).map_err(malformed)?;
    let found = value.get("schema").and_then(serde_json::Value::as_u64).unwrap_or(0);
    if found != u64::from(RUN_SCHEMA) {
        return Err(RunError::SchemaVersion { path, found, expected: RUN_SCHEMA });
    }
    serde_json::from_value(value).map_err(malformed)
}

fn read_counters(
    dir: &Path,
    document: &RunDocument,
    notes: &mut Vec<String>,
) -> Result<Vec<SuperBlock>, RunError> {
    let mut blocks = Vec::new();
    let mut seen: HashSet<BlockId> = HashSet::new();
    read_lines(&dir.join(COUNTERS_FILE), notes, |line| {
        let line: CountersLine = json(line)?;
        if !document.experiments.iter().any(|experiment| experiment.slug == line.experiment) {
            return Err(format!("run.json knows no experiment '{}'", line.experiment));
        }
        if !seen.insert((line.experiment.clone(), line.variant, line.superblock)) {
            return Err(format!("super-block {} of {} stands twice", line.superblock, line.experiment));
        }
        blocks.push(SuperBlock {
            experiment: line.experiment,
            variant: line.variant,
            index: line.superblock,
            started_unix_ns: line.started_unix_ns,
            duration_ns: line.duration_ns,
            active_ns: line.active_ns,
            histograms: BTreeMap::new(),
            counters: line.counters,
        });
        Ok(())
    })?;
    Ok(blocks)
}

fn read_histograms(dir: &Path, blocks: &mut [SuperBlock], notes: &mut Vec<String>) -> Result<(), RunError> {
    let places: BTreeMap<BlockId, usize> = blocks
        .iter()
        .enumerate()
        .map(|(place, block)| ((block.experiment.clone(), block.variant, block.index), place))
        .collect();
    read_lines(&dir.join(HISTOGRAMS_FILE), notes, |line| {
        let Some((tag, histogram)) = hlog::parse(line)? else { return Ok(()) };
        // Histograms whose line of counts is missing belong to a super-block that a kill cut short.
        if let Some(place) = places.get(&(tag.experiment, tag.variant, tag.superblock)) {
            let former = blocks[*place].histograms.insert((tag.outcome, tag.timing), histogram);
            if former.is_some() {
                return Err("the same tag stands twice".to_owned());
            }
        }
        Ok(())
    })
}

/// Calls `each` for every line. A last line without its line feed is dropped with a note.
fn read_lines(
    path: &Path,
    notes: &mut Vec<String>,
    mut each: impl FnMut(&str) -> Result<(), String>,
) -> Result<(), RunError> {
    let text = match fs::read(path) {
        Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(error) => return Err(RunError::io("read", path)(error)),
    };
    let (whole, cut) = text.rsplit_once('\n').map_or(("", text.as_str()), |(whole, cut)| (whole, cut));
    for (place, line) in whole.lines().enumerate().filter(|(_, line)| !line.is_empty()) {
        each(line).map_err(|reason| RunError::Malformed {
            path: path.to_owned(),
            line: place + 1,
            reason,
        })?;
    }
    if !cut.is_empty() {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        notes.push(format!("the last line of {name} was cut off and is left out"));
    }
    Ok(())
}

fn json<T: DeserializeOwned>(line: &str) -> Result<T, String> {
    serde_json::from_str(line).map_err(|error| error.to_string())
}
