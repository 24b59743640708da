//! Writes a run directory, super-block by super-block.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::document::{RunDocument, RunState};
use super::event::Event;
use super::{COUNTERS_FILE, EVENTS_FILE, HISTOGRAMS_FILE, RUN_FILE, RunError, SCENARIOS_FILE, hlog};
use crate::measurement::{Counters, SuperBlock};
use crate::scenario::ScenarioResult;
use crate::variant::Variant;

/// An open run directory.
#[derive(Debug)]
pub struct RunWriter {
    dir: PathBuf,
    document: RunDocument,
    histograms: File,
    counters: File,
    events: File,
}

/// A line of `counters.jsonl`: the identity of a super-block, then its counts.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct CountersLine {
    pub(super) experiment: String,
    pub(super) variant: Variant,
    pub(super) superblock: u32,
    pub(super) started_unix_ns: u64,
    pub(super) duration_ns: u64,
    pub(super) active_ns: u64,
    #[serde(flatten)]
    pub(super) counters: Counters,
}

impl RunWriter {
    /// Makes the directory, if need be, and writes `run.json` with the state `running`.
    ///
    /// # Errors
    ///
    /// [`RunError::Exists`] if the directory holds a run; [`RunError::Io`] if it cannot be written.
    pub fn create(dir: &Path, document: RunDocument) -> Result<Self, RunError> {
        fs::create_dir_all(dir).map_err(RunError::io("make", dir))?;
        if dir.join(RUN_FILE).exists() {
            return Err(RunError::Exists(dir.to_owned()));
        }
        let mut writer = Self {
            dir: dir.to_owned(),
            histograms: create(&dir.join(HISTOGRAMS_FILE))?,
            counters: create(&dir.join(COUNTERS_FILE))?,
            events: create(&dir.join(EVENTS_FILE))?,
            document,
        };
        let header = hlog::header(writer.document.started_unix_ns);
        append(&mut writer.histograms, &dir.join(HISTOGRAMS_FILE), header.as_bytes())?;
        writer.write_document()?;
        Ok(writer)
    }

    /// The directory.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Writes one variant's super-block: its histograms, then the line of counts that makes it
    /// whole.
    ///
    /// # Errors
    ///
    /// [`RunError::Io`] if a file cannot be written.
    pub fn write_super_block(&mut self, block: &SuperBlock) -> Result<(), RunError> {
        let path = self.dir.join(HISTOGRAMS_FILE);
        let mut lines = String::new();
        for ((outcome, timing), histogram) in &block.histograms {
            let tag = hlog::Tag {
                experiment: block.experiment.clone(),
                variant: block.variant,
                outcome: *outcome,
                timing: *timing,
                superblock: block.index,
            };
            let line = hlog::line(&tag, block.started_unix_ns, block.duration_ns, histogram)
                .map_err(|reason| RunError::Malformed { path: path.clone(), line: 0, reason })?;
            lines.push_str(&line);
        }
        append(&mut self.histograms, &path, lines.as_bytes())?;
        let line = CountersLine {
            experiment: block.experiment.clone(),
            variant: block.variant,
            superblock: block.index,
            started_unix_ns: block.started_unix_ns,
            duration_ns: block.duration_ns,
            active_ns: block.active_ns,
            counters: block.counters.clone(),
        };
        let path = self.dir.join(COUNTERS_FILE);
        append(&mut self.counters, &path, &json_line(&line, &path)?)
    }

    /// Writes one event.
    ///
    /// # Errors
    ///
    /// [`RunError::Io`] if the file cannot be written.
    pub fn write_event(&mut self, event: &Event) -> Result<(), RunError> {
        let path = self.dir.join(EVENTS_FILE);
        append(&mut self.events, &path, &json_line(event, &path)?)
    }

    /// Writes what a scenario found on one side. The file is made with the first result.
    ///
    /// # Errors
    ///
    /// [`RunError::Io`] if the file cannot be written.
    pub fn write_scenario(&mut self, result: &ScenarioResult) -> Result<(), RunError> {
        let path = self.dir.join(SCENARIOS_FILE);
        let opened = OpenOptions::new().create(true).append(true).open(&path);
        let mut file = opened.map_err(RunError::io("make", &path))?;
        append(&mut file, &path, &json_line(result, &path)?)
    }

    /// Marks an experiment's figures as not to be used, and says why. Kept even if the run is
    /// killed later.
    ///
    /// # Errors
    ///
    /// [`RunError::Io`] if `run.json` cannot be written.
    pub fn invalidate(&mut self, experiment: &str, reason: &str) -> Result<(), RunError> {
        let entry = super::document::Invalid { experiment: experiment.to_owned(), reason: reason.to_owned() };
        self.document.invalid.push(entry);
        self.write_document()
    }

    /// Ends the run.
    ///
    /// # Errors
    ///
    /// [`RunError::Io`] if `run.json` cannot be written.
    pub fn finish(mut self, state: RunState, ended_unix_ns: u64) -> Result<(), RunError> {
        self.document.state = state;
        self.document.ended_unix_ns = Some(ended_unix_ns);
        self.write_document()
    }

    /// Replaces `run.json` in one step, so that a reader never sees half of it.
    fn write_document(&self) -> Result<(), RunError> {
        let path = self.dir.join(RUN_FILE);
        let draft = self.dir.join("run.json.draft");
        let mut text = serde_json::to_vec_pretty(&self.document).map_err(|error| RunError::Malformed {
            path: path.clone(),
            line: error.line(),
            reason: error.to_string(),
        })?;
        text.push(b'\n');
        fs::write(&draft, text).map_err(RunError::io("write", &draft))?;
        fs::rename(&draft, &path).map_err(RunError::io("write", &path))
    }
}

fn create(path: &Path) -> Result<File, RunError> {
    OpenOptions::new().create_new(true).append(true).open(path).map_err(RunError::io("make", path))
}

/// One write call to a file in append mode: a killed process leaves whole lines or one cut line,
/// nothing else, and nothing waits in a buffer of ours.
fn append(file: &mut File, path: &Path, bytes: &[u8]) -> Result<(), RunError> {
    file.write_all(bytes).map_err(RunError::io("write", path))
}

fn json_line(value: &impl Serialize, path: &Path) -> Result<Vec<u8>, RunError> {
    let mut line = serde_json::to_vec(value).map_err(|error| RunError::Malformed {
        path: path.to_owned(),
        line: 0,
        reason: error.to_string(),
    })?;
    line.push(b'\n');
    Ok(line)
}
