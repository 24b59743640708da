//! Joining of concurrent misses: one flight to the origin for each key, and everyone else waits for
//! its landing.
//!
//! A caller takes a [`Ticket`] before it asks the cache and boards with it after a miss. If any
//! flight of its shard landed in between, its miss may be out of date, and the leader is told to
//! ask the cache once more before it goes to the origin. So a second call is never made for a value
//! that was stored a moment ago, and the usual miss still costs one lookup.
//!
//! An invalidation overtakes the flights of its keys and tags: callers that come after it start a
//! new flight, and what the old one brings is not kept. A flight that is storing already cannot be
//! stopped; it is handed to the invalidation, which waits for its end before it removes anything.
//! This holds within one process.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::watch;

use crate::clock::UnixMs;
use crate::entry::Kind;
use crate::error::Failure;
use crate::key::Key;
use crate::served::Source;
use crate::tag::Tag;

/// Flights are spread over this many locks, a power of two.
const SHARDS: usize = 64;

/// What a flight brought back, for its leader and for everyone who waited.
#[derive(Debug, Clone)]
pub(crate) struct Landing {
    pub(crate) value: Result<(Kind, Bytes), Failure>,
    /// Where the leader's value came from.
    pub(crate) source: Source,
    /// When the origin brought it, if that was before this flight.
    pub(crate) stored: Option<UnixMs>,
    /// Until when it is fresh in the cache, if it is there.
    pub(crate) expires: Option<UnixMs>,
    /// Whether the store refused it, since another process has invalidated it meanwhile. Who boarded
    /// after that must not be given it.
    pub(crate) is_refused: bool,
}

impl Landing {
    /// A flight that brought no value.
    pub(crate) const fn failed(failure: Failure, source: Source) -> Self {
        Self { value: Err(failure), source, stored: None, expires: None, is_refused: false }
    }
}

/// Waits for a flight that somebody makes.
#[derive(Debug)]
pub(crate) struct Arrivals(watch::Receiver<Option<Landing>>);

impl Arrivals {
    /// What the flight brought, or [`Failure::Abandoned`] if it will never land.
    pub(crate) async fn landing(mut self) -> Landing {
        let landed = self.0.wait_for(Option::is_some).await;
        let landing = landed.ok().and_then(|landing| landing.clone());
        landing.unwrap_or(Landing::failed(Failure::Abandoned, Source::Collapsed))
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
    /// The key's, for whoever else needs it.
    pub(crate) fingerprint: u64,
    landed: u64,
}

impl Ticket {
    const fn shard(self) -> usize {
        shard_of(self.fingerprint)
    }
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
    flights: Mutex<Flights>,
}

#[derive(Debug, Default)]
struct Flights {
    /// Those that a caller may join.
    open: HashMap<Key, OnTheWay>,
    /// Those that nobody may join: flown alone, or overtaken while they stored.
    closed: Vec<(Key, OnTheWay)>,
}

#[derive(Debug, Clone)]
struct OnTheWay {
    arrivals: watch::Receiver<Option<Landing>>,
    phase: Arc<AtomicU8>,
    tags: Option<Arc<[Tag]>>,
}

/// The origin has not answered yet.
const FLYING: u8 = 0;
/// The value is being stored.
const STORING: u8 = 1;
/// The value is old before it came: it will not be stored, or will be removed after it.
const OVERTAKEN: u8 = 2;
/// Overtaken while it was being stored.
const OVERTAKEN_STORING: u8 = 3;

impl OnTheWay {
    /// Marks the flight; what must be waited for if it is storing.
    fn overtake(&self) -> Option<Arrivals> {
        let next =
            |phase| Some(if matches!(phase, FLYING | OVERTAKEN) { OVERTAKEN } else { OVERTAKEN_STORING });
        let before = self.phase.fetch_update(Ordering::SeqCst, Ordering::SeqCst, next);
        let is_storing = matches!(before, Ok(STORING | OVERTAKEN_STORING));
        is_storing.then(|| Arrivals(self.arrivals.clone()))
    }
}

impl Coalescer {
    pub(crate) fn new() -> Self {
        Self { shards: std::array::from_fn(|_| Shard::default()) }
    }

    /// To be taken before the cache is asked. Costs a few nanoseconds, and takes no lock.
    pub(crate) fn ticket(&self, key: &Key) -> Ticket {
        let fingerprint = key.fingerprint();
        Ticket { fingerprint, landed: self.shards[shard_of(fingerprint)].landed.load(Ordering::Acquire) }
    }

    /// To be called after a miss, with the ticket from before it. The tags are those that the value
    /// will carry.
    pub(crate) fn board(self: &Arc<Self>, key: &Key, ticket: Ticket, tags: Option<Arc<[Tag]>>) -> Boarding {
        let shard = &self.shards[ticket.shard()];
        let mut flights = shard.lock();
        if let Some(on_the_way) = flights.open.get(key) {
            return Boarding::Follow(Arrivals(on_the_way.arrivals.clone()));
        }
        let recheck = shard.landed.load(Ordering::Acquire) != ticket.landed;
        let (flight, on_the_way) = self.flight(key, ticket, tags);
        let arrivals = Arrivals(on_the_way.arrivals.clone());
        flights.open.insert(key.clone(), on_the_way);
        drop(flights);
        Boarding::Lead { flight, arrivals, recheck }
    }

    /// A flight that nobody joins; invalidations overtake it like any other.
    pub(crate) fn board_alone(
        self: &Arc<Self>,
        key: &Key,
        ticket: Ticket,
        tags: Option<Arc<[Tag]>>,
    ) -> Boarding {
        let (flight, on_the_way) = self.flight(key, ticket, tags);
        let arrivals = Arrivals(on_the_way.arrivals.clone());
        self.shards[ticket.shard()].lock().closed.push((key.clone(), on_the_way));
        Boarding::Lead { flight, arrivals, recheck: false }
    }

    fn flight(self: &Arc<Self>, key: &Key, ticket: Ticket, tags: Option<Arc<[Tag]>>) -> (Flight, OnTheWay) {
        let (announce, arrivals) = watch::channel(None);
        let phase = Arc::new(AtomicU8::new(FLYING));
        let on_the_way = OnTheWay { arrivals, phase: Arc::clone(&phase), tags };
        let coalescer = Arc::clone(self);
        (Flight { coalescer, shard: ticket.shard(), key: key.clone(), announce, phase }, on_the_way)
    }

    /// Overtakes the flights of one key. To be called, and what it returns to be waited for, before
    /// the store is changed.
    #[must_use]
    pub(crate) fn overtake(&self, key: &Key) -> Storing {
        let mut storing = Storing::default();
        self.shards[shard_of(key.fingerprint())].overtake(&mut storing, |flown, _| flown == key);
        storing
    }

    /// Overtakes every flight that `select` chooses by its key and tags.
    #[must_use]
    pub(crate) fn overtake_where(&self, select: impl Fn(&Key, &[Tag]) -> bool) -> Storing {
        let mut storing = Storing::default();
        for shard in &self.shards {
            shard.overtake(&mut storing, &select);
        }
        storing
    }

    #[cfg(test)]
    fn on_the_way(&self) -> usize {
        let count = |shard: &Shard| {
            let flights = shard.lock();
            flights.open.len() + flights.closed.len()
        };
        self.shards.iter().map(count).sum()
    }
}

/// Flights that were overtaken too late to be kept from storing.
#[derive(Debug, Default)]
pub(crate) struct Storing(Vec<Arrivals>);

impl Storing {
    /// Waits until none of them stores any more: at most as long as the backend takes for a store.
    pub(crate) async fn ended(self) {
        for arrivals in self.0 {
            arrivals.landing().await;
        }
    }
}

impl Shard {
    fn lock(&self) -> MutexGuard<'_, Flights> {
        self.flights.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn overtake(&self, storing: &mut Storing, select: impl Fn(&Key, &[Tag]) -> bool) {
        let chosen = |key: &Key, flight: &OnTheWay| select(key, flight.tags.as_deref().unwrap_or_default());
        let mut flights = self.lock();
        let Flights { open, closed } = &mut *flights;
        for (key, flight) in closed.iter() {
            if chosen(key, flight) {
                storing.0.extend(flight.overtake());
            }
        }
        for (key, flight) in open.extract_if(|key, flight| chosen(key, flight)) {
            if let Some(arrivals) = flight.overtake() {
                storing.0.push(arrivals);
                // Later invalidations must find it too.
                closed.push((key, flight));
            }
        }
    }
}

/// The shard of a key. Keys that a user chooses can share a shard on purpose: that shares a lock, and
/// harms nothing else.
const fn shard_of(fingerprint: u64) -> usize {
    fingerprint as usize % SHARDS
}

/// One caller's duty to bring a value. Dropped without landing, it lets the waiters know that
/// nobody comes.
#[derive(Debug)]
pub(crate) struct Flight {
    coalescer: Arc<Coalescer>,
    shard: usize,
    key: Key,
    announce: watch::Sender<Option<Landing>>,
    phase: Arc<AtomicU8>,
}

impl Flight {
    pub(crate) fn key(&self) -> &Key {
        &self.key
    }

    /// Whether an invalidation came since this flight began, so that its value is old.
    pub(crate) fn is_overtaken(&self) -> bool {
        matches!(self.phase.load(Ordering::SeqCst), OVERTAKEN | OVERTAKEN_STORING)
    }

    /// Whether the value may be stored. From here to the landing, invalidations wait.
    pub(crate) fn begin_storing(&self) -> bool {
        self.phase.compare_exchange(FLYING, STORING, Ordering::SeqCst, Ordering::SeqCst).is_ok()
    }

    /// Ends the flight: whoever comes from now on asks the cache, and whoever waited gets this.
    pub(crate) fn land(self, landing: Landing) {
        self.leave();
        // Nobody may be left who waits.
        let _ = self.announce.send(Some(landing));
    }

    /// Takes this flight, and not one that began after it was overtaken, off the lists.
    fn leave(&self) {
        let shard = &self.coalescer.shards[self.shard];
        let mut flights = shard.lock();
        let is_this = |listed: &OnTheWay| Arc::ptr_eq(&listed.phase, &self.phase);
        if flights.open.get(&self.key).is_some_and(is_this) {
            flights.open.remove(&self.key);
            shard.landed.fetch_add(1, Ordering::Release);
        } else {
            flights.closed.retain(|(_, listed)| !is_this(listed));
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
        let value = Ok((Kind::Value, Bytes::from_static(text.as_bytes())));
        Landing {
            value,
            source: Source::Origin { stored: true },
            stored: None,
            expires: None,
            is_refused: false,
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
        let (flight, leader, recheck) = lead(coalescer.board(&key, coalescer.ticket(&key), None));
        assert!(!recheck);
        let Boarding::Follow(follower) = coalescer.board(&key, coalescer.ticket(&key), None) else {
            panic!("should follow")
        };
        flight.land(landing("x"));
        assert_eq!(leader.landing().await.value.expect("a value").1, "x");
        assert_eq!(follower.landing().await.value.expect("a value").1, "x");
        assert_eq!(coalescer.on_the_way(), 0);
    }

    #[tokio::test]
    async fn a_flight_that_never_lands_lets_its_followers_go() {
        let (coalescer, key) = (Arc::new(Coalescer::new()), Key::new("a"));
        let (flight, arrivals, _) = lead(coalescer.board(&key, coalescer.ticket(&key), None));
        drop(flight);
        assert!(matches!(arrivals.landing().await.value, Err(Failure::Abandoned)));
        assert_eq!(coalescer.on_the_way(), 0);
    }

    #[test]
    fn a_miss_from_before_a_landing_must_be_checked_again() {
        let (coalescer, key) = (Arc::new(Coalescer::new()), Key::new("a"));
        let before = coalescer.ticket(&key);
        let (flight, _, _) = lead(coalescer.board(&key, before, None));
        flight.land(landing("x"));
        let (_late, _, recheck) = lead(coalescer.board(&key, before, None));
        assert!(recheck);
    }

    #[test]
    fn an_overtaken_flight_neither_gains_followers_nor_ends_its_successor() {
        let (coalescer, key) = (Arc::new(Coalescer::new()), Key::new("a").id(1));
        let (old, _, _) = lead(coalescer.board(&key, coalescer.ticket(&key), None));
        let storing = coalescer.overtake_where(|key, _| key.as_str().starts_with("a:"));
        assert!(storing.0.is_empty());
        assert!(old.is_overtaken());
        let (new, _, _) = lead(coalescer.board(&key, coalescer.ticket(&key), None));
        old.land(landing("old"));
        assert!(!new.is_overtaken());
        assert!(matches!(coalescer.board(&key, coalescer.ticket(&key), None), Boarding::Follow(_)));
        assert!(coalescer.overtake(&key).0.is_empty());
        assert!(new.is_overtaken() && !new.begin_storing());
    }

    #[tokio::test]
    async fn every_invalidation_waits_for_a_flight_that_is_storing() {
        let (coalescer, key) = (Arc::new(Coalescer::new()), Key::new("a"));
        let tags: Arc<[Tag]> = [Tag::new("t")].into();
        let Boarding::Lead { flight, .. } = coalescer.board(&key, coalescer.ticket(&key), Some(tags)) else {
            panic!("should lead")
        };
        assert!(flight.begin_storing());
        let by_tag = coalescer.overtake_where(|_, tags| tags.contains(&Tag::new("t")));
        let by_key = coalescer.overtake(&key);
        assert_eq!((by_tag.0.len(), by_key.0.len()), (1, 1));
        let mut waiting = Box::pin(by_key.ended());
        assert!(futures::poll!(&mut waiting).is_pending());
        assert!(matches!(coalescer.board(&key, coalescer.ticket(&key), None), Boarding::Lead { .. }));
        flight.land(landing("old"));
        waiting.await;
        by_tag.ended().await;
        assert_eq!(coalescer.on_the_way(), 0);
    }

    #[test]
    fn a_flight_alone_is_not_joined_but_overtaken() {
        let (coalescer, key) = (Arc::new(Coalescer::new()), Key::new("a"));
        let (one, _, _) = lead(coalescer.board_alone(&key, coalescer.ticket(&key), None));
        let (other, _, _) = lead(coalescer.board_alone(&key, coalescer.ticket(&key), None));
        assert!(coalescer.overtake(&key).0.is_empty());
        assert!(one.is_overtaken() && other.is_overtaken());
        drop((one, other));
        assert_eq!(coalescer.on_the_way(), 0);
    }

    #[test]
    fn keys_spread_over_the_shards() {
        let mut used = [false; SHARDS];
        (0..1000).for_each(|id| used[shard_of(Key::new("product").id(id).fingerprint())] = true);
        assert!(used.iter().filter(|used| **used).count() > SHARDS * 3 / 4);
    }
}
