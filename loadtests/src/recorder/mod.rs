//! Records what users see: latencies by variant, outcome and timing, and counts.
//!
//! There is one shard per worker thread, not per user: a thousand users would otherwise need a
//! gigabyte of histograms. Recording takes no lock and allocates nothing once a cell is in use:
//! it adds to atomic counters that, as a rule, no other thread touches. At the edge of a
//! super-block the shards are emptied and merged into HdrHistograms.

mod atomic_histogram;

use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

pub(crate) use atomic_histogram::AtomicHistogram;
use hdrhistogram::Histogram;
use hitmark_schema::measurement::latency_histogram;
use hitmark_schema::{Counters, ErrorKind, Outcome, Timing, Variant};

/// Shards at most: more threads than this share.
const SHARDS_MAX: usize = 64;

/// What one request showed.
#[derive(Debug, Clone, Copy)]
pub struct Observation {
    /// The side that was asked.
    pub variant: Variant,
    /// How the cache answered.
    pub outcome: Outcome,
    /// Nanoseconds to the end of the headers; none if they did not come.
    pub headers_ns: Option<u64>,
    /// Nanoseconds to the last byte of the body, or to the failure.
    pub body_ns: u64,
    /// Bytes of the body.
    pub body_bytes: u64,
    /// Why the request failed, if it did.
    pub error: Option<ErrorKind>,
    /// The service said that its cache server could not be asked.
    pub cache_unreachable: bool,
    /// The body was compared with the other variant's.
    pub compared: bool,
}

/// What one variant's shards held.
#[derive(Debug, Clone, Default)]
pub struct Drained {
    /// Latencies in nanoseconds.
    pub histograms: BTreeMap<(Outcome, Timing), Histogram<u64>>,
    /// Counts.
    pub counters: Counters,
}

/// Counts of a super-block that is going on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CurrentCounts {
    /// Requests that ended.
    pub requests: u64,
    /// Failed ones.
    pub errors: u64,
    /// Responses that say that the cache server could not be asked.
    pub cache_unreachable: u64,
}

/// Records from many threads at once.
#[derive(Debug)]
pub struct Recorder {
    shards: Box<[Shard]>,
}

#[derive(Debug, Default)]
struct Shard {
    sides: [Side; 2],
}

/// Aligned so that two threads' counters share no cache line.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Side {
    cells: [[OnceLock<AtomicHistogram>; 2]; Outcome::ALL.len()],
    requests: AtomicU64,
    errors: [AtomicU64; ErrorKind::ALL.len()],
    bodies_compared: AtomicU64,
    body_bytes: AtomicU64,
    cache_unreachable: AtomicU64,
    dropped: AtomicU64,
}

impl Default for Recorder {
    fn default() -> Self {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        Self { shards: (0..threads.min(SHARDS_MAX)).map(|_| Shard::default()).collect() }
    }
}

impl Recorder {
    /// Records one request.
    pub fn record(&self, observation: &Observation) {
        let side = self.side(observation.variant);
        side.record(observation);
    }

    /// Counts an arrival that was due and never sent.
    pub fn drop_arrival(&self, variant: Variant) {
        self.side(variant).dropped.fetch_add(1, Ordering::Relaxed);
    }

    /// Takes out all that was recorded for a variant since the last time. Requests that are
    /// recorded meanwhile are in this drain or in the next one, never lost.
    #[must_use]
    pub fn drain(&self, variant: Variant) -> Drained {
        let mut drained = Drained::default();
        for shard in &self.shards {
            shard.sides[variant.index()].drain_into(&mut drained);
        }
        drained
    }

    /// What was recorded for a variant since the last drain, without taking it out.
    #[must_use]
    pub fn current(&self, variant: Variant) -> CurrentCounts {
        let mut counts = CurrentCounts::default();
        for shard in &self.shards {
            let side = &shard.sides[variant.index()];
            counts.requests += side.requests.load(Ordering::Relaxed);
            counts.errors += side.errors.iter().map(|kind| kind.load(Ordering::Relaxed)).sum::<u64>();
            counts.cache_unreachable += side.cache_unreachable.load(Ordering::Relaxed);
        }
        counts
    }

    fn side(&self, variant: Variant) -> &Side {
        &self.shards[thread_number() % self.shards.len()].sides[variant.index()]
    }
}

impl Side {
    fn record(&self, observation: &Observation) {
        let [body, headers] = &self.cells[observation.outcome.index()];
        body.get_or_init(AtomicHistogram::new).record(observation.body_ns);
        if let Some(headers_ns) = observation.headers_ns {
            headers.get_or_init(AtomicHistogram::new).record(headers_ns);
        }
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.body_bytes.fetch_add(observation.body_bytes, Ordering::Relaxed);
        if let Some(kind) = observation.error {
            self.errors[kind.index()].fetch_add(1, Ordering::Relaxed);
        }
        if observation.compared {
            self.bodies_compared.fetch_add(1, Ordering::Relaxed);
        }
        if observation.cache_unreachable {
            self.cache_unreachable.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn drain_into(&self, drained: &mut Drained) {
        for outcome in Outcome::ALL {
            for timing in Timing::ALL {
                if let Some(cell) = self.cells[outcome.index()][timing.index()].get() {
                    cell.drain_into(drained, (outcome, timing));
                }
            }
        }
        let take = |counter: &AtomicU64| counter.swap(0, Ordering::Relaxed);
        let mut errors = BTreeMap::new();
        for kind in ErrorKind::ALL {
            let count = take(&self.errors[kind.index()]);
            if count > 0 {
                errors.insert(kind, count);
            }
        }
        drained.counters.add(&Counters {
            requests: take(&self.requests),
            mismatches: errors.get(&ErrorKind::Mismatch).copied().unwrap_or(0),
            errors,
            bodies_compared: take(&self.bodies_compared),
            body_bytes: take(&self.body_bytes),
            cache_unreachable: take(&self.cache_unreachable),
            dropped: take(&self.dropped),
            ..Counters::default()
        });
    }
}

impl AtomicHistogram {
    fn drain_into(&self, drained: &mut Drained, cell: (Outcome, Timing)) {
        let mut taken = self.drain().peekable();
        if taken.peek().is_none() {
            return;
        }
        let histogram = drained.histograms.entry(cell).or_insert_with(latency_histogram);
        for (value_ns, count) in taken {
            histogram.saturating_record_n(value_ns, count);
        }
    }
}

/// A small number of this thread's own.
fn thread_number() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static NUMBER: Cell<Option<usize>> = const { Cell::new(None) };
    }
    NUMBER.with(|number| {
        number.get().unwrap_or_else(|| {
            let mine = NEXT.fetch_add(1, Ordering::Relaxed);
            number.set(Some(mine));
            mine
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hit(body_ns: u64) -> Observation {
        Observation {
            variant: Variant::Candidate,
            outcome: Outcome::Hit,
            headers_ns: Some(body_ns / 2),
            body_ns,
            body_bytes: 10,
            error: None,
            cache_unreachable: false,
            compared: false,
        }
    }

    #[test]
    fn nothing_is_lost_between_threads_and_drains() {
        let recorder = Recorder::default();
        let mut seen = 0;
        std::thread::scope(|scope| {
            let writers: Vec<_> = (0..4)
                .map(|_| scope.spawn(|| (0..20_000).for_each(|ns| recorder.record(&hit(ns)))))
                .collect();
            while writers.iter().any(|writer| !writer.is_finished()) {
                seen += recorder.drain(Variant::Candidate).counters.requests;
            }
        });
        seen += recorder.drain(Variant::Candidate).counters.requests;
        assert_eq!(seen, 80_000);
    }

    /// Bytes of the histograms in use.
    fn bytes(recorder: &Recorder) -> usize {
        let sides = recorder.shards.iter().flat_map(|shard| &shard.sides);
        let cells = sides.flat_map(|side| side.cells.iter().flatten()).filter_map(OnceLock::get);
        cells.map(AtomicHistogram::bytes).sum()
    }

    #[test]
    fn memory_grows_with_outcomes_and_doublings_and_not_with_requests() {
        let recorder = Recorder::default();
        recorder.record(&hit(3_000));
        let of_one = bytes(&recorder);
        assert!((1..10_000).contains(&of_one), "{of_one} bytes for one doubling each of body and headers");
        let all_doublings = || (0..300_000_u64).for_each(|nth| recorder.record(&hit(nth * 200_000)));
        all_doublings();
        let of_all = bytes(&recorder);
        assert!((of_one..300_000).contains(&of_all), "{of_all} bytes for one outcome of one thread");
        for _ in 0..3 {
            all_doublings();
            drop(recorder.drain(Variant::Candidate));
        }
        assert_eq!(bytes(&recorder), of_all);
        recorder.record(&Observation { outcome: Outcome::Miss, ..hit(3_000) });
        assert_eq!(bytes(&recorder), of_all + of_one);
    }

    #[test]
    fn a_drain_holds_what_was_recorded_and_the_next_one_is_empty() {
        let recorder = Recorder::default();
        recorder.record(&hit(61_000));
        recorder.record(&Observation {
            outcome: Outcome::Error,
            error: Some(ErrorKind::Mismatch),
            headers_ns: None,
            compared: true,
            ..hit(7)
        });
        recorder.drop_arrival(Variant::Candidate);
        let current = recorder.current(Variant::Candidate);
        assert_eq!((current.requests, current.errors), (2, 1));
        let drained = recorder.drain(Variant::Candidate);
        assert_eq!(recorder.current(Variant::Candidate), CurrentCounts::default());
        assert_eq!(drained.counters.requests, 2);
        assert_eq!((drained.counters.mismatches, drained.counters.errors_total()), (1, 1));
        assert_eq!(
            (drained.counters.bodies_compared, drained.counters.dropped, drained.counters.body_bytes),
            (1, 1, 20)
        );
        assert_eq!(drained.histograms.len(), 3, "hit body, hit headers, error body");
        assert_eq!(drained.histograms[&(Outcome::Hit, Timing::Headers)].len(), 1);
        assert!(recorder.drain(Variant::Candidate).histograms.is_empty());
        assert_eq!(recorder.drain(Variant::Baseline).counters, Counters::default());
    }
}
