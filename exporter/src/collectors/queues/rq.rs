//! RQ on Redis: a set of queue names, a list for each, and a sorted set for each other state.
//!
//! RQ pushes right and pops left, so the oldest job is the first; its hash tells when it was
//! enqueued. Finished and failed jobs are kept only for a time: they are gauges, not counters.
//! A job that waits for another try lies in `scheduled` with those that never ran; RQ does not
//! keep them apart, so neither does this.

use std::collections::BTreeSet;

use hitmark_schema::exposition::Family;
use hitmark_schema::metrics::RQ_JOBS;

use super::ask::{Ask, Request, number, pipeline_of, refused, request, text, texts};
use super::discovery::Discovery;
use super::model::{Queue, Reading};
use super::time::epoch_seconds;
use crate::failure::Failure;
use crate::redis_client::Reply;

/// The name of the label `system`.
pub const SYSTEM: &str = "rq";
/// rq-exporter's word for each sorted set, and the key's.
const STATES: [(&str, &str); 5] = [
    ("started", "wip"),
    ("finished", "finished"),
    ("failed", "failed"),
    ("deferred", "deferred"),
    ("scheduled", "scheduled"),
];
const REQUESTS_PER_QUEUE: usize = 3 + STATES.len();

/// Reads every queue: names, then lengths, then the times of the oldest jobs.
pub(crate) async fn read(ask: &mut dyn Ask, discovery: &mut Discovery) -> Result<Reading, Failure> {
    let known = ask.pipeline(&[request(&["SMEMBERS", "rq:queues"])]).await?;
    refused(&known)?;
    let found: BTreeSet<String> = texts(known.first())
        .into_iter()
        .map(|key| key.strip_prefix("rq:queue:").unwrap_or(key).to_owned())
        .collect();
    let unknown = discovery.unknown(&found);
    let (names, left_out) = discovery.names(found);
    let replies = if names.is_empty() { Vec::new() } else { ask.pipeline(&requests(&names)).await? };
    refused(&replies)?;
    let oldest = replies
        .chunks(REQUESTS_PER_QUEUE)
        .map(|replies| Some(request(&["HGET", &format!("rq:job:{}", text(replies.get(1))?), "enqueued_at"])));
    let times = pipeline_of(ask, oldest.collect()).await?;
    let mut reading = parse(&names, &replies, &times);
    reading.unread += left_out;
    reading.unknown = unknown;
    Ok(reading)
}

fn requests(names: &[String]) -> Vec<Request> {
    let mut commands = Vec::with_capacity(names.len() * REQUESTS_PER_QUEUE);
    for name in names {
        let list = format!("rq:queue:{name}");
        commands.push(request(&["LLEN", &list]));
        commands.push(request(&["LINDEX", &list, "0"]));
        for (_, key) in STATES {
            commands.push(request(&["ZCARD", &format!("rq:{key}:{name}")]));
        }
        commands.push(request(&["SCARD", &format!("rq:workers:{name}")]));
    }
    commands
}

/// The queues from the replies to their commands and the times of their oldest jobs.
#[must_use]
pub fn parse(names: &[String], replies: &[Reply], times: &[Reply]) -> Reading {
    let mut jobs = Family::new(RQ_JOBS);
    let mut queues = Vec::with_capacity(names.len());
    for (index, (name, replies)) in names.iter().zip(replies.chunks(REQUESTS_PER_QUEUE)).enumerate() {
        let count = |at: usize| number(replies.get(at));
        queues.push(Queue {
            name: name.clone(),
            waiting: count(0),
            running: count(2),
            failed: count(4),
            scheduled: count(6),
            workers: count(7),
            oldest_at: text(times.get(index)).and_then(epoch_seconds),
            ..Queue::default()
        });
        let states = std::iter::once(("queued", 0)).chain(STATES.iter().map(|state| state.0).zip(2..));
        for (status, at) in states {
            if let Some(number) = count(at) {
                jobs.push(&[("queue", name), ("status", status)], number as f64);
            }
        }
    }
    Reading { queues, compatible: vec![jobs], ..Reading::default() }
}
