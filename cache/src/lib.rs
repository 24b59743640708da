//! The caching layer under test: a cache before an origin, that tells where each value came from.
//!
//! A service calls [`CacheLayer::get_or_set`] with a typed [`Key`], a time to live and the origin's
//! call. Concurrent misses of one key make one origin call; empty and falsy values are hits; a
//! cache server that is refused or hangs costs time, bounded, and never an error.
//!
//! ```
//! use std::time::Duration;
//! use bytes::Bytes;
//! use hitmark_cache::{CacheLayer, Key, MemoryConfig, Source};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let cache = CacheLayer::memory(MemoryConfig::default());
//! let key = Key::new("product").id(456).and("shop", 123);
//! let ttl = Duration::from_secs(60);
//! let load = || async { Ok::<_, std::io::Error>(Bytes::from_static(b"{\"id\":456}")) };
//!
//! let first = cache.get_or_set(&key, ttl, load).await?;
//! let again = cache.get_or_set(&key, ttl, load).await?;
//! assert_eq!(first.source, Source::Origin { stored: true });
//! assert_eq!(again.source, Source::Hit);
//! # Ok(())
//! # }
//! ```
//!
//! # Layout
//!
//! - [`layer`](CacheLayer): what services call; decides what a request gets.
//! - [`key`](Key), [`pattern`](Pattern): names of values, and of sets of them.
//! - [`backend`]: the `Cache` trait and what implements it, one file each.
//! - [`entry`](Entry), [`tag`](Tag), `clock`: what is kept, under which names, and when.
//! - [`wire`]: the form of an entry outside this process.
//! - [`policy`](Policy): how a value is cached: its freshness, its stale windows, its timeouts, its tags.
//! - `curve`: the tap of the live miss-ratio curve.
//! - `coalesce`: the joining of concurrent misses.
//! - [`invalidation`](Invalidation), [`cascade`](Cascades), `pending`: what is no longer true, what
//!   follows from that, and what waits for a server that is away.
//! - [`query`](QueryCache): answers of queries, invalidated by writes to their tables.
//! - [`cacheable`](Cacheable), [`scope`](KeyScope), [`leak`](probe_leaks): what may be cached, for whom,
//!   and the proof.
//! - [`breaker`](Breaker): leaves a sick server alone.
//! - `reasons`, `adaptive`, `slots`: what is remembered of keys, within bounds.
//! - `metrics`: counts and times of all that happens, and their families.
//! - [`response`]: the HTTP response cache, a tower layer on top of all that.
//! - [`served`](Served), [`error`](CacheError): what comes back.

mod adaptive;
pub mod backend;
mod breaker;
mod cacheable;
mod cascade;
mod clock;
mod coalesce;
mod curve;
mod entry;
mod error;
mod invalidation;
mod key;
mod layer;
mod leak;
mod metrics;
mod pattern;
mod pending;
mod policy;
mod query;
mod random;
mod reasons;
pub mod response;
mod scope;
mod served;
mod slots;
mod tag;
pub mod wire;

pub use backend::{
    Announce, Cache, Coherence, FileConfig, MemoryConfig, OnDamage, RedisConfig, SqliteConfig, TieredConfig,
};
pub use breaker::{Breaker, BreakerConfig, BreakerState};
pub use cacheable::{Cacheable, Password, Session, Token};
pub use cascade::{CascadeError, Cascades, MAX_CASCADE, MAX_CASCADE_DEPTH};
pub use clock::UnixMs;
pub use entry::{Entry, Kind};
pub use error::{CacheError, OriginError};
pub use invalidation::{Invalidation, InvalidationTextError, table_tag};
pub use key::{Key, KeyTextError};
pub use layer::{CacheLayer, LayerOptions, WarmItem, Warmed};
pub use leak::{Leak, LeakMatrix, probe_leaks};
pub use pattern::{MAX_PATTERN_BYTES, MAX_WILDCARDS, Pattern, PatternError};
pub use policy::{Joining, Leasing, Policy, PolicyTable};
pub use query::{ForeignError, QueryCache, Writes};
pub use random::Randomness;
pub use scope::{Dimension, KeyScope, MissingDimension};
pub use served::{Served, Source, Why};
pub use tag::{MAX_TAGS, Tag};
