//! The response cache: a shared HTTP cache (RFC 9111) as a tower layer, on any [`CacheLayer`].
//!
//! It is apart from the rest of the crate since only it knows HTTP. It does not speak to a network:
//! the service that it wraps does. What may be stored, served or shared is decided by pure functions
//! over headers and times, each in a file with its table of tests:
//!
//! - [`directives`], [`targeted`], `structured`: `Cache-Control`, `CDN-Cache-Control` (RFC 9213).
//! - [`date`], [`freshness`], [`store_rules`], [`policy`]: how long it lives, whether it is kept, what a request
//!   gets. [`validation`], [`vary`], [`range`]: conditions, representations, parts.
//! - `visit`, `exchange`, `other_methods`: a request's way; `answer`, `status`: what it gets.
//! - `store`, `index`, `codec`, `uri`, `voids`: where entries are, and what of them is void; `flights`: joined requests.
//!
//! # What it stores, where the RFC leaves a choice
//!
//! - `Set-Cookie`: only with an explicit lifetime or `public` ([`SetCookiePolicy`]); never on a guess.
//! - `private` and `no-cache` with field names count as without them.
//! - Lifetimes are guessed as a tenth of the document's age, a day at most, for the codes of RFC 9110 §15.1.
//! - `s-maxage` forbids stale answers, unless the origin opens a window beside it (RFC 5861).
//! - Parts (206), answers to conditions (304) and bodies that broke off are never stored; trailers neither.
//! - Answers to `POST` are never stored. Unknown codes are, with an explicit lifetime.
//!
//! ```
//! use std::convert::Infallible;
//! use bytes::Bytes;
//! use http::{Request, Response};
//! use http_body_util::Full;
//! use hitmark_cache::response::{ResponseCacheConfig, ResponseCacheLayer};
//! use hitmark_cache::{CacheLayer, MemoryConfig};
//! use tower::{Layer, ServiceExt, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let cache = CacheLayer::memory(MemoryConfig::default());
//! let layer = ResponseCacheLayer::new(cache, ResponseCacheConfig::default());
//! let service = layer.layer(service_fn(async |_: Request<Full<Bytes>>| {
//!     let response = Response::builder().header("cache-control", "max-age=60");
//!     Ok::<_, Infallible>(response.body(Full::<Bytes>::from("page")).unwrap_or_default())
//! }));
//! let request = || Request::get("http://shop.test/").body(Full::default());
//! service.clone().oneshot(request()?).await?;
//! let again = service.oneshot(request()?).await?;
//! assert_eq!(again.headers()["cache-status"], "hitmark; hit; ttl=60");
//! # Ok(())
//! # }
//! ```
//!
//! [`CacheLayer`]: crate::CacheLayer

mod answer;
mod body;
mod codec;
mod config;
mod counters;
pub mod date;
pub mod directives;
mod entry;
mod exchange;
mod flights;
pub mod freshness;
pub mod headers;
mod index;
mod keep;
mod lists;
mod origin;
mod other_methods;
pub mod policy;
pub mod range;
mod service;
mod status;
mod store;
pub mod store_rules;
mod structured;
pub mod targeted;
mod uri;
pub mod validation;
pub mod vary;
mod visit;
mod voids;

pub use body::CachedBody;
pub use config::{Clock, RequestDirectivesPolicy, ResponseCacheConfig};
pub use entry::{Entry, Reading, Times};
pub use service::{ResponseCache, ResponseCacheLayer};
pub use store_rules::SetCookiePolicy;
