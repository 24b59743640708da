//! A TTL that follows how often a value changes: it grows by half while refreshes bring the same
//! bytes and halves when they bring others, so that it errs to the short side.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use bytes::Bytes;

use crate::key::Key;
use crate::slots::Slots;

/// Keys whose TTL is remembered; the others start anew.
const KEYS: usize = 16_384;

/// The TTL of each key, as learned.
#[derive(Debug)]
pub(crate) struct AdaptiveTtl {
    hasher: RandomState,
    keys: Slots<(u64, Duration)>,
}

impl AdaptiveTtl {
    pub(crate) fn new() -> Self {
        Self { hasher: RandomState::new(), keys: Slots::new(KEYS) }
    }

    /// The TTL for a value that the origin just brought, within `bounds`; `first` for a new key.
    pub(crate) fn learn(
        &self,
        key: &Key,
        value: &Bytes,
        first: Duration,
        bounds: (Duration, Duration),
    ) -> Duration {
        let hash = self.hasher.hash_one(value);
        let (shortest, longest) = bounds;
        let mut ttl = first;
        self.keys.update(key, |known| {
            ttl = match known {
                Some((before, ttl)) if before == hash => ttl.saturating_add(ttl / 2),
                Some((_, ttl)) => ttl / 2,
                None => first,
            };
            ttl = ttl.clamp(shortest, longest);
            (hash, ttl)
        });
        ttl
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_grows_while_nothing_changes_and_shrinks_when_something_does() {
        let (adaptive, key) = (AdaptiveTtl::new(), Key::new("a"));
        let seconds = Duration::from_secs;
        let mut learn = |value: &'static str| {
            adaptive.learn(&key, &Bytes::from(value), seconds(8), (seconds(3), seconds(20))).as_secs()
        };
        let values = ["x", "x", "x", "x", "y", "z", "x", "x"];
        assert_eq!(values.map(&mut learn), [8, 12, 18, 20, 10, 5, 3, 4]);
    }
}
