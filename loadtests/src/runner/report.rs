//! What becomes of an ended super-block: counted, written, told, and judged by the plan's limits.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hitmark_schema::run::{Event, EventKind};
use hitmark_schema::{Counters, Outcome, SuperBlock, Timing, Variant};

use super::work::Recorded;
use super::{Progress, RunOptions, Sink};
use crate::observe::{Counts, Observer, disagreement};
use crate::plan::{AbortWhen, ExperimentPlan};
use crate::schedule::closed::{Edge, End};
use crate::schedule::{EndedBlock, unix_now_ns};

/// Where ended super-blocks go.
pub(super) struct Report {
    pub(super) experiment: ExperimentPlan,
    pub(super) pairs: u32,
    pub(super) options: RunOptions,
    pub(super) sink: Arc<Sink>,
    /// Held across the asking, by the one leader: users rest or do not need it.
    pub(super) observer: Option<tokio::sync::Mutex<Observer>>,
    /// Hits by the responses and counts of the others, by side, over all super-blocks.
    pub(super) totals: Mutex<[(u64, Counters); 2]>,
    pub(super) abort_when: AbortWhen,
    /// Under which side a load is recorded.
    pub(super) recorded: Recorded,
}

impl Report {
    /// The moment between two slices.
    pub(super) async fn edge(&self, edge: Edge) {
        if let Some(observer) = &self.observer {
            observer.lock().await.slice(edge.slice).await;
        }
        match edge.end {
            End::OfSlice => {}
            End::OfWarmUp => {
                if let Some(observer) = &self.observer {
                    observer.lock().await.forget().await;
                }
            }
            End::OfBlock(ended) => self.block(*ended).await,
        }
    }

    /// A super-block has ended.
    pub(super) async fn block(&self, ended: EndedBlock) {
        let index = ended.index;
        let counts = match &self.observer {
            Some(observer) => observer.lock().await.block().await,
            None => Default::default(),
        };
        let sides = self.sides(ended, counts);
        self.add(&sides);
        let requests = sides.iter().map(|side| side.counters.requests).sum();
        let experiment = &self.experiment.name;
        let step =
            Progress::Pair { experiment, done: index + 1, pairs: self.pairs, requests, blocks: &sides };
        (self.options.progress)(step);
        if let Some(why) = self.limit_broken(&sides) {
            self.tell(None, EventKind::Aborted, why);
            self.options.stop.set();
        }
        self.sink.blocks(sides).await;
    }

    fn sides(&self, ended: EndedBlock, counts: [Counts; 2]) -> Vec<SuperBlock> {
        let nanoseconds = |duration: Duration| u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        let mut sides = Vec::new();
        for (variant, drained) in Variant::ALL.into_iter().zip(ended.drained) {
            if self.experiment.side(variant).is_none() {
                continue;
            }
            let mut counters = drained.counters;
            counts[variant.index()].fill(&mut counters);
            let variant_recorded = match self.recorded {
                Recorded::AsIs => variant,
                Recorded::As(other) => other,
            };
            sides.push(SuperBlock {
                experiment: self.experiment.slug.clone(),
                variant: variant_recorded,
                index: ended.index,
                started_unix_ns: ended.started_unix_ns,
                duration_ns: nanoseconds(ended.duration),
                active_ns: nanoseconds(ended.active[variant.index()]),
                histograms: drained.histograms,
                counters,
            });
        }
        sides
    }

    fn add(&self, sides: &[SuperBlock]) {
        let mut totals = self.totals.lock().unwrap_or_else(PoisonError::into_inner);
        for side in sides {
            let (hits, counters) = &mut totals[side.variant.index()];
            *hits += side.count(Outcome::Hit) + side.count(Outcome::Stale);
            counters.add(&side.counters);
        }
    }

    /// Why the plan gives the run up now, if it does.
    fn limit_broken(&self, sides: &[SuperBlock]) -> Option<String> {
        let AbortWhen { error_ratio, p99, mismatches } = self.abort_when;
        let totals = self.totals.lock().unwrap_or_else(PoisonError::into_inner);
        let wrong: u64 = totals.iter().map(|(_, counters)| counters.mismatches).sum();
        if let Some(limit) = mismatches.filter(|limit| wrong > *limit) {
            return Some(format!("{wrong} wrong bodies, abort_when allows {limit}"));
        }
        sides.iter().find_map(|side| {
            let ratio = side.counters.errors_total() as f64 / side.counters.requests.max(1) as f64;
            if let Some(limit) = error_ratio.filter(|limit| ratio > *limit) {
                let percent = ratio * 100.0;
                return Some(format!(
                    "{percent:.1} % of the {} requests failed, abort_when allows {limit}",
                    side.variant
                ));
            }
            // Merging histograms is a quarter of a megabyte: not for nothing.
            p99.and_then(|limit| {
                let seen = side.merged(Timing::Body, |_| true).value_at_quantile(0.99);
                let seen = Duration::from_nanos(seen);
                (seen > limit)
                    .then(|| format!("the {} p99 is {seen:?}, abort_when allows {limit:?}", side.variant))
            })
        })
    }

    /// Tells where the parties that count hits disagree.
    pub(super) fn compare_counts(&self) {
        let totals = self.totals.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for (variant, (hits, counters)) in Variant::ALL.into_iter().zip(totals) {
            let counts = Counts {
                service_hits: counters.service_hits,
                cache_server_hits: counters.cache_server_hits,
                ..Counts::default()
            };
            if let Some(how) = disagreement(hits, counts) {
                self.tell(Some(variant), EventKind::CountsDiffer, how);
            }
        }
    }

    fn tell(&self, variant: Option<Variant>, kind: EventKind, detail: String) {
        let experiment = Some(self.experiment.slug.clone());
        self.sink.event(Event { unix_ns: unix_now_ns(), experiment, variant, kind, detail });
    }
}
