//! What became of tasks, counted by queue while they are done.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use serde::Serialize;

use super::task::Queue;

/// The counts of every queue.
#[derive(Debug, Default)]
pub(crate) struct Counts([QueueCounts; Queue::ALL.len()]);

/// The counts of one queue, since the service began.
#[derive(Debug, Default)]
pub(crate) struct QueueCounts {
    begun: AtomicU64,
    done: AtomicU64,
    retried: AtomicU64,
    dead: AtomicU64,
}

/// The counts of one queue at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct QueueStatus {
    pub(crate) queue: &'static str,
    /// Tasks that wait; null if the broker cannot be asked.
    pub(crate) waiting: Option<u64>,
    /// Null, like what follows, if nobody counts it.
    pub(crate) running: Option<u64>,
    pub(crate) done: Option<u64>,
    pub(crate) retried: Option<u64>,
    pub(crate) dead: Option<u64>,
}

impl Counts {
    pub(crate) fn of(&self, queue: Queue) -> &QueueCounts {
        &self.0[queue.index()]
    }

    pub(crate) fn status(&self, queue: Queue, waiting: Option<u64>) -> QueueStatus {
        let counts = self.of(queue);
        // The ends before the beginnings, so that no task is counted as running that never began.
        let (done, dead) = (counts.done.load(Relaxed), counts.dead.load(Relaxed));
        QueueStatus {
            queue: queue.as_str(),
            waiting,
            running: Some(counts.begun.load(Relaxed).saturating_sub(done + dead)),
            done: Some(done),
            retried: Some(counts.retried.load(Relaxed)),
            dead: Some(dead),
        }
    }
}

impl QueueCounts {
    pub(crate) fn begin(&self) {
        self.begun.fetch_add(1, Relaxed);
    }

    pub(crate) fn done(&self) {
        self.done.fetch_add(1, Relaxed);
    }

    pub(crate) fn retried(&self) {
        self.retried.fetch_add(1, Relaxed);
    }

    pub(crate) fn dead(&self) {
        self.dead.fetch_add(1, Relaxed);
    }
}
