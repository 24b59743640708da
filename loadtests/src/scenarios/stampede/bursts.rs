//! Expiries one by one: the key is expired, all clients are released by one barrier, and the origin
//! calls of that moment are counted.

use std::sync::Arc;
use std::time::{Duration, Instant};

use hitmark_schema::scenario::{Point, Series};
use hitmark_schema::{Figure, ScenarioResult, Unit, Variant};
use rand::SeedableRng;
use rand::rngs::SmallRng;
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use super::{Stampede, act, ratio};
use crate::runner::LoadError;
use crate::scenario::action::Action;
use crate::scenario::client::{Client, Reply};
use crate::scenario::probe::OriginProbe;
use crate::scenario::stage::Stage;
use crate::scenario::timeline::POINTS_MAX;
use crate::scenario::{crowd, interval, peak};
use crate::template::Values;

/// The options of this course.
pub(super) struct Bursts<'a> {
    pub(super) of: &'a Stampede,
    pub(super) expire: &'a Action,
    pub(super) expiries: u64,
    pub(super) settle: Duration,
}

/// All that one release of the barrier brought.
struct Burst {
    replies: Vec<Reply>,
    origin_calls: Option<u64>,
    /// Origin calls under way at the same moment.
    most_at_once: u64,
}

impl Bursts<'_> {
    pub(super) async fn side(
        &self,
        stage: &Stage<'_>,
        variant: Variant,
        mut clients: Vec<Client>,
    ) -> Result<ScenarioResult, LoadError> {
        let users = clients.len();
        let mut chance = SmallRng::seed_from_u64(stage.run().seed);
        let mut origin = stage.origin_probe(variant).await;
        let mut cold = None;
        if let Some(flush) = &self.of.flush {
            act(stage, variant, flush).await?;
            cold = Some(self.burst(stage, variant, &mut clients, &mut origin, &mut chance).await);
        } else {
            self.fill(&mut clients).await;
        }
        let mut bursts = Vec::new();
        while (bursts.len() as u64) < self.expiries && !stage.is_stopped() {
            act(stage, variant, self.expire).await?;
            bursts.push(self.burst(stage, variant, &mut clients, &mut origin, &mut chance).await);
        }
        let mut result = stage.result(variant);
        result.figures = self.figures(users, &bursts, cold.as_ref());
        result.series.push(calls_by_expiry(&bursts));
        result.notes = notes_of(&bursts, &origin);
        Ok(result)
    }

    /// Makes sure that every hot key is in the cache, so that what follows is an expiry.
    async fn fill(&self, clients: &mut [Client]) {
        if let Some(client) = clients.first_mut() {
            for key in 1..=self.of.hot_keys {
                client.ask(&Values { key, ..Values::default() }).await;
            }
        }
    }

    /// Releases all clients at once, each for its key, and counts.
    async fn burst(
        &self,
        stage: &Stage<'_>,
        variant: Variant,
        clients: &mut Vec<Client>,
        origin: &mut OriginProbe,
        chance: &mut SmallRng,
    ) -> Burst {
        for client in clients.iter_mut() {
            client.connect().await;
        }
        // What the fill and the action called is not the herd's.
        origin.calls(0).await;
        let work = async {
            let replies = self.release(clients, chance).await;
            stage.sleep(self.settle).await;
            replies
        };
        let (replies, told) = if origin.asks_the_service() {
            peak::during(stage, variant, work).await
        } else {
            (work.await, None)
        };
        let of_origin = || replies.iter().filter(|reply| reply.is_of_origin());
        let spans: Vec<_> = of_origin().map(|reply| (reply.started, reply.ended)).collect();
        let most_at_once = told.unwrap_or_else(|| peak::most_at_once(&spans));
        Burst { origin_calls: origin.calls(of_origin().count() as u64).await, most_at_once, replies }
    }

    /// Lets every client ask once, all from one moment on, and waits for the answers.
    async fn release(&self, clients: &mut Vec<Client>, chance: &mut SmallRng) -> Vec<Reply> {
        let barrier = Arc::new(Barrier::new(clients.len()));
        let mut tasks = JoinSet::new();
        for (number, mut client) in clients.drain(..).enumerate() {
            let (barrier, key) = (Arc::clone(&barrier), number as u64 % self.of.hot_keys + 1);
            let late = crowd::within(chance, (Duration::ZERO, self.of.jitter));
            tasks.spawn(async move {
                barrier.wait().await;
                if !late.is_zero() {
                    tokio::time::sleep(late).await;
                }
                let reply = client.ask(&Values { key, ..Values::default() }).await;
                (client, reply)
            });
        }
        let mut replies = Vec::new();
        for (client, reply) in tasks.join_all().await {
            clients.push(client);
            replies.push(reply);
        }
        replies
    }

    fn figures(&self, users: usize, bursts: &[Burst], cold: Option<&Burst>) -> Vec<Figure> {
        let calls: Option<Vec<f64>> = bursts.iter().map(|burst| Some(burst.origin_calls? as f64)).collect();
        let calls = calls.unwrap_or_default();
        let herd: Vec<f64> = calls.iter().map(|calls| calls / self.of.hot_keys as f64).collect();
        let replies: Vec<&Reply> = bursts.iter().flat_map(|burst| &burst.replies).collect();
        let latencies: Vec<f64> = replies.iter().map(|reply| reply.latency().as_secs_f64()).collect();
        let sent = replies.len() as u64;
        let collapsed = replies.iter().filter(|reply| reply.collapsed).count() as f64;
        let errors = replies.iter().filter(|reply| reply.error.is_some()).count() as f64;
        let at_once = bursts.iter().chain(cold).map(|burst| burst.most_at_once).max();
        let most = calls.iter().copied().reduce(f64::max);
        let mut figures = vec![
            interval::figure("origin calls per expiry", Unit::Count, &calls),
            Figure::maybe("most origin calls in one expiry", Unit::Count, most, calls.len() as u64),
            Figure::maybe(
                "peak origin concurrency",
                Unit::Count,
                at_once.map(|most| most as f64),
                bursts.len() as u64,
            ),
            interval::figure("herd factor", Unit::Ratio, &herd),
            Figure::maybe("coalesced share", Unit::Share, ratio(collapsed, sent), sent),
            Figure::maybe("p50", Unit::Seconds, interval::quantile(&latencies, 0.5), sent),
            Figure::maybe("p99", Unit::Seconds, interval::quantile(&latencies, 0.99), sent),
            Figure::exact("clients", Unit::Count, users as f64, 1),
            Figure::exact("expiries", Unit::Count, bursts.len() as f64, 1),
            Figure::maybe("failed requests", Unit::Share, ratio(errors, sent), sent),
            Figure::maybe("release spread", Unit::Seconds, spread(bursts), bursts.len() as u64),
        ];
        if let Some(cold) = cold {
            let calls = cold.origin_calls.map(|calls| calls as f64);
            figures.insert(4, Figure::maybe("origin calls of a cold fill", Unit::Count, calls, 1));
        }
        figures
    }
}

/// The origin calls of each expiry, as they came.
fn calls_by_expiry(bursts: &[Burst]) -> Series {
    let point = |(place, burst): (usize, &Burst)| {
        Point::plain((place + 1) as f64, burst.origin_calls.map(|calls| calls as f64))
    };
    Series {
        name: "origin calls".to_owned(),
        unit: Unit::Count,
        over: "expiry".to_owned(),
        points: bursts.iter().enumerate().take(POINTS_MAX).map(point).collect(),
    }
}

/// The longest time between the first and the last request of a burst: a herd that is spread over more
/// than an origin call is none.
fn spread(bursts: &[Burst]) -> Option<f64> {
    let of = |burst: &Burst| {
        let starts = || burst.replies.iter().map(|reply| reply.started);
        let (first, last): (Instant, Instant) = starts().min().zip(starts().max())?;
        Some((last - first).as_secs_f64())
    };
    bursts.iter().filter_map(of).reduce(f64::max)
}

fn notes_of(bursts: &[Burst], origin: &OriginProbe) -> Vec<String> {
    let mut notes = vec![origin.note().to_owned()];
    if bursts.iter().any(|burst| burst.origin_calls.is_none()) {
        notes.push("the service's count of origin calls could not be read after every expiry".to_owned());
    }
    let why = bursts.iter().flat_map(|burst| &burst.replies).find_map(|reply| reply.error.as_deref());
    if let Some(why) = why {
        notes.push(format!("requests failed, the first one: {why}"));
    }
    notes
}
