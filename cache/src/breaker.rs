//! The circuit breaker before a cache server: after several bad answers in a row the server is left
//! alone for a while, then one caller probes it.
//!
//! A slow answer is as bad as none: a cache that answers after the origin would have is no cache.
//! [`Breaker`] is a state machine that is told the time; [`Gate`] shares one between callers and
//! costs a healthy server one atomic read.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// When a breaker opens, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BreakerConfig {
    /// So many bad answers in a row open it; at least one.
    pub bad_answers: u32,
    /// An answer that took longer is bad.
    pub slow_after: Duration,
    /// How long the server is left alone before one caller probes it, and how long a probe may take
    /// before another is let through.
    pub open_for: Duration,
}

impl Default for BreakerConfig {
    /// Five answers in a row that failed or took more than 25 ms; a probe each second.
    fn default() -> Self {
        Self { bad_answers: 5, slow_after: Duration::from_millis(25), open_for: Duration::from_secs(1) }
    }
}

/// What the breaker lets through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BreakerState {
    /// Everything.
    Closed,
    /// Nothing.
    Open,
    /// One probe.
    HalfOpen,
}

impl BreakerState {
    /// Every state.
    pub const ALL: [Self; 3] = [Self::Closed, Self::Open, Self::HalfOpen];

    /// The label of the state in metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half_open",
        }
    }
}

/// The state machine. Knows no clock: every step is told the time.
#[derive(Debug, Clone)]
pub struct Breaker {
    config: BreakerConfig,
    state: BreakerState,
    /// When it opened, or when the probe left.
    since: Instant,
    bad_in_a_row: u32,
}

impl Breaker {
    /// A closed breaker.
    #[must_use]
    pub const fn new(config: BreakerConfig, now: Instant) -> Self {
        Self { config, state: BreakerState::Closed, since: now, bad_in_a_row: 0 }
    }

    /// Whether a caller may ask the server now. After the pause it makes this caller the probe.
    pub fn admits(&mut self, now: Instant) -> bool {
        if self.state == BreakerState::Closed {
            return true;
        }
        let rested = now.saturating_duration_since(self.since) >= self.config.open_for;
        if rested {
            // Also from half open: a probe that never came back must not close the way for ever.
            self.state = BreakerState::HalfOpen;
            self.since = now;
        }
        rested
    }

    /// An answer: how long it took, or `None` if there was none.
    pub fn answered(&mut self, took: Option<Duration>, now: Instant) {
        let is_bad = took.is_none_or(|took| took > self.config.slow_after);
        match (self.state, is_bad) {
            (BreakerState::Closed, false) => self.bad_in_a_row = 0,
            (BreakerState::Closed, true) => {
                self.bad_in_a_row += 1;
                if self.bad_in_a_row >= self.config.bad_answers.max(1) {
                    self.open(now);
                }
            }
            (BreakerState::HalfOpen, false) => {
                self.state = BreakerState::Closed;
                self.bad_in_a_row = 0;
            }
            (BreakerState::HalfOpen, true) => self.open(now),
            // From a caller that was let through before it opened.
            (BreakerState::Open, _) => {}
        }
    }

    /// What it lets through.
    #[must_use]
    pub const fn state(&self) -> BreakerState {
        self.state
    }

    fn open(&mut self, now: Instant) {
        self.state = BreakerState::Open;
        self.since = now;
    }

    /// Whether a good answer would change nothing.
    const fn is_calm(&self) -> bool {
        matches!(self.state, BreakerState::Closed) && self.bad_in_a_row == 0
    }
}

/// A breaker that callers share.
#[derive(Debug)]
pub(crate) struct Gate {
    slow_after: Duration,
    calm: AtomicBool,
    opened: AtomicU64,
    breaker: Mutex<Breaker>,
}

impl Gate {
    pub(crate) fn new(config: BreakerConfig) -> Self {
        let breaker = Mutex::new(Breaker::new(config, Instant::now()));
        Self {
            slow_after: config.slow_after,
            calm: AtomicBool::new(true),
            opened: AtomicU64::new(0),
            breaker,
        }
    }

    pub(crate) fn admits(&self, now: Instant) -> bool {
        self.calm.load(Ordering::Relaxed) || self.lock().admits(now)
    }

    pub(crate) fn answered(&self, took: Option<Duration>, now: Instant) {
        let is_good = took.is_some_and(|took| took <= self.slow_after);
        if is_good && self.calm.load(Ordering::Relaxed) {
            return;
        }
        let mut breaker = self.lock();
        let before = breaker.state();
        breaker.answered(took, now);
        if before != BreakerState::Open && breaker.state() == BreakerState::Open {
            self.opened.fetch_add(1, Ordering::Relaxed);
        }
        self.calm.store(breaker.is_calm(), Ordering::Relaxed);
    }

    pub(crate) fn state(&self) -> BreakerState {
        self.lock().state()
    }

    pub(crate) fn times_opened(&self) -> u64 {
        self.opened.load(Ordering::Relaxed)
    }

    fn lock(&self) -> MutexGuard<'_, Breaker> {
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: BreakerConfig = BreakerConfig {
        bad_answers: 3,
        slow_after: Duration::from_millis(25),
        open_for: Duration::from_secs(1),
    };
    const FAST: Option<Duration> = Some(Duration::from_millis(1));
    const SLOW: Option<Duration> = Some(Duration::from_millis(51));

    fn opened_at(now: Instant, bad: Option<Duration>) -> Breaker {
        let mut breaker = Breaker::new(CONFIG, now);
        for _ in 0..3 {
            assert!(breaker.admits(now));
            breaker.answered(bad, now);
        }
        assert_eq!(breaker.state(), BreakerState::Open);
        breaker
    }

    #[test]
    fn failures_in_a_row_open_it_and_so_do_slow_answers() {
        let now = Instant::now();
        for bad in [None, SLOW] {
            assert!(!opened_at(now, bad).admits(now + Duration::from_millis(999)));
        }
    }

    #[test]
    fn a_good_answer_between_bad_ones_keeps_it_closed() {
        let (mut breaker, now) = (Breaker::new(CONFIG, Instant::now()), Instant::now());
        for answer in [None, SLOW, FAST, None, None, FAST, SLOW, SLOW] {
            breaker.answered(answer, now);
            assert_eq!(breaker.state(), BreakerState::Closed);
        }
    }

    #[test]
    fn after_the_pause_one_probe_decides() {
        let start = Instant::now();
        let later = start + CONFIG.open_for;
        let mut breaker = opened_at(start, None);
        assert!(breaker.admits(later) && !breaker.admits(later), "one probe");
        breaker.answered(SLOW, later);
        assert!(!breaker.admits(later), "a slow probe opens it again");
        let again = later + CONFIG.open_for;
        assert!(breaker.admits(again));
        breaker.answered(FAST, again);
        assert_eq!(breaker.state(), BreakerState::Closed);
        assert!(breaker.admits(again) && breaker.admits(again));
    }

    #[test]
    fn a_probe_that_never_comes_back_is_followed_by_another() {
        let start = Instant::now();
        let mut breaker = opened_at(start, None);
        assert!(breaker.admits(start + CONFIG.open_for));
        assert!(breaker.admits(start + CONFIG.open_for * 2));
    }

    #[test]
    fn a_late_answer_from_before_it_opened_does_not_close_it() {
        let start = Instant::now();
        let mut breaker = opened_at(start, None);
        breaker.answered(FAST, start);
        assert_eq!(breaker.state(), BreakerState::Open);
    }

    #[test]
    fn the_shared_one_counts_its_openings() {
        let (gate, now) = (Gate::new(CONFIG), Instant::now());
        (0..9).for_each(|_| gate.answered(None, now));
        assert!(!gate.admits(now));
        assert_eq!((gate.state(), gate.times_opened()), (BreakerState::Open, 1));
        assert!(gate.admits(now + CONFIG.open_for));
        gate.answered(FAST, now);
        assert!(gate.admits(now));
    }
}
