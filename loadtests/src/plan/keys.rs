//! `keys = { … }` and `data = "…"`: which keys are asked for, and the rows that go with them.

use std::path::Path;
use std::sync::Arc;

use super::fields::{Fields, Notes};
use crate::keys::{KeyChoice, KeyDistribution, Replay};
use crate::trace::TraceFormat;

/// Rows of a data file that are kept at most.
const ROWS_MAX: usize = 1_000_000;
/// Bytes of a data file at most.
const BYTES_MAX: u64 = 256 << 20;
const DISTRIBUTIONS: [&str; 5] = ["zipf", "uniform", "hotset", "sequential", "trace"];

/// A data file: values by row and column. The row of a request is that of its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataTable {
    /// The names of the columns, from the first line.
    pub columns: Vec<String>,
    rows: Arc<[Box<[Box<str>]>]>,
}

impl DataTable {
    /// The row of a key; rows begin anew after the last one.
    #[must_use]
    pub fn row(&self, key: u64) -> &[Box<str>] {
        &self.rows[(key.saturating_sub(1) % self.rows.len() as u64) as usize]
    }

    /// How many rows there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Never: a data file without rows is refused.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    fn read(path: &Path) -> Result<Self, String> {
        let shown = path.display();
        let length = std::fs::metadata(path).map_err(|error| format!("cannot read {shown}: {error}"))?.len();
        if length > BYTES_MAX {
            return Err(format!("{shown} has {length} bytes, a data file at most {BYTES_MAX}"));
        }
        let text = std::fs::read_to_string(path).map_err(|error| format!("cannot read {shown}: {error}"))?;
        let mut lines = text.lines().filter(|line| !line.trim().is_empty());
        let cells = |line: &str| -> Vec<String> {
            line.split(',').map(|cell| cell.trim().trim_matches('"').to_owned()).collect()
        };
        let columns = lines.next().map(cells).ok_or_else(|| format!("{shown} is empty"))?;
        let mut rows = Vec::new();
        for (place, line) in lines.take(ROWS_MAX).enumerate() {
            let row = cells(line);
            if row.len() != columns.len() {
                let (found, wanted) = (row.len(), columns.len());
                return Err(format!("{shown}: row {} has {found} cells, the head {wanted}", place + 1));
            }
            rows.push(row.into_iter().map(String::into_boxed_str).collect());
        }
        if rows.is_empty() {
            return Err(format!("{shown} has a head but no rows"));
        }
        Ok(Self { columns, rows: rows.into() })
    }
}

pub(super) fn data(notes: &mut Notes<'_>, fields: &mut Fields<'_, '_>) -> Option<DataTable> {
    let (name, at) = fields.string(notes, "data")?;
    match DataTable::read(&notes.beside(&name)) {
        Ok(table) => Some(table),
        Err(fault) => {
            notes.add(at, format!("{} data: {fault}", fields.name()));
            None
        }
    }
}

pub(super) fn keys(notes: &mut Notes<'_>, fields: &mut Fields<'_, '_>) -> Option<KeyChoice> {
    let mut keys = fields.table(notes, "keys")?;
    let dist = keys.required_string(notes, "dist");
    let name = dist.as_ref().map(|(dist, _)| dist.as_str());
    let exponent = keys.number(notes, "s", 0.0, 10.0);
    let hot = keys.whole(notes, "hot", 1..=1_000_000_000);
    let share = keys.number(notes, "share", 0.0, 1.0);
    let trace = trace(notes, &mut keys);
    let count = match (keys.value("n").is_some(), name, &trace) {
        (true, ..) => keys.whole(notes, "n", 1..=1_000_000_000),
        (false, Some("trace"), trace) => trace.as_ref().map(Replay::len),
        (false, ..) => {
            notes.add(keys.span(), format!("{} needs 'n', the number of keys", keys.name()));
            None
        }
    };
    let distribution = match dist.as_ref().map(|(dist, at)| (dist.as_str(), at)) {
        Some(("zipf", _)) => Some(KeyDistribution::Zipf { exponent: exponent.unwrap_or(1.0) }),
        Some(("uniform", _)) => Some(KeyDistribution::Uniform),
        Some(("sequential", _)) => Some(KeyDistribution::Sequential),
        Some(("hotset", _)) => Some(KeyDistribution::HotSet {
            hot: hot.unwrap_or_else(|| (count.unwrap_or(100) / 10).max(1)),
            share: share.unwrap_or(0.9),
        }),
        Some(("trace", at)) => {
            if trace.is_none() && keys.value("file").is_none() {
                notes.add(at.clone(), format!("{} needs 'file', the trace", keys.name()));
            }
            trace.map(KeyDistribution::Trace)
        }
        Some((other, at)) => {
            let (known, last) = (&DISTRIBUTIONS[..4], DISTRIBUTIONS[4]);
            let known = known.join(", ");
            notes.add(at.clone(), format!("{} dist: must be {known} or {last}, not '{other}'", keys.name()));
            None
        }
        None => None,
    };
    keys.finish(notes);
    Some(KeyChoice { distribution: distribution?, count: count? })
}

fn trace(notes: &mut Notes<'_>, keys: &mut Fields<'_, '_>) -> Option<Replay> {
    let format = keys.string(notes, "format").and_then(|(format, at)| match format.parse::<TraceFormat>() {
        Ok(format) => Some(format),
        Err(fault) => {
            notes.add(at, format!("{} format: {fault}", keys.name()));
            None
        }
    });
    let (file, at) = keys.string(notes, "file")?;
    match Replay::read(&notes.beside(&file), format) {
        Ok(replay) => Some(replay),
        Err(fault) => {
            notes.add(at, format!("{} file: {fault}", keys.name()));
            None
        }
    }
}
