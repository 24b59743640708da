//! The resident memory of a service: by its own metrics page, or by the process's entry in `/proc`.

use std::path::PathBuf;

use hitmark_schema::Variant;

use super::stage::Stage;
use crate::plan::fields::{Fields, Notes};

/// Where the resident memory is found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Memory {
    /// A sample of the side's metrics page, such as `process_resident_memory_bytes`.
    Metric(String),
    /// The process whose number stands in a file, on this machine.
    PidFile(PathBuf),
    /// Nowhere.
    Unknown,
}

impl Memory {
    /// Reads `memory = { metric = "…" }` or `{ pid_file = "…" }`.
    pub(crate) fn read(notes: &mut Notes<'_>, fields: &mut Fields<'_, '_>) -> Self {
        let Some(mut table) = fields.table(notes, "memory") else { return Self::Unknown };
        let metric = table.string(notes, "metric").map(|(name, _)| name);
        let file = table.string(notes, "pid_file").map(|(file, _)| notes.beside(&file));
        let memory = match (metric, file) {
            (Some(name), None) => Self::Metric(name),
            (None, Some(file)) => Self::PidFile(file),
            _ => {
                notes.add(table.span(), format!("{}: give either 'metric' or 'pid_file'", table.name()));
                Self::Unknown
            }
        };
        table.finish(notes);
        memory
    }

    /// The resident memory of one side's service now, in bytes; none if it cannot be found.
    pub async fn resident_bytes(&self, stage: &Stage<'_>, variant: Variant) -> Option<f64> {
        match self {
            Self::Unknown => None,
            Self::Metric(name) => stage.sample(variant, name).await,
            Self::PidFile(file) => {
                let pid: u32 = std::fs::read_to_string(file).ok()?.trim().parse().ok()?;
                let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
                let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
                let kibibytes: f64 = line.trim().trim_end_matches("kB").trim().parse().ok()?;
                Some(kibibytes * 1_024.0)
            }
        }
    }

    /// Why there may be no samples, as a note.
    #[must_use]
    pub const fn missing(&self) -> &'static str {
        match self {
            Self::Unknown => "memory was not measured: give memory = { metric = … } or { pid_file = … }",
            Self::Metric(_) => {
                "memory was not measured: the metrics page has no such sample; 'observe' names the page"
            }
            Self::PidFile(_) => "memory was not measured: no process of that number could be read",
        }
    }
}
