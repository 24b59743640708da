//! The way to the backend: every operation passes the breaker, is timed and counted here, and no
//! value is read while an invalidation of the past waits to be done.

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Inner;
use crate::backend::{Cache, Lookup};
use crate::clock::UnixMs;
use crate::entry::Entry;
use crate::error::CacheError;
use crate::invalidation::{Invalidation, table_tag};
use crate::key::Key;
use crate::metrics::{Op, OpResult};

/// In memory, one lookup of so many is timed: a clock read costs a tenth of it.
const TIMED_EVERY: u32 = 16;

impl Inner {
    /// Asks the backend for a key. `judge` says as what an entry counts.
    #[inline]
    pub(super) async fn lookup(
        &self,
        key: &Key,
        judge: impl FnOnce(&Entry) -> OpResult + Send,
    ) -> Result<Lookup, CacheError> {
        if self.is_local {
            let started = (!self.is_memory || is_sampled()).then(Instant::now);
            let answer = self.backend.get(key).await;
            let took = started.map(|started| started.elapsed());
            self.metrics.operation(Op::Get, looked_up(&answer, judge), took);
            return answer;
        }
        if self.pending.len() > 0 {
            self.replay_later();
            self.metrics.operation(Op::Get, OpResult::Unreachable, None);
            return Err(CacheError::Unreachable);
        }
        let answer = self.through_gate(self.backend.get(key)).await;
        let (answer, took) = match answer {
            // An invalidation that came meanwhile may have failed.
            (Ok(_), _) if self.pending.len() > 0 => (Err(CacheError::Unreachable), None),
            answered => answered,
        };
        self.metrics.operation(Op::Get, looked_up(&answer, judge), took);
        answer
    }

    /// Does an operation other than a lookup.
    pub(super) async fn timed<T>(
        &self,
        op: Op,
        operation: impl Future<Output = Result<T, CacheError>>,
    ) -> Result<T, CacheError> {
        self.timed_as(op, operation, |_| OpResult::Ok).await
    }

    /// The same for an operation whose answer may be no: `result` says what it counts as.
    pub(super) async fn timed_as<T>(
        &self,
        op: Op,
        operation: impl Future<Output = Result<T, CacheError>>,
        result: impl FnOnce(&T) -> OpResult,
    ) -> Result<T, CacheError> {
        let (answer, took) = self.through_gate(operation).await;
        self.metrics.operation(op, answer.as_ref().map_or_else(OpResult::from, result), took);
        answer
    }

    /// Asks the server if the breaker lets it, and tells the breaker; the time, if it was asked.
    async fn through_gate<T>(
        &self,
        operation: impl Future<Output = Result<T, CacheError>>,
    ) -> (Result<T, CacheError>, Option<Duration>) {
        let started = Instant::now();
        if !self.is_local && !self.gate.admits(started) {
            return (Err(CacheError::Unreachable), None);
        }
        let answer = operation.await;
        let took = started.elapsed();
        if !self.is_local {
            self.gate.answered(judged(&answer, took), started + took);
        }
        let is_timed = !matches!(answer, Err(CacheError::Unreachable));
        (answer, is_timed.then_some(took))
    }

    pub(super) async fn store(
        &self,
        key: &Key,
        entry: &Entry,
        tags: &[crate::tag::Tag],
    ) -> Result<(), CacheError> {
        self.timed(Op::Set, self.backend.set(key, entry, tags)).await?;
        self.kept(key, entry);
        Ok(())
    }

    /// An entry is in the store now.
    pub(super) fn kept(&self, key: &Key, entry: &Entry) {
        self.metrics.bytes_in(entry.value.len());
        self.reasons.stored(key, entry.kept_until);
    }

    /// Removes what an invalidation names; how many keys there were. Deletions by pattern take time
    /// in proportion to all keys, which says nothing of the server: the breaker is not told.
    pub(super) async fn remove(&self, what: &Invalidation) -> Result<u64, CacheError> {
        match what {
            Invalidation::Key(key) => self.timed(Op::Delete, self.backend.delete(key)).await.map(u64::from),
            Invalidation::Tag(tag) => self.timed(Op::DeleteTag, self.backend.delete_tag(tag)).await,
            Invalidation::Table(table) => {
                self.timed(Op::DeleteTag, self.backend.delete_tag(&table_tag(table))).await
            }
            Invalidation::Pattern(pattern) => {
                self.unhurried(Op::DeletePattern, self.backend.delete_pattern(pattern)).await
            }
            Invalidation::All => self.unhurried(Op::Clear, self.backend.clear()).await,
        }
    }

    async fn unhurried(
        &self,
        op: Op,
        operation: impl Future<Output = Result<u64, CacheError>>,
    ) -> Result<u64, CacheError> {
        let started = Instant::now();
        let answer = operation.await;
        let result = answer.as_ref().map_or_else(OpResult::from, |_| OpResult::Ok);
        self.metrics.operation(op, result, Some(started.elapsed()));
        answer
    }

    /// Starts to do what waits, unless that is under way or was tried a moment ago.
    fn replay_later(&self) {
        let Some(inner) = self.me.upgrade() else { return };
        if self.pending.is_due(UnixMs::now()) {
            tokio::spawn(async move { inner.replay().await });
        }
    }

    async fn replay(self: Arc<Self>) {
        let Some(replay) = self.pending.begin() else { return };
        while let Some(what) = replay.next() {
            if self.remove(&what).await.is_err() {
                return;
            }
            self.metrics.replayed();
            replay.done(&what);
        }
    }
}

fn looked_up(answer: &Result<Lookup, CacheError>, judge: impl FnOnce(&Entry) -> OpResult) -> OpResult {
    match answer {
        Ok(Lookup::Hit(entry)) => judge(entry),
        Ok(Lookup::Miss) => OpResult::Miss,
        Ok(Lookup::Corrupt) => OpResult::Corrupt,
        Err(error) => error.into(),
    }
}

/// What the breaker makes of an answer: an error that the server states is an answer.
const fn judged<T>(answer: &Result<T, CacheError>, took: Duration) -> Option<Duration> {
    match answer {
        Ok(_) | Err(CacheError::Server(_) | CacheError::Url { .. }) => Some(took),
        Err(CacheError::Open { .. } | CacheError::Store(_)) => Some(took),
        Err(CacheError::Unreachable | CacheError::Timeout) => None,
    }
}

/// Whether this lookup of this thread is one that is timed. A thread's first one is.
fn is_sampled() -> bool {
    thread_local! {
        static SEEN: std::cell::Cell<u32> = const { std::cell::Cell::new(0) };
    }
    SEEN.with(|seen| {
        let number = seen.get();
        seen.set(number.wrapping_add(1));
        number % TIMED_EVERY == 0
    })
}
