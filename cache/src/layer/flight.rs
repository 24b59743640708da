//! One origin call: its right to store, the call itself, and the store of what it brought.

use std::error::Error;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::FutureExt;
use tokio::sync::OwnedSemaphorePermit;
use tracing::Instrument;

use super::fetch::Answer;
use super::lease::Right;
use super::{CacheLayer, Inner};
use crate::backend::{Cache, MIN_TTL};
use crate::clock::UnixMs;
use crate::coalesce::{Flight, Landing};
use crate::entry::{Entry, Kind};
use crate::error::Failure;
use crate::metrics::{Op, OriginResult};
use crate::policy::Policy;
use crate::served::Source;

/// What the lookup of a miss told about the backend.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    /// It answered: the value is worth storing.
    Answered,
    /// It could not be asked: it will not be asked to store either.
    Failed,
}

/// What a flight is to do.
#[derive(Debug)]
pub(super) struct Mission {
    /// Whether the cache must be asked once more.
    pub(super) recheck: bool,
    pub(super) asked: Asked,
    pub(super) policy: Policy,
    /// When the entry was stored that this is to replace. A newer one makes the call needless.
    pub(super) seen: Option<UnixMs>,
    /// Held to the end by a refresh in the background.
    pub(super) _permit: Option<OwnedSemaphorePermit>,
}

impl CacheLayer {
    /// Starts the origin call of a flight in a task of its own.
    pub(super) fn depart<F, Fut, E>(&self, flight: Flight, mission: Mission, origin: F)
    where
        F: FnOnce() -> Fut + Send,
        Fut: Future<Output = Result<Answer, E>> + Send + 'static,
        E: Error + Send + Sync + 'static,
    {
        // The closure runs here, since it may borrow from the caller; only its future is sent off.
        let origin = match catch_unwind(AssertUnwindSafe(origin)) {
            Ok(origin) => origin,
            Err(panic) => {
                self.inner.metrics.origin(OriginResult::Panic, Duration::ZERO);
                let failure = Failure::panicked(panic.as_ref());
                flight.land(Landing::failed(failure, Source::Origin { stored: false }));
                return;
            }
        };
        let inner = Arc::clone(&self.inner);
        let journey = async move {
            let landing = inner.fly(&flight, &mission, origin).await;
            flight.land(landing);
        };
        tokio::spawn(journey.in_current_span());
    }
}

impl Inner {
    /// Brings the value of a flight: from the origin, or from the cache if somebody else has stored
    /// it since.
    async fn fly<Fut, E>(&self, flight: &Flight, mission: &Mission, origin: Fut) -> Landing
    where
        Fut: Future<Output = Result<Answer, E>> + Send,
        E: Error + Send + Sync + 'static,
    {
        let policy = &mission.policy;
        let right = match self.right_to_store(flight, mission).await {
            Right::Found(entry) => {
                let (stored, expires) = (Some(entry.stored), Some(entry.fresh_until));
                return Landing {
                    value: Ok((entry.kind, entry.value)),
                    source: Source::Hit,
                    stored,
                    expires,
                };
            }
            right => right,
        };
        let (value, took) = self.call(origin, policy.hard_timeout).await;
        let kept = match &value {
            Ok(answer) => self.keep(flight, policy, answer, took, right).await,
            Err(_) => {
                self.give_back(flight, right).await;
                if mission.seen.is_some() {
                    let until = UnixMs::now().after(policy.retry_after);
                    self.throttled.update(flight.key(), |_| until);
                }
                None
            }
        };
        let source = match mission.asked {
            Asked::Answered => Source::Origin { stored: kept.is_some() },
            Asked::Failed => Source::Unreachable,
        };
        Landing { value, source, stored: None, expires: kept }
    }

    /// Stores what a flight brought, if it may; until when it is fresh in the cache.
    async fn keep(
        &self,
        flight: &Flight,
        policy: &Policy,
        answer: &Answer,
        took: Duration,
        right: Right,
    ) -> Option<UnixMs> {
        let ttl = match answer.0 {
            Kind::Value => policy.ttl,
            Kind::Negative => policy.negative_ttl.unwrap_or_default(),
        };
        let is_wanted = ttl >= MIN_TTL && !policy.has_too_many_tags();
        if matches!(right, Right::None) || !is_wanted || !flight.begin_storing() {
            self.give_back(flight, right).await;
            return None;
        }
        let entry = self.entry(flight.key(), answer.clone(), policy, took);
        let is_stored = self.fill(flight, policy, &entry, right).await;
        (is_stored && !flight.is_overtaken()).then_some(entry.fresh_until)
    }

    async fn fill(&self, flight: &Flight, policy: &Policy, entry: &Entry, right: Right) -> bool {
        let (key, tags) = (flight.key(), policy.names());
        match right {
            Right::Leased(lease) => {
                let fill = self.backend.fill(key, entry, tags, lease);
                let is_stored = self.timed_refusable(Op::Set, key, fill).await;
                if is_stored {
                    self.kept(key, entry);
                }
                is_stored
            }
            Right::Free => self.store(key, entry, tags).await.is_ok(),
            Right::None | Right::Found(_) => false,
        }
    }

    /// Calls the origin, and turns a panic or a timeout into an error; how long it took.
    pub(super) async fn call<Fut, E>(
        &self,
        origin: Fut,
        patience: Option<Duration>,
    ) -> (Result<Answer, Failure>, Duration)
    where
        Fut: Future<Output = Result<Answer, E>> + Send,
        E: Error + Send + Sync + 'static,
    {
        let _in_flight = self.metrics.origin_begins();
        let started = Instant::now();
        let origin = AssertUnwindSafe(origin).catch_unwind();
        let answer = match patience {
            None => Ok(origin.await),
            Some(patience) => tokio::time::timeout(patience, origin).await.map_err(|_| patience),
        };
        let (result, value) = match answer {
            Ok(Ok(Ok(value))) => (OriginResult::Ok, Ok(value)),
            Ok(Ok(Err(error))) => (OriginResult::Error, Err(Failure::failed(error))),
            Ok(Err(panic)) => (OriginResult::Panic, Err(Failure::panicked(panic.as_ref()))),
            Err(patience) => (OriginResult::Timeout, Err(Failure::TimedOut(patience))),
        };
        let took = started.elapsed();
        self.metrics.origin(result, took);
        (value, took)
    }
}
