//! The layer that services call: a backend, the joining of misses, and the metrics of both.
//!
//! `get_or_set` decides what a request gets. It never fails for the cache's sake: whatever the
//! backend does, the caller gets the value or the origin's own error.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::FutureExt;
use hitmark_schema::exposition::Family;
use tracing::Instrument;

use crate::backend::{
    Backend, Cache, File, FileConfig, Lookup, MAX_TTL, MIN_TTL, Memory, MemoryConfig, Off, Redis,
    RedisConfig, Sqlite, SqliteConfig, Tiered, TieredConfig,
};
use crate::clock::UnixMs;
use crate::coalesce::{Boarding, Coalescer, Flight, Landing};
use crate::entry::Entry;
use crate::error::{CacheError, Failure, OriginError};
use crate::key::Key;
use crate::metrics::{Metrics, Op, OpResult, OriginResult, Scope};
use crate::pattern::Pattern;
use crate::served::{Served, Source};

/// A cache before an origin. Clones are cheap and share everything.
#[derive(Clone)]
pub struct CacheLayer {
    inner: Arc<Inner>,
}

struct Inner {
    backend: Backend,
    coalescer: Arc<Coalescer>,
    metrics: Metrics,
}

/// What the lookup of a miss told about the backend.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    /// It answered: the value is worth storing.
    Answered,
    /// It could not be asked: it will not be asked to store either.
    Failed,
}

impl CacheLayer {
    /// A layer whose values live in this process.
    // By value, as the other constructors take theirs.
    #[expect(clippy::needless_pass_by_value)]
    #[must_use]
    pub fn memory(config: MemoryConfig) -> Self {
        Self::with(Backend::Memory(Memory::new(&config)))
    }

    /// A layer whose values live in a Redis server. Must be called within a tokio runtime, in which
    /// a background task then keeps the connection until the last clone is dropped.
    ///
    /// # Errors
    /// Only [`CacheError::Url`]. A server that cannot be reached is no error: requests are served by
    /// the origin until it answers.
    pub async fn redis(config: RedisConfig) -> Result<Self, CacheError> {
        Ok(Self::with(Backend::Redis(Redis::connect(config).await?)))
    }

    /// A layer whose values live in a Redis server, with copies in this process that hear of changes.
    /// Must be called within a tokio runtime.
    ///
    /// # Errors
    /// Only [`CacheError::Url`], as for [`redis`](Self::redis).
    pub async fn tiered(config: TieredConfig) -> Result<Self, CacheError> {
        Ok(Self::with(Backend::Tiered(Tiered::connect(config).await?)))
    }

    /// A layer whose values live in a SQLite file, and survive a restart. Must be called within a tokio
    /// runtime.
    ///
    /// # Errors
    /// Only [`CacheError::Open`]: the file cannot be used.
    pub async fn sqlite(config: SqliteConfig) -> Result<Self, CacheError> {
        Ok(Self::with(Backend::Sqlite(Sqlite::open(config).await?)))
    }

    /// A layer whose values live in files of a folder, and survive a restart. Must be called within a
    /// tokio runtime.
    ///
    /// # Errors
    /// Only [`CacheError::Open`]: the folder cannot be used.
    pub async fn file(config: FileConfig) -> Result<Self, CacheError> {
        Ok(Self::with(Backend::File(File::open(config).await?)))
    }

    /// A layer that never stores: every call goes to the origin, and none are joined.
    #[must_use]
    pub fn off() -> Self {
        Self::with(Backend::Off(Off))
    }

    fn with(backend: Backend) -> Self {
        let coalescer = Arc::new(Coalescer::new());
        Self { inner: Arc::new(Inner { backend, coalescer, metrics: Metrics::new() }) }
    }

    /// The value under the key, or the origin's, stored for `ttl`.
    ///
    /// Concurrent misses of one key in this process make one origin call; the others wait for it
    /// and get its value or its error; the value lives as long as the one who called the origin
    /// asked. The call runs in a task of its own, so it ends and is stored
    /// even if the caller that began it goes away; an origin must limit its own time. A `ttl` under
    /// a millisecond stores nothing.
    ///
    /// # Errors
    /// Only the origin's: its own error, a panic in it, or the end of the runtime. None of them is
    /// cached.
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
        if matches!(self.inner.backend, Backend::Off(_)) {
            return self.inner.origin_alone(origin).await;
        }
        let ticket = self.inner.coalescer.ticket(key);
        let asked = match self.inner.lookup(key).await {
            Ok(Lookup::Hit(entry)) => {
                let ttl = Some(entry.kept_until.since(UnixMs::now()));
                return Ok(Served { value: entry.value, source: Source::Hit, ttl });
            }
            Ok(Lookup::Miss | Lookup::Corrupt) => Asked::Answered,
            Err(_) => Asked::Failed,
        };
        match self.inner.coalescer.board(key, ticket) {
            Boarding::Lead { flight, arrivals, recheck } => {
                self.depart(flight, recheck, asked, ttl, origin);
                served(arrivals.landing().await)
            }
            Boarding::Follow(arrivals) => {
                let mut landing = arrivals.landing().await;
                if landing.source != Source::Hit {
                    landing.source = Source::Collapsed;
                    self.inner.metrics.coalesced();
                }
                served(landing)
            }
        }
    }

    /// The value under the key, if there is one. An empty value is a value.
    ///
    /// # Errors
    /// If the backend could not be asked.
    pub async fn get(&self, key: &Key) -> Result<Option<Bytes>, CacheError> {
        self.inner.lookup(key).await.map(|lookup| match lookup {
            Lookup::Hit(entry) => Some(entry.value),
            Lookup::Miss | Lookup::Corrupt => None,
        })
    }

    /// Stores the value for `ttl`, at most ten years. A `ttl` under a millisecond removes the key:
    /// an entry that lives no time is no entry.
    ///
    /// # Errors
    /// If the backend could not be asked or refused. An older value may then still be served.
    pub async fn set(&self, key: &Key, value: Bytes, ttl: Duration) -> Result<(), CacheError> {
        // An origin call that began earlier must not put its older value over this one.
        self.inner.coalescer.overtake(key);
        if ttl < MIN_TTL {
            return self.inner.remove(key).await.map(|_| ());
        }
        self.inner.store(key, &value, ttl).await
    }

    /// Removes the key; whether it was there. An origin call that is under way is not stored, and
    /// callers from now on do not wait for it.
    ///
    /// # Errors
    /// If the backend could not be asked: the value may still be served.
    pub async fn delete(&self, key: &Key) -> Result<bool, CacheError> {
        self.inner.coalescer.overtake(key);
        let removed = self.inner.remove(key).await?;
        self.inner.metrics.invalidated(Scope::Key, u64::from(removed));
        Ok(removed)
    }

    /// Removes every key that the pattern names; how many there were.
    ///
    /// # Errors
    /// If the backend could not be asked. Part of the keys may be gone already.
    pub async fn delete_pattern(&self, pattern: &Pattern) -> Result<u64, CacheError> {
        let inner = &self.inner;
        inner.coalescer.overtake_where(|key| pattern.matches(key));
        let removed = inner.timed(Op::DeletePattern, inner.backend.delete_pattern(pattern)).await?;
        inner.metrics.invalidated(Scope::Pattern, removed);
        Ok(removed)
    }

    /// Removes every key of this cache, and nothing else that its server may hold.
    ///
    /// # Errors
    /// If the backend could not be asked. Part of the keys may be gone already.
    pub async fn clear(&self) -> Result<(), CacheError> {
        let inner = &self.inner;
        inner.coalescer.overtake_where(|_| true);
        let removed = inner.timed(Op::Clear, inner.backend.clear()).await?;
        inner.metrics.invalidated(Scope::All, removed);
        Ok(())
    }

    /// The backend's name, one of [`NAMES`](crate::backend::NAMES).
    #[must_use]
    pub fn backend_name(&self) -> &'static str {
        self.inner.backend.name()
    }

    /// Every metric of this layer, as it stands.
    #[must_use]
    pub fn families(&self) -> Vec<Family> {
        self.inner.metrics.families(self.backend_name(), self.inner.backend.state())
    }

    /// Starts the origin call of a flight in a task of its own.
    fn depart<F, Fut, E>(&self, flight: Flight, recheck: bool, asked: Asked, ttl: Duration, origin: F)
    where
        F: FnOnce() -> Fut + Send,
        Fut: Future<Output = Result<Bytes, E>> + Send + 'static,
        E: Error + Send + Sync + 'static,
    {
        // The closure runs here, since it may borrow from the caller; only its future is sent off.
        let origin = match catch_unwind(AssertUnwindSafe(origin)) {
            Ok(origin) => origin,
            Err(panic) => {
                self.inner.metrics.origin(OriginResult::Panic, Duration::ZERO);
                let value = Err(Failure::panicked(panic.as_ref()));
                flight.land(Landing { value, source: Source::Origin { stored: false }, expires: None });
                return;
            }
        };
        let inner = Arc::clone(&self.inner);
        let journey = async move {
            let landing = inner.fly(&flight, recheck, asked, ttl, origin).await;
            flight.land(landing);
        };
        tokio::spawn(journey.in_current_span());
    }
}

impl Inner {
    /// Brings the value of a flight: from the origin, or from the cache if another flight has
    /// stored it since.
    async fn fly<Fut, E>(
        &self,
        flight: &Flight,
        recheck: bool,
        asked: Asked,
        ttl: Duration,
        origin: Fut,
    ) -> Landing
    where
        Fut: Future<Output = Result<Bytes, E>> + Send,
        E: Error + Send + Sync + 'static,
    {
        if recheck
            && asked == Asked::Answered
            && let Ok(Lookup::Hit(entry)) = self.lookup(flight.key()).await
        {
            return Landing { value: Ok(entry.value), source: Source::Hit, expires: Some(entry.kept_until) };
        }
        let value = self.call(origin).await;
        if asked == Asked::Failed {
            return Landing { value, source: Source::Unreachable, expires: None };
        }
        let stored_at = UnixMs::now();
        let stored = match &value {
            Ok(value) => self.store_flight(flight, value, ttl).await,
            Err(_) => false,
        };
        let expires = stored.then(|| stored_at.after(ttl.min(MAX_TTL)));
        Landing { value, source: Source::Origin { stored }, expires }
    }

    /// Stores what a flight brought, unless it was overtaken; whether it is in the cache now.
    async fn store_flight(&self, flight: &Flight, value: &Bytes, ttl: Duration) -> bool {
        if ttl < MIN_TTL || flight.is_overtaken() || self.store(flight.key(), value, ttl).await.is_err() {
            return false;
        }
        // A deletion that came between the check and the store may have found nothing to remove.
        // One that comes after this check removes what was stored.
        if flight.is_overtaken() {
            let _ = self.remove(flight.key()).await;
            return false;
        }
        true
    }

    /// Calls the origin, and turns a panic into an error.
    async fn call<Fut, E>(&self, origin: Fut) -> Result<Bytes, Failure>
    where
        Fut: Future<Output = Result<Bytes, E>> + Send,
        E: Error + Send + Sync + 'static,
    {
        let started = Instant::now();
        let outcome = AssertUnwindSafe(origin).catch_unwind().await;
        let (result, value) = match outcome {
            Ok(Ok(value)) => (OriginResult::Ok, Ok(value)),
            Ok(Err(error)) => (OriginResult::Error, Err(Failure::failed(error))),
            Err(panic) => (OriginResult::Panic, Err(Failure::panicked(panic.as_ref()))),
        };
        self.metrics.origin(result, started.elapsed());
        value
    }

    /// The way without a cache: the caller's own call, in the caller's own task.
    async fn origin_alone<F, Fut, E>(&self, origin: F) -> Result<Served, OriginError<E>>
    where
        F: FnOnce() -> Fut + Send,
        Fut: Future<Output = Result<Bytes, E>> + Send + 'static,
        E: Error + Send + Sync + 'static,
    {
        // In an async block, so that a panic of the closure is caught with those of its future.
        let value = self.call(async { origin().await }).await?;
        Ok(Served { value, source: Source::Off, ttl: None })
    }

    /// Asks the backend.
    async fn lookup(&self, key: &Key) -> Result<Lookup, CacheError> {
        let started = Instant::now();
        let answer = self.backend.get(key).await;
        let result = match &answer {
            Ok(Lookup::Hit(_)) => OpResult::Hit,
            Ok(Lookup::Miss) => OpResult::Miss,
            Ok(Lookup::Corrupt) => OpResult::Corrupt,
            Err(error) => error.into(),
        };
        self.metrics.operation(Op::Get, result, started.elapsed());
        answer
    }

    async fn store(&self, key: &Key, value: &Bytes, ttl: Duration) -> Result<(), CacheError> {
        let entry = Entry::fresh_for(value.clone(), ttl.min(MAX_TTL));
        self.timed(Op::Set, self.backend.set(key, &entry, &[])).await
    }

    async fn remove(&self, key: &Key) -> Result<bool, CacheError> {
        self.timed(Op::Delete, self.backend.delete(key)).await
    }

    async fn timed<T>(
        &self,
        op: Op,
        operation: impl Future<Output = Result<T, CacheError>>,
    ) -> Result<T, CacheError> {
        let started = Instant::now();
        let answer = operation.await;
        let result = answer.as_ref().map_or_else(OpResult::from, |_| OpResult::Ok);
        self.metrics.operation(op, result, started.elapsed());
        answer
    }
}

fn served<E: Error + Send + Sync + 'static>(landing: Landing) -> Result<Served, OriginError<E>> {
    let Landing { value, source, expires } = landing;
    Ok(Served { value: value?, source, ttl: expires.map(|expires| expires.since(UnixMs::now())) })
}

impl fmt::Debug for CacheLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CacheLayer").field("backend", &self.inner.backend).finish_non_exhaustive()
    }
}
