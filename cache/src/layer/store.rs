//! The way to the backend: every operation passes the breaker, is timed and counted here, and no
//! value is read while an invalidation of the past waits to be done.

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::StreamExt;

use super::Inner;
use super::part::Part;
use crate::backend::parts::{ABREAST, SCANS_ABREAST};
use crate::backend::{Cache, Lookup};
use crate::clock::UnixMs;
use crate::curve::Tap;
use crate::entry::Entry;
use crate::error::CacheError;
use crate::invalidation::Invalidation;
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
        let part = self.part(key);
        if part.pending.len() > 0 {
            self.replay_later(self.backend.part_of(key));
            self.metrics.operation(Op::Get, OpResult::Unreachable, None);
            return Err(CacheError::Unreachable);
        }
        let answer = self.through_gate(part, self.backend.get(key)).await;
        let (answer, took) = match answer {
            // An invalidation that came meanwhile may have failed.
            (Ok(_), _) if part.pending.len() > 0 => (Err(CacheError::Unreachable), None),
            answered => answered,
        };
        self.metrics.operation(Op::Get, looked_up(&answer, judge), took);
        answer
    }

    /// Shows a caller's lookup to the sample of the curve.
    #[inline]
    pub(super) fn asked(&self, key: &Key, fingerprint: u64, found: &Result<Lookup, CacheError>, now: UnixMs) {
        if let Some(curve) = &self.curve
            && curve.has(fingerprint)
        {
            self.sampled(curve, key, fingerprint, found, now);
        }
    }

    /// Out of the way of the lookups that are not sampled.
    #[cold]
    #[inline(never)]
    fn sampled(
        &self,
        curve: &Tap,
        key: &Key,
        fingerprint: u64,
        found: &Result<Lookup, CacheError>,
        now: UnixMs,
    ) {
        let bytes = match found {
            Ok(Lookup::Hit(entry)) => Some(entry.value.len()),
            _ => None,
        };
        curve.sampled(key, fingerprint, bytes, now, || self.metrics.lookups());
    }

    /// The same where the fingerprint is not known yet.
    #[inline]
    pub(super) fn shown(&self, key: &Key, found: &Result<Lookup, CacheError>, now: UnixMs) {
        if self.curve.is_some() {
            self.asked(key, key.fingerprint(), found, now);
        }
    }

    /// The next lookup belongs to a caller's that was shown already.
    pub(super) fn asks_again(&self) {
        if let Some(curve) = &self.curve {
            curve.again();
        }
    }

    /// Does an operation other than a lookup.
    pub(super) async fn timed<T>(
        &self,
        op: Op,
        key: &Key,
        operation: impl Future<Output = Result<T, CacheError>>,
    ) -> Result<T, CacheError> {
        self.timed_as(op, key, operation, |_| OpResult::Ok).await
    }

    /// The same for an operation whose answer may be no: `result` says what it counts as.
    pub(super) async fn timed_as<T>(
        &self,
        op: Op,
        key: &Key,
        operation: impl Future<Output = Result<T, CacheError>>,
        result: impl FnOnce(&T) -> OpResult,
    ) -> Result<T, CacheError> {
        let (answer, took) = self.through_gate(self.part(key), operation).await;
        self.metrics.operation(op, answer.as_ref().map_or_else(OpResult::from, result), took);
        answer
    }

    /// Asks the server if the breaker lets it, and tells the breaker; the time, if it was asked.
    async fn through_gate<T>(
        &self,
        part: &Part,
        operation: impl Future<Output = Result<T, CacheError>>,
    ) -> (Result<T, CacheError>, Option<Duration>) {
        let started = Instant::now();
        if !self.is_local && !part.gate.admits(started) {
            return (Err(CacheError::Unreachable), None);
        }
        let answer = operation.await;
        let took = started.elapsed();
        if !self.is_local {
            part.gate.answered(judged(&answer, took), started + took);
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
        self.timed(Op::Set, key, self.backend.set(key, entry, tags)).await?;
        self.kept(key, entry);
        Ok(())
    }

    /// An entry is in the store now.
    pub(super) fn kept(&self, key: &Key, entry: &Entry) {
        self.metrics.bytes_in(entry.value.len());
        if let Some(curve) = &self.curve {
            curve.stored(key, entry.value.len());
        }
        self.reasons.stored(key, entry.kept_until);
    }

    /// Removes what an invalidation names from every part that may hold it, some at the same time.
    pub(super) async fn remove(&self, what: &Invalidation) -> Removal {
        let started = Instant::now();
        let abreast = if scans(what) { SCANS_ABREAST } else { ABREAST };
        let asked: Vec<_> =
            self.parts_of(what, abreast).into_iter().map(|part| self.remove_in(part, what)).collect();
        let mut answers = futures::stream::iter(asked).buffer_unordered(abreast);
        let (mut keys, mut missed_by, mut was_asked) = (Ok(0), Vec::new(), false);
        while let Some((part, answer, asked)) = answers.next().await {
            was_asked |= asked;
            match answer {
                Ok(more) => keys = keys.map(|keys: u64| keys + more),
                Err(error) => {
                    missed_by.push(part);
                    keys = keys.and(Err(error));
                }
            }
        }
        self.removed(what, &keys, was_asked.then(|| started.elapsed()));
        Removal { keys, missed_by }
    }

    /// Removes from one part: its number, what it answered, and whether it was asked. Deletions by
    /// pattern take time in proportion to all keys, which says nothing of the server: its breaker
    /// neither hinders them nor is told.
    async fn remove_in(&self, part: usize, what: &Invalidation) -> (usize, Result<u64, CacheError>, bool) {
        let operation = self.backend.remove_in(part, what);
        if scans(what) {
            return (part, operation.await, true);
        }
        let (answer, took) = self.through_gate(&self.parts[part], operation).await;
        (part, answer, took.is_some())
    }

    /// Counts a removal.
    fn removed(&self, what: &Invalidation, keys: &Result<u64, CacheError>, took: Option<Duration>) {
        let op = match what {
            Invalidation::Key(_) => Op::Delete,
            Invalidation::Tag(_) | Invalidation::Table(_) => Op::DeleteTag,
            Invalidation::Pattern(_) => Op::DeletePattern,
            Invalidation::All => Op::Clear,
        };
        self.metrics.operation(op, keys.as_ref().map_or_else(OpResult::from, |_| OpResult::Ok), took);
    }

    /// Starts to do what a part has missed, unless that is under way or was tried a moment ago.
    fn replay_later(&self, part: usize) {
        let Some(inner) = self.me.upgrade() else { return };
        if self.parts[part].pending.is_due(UnixMs::now()) {
            tokio::spawn(async move { inner.replay(part).await });
        }
    }

    async fn replay(self: Arc<Self>, part: usize) {
        let Some(replay) = self.parts[part].pending.begin() else { return };
        while let Some(what) = replay.next() {
            let started = Instant::now();
            let (_, keys, was_asked) = self.remove_in(part, &what).await;
            self.removed(&what, &keys, was_asked.then(|| started.elapsed()));
            if keys.is_err() {
                return;
            }
            self.metrics.replayed();
            replay.done(&what);
        }
    }
}

/// What came of an invalidation.
pub(super) struct Removal {
    /// How many keys there were, or the first error, after all parts were asked.
    pub(super) keys: Result<u64, CacheError>,
    /// The parts that did not do it.
    pub(super) missed_by: Vec<usize>,
}

/// Whether the server looks at all keys for it.
const fn scans(what: &Invalidation) -> bool {
    matches!(what, Invalidation::Pattern(_) | Invalidation::All)
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
