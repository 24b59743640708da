//! Queues of background work: one layout for each broker, one set of names for all.
//!
//! This file is the hook into the exporter: it makes collectors from the configuration and picks the
//! layout. The layouts (`queues/*.rs`) know neither; they ask through [`ask::Ask`] and parse purely.

pub mod ask;
pub mod bullmq;
pub mod celery;
mod discovery;
pub mod model;
pub mod rq;
pub mod sidekiq;
mod time;

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::sync::Mutex;

use self::ask::{Ask, Request};
use self::discovery::Discovery;
use super::{Built, Collected, Collector, Kind};
use crate::config::{ExporterConfig, Mistake, URL_LEN_MAX, redacted};
use crate::failure::Failure;
use crate::redis_client::{RedisClient, Reply};

/// This collector's line in the list.
pub const KIND: Kind = Kind { name: "queues", build };

/// How a broker lays out its queues.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum System {
    /// BullMQ.
    BullMq,
    /// Celery on Redis.
    Celery,
    /// RQ.
    Rq,
    /// Sidekiq.
    Sidekiq,
}

/// A broker whose queues are read.
#[derive(Clone, PartialEq, Eq)]
pub struct QueueTarget {
    /// Its layout.
    pub system: System,
    /// Its URL.
    pub url: String,
    /// The queues to read; all that are found if there are none.
    pub names: Vec<String>,
}

impl QueueTarget {
    /// Celery on the Redis server at this URL, with every queue that is found.
    #[must_use]
    pub fn celery(url: String) -> Self {
        Self { system: System::Celery, url, names: Vec::new() }
    }
}

impl fmt::Debug for QueueTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QueueTarget")
            .field("system", &self.system)
            .field("url", &redacted(&self.url))
            .field("names", &self.names)
            .finish()
    }
}

#[derive(Debug)]
struct QueueCollector {
    client: RedisClient,
    system: System,
    target: String,
    // Taken for a whole scrape: scrapes of one target do not overlap (single flight).
    discovery: Mutex<Discovery>,
}

fn build(config: &ExporterConfig) -> Built {
    let (mut collectors, mut mistakes) = (Vec::<Box<dyn Collector>>::new(), Vec::new());
    for (index, QueueTarget { system, url, names }) in config.queues.iter().enumerate() {
        let (place, target) = (format!("queues[{index}]"), redacted(url));
        if url.len() > URL_LEN_MAX {
            mistakes.push(Mistake::new(place, format!("the URL is longer than {URL_LEN_MAX} bytes")));
            continue;
        }
        match RedisClient::new(url, config.timeout) {
            Ok(client) => collectors.push(Box::new(QueueCollector {
                client,
                system: *system,
                target,
                discovery: Mutex::new(Discovery::new(names.clone())),
            })),
            Err(wrong) => {
                let text = format!("{target}: {wrong}; write redis://[user:password@]host[:port][/database]");
                mistakes.push(Mistake::new(place, text));
            }
        }
    }
    (collectors, mistakes)
}

impl Collector for QueueCollector {
    fn target(&self) -> &str {
        &self.target
    }

    fn collect(&self, limit: Duration) -> BoxFuture<'_, Result<Collected, Failure>> {
        async move {
            let mut link = Link { client: &self.client, limit };
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
            let Ok(mut discovery) = self.discovery.try_lock() else { return Err(Failure::Internal) };
            let (system, reading) = match self.system {
                System::BullMq => (bullmq::SYSTEM, bullmq::read(&mut link, &mut discovery).await?),
                System::Rq => (rq::SYSTEM, rq::read(&mut link, &mut discovery).await?),
                System::Sidekiq => (sidekiq::SYSTEM, sidekiq::read(&mut link, &mut discovery, now).await?),
                System::Celery => (celery::SYSTEM, celery::read(&mut link, &mut discovery, now).await?),
            };
            let families = model::families(system, reading, now);
            Ok(Collected { families, ..Collected::default() })
        }
        .boxed()
    }
}

/// The exporter's Redis client as a layout sees it.
struct Link<'c> {
    client: &'c RedisClient,
    limit: Duration,
}

impl Ask for Link<'_> {
    fn pipeline<'a>(&'a mut self, commands: &'a [Request]) -> BoxFuture<'a, Result<Vec<Reply>, Failure>> {
        self.client.pipeline(commands, self.limit).boxed()
    }
}
