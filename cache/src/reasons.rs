//! Why a key was missed. The layer remembers what it stored and what was invalidated, within bounds;
//! where it does not know, it says `cold`, and is wrong towards nothing else.
//!
//! In a store that other processes write, a value that is gone before its time may have been evicted
//! or invalidated by somebody else: that, too, is `cold`.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use crate::clock::UnixMs;
use crate::invalidation::Invalidation;
use crate::key::Key;
use crate::slots::Slots;
use crate::tag::Tag;

/// Keys that are remembered.
const KEYS: usize = 16_384;
/// Invalidations of several keys that are remembered.
const WIDE: usize = 64;

/// Why a key was missed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reason {
    /// Never seen, or forgotten.
    Cold,
    /// Its time was over.
    Expired,
    /// The store dropped it before its time.
    Evicted,
    /// It was removed because it was no longer true.
    Invalidated,
    /// The store held something that it could not read.
    Corrupt,
    /// The caller did not want the cache.
    Bypass,
    /// The store could not be asked.
    Error,
}

impl Reason {
    pub(crate) const ALL: [Self; 7] = [
        Self::Cold,
        Self::Expired,
        Self::Evicted,
        Self::Invalidated,
        Self::Corrupt,
        Self::Bypass,
        Self::Error,
    ];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Cold => "cold",
            Self::Expired => "expired",
            Self::Evicted => "evicted",
            Self::Invalidated => "invalidated",
            Self::Corrupt => "corrupt",
            Self::Bypass => "bypass",
            Self::Error => "error",
        }
    }
}

/// What was last done to a key.
#[derive(Debug, Clone, Copy)]
enum Last {
    Stored { number: u64, kept_until: UnixMs },
    Invalidated,
}

/// The memory of one layer.
#[derive(Debug)]
pub(crate) struct Reasons {
    keys: Slots<Last>,
    wide: Mutex<Wide>,
}

/// The last invalidations of several keys, and how many there ever were.
#[derive(Debug, Default)]
struct Wide {
    last: VecDeque<Invalidation>,
    count: u64,
}

impl Reasons {
    pub(crate) fn new() -> Self {
        Self { keys: Slots::new(KEYS), wide: Mutex::default() }
    }

    /// A value was stored.
    pub(crate) fn stored(&self, key: &Key, kept_until: UnixMs) {
        let number = self.wide.lock().unwrap_or_else(PoisonError::into_inner).count;
        self.keys.update(key, |_| Last::Stored { number, kept_until });
    }

    /// Something was invalidated.
    pub(crate) fn invalidated(&self, what: &Invalidation) {
        if let Invalidation::Key(key) = what {
            // A key that was never stored stays cold.
            if self.keys.get(key).is_some() {
                self.keys.update(key, |_| Last::Invalidated);
            }
            return;
        }
        let mut wide = self.wide.lock().unwrap_or_else(PoisonError::into_inner);
        if wide.last.len() == WIDE {
            wide.last.pop_front();
        }
        wide.last.push_back(what.clone());
        wide.count += 1;
    }

    /// Why the store did not hold a key, which would carry these tags. `is_private` tells that no
    /// other process can change the store.
    pub(crate) fn of_miss(&self, key: &Key, tags: &[Tag], is_private: bool, now: UnixMs) -> Reason {
        match self.keys.get(key) {
            None => Reason::Cold,
            Some(Last::Invalidated) => Reason::Invalidated,
            Some(Last::Stored { number, kept_until }) => self.since(number, key, tags).unwrap_or({
                if now >= kept_until {
                    Reason::Expired
                } else if is_private {
                    Reason::Evicted
                } else {
                    Reason::Cold
                }
            }),
        }
    }

    /// What became of a key by the invalidations since its store. Cold if some are forgotten.
    fn since(&self, number: u64, key: &Key, tags: &[Tag]) -> Option<Reason> {
        let wide = self.wide.lock().unwrap_or_else(PoisonError::into_inner);
        let since = usize::try_from(wide.count - number).unwrap_or(usize::MAX);
        if wide.last.iter().rev().take(since).any(|what| what.covers(key, tags)) {
            return Some(Reason::Invalidated);
        }
        (since > wide.last.len()).then_some(Reason::Cold)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMs = UnixMs(1_000);
    const LATER: UnixMs = UnixMs(2_000);

    #[test]
    fn each_way_to_lose_a_value_has_its_reason() {
        let (reasons, key, tag) = (Reasons::new(), Key::new("a").id(1), Tag::new("t"));
        let why = |now, is_private| reasons.of_miss(&key, std::slice::from_ref(&tag), is_private, now);
        assert_eq!(why(NOW, true), Reason::Cold);
        reasons.stored(&key, LATER);
        assert_eq!(why(NOW, true), Reason::Evicted);
        assert_eq!(why(NOW, false), Reason::Cold, "another process may have done anything");
        assert_eq!(why(LATER, false), Reason::Expired);
        for text in ["key a:1", "tag t", "pattern a:*", "all"] {
            reasons.stored(&key, LATER);
            reasons.invalidated(&text.parse().expect("an invalidation"));
            assert_eq!(why(NOW, true), Reason::Invalidated, "{text}");
        }
        reasons.stored(&key, LATER);
        reasons.invalidated(&Invalidation::Tag(Tag::new("other")));
        assert_eq!(why(NOW, true), Reason::Evicted, "an invalidation of others is none");
    }

    #[test]
    fn what_is_forgotten_is_cold() {
        let (reasons, key) = (Reasons::new(), Key::new("a"));
        reasons.stored(&key, LATER);
        reasons.invalidated(&Invalidation::All);
        for id in 0..WIDE {
            reasons.invalidated(&Invalidation::Tag(Tag::new("t").id(id)));
        }
        assert_eq!(reasons.of_miss(&key, &[], true, NOW), Reason::Cold);
    }
}
