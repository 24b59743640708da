//! The turns of the closed model: all users run a slice, all finish it, then the next begins.
//!
//! A slice ends when its time is up *and* the last request of it is answered. No request of one
//! variant is therefore under way while the other is measured, and at the edge of a super-block
//! nothing is under way at all: the counts of a super-block are exact.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use hitmark_schema::Variant;
use tokio::sync::Barrier;

use super::{EndedBlock, Shape, Sides, unix_now_ns};
use crate::plan::Pace;
use crate::recorder::Recorder;

/// What a user has to do next.
#[derive(Debug, Clone, Copy)]
pub enum Turn {
    /// Wait until all users have come.
    Gather,
    /// Send requests to this variant until the deadline, one at least.
    Slice {
        /// The side to ask.
        variant: Variant,
        /// The number of the pair of slices: both of a pair ask for the same keys.
        pair: u64,
        /// When to send no further request.
        deadline: Instant,
        /// How many users take part; the others wait.
        active: u64,
    },
    /// Nothing: the schedule is done.
    Done,
}

/// The moment between two slices, at which nothing is under way.
#[derive(Debug)]
pub struct Edge {
    /// The side whose slice has ended; none at the very beginning.
    pub slice: Option<Variant>,
    /// What ended with it.
    pub end: End,
}

/// What ends together with a slice.
#[derive(Debug)]
pub enum End {
    /// The slice alone.
    OfSlice,
    /// The warm-up.
    OfWarmUp,
    /// A super-block.
    OfBlock(Box<EndedBlock>),
}

/// The turns of one attack.
#[derive(Debug)]
pub struct ClosedSchedule {
    shape: Shape,
    pace: Pace,
    barrier: Barrier,
    state: Mutex<State>,
    requests: AtomicU64,
}

#[derive(Debug)]
struct State {
    turn: Turn,
    slice_started: Instant,
    second: bool,
    pair: u64,
    phase: Phase,
    block: u32,
    block_started: Instant,
    block_started_unix_ns: u64,
    active: [Duration; 2],
    /// When the first super-block began: stages count from there.
    measured_from: Option<Instant>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    WarmUp,
    Measure,
}

impl ClosedSchedule {
    /// A schedule for so many users, not all of which need to take part all the time.
    #[must_use]
    pub fn new(shape: Shape, users: usize, pace: Pace) -> Self {
        let now = Instant::now();
        let state = State {
            turn: Turn::Gather,
            slice_started: now,
            second: true,
            // Restarts of an experiment draw other orders and keys.
            pair: u64::from(shape.first_block) << 32,
            phase: if shape.warmup.is_zero() { Phase::Measure } else { Phase::WarmUp },
            block: shape.first_block,
            block_started: now,
            block_started_unix_ns: 0,
            active: [Duration::ZERO; 2],
            measured_from: None,
        };
        Self {
            shape,
            pace,
            barrier: Barrier::new(users),
            state: Mutex::new(state),
            requests: AtomicU64::new(0),
        }
    }

    /// What to do now.
    pub fn turn(&self) -> Turn {
        self.lock().turn
    }

    /// Says that a user has finished its turn, and waits until all have. One of them, the leader,
    /// gets what `lead` returns after it moved the schedule on; the others wait for it meanwhile,
    /// so nothing that the leader does is measured.
    pub async fn arrive<F, Fut>(&self, requests: u64, stopped: bool, recorder: &Recorder, lead: F)
    where
        F: FnOnce(Edge) -> Fut,
        Fut: Future<Output = ()>,
    {
        self.requests.fetch_add(requests, Ordering::Relaxed);
        if self.barrier.wait().await.is_leader() {
            let edge = self.end_slice(Instant::now(), stopped, recorder);
            lead(edge).await;
            self.begin_slice(Instant::now());
        }
        self.barrier.wait().await;
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Books the slice that has just ended, and the super-block if it ended with it.
    fn end_slice(&self, now: Instant, stopped: bool, recorder: &Recorder) -> Edge {
        let mut state = self.lock();
        let slice = match state.turn {
            Turn::Slice { variant, .. } => {
                let took = now - state.slice_started;
                state.active[variant.index()] += took;
                Some(variant)
            }
            Turn::Gather => {
                state.block_started = now;
                state.block_started_unix_ns = unix_now_ns();
                None
            }
            Turn::Done => return Edge { slice: None, end: End::OfSlice },
        };
        Edge { slice, end: self.end(&mut state, now, stopped, recorder) }
    }

    /// What ends together with a slice.
    fn end(&self, state: &mut State, now: Instant, stopped: bool, recorder: &Recorder) -> End {
        if stopped || self.requests.load(Ordering::Relaxed) >= self.shape.requests_max {
            state.turn = Turn::Done;
            return End::OfSlice;
        }
        let pair_ended = state.second || self.shape.sides == Sides::BaselineOnly;
        let elapsed = now - state.block_started;
        match state.phase {
            Phase::WarmUp if pair_ended && elapsed >= self.shape.warmup => {
                self.end_warmup(state, recorder);
                End::OfWarmUp
            }
            Phase::Measure if pair_ended && elapsed >= self.shape.block_length() => {
                End::OfBlock(Box::new(self.end_block(state, elapsed, recorder)))
            }
            Phase::WarmUp | Phase::Measure => End::OfSlice,
        }
    }

    fn end_warmup(&self, state: &mut State, recorder: &Recorder) {
        for variant in Variant::ALL {
            drop(recorder.drain(variant));
        }
        state.phase = Phase::Measure;
        state.active = [Duration::ZERO; 2];
        state.block_started_unix_ns = 0;
    }

    fn end_block(&self, state: &mut State, duration: Duration, recorder: &Recorder) -> EndedBlock {
        let ended = EndedBlock {
            index: state.block,
            started_unix_ns: state.block_started_unix_ns,
            duration,
            active: std::mem::take(&mut state.active),
            drained: Variant::ALL.map(|variant| recorder.drain(variant)),
        };
        state.block += 1;
        state.block_started_unix_ns = 0;
        if state.block >= self.shape.first_block + self.shape.blocks {
            state.turn = Turn::Done;
        }
        ended
    }

    /// Gives the next turn.
    fn begin_slice(&self, now: Instant) {
        let mut state = self.lock();
        if matches!(state.turn, Turn::Done) {
            return;
        }
        if state.block_started_unix_ns == 0 {
            // The leader's work between two super-blocks belongs to neither.
            state.block_started_unix_ns = unix_now_ns();
            state.block_started = now;
        }
        let next_second = !state.second && self.shape.sides == Sides::Both;
        if !next_second {
            state.pair += 1;
        }
        state.second = next_second;
        state.slice_started = now;
        let measured_from = match state.phase {
            Phase::WarmUp => now,
            Phase::Measure => *state.measured_from.get_or_insert(now),
        };
        let level = if self.pace.stages.is_empty() { f64::MAX } else { self.pace.level(now - measured_from) };
        state.turn = Turn::Slice {
            active: level.round().max(1.0) as u64,
            variant: self.shape.variant_of(state.pair, next_second),
            pair: state.pair,
            deadline: now + self.shape.slice,
        };
    }
}
