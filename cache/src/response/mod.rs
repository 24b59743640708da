//! The response cache: a shared HTTP cache (RFC 9111) as a tower layer, on any [`CacheLayer`].
//!
//! It is apart from the rest of the crate since only it knows HTTP. It does not speak to a network:
//! the service that it wraps does. What may be stored, served or shared is decided by pure functions
//! over headers and times, each in a file with its table of tests:
//!
//! - [`directives`], [`targeted`], `structured`: `Cache-Control`, `CDN-Cache-Control` (RFC 9213).
//! - [`date`], [`freshness`], [`store_rules`], [`policy`]: how long it lives, whether it is kept, what a request
//!   gets. [`validation`], [`vary`], [`range`]: conditions, variants, parts.
//! - `visit`, `exchange`, `other_methods`: a request's way; `answer`, `status`: what it gets.
//! - `store`, `index`, `codec`, `uri`: where entries are; `flights`: joined requests.
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

pub use body::CachedBody;
pub use config::{Clock, RequestDirectivesPolicy, ResponseCacheConfig};
pub use entry::{Entry, Reading, Times};
pub use service::{ResponseCache, ResponseCacheLayer};
pub use store_rules::SetCookiePolicy;
