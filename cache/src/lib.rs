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
//! - `coalesce`: the joining of concurrent misses.
//! - `metrics`: counts and times of all that happens, and their families.
//! - [`served`](Served), [`error`](CacheError): what comes back.

pub mod backend;
mod clock;
mod coalesce;
mod entry;
mod error;
mod key;
mod layer;
mod metrics;
mod pattern;
mod served;
mod tag;
pub mod wire;

pub use backend::{
    Announce, Cache, Coherence, FileConfig, MemoryConfig, OnDamage, RedisConfig, SqliteConfig, TieredConfig,
};
pub use clock::UnixMs;
pub use entry::{Entry, Kind};
pub use error::{CacheError, OriginError};
pub use key::Key;
pub use layer::CacheLayer;
pub use pattern::{MAX_PATTERN_BYTES, MAX_WILDCARDS, Pattern, PatternError};
pub use served::{Served, Source};
pub use tag::{MAX_TAGS, Tag};
