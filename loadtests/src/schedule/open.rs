//! The turns of the open model: arrivals at a fixed rate, whether or not earlier ones are answered.
//!
//! The k-th arrival is due at `start + k / rate`. Users take arrivals one after the other; which
//! variant an arrival belongs to follows from its due time alone, so nothing has to be agreed on.
//! An arrival that is taken late, because every user was waiting for an answer, keeps its due
//! time: its latency includes the wait, as a real client's would.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use hitmark_schema::Variant;
use hitmark_schema::measurement::latency_histogram;

use super::arrivals::ArrivalTimes;
use super::{EndedBlock, Shape, Sides, unix_now_ns};
use crate::plan::Pace;
use crate::recorder::{AtomicHistogram, Recorder};

/// How long after the planned end late arrivals are still sent.
const GRACE: Duration = Duration::from_secs(5);

/// One arrival.
#[derive(Debug, Clone, Copy)]
pub struct Arrival {
    /// When it is due.
    pub due: Instant,
    /// The side that it asks.
    pub variant: Variant,
    /// The number of its pair of slices.
    pub pair: u64,
    /// Its place within the slice: equal places of both slices ask for the same key.
    pub place: u64,
    /// Its number in keys that have an order: equal places of both slices are equal.
    pub nth: u64,
    /// Whether it is recorded.
    pub measured: bool,
    /// Its super-block.
    pub block: u32,
}

/// What a user has to do next.
#[derive(Debug, Clone, Copy)]
pub enum Next {
    /// Send this request when it is due.
    Send(Arrival),
    /// Count this one as dropped: its time is long past.
    Drop(Arrival),
    /// Nothing: the schedule is done.
    Done,
}

/// The arrivals of one attack.
#[derive(Debug)]
pub struct OpenSchedule {
    shape: Shape,
    times: ArrivalTimes,
    slots: u64,
    warmup_slots: u64,
    next: AtomicU64,
    started: OnceLock<(Instant, u64)>,
    block: AtomicU32,
}

impl OpenSchedule {
    /// A schedule of so many arrivals per second, or of what the pace makes of them.
    #[must_use]
    pub fn new(shape: Shape, rate_per_s: f64, pace: &Pace) -> Self {
        let length = shape.warmup + shape.block_length() * shape.blocks;
        let times = ArrivalTimes::new(rate_per_s, shape.warmup, pace, shape.seed);
        let slots = times.first_at(whole_ns(length)).min(shape.requests_max);
        Self {
            slots,
            warmup_slots: times.first_at(whole_ns(shape.warmup)).min(slots),
            times,
            next: AtomicU64::new(0),
            started: OnceLock::new(),
            block: AtomicU32::new(shape.first_block),
            shape,
        }
    }

    /// Takes the next arrival.
    pub fn take(&self) -> Next {
        let (start, _) =
            *self.started.get_or_init(|| (Instant::now() + Duration::from_millis(20), unix_now_ns()));
        let slot = self.next.fetch_add(1, Ordering::Relaxed);
        if slot >= self.slots {
            return Next::Done;
        }
        let arrival = self.arrival(slot, start);
        let end = start + Duration::from_nanos(self.times.offset_ns(self.slots));
        if Instant::now() > end + GRACE { Next::Drop(arrival) } else { Next::Send(arrival) }
    }

    /// Arrivals that are recorded, if all goes well.
    #[must_use]
    pub const fn measured_slots(&self) -> u64 {
        self.slots - self.warmup_slots
    }

    /// The planned time of the recorded arrivals.
    #[must_use]
    pub fn measured_length(&self) -> Duration {
        Duration::from_nanos(self.times.offset_ns(self.slots) - self.times.offset_ns(self.warmup_slots))
    }

    fn arrival(&self, slot: u64, start: Instant) -> Arrival {
        let offset_ns = self.times.offset_ns(slot);
        let due = start + Duration::from_nanos(offset_ns);
        let slice_ns = u64::try_from(self.shape.slice.as_nanos()).unwrap_or(u64::MAX);
        let slice = offset_ns / slice_ns;
        let (pair, second) = match self.shape.sides {
            Sides::Both => (slice / 2, slice % 2 == 1),
            Sides::BaselineOnly => (slice, false),
        };
        let first_of_slice = self.times.first_at(slice * slice_ns);
        let place = slot.saturating_sub(first_of_slice);
        // Half of the arrivals before this pair of slices were the other variant's.
        let first_of_pair = match self.shape.sides {
            Sides::Both => self.times.first_at(slice / 2 * 2 * slice_ns) / 2,
            Sides::BaselineOnly => first_of_slice,
        };
        let measured_ns =
            offset_ns.saturating_sub(u64::try_from(self.shape.warmup.as_nanos()).unwrap_or(u64::MAX));
        let block_ns = u64::try_from(self.shape.block_length().as_nanos()).unwrap_or(u64::MAX);
        let last = self.shape.first_block + self.shape.blocks - 1;
        Arrival {
            due,
            variant: self.shape.variant_of(pair, second),
            pair: pair + (u64::from(self.shape.first_block) << 32),
            place,
            nth: first_of_pair + place,
            measured: slot >= self.warmup_slots,
            block: (self.shape.first_block + u32::try_from(measured_ns / block_ns).unwrap_or(u32::MAX))
                .min(last),
        }
    }

    /// Ends the super-block before this arrival's, if nobody has yet. A request that is answered
    /// after the edge counts in the super-block in which its answer came.
    pub fn edge(&self, arrival: &Arrival, recorder: &Recorder) -> Option<EndedBlock> {
        let open = self.block.load(Ordering::Relaxed);
        if !arrival.measured || arrival.block <= open {
            return None;
        }
        self.block
            .compare_exchange(open, arrival.block, Ordering::Relaxed, Ordering::Relaxed)
            .ok()
            .map(|ended| self.end_block(ended, recorder))
    }

    /// Ends the last super-block, once all users are done.
    #[must_use]
    pub fn finish(&self, recorder: &Recorder) -> EndedBlock {
        self.end_block(self.block.load(Ordering::Relaxed), recorder)
    }

    fn end_block(&self, index: u32, recorder: &Recorder) -> EndedBlock {
        let (_, started_unix_ns) = self.started.get().copied().unwrap_or((Instant::now(), 0));
        let length = self.shape.block_length();
        let before = self.shape.warmup + length * (index - self.shape.first_block);
        let active = match self.shape.sides {
            Sides::Both => [length / 2; 2],
            Sides::BaselineOnly => [length, Duration::ZERO],
        };
        EndedBlock {
            index,
            started_unix_ns: started_unix_ns + u64::try_from(before.as_nanos()).unwrap_or(0),
            duration: length,
            active,
            drained: Variant::ALL.map(|variant| recorder.drain(variant)),
        }
    }
}

fn whole_ns(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// How late the generator itself was, and how much of the asked rate it reached.
#[derive(Debug)]
pub struct Punctuality {
    /// One for all users: a histogram of each user's own would be a gigabyte for four thousand.
    lag: AtomicHistogram,
    /// How far behind its due time each request was sent, whoever was to blame.
    behind: AtomicHistogram,
    sent: AtomicU64,
    dropped: AtomicU64,
    last_ended: std::sync::Mutex<Option<Instant>>,
    first_due: OnceLock<Instant>,
}

impl Default for Punctuality {
    fn default() -> Self {
        Self {
            lag: AtomicHistogram::new(),
            behind: AtomicHistogram::new(),
            sent: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
            last_ended: std::sync::Mutex::new(None),
            first_due: OnceLock::new(),
        }
    }
}

/// How far behind their due times the requests of an open model were sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lateness {
    /// The median.
    pub p50: Duration,
    /// The 99th percentile.
    pub p99: Duration,
}

/// A generator that oversleeps by more than this at its 99th percentile was late.
pub const LAG_P99_MAX: Duration = Duration::from_millis(5);
/// The share of the asked rate that a run must reach.
pub const ACHIEVED_RATIO_MIN: f64 = 0.99;

impl Punctuality {
    /// Books how far a user overslept a due time, in nanoseconds.
    pub fn overslept(&self, lag_ns: u64) {
        self.lag.record(lag_ns);
    }

    /// Books how far behind its due time a request was sent, in nanoseconds.
    pub fn started(&self, behind_ns: u64) {
        self.behind.record(behind_ns);
    }

    /// How late requests were sent, and forgets it. None if none was.
    #[must_use]
    pub fn lateness(&self) -> Option<Lateness> {
        let mut behind = latency_histogram();
        for (behind_ns, count) in self.behind.drain() {
            behind.saturating_record_n(behind_ns, count);
        }
        let at = |quantile| Duration::from_nanos(behind.value_at_quantile(quantile));
        (!behind.is_empty()).then(|| Lateness { p50: at(0.5), p99: at(0.99) })
    }

    /// Books what one user did: how many arrivals it sent and dropped.
    pub fn add(&self, sent: u64, dropped: u64, first_due: Option<Instant>) {
        if let Some(due) = first_due {
            self.first_due.get_or_init(|| due);
        }
        self.sent.fetch_add(sent, Ordering::Relaxed);
        self.dropped.fetch_add(dropped, Ordering::Relaxed);
        *self.last_ended.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(Instant::now());
    }

    /// Why the run must not be used, if it must not.
    #[must_use]
    pub fn faults(&self, schedule: &OpenSchedule) -> Vec<String> {
        let mut faults = Vec::new();
        let mut lag = latency_histogram();
        for (lag_ns, count) in self.lag.drain() {
            lag.saturating_record_n(lag_ns, count);
        }
        let lag_p99 = Duration::from_nanos(lag.value_at_quantile(0.99));
        if lag_p99 > LAG_P99_MAX {
            faults.push(format!(
                "the load generator was late: at the 99th percentile it overslept {:.1} ms (limit {} ms)",
                lag_p99.as_secs_f64() * 1e3,
                LAG_P99_MAX.as_millis()
            ));
        }
        let last = *self.last_ended.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let took = match (self.first_due.get(), last) {
            (Some(first), Some(last)) => last.saturating_duration_since(*first),
            _ => Duration::ZERO,
        };
        let planned = schedule.measured_length();
        let sent = self.sent.load(Ordering::Relaxed);
        let achieved = sent as f64 / schedule.measured_slots().max(1) as f64
            * (planned.as_secs_f64() / took.as_secs_f64().max(planned.as_secs_f64()));
        if achieved < ACHIEVED_RATIO_MIN {
            faults.push(format!(
                "only {:.1} % of the asked rate was reached ({sent} of {} requests in {:.1} s instead of {:.1} s): lower 'rate', raise 'max_in_flight', or the service cannot keep up",
                achieved * 100.0,
                schedule.measured_slots(),
                took.as_secs_f64(),
                planned.as_secs_f64()
            ));
        }
        faults
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schedule() -> OpenSchedule {
        let shape = Shape {
            slice: Duration::from_millis(20),
            superblock: Duration::from_secs(1),
            warmup: Duration::from_secs(1),
            first_block: 0,
            blocks: 3,
            seed: 42,
            sides: Sides::Both,
            requests_max: u64::MAX,
        };
        OpenSchedule::new(shape, 1000.0, &Pace::default())
    }

    #[test]
    fn arrivals_are_evenly_spaced_and_fall_into_the_right_slice_and_super_block() {
        let schedule = schedule();
        let start = Instant::now();
        let arrivals: Vec<Arrival> = (0..schedule.slots).map(|slot| schedule.arrival(slot, start)).collect();
        assert_eq!(arrivals.len(), 7000);
        assert_eq!(schedule.measured_slots(), 6000);
        assert_eq!(arrivals.iter().filter(|arrival| arrival.measured).count(), 6000);
        assert_eq!(arrivals[1500].due - start, Duration::from_millis(1500));
        for block in 0..3 {
            let measured = arrivals.iter().filter(|arrival| arrival.measured && arrival.block == block);
            let by_side = Variant::ALL
                .map(|variant| measured.clone().filter(|arrival| arrival.variant == variant).count());
            assert_eq!(by_side, [1000, 1000], "super-block {block}");
        }
        assert_eq!(arrivals[45].place, 5, "the third slice begins with arrival 40");
        assert_eq!(arrivals[65].place, 5);
    }

    #[test]
    fn an_edge_is_crossed_once() {
        let schedule = schedule();
        let recorder = Recorder::default();
        let late = schedule.arrival(3500, Instant::now());
        assert_eq!(late.block, 1);
        assert_eq!(schedule.edge(&late, &recorder).map(|ended| ended.index), Some(0));
        assert!(schedule.edge(&late, &recorder).is_none());
        assert_eq!(schedule.finish(&recorder).index, 1);
    }

    #[test]
    fn a_late_generator_and_a_missed_rate_are_faults() {
        let schedule = schedule();
        let on_time = Punctuality::default();
        on_time.overslept(1_000_000);
        on_time.add(6000, 0, None);
        assert_eq!(on_time.faults(&schedule), Vec::<String>::new());

        let late = Punctuality::default();
        (0..100).for_each(|_| late.overslept(9_000_000));
        late.add(5000, 0, None);
        let faults = late.faults(&schedule);
        assert_eq!(faults.len(), 2, "{faults:?}");
        assert!(
            faults[0].contains("overslept 9.0 ms") && faults[1].contains("83.3 % of the asked rate"),
            "{faults:?}"
        );
    }
}
