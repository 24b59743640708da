//! Capacity: the highest open rate whose p99 stays under a bound, found by steps.
//!
//! A closed load cannot find it: users who wait for a slow service send less. So arrivals keep coming at
//! a fixed rate, and the rate grows from step to step until the p99 breaks its bound; then the gap
//! between the last good rate and the first bad one is halved until it is narrow enough.

use std::sync::Arc;
use std::time::Duration;

use hitmark_schema::scenario::{Point, Series};
use hitmark_schema::{Figure, LoadModel, ScenarioResult, Unit, Variant};

use crate::plan::bounds;
use crate::plan::fields::{Fields, Notes};
use crate::runner::LoadError;
use crate::scenario::stage::{Load, LoadSides, Stage};
use crate::scenario::timeline;
use crate::scenario::{Context, Entry, Found, Scenario};

pub(super) const ENTRY: Entry = Entry {
    name: "capacity",
    about: "the highest open rate whose p99 stays under a bound, by growing steps and then by halving",
    read,
};

/// Super-blocks of a step.
const BLOCKS: u32 = 4;

#[derive(Debug, Clone)]
struct Capacity {
    bound: Duration,
    step: Duration,
    growth: f64,
    /// How narrow the gap between good and bad must become, as a share of the good rate.
    precision: f64,
    steps_max: u64,
    error_ratio_max: f64,
}

fn read(
    notes: &mut Notes<'_>,
    mut fields: Fields<'_, '_>,
    context: &mut Context<'_>,
) -> Option<Arc<dyn Scenario>> {
    if !context.is_open {
        let advice = "give 'rate', the rate of the first step, and not 'users'";
        notes.add(fields.span(), format!("{}: {advice}", fields.name()));
    }
    if fields.value("p99_ms").is_none() {
        notes.add(fields.span(), format!("{} needs 'p99_ms', the bound", fields.name()));
    }
    let bound_ms = fields.number(notes, "p99_ms", 0.01, 60_000.0);
    let step_s = fields.number(notes, "step_s", 0.1, 3_600.0).unwrap_or(5.0);
    let growth = fields.number(notes, "growth", 1.05, 10.0).unwrap_or(1.5);
    let precision = fields.number(notes, "precision", 0.01, 1.0).unwrap_or(0.1);
    let steps_max = fields.whole(notes, "steps_max", 1..=200).unwrap_or(20);
    let error_ratio_max = fields.number(notes, "error_ratio_max", 0.0, 1.0).unwrap_or(0.001);
    fields.finish(notes);
    Some(Arc::new(Capacity {
        bound: Duration::from_secs_f64(bound_ms? / 1e3),
        step: Duration::from_secs_f64(step_s),
        growth,
        precision,
        steps_max,
        error_ratio_max,
    }))
}

impl Scenario for Capacity {
    fn describe(&self) -> String {
        let (bound, step) = (self.bound.as_secs_f64() * 1e3, self.step.as_secs_f64());
        format!("steps of {step} s until p99 is over {bound} ms")
    }

    fn quick(&self) -> Arc<dyn Scenario> {
        Arc::new(Self {
            step: self.step.min(Duration::from_millis(600)),
            steps_max: self.steps_max.min(5),
            ..self.clone()
        })
    }

    fn run<'s>(&'s self, stage: &'s Stage<'s>) -> Found<'s> {
        Box::pin(async move {
            let mut results = Vec::new();
            for variant in stage.variants() {
                results.push(self.side(stage, variant).await?);
            }
            Ok(results)
        })
    }
}

/// One rate that was tried.
#[derive(Debug, Clone, PartialEq)]
struct Step {
    rate_per_s: f64,
    p99_s: Option<f64>,
    error_ratio: f64,
    requests: u64,
    is_good: bool,
    faults: Vec<String>,
}

/// The highest good rate and the lowest bad one so far.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
struct Bracket {
    good: Option<f64>,
    bad: Option<f64>,
}

impl Bracket {
    fn add(&mut self, rate: f64, is_good: bool) {
        if is_good {
            self.good = Some(self.good.map_or(rate, |good| good.max(rate)));
        } else {
            self.bad = Some(self.bad.map_or(rate, |bad| bad.min(rate)));
        }
    }

    /// The next rate to try; none once the gap is narrow enough.
    fn next(self, start: f64, growth: f64, precision: f64) -> Option<f64> {
        let rate = match (self.good, self.bad) {
            (None, None) => start,
            (Some(good), None) => good * growth,
            (None, Some(bad)) => bad / growth,
            (Some(good), Some(bad)) if bad <= good * (1.0 + precision) => return None,
            (Some(good), Some(bad)) => f64::midpoint(good, bad),
        };
        (1.0..=bounds::RATE_PER_S_MAX).contains(&rate).then_some(rate)
    }
}

impl Capacity {
    async fn side(&self, stage: &Stage<'_>, variant: Variant) -> Result<ScenarioResult, LoadError> {
        let LoadModel::Open { rate_per_s: start, .. } = stage.experiment().load else {
            return Err(stage.failed("the load must be open".to_owned()));
        };
        let mut bracket = Bracket::default();
        let mut steps: Vec<Step> = Vec::new();
        while (steps.len() as u64) < self.steps_max
            && !stage.is_stopped()
            && let Some(rate) = bracket.next(start, self.growth, self.precision)
        {
            let step = self.step(stage, variant, rate).await?;
            bracket.add(rate, step.is_good);
            steps.push(step);
        }
        let mut result = stage.result(variant);
        self.tell(bracket, &steps, &mut result);
        Ok(result)
    }

    async fn step(&self, stage: &Stage<'_>, variant: Variant, rate: f64) -> Result<Step, LoadError> {
        let mut experiment = stage.experiment().clone();
        if let LoadModel::Open { rate_per_s, .. } = &mut experiment.load {
            *rate_per_s = rate;
        }
        experiment.pace.start = rate;
        experiment.pace.stages.clear();
        let load = Load {
            experiment,
            blocks: BLOCKS,
            superblock: self.step / BLOCKS,
            warmup: stage.run().warmup,
            sides: LoadSides::Only(variant),
        };
        let loaded = stage.load(load).await?;
        let requests: u64 = loaded.blocks.iter().map(|block| block.counters.requests).sum();
        let errors: u64 = loaded.blocks.iter().map(|block| block.counters.errors_total()).sum();
        let dropped: u64 = loaded.blocks.iter().map(|block| block.counters.dropped).sum();
        let p99_s = timeline::quantile_s(&loaded.blocks, 0.99);
        // An arrival that was never sent is one that the service had no room for.
        let error_ratio = (errors + dropped) as f64 / (requests + dropped).max(1) as f64;
        let is_quick = p99_s.is_some_and(|p99_s| p99_s <= self.bound.as_secs_f64());
        let is_good = is_quick && error_ratio <= self.error_ratio_max && loaded.faults.is_empty();
        Ok(Step { rate_per_s: rate, p99_s, error_ratio, requests, is_good, faults: loaded.faults })
    }

    fn tell(&self, bracket: Bracket, steps: &[Step], result: &mut ScenarioResult) {
        let count = steps.len() as u64;
        let of_good = steps.iter().rfind(|step| Some(step.rate_per_s) == bracket.good);
        let p99 = of_good.and_then(|step| step.p99_s);
        result.figures = vec![
            Figure::maybe("capacity", Unit::PerSecond, bracket.good, count),
            Figure::maybe("lowest rate that was too high", Unit::PerSecond, bracket.bad, count),
            Figure::maybe("p99 at capacity", Unit::Seconds, p99, of_good.map_or(0, |step| step.requests)),
            Figure::exact("p99 bound", Unit::Seconds, self.bound.as_secs_f64(), 1),
            Figure::exact("steps", Unit::Count, count as f64, 1),
        ];
        let mut sorted: Vec<&Step> = steps.iter().collect();
        sorted.sort_by(|one, other| one.rate_per_s.total_cmp(&other.rate_per_s));
        let curve = |name: &str, unit, value: fn(&Step) -> Option<f64>| Series {
            name: name.to_owned(),
            unit,
            over: "requests each second".to_owned(),
            points: sorted.iter().map(|step| Point::plain(step.rate_per_s, value(step))).collect(),
        };
        result.series = vec![
            curve("p99", Unit::Seconds, |step| step.p99_s),
            curve("failed and dropped requests", Unit::Share, |step| Some(step.error_ratio)),
        ];
        if bracket.bad.is_none() {
            result.notes.push("no rate was too high: the capacity is at least this".to_owned());
        }
        for step in steps.iter().filter(|step| !step.faults.is_empty()) {
            let (rate, faults) = (step.rate_per_s, step.faults.join("; "));
            result.notes.push(format!("at {rate:.1} requests/s, taken as too high: {faults}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_grow_until_one_is_bad_and_then_halve_the_gap() {
        // Good up to 400.
        let mut bracket = Bracket::default();
        let mut tried = Vec::new();
        while let Some(rate) = bracket.next(100.0, 2.0, 0.1) {
            tried.push(rate);
            bracket.add(rate, rate <= 400.0);
            assert!(tried.len() < 20, "{tried:?}");
        }
        assert_eq!(tried, [100.0, 200.0, 400.0, 800.0, 600.0, 500.0, 450.0, 425.0]);
        assert_eq!(bracket, Bracket { good: Some(400.0), bad: Some(425.0) });
    }

    #[test]
    fn a_start_that_is_too_high_is_lowered_until_it_is_good_or_nothing_is_left() {
        let mut bracket = Bracket::default();
        bracket.add(100.0, false);
        assert_eq!(bracket.next(100.0, 2.0, 0.1), Some(50.0));
        bracket.add(1.5, false);
        assert_eq!(bracket.next(100.0, 2.0, 0.1), None);
    }
}
