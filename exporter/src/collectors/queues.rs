//! Queues of background work: one layout for each broker, one set of names for all.
//!
//! This file is the hook into the exporter: it makes collectors from the configuration and picks the
//! layout. The layouts (`queues/*.rs`) know neither; they ask through [`ask::Ask`] and parse purely.

pub mod apalis;
pub mod ask;
mod broker;
pub mod bullmq;
pub mod celery;
mod discovery;
mod drain;
mod heads;
pub mod model;
pub mod rabbitmq;
pub mod rq;
pub mod sidekiq;
pub mod stream;
mod time;

use std::sync::OnceLock;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use futures::FutureExt;
use futures::future::BoxFuture;
use hitmark_schema::exposition::Family;
use hitmark_schema::metrics::QUEUE_INDUCED_LOOKUPS;
use tokio::sync::Mutex;

use self::broker::{Broker, Link};
use self::celery::watch::{Plan, Watch};
use self::discovery::Discovery;
use self::drain::Drain;
use self::heads::Heads;
use self::model::{Queue, Reading};
use super::{Built, Collected, Collector, Kind, Labelled};
use crate::config::redacted;
use crate::failure::Failure;
use crate::options::OptionReader;
use crate::redis_client::nodes;
use crate::tls::TlsOptions;

/// Celery on Redis.
pub const CELERY: Kind = Kind { name: "celery", key: "celery", build: |ask| build(System::Celery, ask) };
/// RQ.
pub const RQ: Kind = Kind { name: "rq", key: "rq", build: |ask| build(System::Rq, ask) };
/// Sidekiq.
pub const SIDEKIQ: Kind = Kind { name: "sidekiq", key: "sidekiq", build: |ask| build(System::Sidekiq, ask) };
/// BullMQ.
pub const BULLMQ: Kind = Kind { name: "bullmq", key: "bullmq", build: |ask| build(System::BullMq, ask) };
/// apalis on Redis.
pub const APALIS: Kind = Kind { name: "apalis", key: "apalis", build: |ask| build(System::Apalis, ask) };
/// Redis Streams.
pub const STREAM: Kind = Kind { name: "stream", key: "stream", build: |ask| build(System::Stream, ask) };

/// How a broker lays out its queues.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum System {
    Apalis,
    BullMq,
    Celery,
    Rq,
    Sidekiq,
    Stream,
}

impl System {
    const fn name(self) -> &'static str {
        match self {
            Self::Apalis => apalis::SYSTEM,
            Self::BullMq => bullmq::SYSTEM,
            Self::Celery => celery::SYSTEM,
            Self::Rq => rq::SYSTEM,
            Self::Sidekiq => sidekiq::SYSTEM,
            Self::Stream => stream::SYSTEM,
        }
    }
}

#[derive(Debug)]
struct QueueCollector {
    broker: Broker,
    system: System,
    target: String,
    labelled: Labelled,
    layout: celery::Layout,
    /// The keys in which streams are looked for, or what BullMQ's keys begin with.
    pattern: String,
    /// What to watch between scrapes, and the watch once the first scrape has started it.
    plan: Option<Plan>,
    watch: OnceLock<Watch>,
    // Taken for a whole scrape: scrapes of one target do not overlap (single flight).
    memory: Mutex<Memory>,
}

/// What is kept between scrapes.
#[derive(Debug)]
struct Memory {
    discovery: Discovery,
    drain: Drain,
    heads: Heads,
    /// Hits and misses that reading these queues cost the server.
    induced: (u64, u64),
    /// Listed queues that were unknown at the last scrape: the log tells a change, not every scrape.
    unknown: Vec<String>,
}

fn build(system: System, ask: &super::Ask<'_>) -> Built {
    let mut options = OptionReader::new(ask.options);
    // The queues to read; all that are found if there are none.
    let names = options.texts("queues");
    let pattern = match system {
        System::Stream => or(options.text("pattern"), "*"),
        System::BullMq => or(options.text("prefix"), bullmq::PREFIX),
        _ => String::new(),
    };
    let is_celery = system == System::Celery;
    let (layout, wrong) = if is_celery { celery::Layout::read(&mut options) } else { Default::default() };
    let tls = TlsOptions::read(&mut options);
    let plan = is_celery.then(|| Plan::read(ask, &tls, &layout.prefix, &mut options));
    // Celery itself cannot use a cluster; whoever moved its lists there has no bus to listen to.
    let plan = plan.filter(|_| !nodes::is_meant(ask.url));
    let mut mistakes = options.finish();
    mistakes.extend(wrong);
    mistakes.extend(discovery::mistakes(&names));
    let target = redacted(ask.url);
    match Broker::new(ask.url, ask.timeout, &tls) {
        Ok(broker) if mistakes.is_empty() => Ok(Box::new(QueueCollector {
            broker,
            system,
            target,
            labelled: ask.labelled,
            pattern,
            layout,
            plan,
            watch: OnceLock::new(),
            memory: Mutex::new(Memory {
                discovery: Discovery::new(names),
                drain: Drain::default(),
                heads: Heads::default(),
                induced: (0, 0),
                unknown: Vec::new(),
            }),
        })),
        Ok(_) => Err(mistakes),
        Err(wrong) => {
            mistakes.push(format!("{target}: {wrong}"));
            Err(mistakes)
        }
    }
}

fn or(text: String, default: &str) -> String {
    if text.is_empty() { default.to_owned() } else { text }
}

impl Collector for QueueCollector {
    fn target(&self) -> &str {
        &self.target
    }

    fn collect(&self, limit: Duration) -> BoxFuture<'_, Result<Collected, Failure>> {
        async move {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
            let Ok(mut memory) = self.memory.try_lock() else { return Err(Failure::Internal) };
            let mut link = Link { broker: &self.broker, limit, cost: (0, 0) };
            let read = self.read(&mut link, &mut memory.discovery, now).await;
            memory.induced.0 += link.cost.0;
            memory.induced.1 += link.cost.1;
            let mut reading = read?;
            if let Some(plan) = &self.plan {
                self.watch.get_or_init(|| plan.start()).add_to(&mut reading);
            }
            // What holds messages is known, though nobody declared it yet.
            let holds = |queue: &Queue| queue.waiting.max(queue.scheduled) > Some(0);
            let queues = &reading.queues;
            reading.unknown.retain(|name| !queues.iter().any(|queue| queue.name == *name && holds(queue)));
            if reading.unknown != memory.unknown && !reading.unknown.is_empty() {
                tracing::warn!(target = self.target, queues = ?reading.unknown, "the broker does not know these queues");
            }
            memory.unknown.clone_from(&reading.unknown);
            let at = Instant::now();
            memory.drain.absorb(&mut reading.queues, at);
            memory.heads.absorb(&mut reading.queues, at);
            let system = self.system.name();
            let mut families = model::families(system, reading, now);
            families.push(
                Family::new(QUEUE_INDUCED_LOOKUPS)
                    .with(&[("system", system), ("result", "hit")], memory.induced.0 as f64)
                    .with(&[("system", system), ("result", "miss")], memory.induced.1 as f64),
            );
            self.labelled.label(&self.target, &mut families);
            Ok(Collected { families, ..Collected::default() })
        }
        .boxed()
    }
}

impl QueueCollector {
    async fn read(
        &self,
        link: &mut Link<'_>,
        discovery: &mut Discovery,
        now: f64,
    ) -> Result<Reading, Failure> {
        match self.system {
            System::Apalis => apalis::read(link, discovery, now).await,
            System::BullMq => bullmq::read(link, discovery, &self.pattern).await,
            System::Rq => rq::read(link, discovery).await,
            System::Sidekiq => sidekiq::read(link, discovery, now).await,
            System::Celery => celery::read(link, discovery, &self.layout, now).await,
            System::Stream => stream::read(link, discovery, &self.pattern).await,
        }
    }
}
