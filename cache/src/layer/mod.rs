//! The layer that services call: a backend, the policies around it, and the metrics of both.
//!
//! One file for each question: `fetch` decides what a caller gets, `freshness` judges an entry,
//! `flight` brings a value from the origin, `lease` agrees with other processes on who does,
//! `invalidate` removes, `store` is the way to the backend. It never fails for the cache's sake:
//! whatever the backend does, the caller gets the value or the origin's own error.

mod fetch;
mod flight;
mod freshness;
mod invalidate;
mod lease;
mod options;
mod part;
mod store;
mod warm;

use std::fmt;
use std::sync::{Arc, Weak};
use std::time::Duration;

use bytes::Bytes;
use hitmark_schema::exposition::Family;
use tokio::sync::Semaphore;

pub use self::options::LayerOptions;
use self::part::Part;
pub use self::warm::{WarmItem, Warmed};
use crate::adaptive::AdaptiveTtl;
use crate::backend::{
    Backend, Cache, ENTRY_OVERHEAD_BYTES, File, FileConfig, Lookup, MAX_TTL, MIN_TTL, Memory, MemoryConfig,
    Off, Redis, RedisConfig, Sqlite, SqliteConfig, Tiered, TieredConfig,
};
use crate::breaker::BreakerState;
use crate::cascade::Cascades;
use crate::clock::UnixMs;
use crate::coalesce::{Boarding, Coalescer};
use crate::curve::Tap;
use crate::entry::{Entry, Kind};
use crate::error::CacheError;
use crate::invalidation::Invalidation;
use crate::key::Key;
use crate::metrics::{Gauges, Metrics, OpResult};
use crate::policy::Policy;
use crate::random::Randomness;
use crate::reasons::Reasons;
use crate::slots::Slots;

/// Keys whose origin failed a moment ago and that are remembered.
const THROTTLED_KEYS: usize = 4_096;

/// A cache before an origin. Clones are cheap and share everything.
#[derive(Clone)]
pub struct CacheLayer {
    inner: Arc<Inner>,
}

struct Inner {
    /// For tasks that outlive a call.
    me: Weak<Self>,
    backend: Backend,
    /// Whether the backend is in this process: no server that could be away or slow.
    is_local: bool,
    /// Whether a lookup is so cheap that timing each would cost too much.
    is_memory: bool,
    coalescer: Arc<Coalescer>,
    /// One for each part of the backend.
    parts: Box<[Part]>,
    cascades: Cascades,
    random: Randomness,
    background: Arc<Semaphore>,
    /// Until when a key whose origin failed is served stale without asking again.
    throttled: Slots<UnixMs>,
    adaptive: AdaptiveTtl,
    reasons: Reasons,
    metrics: Metrics,
    /// Apart, so that what is written there does not slow who reads this.
    curve: Option<Box<Tap>>,
}

impl CacheLayer {
    /// A layer whose values live in this process.
    #[must_use]
    pub fn memory(config: MemoryConfig) -> Self {
        Self::memory_with(config, LayerOptions::default())
    }

    /// The same with settings of the layer.
    // By value, as the other constructors take theirs.
    #[expect(clippy::needless_pass_by_value)]
    #[must_use]
    pub fn memory_with(config: MemoryConfig, options: LayerOptions) -> Self {
        Self::with(Backend::Memory(Memory::new(&config)), options)
    }

    /// A layer whose values live in a Redis server. Must be called within a tokio runtime, in which
    /// a background task then keeps the connection until the last clone is dropped.
    ///
    /// # Errors
    /// Only [`CacheError::Url`]. A server that cannot be reached is no error: requests are served by
    /// the origin until it answers.
    pub async fn redis(config: RedisConfig) -> Result<Self, CacheError> {
        Self::redis_with(config, LayerOptions::default()).await
    }

    /// The same with settings of the layer.
    ///
    /// # Errors
    /// Only [`CacheError::Url`].
    pub async fn redis_with(config: RedisConfig, options: LayerOptions) -> Result<Self, CacheError> {
        Ok(Self::with(Backend::Redis(Redis::connect(config).await?), options))
    }

    /// A layer whose values live in a Redis server, with copies in this process that hear of changes.
    /// Must be called within a tokio runtime.
    ///
    /// # Errors
    /// Only [`CacheError::Url`], as for [`redis`](Self::redis).
    pub async fn tiered(config: TieredConfig) -> Result<Self, CacheError> {
        Self::tiered_with(config, LayerOptions::default()).await
    }

    /// The same with settings of the layer.
    ///
    /// # Errors
    /// Only [`CacheError::Url`].
    pub async fn tiered_with(config: TieredConfig, options: LayerOptions) -> Result<Self, CacheError> {
        Ok(Self::with(Backend::Tiered(Tiered::connect(config).await?), options))
    }

    /// A layer whose values live in a SQLite file, and survive a restart. Must be called within a tokio
    /// runtime.
    ///
    /// # Errors
    /// Only [`CacheError::Open`]: the file cannot be used.
    pub async fn sqlite(config: SqliteConfig) -> Result<Self, CacheError> {
        Self::sqlite_with(config, LayerOptions::default()).await
    }

    /// The same with settings of the layer.
    ///
    /// # Errors
    /// Only [`CacheError::Open`].
    pub async fn sqlite_with(config: SqliteConfig, options: LayerOptions) -> Result<Self, CacheError> {
        Ok(Self::with(Backend::Sqlite(Sqlite::open(config).await?), options))
    }

    /// A layer whose values live in files of a folder, and survive a restart. Must be called within a
    /// tokio runtime.
    ///
    /// # Errors
    /// Only [`CacheError::Open`]: the folder cannot be used.
    pub async fn file(config: FileConfig) -> Result<Self, CacheError> {
        Self::file_with(config, LayerOptions::default()).await
    }

    /// The same with settings of the layer.
    ///
    /// # Errors
    /// Only [`CacheError::Open`].
    pub async fn file_with(config: FileConfig, options: LayerOptions) -> Result<Self, CacheError> {
        Ok(Self::with(Backend::File(File::open(config).await?), options))
    }

    /// A layer that never stores: every call goes to the origin, and none are joined.
    #[must_use]
    pub fn off() -> Self {
        Self::with(Backend::Off(Off), LayerOptions::default())
    }

    fn with(backend: Backend, options: LayerOptions) -> Self {
        let is_local = !matches!(backend, Backend::Redis(_) | Backend::Tiered(_));
        let is_memory = matches!(backend, Backend::Memory(_));
        let overhead_bytes = if is_memory { ENTRY_OVERHEAD_BYTES } else { 0 };
        let samples = !matches!(backend, Backend::Off(_));
        let curve =
            options.curve.filter(|_| samples).map(|config| Box::new(Tap::new(config, overhead_bytes)));
        let part = |_| Part::new(options.breaker, options.pending_max);
        let parts = (0..backend.parts()).map(part).collect();
        let inner = Arc::new_cyclic(|me| Inner {
            me: Weak::clone(me),
            backend,
            is_local,
            is_memory,
            coalescer: Arc::new(Coalescer::new()),
            parts,
            cascades: options.cascades,
            random: options.random,
            background: Arc::new(Semaphore::new(options.background_max.clamp(1, Semaphore::MAX_PERMITS))),
            throttled: Slots::new(THROTTLED_KEYS),
            adaptive: AdaptiveTtl::new(),
            reasons: Reasons::new(),
            metrics: Metrics::new(),
            curve,
        });
        Self { inner }
    }

    /// The fresh value under the key, if there is one. An empty value is a value.
    ///
    /// # Errors
    /// If the backend could not be asked.
    pub async fn get(&self, key: &Key) -> Result<Option<Bytes>, CacheError> {
        let now = UnixMs::now();
        let found = self.inner.fresh(key, now).await;
        self.inner.shown(key, &found, now);
        self.inner.given(found, now)
    }

    /// The same for who must know what is stored in order to change it: no caller has asked for it, so
    /// the live curve does not hear of it.
    pub(crate) async fn peek(&self, key: &Key) -> Result<Option<Bytes>, CacheError> {
        let now = UnixMs::now();
        self.inner.asks_again();
        let found = self.inner.fresh(key, now).await;
        self.inner.given(found, now)
    }

    /// All that the store holds under the key, which may be stale or negative.
    ///
    /// # Errors
    /// If the backend could not be asked.
    pub async fn entry(&self, key: &Key) -> Result<Option<Entry>, CacheError> {
        let now = UnixMs::now();
        let count = |entry: &Entry| if now < entry.fresh_until { OpResult::Hit } else { OpResult::Stale };
        let found = self.inner.lookup(key, count).await;
        self.inner.shown(key, &found, now);
        Ok(match found? {
            Lookup::Hit(entry) => Some(entry),
            Lookup::Miss | Lookup::Corrupt => None,
        })
    }

    /// Stores the value for `ttl`, at most ten years. A `ttl` under a millisecond removes the key:
    /// an entry that lives no time is no entry.
    ///
    /// # Errors
    /// If the backend could not be asked or refused. The older value is then removed as soon as the
    /// backend can be asked, and not served by this layer before.
    pub async fn set(&self, key: &Key, value: Bytes, ttl: Duration) -> Result<(), CacheError> {
        self.put(key, value, &Policy::ttl(ttl)).await
    }

    /// Stores the value with the policy's freshness, windows and tags. An invalidation at the same
    /// time comes before it or after it, never between the value and its tags.
    ///
    /// # Errors
    /// As for [`set`](Self::set).
    pub async fn put(&self, key: &Key, value: Bytes, policy: &Policy) -> Result<(), CacheError> {
        let inner = &self.inner;
        let old = Invalidation::Key(key.clone());
        // An origin call that began earlier must not put its older value over this one.
        inner.overtake(&old).await;
        if policy.ttl < MIN_TTL || policy.has_too_many_tags() {
            return inner.remove(&old).await.keys.map(drop);
        }
        // Like a flight, so that an invalidation meanwhile waits for this store before it removes.
        let ticket = inner.coalescer.ticket(key);
        let Boarding::Lead { flight, .. } = inner.coalescer.board_alone(key, ticket, policy.shared_names())
        else {
            return Ok(());
        };
        if !flight.begin_storing() {
            return inner.remove(&old).await.keys.map(drop);
        }
        let entry = inner.entry(key, (Kind::Value, value), policy, Duration::ZERO);
        let stored = inner.store(key, &entry, policy.names()).await;
        drop(flight);
        if stored.is_err() && !inner.is_local {
            inner.part(key).pending.push(old);
        }
        stored
    }

    /// The backend's name, one of [`NAMES`](crate::backend::NAMES).
    #[must_use]
    pub fn backend_name(&self) -> &'static str {
        self.inner.backend.name()
    }

    /// What the circuit breaker before the cache server lets through; in a Cluster, the breaker that
    /// lets through least. Always closed where the backend is in this process.
    #[must_use]
    pub fn breaker_state(&self) -> BreakerState {
        self.inner.breaker_state()
    }

    /// Counts a value that a caller had from its origin because it did not want the cache.
    pub fn bypassed(&self) {
        self.inner.metrics.missed(crate::reasons::Reason::Bypass);
    }

    /// Every metric of this layer, as it stands.
    #[must_use]
    pub fn families(&self) -> Vec<Family> {
        let inner = &self.inner;
        let gauges = Gauges {
            store: inner.backend.state(),
            breaker: inner.breaker_state(),
            breaker_opened: inner.times_opened(),
            pending: inner.pending(),
            codec: inner.backend.codec(),
        };
        let mut families = inner.metrics.families(self.backend_name(), &gauges);
        if let Some(curve) = &inner.curve {
            let capacity_bytes = gauges.store.capacity_bytes;
            families.extend(curve.families(self.backend_name(), inner.metrics.lookups(), capacity_bytes));
        }
        families
    }
}

/// Whether an entry is what a plain lookup wants.
fn is_fresh(entry: &Entry, now: UnixMs) -> bool {
    entry.kind == Kind::Value && now < entry.fresh_until
}

impl Inner {
    /// Looks a key up of which only a fresh value is of use.
    #[inline]
    async fn fresh(&self, key: &Key, now: UnixMs) -> Result<Lookup, CacheError> {
        self.lookup(key, |entry| if is_fresh(entry, now) { OpResult::Hit } else { OpResult::Miss }).await
    }

    /// The fresh value of what was found, counted as served.
    #[inline]
    fn given(&self, found: Result<Lookup, CacheError>, now: UnixMs) -> Result<Option<Bytes>, CacheError> {
        let Lookup::Hit(entry) = found? else { return Ok(None) };
        if !is_fresh(&entry, now) {
            return Ok(None);
        }
        self.metrics.bytes_out(entry.value.len());
        Ok(Some(entry.value))
    }

    /// The entry of a value that was just brought.
    fn entry(&self, key: &Key, value: (Kind, Bytes), policy: &Policy, origin_time: Duration) -> Entry {
        let (kind, value) = value;
        let (ttl, window) = match kind {
            Kind::Value => (self.ttl(key, &value, policy), policy.window()),
            Kind::Negative => (policy.negative_ttl.unwrap_or_default(), Duration::ZERO),
        };
        let ttl = ttl.min(MAX_TTL);
        let stored = UnixMs::now();
        let fresh_until = stored.after(ttl);
        let kept_until = stored.after(ttl.saturating_add(window).min(MAX_TTL));
        Entry { value, kind, stored, fresh_until, kept_until, origin_time }
    }

    /// How long a value is fresh: as the policy says, as was learned, and a little less by chance.
    fn ttl(&self, key: &Key, value: &Bytes, policy: &Policy) -> Duration {
        let ttl =
            policy.adaptive.map_or(policy.ttl, |bounds| self.adaptive.learn(key, value, policy.ttl, bounds));
        if policy.jitter > 0.0 && ttl <= MAX_TTL {
            ttl.mul_f64(1.0 - policy.jitter * self.random.next()).max(MIN_TTL)
        } else {
            ttl
        }
    }
}

impl fmt::Debug for CacheLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CacheLayer").field("backend", &self.inner.backend).finish_non_exhaustive()
    }
}
