//! A crowd: clients that ask for a few keys again and again, each pausing between its requests.
//!
//! It is the closed load of a scenario that has to look at single answers: which of them say that they
//! were made for their own request, and how many of those at once. Comparisons of latency go through the
//! engine; a crowd keeps one histogram and counts, and its room does not grow with its requests beyond
//! [`SPANS_MAX`].

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use hitmark_schema::Outcome;
use hitmark_schema::measurement::latency_histogram;
use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::client::{Client, Reply};
use super::peak::most_at_once;
use crate::template::Values;

/// Origin calls whose times are kept to lay them over each other.
pub const SPANS_MAX: usize = 1_000_000;

/// The shortest pause after a failure: a service that refuses is not to be asked without end.
const AFTER_FAILURE: Duration = Duration::from_millis(10);

/// How a crowd behaves.
#[derive(Debug, Clone)]
pub struct Manners {
    /// The pause of a client after each answer, from and to.
    pub think: (Duration, Duration),
    /// Each client begins at a moment of its own within this time.
    pub jitter: Duration,
    /// The keys; each client asks for one of them.
    pub keys: u64,
    /// Requests that take longer are counted apart.
    pub slow: Duration,
    /// The seed of pauses and beginnings.
    pub seed: u64,
}

/// What a crowd saw.
#[derive(Debug)]
pub struct Seen {
    /// Requests that were sent and came to an end.
    pub requests: u64,
    /// Answers out of the cache, fresh or stale.
    pub hits: u64,
    /// Answers that say whether the cache had them.
    pub told: u64,
    /// Answers that were joined with others into one origin call.
    pub collapsed: u64,
    /// Requests that took longer than was said.
    pub slow: u64,
    /// Requests that failed.
    pub failed: u64,
    /// Why the first of them did.
    pub first_failure: Option<String>,
    /// Latencies in nanoseconds, failed requests as well.
    pub latencies: Histogram<u64>,
    /// Origin calls by their answers.
    pub of_origin: u64,
    spans: Vec<(Instant, Instant)>,
}

impl Seen {
    fn new() -> Self {
        Self {
            requests: 0,
            hits: 0,
            told: 0,
            collapsed: 0,
            slow: 0,
            failed: 0,
            first_failure: None,
            latencies: latency_histogram(),
            of_origin: 0,
            spans: Vec::new(),
        }
    }

    fn note(&mut self, reply: &Reply, slow: Duration) {
        self.requests += 1;
        let latency = reply.latency();
        self.slow += u64::from(latency > slow);
        self.latencies.saturating_record(u64::try_from(latency.as_nanos()).unwrap_or(u64::MAX).max(1));
        if let Some(why) = &reply.error {
            self.failed += 1;
            self.first_failure.get_or_insert_with(|| why.clone());
            return;
        }
        self.told += u64::from(reply.outcome != Outcome::Unknown);
        self.hits += u64::from(matches!(reply.outcome, Outcome::Hit | Outcome::Stale));
        self.collapsed += u64::from(reply.collapsed);
        if reply.is_of_origin() {
            self.of_origin += 1;
            if self.spans.len() < SPANS_MAX {
                self.spans.push((reply.started, reply.ended));
            }
        }
    }

    /// The most answers at once that were made for their own request; none if there were more than
    /// [`SPANS_MAX`] of them.
    #[must_use]
    pub fn most_at_once(&self) -> Option<u64> {
        (self.of_origin == self.spans.len() as u64).then(|| most_at_once(&self.spans))
    }

    /// A latency quantile in seconds; none without a request.
    #[must_use]
    pub fn quantile_s(&self, share: f64) -> Option<f64> {
        (self.requests > 0).then(|| self.latencies.value_at_quantile(share) as f64 / 1e9)
    }
}

/// Lets clients ask until a work beside them is done; what they saw, and what the work gave.
pub async fn until<T>(clients: Vec<Client>, manners: &Manners, work: impl Future<Output = T>) -> (Seen, T) {
    let seen = Arc::new(Mutex::new(Seen::new()));
    let (close, closing) = watch::channel(false);
    let mut tasks = JoinSet::new();
    for (number, client) in clients.into_iter().enumerate() {
        let member = Member {
            key: number as u64 % manners.keys + 1,
            chance: SmallRng::seed_from_u64(manners.seed ^ crate::keys::mix(number as u64)),
            client,
            manners: manners.clone(),
            closing: closing.clone(),
        };
        tasks.spawn(member.ask_on(Arc::clone(&seen)));
    }
    let done = work.await;
    // Everybody may have left already, each for a request that cannot be sent.
    let _ = close.send(true);
    while tasks.join_next().await.is_some() {}
    let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
    (std::mem::replace(&mut *seen, Seen::new()), done)
}

/// One client of a crowd.
struct Member {
    key: u64,
    chance: SmallRng,
    client: Client,
    manners: Manners,
    closing: watch::Receiver<bool>,
}

impl Member {
    async fn ask_on(mut self, seen: Arc<Mutex<Seen>>) {
        let late = within(&mut self.chance, (Duration::ZERO, self.manners.jitter));
        self.client.connect().await;
        self.pause(late).await;
        while !*self.closing.borrow() {
            let reply = self.client.ask(&Values { key: self.key, ..Values::default() }).await;
            seen.lock().unwrap_or_else(PoisonError::into_inner).note(&reply, self.manners.slow);
            let pause = within(&mut self.chance, self.manners.think);
            let pause = if reply.error.is_some() { pause.max(AFTER_FAILURE) } else { pause };
            self.pause(pause).await;
            // A failed request may have closed the connection; the next one is not to pay for it.
            self.client.connect().await;
        }
    }

    /// Waits, but no longer than the crowd is there.
    async fn pause(&mut self, time: Duration) {
        let _ = tokio::time::timeout(time, self.closing.wait_for(|closing| *closing)).await;
    }
}

/// A time between two.
pub(crate) fn within(chance: &mut SmallRng, (from, to): (Duration, Duration)) -> Duration {
    if to <= from { from } else { chance.random_range(from..=to) }
}
