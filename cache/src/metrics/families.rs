//! The counts as families of samples, under the names that `schema` registers.

use std::sync::atomic::{AtomicU64, Ordering};

use hitmark_schema::exposition::{Family, Sample, Value};
use hitmark_schema::metrics::{self as names, Metric};

use super::histogram::Histogram;
use super::{Metrics, Op, OriginResult, Refresh, Scope, Shard};
use crate::backend::State;
use crate::breaker::BreakerState;
use crate::reasons::Reason;
use crate::served::Why;
use crate::wire::Codec;

/// What is known at the moment of reading, and counted elsewhere.
#[derive(Debug)]
pub(crate) struct Gauges<'a> {
    pub(crate) store: State,
    pub(crate) breaker: BreakerState,
    pub(crate) breaker_opened: u64,
    pub(crate) pending: usize,
    pub(crate) codec: Option<&'a Codec>,
}

impl Metrics {
    /// Every metric of the layer, with the backend's name on each sample.
    pub(crate) fn families(&self, backend: &'static str, gauges: &Gauges<'_>) -> Vec<Family> {
        let one = |metric, value: u64| Family::new(metric).with(&[("backend", backend)], value as f64);
        let mut families = vec![
            self.operations(backend),
            self.operation_times(backend),
            self.origin_calls(backend),
            one(names::CACHE_ORIGIN_COALESCED, self.sum(|shard| &shard.coalesced)),
            self.times(names::CACHE_ORIGIN_SECONDS, backend, |shard| &shard.origin_times),
            one(names::CACHE_ORIGIN_IN_FLIGHT, self.in_flight.load(Ordering::Relaxed)),
            one(names::CACHE_ORIGIN_IN_FLIGHT_PEAK, self.in_flight_peak.load(Ordering::Relaxed)),
            self.times(names::CACHE_STALENESS_SECONDS, backend, |shard| &shard.staleness.0),
            self.bytes(backend),
            one(names::CACHE_INVALIDATIONS_REPLAYED, self.sum(|shard| &shard.replayed)),
            one(names::CACHE_INVALIDATIONS_PENDING, gauges.pending as u64),
            one(names::CACHE_BREAKER_OPENED, gauges.breaker_opened),
            breaker(backend, gauges.breaker),
        ];
        families.extend(self.by_word(backend));
        families.extend(store(backend, gauges.store));
        families.push(coding(backend, gauges.codec));
        families
    }

    fn operations(&self, backend: &str) -> Family {
        let mut family = Family::new(names::CACHE_OPERATIONS);
        for op in Op::ALL {
            for result in op.results() {
                let count = self.sum(|shard| &shard.operations[*op as usize][*result as usize]);
                let labels = [("backend", backend), ("op", op.as_str()), ("result", result.as_str())];
                family.push(&labels, count as f64);
            }
        }
        family
    }

    fn operation_times(&self, backend: &str) -> Family {
        let mut family = Family::new(names::CACHE_OPERATION_SECONDS);
        for op in Op::ALL {
            let parts: Vec<_> =
                self.shards.iter().map(|shard| &shard.operation_times[*op as usize]).collect();
            let labels = [("backend", backend), ("op", op.as_str())];
            push_value(&mut family, &labels, Histogram::merged(&parts));
        }
        family
    }

    fn origin_calls(&self, backend: &str) -> Family {
        let words = OriginResult::ALL.iter().map(|result| (result.as_str(), *result as usize));
        self.counts(names::CACHE_ORIGIN_CALLS, backend, words, |shard| &shard.origin_calls)
    }

    /// The counts of one more label each.
    fn by_word(&self, backend: &str) -> [Family; 6] {
        let reasons = || Reason::ALL.iter().map(|reason| (reason.as_str(), *reason as usize));
        let whys = || Why::ALL.iter().map(|why| (why.as_str(), *why as usize));
        let refreshes = || Refresh::ALL.iter().map(|result| (result.as_str(), *result as usize));
        let scopes = || Scope::ALL.iter().map(|scope| (scope.as_str(), *scope as usize));
        [
            self.counts(names::CACHE_MISSES, backend, reasons(), |shard| &shard.misses),
            self.counts(names::CACHE_STALE_SERVED, backend, whys(), |shard| &shard.stale),
            self.counts(names::CACHE_REFRESHES, backend, refreshes(), |shard| &shard.refreshes),
            self.counts(names::CACHE_INVALIDATIONS, backend, scopes(), |shard| &shard.invalidations),
            self.counts(names::CACHE_INVALIDATED_KEYS, backend, scopes(), |shard| &shard.invalidated),
            self.counts(names::CACHE_INVALIDATIONS_EMPTY, backend, scopes(), |shard| &shard.empty),
        ]
    }

    fn counts<const N: usize>(
        &self,
        metric: Metric,
        backend: &str,
        words: impl Iterator<Item = (&'static str, usize)>,
        counts: impl Fn(&Shard) -> &[AtomicU64; N],
    ) -> Family {
        let label = metric.labels.last().copied().unwrap_or_default();
        let mut family = Family::new(metric);
        for (word, at) in words {
            let count = self.sum(|shard| &counts(shard)[at]);
            family.push(&[("backend", backend), (label, word)], count as f64);
        }
        family
    }

    fn bytes(&self, backend: &str) -> Family {
        let (incoming, outgoing) = (self.sum(|shard| &shard.bytes_in), self.sum(|shard| &shard.bytes_out));
        Family::new(names::CACHE_VALUE_BYTES)
            .with(&[("backend", backend), ("direction", "in")], incoming as f64)
            .with(&[("backend", backend), ("direction", "out")], outgoing as f64)
    }

    fn times(&self, metric: Metric, backend: &str, times: impl Fn(&Shard) -> &Histogram) -> Family {
        let mut family = Family::new(metric);
        let parts: Vec<_> = self.shards.iter().map(times).collect();
        push_value(&mut family, &[("backend", backend)], Histogram::merged(&parts));
        family
    }
}

fn breaker(backend: &str, now: BreakerState) -> Family {
    let mut family = Family::new(names::CACHE_BREAKER_STATE);
    for state in BreakerState::ALL {
        let is_now = f64::from(u8::from(state == now));
        family.push(&[("backend", backend), ("state", state.as_str())], is_now);
    }
    family
}

/// What the backend knows of itself. What it does not know has no sample.
fn store(backend: &str, state: State) -> [Family; 5] {
    let known = |metric, value: Option<f64>| {
        let family = Family::new(metric);
        match value {
            Some(value) => family.with(&[("backend", backend)], value),
            None => family,
        }
    };
    [
        known(names::CACHE_BACKEND_UP, state.up.map(|up| f64::from(u8::from(up)))),
        known(names::CACHE_ENTRIES, state.entries.map(|entries| entries as f64)),
        known(names::CACHE_SIZE_BYTES, state.size_bytes.map(|bytes| bytes as f64)),
        known(names::CACHE_CAPACITY_BYTES, state.capacity_bytes.map(|bytes| bytes as f64)),
        known(names::CACHE_COPY_HITS, state.copy_hits.map(|hits| hits as f64)),
    ]
}

/// Times of coding; without a sample where values have no other form.
fn coding(backend: &str, codec: Option<&Codec>) -> Family {
    let mut family = Family::new(names::CACHE_CODEC_SECONDS);
    if let Some(codec) = codec {
        for (op, times) in [("encode", &codec.encode_times), ("decode", &codec.decode_times)] {
            push_value(&mut family, &[("backend", backend), ("op", op)], Histogram::merged(&[times]));
        }
    }
    family
}

fn push_value(family: &mut Family, labels: &[(&'static str, &str)], value: Value) {
    let labels = labels.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
    family.samples.push(Sample { labels, value });
}
