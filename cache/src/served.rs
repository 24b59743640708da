//! What `get_or_set` hands back: the value, and the truth about where it came from.

use std::time::Duration;

use bytes::Bytes;

/// A value, and how it was come by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Served {
    /// The value.
    pub value: Bytes,
    /// Where it came from.
    pub source: Source,
    /// How long it may still be served from the cache, if it is in the cache and that is known.
    pub ttl: Option<Duration>,
}

/// Where a value came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Source {
    /// From the cache.
    Hit,
    /// From this caller's own origin call.
    Origin {
        /// Whether the value was stored for the next caller.
        stored: bool,
    },
    /// From another caller's origin call, which this caller joined.
    Collapsed,
    /// From this caller's own origin call, because the cache server could not be asked. Nothing was
    /// stored.
    Unreachable,
    /// From the origin, because caching is off.
    Off,
}
