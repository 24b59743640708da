//! What a caller gets: a fresh value, a stale one, or the origin's.

use std::error::Error;
use std::future::Future;
use std::time::Duration;

use bytes::Bytes;
use futures::FutureExt;

use super::flight::{Asked, Mission};
use super::freshness::{Verdict, judge};
use super::{CacheLayer, Inner};
use crate::backend::{Backend, Lookup};
use crate::clock::UnixMs;
use crate::coalesce::{Arrivals, Boarding, Landing, Ticket};
use crate::entry::{Entry, Kind};
use crate::error::{CacheError, OriginError};
use crate::key::Key;
use crate::metrics::{OpResult, Refresh};
use crate::policy::{Joining, Policy};
use crate::reasons::Reason;
use crate::served::{Served, Source, Why};

/// The origin's answer: a value, or that there is none.
pub(super) type Answer = (Kind, Bytes);

impl CacheLayer {
    /// The value under the key, or the origin's, stored for `ttl`: [`fetch`](Self::fetch) with a
    /// policy of a TTL alone.
    ///
    /// # Errors
    /// As for [`fetch`](Self::fetch).
    pub async fn get_or_set<F, Fut, E>(
        &self,
        key: &Key,
        ttl: Duration,
        origin: F,
    ) -> Result<Served, OriginError<E>>
    where
        F: FnOnce() -> Fut + Send,
        Fut: Future<Output = Result<Bytes, E>> + Send + 'static,
        E: Error + Send + Sync + 'static,
    {
        self.fetch(key, &Policy::ttl(ttl), origin).await
    }

    /// The value under the key as the policy allows, or the origin's.
    ///
    /// Concurrent misses of one key in this process make one origin call; the others wait for it
    /// and get its value or its error; the value lives as long as the one who called the origin
    /// asked. The call runs in a task of its own, so it ends and is stored even if the caller that
    /// began it goes away. The value is stored before its callers get it, so that what they are
    /// told of that is true and their next call is a hit: a round trip to a server more, on a miss.
    ///
    /// # Errors
    /// Only the origin's, and only if nothing may be served stale: its own error, the policy's hard
    /// timeout, a panic in it, or the end of the runtime. None of them is cached.
    pub async fn fetch<F, Fut, E>(
        &self,
        key: &Key,
        policy: &Policy,
        origin: F,
    ) -> Result<Served, OriginError<E>>
    where
        F: FnOnce() -> Fut + Send,
        Fut: Future<Output = Result<Bytes, E>> + Send + 'static,
        E: Error + Send + Sync + 'static,
    {
        self.obtain(key, policy, || origin().map(|answer| answer.map(|value| (Kind::Value, value)))).await
    }

    /// The same for an origin that may say that there is no such value, which is remembered for the
    /// policy's negative TTL.
    ///
    /// # Errors
    /// As for [`fetch`](Self::fetch).
    pub async fn fetch_optional<F, Fut, E>(
        &self,
        key: &Key,
        policy: &Policy,
        origin: F,
    ) -> Result<Served, OriginError<E>>
    where
        F: FnOnce() -> Fut + Send,
        Fut: Future<Output = Result<Option<Bytes>, E>> + Send + 'static,
        E: Error + Send + Sync + 'static,
    {
        let known =
            |value: Option<Bytes>| value.map_or((Kind::Negative, Bytes::new()), |value| (Kind::Value, value));
        self.obtain(key, policy, || origin().map(move |answer| answer.map(known))).await
    }

    async fn obtain<F, Fut, E>(&self, key: &Key, policy: &Policy, origin: F) -> Result<Served, OriginError<E>>
    where
        F: FnOnce() -> Fut + Send,
        Fut: Future<Output = Result<Answer, E>> + Send + 'static,
        E: Error + Send + Sync + 'static,
    {
        let inner = &*self.inner;
        if matches!(inner.backend, Backend::Off(_)) {
            return inner.origin_alone(policy, origin).await;
        }
        let now = UnixMs::now();
        let ticket = inner.coalescer.ticket(key);
        let (verdict, found) = inner.look(key, policy, now).await;
        inner.asked(key, ticket.fingerprint, &found, now);
        let is_alone = policy.joining == Joining::Alone;
        let spare = match (verdict, &found) {
            (Verdict::Fresh, Ok(Lookup::Hit(entry))) => return Ok(inner.hit(entry, Source::Hit, now)),
            (Verdict::Early, Ok(Lookup::Hit(entry))) if !is_alone => {
                self.refresh(key, policy, ticket, entry.stored, origin);
                return Ok(inner.hit(entry, Source::Hit, now));
            }
            (Verdict::Stale, Ok(Lookup::Hit(entry))) => {
                self.refresh(key, policy, ticket, entry.stored, origin);
                return Ok(inner.hit(entry, Source::Stale(Why::Revalidating), now));
            }
            (Verdict::Spare, Ok(Lookup::Hit(entry))) if inner.is_throttled(key, now) => {
                return Ok(inner.hit(entry, Source::Stale(Why::OriginError), now));
            }
            (Verdict::Spare | Verdict::Early, Ok(Lookup::Hit(entry))) => Some(entry.stored),
            _ => None,
        };
        if verdict != Verdict::Early {
            inner.metrics.missed(inner.reason(key, policy, &found, now));
        }
        let asked = if found.is_ok() { Asked::Answered } else { Asked::Failed };
        let (landing, is_follower) = match inner.board(key, policy, ticket) {
            Boarding::Lead { flight, arrivals, recheck } => {
                let mission = Mission { recheck, asked, policy: policy.clone(), seen: spare, _permit: None };
                self.depart(flight, mission, origin);
                (arrivals, false)
            }
            Boarding::Follow(arrivals) if spare.is_none() => {
                let landing = arrivals.landing().await;
                if !landing.is_refused {
                    return inner.arrived(landing, true);
                }
                (self.after_refusal(key, policy, asked, origin), false)
            }
            Boarding::Follow(arrivals) => (arrivals, true),
        };
        let landing = match spare {
            None => landing.landing().await,
            Some(_) => match inner.or_spare(key, policy, landing).await {
                Ok(landing) => landing,
                Err(served) => return Ok(served),
            },
        };
        inner.arrived(landing, is_follower)
    }

    /// Another process has invalidated what a flight brought, perhaps before this caller came: it needs
    /// a call that began later. The lease keeps the callers of all processes to one.
    fn after_refusal<F, Fut, E>(&self, key: &Key, policy: &Policy, asked: Asked, origin: F) -> Arrivals
    where
        F: FnOnce() -> Fut + Send,
        Fut: Future<Output = Result<Answer, E>> + Send + 'static,
        E: Error + Send + Sync + 'static,
    {
        let coalescer = &self.inner.coalescer;
        match coalescer.board_alone(key, coalescer.ticket(key), policy.shared_names()) {
            Boarding::Lead { flight, arrivals, .. } => {
                let policy = policy.clone();
                let mission = Mission { recheck: true, asked, policy, seen: None, _permit: None };
                self.depart(flight, mission, origin);
                arrivals
            }
            Boarding::Follow(arrivals) => arrivals,
        }
    }

    /// Refreshes an entry in the background, unless that is under way or too much is.
    fn refresh<F, Fut, E>(&self, key: &Key, policy: &Policy, ticket: Ticket, seen: UnixMs, origin: F)
    where
        F: FnOnce() -> Fut + Send,
        Fut: Future<Output = Result<Answer, E>> + Send + 'static,
        E: Error + Send + Sync + 'static,
    {
        let inner = &self.inner;
        if inner.is_throttled(key, UnixMs::now()) {
            return;
        }
        let Ok(permit) = std::sync::Arc::clone(&inner.background).try_acquire_owned() else {
            inner.metrics.refresh(Refresh::Skipped);
            return;
        };
        let boarding = inner.coalescer.board(key, ticket, policy.shared_names());
        if let Boarding::Lead { flight, recheck, .. } = boarding {
            inner.metrics.refresh(Refresh::Started);
            let (asked, policy) = (Asked::Answered, policy.clone());
            let mission = Mission { recheck, asked, policy, seen: Some(seen), _permit: Some(permit) };
            self.depart(flight, mission, origin);
        }
    }
}

impl Inner {
    /// What the store holds, judged and counted.
    #[inline]
    async fn look(&self, key: &Key, policy: &Policy, now: UnixMs) -> (Verdict, Result<Lookup, CacheError>) {
        let mut verdict = Verdict::Useless;
        let found = self
            .lookup(key, |entry| {
                verdict = judge(entry, policy, now, &self.random);
                match verdict {
                    Verdict::Fresh | Verdict::Early => OpResult::Hit,
                    Verdict::Stale | Verdict::Spare => OpResult::Stale,
                    Verdict::Useless => OpResult::Miss,
                }
            })
            .await;
        (verdict, found)
    }

    /// Serves an entry.
    #[inline]
    fn hit(&self, entry: &Entry, source: Source, now: UnixMs) -> Served {
        self.metrics.bytes_out(entry.value.len());
        let staleness = now.since(entry.fresh_until);
        if let Source::Stale(why) = source {
            self.metrics.stale(why, staleness);
        }
        Served {
            value: entry.value.clone(),
            kind: entry.kind,
            source,
            ttl: (now < entry.fresh_until).then(|| entry.fresh_until.since(now)),
            age: now.since(entry.stored),
            staleness,
        }
    }

    fn board(&self, key: &Key, policy: &Policy, ticket: Ticket) -> Boarding {
        match policy.joining {
            Joining::Together => self.coalescer.board(key, ticket, policy.shared_names()),
            Joining::Alone => self.coalescer.board_alone(key, ticket, policy.shared_names()),
        }
    }

    /// What a flight brought, or a stale value if the flight failed or takes too long.
    async fn or_spare(&self, key: &Key, policy: &Policy, arrivals: Arrivals) -> Result<Landing, Served> {
        let mut landing = std::pin::pin!(arrivals.landing());
        let mut landed = None;
        if let Some(patience) = policy.soft_timeout {
            match tokio::time::timeout(patience, &mut landing).await {
                Ok(early) => landed = Some(early),
                Err(_) => {
                    if let Some(served) = self.spare(key, policy, Why::SoftTimeout).await {
                        return Err(served);
                    }
                }
            }
        }
        let landed = match landed {
            Some(landed) => landed,
            None => landing.await,
        };
        match self.spare_after(&landed, key, policy).await {
            Some(served) => Err(served),
            None => Ok(landed),
        }
    }

    async fn spare_after(&self, landed: &Landing, key: &Key, policy: &Policy) -> Option<Served> {
        if landed.value.is_ok() {
            return None;
        }
        self.spare(key, policy, Why::OriginError).await
    }

    /// A stale value to serve instead of the origin's. The store is asked again: what was found
    /// before the origin was called may have been invalidated since.
    async fn spare(&self, key: &Key, policy: &Policy, why: Why) -> Option<Served> {
        let now = UnixMs::now();
        self.asks_again();
        match self.look(key, policy, now).await {
            (Verdict::Useless, _) => None,
            (Verdict::Fresh | Verdict::Early, Ok(Lookup::Hit(entry))) => {
                Some(self.hit(&entry, Source::Hit, now))
            }
            (_, Ok(Lookup::Hit(entry))) => Some(self.hit(&entry, Source::Stale(why), now)),
            _ => None,
        }
    }

    pub(super) fn is_throttled(&self, key: &Key, now: UnixMs) -> bool {
        self.throttled.get(key).is_some_and(|until| now < until)
    }

    fn reason(&self, key: &Key, policy: &Policy, found: &Result<Lookup, CacheError>, now: UnixMs) -> Reason {
        match found {
            Ok(Lookup::Hit(_)) => Reason::Expired,
            Ok(Lookup::Miss) => self.reasons.of_miss(key, policy.names(), self.is_local, now),
            Ok(Lookup::Corrupt) => Reason::Corrupt,
            Err(_) => Reason::Error,
        }
    }

    fn arrived<E>(&self, landing: Landing, is_follower: bool) -> Result<Served, OriginError<E>>
    where
        E: Error + Send + Sync + 'static,
    {
        let mut source = landing.source;
        if is_follower && source != Source::Hit {
            source = Source::Collapsed;
            self.metrics.coalesced();
        }
        let now = UnixMs::now();
        let (kind, value) = landing.value?;
        let ttl = landing.expires.map(|expires| expires.since(now));
        let age = landing.stored.map(|stored| now.since(stored)).unwrap_or_default();
        Ok(Served { value, kind, source, ttl, age, staleness: Duration::ZERO })
    }

    /// The way without a cache: the caller's own call, in the caller's own task.
    async fn origin_alone<F, Fut, E>(&self, policy: &Policy, origin: F) -> Result<Served, OriginError<E>>
    where
        F: FnOnce() -> Fut + Send,
        Fut: Future<Output = Result<Answer, E>> + Send + 'static,
        E: Error + Send + Sync + 'static,
    {
        // In an async block, so that a panic of the closure is caught with those of its future.
        let (answer, _) = self.call(async { origin().await }, policy.hard_timeout).await;
        let (kind, value) = answer?;
        let (age, staleness) = (Duration::ZERO, Duration::ZERO);
        Ok(Served { value, kind, source: Source::Off, ttl: None, age, staleness })
    }
}
