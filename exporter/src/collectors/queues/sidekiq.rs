//! Sidekiq: a set of queue names and a JSON list for each; what waits is one set for all queues.
//!
//! Sidekiq pushes left and pops right. `schedule`, `retry` and `dead` hold jobs of every queue in one
//! sorted set, and walking them would cost what they hold: their sizes are told once, under the
//! queue name `all`, as are the counters of processed and failed jobs. Each process keeps a hash that
//! tells its queues and threads, and renews it when its heart beats.

use std::collections::BTreeSet;

use hitmark_schema::exposition::Family;
use hitmark_schema::metrics::{self as m, Metric, SIDEKIQ_QUEUE_JOBS, SIDEKIQ_QUEUE_LATENCY};
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
/// Processes that are asked for what they do.
const PROCESSES_MAX: usize = 200;

/// Reads every queue. `now` is in seconds since 1970.
pub(crate) async fn read(ask: &mut dyn Ask, discovery: &mut Discovery, now: f64) -> Result<Reading, Failure> {
    let mut common = ask.pipeline(&common_requests()).await?;
    refused(&common)?;
    let found: BTreeSet<String> = texts(common.first()).into_iter().map(str::to_owned).collect();
    let unknown = discovery.unknown(&found);
    let (names, left_out) = discovery.names(found);
    let processes = texts(common.get(1));
    let beyond = processes.len().saturating_sub(PROCESSES_MAX) as u64;
    let of_processes = processes.iter().take(PROCESSES_MAX);
    let of_processes = of_processes.map(|process| request(&["HMGET", process, "info", "busy"]));
    let commands: Vec<Request> = names.iter().flat_map(|name| requests(name)).chain(of_processes).collect();
    let mut replies = if commands.is_empty() { Vec::new() } else { ask.pipeline(&commands).await? };
    refused(&replies)?;
    let processes: Vec<Process> = replies.split_off(2 * names.len()).iter().filter_map(Process::of).collect();
    let mut reading = parse(&names, &replies, &processes, &common.split_off(2), now);
    reading.unread += beyond;
    reading.unread += left_out;
    reading.unknown = unknown;
    Ok(reading)
}

fn common_requests() -> [Request; 7] {
    [
        request(&["SMEMBERS", "queues"]),
        request(&["SMEMBERS", "processes"]),
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
pub fn parse(
    names: &[String],
    replies: &[Reply],
    processes: &[Process],
    common: &[Reply],
    now: f64,
) -> Reading {
    let (mut jobs, mut latency) = (Family::new(SIDEKIQ_QUEUE_JOBS), Family::new(SIDEKIQ_QUEUE_LATENCY));
    let mut queues = Vec::with_capacity(names.len() + 1);
    for (name, replies) in names.iter().zip(replies.chunks(2)) {
        let (waiting, oldest_at) = (number(replies.first()), text(replies.get(1)).and_then(enqueued_at));
        jobs.push(&[("name", name)], waiting.unwrap_or(0) as f64);
        latency.push(&[("name", name)], oldest_at.map_or(0.0, |at| (now - at).max(0.0)));
        let workers = Some(processes.iter().filter(|process| process.queues.contains(name)).count() as u64);
        queues.push(Queue { name: name.clone(), waiting, oldest_at, workers, ..Queue::default() });
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
    let mut compatible = vec![jobs, latency];
    compatible.extend(totals(&queues, processes, common));
    compatible.extend(by_queue(names, processes));
    Reading { queues, compatible, ..Reading::default() }
}

/// A Sidekiq process, as it tells itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Process {
    queues: BTreeSet<String>,
    threads: u64,
    busy: u64,
}

impl Process {
    /// From the fields `info` and `busy` of its hash, which is gone soon after the process.
    fn of(reply: &Reply) -> Option<Self> {
        let Reply::List(fields) = reply else { return None };
        let info: Value = serde_json::from_str(text(fields.first())?).ok()?;
        let queues = info["queues"].as_array().into_iter().flatten().filter_map(Value::as_str);
        Some(Self {
            queues: queues.map(str::to_owned).collect(),
            threads: info["concurrency"].as_u64().unwrap_or(0),
            busy: number(fields.get(1)).unwrap_or(0),
        })
    }
}

/// What the usual exporter tells of all queues together.
fn totals(queues: &[Queue], processes: &[Process], common: &[Reply]) -> Vec<Family> {
    let count = |at: usize| number(common.get(at)).unwrap_or(0);
    let enqueued = queues.iter().filter_map(|queue| queue.waiting).sum();
    [
        (m::SIDEKIQ_ENQUEUED_JOBS, enqueued),
        (m::SIDEKIQ_SCHEDULED_JOBS, count(0)),
        (m::SIDEKIQ_RETRY_JOBS, count(1)),
        (m::SIDEKIQ_DEAD_JOBS, count(2)),
        (m::SIDEKIQ_PROCESSED_JOBS, count(3)),
        (m::SIDEKIQ_FAILED_JOBS, count(4)),
        (m::SIDEKIQ_PROCESSES, processes.len() as u64),
        (m::SIDEKIQ_WORKERS, processes.iter().map(|process| process.threads).sum()),
        (m::SIDEKIQ_BUSY_WORKERS, processes.iter().map(|process| process.busy).sum()),
    ]
    .map(|(metric, value)| Family::single(metric, value as f64))
    .into()
}

fn by_queue(names: &[String], processes: &[Process]) -> [Family; 2] {
    let sum = |metric: Metric, value: fn(&Process) -> u64| {
        names.iter().fold(Family::new(metric), |family, name| {
            let of_queue = processes.iter().filter(|process| process.queues.contains(name));
            family.with(&[("name", name)], of_queue.map(value).sum::<u64>() as f64)
        })
    };
    [sum(m::SIDEKIQ_QUEUE_PROCESSES, |_| 1), sum(m::SIDEKIQ_QUEUE_WORKERS, |process| process.threads)]
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
        let reading = parse(&[], &[], &[], &common, 0.0);
        let all = &reading.queues[0];
        assert_eq!((all.scheduled, all.retrying, all.dead), (Some(1), Some(2), Some(3)));
        assert_eq!(all.completed, Some(6));
    }
}
