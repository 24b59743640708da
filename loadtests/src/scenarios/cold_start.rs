//! Cold start: how long a cache needs from empty to its steady hit ratio, and what that costs.
//!
//! The cache is emptied, the load begins at once, and the hit ratio is followed in short super-blocks.
//! The baseline starts cold; the candidate is warmed first, if the plan says how, and the warming's
//! own time and origin calls stand beside what it saves.

use std::sync::Arc;
use std::time::{Duration, Instant};

use hitmark_schema::{Figure, ScenarioResult, Unit, Variant};

use crate::plan::fields::{Fields, Notes};
use crate::runner::LoadError;
use crate::scenario::action::Action;
use crate::scenario::interval::{figure, mean};
use crate::scenario::stage::{Load, LoadSides, Stage};
use crate::scenario::timeline::{self, Moment};
use crate::scenario::{Context, Entry, Found, Scenario};
use crate::template::Values;

pub(super) const ENTRY: Entry = Entry {
    name: "cold_start",
    about: "time and origin calls from an empty cache to 90 % and 95 % of its steady hit ratio, warmed or not",
    read,
};

/// Shares of the steady hit ratio, with their names.
const SHARES: [(f64, &str, &str); 2] = [
    (0.90, "time to 90 % of steady", "origin calls to 90 % of steady"),
    (0.95, "time to 95 % of steady", "origin calls to 95 % of steady"),
];
/// The last part of a load, whose hit ratio counts as steady.
const STEADY_PART: usize = 4;
const KEYS_MAX: u64 = 1_000_000;

#[derive(Debug, Clone)]
struct ColdStart {
    reset: Action,
    warm: Option<Action>,
    /// The candidate's own request is sent for the keys from 1 to this one.
    warm_keys: u64,
    length: Duration,
    bin: Duration,
    repeats: u64,
}

fn read(
    notes: &mut Notes<'_>,
    mut fields: Fields<'_, '_>,
    context: &mut Context<'_>,
) -> Option<Arc<dyn Scenario>> {
    let reset = Action::required(notes, &mut fields, "reset", context.known);
    let warm = Action::read(notes, &mut fields, "warm", context.known);
    let warm_keys = fields.whole(notes, "warm_keys", 0..=KEYS_MAX).unwrap_or(0);
    if warm_keys > 0 {
        context.need_single_request(notes, &fields);
        context.need_keys(notes, &fields, "warm_keys");
    }
    let length = fields.number(notes, "length_s", 0.1, 86_400.0).unwrap_or(20.0);
    let bin = fields.number(notes, "bin_s", 0.02, 60.0).unwrap_or(0.5);
    let repeats = fields.whole(notes, "repeats", 1..=50).unwrap_or(1);
    if bin * 8.0 > length {
        notes.add(fields.span(), format!("{}: 'length_s' must hold at least 8 of 'bin_s'", fields.name()));
    }
    fields.finish(notes);
    let (length, bin) = (Duration::from_secs_f64(length), Duration::from_secs_f64(bin));
    Some(Arc::new(ColdStart { reset: reset?, warm, warm_keys, length, bin, repeats }))
}

impl Scenario for ColdStart {
    fn describe(&self) -> String {
        format!("from empty, {} s in steps of {} s", self.length.as_secs_f64(), self.bin.as_secs_f64())
    }

    fn quick(&self) -> Arc<dyn Scenario> {
        Arc::new(Self {
            length: self.length.min(Duration::from_secs(3)),
            bin: self.bin.min(Duration::from_millis(100)),
            repeats: 1,
            warm_keys: self.warm_keys.min(200),
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

/// One start from empty.
struct Start {
    warming: Option<Warming>,
    moments: Vec<Moment>,
}

struct Warming {
    seconds: f64,
    origin_calls: Option<u64>,
}

impl ColdStart {
    async fn side(&self, stage: &Stage<'_>, variant: Variant) -> Result<ScenarioResult, LoadError> {
        let mut starts = Vec::new();
        let mut faults = Vec::new();
        for _ in 0..self.repeats {
            if stage.is_stopped() {
                break;
            }
            let (start, new_faults) = self.start(stage, variant).await?;
            starts.push(start);
            faults.extend(new_faults);
        }
        let mut result = stage.result(variant);
        result.figures = figures(&starts);
        if let Some(start) = starts.first() {
            result.series.push(timeline::series("hit ratio", Unit::Share, &start.moments, |m| m.hit_ratio));
            result.series.push(timeline::origin_rate(&start.moments));
            result.series.push(timeline::series("p99", Unit::Seconds, &start.moments, |m| m.p99_s));
        }
        let bin = self.bin.as_secs_f64();
        result.notes.push(format!("times are known to {bin} s, the length of a super-block"));
        if starts.iter().any(|start| steady(&start.moments).is_none()) {
            result
                .notes
                .push("no answer says how the cache answered it, so there is no hit ratio".to_owned());
        }
        result.notes.extend(faults);
        Ok(result)
    }

    async fn start(&self, stage: &Stage<'_>, variant: Variant) -> Result<(Start, Vec<String>), LoadError> {
        self.reset.perform(stage, variant).await.map_err(|why| stage.failed(why))?;
        stage.tell(Some(variant), format!("reset by {}", self.reset.describe()));
        let warming = match variant {
            Variant::Baseline => None,
            Variant::Candidate => self.warm_up(stage, variant).await?,
        };
        let mut origin = stage.origin_probe(variant).await;
        let blocks = self.length.as_secs_f64() / self.bin.as_secs_f64();
        let load = Load {
            experiment: stage.experiment().clone(),
            blocks: blocks.round().max(1.0) as u32,
            superblock: self.bin,
            warmup: Duration::ZERO,
            sides: LoadSides::Only(variant),
        };
        let loaded = stage.load(load).await?;
        let mut moments = timeline::moments(loaded.side(variant));
        if origin.asks_the_service() {
            timeline::complete(&mut moments, origin.calls(0).await);
        }
        Ok((Start { warming, moments }, loaded.faults))
    }

    /// Warms the cache as the plan says; none if it says nothing.
    async fn warm_up(&self, stage: &Stage<'_>, variant: Variant) -> Result<Option<Warming>, LoadError> {
        if self.warm.is_none() && self.warm_keys == 0 {
            return Ok(None);
        }
        let mut origin = stage.origin_probe(variant).await;
        let began = Instant::now();
        if let Some(warm) = &self.warm {
            warm.perform(stage, variant).await.map_err(|why| stage.failed(why))?;
        }
        let mut told = 0;
        if self.warm_keys > 0 {
            let mut client = stage.client(variant)?;
            for key in 1..=self.warm_keys {
                let reply = client.ask(&Values { key, ..Values::default() }).await;
                told += u64::from(reply.is_of_origin());
                if stage.is_stopped() {
                    break;
                }
            }
        }
        let seconds = began.elapsed().as_secs_f64();
        let answers = if self.warm.is_none() { Some(told) } else { None };
        let origin_calls = if origin.asks_the_service() { origin.calls(0).await } else { answers };
        Ok(Some(Warming { seconds, origin_calls }))
    }
}

/// The hit ratio of the last part of a start.
fn steady(moments: &[Moment]) -> Option<f64> {
    timeline::mean_hit_ratio(&moments[moments.len() - moments.len() / STEADY_PART..])
}

/// The place from which on a start has this share of its steady hit ratio.
fn reached(moments: &[Moment], share: f64) -> Option<usize> {
    timeline::reached(moments, share * steady(moments)?)
}

fn figures(starts: &[Start]) -> Vec<Figure> {
    let each = |of: &dyn Fn(&Start) -> Option<f64>| -> Vec<f64> { starts.iter().filter_map(of).collect() };
    let mut figures = Vec::new();
    for (share, time, calls) in SHARES {
        let times = each(&|start| Some(start.moments[reached(&start.moments, share)?].from_s));
        let all_calls = each(&|start| {
            Some(timeline::origin_calls(&start.moments[..reached(&start.moments, share)?]) as f64)
        });
        figures.push(figure(time, Unit::Seconds, &times));
        figures.push(figure(calls, Unit::Count, &all_calls));
    }
    figures.push(figure("steady hit ratio", Unit::Share, &each(&|start| steady(&start.moments))));
    let in_all = each(&|start| Some(timeline::origin_calls(&start.moments) as f64));
    figures.push(figure("origin calls in all", Unit::Count, &in_all));
    if starts.iter().any(|start| start.warming.is_some()) {
        let seconds = each(&|start| Some(start.warming.as_ref()?.seconds));
        let calls = each(&|start| Some(start.warming.as_ref()?.origin_calls? as f64));
        figures.push(figure("time of warming", Unit::Seconds, &seconds));
        figures.push(figure("origin calls of warming", Unit::Count, &calls));
    }
    let worst: Vec<f64> = starts.iter().filter_map(|start| worst_p99(&start.moments)).collect();
    figures.push(Figure::maybe("highest p99 of a step", Unit::Seconds, mean(&worst), worst.len() as u64));
    figures
}

fn worst_p99(moments: &[Moment]) -> Option<f64> {
    moments.iter().filter_map(|moment| moment.p99_s).reduce(f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::timeline::tests::of;

    #[test]
    fn times_and_calls_are_those_of_the_curve() {
        // One second each; steady is 0.8, so 90 % of it is 0.72 and 95 % is 0.76.
        let moments = of(&[0.0, 0.5, 0.74, 0.75, 0.8, 0.8, 0.8, 0.8]);
        let starts = [Start { warming: None, moments }];
        let figures = figures(&starts);
        let value = |name: &str| figures.iter().find(|f| f.name == name).unwrap().value.unwrap();
        assert_eq!(value("steady hit ratio"), 0.8);
        assert_eq!((value("time to 90 % of steady"), value("time to 95 % of steady")), (2.0, 4.0));
        // Of 100 requests each: 100 and 50 misses before, then 26 and 25 more.
        assert_eq!(value("origin calls to 90 % of steady"), 150.0);
        assert_eq!(value("origin calls to 95 % of steady"), 201.0);
    }
}
