//! BullMQ: two lists and several sorted sets for each queue, under one prefix.
//!
//! What waits is `wait`, `paused` and `prioritized` together. BullMQ pushes left and pops right; the
//! list holds ids, and the job's hash tells its time in milliseconds. A retry with backoff lies in
//! `delayed` with those that never ran; BullMQ does not keep them apart, so neither does this.

use std::collections::BTreeSet;

use hitmark_schema::exposition::Family;
use hitmark_schema::metrics::{BULLMQ_JOB_COMPLETED, BULLMQ_JOB_COUNT, BULLMQ_JOB_FAILED};

use super::ask::{Ask, Request, number, pipeline_of, refused, request, text};
use super::discovery::Discovery;
use super::model::{Queue, Reading};
use crate::failure::Failure;
use crate::redis_client::Reply;

/// The name of the label `system`.
pub const SYSTEM: &str = "bullmq";
/// What BullMQ's keys begin with if nothing else is said.
pub(crate) const PREFIX: &str = "bull";
/// The state as BullMQ calls it, the command that counts it and the key's last part.
const STATES: [(&str, &str, &str); 8] = [
    ("waiting", "LLEN", "wait"),
    ("paused", "LLEN", "paused"),
    ("prioritized", "ZCARD", "prioritized"),
    ("active", "LLEN", "active"),
    ("delayed", "ZCARD", "delayed"),
    ("failed", "ZCARD", "failed"),
    ("completed", "ZCARD", "completed"),
    ("waiting-children", "ZCARD", "waiting-children"),
];
/// Behind the states: the id of the oldest waiting job, the last id given, and whether there is a queue.
const OLDEST: usize = STATES.len();
const LAST_ID: usize = OLDEST + 1;
const META: usize = LAST_ID + 1;
/// Behind these, what workers count that run with `metrics`.
const COMPLETED: usize = META + 1;
const FAILED: usize = COMPLETED + 1;
const REQUESTS_PER_QUEUE: usize = FAILED + 1;

/// Reads every queue: names, then lengths, then the times of the oldest jobs.
pub(crate) async fn read(
    ask: &mut dyn Ask,
    discovery: &mut Discovery,
    prefix: &str,
) -> Result<Reading, Failure> {
    let start = format!("{prefix}:");
    let keys = discovery.keys(ask, &format!("{start}*:meta")).await?;
    let found: BTreeSet<String> = keys
        .iter()
        .filter_map(|key| key.strip_prefix(&*start)?.strip_suffix(":meta"))
        .map(str::to_owned)
        .collect();
    let (names, left_out) = discovery.names(found);
    let replies = if names.is_empty() { Vec::new() } else { ask.pipeline(&requests(prefix, &names)).await? };
    refused(&replies)?;
    let oldest = names.iter().zip(replies.chunks(REQUESTS_PER_QUEUE)).map(|(name, replies)| {
        Some(request(&["HGET", &format!("{prefix}:{name}:{}", text(replies.get(OLDEST))?), "timestamp"]))
    });
    let times = pipeline_of(ask, oldest.collect()).await?;
    let mut reading = parse(&names, &replies, &times);
    reading.unread += left_out;
    let is_known = |replies: &&[Reply]| number(replies.get(META)) != Some(0);
    let known = names.iter().zip(replies.chunks(REQUESTS_PER_QUEUE)).filter(|(_, replies)| is_known(replies));
    reading.unknown = discovery.unknown(&known.map(|(name, _)| name.clone()).collect());
    Ok(reading)
}

fn requests(prefix: &str, names: &[String]) -> Vec<Request> {
    let mut commands = Vec::with_capacity(names.len() * REQUESTS_PER_QUEUE);
    for name in names {
        commands.extend(
            STATES.iter().map(|(_, count, key)| request(&[count, &format!("{prefix}:{name}:{key}")])),
        );
        commands.push(request(&["LINDEX", &format!("{prefix}:{name}:wait"), "-1"]));
        commands.push(request(&["GET", &format!("{prefix}:{name}:id")]));
        commands.push(request(&["HLEN", &format!("{prefix}:{name}:meta")]));
        for kind in ["completed", "failed"] {
            commands.push(request(&["HGET", &format!("{prefix}:{name}:metrics:{kind}"), "count"]));
        }
    }
    commands
}

/// The queues from the replies to their commands and the times of their oldest jobs.
#[must_use]
pub fn parse(names: &[String], replies: &[Reply], times: &[Reply]) -> Reading {
    let mut jobs = Family::new(BULLMQ_JOB_COUNT);
    let (mut completed, mut failed) = (Family::new(BULLMQ_JOB_COMPLETED), Family::new(BULLMQ_JOB_FAILED));
    let mut queues = Vec::with_capacity(names.len());
    for (index, (name, replies)) in names.iter().zip(replies.chunks(REQUESTS_PER_QUEUE)).enumerate() {
        let counts: Vec<Option<u64>> = (0..STATES.len()).map(|at| number(replies.get(at))).collect();
        for ((state, _, _), count) in STATES.iter().zip(&counts) {
            if let Some(count) = count {
                jobs.push(&[("queue", name), ("state", state)], *count as f64);
            }
        }
        for (family, at) in [(&mut completed, COMPLETED), (&mut failed, FAILED)] {
            if let Some(count) = number(replies.get(at)) {
                family.push(&[("queue", name)], count as f64);
            }
        }
        queues.push(Queue {
            name: name.clone(),
            waiting: counts.iter().take(3).copied().sum(),
            running: counts[3],
            scheduled: counts[4],
            failed: counts[5],
            enqueued: number(replies.get(LAST_ID)),
            completed: number(replies.get(COMPLETED)),
            oldest_at: number(times.get(index)).map(|millis| millis as f64 / 1_000.0),
            ..Queue::default()
        });
    }
    Reading { queues, compatible: vec![jobs, completed, failed], ..Reading::default() }
}
