//! The charts of a report, each with its title, its description and its numbers as a table.
//!
//! A chart is made in two steps: a file of this folder turns a comparison into panels of plain
//! points and labels, and `draw` turns panels into SVG. So charts are tested by data and labels.
//! Adding one is a file here and its line in [`of_experiment`] or [`of_run`].

mod draw;
mod forest;
mod missratio;
mod pairs;
mod palette;
mod panel;
mod percentiles;
mod scenario;
mod ticks;
mod timeline;

pub use missratio::of_whatif;
pub use palette::Role;
pub(crate) use palette::{ROLES, hex};
pub use scenario::of_scenario;

use hitmark_schema::Run;

use crate::comparison::{ExperimentComparison, RunComparison};
use panel::Panel;

/// A drawn chart.
#[derive(Debug, Clone, PartialEq)]
pub struct Chart {
    /// Unique within a page: letters, digits and dashes.
    pub id: String,
    /// What it shows, in a few words.
    pub title: String,
    /// What it shows and how to read it, for someone who does not see it.
    pub desc: String,
    /// An `<svg>` element that carries title and description.
    pub svg: String,
    /// The numbers that are drawn.
    pub table: ChartTable,
}

/// The numbers of a chart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChartTable {
    /// The heads of the columns.
    pub columns: Vec<String>,
    /// The cells, formatted.
    pub rows: Vec<Vec<String>>,
}

/// What a file of this folder makes of a comparison: a chart before it is drawn.
#[derive(Debug)]
pub(crate) struct Sketch {
    pub(crate) kind: &'static str,
    pub(crate) title: String,
    pub(crate) desc: String,
    pub(crate) panels: Vec<Panel>,
    pub(crate) table: ChartTable,
}

/// The charts of one experiment, in the order of the page. `prefix` makes their ids unique.
#[must_use]
pub fn of_experiment(run: &Run, comparison: &ExperimentComparison, prefix: &str) -> Vec<Chart> {
    [percentiles::sketch(comparison), pairs::sketch(comparison), timeline::sketch(run, comparison)]
        .into_iter()
        .flatten()
        .map(|sketch| sketch.drawn(&format!("{prefix}-{}", comparison.experiment.slug)))
        .collect()
}

/// The charts over all experiments of a run.
#[must_use]
pub fn of_run(comparison: &RunComparison, prefix: &str) -> Vec<Chart> {
    forest::sketch(comparison).into_iter().map(|sketch| sketch.drawn(prefix)).collect()
}

impl Sketch {
    fn drawn(self, prefix: &str) -> Chart {
        let id = format!("{prefix}-{}", self.kind);
        let svg = draw::svg(&id, &self.title, &self.desc, &self.panels);
        Chart { id, title: self.title, desc: self.desc, svg, table: self.table }
    }
}
