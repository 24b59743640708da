//! What the layer counts while it works: plain relaxed atomics, without a lock or an allocation.
//!
//! Counts are spread over a few shards, one for each of so many threads, because a counter that two
//! cores write costs more than the lookup that it counts. Reading adds the shards up, in `families`;
//! the words of the labels are in `labels`.

mod families;
mod histogram;
mod labels;

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

pub(crate) use self::families::Gauges;
use self::histogram::Ages;
pub(crate) use self::histogram::Histogram;
pub(crate) use self::labels::{Op, OpResult, OriginResult, Refresh, Scope};
use crate::reasons::Reason;
use crate::served::Why;

/// More threads than this share shards, which costs time and no count.
const SHARDS: usize = 8;

/// All counts of one layer.
#[derive(Debug)]
pub(crate) struct Metrics {
    shards: Box<[Shard; SHARDS]>,
    /// Not sharded: only the sum at each moment has a peak.
    in_flight: AtomicU64,
    in_flight_peak: AtomicU64,
}

/// Aligned to its own cache lines; 128 bytes, since processors fetch lines in pairs.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Shard {
    operations: [[AtomicU64; OpResult::COUNT]; Op::COUNT],
    bytes_out: AtomicU64,
    bytes_in: AtomicU64,
    operation_times: [Histogram; Op::COUNT],
    origin_calls: [AtomicU64; OriginResult::COUNT],
    origin_times: Histogram,
    coalesced: AtomicU64,
    misses: [AtomicU64; Reason::ALL.len()],
    stale: [AtomicU64; Why::ALL.len()],
    staleness: Ages,
    refreshes: [AtomicU64; Refresh::COUNT],
    invalidations: [AtomicU64; Scope::COUNT],
    invalidated: [AtomicU64; Scope::COUNT],
    empty: [AtomicU64; Scope::COUNT],
    replayed: AtomicU64,
}

/// An origin call that is under way, until it is dropped.
#[derive(Debug)]
pub(crate) struct InFlight<'a>(&'a Metrics);

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Metrics {
    pub(crate) fn new() -> Self {
        Self {
            shards: Box::new(std::array::from_fn(|_| Shard::default())),
            in_flight: AtomicU64::new(0),
            in_flight_peak: AtomicU64::new(0),
        }
    }

    /// An operation, and its time if that was taken and is worth recording: one that was not sent,
    /// because the server is known to be away, has none.
    #[inline]
    pub(crate) fn operation(&self, op: Op, result: OpResult, time: Option<Duration>) {
        let shard = self.shard();
        add(&shard.operations[op as usize][result as usize], 1);
        if let Some(time) = time {
            shard.operation_times[op as usize].record(time);
        }
    }

    pub(crate) fn origin_begins(&self) -> InFlight<'_> {
        let now = self.in_flight.fetch_add(1, Ordering::Relaxed) + 1;
        self.in_flight_peak.fetch_max(now, Ordering::Relaxed);
        InFlight(self)
    }

    pub(crate) fn origin(&self, result: OriginResult, time: Duration) {
        let shard = self.shard();
        add(&shard.origin_calls[result as usize], 1);
        shard.origin_times.record(time);
    }

    pub(crate) fn coalesced(&self) {
        add(&self.shard().coalesced, 1);
    }

    pub(crate) fn missed(&self, reason: Reason) {
        add(&self.shard().misses[reason as usize], 1);
    }

    pub(crate) fn stale(&self, why: Why, staleness: Duration) {
        let shard = self.shard();
        add(&shard.stale[why as usize], 1);
        shard.staleness.0.record(staleness);
    }

    pub(crate) fn refresh(&self, result: Refresh) {
        add(&self.shard().refreshes[result as usize], 1);
    }

    /// Bytes of a value that was stored.
    pub(crate) fn bytes_in(&self, bytes: usize) {
        add(&self.shard().bytes_in, bytes as u64);
    }

    /// Bytes of a value that was served from the cache.
    #[inline]
    pub(crate) fn bytes_out(&self, bytes: usize) {
        add(&self.shard().bytes_out, bytes as u64);
    }

    /// An invalidation that removed so many keys.
    pub(crate) fn invalidated(&self, scope: Scope, keys: u64) {
        let shard = self.shard();
        add(&shard.invalidations[scope as usize], 1);
        if keys == 0 {
            add(&shard.empty[scope as usize], 1);
        } else {
            add(&shard.invalidated[scope as usize], keys);
        }
    }

    /// An invalidation that had waited for the server.
    pub(crate) fn replayed(&self) {
        add(&self.shard().replayed, 1);
    }

    /// Lookups of the store so far.
    pub(crate) fn lookups(&self) -> u64 {
        let count =
            |result: &OpResult| self.sum(|shard| &shard.operations[Op::Get as usize][*result as usize]);
        Op::Get.results().iter().map(count).sum()
    }

    /// The shard of this thread. Threads take turns at their first call.
    #[inline]
    fn shard(&self) -> &Shard {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        thread_local! {
            static MINE: Cell<usize> = const { Cell::new(usize::MAX) };
        }
        let mine = MINE.with(|mine| {
            if mine.get() == usize::MAX {
                mine.set(NEXT.fetch_add(1, Ordering::Relaxed) % SHARDS);
            }
            mine.get()
        });
        &self.shards[mine]
    }

    /// One count, added up over the shards.
    fn sum(&self, count: impl Fn(&Shard) -> &AtomicU64) -> u64 {
        self.shards.iter().map(|shard| count(shard).load(Ordering::Relaxed)).sum()
    }
}

fn add(count: &AtomicU64, more: u64) {
    count.fetch_add(more, Ordering::Relaxed);
}
