//! What a backend keeps under a key: the value, and what must be known to serve it well.
//!
//! Two ends of life, because they are two questions: until when the value is *fresh*, and until when
//! it is *kept*, to be served stale while it is refreshed or while the origin fails.

use std::time::Duration;

use bytes::Bytes;

use crate::clock::UnixMs;

/// A value with its dates. Cheap to clone: the value is shared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The value; empty is a value, and what a negative entry holds.
    pub value: Bytes,
    /// Whether there is a value at all.
    pub kind: Kind,
    /// When the origin brought it.
    pub stored: UnixMs,
    /// Until when it is served without asking anyone.
    pub fresh_until: UnixMs,
    /// Until when the store keeps it; never before `fresh_until`.
    pub kept_until: UnixMs,
    /// How long the origin took to bring it, for early refresh in proportion to that.
    pub origin_time: Duration,
}

/// What an entry says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// There is a value.
    Value,
    /// The origin said that there is none: worth remembering, for a shorter time.
    Negative,
}

impl Entry {
    /// A value that is fresh for `ttl` and not kept longer.
    #[must_use]
    pub fn fresh_for(value: Bytes, ttl: Duration) -> Self {
        let stored = UnixMs::now();
        let end = stored.after(ttl);
        Self {
            value,
            kind: Kind::Value,
            stored,
            fresh_until: end,
            kept_until: end,
            origin_time: Duration::ZERO,
        }
    }
}
