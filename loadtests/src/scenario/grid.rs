//! The settings of a sweep: its axes, the points of their grid, and what a point changes.

use hitmark_schema::LoadModel;

use super::Context;
use crate::keys::KeyDistribution;
use crate::plan::ExperimentPlan;
use crate::plan::bounds;
use crate::plan::fields::{Fields, Notes};

/// Points at most.
const POINTS_MAX: usize = 256;

/// The axes, in the order of the plan's list; curves are drawn over the first one.
#[derive(Debug, Clone, PartialEq)]
pub struct Grid {
    axes: Vec<Vec<Setting>>,
}

/// One setting of one point.
#[derive(Debug, Clone, PartialEq)]
pub enum Setting {
    /// How many keys there are.
    Keys(u64),
    /// How skewed their popularity is.
    ZipfExponent(f64),
    /// Users, or arrivals each second.
    Level(f64, LevelKind),
    /// A query parameter that the service understands.
    Query(String, String),
    /// A header that the service understands.
    Header(String, String),
}

/// What a level counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LevelKind {
    /// Users of the closed model.
    Users,
    /// Arrivals each second of the open model.
    Rate,
}

impl Grid {
    /// Reads `keys`, `zipf_s`, `users`, `rate` and `[[axis]]` with `query` or `header` and `values`.
    pub(crate) fn read(
        notes: &mut Notes<'_>,
        fields: &mut Fields<'_, '_>,
        context: &Context<'_>,
    ) -> Option<Self> {
        let mut axes = Vec::new();
        let keys = numbers(notes, fields, "keys", 1.0, 1e15);
        let exponents = numbers(notes, fields, "zipf_s", 0.0, 10.0);
        if !keys.is_empty() || !exponents.is_empty() {
            context.need_keys(notes, fields, "keys, zipf_s");
        }
        axes.push(keys.into_iter().map(|count| Setting::Keys(count as u64)).collect());
        axes.push(exponents.into_iter().map(Setting::ZipfExponent).collect());
        for (key, kind, high) in [
            ("users", LevelKind::Users, bounds::USERS_MAX as f64),
            ("rate", LevelKind::Rate, bounds::RATE_PER_S_MAX),
        ] {
            let levels = numbers(notes, fields, key, 1.0, high);
            if !levels.is_empty() && context.is_open != (kind == LevelKind::Rate) {
                notes.add(
                    fields.span(),
                    format!("{} {key}: the experiment's load is of the other kind", fields.name()),
                );
            }
            axes.push(levels.into_iter().map(|level| Setting::Level(level, kind)).collect());
        }
        for table in fields.tables(notes, "axis") {
            axes.push(own_axis(notes, table));
        }
        axes.retain(|axis: &Vec<Setting>| !axis.is_empty());
        let points = axes.iter().map(Vec::len).try_fold(1, usize::checked_mul).unwrap_or(usize::MAX);
        if axes.is_empty() || points > POINTS_MAX {
            let advice = "give some of 'keys', 'zipf_s', 'users' or 'rate', [[axis]]";
            notes.add(fields.span(), format!("{}: {advice}; 1 to {POINTS_MAX} points in all", fields.name()));
            return None;
        }
        Some(Self { axes })
    }

    /// Every combination, the last axis changing fastest.
    #[must_use]
    pub fn points(&self) -> Vec<Vec<Setting>> {
        let mut points = vec![Vec::new()];
        for axis in &self.axes {
            let with = |point: &Vec<Setting>, setting: &Setting| {
                point.iter().chain([setting]).cloned().collect::<Vec<_>>()
            };
            points = points
                .iter()
                .flat_map(|point| axis.iter().map(move |setting| with(point, setting)))
                .collect();
        }
        points
    }

    /// The grid of the first and the last value of each axis.
    #[must_use]
    pub fn ends(&self) -> Self {
        let ends = |axis: &Vec<Setting>| match axis.as_slice() {
            [first, .., last] => vec![first.clone(), last.clone()],
            all => all.to_vec(),
        };
        Self { axes: self.axes.iter().map(ends).collect() }
    }

    /// The axes in words.
    #[must_use]
    pub fn describe(&self) -> String {
        let of = |axis: &Vec<Setting>| {
            axis.first().map_or_else(String::new, |setting| format!("{} {}", axis.len(), setting.name()))
        };
        self.axes.iter().map(of).collect::<Vec<_>>().join(" × ")
    }
}

/// An axis of numbers; none if the key is absent.
fn numbers(
    notes: &mut Notes<'_>,
    fields: &mut Fields<'_, '_>,
    key: &'static str,
    low: f64,
    high: f64,
) -> Vec<f64> {
    let Some((numbers, at)) = fields.numbers(notes, key) else { return Vec::new() };
    for number in numbers.iter().filter(|number| !(low..=high).contains(*number)) {
        notes.add(at.clone(), format!("{} {key}: must be from {low} to {high}, not {number}", fields.name()));
    }
    numbers
}

/// `{ query = "ttl_s", values = ["1", "10"] }`.
fn own_axis(notes: &mut Notes<'_>, mut table: Fields<'_, '_>) -> Vec<Setting> {
    let query = table.string(notes, "query").map(|(name, _)| name);
    let header = table.string(notes, "header").map(|(name, _)| name);
    let values = table.strings(notes, "values").map(|(values, _)| values).unwrap_or_default();
    if values.is_empty() {
        notes.add(table.span(), format!("{} needs 'values', a list of strings", table.name()));
    }
    let settings = match (query, header) {
        (Some(name), None) => values.into_iter().map(|value| Setting::Query(name.clone(), value)).collect(),
        (None, Some(name)) => {
            if hyper::header::HeaderName::from_bytes(name.as_bytes()).is_err() {
                notes.add(table.span(), format!("{}: '{name}' is not a header name", table.name()));
            }
            values.into_iter().map(|value| Setting::Header(name.clone(), value)).collect()
        }
        _ => {
            notes.add(table.span(), format!("{}: give either 'query' or 'header', a name", table.name()));
            Vec::new()
        }
    };
    table.finish(notes);
    settings
}

impl Setting {
    /// What is set.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Keys(_) => "keys",
            Self::ZipfExponent(_) => "zipf exponent",
            Self::Level(_, LevelKind::Users) => "users",
            Self::Level(_, LevelKind::Rate) => "requests each second",
            Self::Query(name, _) | Self::Header(name, _) => name,
        }
    }

    /// The setting as a place on a curve; 0 for a text that is no number.
    #[must_use]
    pub fn number(&self) -> f64 {
        match self {
            Self::Keys(count) => *count as f64,
            Self::ZipfExponent(number) | Self::Level(number, _) => *number,
            Self::Query(_, text) | Self::Header(_, text) => text.parse().unwrap_or(0.0),
        }
    }

    /// Name and value.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::Query(name, text) | Self::Header(name, text) => format!("{name} {text}"),
            _ => format!("{} {}", self.name(), self.number()),
        }
    }

    /// Changes an experiment accordingly.
    pub fn apply(&self, experiment: &mut ExperimentPlan) {
        match self {
            Self::Keys(count) => {
                if let Some(keys) = &mut experiment.keys {
                    keys.count = *count;
                }
            }
            Self::ZipfExponent(exponent) => {
                if let Some(keys) = &mut experiment.keys {
                    keys.distribution = KeyDistribution::Zipf { exponent: *exponent };
                }
            }
            Self::Level(level, _) => {
                experiment.pace.start = *level;
                match &mut experiment.load {
                    LoadModel::Closed { users } => *users = *level as usize,
                    LoadModel::Open { rate_per_s, .. } => *rate_per_s = *level,
                }
            }
            Self::Query(name, value) => {
                for side in std::iter::once(&mut experiment.baseline).chain(experiment.candidate.as_mut()) {
                    side.query.push((name.clone(), value.clone()));
                }
            }
            Self::Header(name, value) => experiment.headers.push((name.clone(), value.clone())),
        }
    }
}
