//! What the layer hands back: the value, and the truth about where it came from.

use std::time::Duration;

use bytes::Bytes;

use crate::entry::Kind;

/// A value, and how it was come by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Served {
    /// The value; empty where the origin said that there is none.
    pub value: Bytes,
    /// Whether there is a value. Only a key that `fetch_optional` fills can be without.
    pub kind: Kind,
    /// Where it came from.
    pub source: Source,
    /// How long it stays fresh, if it is in the cache and fresh.
    pub ttl: Option<Duration>,
    /// How long ago the origin brought it; zero if just now.
    pub age: Duration,
    /// How long ago its freshness ended; zero unless it is stale.
    pub staleness: Duration,
}

impl Served {
    /// The value, unless the origin said that there is none.
    #[must_use]
    pub fn into_value(self) -> Option<Bytes> {
        (self.kind == Kind::Value).then_some(self.value)
    }
}

/// Where a value came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Source {
    /// From the cache.
    Hit,
    /// From the cache, after its freshness ended.
    Stale(Why),
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

/// Why a stale value was served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Why {
    /// It is being refreshed in the background.
    Revalidating,
    /// The origin failed, now or a moment ago.
    OriginError,
    /// The origin took longer than the soft timeout, and goes on in the background.
    SoftTimeout,
}

impl Why {
    /// Every reason.
    pub const ALL: [Self; 3] = [Self::Revalidating, Self::OriginError, Self::SoftTimeout];

    /// The label of the reason in metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Revalidating => "revalidating",
            Self::OriginError => "origin_error",
            Self::SoftTimeout => "soft_timeout",
        }
    }
}
