//! The joining of concurrent requests: one asks the origin, the others wait for what it stores.
//!
//! Only answers that may be shared are handed on. For all others the waiting ones are told to go
//! themselves, and the URI is marked for a while, so that later ones do not wait at all.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use http::StatusCode;
use tokio::sync::watch;

use super::entry::Entry;
use crate::key::Key;

/// Marks of uncacheable URIs. Two URIs may share a place: then the newer mark counts.
const MARKS: usize = 4096;

/// Exchanges with the origin that others may wait for.
#[derive(Debug, Default)]
pub(super) struct Flights {
    under_way: Mutex<HashMap<Key, watch::Receiver<Landing>>>,
}

/// How an exchange ended, for those who wait.
#[derive(Debug, Clone, Default)]
pub(super) enum Landing {
    /// Not yet.
    #[default]
    Awaited,
    /// With a response that may be shared.
    Shared(Arc<Entry>),
    /// With one that may not.
    Alone,
    /// The origin failed, with this status if it answered.
    Failed(Option<StatusCode>),
    /// Who asked went away.
    Abandoned,
}

/// The part of a request in an exchange.
#[derive(Debug)]
pub(super) enum Boarding {
    /// It asks the origin.
    Lead(Flight),
    /// It waits.
    Follow(watch::Receiver<Landing>),
}

/// An exchange that others may be waiting for. Dropped without a landing, it is abandoned.
#[derive(Debug)]
pub(super) struct Flight {
    flights: Arc<Flights>,
    key: Key,
    tell: watch::Sender<Landing>,
}

impl Flights {
    /// Joins the exchange under way for this key, or begins one.
    pub(super) fn board(self: &Arc<Self>, key: &Key) -> Boarding {
        let mut under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(wait) = under_way.get(key) {
            return Boarding::Follow(wait.clone());
        }
        let (tell, wait) = watch::channel(Landing::Awaited);
        under_way.insert(key.clone(), wait);
        Boarding::Lead(Flight { flights: Arc::clone(self), key: key.clone(), tell })
    }

    /// Requests from now on do not join what is under way for this key.
    pub(super) fn detach(&self, key: &Key) {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
    }
}

impl Flight {
    /// Ends the exchange for all who wait.
    pub(super) fn land(self, landing: Landing) {
        self.tell.send_replace(landing);
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        self.tell.send_if_modified(|landing| {
            let is_open = matches!(landing, Landing::Awaited);
            if is_open {
                *landing = Landing::Abandoned;
            }
            is_open
        });
        let mut under_way = self.flights.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        // After a detachment the place may be another exchange's.
        if under_way.get(&self.key).is_some_and(|wait| wait.same_channel(&self.tell.subscribe())) {
            under_way.remove(&self.key);
        }
    }
}

/// Waits for the end of an exchange, at most so long.
pub(super) async fn landing(mut wait: watch::Receiver<Landing>, most: Duration) -> Landing {
    let landed = wait.wait_for(|landing| !matches!(landing, Landing::Awaited));
    match tokio::time::timeout(most, landed).await {
        Ok(Ok(landing)) => landing.clone(),
        Ok(Err(_)) | Err(_) => Landing::Alone,
    }
}

/// URIs whose last answer could not be stored: nobody waits for the next one.
#[derive(Debug)]
pub(super) struct Marks {
    hasher: RandomState,
    began: Instant,
    /// In each place the upper half of a hash and the second at which the mark ends.
    places: Vec<AtomicU64>,
}

impl Marks {
    pub(super) fn new() -> Self {
        let places = (0..MARKS).map(|_| AtomicU64::new(0)).collect();
        Self { hasher: RandomState::new(), began: Instant::now(), places }
    }

    /// Marks a URI for so long.
    pub(super) fn set(&self, uri: &Key, lasts: Duration) {
        let (place, tag) = self.place(uri);
        let until = (self.began.elapsed() + lasts).as_secs() & u64::from(u32::MAX);
        place.store(tag | until, Ordering::Relaxed);
    }

    /// Takes the mark off.
    pub(super) fn clear(&self, uri: &Key) {
        let (place, tag) = self.place(uri);
        let _ = place.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |mark| {
            (mark & !u64::from(u32::MAX) == tag).then_some(0)
        });
    }

    /// Whether the URI is marked.
    pub(super) fn is_set(&self, uri: &Key) -> bool {
        let (place, tag) = self.place(uri);
        let mark = place.load(Ordering::Relaxed);
        let (its_tag, until) = (mark & !u64::from(u32::MAX), mark & u64::from(u32::MAX));
        its_tag == tag && until > self.began.elapsed().as_secs()
    }

    fn place(&self, uri: &Key) -> (&AtomicU64, u64) {
        let hash = self.hasher.hash_one(uri);
        let place = usize::try_from(hash % MARKS as u64).unwrap_or(0);
        (&self.places[place], hash & !u64::from(u32::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_flight_that_is_dropped_tells_its_followers() {
        let flights = Arc::new(Flights::default());
        let key = Key::new("a");
        let Boarding::Lead(flight) = flights.board(&key) else { panic!("nobody was there before") };
        let Boarding::Follow(wait) = flights.board(&key) else { panic!("there is one under way") };
        drop(flight);
        assert!(matches!(landing(wait, Duration::from_secs(5)).await, Landing::Abandoned));
        assert!(matches!(flights.board(&key), Boarding::Lead(_)));
    }

    #[tokio::test]
    async fn after_a_detachment_the_old_flight_does_not_end_the_new_one() {
        let flights = Arc::new(Flights::default());
        let key = Key::new("a");
        let Boarding::Lead(old) = flights.board(&key) else { panic!("nobody was there before") };
        flights.detach(&key);
        let Boarding::Lead(_new) = flights.board(&key) else { panic!("detached") };
        drop(old);
        assert!(matches!(flights.board(&key), Boarding::Follow(_)));
    }

    #[test]
    fn a_mark_holds_for_its_uri_until_it_is_cleared() {
        let marks = Marks::new();
        let (a, b) = (Key::new("a"), Key::new("b"));
        marks.set(&a, Duration::from_secs(60));
        assert!(marks.is_set(&a) && !marks.is_set(&b));
        marks.clear(&b);
        assert!(marks.is_set(&a));
        marks.clear(&a);
        assert!(!marks.is_set(&a));
        marks.set(&b, Duration::ZERO);
        assert!(!marks.is_set(&b));
    }
}
