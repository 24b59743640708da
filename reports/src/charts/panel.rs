//! A panel: axes and marks in plain numbers, before anything is drawn.

use super::palette::Role;

/// One set of axes with what stands in it. Positions are those of the axes: logarithms are taken
/// before.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Panel {
    /// Height in pixels of a panel that is 800 wide.
    pub(crate) height: u32,
    pub(crate) x: Axis,
    pub(crate) y: Axis,
    pub(crate) marks: Vec<Mark>,
    /// Names at the right edge, at the height of what they name.
    pub(crate) labels: Vec<Label>,
}

/// An axis: its range, its ticks and what it measures.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Axis {
    pub(crate) range: (f64, f64),
    pub(crate) ticks: Vec<(f64, String)>,
    pub(crate) title: String,
}

/// The name of a line, written beside its end.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Label {
    pub(crate) y: f64,
    pub(crate) text: String,
    pub(crate) role: Role,
}

/// Something drawn.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Mark {
    /// A line through points.
    Line { role: Role, points: Vec<(f64, f64)> },
    /// Dots.
    Dots { role: Role, points: Vec<(f64, f64)> },
    /// A faint area between two heights, over the whole width.
    Band { role: Role, from: f64, to: f64 },
    /// A faint area between two places, over the whole height.
    Column { role: Role, from: f64, to: f64 },
    /// A line over the whole width.
    Across { role: Role, y: f64 },
    /// A line over the whole height, with a text at its top.
    Upright { role: Role, x: f64, text: String },
    /// A dot with its interval, lying.
    Interval { role: Role, y: f64, at: f64, from: f64, to: f64 },
}

impl Axis {
    pub(crate) fn tick_text(&self, at: f64) -> String {
        let near = self.ticks.iter().min_by(|(a, _), (b, _)| (a - at).abs().total_cmp(&(b - at).abs()));
        near.map_or_else(String::new, |(_, text)| text.clone())
    }
}
