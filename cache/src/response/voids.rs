//! Invalidations of the last minute: what was asked of the origin before one of them is void, even
//! if it is stored after it.
//!
//! The note in the cache itself ([`Record::Void`](super::codec::Record)) tells other processes; this
//! one closes the gap in which a store and an invalidation of this process overtake each other.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use crate::key::Key;

/// How long an invalidation is remembered: longer than any exchange with an origin should take.
pub(super) const REMEMBERED: Duration = Duration::from_secs(60);

/// The most that are remembered; beyond it the oldest go.
const MOST: usize = 16 * 1024;

/// URIs and when they were last invalidated.
#[derive(Debug, Default)]
pub(super) struct Voids {
    since: Mutex<HashMap<Key, SystemTime>>,
    /// So that a cache without invalidations takes no lock on a hit.
    count: AtomicUsize,
}

impl Voids {
    /// Everything of this URI that was asked for until now is void.
    pub(super) fn add(&self, uri: &Key, now: SystemTime) {
        let mut since = self.since.lock().unwrap_or_else(PoisonError::into_inner);
        if since.len() >= MOST {
            since.retain(|_, at| now.duration_since(*at).is_ok_and(|age| age < REMEMBERED));
        }
        if since.len() >= MOST
            && let Some(oldest) = since.iter().min_by_key(|(_, at)| **at).map(|(key, _)| key.clone())
        {
            since.remove(&oldest);
        }
        since.insert(uri.clone(), now);
        self.count.store(since.len(), Ordering::SeqCst);
    }

    /// Whether what was asked for at this time is void.
    pub(super) fn covers(&self, uri: &Key, asked: SystemTime) -> bool {
        if self.count.load(Ordering::SeqCst) == 0 {
            return false;
        }
        let since = self.since.lock().unwrap_or_else(PoisonError::into_inner);
        since.get(uri).is_some_and(|at| asked <= *at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_asked_for_before_is_void() {
        let (voids, uri, now) = (Voids::default(), Key::new("a"), SystemTime::now());
        assert!(!voids.covers(&uri, now));
        voids.add(&uri, now);
        assert!(voids.covers(&uri, now) && voids.covers(&uri, now - Duration::from_secs(1)));
        assert!(!voids.covers(&uri, now + Duration::from_micros(1)));
        assert!(!voids.covers(&Key::new("b"), now));
    }

    #[test]
    fn there_is_a_most_and_the_newest_stay() {
        let (voids, now) = (Voids::default(), SystemTime::now());
        for place in 0..MOST + 10 {
            voids.add(&Key::new("a").id(place), now + Duration::from_micros(place as u64));
        }
        assert_eq!(voids.count.load(Ordering::SeqCst), MOST);
        assert!(voids.covers(&Key::new("a").id(MOST + 9), now));
        assert!(!voids.covers(&Key::new("a").id(0), now));
    }
}
