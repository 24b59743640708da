//! Celery on Redis: lists with one more list for each priority, and one hash of what workers hold.
//!
//! kombu keeps a message of queue `q` in list `q`, or in `q` 06 16 `p` for the priority steps 3, 6
//! and 9 (`layout` knows other names); it pushes left and pops right. What a worker took, running or waiting for its ETA, lies
//! unacknowledged in the hash `unacked`, of all queues together, as JSON `[message, exchange, key]`.
//! A Celery message has no time of its own: an age is told only where the publisher set the header
//! or property `timestamp`; else how long the next message was seen to wait. Only the control bus
//! (`control`) writes, and the lists are never read whole.

mod control;
mod events;
mod layout;
mod message;
pub(crate) mod watch;
mod workers;

use std::collections::{BTreeMap, BTreeSet, HashSet};

use hitmark_schema::exposition::Family;
use hitmark_schema::metrics::CELERY_QUEUE_LENGTH;
use serde_json::Value;

pub use self::layout::Layout;
use super::ask::{Ask, Request, number, refused, request, step, text, texts};
use super::discovery::Discovery;
use super::model::{Queue, Reading};
use super::time::epoch_seconds;
use crate::failure::Failure;
use crate::redis_client::Reply;

/// The name of the label `system`.
pub const SYSTEM: &str = "celery";
/// How many entries of `unacked` one step asks for, and how many steps one scrape takes.
const HSCAN_COUNT: &str = "1000";
const HSCAN_STEPS_MAX: usize = 50;
/// The keys that tell queue names.
const DISCOVERY: &str = "_kombu.binding.*";

impl Layout {
    /// What is asked for each queue: a length and the oldest message for each list.
    const fn requests_per_queue(&self) -> usize {
        2 * (1 + self.steps.len())
    }
}

/// Reads every queue. `now` is in seconds since 1970.
pub(crate) async fn read(
    ask: &mut dyn Ask,
    discovery: &mut Discovery,
    layout: &Layout,
    now: f64,
) -> Result<Reading, Failure> {
    let keys = discovery.keys(ask, &layout.key(DISCOVERY)).await?;
    let commands: Vec<Request> = keys.iter().map(|key| request(&["SMEMBERS", key])).collect();
    let bindings = if commands.is_empty() { Vec::new() } else { ask.pipeline(&commands).await? };
    let found = queues_of_bindings(&layout.separator, &keys, &bindings);
    let unknown = discovery.unknown(&found);
    let (names, left_out) = discovery.names(found);
    let (mut commands, unacked) = (requests(layout, &names), layout.key("unacked"));
    commands.push(request(&["HSCAN", &unacked, "0", "COUNT", HSCAN_COUNT]));
    let mut replies = ask.pipeline(&commands).await?;
    refused(&replies)?;
    let first = replies.pop();
    let (held, unfinished) = held(ask, &unacked, first).await?;
    let mut reading = parse(layout, &names, &replies, &held, now);
    reading.unread += left_out + unfinished;
    reading.unknown = unknown;
    Ok(reading)
}

/// The names in the members of the binding sets: `key 06 16 pattern 06 16 queue`. The exchanges of
/// the control bus and of events hold no work.
fn queues_of_bindings(separator: &str, keys: &[String], bindings: &[Reply]) -> BTreeSet<String> {
    let work = keys
        .iter()
        .zip(bindings)
        .filter(|(key, _)| !["celery.pidbox", "celeryev"].iter().any(|exchange| key.ends_with(exchange)));
    work.flat_map(|(_, reply)| texts(Some(reply)))
        .filter_map(|member| member.rsplit(separator).next())
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect()
}

/// What is asked about these queues.
fn requests(layout: &Layout, names: &[String]) -> Vec<Request> {
    let mut commands = Vec::with_capacity(names.len() * layout.requests_per_queue() + 1);
    for list in names.iter().flat_map(|name| layout.lists(name)) {
        commands.push(request(&["LLEN", &list]));
        commands.push(request(&["LINDEX", &list, "-1"]));
    }
    commands
}

/// Every entry of `unacked` once: HSCAN may give one twice. Also how many steps were left undone.
async fn held(ask: &mut dyn Ask, unacked: &str, first: Option<Reply>) -> Result<(Vec<String>, u64), Failure> {
    let (mut seen, mut held, mut reply) = (HashSet::new(), Vec::new(), first);
    for _ in 0..HSCAN_STEPS_MAX {
        let Some((cursor, pairs)) = step(reply.as_ref()) else { break };
        for pair in pairs.chunks_exact(2) {
            if seen.insert(pair[0].to_owned()) {
                held.push(pair[1].to_owned());
            }
        }
        if cursor == "0" {
            return Ok((held, 0));
        }
        let next = request(&["HSCAN", unacked, cursor, "COUNT", HSCAN_COUNT]);
        let mut replies = ask.pipeline(&[next, request(&["HLEN", unacked])]).await?;
        refused(&replies)?;
        let length = number(replies.get(1)).unwrap_or(0);
        replies.truncate(1);
        reply = replies.pop();
        if seen.len() >= HSCAN_STEPS_MAX * 1_000 {
            return Ok((held, length.saturating_sub(seen.len() as u64)));
        }
    }
    Ok((held, 1))
}

/// The queues from the replies to `requests` and the values of the hash `unacked`.
#[must_use]
pub fn parse(layout: &Layout, names: &[String], replies: &[Reply], held: &[String], now: f64) -> Reading {
    let mut queues: BTreeMap<String, Queue> = BTreeMap::new();
    for (name, replies) in names.iter().zip(replies.chunks(layout.requests_per_queue())) {
        queues.insert(name.clone(), listed(layout, name, replies));
    }
    let mut unread = 0;
    for entry in held {
        let place = Held::of(entry, now);
        match place.and_then(|held| Some((queues.get_mut(&held.queue)?, held.state))) {
            Some((queue, state)) => *state.field(queue).get_or_insert(0) += 1,
            None => unread += 1,
        }
    }
    let queues: Vec<Queue> = queues.into_values().collect();
    let compatible = queues.iter().fold(Family::new(CELERY_QUEUE_LENGTH), |family, queue| {
        family.with(&[("queue_name", &queue.name)], queue.waiting.unwrap_or(0) as f64)
    });
    Reading { queues, unread, compatible: vec![compatible], ..Reading::default() }
}

/// What the lists of one queue tell.
fn listed(layout: &Layout, name: &str, replies: &[Reply]) -> Queue {
    let empty = Some(0);
    let mut queue = Queue {
        name: name.to_owned(),
        waiting: empty,
        running: empty,
        scheduled: empty,
        retrying: empty,
        ..Queue::default()
    };
    for (priority, pair) in
        std::iter::once("0").chain(layout.steps.iter().map(String::as_str)).zip(replies.chunks(2))
    {
        let length = number(pair.first()).unwrap_or(0);
        queue.waiting = queue.waiting.map(|waiting| waiting + length);
        queue.by_priority.push((priority.to_owned(), length));
        let message = text(pair.get(1)).and_then(|message| serde_json::from_str::<Value>(message).ok());
        let at = message.as_ref().and_then(sent_at);
        let id = message.as_ref().and_then(|message| message["headers"]["id"].as_str());
        queue.heads.extend(id.filter(|_| at.is_none()).map(str::to_owned));
        queue.oldest_at = match (queue.oldest_at, at) {
            (Some(oldest), Some(at)) => Some(oldest.min(at)),
            (oldest, at) => oldest.or(at),
        };
    }
    queue
}

/// When the publisher says that it sent the message.
fn sent_at(message: &Value) -> Option<f64> {
    let time =
        [&message["headers"], &message["properties"]].into_iter().find_map(|part| part.get("timestamp"))?;
    match time {
        Value::String(text) => epoch_seconds(text).or_else(|| text.parse().ok()),
        other => other.as_f64(),
    }
    .filter(|at| at.is_finite())
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum State {
    Running,
    Scheduled,
    Retrying,
}

impl State {
    fn field(self, queue: &mut Queue) -> &mut Option<u64> {
        match self {
            Self::Running => &mut queue.running,
            Self::Scheduled => &mut queue.scheduled,
            Self::Retrying => &mut queue.retrying,
        }
    }
}

/// What a worker holds: of which queue, and whether it waits for its time.
struct Held {
    queue: String,
    state: State,
}

impl Held {
    fn of(entry: &str, now: f64) -> Option<Self> {
        let entry: Value = serde_json::from_str(entry).ok()?;
        let message = &entry[0];
        let queue =
            entry[2].as_str().or_else(|| message["properties"]["delivery_info"]["routing_key"].as_str())?;
        let headers = &message["headers"];
        let waits = headers["eta"].as_str().and_then(epoch_seconds).is_some_and(|eta| eta > now);
        let state = match (waits, headers["retries"].as_u64().unwrap_or(0)) {
            (false, _) => State::Running,
            (true, 0) => State::Scheduled,
            (true, _) => State::Retrying,
        };
        Some(Self { queue: queue.to_owned(), state })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(key: &str, eta: &str, retries: u8) -> String {
        format!(r#"[{{"headers":{{"eta":{eta},"retries":{retries}}}}},"","{key}"]"#)
    }

    #[test]
    fn priorities_are_added_and_what_workers_hold_is_split() {
        let mut replies = Vec::new();
        for length in [10, 30, 0, 2] {
            replies.extend([Reply::Int(length), Reply::Nil]);
        }
        replies[3] = Reply::Text(r#"{"headers":{"timestamp":5.5}}"#.to_owned());
        let (past, future) = (r#""1970-01-01T00:00:01""#, r#""1970-01-02T00:00:00""#);
        let held = [
            entry("celery", "null", 0),
            entry("celery", past, 0),
            entry("celery", future, 0),
            entry("celery", future, 1),
            entry("elsewhere", "null", 0),
            "not json".to_owned(),
        ];
        let reading = parse(&Layout::default(), &["celery".to_owned()], &replies, &held, 100.0);
        let queue = &reading.queues[0];
        assert_eq!((queue.waiting, queue.running), (Some(42), Some(2)));
        assert_eq!((queue.scheduled, queue.retrying), (Some(1), Some(1)));
        assert_eq!(queue.oldest_at, Some(5.5));
        assert_eq!(reading.unread, 2);
    }

    #[test]
    fn replies_that_make_no_sense_do_not_panic() {
        let reading = parse(
            &Layout::default(),
            &["q".to_owned()],
            &[Reply::Int(-1), Reply::List(vec![])],
            &[String::new()],
            0.0,
        );
        assert_eq!(reading.queues[0].waiting, Some(0));
    }

    #[test]
    fn control_exchanges_are_no_queues() {
        let keys = ["_kombu.binding.celery".to_owned(), "_kombu.binding.celery.pidbox".to_owned()];
        let member = |text: &str| Reply::List(vec![Reply::Text(text.to_owned())]);
        let bindings =
            [member("mail\u{6}\u{16}\u{6}\u{16}mail"), member("\u{6}\u{16}\u{6}\u{16}h.celery.pidbox")];
        assert_eq!(queues_of_bindings("\u{6}\u{16}", &keys, &bindings), BTreeSet::from(["mail".to_owned()]));
    }
}
