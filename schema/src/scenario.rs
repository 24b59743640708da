//! What a scenario found: named figures with their unit and interval, and curves.
//!
//! A scenario asks what only a cache can be asked: how many origin calls one expiry costs, how long a
//! stale value is served. Its answers are few and each has a name, so they are lines of
//! `scenarios.jsonl` in the run directory, one for each scenario and side, beside the histograms of
//! whatever load it sent. Here nothing is computed and nothing is judged.

use serde::{Deserialize, Serialize};

use crate::variant::Variant;

/// What a scenario found on one side of its experiment: a line of `scenarios.jsonl`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ScenarioResult {
    /// The slug of the experiment.
    pub experiment: String,
    /// The scenario, for example `stampede`.
    pub scenario: String,
    /// The side.
    pub variant: Variant,
    /// The figures, most telling first.
    pub figures: Vec<Figure>,
    /// The curves; often none.
    #[serde(default)]
    pub series: Vec<Series>,
    /// What makes the answer wrong whatever its speed, such as a value of one tenant shown to another.
    #[serde(default)]
    pub failures: Vec<String>,
    /// What a reader of the figures should know.
    #[serde(default)]
    pub notes: Vec<String>,
}

/// One figure.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Figure {
    /// Its name, for example `origin calls per expiry`.
    pub name: String,
    /// What it counts in.
    pub unit: Unit,
    /// The value; none if it was not measured.
    pub value: Option<f64>,
    /// The lower end of its 95 % interval; none for a count that is exact, or without repetitions.
    pub lower: Option<f64>,
    /// The upper end.
    pub upper: Option<f64>,
    /// How many observations the value is made of.
    pub observations: u64,
}

/// What a figure counts in. Base units; whoever shows it scales.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Things.
    Count,
    /// A share of 1, such as a hit ratio.
    Share,
    /// A quotient that may be above 1, such as origin calls for each key.
    Ratio,
    /// Seconds.
    Seconds,
    /// Things each second.
    PerSecond,
    /// Bytes.
    Bytes,
}

/// A curve.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Series {
    /// What it shows, for example `hit ratio`.
    pub name: String,
    /// What its values count in.
    pub unit: Unit,
    /// What it is drawn over, for example `seconds` or `keys`.
    pub over: String,
    /// The points, in the order of measuring.
    pub points: Vec<Point>,
}

/// One point of a curve.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// Where: a number of what the curve is drawn over.
    pub at: f64,
    /// Settings that hold at this point beside `at`, in words; empty if there are none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub setting: String,
    /// The value; none if it was not measured there.
    pub value: Option<f64>,
    /// The lower end of its 95 % interval.
    pub lower: Option<f64>,
    /// The upper end.
    pub upper: Option<f64>,
}

impl Figure {
    /// A figure that is known exactly, such as a count.
    #[must_use]
    pub fn exact(name: &str, unit: Unit, value: f64, observations: u64) -> Self {
        Self { name: name.to_owned(), unit, value: Some(value), lower: None, upper: None, observations }
    }

    /// A figure that may not have been measured, without an interval.
    #[must_use]
    pub fn maybe(name: &str, unit: Unit, value: Option<f64>, observations: u64) -> Self {
        Self { name: name.to_owned(), unit, value, lower: None, upper: None, observations }
    }

    /// A figure with its 95 % interval, where there is one.
    #[must_use]
    pub fn within(name: &str, unit: Unit, value: f64, bounds: Option<(f64, f64)>, observations: u64) -> Self {
        let (lower, upper) = bounds.unzip();
        Self { name: name.to_owned(), unit, value: Some(value), lower, upper, observations }
    }
}

impl Point {
    /// A point without settings and without an interval.
    #[must_use]
    pub const fn plain(at: f64, value: Option<f64>) -> Self {
        Self { at, setting: String::new(), value, lower: None, upper: None }
    }
}

impl Series {
    /// The name of the series whose points are not values but what happened: the beginning of a fault,
    /// its end. Their `setting` says what.
    pub const EVENTS: &'static str = "events";

    /// What happened, at seconds since the load began.
    #[must_use]
    pub fn events(events: &[(f64, String)]) -> Self {
        let point = |(at, what): &(f64, String)| Point { setting: what.clone(), ..Point::plain(*at, None) };
        Self {
            name: Self::EVENTS.to_owned(),
            unit: Unit::Count,
            over: "seconds".to_owned(),
            points: events.iter().map(point).collect(),
        }
    }
}

impl ScenarioResult {
    /// The figure of a name.
    #[must_use]
    pub fn figure(&self, name: &str) -> Option<&Figure> {
        self.figures.iter().find(|figure| figure.name == name)
    }

    /// The value of a figure; none if there is no such figure or it was not measured.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<f64> {
        self.figure(name)?.value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_that_was_not_measured_is_null_and_an_unknown_one_is_none() {
        let result = ScenarioResult {
            experiment: "x".to_owned(),
            scenario: "stampede".to_owned(),
            variant: Variant::Candidate,
            figures: vec![
                Figure::exact("origin calls", Unit::Count, 3.0, 3),
                Figure::maybe("coalesced share", Unit::Share, None, 0),
            ],
            series: Vec::new(),
            failures: Vec::new(),
            notes: Vec::new(),
        };
        assert_eq!(result.value("origin calls"), Some(3.0));
        assert_eq!((result.value("coalesced share"), result.value("no such figure")), (None, None));
        let line = serde_json::to_string(&result).unwrap();
        assert!(line.contains(r#""name":"coalesced share","unit":"share","value":null"#), "{line}");
        assert_eq!(serde_json::from_str::<ScenarioResult>(&line).unwrap(), result);
    }
}
