//! Invalidations that a cache server did not take, because it was away: kept until it is back, and
//! done before anything of it is served again. At the limit, all of them become one: everything.
//!
//! This protects what this process serves. Other processes see the old values until the replay; a
//! process that ends takes its queue with it.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::clock::UnixMs;
use crate::invalidation::Invalidation;

/// The shortest time between two tries to replay.
const PAUSE_MS: u64 = 20;

#[derive(Debug)]
pub(crate) struct Pending {
    limit: usize,
    /// Read by each lookup, so it must cost nothing while there is nothing.
    waiting: AtomicUsize,
    queue: Mutex<VecDeque<Invalidation>>,
    replaying: AtomicBool,
    next_try: AtomicU64,
}

impl Pending {
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            limit: limit.max(1),
            waiting: AtomicUsize::new(0),
            queue: Mutex::default(),
            replaying: AtomicBool::new(false),
            next_try: AtomicU64::new(0),
        }
    }

    /// How many wait. While any does, nothing of the store may be served.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.waiting.load(Ordering::Acquire)
    }

    pub(crate) fn push(&self, what: Invalidation) {
        let mut queue = self.lock();
        if queue.len() >= self.limit || what == Invalidation::All {
            queue.clear();
            queue.push_back(Invalidation::All);
        } else if queue.back() != Some(&what) && queue.front() != Some(&Invalidation::All) {
            queue.push_back(what);
        }
        self.waiting.store(queue.len(), Ordering::Release);
    }

    /// Whether it is time for a try; then it is not again for a moment.
    pub(crate) fn is_due(&self, now: UnixMs) -> bool {
        let due = self.next_try.load(Ordering::Relaxed);
        let next = now.0.saturating_add(PAUSE_MS);
        now.0 >= due
            && !self.replaying.load(Ordering::Acquire)
            && self.next_try.compare_exchange(due, next, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }

    /// The right to replay, for one caller at a time.
    pub(crate) fn begin(&self) -> Option<Replay<'_>> {
        (!self.replaying.swap(true, Ordering::AcqRel)).then(|| Replay(self))
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Invalidation>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The one replay that is under way.
#[derive(Debug)]
pub(crate) struct Replay<'a>(&'a Pending);

impl Replay<'_> {
    /// The oldest that waits.
    pub(crate) fn next(&self) -> Option<Invalidation> {
        self.0.lock().front().cloned()
    }

    /// It is done. If the queue became one for everything meanwhile, that stays.
    pub(crate) fn done(&self, what: &Invalidation) {
        let mut queue = self.0.lock();
        if queue.front() == Some(what) {
            queue.pop_front();
        }
        self.0.waiting.store(queue.len(), Ordering::Release);
    }
}

impl Drop for Replay<'_> {
    fn drop(&mut self) {
        self.0.replaying.store(false, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::Key;

    fn key(id: u32) -> Invalidation {
        Invalidation::Key(Key::new("a").id(id))
    }

    #[test]
    fn they_are_done_in_their_order_and_by_one_at_a_time() {
        let pending = Pending::new(10);
        [key(1), key(1), key(2)].into_iter().for_each(|what| pending.push(what));
        assert_eq!(pending.len(), 2);
        let replay = pending.begin().expect("the right");
        assert!(pending.begin().is_none() && !pending.is_due(UnixMs(500)), "one at a time");
        for expected in [key(1), key(2)] {
            let next = replay.next().expect("one waits");
            assert_eq!(next, expected);
            replay.done(&next);
        }
        assert_eq!((replay.next(), pending.len()), (None, 0));
        drop(replay);
        assert!(pending.is_due(UnixMs(100)));
        assert!(!pending.is_due(UnixMs(119)), "not so soon");
        assert!(pending.is_due(UnixMs(120)));
    }

    #[test]
    fn too_many_become_everything() {
        let pending = Pending::new(3);
        (0..4).for_each(|id| pending.push(key(id)));
        pending.push(key(9));
        assert_eq!(pending.len(), 1);
        assert_eq!(pending.begin().and_then(|replay| replay.next()), Some(Invalidation::All));
    }
}
