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

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::sync::Mutex;

use self::ask::{Ask, Request};
use self::discovery::Discovery;
use super::{Built, Collected, Collector, Kind, Labelled};
use crate::config::redacted;
use crate::failure::Failure;
use crate::options::OptionReader;
use crate::redis_client::{RedisClient, Reply};
use crate::tls::TlsOptions;

/// Celery on Redis.
pub const CELERY: Kind = Kind { name: "celery", key: "celery", build: |ask| build(System::Celery, ask) };
/// RQ.
pub const RQ: Kind = Kind { name: "rq", key: "rq", build: |ask| build(System::Rq, ask) };
/// Sidekiq.
pub const SIDEKIQ: Kind = Kind { name: "sidekiq", key: "sidekiq", build: |ask| build(System::Sidekiq, ask) };
/// BullMQ.
pub const BULLMQ: Kind = Kind { name: "bullmq", key: "bullmq", build: |ask| build(System::BullMq, ask) };

/// How a broker lays out its queues.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum System {
    BullMq,
    Celery,
    Rq,
    Sidekiq,
}

#[derive(Debug)]
struct QueueCollector {
    client: RedisClient,
    system: System,
    target: String,
    labelled: Labelled,
    // Taken for a whole scrape: scrapes of one target do not overlap (single flight).
    discovery: Mutex<Discovery>,
}

fn build(system: System, ask: &super::Ask<'_>) -> Built {
    let mut options = OptionReader::new(ask.options);
    // The queues to read; all that are found if there are none.
    let names = options.texts("queues");
    let tls = TlsOptions::read(&mut options);
    let mut mistakes = options.finish();
    let target = redacted(ask.url);
    match RedisClient::new(ask.url, ask.timeout, tls) {
        Ok(client) if mistakes.is_empty() => Ok(Box::new(QueueCollector {
            client,
            system,
            target,
            labelled: ask.labelled,
            discovery: Mutex::new(Discovery::new(names)),
        })),
        Ok(_) => Err(mistakes),
        Err(wrong) => {
            mistakes.push(format!("{target}: {wrong}; write redis://[user:password@]host[:port][/database]"));
            Err(mistakes)
        }
    }
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
            let mut families = model::families(system, reading, now);
            self.labelled.label(&self.target, &mut families);
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
        async move {
            let words: Vec<Vec<&str>> =
                commands.iter().map(|command| command.iter().map(String::as_str).collect()).collect();
            let commands: Vec<&[&str]> = words.iter().map(Vec::as_slice).collect();
            self.client.ask(&commands, self.limit).await
        }
        .boxed()
    }
}
