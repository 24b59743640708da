//! What is watched between scrapes: events as they come, and the control bus at an interval.
//!
//! It is separate because it must never hold up a scrape: two tasks write what they learn, a scrape
//! reads the last of it with its age. They start with the first scrape and end with the collector.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use hitmark_schema::exposition::Family;
use hitmark_schema::metrics::{CELERY_CONTROL_AGE, CELERY_EVENT_GAPS};
use tokio::task::JoinSet;

use super::super::model::Reading;
use super::control::{self, Answers};
use super::events::Events;
use super::workers::Workers;
use crate::collectors::Ask;
use crate::failure::Failure;
use crate::options::OptionReader;
use crate::redis_client::{RedisClient, Reply};
use crate::tls::TlsOptions;

/// How long workers have to answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(1);
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// Answers that are taken at once.
const POPPED: usize = 16;
/// Answers of one round that are read at most.
const ANSWERS_MAX: usize = 4_000;
/// How long is waited before a lost connection is made again, from and to.
const AGAIN_AFTER: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(30));

/// Whether and how to watch.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    url: Shown,
    tls: TlsOptions,
    timeout: Duration,
    prefix: String,
    events: bool,
    control_every: Option<Duration>,
}

/// A URL that hides what is secret in it.
#[derive(Clone)]
struct Shown(String);

impl std::fmt::Debug for Shown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&hitmark_schema::redact::url(&self.0))
    }
}

/// What runs between scrapes. Dropping it ends it.
#[derive(Debug)]
pub(crate) struct Watch {
    state: Arc<Mutex<State>>,
    has_control: bool,
    _running: JoinSet<()>,
}

/// What was learnt.
#[derive(Debug, Default)]
struct State {
    events: Events,
    workers: Workers,
    is_listening: bool,
    gaps: u64,
    answered: Option<Instant>,
}

impl Plan {
    /// Reads the options `events` and `control_every_s`.
    pub(crate) fn read(
        ask: &Ask<'_>,
        tls: &TlsOptions,
        prefix: &str,
        options: &mut OptionReader<'_>,
    ) -> Self {
        let events = options.flag("events", true);
        let every = options.number("control_every_s", 30.0, 0.0..=3_600.0);
        let control_every = (every > 0.0).then(|| Duration::from_secs_f64(every).max(2 * ANSWER_WITHIN));
        Self {
            url: Shown(ask.url.to_owned()),
            timeout: ask.timeout,
            tls: tls.clone(),
            prefix: prefix.to_owned(),
            events,
            control_every,
        }
    }

    /// Starts to watch. The URL was read before, so a mistake in it cannot come now.
    pub(crate) fn start(&self) -> Watch {
        let workers = self.control_every.map_or_else(Workers::default, Workers::asked_every);
        let state = Arc::new(Mutex::new(State { workers, ..State::default() }));
        let mut running = JoinSet::new();
        let client = || RedisClient::new(&self.url.0, self.timeout, &self.tls).ok();
        let db = client().and_then(|client| u32::try_from(client.database()).ok()).unwrap_or(0);
        if let Some(client) = client().filter(|_| self.events) {
            let channel = format!("{}/{db}.celeryev", self.prefix);
            running.spawn(listen(client, channel, Arc::clone(&state)));
        }
        if let (Some(client), Some(every)) = (client(), self.control_every) {
            let bus = Bus::new(client, &self.prefix, db);
            running.spawn(control(bus, every, Arc::clone(&state)));
        }
        Watch { state, has_control: self.control_every.is_some(), _running: running }
    }
}

impl Watch {
    /// Adds the last known state to what the broker told.
    pub(crate) fn add_to(&self, reading: &mut Reading) {
        let (state, now) = (lock(&self.state), Instant::now());
        let families = &mut reading.compatible;
        families.extend(state.events.families());
        families.push(Family::single(CELERY_EVENT_GAPS, state.gaps as f64));
        // Who could not listen does not know who is down.
        if state.is_listening || self.has_control {
            families.extend(state.workers.families(now));
        }
        let Some(answered) = state.answered else { return };
        families.push(Family::single(CELERY_CONTROL_AGE, now.duration_since(answered).as_secs_f64()));
        let names: Vec<&str> = reading.queues.iter().map(|queue| queue.name.as_str()).collect();
        families.extend(state.workers.consumer_families(&names));
        for queue in &mut reading.queues {
            queue.workers = Some(state.workers.consuming(&queue.name));
        }
    }
}

// Held for moments, never across an await.
fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Reads events for ever. Each break of the connection is a gap in the counters, and counted.
async fn listen(client: RedisClient, channel: String, state: Arc<Mutex<State>>) {
    let patterns = [channel.clone(), format!("{channel}/*")];
    let mut again_after = AGAIN_AFTER.0;
    loop {
        match client.listen(&patterns).await {
            Ok(mut listening) => {
                again_after = AGAIN_AFTER.0;
                {
                    let mut state = lock(&state);
                    state.is_listening = true;
                    state.workers.listen_anew(Instant::now());
                }
                while let Some(text) = listening.next().await {
                    let state = &mut *lock(&state);
                    state.events.absorb(&text, &mut state.workers, Instant::now());
                }
                let mut state = lock(&state);
                state.is_listening = false;
                state.gaps += 1;
            }
            Err(failure) => tracing::debug!(%failure, "celery's events are out of reach"),
        }
        tokio::time::sleep(again_after).await;
        again_after = (again_after * 2).min(AGAIN_AFTER.1);
    }
}

/// Asks the workers for ever.
async fn control(bus: Bus, every: Duration, state: Arc<Mutex<State>>) {
    let mut ticks = tokio::time::interval(every);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let (mut expected, mut round) = (0, 0);
    loop {
        ticks.tick().await;
        round += 1;
        match bus.ask(round, expected).await {
            Ok(answers) => {
                expected = answers.by_worker.len();
                if expected > 0 {
                    let (mut state, now) = (lock(&state), Instant::now());
                    state.workers.answered(&answers, now);
                    state.answered = Some(now);
                }
            }
            Err(failure) => tracing::debug!(%failure, "celery's control bus is out of reach"),
        }
    }
}

/// The control bus of one broker, and our place on it.
struct Bus {
    client: RedisClient,
    channel: String,
    /// What workers are told to answer to, and its key: they put the prefix before it themselves.
    reply_to: String,
    replies: String,
}

impl Bus {
    fn new(client: RedisClient, prefix: &str, db: u32) -> Self {
        // A list of our own among all exporters that ask the same broker.
        let started = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
        let reply_to = format!("hitmark-{}-{started}.reply.celery.pidbox", std::process::id());
        let channel = format!("{prefix}{}", control::channel(db));
        Self { client, channel, replies: format!("{prefix}{reply_to}"), reply_to }
    }

    /// One round: publishes, and takes answers until all are there or the time is over.
    async fn ask(&self, round: u64, expected: usize) -> Result<Answers, Failure> {
        let requests = control::requests(round, &self.reply_to);
        let publish: Vec<[&str; 3]> =
            requests.iter().map(|request| ["PUBLISH", &self.channel, request]).collect();
        let commands: Vec<&[&str]> = publish.iter().map(|command| &command[..]).collect();
        self.client.ask(&commands, ANSWER_WITHIN).await?;
        let (mut answers, mut taken) = (Answers::default(), 0);
        let pop: &[&str] = &["RPOP", &self.replies];
        let deadline = Instant::now() + ANSWER_WITHIN;
        while Instant::now() < deadline && taken < ANSWERS_MAX && !answers.is_whole(expected) {
            let before = taken;
            for reply in self.client.ask(&[pop; POPPED], ANSWER_WITHIN).await? {
                if let Reply::Text(text) = reply {
                    taken += 1;
                    answers.absorb(round, &text);
                }
            }
            if taken == before {
                tokio::time::sleep(LOOK_EVERY).await;
            }
        }
        // What comes later still is taken away with the next round's answers.
        self.client.ask(&[&["DEL", &self.replies]], ANSWER_WITHIN).await?;
        Ok(answers)
    }
}
