//! apalis on Redis: a list of what is due, a sorted set of what comes later, a set for each worker.
//!
//! A fresh task lands in `scheduled` with the present time, and a worker moves what is due to
//! `active` when its heart beats: so what waits is `active` and the due part of `scheduled`. A task
//! that failed and will be tried again lies in `scheduled` too; apalis does not keep them apart, so
//! neither does this. Done and dead tasks stay in their sets, which makes `done` a counter. The age
//! is that of the identifier, where it is a ULID, or the time since the task was due. A queue is
//! known once a worker registered for it.

use std::collections::BTreeSet;

use super::ask::{Ask, Request, number, refused, request, text, texts};
use super::discovery::{Discovery, QUEUES_MAX};
use super::model::{Queue, Reading};
use crate::failure::Failure;
use crate::redis_client::Reply;

/// The name of the label `system`.
pub const SYSTEM: &str = "apalis";
/// Where workers register their queues.
const LIST: &str = "core:apalis:queues:list";
/// Workers of one queue that are asked for what they hold.
const WORKERS_MAX: usize = 200;
const REQUESTS_PER_QUEUE: usize = 8;

/// Reads every queue: names, then lengths and workers, then what each worker holds. `now` is in
/// seconds since 1970.
pub(crate) async fn read(ask: &mut dyn Ask, discovery: &mut Discovery, now: f64) -> Result<Reading, Failure> {
    let last = (2 * QUEUES_MAX).to_string();
    let known = ask.pipeline(&[request(&["ZRANGE", LIST, "0", &last])]).await?;
    refused(&known)?;
    let found: BTreeSet<String> = texts(known.first())
        .into_iter()
        .map(|key| key.strip_suffix(":workers").unwrap_or(key).to_owned())
        .collect();
    let unknown = discovery.unknown(&found);
    let (names, left_out) = discovery.names(found);
    let commands: Vec<Request> = names.iter().flat_map(|name| requests(name, now)).collect();
    let replies = if commands.is_empty() { Vec::new() } else { ask.pipeline(&commands).await? };
    refused(&replies)?;
    let workers = workers(&names, &replies);
    let commands: Vec<Request> = workers.iter().map(|(_, key)| request(&["SCARD", key])).collect();
    let held = if commands.is_empty() { Vec::new() } else { ask.pipeline(&commands).await? };
    refused(&held)?;
    let held: Vec<(usize, u64)> = workers
        .iter()
        .zip(&held)
        .map(|((queue, _), reply)| (*queue, number(Some(reply)).unwrap_or(0)))
        .collect();
    let mut reading = parse(&names, &replies, &held);
    reading.unread += left_out;
    reading.unknown = unknown;
    Ok(reading)
}

fn requests(name: &str, now: f64) -> [Request; REQUESTS_PER_QUEUE] {
    let key = |part: &str| format!("{name}:{part}");
    let (scheduled, now) = (key("scheduled"), format!("{}", now.floor()));
    [
        request(&["LLEN", &key("active")]),
        request(&["LINDEX", &key("active"), "0"]),
        request(&["ZCARD", &scheduled]),
        request(&["ZCOUNT", &scheduled, "-inf", &now]),
        request(&["ZRANGE", &scheduled, "0", "0", "WITHSCORES"]),
        request(&["SCARD", &key("done")]),
        request(&["SCARD", &key("dead")]),
        request(&["ZRANGE", &key("workers"), "0", "-1"]),
    ]
}

/// The sets of what each worker holds, with the index of their queue.
fn workers(names: &[String], replies: &[Reply]) -> Vec<(usize, String)> {
    let of_one = |(index, (name, replies)): (usize, (&String, &[Reply]))| {
        let workers = texts(replies.get(7)).into_iter().take(WORKERS_MAX);
        workers.map(|worker| (index, format!("{name}:inflight:{worker}"))).collect::<Vec<_>>()
    };
    names.iter().zip(replies.chunks(REQUESTS_PER_QUEUE)).enumerate().flat_map(of_one).collect()
}

/// The queues from the replies to their commands, and what the workers of a queue hold by its index.
#[must_use]
pub fn parse(names: &[String], replies: &[Reply], held: &[(usize, u64)]) -> Reading {
    let mut reading = Reading::default();
    for (index, (name, replies)) in names.iter().zip(replies.chunks(REQUESTS_PER_QUEUE)).enumerate() {
        let count = |at: usize| number(replies.get(at)).unwrap_or(0);
        let (scheduled, due) = (count(2), count(3));
        let by_id = text(replies.get(1)).and_then(ulid_seconds);
        let lowest = texts(replies.get(4)).get(1).and_then(|score| score.parse::<f64>().ok());
        let by_score = lowest.filter(|_| due > 0);
        let workers = texts(replies.get(7)).len();
        reading.unread += workers.saturating_sub(WORKERS_MAX) as u64;
        reading.queues.push(Queue {
            name: name.clone(),
            waiting: Some(count(0) + due),
            running: Some(held.iter().filter(|(queue, _)| *queue == index).map(|(_, held)| held).sum()),
            scheduled: Some(scheduled.saturating_sub(due)),
            completed: Some(count(5)),
            dead: Some(count(6)),
            workers: Some(workers as u64),
            oldest_at: [by_id, by_score].into_iter().flatten().reduce(f64::min),
            ..Queue::default()
        });
    }
    reading
}

/// The time in a ULID, whose first ten characters are milliseconds in Crockford's base 32.
fn ulid_seconds(id: &str) -> Option<f64> {
    const DIGITS: &str = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    let is_ulid = id.len() == 26 && id.chars().all(|digit| DIGITS.contains(digit));
    let time = id.get(..10).filter(|_| is_ulid)?;
    let millis = time.chars().try_fold(0_u64, |sum, digit| Some(sum * 32 + DIGITS.find(digit)? as u64))?;
    Some(millis as f64 / 1_000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_of_a_ulid_is_read_and_other_identifiers_have_none() {
        // The example of the ULID specification: 2016-07-30T23:54:10.259Z.
        assert_eq!(ulid_seconds("01ARZ3NDEKTSV4RRFFQ69G5FAV"), Some(1_469_922_850.259));
        for id in ["", "01ARZ3NDEK", "01ARZ3NDEKTSV4RRFFQ69G5FAU", "6f1c9f5e-0000-0000-0000-000000000000"] {
            assert_eq!(ulid_seconds(id), None, "{id}");
        }
    }

    #[test]
    fn what_is_due_waits_and_the_rest_is_scheduled() {
        let list =
            |texts: &[&str]| Reply::List(texts.iter().map(|text| Reply::Text((*text).into())).collect());
        let replies = [
            Reply::Int(4),
            Reply::Nil,
            Reply::Int(5),
            Reply::Int(2),
            list(&["task", "1700000000"]),
            Reply::Int(30),
            Reply::Int(1),
            list(&["one", "two"]),
        ];
        let names = ["mail".to_owned()];
        assert_eq!(workers(&names, &replies)[1], (0, "mail:inflight:two".to_owned()));
        let queue = &parse(&names, &replies, &[(0, 3), (0, 4), (1, 9)]).queues[0];
        assert_eq!((queue.waiting, queue.running, queue.scheduled), (Some(6), Some(7), Some(3)));
        assert_eq!((queue.completed, queue.dead, queue.workers), (Some(30), Some(1), Some(2)));
        assert_eq!(queue.oldest_at, Some(1_700_000_000.0));
    }
}
