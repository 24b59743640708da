//! Invalidation storm: how deep the hit ratio falls when much is invalidated, and for how long.
//!
//! Depth without duration says little, and the other way round: one invalidation of everything may cost
//! less than a trickle that never lets the cache fill. So both are told, and the area of the dip:
//! the hits that were lost.

use std::sync::Arc;
use std::time::Duration;

use hitmark_schema::scenario::Series;
use hitmark_schema::{Figure, Unit, Variant};

use crate::plan::fields::{Fields, Notes};
use crate::runner::LoadError;
use crate::scenario::action::Action;
use crate::scenario::probe::OriginProbe;
use crate::scenario::stage::{Load, LoadSides, Stage};
use crate::scenario::timeline::{self, Moment};
use crate::scenario::{Context, Entry, Found, Scenario};
use crate::schedule::unix_now_ns;

pub(super) const ENTRY: Entry = Entry {
    name: "invalidation_storm",
    about: "invalidations under load: how deep and how long the hit ratio dips, and the hits that it costs",
    read,
};

/// A moment below this share of the former hit ratio is part of the dip.
const DIPPED: f64 = 0.95;

#[derive(Debug, Clone)]
struct Storm {
    invalidate: Action,
    times: u64,
    every: Duration,
    before: Duration,
    after: Duration,
    bin: Duration,
}

fn read(
    notes: &mut Notes<'_>,
    mut fields: Fields<'_, '_>,
    context: &mut Context<'_>,
) -> Option<Arc<dyn Scenario>> {
    let invalidate = Action::required(notes, &mut fields, "invalidate", context.known);
    let times = fields.whole(notes, "times", 1..=10_000).unwrap_or(1);
    let mut seconds = |notes: &mut Notes<'_>, key, usual| {
        Duration::from_secs_f64(fields.number(notes, key, 0.01, 3_600.0).unwrap_or(usual))
    };
    let every = seconds(notes, "every_s", 1.0);
    let before = seconds(notes, "before_s", 10.0);
    let after = seconds(notes, "after_s", 20.0);
    let bin = seconds(notes, "bin_s", 0.5);
    if bin * 2 > before.min(after) {
        notes.add(
            fields.span(),
            format!("{}: 'before_s' and 'after_s' must hold 2 of 'bin_s'", fields.name()),
        );
    }
    fields.finish(notes);
    Some(Arc::new(Storm { invalidate: invalidate?, times, every, before, after, bin }))
}

impl Scenario for Storm {
    fn describe(&self) -> String {
        let (what, every) = (self.invalidate.describe(), self.every.as_secs_f64());
        match self.times {
            1 => format!("one invalidation by {what}"),
            times => format!("{times} invalidations by {what}, {every} s apart"),
        }
    }

    fn quick(&self) -> Arc<dyn Scenario> {
        Arc::new(Self {
            times: self.times.min(2),
            every: self.every.min(Duration::from_millis(500)),
            before: self.before.min(Duration::from_millis(1500)),
            after: self.after.min(Duration::from_millis(2000)),
            bin: self.bin.min(Duration::from_millis(100)),
            ..self.clone()
        })
    }

    fn run<'s>(&'s self, stage: &'s Stage<'s>) -> Found<'s> {
        Box::pin(async move {
            let mut results = Vec::new();
            // One side's invalidation must not be the other's: they may share the cache.
            for variant in stage.variants() {
                let storm = self.every * u32::try_from(self.times - 1).unwrap_or(u32::MAX);
                let length = self.before + storm + self.after;
                let load = Load {
                    experiment: stage.experiment().clone(),
                    blocks: (length.as_secs_f64() / self.bin.as_secs_f64()).ceil() as u32,
                    superblock: self.bin,
                    warmup: stage.run().warmup,
                    sides: LoadSides::Only(variant),
                };
                let (loaded, began) = tokio::join!(stage.load(load), self.invalidations(stage, variant));
                let (loaded, (began_ns, mut origin)) = (loaded?, began?);
                let counted = if origin.asks_the_service() { origin.calls(0).await } else { None };
                let moments = timeline::moments(loaded.side(variant));
                let first_ns = loaded.side(variant).next().map_or(0, |block| block.started_unix_ns);
                let began_s = began_ns.saturating_sub(first_ns) as f64 / 1e9;
                let mut result = stage.result(variant);
                result.figures = figures(&moments, began_s, counted);
                result.series =
                    vec![timeline::series("hit ratio", Unit::Share, &moments, |moment| moment.hit_ratio)];
                result.series.push(timeline::series("p99", Unit::Seconds, &moments, |moment| moment.p99_s));
                let marks = [(began_s, self.begins())];
                result.series.push(Series::events(&marks));
                result.notes.push(format!("the first invalidation came at {began_s:.1} s of the load"));
                result.notes.extend(loaded.faults);
                results.push(result);
            }
            Ok(results)
        })
    }
}

impl Storm {
    fn begins(&self) -> String {
        match self.times {
            1 => "invalidation".to_owned(),
            times => format!("{times} invalidations begin"),
        }
    }

    /// Invalidates beside the load; when that began, in nanoseconds since the Unix epoch, and a count of
    /// origin calls from then on.
    async fn invalidations(
        &self,
        stage: &Stage<'_>,
        variant: Variant,
    ) -> Result<(u64, OriginProbe), LoadError> {
        stage.sleep(stage.run().warmup + self.before).await;
        let origin = stage.origin_probe(variant).await;
        let began_ns = unix_now_ns();
        stage.tell(Some(variant), self.begins());
        for time in 0..self.times {
            if stage.is_stopped() {
                break;
            }
            if time > 0 {
                stage.sleep(self.every).await;
            }
            self.invalidate.perform(stage, variant).await.map_err(|why| stage.failed(why))?;
        }
        Ok((began_ns, origin))
    }
}

/// `counted` are the origin calls since the moment before the first invalidation, by the service: a
/// super-block's edge would not lie there.
fn figures(moments: &[Moment], began_s: f64, counted: Option<u64>) -> Vec<Figure> {
    let before: Vec<Moment> = moments.iter().copied().filter(|moment| moment.to_s <= began_s).collect();
    let from: Vec<Moment> = moments.iter().copied().filter(|moment| moment.to_s > began_s).collect();
    let former = timeline::mean_hit_ratio(&before);
    let dip = former.map(|former| Dip::of(&from, former));
    let count = from.len() as u64;
    let of = |value: fn(&Dip) -> f64| dip.as_ref().map(value);
    let highest = from.iter().filter_map(|moment| moment.p99_s).reduce(f64::max);
    vec![
        Figure::maybe("dip depth", Unit::Share, of(|dip| dip.depth), count),
        Figure::maybe("dip duration", Unit::Seconds, of(|dip| dip.seconds), count),
        Figure::maybe("dip area", Unit::Seconds, of(|dip| dip.area_s), count),
        Figure::maybe("lost hits", Unit::Count, of(|dip| dip.lost_hits), count),
        Figure::maybe("hit ratio before", Unit::Share, former, before.len() as u64),
        Figure::maybe("highest p99 of a step", Unit::Seconds, highest, count),
        Figure::exact(
            "origin calls from the storm on",
            Unit::Count,
            counted.unwrap_or_else(|| timeline::origin_calls(&from)) as f64,
            count,
        ),
    ]
}

/// How the hit ratio fell.
#[derive(Debug, PartialEq)]
struct Dip {
    /// Former less lowest hit ratio.
    depth: f64,
    /// Time below 95 % of the former hit ratio.
    seconds: f64,
    /// The missing hit ratio summed over that time, in seconds without any hit.
    area_s: f64,
    /// Requests that would have been hits at the former ratio.
    lost_hits: f64,
}

impl Dip {
    fn of(moments: &[Moment], former: f64) -> Self {
        let mut dip = Self { depth: 0.0, seconds: 0.0, area_s: 0.0, lost_hits: 0.0 };
        for moment in moments {
            let Some(ratio) = moment.hit_ratio.filter(|ratio| *ratio < DIPPED * former) else { continue };
            let (missing, seconds) = (former - ratio, moment.to_s - moment.from_s);
            dip.depth = dip.depth.max(missing);
            dip.seconds += seconds;
            dip.area_s += missing * seconds;
            dip.lost_hits += missing * moment.requests as f64;
        }
        dip
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::timeline::tests::of;

    #[test]
    fn depth_duration_and_area_are_those_of_the_curve() {
        // A second each, 100 requests: 0.8, then 0.2, 0.6 and 0.79, which is no part of the dip.
        let moments = of(&[0.8, 0.8, 0.2, 0.6, 0.79, 0.8]);
        let figures = figures(&moments, 2.0, None);
        let value = |name: &str| figures.iter().find(|f| f.name == name).unwrap().value.unwrap();
        assert!((value("hit ratio before") - 0.8).abs() < 1e-12);
        assert!((value("dip depth") - 0.6).abs() < 1e-12);
        assert_eq!(value("dip duration"), 2.0);
        assert!((value("dip area") - 0.8).abs() < 1e-12, "0.6 + 0.2");
        assert!((value("lost hits") - 80.0).abs() < 1e-9);
    }

    #[test]
    fn a_cache_that_does_not_dip_lost_nothing() {
        assert_eq!(
            Dip::of(&of(&[0.8, 0.79]), 0.8),
            Dip { depth: 0.0, seconds: 0.0, area_s: 0.0, lost_hits: 0.0 }
        );
    }
}
