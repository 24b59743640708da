//! How requests are offered: users or a rate, think time, arrivals, stages, and when to give up.

use std::time::Duration;

use hitmark_schema::LoadModel;

use super::bounds;
use super::fields::{Fields, Notes};

/// What shapes a load beyond its model.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Pace {
    /// Closed model: the pause of a user after each answer, from and to.
    pub think: Option<(Duration, Duration)>,
    /// Open model: how arrivals are spaced.
    pub arrivals: Arrivals,
    /// The level at the start: arrivals each second, or users.
    pub start: f64,
    /// How the load changes over the measured time; empty if it does not.
    pub stages: Vec<Stage>,
}

/// How the arrivals of an open model are spaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Arrivals {
    /// Evenly.
    #[default]
    Constant,
    /// At random, as independent clients come: exponential gaps with the rate's mean.
    Poisson,
}

/// One stage of a load that changes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stage {
    /// The level it goes to: arrivals each second, or users.
    pub to: f64,
    /// How long it takes to get there; none is a step.
    pub ramp: Duration,
    /// How long it stays.
    pub hold: Duration,
}

/// When a run is given up, as its super-blocks end.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct AbortWhen {
    /// Failed requests over requests of either variant above this.
    pub error_ratio: Option<f64>,
    /// The 99th percentile of either variant above this.
    pub p99: Option<Duration>,
    /// More wrong bodies than this in the whole run.
    pub mismatches: Option<u64>,
}

impl Pace {
    /// The pace in words, after those of the model; empty if there is nothing to say.
    #[must_use]
    pub fn describe(&self) -> String {
        let mut text = String::new();
        if let Some((from, to)) = self.think {
            let (from, to) = (from.as_millis(), to.as_millis());
            let think = if from == to { format!("{from} ms") } else { format!("{from} to {to} ms") };
            text.push_str(&format!(", think time {think}"));
        }
        if self.arrivals == Arrivals::Poisson {
            text.push_str(", Poisson arrivals");
        }
        for stage in &self.stages {
            let (ramp, hold) = (stage.ramp.as_secs_f64(), stage.hold.as_secs_f64());
            text.push_str(&format!(", to {} in {ramp} s for {hold} s", stage.to));
        }
        text
    }

    /// The level at a time of the measured run.
    #[must_use]
    pub fn level(&self, at: Duration) -> f64 {
        let mut level = self.start;
        let mut rest = at.as_secs_f64();
        for stage in &self.stages {
            let (ramp, hold) = (stage.ramp.as_secs_f64(), stage.hold.as_secs_f64());
            if rest < ramp {
                return level + (stage.to - level) * rest / ramp;
            }
            level = stage.to;
            rest -= ramp;
            if rest < hold {
                return level;
            }
            rest -= hold;
        }
        level
    }

    /// The highest level of all.
    #[must_use]
    pub fn level_max(&self) -> f64 {
        self.stages.iter().map(|stage| stage.to).fold(self.start, f64::max)
    }
}

pub(super) fn load(notes: &mut Notes<'_>, fields: &mut Fields<'_, '_>) -> (Option<LoadModel>, Pace) {
    let given = |fields: &mut Fields<'_, '_>, key| fields.value(key).is_some();
    let (has_users, has_rate) = (given(fields, "users"), given(fields, "rate"));
    let users = fields.whole(notes, "users", 1..=bounds::USERS_MAX);
    let rate_per_s = fields.number(notes, "rate", 0.1, bounds::RATE_PER_S_MAX);
    let has_in_flight = given(fields, "max_in_flight");
    let in_flight_max = fields.whole(notes, "max_in_flight", 1..=bounds::USERS_MAX);
    let mut pace = pace(notes, fields, has_users, has_rate);
    pace.start = users.map(|users| users as f64).or(rate_per_s).unwrap_or_default();
    let model = match (has_users, has_rate) {
        (true, false) if has_in_flight => {
            notes.add(
                fields.span(),
                format!("{}: 'max_in_flight' goes with 'rate', not with 'users'", fields.name()),
            );
            None
        }
        (true, false) => users.map(|_| LoadModel::Closed { users: pace.level_max().ceil() as usize }),
        (false, true) => rate_per_s.map(|rate_per_s| LoadModel::Open {
            rate_per_s,
            in_flight_max: usize::try_from(in_flight_max.unwrap_or(64)).unwrap_or(64),
        }),
        _ => {
            let advice = "give either 'users' (closed model) or 'rate' (open model)";
            notes.add(fields.span(), format!("{}: {advice}", fields.name()));
            None
        }
    };
    (model, pace)
}

fn pace(notes: &mut Notes<'_>, fields: &mut Fields<'_, '_>, closed: bool, open: bool) -> Pace {
    let think_at = fields.value("think_ms").map(toml::Spanned::span);
    let think = think(notes, fields);
    if let (Some(at), true) = (&think_at, open && !closed) {
        notes.add(at.clone(), format!("{}: 'think_ms' goes with 'users', not with 'rate'", fields.name()));
    }
    let arrivals = match fields.string(notes, "arrivals") {
        None => Arrivals::Constant,
        Some((text, at)) => {
            if closed && !open {
                notes.add(
                    at.clone(),
                    format!("{}: 'arrivals' goes with 'rate', not with 'users'", fields.name()),
                );
            }
            match text.as_str() {
                "constant" => Arrivals::Constant,
                "poisson" => Arrivals::Poisson,
                other => {
                    notes.add(
                        at,
                        format!("{} arrivals: must be constant or poisson, not '{other}'", fields.name()),
                    );
                    Arrivals::Constant
                }
            }
        }
    };
    let level_max = if open { bounds::RATE_PER_S_MAX } else { bounds::USERS_MAX as f64 };
    let stages = fields.tables(notes, "stages").into_iter().filter_map(|mut stage| {
        let present = stage.value("to").is_some();
        let to = stage.number(notes, "to", if open { 0.1 } else { 1.0 }, level_max);
        if !present {
            notes.add(stage.span(), format!("{} needs 'to', the level it goes to", stage.name()));
        }
        let ramp = stage.number(notes, "ramp_s", 0.0, 86_400.0).unwrap_or(0.0);
        let hold = stage.number(notes, "hold_s", 0.0, 86_400.0).unwrap_or(0.0);
        stage.finish(notes);
        Some(Stage { to: to?, ramp: Duration::from_secs_f64(ramp), hold: Duration::from_secs_f64(hold) })
    });
    Pace { think, arrivals, start: 0.0, stages: stages.collect() }
}

/// `think_ms = 50` or `think_ms = [20, 80]`.
fn think(notes: &mut Notes<'_>, fields: &mut Fields<'_, '_>) -> Option<(Duration, Duration)> {
    let value = fields.value("think_ms")?;
    let (from, to) = if value.get_ref().as_array().is_some() {
        let (bounds, at) = fields.integers(notes, "think_ms")?;
        match bounds.as_slice() {
            [from, to] if *from >= 0 && from <= to && *to <= 60_000 => {
                (from.unsigned_abs(), to.unsigned_abs())
            }
            _ => {
                notes.add(
                    at,
                    format!("{} think_ms: two milliseconds up to 60000, the lower first", fields.name()),
                );
                return None;
            }
        }
    } else {
        let pause = fields.whole(notes, "think_ms", 0..=60_000)?;
        (pause, pause)
    };
    Some((Duration::from_millis(from), Duration::from_millis(to)))
}

pub(super) fn abort_when(notes: &mut Notes<'_>, fields: &mut Fields<'_, '_>) -> AbortWhen {
    let Some(mut table) = fields.table(notes, "abort_when") else { return AbortWhen::default() };
    let abort = AbortWhen {
        error_ratio: table.number(notes, "error_ratio", 0.0, 1.0),
        p99: table.number(notes, "p99_ms", 0.0, 60_000.0).map(|ms| Duration::from_secs_f64(ms / 1e3)),
        mismatches: table.whole(notes, "mismatches", 0..=u64::MAX),
    };
    table.finish(notes);
    abort
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stage(to: f64, ramp_s: f64, hold_s: f64) -> Stage {
        Stage { to, ramp: Duration::from_secs_f64(ramp_s), hold: Duration::from_secs_f64(hold_s) }
    }

    #[test]
    fn a_level_ramps_holds_steps_and_stays_after_the_last_stage() {
        let stages = vec![stage(200.0, 10.0, 5.0), stage(1_000.0, 0.0, 2.0), stage(100.0, 4.0, 0.0)];
        let pace = Pace { start: 100.0, stages, ..Pace::default() };
        for (at_s, level) in
            [(0.0, 100.0), (5.0, 150.0), (12.0, 200.0), (15.5, 1_000.0), (19.0, 550.0), (40.0, 100.0)]
        {
            assert_eq!(pace.level(Duration::from_secs_f64(at_s)), level, "after {at_s} s");
        }
        assert_eq!(pace.level_max(), 1_000.0);
    }
}
