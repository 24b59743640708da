//! Sidekiq: a set of queue names and a JSON list for each; what waits is one set for all queues.
//!
//! Sidekiq pushes left and pops right. `schedule`, `retry` and `dead` hold jobs of every queue in one
//! sorted set, and walking them would cost what they hold: their sizes are told once, under the
//! queue name `all`, as are the counters of processed and failed jobs.

use std::collections::BTreeSet;

use hitmark_schema::exposition::Family;
use hitmark_schema::metrics::{SIDEKIQ_QUEUE_JOBS, SIDEKIQ_QUEUE_LATENCY};
use serde_json::Value;

use super::ask::{Ask, Request, number, refused, request, text, texts};
use super::discovery::Discovery;
use super::model::{Queue, Reading};
use crate::failure::Failure;
use crate::redis_client::Reply;

/// The name of the label `system`.
pub const SYSTEM: &str = "sidekiq";
/// The queue name of what Sidekiq keeps for all queues together.
const ALL: &str = "all";
/// Sidekiq 8 writes milliseconds where its elders wrote seconds; no time in seconds is this large.
const MILLIS_FROM: f64 = 1e11;

/// Reads every queue. `now` is in seconds since 1970.
pub(crate) async fn read(ask: &mut dyn Ask, discovery: &mut Discovery, now: f64) -> Result<Reading, Failure> {
    let mut common = ask.pipeline(&common_requests()).await?;
    refused(&common)?;
    let found: BTreeSet<String> = texts(common.first()).into_iter().map(str::to_owned).collect();
    let unknown = discovery.unknown(&found);
    let (names, left_out) = discovery.names(found);
    let commands: Vec<Request> = names.iter().flat_map(|name| requests(name)).collect();
    let replies = if commands.is_empty() { Vec::new() } else { ask.pipeline(&commands).await? };
    refused(&replies)?;
    let mut reading = parse(&names, &replies, &common.split_off(1), now);
    reading.unread += left_out;
    reading.unknown = unknown;
    Ok(reading)
}

fn common_requests() -> [Request; 6] {
    [
        request(&["SMEMBERS", "queues"]),
        request(&["ZCARD", "schedule"]),
        request(&["ZCARD", "retry"]),
        request(&["ZCARD", "dead"]),
        request(&["GET", "stat:processed"]),
        request(&["GET", "stat:failed"]),
    ]
}

fn requests(name: &str) -> [Request; 2] {
    let list = format!("queue:{name}");
    [request(&["LLEN", &list]), request(&["LINDEX", &list, "-1"])]
}

/// The queues from two replies each, and what is common to all. `stat:processed` counts failures too.
#[must_use]
pub fn parse(names: &[String], replies: &[Reply], common: &[Reply], now: f64) -> Reading {
    let (mut jobs, mut latency) = (Family::new(SIDEKIQ_QUEUE_JOBS), Family::new(SIDEKIQ_QUEUE_LATENCY));
    let mut queues = Vec::with_capacity(names.len() + 1);
    for (name, replies) in names.iter().zip(replies.chunks(2)) {
        let (waiting, oldest_at) = (number(replies.first()), text(replies.get(1)).and_then(enqueued_at));
        jobs.push(&[("name", name)], waiting.unwrap_or(0) as f64);
        latency.push(&[("name", name)], oldest_at.map_or(0.0, |at| (now - at).max(0.0)));
        queues.push(Queue { name: name.clone(), waiting, oldest_at, ..Queue::default() });
    }
    let processed = number(common.get(3)).unwrap_or(0);
    queues.push(Queue {
        name: ALL.to_owned(),
        scheduled: number(common.first()),
        retrying: number(common.get(1)),
        dead: number(common.get(2)),
        completed: Some(processed.saturating_sub(number(common.get(4)).unwrap_or(0))),
        ..Queue::default()
    });
    Reading { queues, compatible: vec![jobs, latency], ..Reading::default() }
}

fn enqueued_at(job: &str) -> Option<f64> {
    let at = serde_json::from_str::<Value>(job).ok()?["enqueued_at"].as_f64()?;
    Some(if at >= MILLIS_FROM { at / 1_000.0 } else { at })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_in_seconds_and_in_milliseconds_are_the_same_time() {
        for at in ["1700000000.5", "1700000000500"] {
            assert_eq!(enqueued_at(&format!("{{\"enqueued_at\":{at}}}")), Some(1_700_000_000.5), "{at}");
        }
        assert_eq!(enqueued_at("no json"), None);
    }

    #[test]
    fn what_succeeded_is_what_was_processed_without_the_failures() {
        let text = |text: &str| Reply::Text(text.to_owned());
        let common = [Reply::Int(1), Reply::Int(2), Reply::Int(3), text("10"), text("4")];
        let reading = parse(&[], &[], &common, 0.0);
        let all = &reading.queues[0];
        assert_eq!((all.scheduled, all.retrying, all.dead), (Some(1), Some(2), Some(3)));
        assert_eq!(all.completed, Some(6));
    }
}
