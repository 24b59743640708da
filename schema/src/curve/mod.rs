//! The miss-ratio curve of a running cache: what an LRU cache of any size would have made of the
//! requests of the last hour, from a sample of bounded size.
//!
//! It is here because two rooms use it that must not know each other: the caching layer draws the
//! sample as requests come, load tests make the same curve from a trace and share its trees and
//! buckets. It is arithmetic alone: who asks, with which hash, and when, is the caller's affair.

mod fenwick;
mod page;
mod sampler;
mod scale;
mod stack;

pub use fenwick::Fenwick;
pub use page::{PageCurve, read};
pub use sampler::{LiveCurve, Sampler, SamplerConfig, SizePoint};
pub use scale::Scale;
