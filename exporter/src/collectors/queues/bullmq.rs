//! BullMQ: two lists and several sorted sets for each queue, under one prefix.
//!
//! What waits is `wait`, `paused` and `prioritized` together. BullMQ pushes left and pops right; the
//! list holds ids, and the job's hash tells its time in milliseconds. A retry with backoff lies in
//! `delayed` with those that never ran; BullMQ does not keep them apart, so neither does this.

use std::collections::BTreeSet;

use hitmark_schema::exposition::Family;
use hitmark_schema::metrics::BULLMQ_JOB_COUNT;

use super::ask::{Ask, Request, number, refused, request, text};
use super::discovery::Discovery;
use super::model::{Queue, Reading};
use crate::failure::Failure;
use crate::redis_client::Reply;

/// The name of the label `system`.
pub const SYSTEM: &str = "bullmq";
const DISCOVERY: &str = "bull:*:meta";
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
const REQUESTS_PER_QUEUE: usize = STATES.len() + 1;

/// Reads every queue: names, then lengths, then the times of the oldest jobs.
pub(crate) async fn read(ask: &mut dyn Ask, discovery: &mut Discovery) -> Result<Reading, Failure> {
    let keys = discovery.keys(ask, DISCOVERY).await?;
    let found: BTreeSet<String> = keys
        .iter()
        .filter_map(|key| key.strip_prefix("bull:")?.strip_suffix(":meta"))
        .map(str::to_owned)
        .collect();
    let (names, left_out) = discovery.names(found);
    let replies = if names.is_empty() { Vec::new() } else { ask.pipeline(&requests(&names)).await? };
    refused(&replies)?;
    let oldest: Vec<Request> = names
        .iter()
        .zip(replies.chunks(REQUESTS_PER_QUEUE))
        .map(|(name, replies)| format!("bull:{name}:{}", text(replies.last()).unwrap_or_default()))
        .map(|key| request(&["HGET", &key, "timestamp"]))
        .collect();
    let times = if oldest.is_empty() { Vec::new() } else { ask.pipeline(&oldest).await? };
    let mut reading = parse(&names, &replies, &times);
    reading.unread += left_out;
    Ok(reading)
}

fn requests(names: &[String]) -> Vec<Request> {
    let mut commands = Vec::with_capacity(names.len() * REQUESTS_PER_QUEUE);
    for name in names {
        commands
            .extend(STATES.iter().map(|(_, count, key)| request(&[count, &format!("bull:{name}:{key}")])));
        commands.push(request(&["LINDEX", &format!("bull:{name}:wait"), "-1"]));
    }
    commands
}

/// The queues from the replies to their commands and the times of their oldest jobs.
#[must_use]
pub fn parse(names: &[String], replies: &[Reply], times: &[Reply]) -> Reading {
    let mut jobs = Family::new(BULLMQ_JOB_COUNT);
    let mut queues = Vec::with_capacity(names.len());
    for (index, (name, replies)) in names.iter().zip(replies.chunks(REQUESTS_PER_QUEUE)).enumerate() {
        let counts: Vec<Option<u64>> = (0..STATES.len()).map(|at| number(replies.get(at))).collect();
        for ((state, _, _), count) in STATES.iter().zip(&counts) {
            if let Some(count) = count {
                jobs.push(&[("queue", name), ("state", state)], *count as f64);
            }
        }
        queues.push(Queue {
            name: name.clone(),
            waiting: counts.iter().take(3).copied().sum(),
            running: counts[3],
            scheduled: counts[4],
            failed: counts[5],
            oldest_at: number(times.get(index)).map(|millis| millis as f64 / 1_000.0),
            ..Queue::default()
        });
    }
    Reading { queues, unread: 0, compatible: vec![jobs] }
}
