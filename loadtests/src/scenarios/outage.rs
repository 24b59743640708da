//! Outage: what clients see while the cache server is gone, hung, slow or emptied, and afterwards.
//!
//! The plan says how the fault begins and ends, by commands or requests. Both sides are under load
//! through all of it, in alternating slices, so that one and the same fault meets both.

use std::sync::Arc;
use std::time::Duration;

use hitmark_schema::scenario::Series;
use hitmark_schema::{Figure, ScenarioResult, SuperBlock, Unit, Variant};

use crate::plan::fields::{Fields, Notes};
use crate::runner::LoadError;
use crate::scenario::action::Action;
use crate::scenario::stage::{Load, LoadSides, Loaded, Stage};
use crate::scenario::timeline::{self, Moment};
use crate::scenario::{Context, Entry, Found, Scenario};
use crate::schedule::unix_now_ns;

pub(super) const ENTRY: Entry = Entry {
    name: "outage",
    about: "a fault begins and ends under load: errors, p99, origin load, time back to 95 % of the hit ratio",
    read,
};

/// The share of the former hit ratio at which a cache has recovered.
const RECOVERED: f64 = 0.95;

#[derive(Debug, Clone)]
struct Outage {
    fault: String,
    begin: Action,
    end: Option<Action>,
    before: Duration,
    during: Duration,
    after: Duration,
    bin: Duration,
}

fn read(
    notes: &mut Notes<'_>,
    mut fields: Fields<'_, '_>,
    context: &mut Context<'_>,
) -> Option<Arc<dyn Scenario>> {
    let fault = fields.required_string(notes, "fault").map(|(fault, _)| fault);
    let begin = Action::required(notes, &mut fields, "begin", context.known);
    let end = Action::read(notes, &mut fields, "end", context.known);
    let has_during = fields.value("during_s").is_some();
    let mut seconds = |notes: &mut Notes<'_>, key, usual| {
        Duration::from_secs_f64(fields.number(notes, key, 0.05, 3_600.0).unwrap_or(usual))
    };
    let before = seconds(notes, "before_s", 10.0);
    // Without an end of its own, a fault is over as soon as it is made (a flush), or after the time
    // that the plan says (a pause that ends by itself).
    let during = match (has_during, &end) {
        (false, None) => Duration::ZERO,
        _ => seconds(notes, "during_s", 10.0),
    };
    let after = seconds(notes, "after_s", 20.0);
    let bin = seconds(notes, "bin_s", 0.5);
    if bin * 2 > before.min(after) {
        notes.add(
            fields.span(),
            format!("{}: 'before_s' and 'after_s' must hold 2 of 'bin_s'", fields.name()),
        );
    }
    fields.finish(notes);
    Some(Arc::new(Outage { fault: fault?, begin: begin?, end, before, during, after, bin }))
}

impl Scenario for Outage {
    fn describe(&self) -> String {
        format!("{} for {} s by {}", self.fault, self.during.as_secs_f64(), self.begin.describe())
    }

    fn quick(&self) -> Arc<dyn Scenario> {
        Arc::new(Self {
            before: self.before.min(Duration::from_millis(1500)),
            during: self.during.min(Duration::from_secs(2)),
            after: self.after.min(Duration::from_secs(4)),
            bin: self.bin.min(Duration::from_millis(100)),
            ..self.clone()
        })
    }

    fn run<'s>(&'s self, stage: &'s Stage<'s>) -> Found<'s> {
        Box::pin(async move {
            let sides = stage.variants().count() as f64;
            let length = self.before + self.during + self.after;
            let load = Load {
                experiment: stage.experiment().clone(),
                blocks: (length.as_secs_f64() / (self.bin.as_secs_f64() * sides)).ceil() as u32,
                superblock: self.bin,
                warmup: stage.run().warmup,
                sides: LoadSides::All,
            };
            let (loaded, times) = tokio::join!(stage.load(load), self.faults(stage));
            let (loaded, times) = (loaded?, times?);
            Ok(stage.variants().map(|variant| self.result(stage, variant, &loaded, &times)).collect())
        })
    }
}

/// When the fault was there, in nanoseconds since the Unix epoch.
#[derive(Debug, Clone, Copy)]
struct Times {
    /// Before the action that begins it.
    began_ns: u64,
    /// After the action that ends it.
    ended_ns: u64,
}

impl Outage {
    /// Makes the fault beside the load. Its end is tried even if its beginning failed.
    async fn faults(&self, stage: &Stage<'_>) -> Result<Times, LoadError> {
        stage.sleep(stage.run().warmup + self.before).await;
        let began_ns = unix_now_ns();
        if stage.is_stopped() {
            return Ok(Times { began_ns, ended_ns: began_ns });
        }
        let begun = self.begin.perform(stage, Variant::Baseline).await;
        stage.tell(None, format!("{} begins", self.fault));
        stage.sleep(self.during).await;
        let mut ended = Ok(());
        if let Some(end) = &self.end {
            ended = end.perform(stage, Variant::Baseline).await;
            stage.tell(None, format!("{} ends", self.fault));
        }
        begun.and(ended).map_err(|why| stage.failed(why))?;
        Ok(Times { began_ns, ended_ns: unix_now_ns() })
    }

    fn result(&self, stage: &Stage<'_>, variant: Variant, loaded: &Loaded, times: &Times) -> ScenarioResult {
        let blocks: Vec<&SuperBlock> = loaded.side(variant).collect();
        let mut result = stage.result(variant);
        result.figures = figures(&blocks, times);
        let moments = timeline::moments(blocks.iter().copied());
        result.series = vec![
            timeline::series("hit ratio", Unit::Share, &moments, |moment| moment.hit_ratio),
            timeline::series("p99", Unit::Seconds, &moments, |moment| moment.p99_s),
            timeline::series("failed requests", Unit::Share, &moments, |moment| {
                (moment.requests > 0).then(|| moment.errors as f64 / moment.requests as f64)
            }),
        ];
        let began = blocks.first().map_or(0, |block| block.started_unix_ns);
        let at = |ns: u64| ns.saturating_sub(began) as f64 / 1e9;
        let (from, to) = (at(times.began_ns), at(times.ended_ns));
        result.series.push(timeline::origin_rate(&moments));
        let marks = [(from, format!("{} begins", self.fault)), (to, format!("{} ends", self.fault))];
        result.series.push(Series::events(&marks));
        result.notes.push(format!("{} from {from:.1} s to {to:.1} s of the load", self.fault));
        result.notes.extend(loaded.faults.iter().cloned());
        result
    }
}

/// Where a super-block lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Before,
    /// The last one before the fault: an open load closes it a little late, so it may hold a request
    /// that the fault met. It belongs to no phase.
    Edge,
    During,
    After,
}

impl Times {
    /// A super-block that the fault touched at all belongs to it.
    fn phase(&self, block: &SuperBlock) -> Phase {
        let (from, to) = (block.started_unix_ns, block.started_unix_ns + block.duration_ns);
        if to + block.duration_ns <= self.began_ns {
            Phase::Before
        } else if to <= self.began_ns {
            Phase::Edge
        } else if from >= self.ended_ns {
            Phase::After
        } else {
            Phase::During
        }
    }
}

fn figures(blocks: &[&SuperBlock], times: &Times) -> Vec<Figure> {
    let of = |phase| blocks.iter().copied().filter(move |block| times.phase(block) == phase);
    let mut figures = Vec::new();
    for (phase, word) in [(Phase::Before, "before"), (Phase::During, "during"), (Phase::After, "after")] {
        let moments = timeline::moments(of(phase));
        let requests: u64 = moments.iter().map(|moment| moment.requests).sum();
        let errors: u64 = moments.iter().map(|moment| moment.errors).sum();
        let seconds: f64 = of(phase).map(|block| block.active_ns as f64 / 1e9).sum();
        let share = (requests > 0).then(|| errors as f64 / requests as f64);
        let rate = (seconds > 0.0).then(|| timeline::origin_calls(&moments) as f64 / seconds);
        let p99 = timeline::quantile_s(of(phase), 0.99);
        let ratio = timeline::hit_ratio(of(phase));
        figures.push(Figure::maybe(&format!("failed requests {word}"), Unit::Share, share, requests));
        figures.push(Figure::maybe(&format!("p99 {word}"), Unit::Seconds, p99, requests));
        figures.push(Figure::maybe(&format!("hit ratio {word}"), Unit::Share, ratio, requests));
        figures.push(Figure::maybe(&format!("origin calls {word}"), Unit::PerSecond, rate, requests));
    }
    let touched = of(Phase::During).chain(of(Phase::After));
    let since: Vec<Moment> = timeline::moments(touched);
    let (calls, requests) =
        (timeline::origin_calls(&since), since.iter().map(|moment| moment.requests).sum::<u64>());
    let calls = (requests > 0).then_some(calls as f64);
    figures.push(Figure::maybe("origin calls from the fault on", Unit::Count, calls, requests));
    let seconds = recovery(blocks, times);
    figures.insert(0, Figure::maybe("recovery time", Unit::Seconds, seconds, u64::from(seconds.is_some())));
    figures
}

/// From the end of the fault to the super-block from which on the hit ratio is back; none if it never is.
fn recovery(blocks: &[&SuperBlock], times: &Times) -> Option<f64> {
    let before = blocks.iter().copied().filter(|block| times.phase(block) == Phase::Before);
    let former = timeline::hit_ratio(before)?;
    // The super-block in which the fault ended is looked at too: recovery may be immediate.
    let end = |block: &SuperBlock| block.started_unix_ns + block.duration_ns;
    let rest: Vec<&SuperBlock> = blocks.iter().copied().filter(|block| end(block) > times.ended_ns).collect();
    let moments: Vec<Moment> = timeline::moments(rest.iter().copied());
    let place = timeline::reached(&moments, RECOVERED * former)?;
    Some(rest[place].started_unix_ns.saturating_sub(times.ended_ns) as f64 / 1e9)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use hitmark_schema::measurement::latency_histogram;
    use hitmark_schema::{Counters, ErrorKind, Outcome, Timing};

    use super::*;

    const S: u64 = 1_000_000_000;

    /// A second with so many hits of 1 ms, misses of 10 ms and failures of 100 ms.
    fn block(second: u64, hits: u64, misses: u64, failed: u64) -> SuperBlock {
        let mut histograms = BTreeMap::new();
        for (outcome, count, ms) in
            [(Outcome::Hit, hits, 1), (Outcome::Miss, misses, 10), (Outcome::Error, failed, 100)]
        {
            let mut histogram = latency_histogram();
            histogram.record_n(ms * 1_000_000, count).unwrap();
            histograms.insert((outcome, Timing::Body), histogram);
        }
        SuperBlock {
            experiment: "x".to_owned(),
            variant: Variant::Baseline,
            index: second as u32,
            started_unix_ns: second * S,
            duration_ns: S,
            active_ns: S,
            histograms,
            counters: Counters {
                requests: hits + misses + failed,
                errors: BTreeMap::from([(ErrorKind::Status, failed)]),
                ..Counters::default()
            },
        }
    }

    #[test]
    fn each_phase_has_its_own_figures_and_recovery_counts_from_the_end() {
        let blocks = [
            block(0, 90, 10, 0),
            block(1, 90, 10, 0),
            block(2, 0, 50, 50),
            block(3, 0, 20, 80),
            block(4, 50, 50, 0),
            block(5, 89, 11, 0),
            block(6, 90, 10, 0),
        ];
        let blocks: Vec<&SuperBlock> = blocks.iter().collect();
        // The fault is there from 2.5 s to 3.5 s: super-blocks 2 and 3 are touched.
        let times = Times { began_ns: 5 * S / 2, ended_ns: 7 * S / 2 };
        let figures = figures(&blocks, &times);
        let value = |name: &str| figures.iter().find(|f| f.name == name).unwrap().value;
        assert_eq!(value("failed requests before"), Some(0.0));
        assert_eq!(value("failed requests during"), Some(130.0 / 200.0));
        assert_eq!((value("hit ratio before"), value("hit ratio during")), (Some(0.9), Some(0.0)));
        assert_eq!((value("origin calls before"), value("origin calls during")), (Some(10.0), Some(35.0)));
        assert!((value("p99 during").unwrap() - 0.1).abs() < 0.001);
        assert!((value("p99 after").unwrap() - 0.01).abs() < 0.001);
        // 0.89 is at least 95 % of 0.9: recovered from second 5 on, 1.5 s after the end.
        assert_eq!(value("recovery time"), Some(1.5));
    }

    #[test]
    fn what_never_comes_back_has_no_recovery_time() {
        let blocks = [block(0, 90, 10, 0), block(1, 10, 90, 0), block(2, 10, 90, 0)];
        let blocks: Vec<&SuperBlock> = blocks.iter().collect();
        assert_eq!(recovery(&blocks, &Times { began_ns: S, ended_ns: S }), None);
    }
}
