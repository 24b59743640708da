//! Soak: does anything drift over a long time: p99, hit ratio, memory?
//!
//! The load stays the same from beginning to end; each super-block is one point. A drift is the slope
//! between points that no single bad minute can turn, and counts as one only if its interval leaves
//! out no change at all.

use std::sync::Arc;
use std::time::{Duration, Instant};

use hitmark_schema::scenario::{Point, Series};
use hitmark_schema::{Figure, ScenarioResult, Unit, Variant};

use crate::plan::fields::{Fields, Notes};
use crate::scenario::interval::{Slope, slope};
use crate::scenario::memory::Memory;
use crate::scenario::stage::{Load, LoadSides, Loaded, Stage};
use crate::scenario::timeline::{self, Moment};
use crate::scenario::{Context, Entry, Found, Scenario};

pub(super) const ENTRY: Entry = Entry {
    name: "soak",
    about: "a long even load: drift of p99, hit ratio and resident memory each hour, with intervals",
    read,
};

const HOUR_S: f64 = 3_600.0;
/// A long soak has super-blocks enough; more would make the slopes of all pairs slow.
const BLOCKS_MAX: f64 = 2_000.0;

#[derive(Debug, Clone)]
struct Soak {
    length: Duration,
    bin: Duration,
    memory: Memory,
}

fn read(
    notes: &mut Notes<'_>,
    mut fields: Fields<'_, '_>,
    _context: &mut Context<'_>,
) -> Option<Arc<dyn Scenario>> {
    let length = fields.number(notes, "length_s", 0.5, 7.0 * 86_400.0).unwrap_or(600.0);
    let bin = fields.number(notes, "bin_s", 0.05, 60.0).unwrap_or(10.0);
    if !(5.0..=BLOCKS_MAX).contains(&(length / bin)) {
        let advice = format!("'length_s' must be 5 to {BLOCKS_MAX} times 'bin_s'");
        notes.add(fields.span(), format!("{}: {advice}", fields.name()));
    }
    let memory = Memory::read(notes, &mut fields);
    fields.finish(notes);
    let (length, bin) = (Duration::from_secs_f64(length), Duration::from_secs_f64(bin));
    Some(Arc::new(Soak { length, bin, memory }))
}

impl Scenario for Soak {
    fn describe(&self) -> String {
        format!("{} s in steps of {} s", self.length.as_secs_f64(), self.bin.as_secs_f64())
    }

    fn quick(&self) -> Arc<dyn Scenario> {
        // Five super-blocks at least are what a drift's interval needs.
        Arc::new(Self {
            length: self.length.min(Duration::from_secs(4)),
            bin: self.bin.min(Duration::from_millis(200)),
            ..self.clone()
        })
    }

    fn run<'s>(&'s self, stage: &'s Stage<'s>) -> Found<'s> {
        Box::pin(async move {
            let sides = stage.variants().count() as f64;
            let blocks = self.length.as_secs_f64() / (self.bin.as_secs_f64() * sides);
            let load = Load {
                experiment: stage.experiment().clone(),
                blocks: blocks.ceil() as u32,
                superblock: self.bin,
                warmup: stage.run().warmup,
                sides: LoadSides::All,
            };
            let mut samples: [Vec<(f64, f64)>; 2] = Default::default();
            let loaded = {
                let load = std::pin::pin!(stage.load(load));
                let sampling = std::pin::pin!(self.sample(stage, &mut samples));
                tokio::select! {
                    loaded = load => loaded?,
                    never = sampling => match never {},
                }
            };
            let of = |variant: Variant| self.result(stage, variant, &loaded, &samples[variant.index()]);
            Ok(stage.variants().map(of).collect())
        })
    }
}

impl Soak {
    /// Notes the memory of each side as time goes by, until the load ends.
    async fn sample(
        &self,
        stage: &Stage<'_>,
        samples: &mut [Vec<(f64, f64)>; 2],
    ) -> std::convert::Infallible {
        tokio::time::sleep(stage.run().warmup).await;
        let began = Instant::now();
        loop {
            for variant in stage.variants() {
                if let Some(bytes) = self.memory.resident_bytes(stage, variant).await {
                    samples[variant.index()].push((began.elapsed().as_secs_f64(), bytes));
                }
            }
            tokio::time::sleep(self.bin).await;
        }
    }

    fn result(
        &self,
        stage: &Stage<'_>,
        variant: Variant,
        loaded: &Loaded,
        memory: &[(f64, f64)],
    ) -> ScenarioResult {
        let mut result = stage.result(variant);
        let moments = timeline::moments(loaded.side(variant));
        let curve = |value: fn(&Moment) -> Option<f64>| -> Vec<(f64, f64)> {
            moments.iter().filter_map(|moment| Some((moment.from_s, value(moment)?))).collect()
        };
        for (name, unit, points) in [
            ("p99", Unit::Seconds, curve(|moment| moment.p99_s)),
            ("hit ratio", Unit::Share, curve(|moment| moment.hit_ratio)),
            ("resident memory", Unit::Bytes, memory.to_vec()),
        ] {
            tell(name, unit, &points, &mut result);
        }
        let requests: u64 = moments.iter().map(|moment| moment.requests).sum();
        let errors: u64 = moments.iter().map(|moment| moment.errors).sum();
        let share = (requests > 0).then(|| errors as f64 / requests as f64);
        result.figures.push(Figure::maybe("failed requests", Unit::Share, share, requests));
        if memory.is_empty() {
            result.notes.push(self.memory.missing().to_owned());
        }
        result.notes.extend(loaded.faults.iter().cloned());
        result
    }
}

/// The drift of one quantity, its curve, and a note if it is one.
fn tell(name: &str, unit: Unit, points: &[(f64, f64)], result: &mut ScenarioResult) {
    let drift = slope(points).map(|slope| Slope {
        estimate: slope.estimate * HOUR_S,
        bounds: slope.bounds.map(|(lower, upper)| (lower * HOUR_S, upper * HOUR_S)),
    });
    let title = format!("{name} drift each hour");
    let count = points.len() as u64;
    result.figures.push(match drift {
        Some(drift) => Figure::within(&title, unit, drift.estimate, drift.bounds, count),
        None => Figure::maybe(&title, unit, None, count),
    });
    if let Some((lower, upper)) = drift.and_then(|drift| drift.bounds)
        && (lower > 0.0 || upper < 0.0)
    {
        let way = if lower > 0.0 { "grows" } else { "falls" };
        result.notes.push(format!("{name} {way}: its interval leaves out no change at all"));
    }
    let points = points.iter().map(|(at, value)| Point::plain(*at, Some(*value))).collect();
    result.series.push(Series { name: name.to_owned(), unit, over: "seconds".to_owned(), points });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn result(points: &[(f64, f64)]) -> ScenarioResult {
        let mut result = ScenarioResult {
            experiment: "x".to_owned(),
            scenario: "soak".to_owned(),
            variant: Variant::Baseline,
            figures: Vec::new(),
            series: Vec::new(),
            failures: Vec::new(),
            notes: Vec::new(),
        };
        tell("resident memory", Unit::Bytes, points, &mut result);
        result
    }

    #[test]
    fn a_leak_of_a_kilobyte_each_second_is_3_6_megabytes_each_hour() {
        let points: Vec<_> = (0..20).map(|s| (f64::from(s), 1e6 + 1e3 * f64::from(s))).collect();
        let grown = result(&points);
        assert_eq!(grown.value("resident memory drift each hour"), Some(3_600_000.0));
        assert_eq!(grown.notes, ["resident memory grows: its interval leaves out no change at all"]);
        let even: Vec<_> = points.iter().map(|(at, _)| (*at, 1e6)).collect();
        let even = result(&even);
        assert_eq!((even.value("resident memory drift each hour"), even.notes.len()), (Some(0.0), 0));
        assert_eq!(result(&[]).value("resident memory drift each hour"), None);
    }
}
