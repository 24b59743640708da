//! Redis and Valkey: one pipelined round trip, then a pure parse, under redis_exporter's names.
//!
//! A default scrape sends no command that reads a key, so it adds nothing to the hits and misses
//! that it reports; what configured keys add is counted and subtracted (`redis/effect.rs`). The
//! table of fields is `redis/fields.rs`; each further reply has a file in `redis/`.

mod census;
mod clients;
mod cluster;
mod commandlog;
mod config;
mod effect;
mod estimate;
mod fields;
mod further;
mod hot;
mod info;
mod keys;
mod known;
mod latency;
mod lines;
mod modules;
mod options;
mod rounds;
mod sample;
mod search;
mod sentinel;
mod slots;
mod slowlog;
mod streams;
mod tier;
#[cfg(test)]
mod trials;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use futures::FutureExt;
use futures::future::BoxFuture;
use hitmark_schema::exposition::Family;
use hitmark_schema::metrics::{
    REDIS_CONFIG_MAXCLIENTS, REDIS_CONFIG_MAXMEMORY, REDIS_LAST_CONNECT_SECONDS, REDIS_LAST_SCRAPE_ERROR,
    REDIS_LAST_SCRAPE_SECONDS, REDIS_LAST_SLOW_EXECUTION, REDIS_LATENCIES_AGE, REDIS_SLOWLOG_LAST_ID,
    REDIS_SLOWLOG_LENGTH, REDIS_UP,
};

use super::{Ask, Built, Collected, Collector, Kind, Labelled, Step};
use crate::config::redacted;
use crate::failure::Failure;
use crate::induced::Lookups;
use crate::options::OptionReader;
use crate::redis_client::slots::Slots;
use crate::redis_client::{Command, RedisClient, Reply};
use crate::tls::TlsOptions;
use census::Census;
use commandlog::CommandLog;
use effect::Effect;
use hot::HotKeys;
pub use known::{NOT_EXPORTED, unknown_fields};
use options::RedisOptions;
use sample::Sample;
use slowlog::SlowLog;
use tier::Tier;

/// This collector's line in the list.
pub const KIND: Kind = Kind { name: "redis", key: "redis", build };
/// Every node of a cluster, found from one of them.
pub const CLUSTER: Kind = Kind { name: "redis_cluster", key: "redis_cluster", build: cluster::build };

/// What is asked, in one round trip. Only the first must succeed: rights may be missing for the rest.
const COMMANDS: &[Command<'static>] = &[
    &["INFO", "ALL"],
    // One pattern, since servers before 7.0 take only one.
    &["CONFIG", "GET", "max*"],
    &["CONFIG", "GET", "databases"],
    &["SLOWLOG", "LEN"],
    // As many as `slowlog::ASKED`.
    &["SLOWLOG", "GET", "4"],
    &["LATENCY", "LATEST"],
];

/// From 7.0 on: older servers would count the question as an error.
const HISTOGRAM: Command<'static> = &["LATENCY", "HISTOGRAM"];

/// A server and how it is shown.
#[derive(Debug)]
struct RedisCollector {
    client: RedisClient,
    target: String,
    labelled: Labelled,
    options: RedisOptions,
    /// What other collectors of this process look up on the same server.
    lookups: Arc<Lookups>,
    memory: Mutex<Memory>,
    /// For a node of a cluster: the slots that it owns.
    slots: Option<Arc<Mutex<Slots>>>,
}

/// What is kept between scrapes.
#[derive(Debug, Default)]
struct Memory {
    scrapes: u32,
    slow_log: SlowLog,
    command_log: CommandLog,
    effect: Effect,
    tier: Tier,
    histograms: Option<(Instant, Family)>,
    sample: Sample,
    hot: HotKeys,
    census: Census,
    config: Vec<Family>,
    /// Whether the server has histograms, once it said which version it is.
    has_histograms: Option<bool>,
}

fn build(ask: &Ask<'_>) -> Built {
    let target = redacted(ask.url);
    let mut reader = OptionReader::new(ask.options);
    let options = RedisOptions::read(&mut reader);
    let tls = TlsOptions::read(&mut reader);
    let mut mistakes = reader.finish();
    match RedisClient::new(ask.url, ask.timeout, &tls) {
        Ok(client) if mistakes.is_empty() => {
            let lookups = Lookups::of(ask.url);
            Ok(Box::new(RedisCollector::new(client, target, ask.labelled, options, lookups)))
        }
        Ok(_) => Err(mistakes),
        Err(wrong) => {
            let shape = "write redis://[user:password@]host[:port][/database], rediss://, unix:///path or \
                         redis+sentinel://host,host/MASTER";
            mistakes.push(format!("{target}: {wrong}; {shape}"));
            Err(mistakes)
        }
    }
}

impl Collector for RedisCollector {
    fn target(&self) -> &str {
        &self.target
    }

    fn collect(&self, limit: Duration) -> BoxFuture<'_, Result<Collected, Failure>> {
        async move {
            let deadline = Instant::now() + limit;
            let (with_config, histogram_due) = self.lock().turn(self.options.histogram_every);
            let with_histogram = histogram_due && self.lock().has_histograms == Some(true);
            let mut commands = COMMANDS.to_vec();
            if with_config {
                commands.extend(config::questions(self.options.config));
            }
            if with_histogram {
                commands.push(HISTOGRAM);
            }
            // Nobody of this process looks keys up between the server's count and ours.
            let counting = self.lookups.counting().await;
            let replies = self.client.ask(&commands, limit).await?;
            let of_queues = self.lookups.total();
            drop(counting);
            let mut collected = parse(&replies, unix_now() as u64)?;
            let connecting = self.client.connecting().as_secs_f64();
            collected.families.push(Family::single(REDIS_LAST_CONNECT_SECONDS, connecting));
            collected.families.extend(self.client.followed().iter().flat_map(sentinel::followed));
            if with_config {
                let count = config::questions(self.options.config).len();
                let answers = &replies[COMMANDS.len()..][..count];
                self.lock().config = config::parse(answers, self.options.config);
            }
            collected.families.extend(self.lock().config.iter().cloned());
            let Some(Reply::Text(info)) = replies.first() else { return Ok(collected) };
            self.slow_log(info, &replies, deadline, &mut collected).await;
            let histogram = match histogram_due {
                true if with_histogram => replies.last().cloned(),
                true => self.first_histogram(info, deadline).await?,
                false => None,
            };
            // Before the keys are asked for: these counters do not hold what that will add.
            self.lock().add(info, of_queues, histogram.as_ref(), &mut collected);
            self.further(info, deadline, &mut collected).await;
            self.labelled.label(&self.target, &mut collected.families);
            Ok(collected)
        }
        .boxed()
    }

    fn verdict(&self, failure: Option<&Failure>, took: Duration) -> Vec<Family> {
        let failed = f64::from(u8::from(failure.is_some()));
        let mut families = vec![
            Family::single(REDIS_UP, 1.0 - failed),
            Family::single(REDIS_LAST_SCRAPE_SECONDS, took.as_secs_f64()),
            Family::new(REDIS_LAST_SCRAPE_ERROR).with(&[("err", failure.map_or("", Failure::kind))], failed),
        ];
        self.labelled.label(&self.target, &mut families);
        families
    }
}

impl Memory {
    /// Whether this scrape asks for the configuration, which changes rarely, and for the histograms,
    /// which cost the server more than all the rest.
    fn turn(&mut self, histogram_every: u32) -> (bool, bool) {
        let turn = self.scrapes;
        self.scrapes = turn.wrapping_add(1);
        (turn.is_multiple_of(config::EVERY), turn.checked_rem(histogram_every) == Some(0))
    }

    fn add(
        &mut self,
        info: &str,
        of_queues: (u64, u64),
        histogram: Option<&Reply>,
        collected: &mut Collected,
    ) {
        let now = Instant::now();
        self.effect.elsewhere(of_queues);
        collected.families.extend(self.effect.absorb(info, now));
        if let Some(lookups) = self.effect.lookups() {
            collected.families.extend(self.tier.absorb(info, lookups, now));
        }
        if let Some(family) = histogram.and_then(|reply| latency::histograms(reply, info)) {
            self.histograms = Some((now, family));
        }
        if let Some((at, family)) = &self.histograms {
            collected.families.push(family.clone());
            let age = now.duration_since(*at).as_secs_f64();
            collected.families.push(Family::single(REDIS_LATENCIES_AGE, age));
        }
    }
}

impl RedisCollector {
    fn new(
        client: RedisClient,
        target: String,
        labelled: Labelled,
        options: RedisOptions,
        lookups: Arc<Lookups>,
    ) -> Self {
        Self { client, target, labelled, options, lookups, memory: Mutex::default(), slots: None }
    }

    fn lock(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The histograms, asked for in a round trip of their own while the version is news to us.
    async fn first_histogram(&self, info: &str, deadline: Instant) -> Result<Option<Reply>, Failure> {
        let (major, _) = info::version(info, "redis_version");
        let has_histograms = major.is_none_or(|major| major >= 7);
        self.lock().has_histograms = Some(has_histograms);
        if !has_histograms {
            return Ok(None);
        }
        Ok(self.client.ask(&[HISTOGRAM], left(deadline)).await?.into_iter().next())
    }

    /// Counts the slow log, with a second question when more entries came than the first one reached.
    async fn slow_log(&self, info: &str, replies: &[Reply], deadline: Instant, collected: &mut Collected) {
        let started = Instant::now();
        let run_id = info::field(info, "run_id").unwrap_or_default();
        let Some(reply @ Reply::List(_)) = replies.get(4) else { return };
        let missing = self.lock().slow_log.missing(run_id, reply);
        let (mut failure, mut more) = (None, None);
        if let Some(count) = missing {
            let count = count.max(slowlog::ASKED as i64).to_string();
            match self.client.ask(&[&["SLOWLOG", "GET", &count]], left(deadline)).await {
                Ok(replies) => more = replies.into_iter().next(),
                Err(error) => failure = Some(error),
            }
        }
        let mut memory = self.lock();
        if failure.is_none() {
            let was_reset = info.contains("\ncmdstat_slowlog|reset:");
            let reply = more.as_ref().unwrap_or(reply);
            memory.slow_log.absorb(run_id, reply, was_reset, self.options.names_max);
        }
        collected.families.extend(memory.slow_log.families());
        collected.steps.push(Step { name: "redis_slowlog", took: started.elapsed(), failure });
    }
}

/// The Unix time in seconds.
fn unix_now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64().floor()
}

/// The time until the deadline.
fn left(deadline: Instant) -> Duration {
    deadline.saturating_duration_since(Instant::now())
}

/// Keys and values that stand in turn.
fn pairs_of(reply: &Reply) -> impl Iterator<Item = (&Reply, &Reply)> {
    let items = match reply {
        Reply::List(items) => items.as_slice(),
        _ => &[],
    };
    items.as_chunks::<2>().0.iter().map(|[key, value]| (key, value))
}

/// Turns the replies to this collector's commands into samples. Pure and total.
///
/// `now` is the Unix time in seconds, used only for servers that do not tell their own. A reply
/// that is missing or refused leaves its samples out; a known field whose value makes no sense is
/// counted in [`Collected::unreadable`].
///
/// # Errors
/// [`Failure::Refused`] if the server refused `INFO`, [`Failure::Answer`] if what it answered holds
/// not one field that a Redis server writes.
pub fn parse(replies: &[Reply], now: u64) -> Result<Collected, Failure> {
    let text = match replies.first() {
        Some(Reply::Text(text)) => text,
        Some(Reply::Refused(words)) => return Err(Failure::Refused(words.clone())),
        _ => return Err(Failure::Answer("INFO answered no text".to_owned())),
    };
    let limits = pairs(replies.get(1));
    let databases = pairs(replies.get(2)).find(|(name, _)| *name == "databases");
    let databases = databases.and_then(|(_, value)| value.parse().ok()).unwrap_or(0);

    let mut collected = Collected::default();
    info::parse(text, databases, now, &mut collected)?;
    for (name, value) in limits {
        let metric = match name {
            "maxclients" => REDIS_CONFIG_MAXCLIENTS,
            "maxmemory" => REDIS_CONFIG_MAXMEMORY,
            _ => continue,
        };
        match fields::number(value) {
            Some(value) => collected.families.push(Family::single(metric, value)),
            None => collected.unreadable += 1,
        }
    }
    slow_log(replies.get(3), replies.get(4), &mut collected);
    collected.families.extend(lines::families(text));
    collected.families.extend(sentinel::own(text));
    collected.families.extend(replies.get(5).map(latency::latest).unwrap_or_default());
    Ok(collected)
}

/// The names and values that `CONFIG GET` answers in turn.
fn pairs(reply: Option<&Reply>) -> impl Iterator<Item = (&str, &str)> {
    let items = match reply {
        Some(Reply::List(items)) => items.as_slice(),
        _ => &[],
    };
    items.as_chunks::<2>().0.iter().filter_map(|pair| match pair {
        [Reply::Text(name), Reply::Text(value)] => Some((name.as_str(), value.as_str())),
        _ => None,
    })
}

fn slow_log(length: Option<&Reply>, newest: Option<&Reply>, collected: &mut Collected) {
    match length {
        Some(Reply::Int(length)) => {
            collected.families.push(Family::single(REDIS_SLOWLOG_LENGTH, *length as f64));
        }
        Some(Reply::Refused(_)) | None => {}
        Some(_) => collected.unreadable += 1,
    }
    let (id, seconds) = match newest {
        Some(Reply::List(entries)) if entries.is_empty() => (0.0, 0.0),
        Some(Reply::List(entries)) => match entries.first() {
            // Id, Unix time, microseconds, arguments: the arguments may be personal and stay unread.
            Some(Reply::List(entry)) => match entry.as_slice() {
                [Reply::Int(id), _, Reply::Int(micros), ..] => (*id as f64, *micros as f64 / 1e6),
                _ => return collected.unreadable += 1,
            },
            _ => return collected.unreadable += 1,
        },
        Some(Reply::Refused(_)) | None => return,
        Some(_) => return collected.unreadable += 1,
    };
    collected.families.push(Family::single(REDIS_SLOWLOG_LAST_ID, id));
    collected.families.push(Family::single(REDIS_LAST_SLOW_EXECUTION, seconds));
}
