//! Joining of concurrent misses: one flight to the origin for each key, and everyone else waits for
//! its landing.
//!
//! A caller takes a [`Ticket`] before it asks the cache and boards with it after a miss. If any
//! flight of its shard landed in between, its miss may be out of date, and the leader is told to
//! ask the cache once more before it goes to the origin. So a second call is never made for a value
//! that was stored a moment ago, and the usual miss still costs one lookup.
//!
//! A deletion overtakes the flights of its keys: callers that come after it start a new flight, and
//! what the old one brings is not kept. This holds within one process.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::watch;

use crate::clock::UnixMs;
use crate::error::Failure;
use crate::key::Key;
use crate::served::Source;

/// Flights are spread over this many locks, a power of two.
const SHARDS: usize = 64;

/// What a flight brought back, for its leader and for everyone who waited.
#[derive(Debug, Clone)]
pub(crate) struct Landing {
    pub(crate) value: Result<Bytes, Failure>,
    /// Where the leader's value came from.
    pub(crate) source: Source,
    /// Until when it is in the cache, if it is.
    pub(crate) expires: Option<UnixMs>,
}

/// Waits for a flight that somebody makes.
#[derive(Debug)]
pub(crate) struct Arrivals(watch::Receiver<Option<Landing>>);

impl Arrivals {
    /// What the flight brought, or [`Failure::Abandoned`] if it will never land.
    pub(crate) async fn landing(mut self) -> Landing {
        let landed = self.0.wait_for(Option::is_some).await;
        landed.ok().and_then(|landing| landing.clone()).unwrap_or(Landing {
            value: Err(Failure::Abandoned),
            source: Source::Collapsed,
            expires: None,
        })
    }
}

/// The part of a caller that missed.
#[derive(Debug)]
pub(crate) enum Boarding {
    /// Nobody is on the way for this key: this caller must fly.
    Lead {
        flight: Flight,
        arrivals: Arrivals,
        /// Whether the miss may be out of date, so that the cache must be asked once more.
        recheck: bool,
    },
    /// Somebody is on the way.
    Follow(Arrivals),
}

/// What a caller knew before it asked the cache.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ticket {
    shard: usize,
    landed: u64,
}

/// All flights that are on the way.
#[derive(Debug)]
pub(crate) struct Coalescer {
    shards: [Shard; SHARDS],
}

/// On its own cache line, so that a miss of one key does not slow the hits of another.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Shard {
    landed: AtomicU64,
    flights: Mutex<HashMap<Key, OnTheWay>>,
}

#[derive(Debug)]
struct OnTheWay {
    arrivals: watch::Receiver<Option<Landing>>,
    overtaken: Arc<AtomicBool>,
}

impl Coalescer {
    pub(crate) fn new() -> Self {
        Self { shards: std::array::from_fn(|_| Shard::default()) }
    }

    /// To be taken before the cache is asked. Costs a few nanoseconds, and takes no lock.
    pub(crate) fn ticket(&self, key: &Key) -> Ticket {
        let shard = shard_of(key);
        Ticket { shard, landed: self.shards[shard].landed.load(Ordering::Acquire) }
    }

    /// To be called after a miss, with the ticket from before it.
    pub(crate) fn board(self: &Arc<Self>, key: &Key, ticket: Ticket) -> Boarding {
        let shard = &self.shards[ticket.shard];
        let mut flights = shard.lock();
        if let Some(on_the_way) = flights.get(key) {
            return Boarding::Follow(Arrivals(on_the_way.arrivals.clone()));
        }
        let recheck = shard.landed.load(Ordering::Acquire) != ticket.landed;
        let (announce, arrivals) = watch::channel(None);
        let overtaken = Arc::new(AtomicBool::new(false));
        let on_the_way = OnTheWay { arrivals: arrivals.clone(), overtaken: Arc::clone(&overtaken) };
        flights.insert(key.clone(), on_the_way);
        drop(flights);
        let flight = Flight {
            coalescer: Arc::clone(self),
            shard: ticket.shard,
            key: key.clone(),
            announce,
            overtaken,
        };
        Boarding::Lead { flight, arrivals: Arrivals(arrivals), recheck }
    }

    /// Overtakes the flight of one key, if there is one. To be called before the store is changed.
    pub(crate) fn overtake(&self, key: &Key) {
        if let Some(flight) = self.shards[shard_of(key)].lock().remove(key) {
            flight.overtaken.store(true, Ordering::SeqCst);
        }
    }

    /// Overtakes the flights of every key that `select` chooses.
    pub(crate) fn overtake_where(&self, select: impl Fn(&Key) -> bool) {
        for shard in &self.shards {
            for (_, flight) in shard.lock().extract_if(|key, _| select(key)) {
                flight.overtaken.store(true, Ordering::SeqCst);
            }
        }
    }

    #[cfg(test)]
    fn on_the_way(&self) -> usize {
        self.shards.iter().map(|shard| shard.lock().len()).sum()
    }
}

impl Shard {
    fn lock(&self) -> MutexGuard<'_, HashMap<Key, OnTheWay>> {
        self.flights.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The shard of a key, from its last bytes, where keys differ most. Keys that a user chooses can
/// share a shard on purpose: that shares a lock, and harms nothing else.
fn shard_of(key: &Key) -> usize {
    let text = key.as_str().as_bytes();
    let tail = text.last_chunk::<8>().map_or_else(
        || text.iter().fold(0, |tail, byte| tail << 8 | u64::from(*byte)),
        |tail| u64::from_be_bytes(*tail),
    );
    // Fibonacci hashing: the high bits of the product mix all bits of the tail.
    let mixed = tail.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> (u64::BITS - SHARDS.ilog2());
    usize::try_from(mixed).unwrap_or_default()
}

/// One caller's duty to bring a value. Dropped without landing, it lets the waiters know that
/// nobody comes.
#[derive(Debug)]
pub(crate) struct Flight {
    coalescer: Arc<Coalescer>,
    shard: usize,
    key: Key,
    announce: watch::Sender<Option<Landing>>,
    overtaken: Arc<AtomicBool>,
}

impl Flight {
    pub(crate) fn key(&self) -> &Key {
        &self.key
    }

    /// Whether the key was deleted or set since this flight began, so that its value is old.
    pub(crate) fn is_overtaken(&self) -> bool {
        self.overtaken.load(Ordering::SeqCst)
    }

    /// Ends the flight: whoever comes from now on asks the cache, and whoever waited gets this.
    pub(crate) fn land(self, landing: Landing) {
        self.leave();
        // Nobody may be left who waits.
        let _ = self.announce.send(Some(landing));
    }

    /// Takes this flight, and not one that began after it was overtaken, off the list.
    fn leave(&self) {
        let shard = &self.coalescer.shards[self.shard];
        let mut flights = shard.lock();
        if flights.get(&self.key).is_some_and(|listed| Arc::ptr_eq(&listed.overtaken, &self.overtaken)) {
            flights.remove(&self.key);
            shard.landed.fetch_add(1, Ordering::Release);
        }
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        self.leave();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn landing(text: &'static str) -> Landing {
        Landing {
            value: Ok(Bytes::from_static(text.as_bytes())),
            source: Source::Origin { stored: true },
            expires: None,
        }
    }

    fn lead(boarding: Boarding) -> (Flight, Arrivals, bool) {
        match boarding {
            Boarding::Lead { flight, arrivals, recheck } => (flight, arrivals, recheck),
            Boarding::Follow(_) => panic!("should lead"),
        }
    }

    #[tokio::test]
    async fn the_second_caller_follows_and_gets_what_the_first_brings() {
        let (coalescer, key) = (Arc::new(Coalescer::new()), Key::new("a"));
        let (flight, leader, recheck) = lead(coalescer.board(&key, coalescer.ticket(&key)));
        assert!(!recheck);
        let Boarding::Follow(follower) = coalescer.board(&key, coalescer.ticket(&key)) else {
            panic!("should follow")
        };
        flight.land(landing("x"));
        assert_eq!(leader.landing().await.value.expect("a value"), "x");
        assert_eq!(follower.landing().await.value.expect("a value"), "x");
        assert_eq!(coalescer.on_the_way(), 0);
    }

    #[tokio::test]
    async fn a_flight_that_never_lands_lets_its_followers_go() {
        let (coalescer, key) = (Arc::new(Coalescer::new()), Key::new("a"));
        let (flight, arrivals, _) = lead(coalescer.board(&key, coalescer.ticket(&key)));
        drop(flight);
        assert!(matches!(arrivals.landing().await.value, Err(Failure::Abandoned)));
        assert_eq!(coalescer.on_the_way(), 0);
    }

    #[test]
    fn a_miss_from_before_a_landing_must_be_checked_again() {
        let (coalescer, key) = (Arc::new(Coalescer::new()), Key::new("a"));
        let before = coalescer.ticket(&key);
        let (flight, _, _) = lead(coalescer.board(&key, before));
        flight.land(landing("x"));
        let (_late, _, recheck) = lead(coalescer.board(&key, before));
        assert!(recheck);
    }

    #[test]
    fn an_overtaken_flight_neither_gains_followers_nor_ends_its_successor() {
        let (coalescer, key) = (Arc::new(Coalescer::new()), Key::new("a").id(1));
        let (old, _, _) = lead(coalescer.board(&key, coalescer.ticket(&key)));
        coalescer.overtake_where(|key| key.as_str().starts_with("a:"));
        assert!(old.is_overtaken());
        let (new, _, _) = lead(coalescer.board(&key, coalescer.ticket(&key)));
        old.land(landing("old"));
        assert!(!new.is_overtaken());
        assert!(matches!(coalescer.board(&key, coalescer.ticket(&key)), Boarding::Follow(_)));
        coalescer.overtake(&key);
        assert!(new.is_overtaken());
    }

    #[test]
    fn keys_spread_over_the_shards() {
        let mut used = [false; SHARDS];
        (0..1000).for_each(|id| used[shard_of(&Key::new("product").id(id))] = true);
        assert!(used.iter().filter(|used| **used).count() > SHARDS * 3 / 4);
    }
}
