//! What each side of an experiment did, over all its finished super-blocks.
//!
//! Percentiles come from merged histograms, never from averaged percentiles. What was not measured
//! is none, never 0.

use hdrhistogram::Histogram;
use hitmark_schema::measurement::latency_histogram;
use hitmark_schema::{Counters, Experiment, Outcome, Run, SuperBlock, Timing, Variant};

use crate::statistics::Quantile;

/// The latencies of one kind of answer.
#[derive(Debug, Clone, PartialEq)]
pub struct LatencySummary {
    /// Answers.
    pub count: u64,
    /// Their mean in nanoseconds.
    pub mean_ns: Option<f64>,
    /// The slowest in nanoseconds.
    pub max_ns: Option<u64>,
    /// All of them, merged.
    pub histogram: Histogram<u64>,
}

/// One side of an experiment.
#[derive(Debug, Clone, PartialEq)]
pub struct VariantSummary {
    /// Its name in the plan, for example `cached`.
    pub name: String,
    /// Which side it is.
    pub variant: Variant,
    /// Finished super-blocks.
    pub blocks: usize,
    /// How long it was under load, in seconds.
    pub active_s: f64,
    /// Counts over all super-blocks.
    pub counters: Counters,
    /// Every answer but the failed ones.
    pub overall: LatencySummary,
    /// Answers by outcome, in the order of [`Outcome::ALL`]; outcomes that did not occur are absent.
    pub outcomes: Vec<(Outcome, LatencySummary)>,
}

impl LatencySummary {
    fn new(histogram: Histogram<u64>) -> Self {
        let any = !histogram.is_empty();
        Self {
            count: histogram.len(),
            mean_ns: any.then(|| histogram.mean()),
            max_ns: any.then(|| histogram.max()),
            histogram,
        }
    }

    /// A quantile in nanoseconds; none without a value that could lie beyond it.
    #[must_use]
    pub fn quantile_ns(&self, quantile: Quantile) -> Option<u64> {
        quantile.of(&self.histogram)
    }
}

impl VariantSummary {
    pub(crate) fn new(run: &Run, experiment: &Experiment, variant: Variant) -> Option<Self> {
        let plan = experiment.side(variant)?;
        let side = run.side(&experiment.slug, variant);
        let blocks: Vec<&SuperBlock> = side.into_values().collect();
        let mut counters = Counters::default();
        for block in &blocks {
            counters.add(&block.counters);
        }
        let merged = |keep: &dyn Fn(Outcome) -> bool| LatencySummary::new(merge(&blocks, keep));
        let outcomes = Outcome::ALL
            .into_iter()
            .filter(|outcome| blocks.iter().any(|block| block.count(*outcome) > 0))
            .map(|outcome| (outcome, merged(&|other| other == outcome)))
            .collect();
        Some(Self {
            name: plan.name.clone(),
            variant,
            blocks: blocks.len(),
            active_s: blocks.iter().map(|block| block.active_ns as f64 / 1e9).sum(),
            counters,
            overall: merged(&not_failed),
            outcomes,
        })
    }

    /// Answers with this outcome.
    #[must_use]
    pub fn count(&self, outcome: Outcome) -> u64 {
        self.of(outcome).map_or(0, |summary| summary.count)
    }

    /// The latencies of one outcome.
    #[must_use]
    pub fn of(&self, outcome: Outcome) -> Option<&LatencySummary> {
        self.outcomes.iter().find(|(other, _)| *other == outcome).map(|(_, summary)| summary)
    }

    /// The mean latency of the answers that came out of the cache, in nanoseconds.
    #[must_use]
    pub fn served_from_cache_mean_ns(&self) -> Option<f64> {
        let served = self.outcomes.iter().filter(|(outcome, _)| outcome.is_served_from_cache());
        let (mut sum, mut count) = (0.0, 0);
        for (_, summary) in served {
            sum += summary.mean_ns.unwrap_or(0.0) * summary.count as f64;
            count += summary.count;
        }
        (count > 0).then(|| sum / count as f64)
    }

    /// Answers out of the cache ÷ requests that asked it; none if it was never asked.
    #[must_use]
    pub fn hit_ratio(&self) -> Option<f64> {
        hit_ratio(|outcome| self.count(outcome))
    }

    /// Failed requests ÷ requests; none without requests.
    #[must_use]
    pub fn error_ratio(&self) -> Option<f64> {
        self.per_request(Some(self.counters.errors_total()))
    }

    /// Requests that ended, for each second under load; none if it was never under load.
    #[must_use]
    pub fn requests_per_s(&self) -> Option<f64> {
        (self.active_s > 0.0).then(|| self.counters.requests as f64 / self.active_s)
    }

    /// A count divided by the requests; none without requests or without the count.
    #[must_use]
    pub fn per_request(&self, count: Option<u64>) -> Option<f64> {
        let requests = self.counters.requests;
        count.filter(|_| requests > 0).map(|count| count as f64 / requests as f64)
    }
}

/// Answers out of the cache ÷ requests that asked it; none if it was never asked.
pub(crate) fn hit_ratio(count: impl Fn(Outcome) -> u64) -> Option<f64> {
    let sum =
        |keep: fn(Outcome) -> bool| Outcome::ALL.into_iter().filter(|o| keep(*o)).map(&count).sum::<u64>();
    let asked = sum(Outcome::asked_the_cache);
    (asked > 0).then(|| sum(Outcome::is_served_from_cache) as f64 / asked as f64)
}

/// A failed request has no latency that says anything about the service's speed.
pub(crate) fn not_failed(outcome: Outcome) -> bool {
    outcome != Outcome::Error
}

fn merge(blocks: &[&SuperBlock], keep: &dyn Fn(Outcome) -> bool) -> Histogram<u64> {
    let mut sum = latency_histogram();
    for block in blocks {
        for ((outcome, timing), histogram) in &block.histograms {
            if *timing == Timing::Body && keep(*outcome) {
                // Equal bounds by construction and by the reader's check, so adding cannot fail.
                let _ = sum.add(histogram);
            }
        }
    }
    sum
}
