//! Stampede: many clients ask for a hot key in the moment after it expired.
//!
//! Hit ratios hide it: with and without protection they are 99 % and more, while one expiry costs one
//! origin call or as many as there are clients. So the expiries are made one by one: the key is
//! expired, all clients are released by one barrier, and the origin calls of that moment are counted.

use std::sync::Arc;
use std::time::{Duration, Instant};

use hitmark_schema::scenario::{Point, Series};
use hitmark_schema::{Figure, LoadModel, ScenarioResult, Unit, Variant};
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use crate::plan::fields::{Fields, Notes};
use crate::runner::LoadError;
use crate::scenario::action::Action;
use crate::scenario::client::{Client, Reply};
use crate::scenario::interval;
use crate::scenario::probe::OriginProbe;
use crate::scenario::stage::Stage;
use crate::scenario::timeline::POINTS_MAX;
use crate::scenario::{Context, Entry, Found, Scenario};
use crate::template::Values;

pub(super) const ENTRY: Entry = Entry {
    name: "stampede",
    about: "users ask for a hot key as it expires: origin calls per expiry, herd factor, coalesced share",
    read,
};

const EXPIRIES_MAX: u64 = 1_000;
const HOT_KEYS_MAX: u64 = 1_000;
const SETTLE_S_MAX: f64 = 60.0;
/// How long after a burst a background refresh may still call the origin, unless the plan says more.
const SETTLE_S: f64 = 0.3;

/// The options.
#[derive(Debug)]
struct Stampede {
    /// What makes the key expire.
    expire: Action,
    /// What empties the cache, for a first burst that finds nothing at all.
    flush: Option<Action>,
    expiries: u64,
    hot_keys: u64,
    settle: Duration,
}

fn read(
    notes: &mut Notes<'_>,
    mut fields: Fields<'_, '_>,
    context: &mut Context<'_>,
) -> Option<Arc<dyn Scenario>> {
    context.need_single_request(notes, &fields);
    context.need_users(notes, &fields);
    let expire = Action::required(notes, &mut fields, "expire", context.known);
    let flush = Action::read(notes, &mut fields, "flush", context.known);
    let expiries = fields.whole(notes, "expiries", 1..=EXPIRIES_MAX).unwrap_or(10);
    let hot_keys = fields.whole(notes, "hot_keys", 1..=HOT_KEYS_MAX).unwrap_or(1);
    let settle = fields.number(notes, "settle_s", 0.0, SETTLE_S_MAX).unwrap_or(SETTLE_S);
    if hot_keys > 1 {
        context.need_keys(notes, &fields, "hot_keys");
    }
    fields.finish(notes);
    let settle = Duration::from_secs_f64(settle);
    Some(Arc::new(Stampede { expire: expire?, flush, expiries, hot_keys, settle }))
}

impl Scenario for Stampede {
    fn describe(&self) -> String {
        format!("{} synchronised expiries by {}", self.expiries, self.expire.describe())
    }

    fn run<'s>(&'s self, stage: &'s Stage<'s>) -> Found<'s> {
        Box::pin(async move {
            let mut results = Vec::new();
            for variant in stage.variants() {
                results.push(self.side(stage, variant).await?);
            }
            Ok(results)
        })
    }
}

/// All that one release of the barrier brought.
struct Burst {
    replies: Vec<Reply>,
    origin_calls: Option<u64>,
}

impl Stampede {
    async fn side(&self, stage: &Stage<'_>, variant: Variant) -> Result<ScenarioResult, LoadError> {
        let users = match stage.experiment().load {
            LoadModel::Closed { users } => users,
            LoadModel::Open { in_flight_max, .. } => in_flight_max,
        };
        let mut clients = Vec::new();
        for _ in 0..users {
            clients.push(stage.client(variant)?);
        }
        let mut origin = stage.origin_probe(variant).await;
        let mut cold = None;
        if let Some(flush) = &self.flush {
            self.act(stage, variant, flush).await?;
            cold = Some(self.burst(stage, &mut clients, &mut origin).await);
        } else {
            self.fill(&mut clients).await;
        }
        let mut bursts = Vec::new();
        while (bursts.len() as u64) < self.expiries && !stage.is_stopped() {
            self.act(stage, variant, &self.expire).await?;
            bursts.push(self.burst(stage, &mut clients, &mut origin).await);
        }
        let mut result = stage.result(variant);
        result.figures = self.figures(users, &bursts, cold.as_ref());
        result.series.push(calls_by_expiry(&bursts));
        result.notes = notes_of(&bursts, &origin);
        Ok(result)
    }

    async fn act(&self, stage: &Stage<'_>, variant: Variant, action: &Action) -> Result<(), LoadError> {
        action.perform(stage, variant).await.map_err(|why| stage.failed(why))
    }

    /// Makes sure that every hot key is in the cache, so that what follows is an expiry.
    async fn fill(&self, clients: &mut [Client]) {
        if let Some(client) = clients.first_mut() {
            for key in 1..=self.hot_keys {
                client.ask(&Values { key, ..Values::default() }).await;
            }
        }
    }

    /// Releases all clients at once, each for its key, and counts.
    async fn burst(&self, stage: &Stage<'_>, clients: &mut Vec<Client>, origin: &mut OriginProbe) -> Burst {
        for client in clients.iter_mut() {
            client.connect().await;
        }
        // What the fill and the action called is not the herd's.
        origin.calls(0).await;
        let barrier = Arc::new(Barrier::new(clients.len()));
        let mut tasks = JoinSet::new();
        for (number, mut client) in clients.drain(..).enumerate() {
            let (barrier, key) = (Arc::clone(&barrier), number as u64 % self.hot_keys + 1);
            tasks.spawn(async move {
                barrier.wait().await;
                let reply = client.ask(&Values { key, ..Values::default() }).await;
                (client, reply)
            });
        }
        let mut replies = Vec::new();
        for (client, reply) in tasks.join_all().await {
            clients.push(client);
            replies.push(reply);
        }
        stage.sleep(self.settle).await;
        let told = replies.iter().filter(|reply| reply.is_of_origin()).count() as u64;
        Burst { origin_calls: origin.calls(told).await, replies }
    }

    fn figures(&self, users: usize, bursts: &[Burst], cold: Option<&Burst>) -> Vec<Figure> {
        let calls: Option<Vec<f64>> = bursts.iter().map(|burst| Some(burst.origin_calls? as f64)).collect();
        let calls = calls.unwrap_or_default();
        let herd: Vec<f64> = calls.iter().map(|calls| calls / self.hot_keys as f64).collect();
        let replies: Vec<&Reply> = bursts.iter().flat_map(|burst| &burst.replies).collect();
        let latencies: Vec<f64> = replies.iter().map(|reply| reply.latency().as_secs_f64()).collect();
        let sent = replies.len() as u64;
        let collapsed = replies.iter().filter(|reply| reply.collapsed).count() as f64;
        let errors = replies.iter().filter(|reply| reply.error.is_some()).count() as f64;
        let most = calls.iter().copied().reduce(f64::max);
        let mut figures = vec![
            interval::figure("origin calls per expiry", Unit::Count, &calls),
            Figure::maybe("most origin calls in one expiry", Unit::Count, most, calls.len() as u64),
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
            figures.insert(3, Figure::maybe("origin calls of a cold fill", Unit::Count, calls, 1));
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

fn ratio(part: f64, of: u64) -> Option<f64> {
    (of > 0).then(|| part / of as f64)
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
