//! What every layout tells of a queue, and the families that it becomes.
//!
//! It is separate so that a layout only reads its broker; the names of metrics stand here. A number
//! that a broker does not know is `None` and gives no sample: absent is not zero.

use hitmark_schema::exposition::Family;
use hitmark_schema::metrics::{
    Metric, QUEUE_COMPLETED, QUEUE_DEAD, QUEUE_DRAIN, QUEUE_ENQUEUED, QUEUE_FAILED, QUEUE_GROUP_CONSUMERS,
    QUEUE_GROUP_LAG, QUEUE_GROUP_OLDEST_PENDING_AGE, QUEUE_GROUP_PENDING, QUEUE_LENGTH, QUEUE_LISTED_UNKNOWN,
    QUEUE_OLDEST_AGE, QUEUE_PRIORITY_LENGTH, QUEUE_RETRYING, QUEUE_RUNNING, QUEUE_SCHEDULED, QUEUE_STORED,
    QUEUE_UNREAD, QUEUE_WAITED_AT_LEAST, QUEUE_WORKERS,
};

/// One queue at one moment.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Queue {
    /// Its name.
    pub name: String,
    /// Messages that wait for a worker, of every priority.
    pub waiting: Option<u64>,
    /// The same by priority, for those priorities that hold any.
    pub by_priority: Vec<(String, u64)>,
    /// Messages that a worker holds.
    pub running: Option<u64>,
    /// Messages that wait for their time and never ran.
    pub scheduled: Option<u64>,
    /// Messages that wait for another try.
    pub retrying: Option<u64>,
    /// Failed messages that are kept.
    pub failed: Option<u64>,
    /// Messages that are given up.
    pub dead: Option<u64>,
    /// When the message that waits longest was enqueued, in seconds since 1970.
    pub oldest_at: Option<f64>,
    /// Messages ever enqueued.
    pub enqueued: Option<u64>,
    /// Messages ever completed.
    pub completed: Option<u64>,
    /// Workers that take from it.
    pub workers: Option<u64>,
    /// Entries that a stream holds, read or not.
    pub stored: Option<u64>,
    /// The groups that read a stream.
    pub groups: Vec<Group>,
    /// Identifiers of the messages that are next in its lists, where their time is not told.
    pub heads: Vec<String>,
    /// Seconds for which one of these was seen there.
    pub waited_at_least: Option<f64>,
    /// Seconds until nothing waits, at the rate of the last minutes.
    pub drains_in: Option<f64>,
}

/// A group that reads a stream.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Group {
    /// Its name.
    pub name: String,
    /// Entries that it has not read, where the server can tell.
    pub lag: Option<u64>,
    /// Entries that it has read and not acknowledged.
    pub pending: u64,
    /// Consumers that it knows.
    pub consumers: u64,
    /// Entries that it ever read, where the server can tell.
    pub read: Option<u64>,
    /// The id of the entry that it read last.
    pub delivered: String,
    /// When the oldest entry of `pending` was added, in seconds since 1970.
    pub oldest_pending_at: Option<f64>,
}

/// What one scrape of a broker gave.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Reading {
    /// The queues, by name.
    pub queues: Vec<Queue>,
    /// Queues and entries that were left out by a limit or could not be read.
    pub unread: u64,
    /// Queues that the operator listed and the broker does not know.
    pub unknown: Vec<String>,
    /// Families under the names of the broker's usual exporter.
    pub compatible: Vec<Family>,
}

/// The neutral families of a reading, then its compatible ones. `now` is in seconds since 1970.
#[must_use]
pub fn families(system: &'static str, reading: Reading, now: f64) -> Vec<Family> {
    let queues = &reading.queues;
    let gauge = |metric: Metric, value: &dyn Fn(&Queue) -> Option<f64>| {
        queues.iter().fold(Family::new(metric), |family, queue| match value(queue) {
            Some(value) => family.with(&[("system", system), ("queue", &queue.name)], value),
            None => family,
        })
    };
    let count = |number: Option<u64>| number.map(|number| number as f64);
    let mut families = vec![
        gauge(QUEUE_LENGTH, &|queue| count(queue.waiting)),
        by_priority(system, queues),
        gauge(QUEUE_RUNNING, &|queue| count(queue.running)),
        gauge(QUEUE_SCHEDULED, &|queue| count(queue.scheduled)),
        gauge(QUEUE_RETRYING, &|queue| count(queue.retrying)),
        gauge(QUEUE_FAILED, &|queue| count(queue.failed)),
        gauge(QUEUE_DEAD, &|queue| count(queue.dead)),
        // A clock that runs ahead elsewhere would give an age below zero.
        gauge(QUEUE_OLDEST_AGE, &|queue| queue.oldest_at.map(|at| (now - at).max(0.0))),
        gauge(QUEUE_WAITED_AT_LEAST, &|queue| queue.waited_at_least),
        gauge(QUEUE_ENQUEUED, &|queue| count(queue.enqueued)),
        gauge(QUEUE_COMPLETED, &|queue| count(queue.completed)),
        gauge(QUEUE_WORKERS, &|queue| count(queue.workers)),
        gauge(QUEUE_STORED, &|queue| count(queue.stored)),
        gauge(QUEUE_DRAIN, &|queue| queue.drains_in),
        Family::new(QUEUE_UNREAD).with(&[("system", system)], reading.unread as f64),
    ];
    families.extend(by_group(system, queues, now));
    families.push(reading.unknown.iter().fold(Family::new(QUEUE_LISTED_UNKNOWN), |family, name| {
        family.with(&[("system", system), ("queue", name)], 1.0)
    }));
    families.extend(reading.compatible);
    families
}

fn by_priority(system: &str, queues: &[Queue]) -> Family {
    let mut family = Family::new(QUEUE_PRIORITY_LENGTH);
    for queue in queues {
        for (priority, length) in &queue.by_priority {
            let labels = [("system", system), ("queue", &*queue.name), ("priority", &**priority)];
            family.push(&labels, *length as f64);
        }
    }
    family
}

fn by_group(system: &str, queues: &[Queue], now: f64) -> Vec<Family> {
    let gauge = |metric: Metric, value: &dyn Fn(&Group) -> Option<f64>| {
        let mut family = Family::new(metric);
        for queue in queues {
            for group in &queue.groups {
                let labels = [("system", system), ("queue", &*queue.name), ("group", &*group.name)];
                if let Some(value) = value(group) {
                    family.push(&labels, value);
                }
            }
        }
        family
    };
    vec![
        gauge(QUEUE_GROUP_LAG, &|group| group.lag.map(|lag| lag as f64)),
        gauge(QUEUE_GROUP_PENDING, &|group| Some(group.pending as f64)),
        gauge(QUEUE_GROUP_CONSUMERS, &|group| Some(group.consumers as f64)),
        gauge(QUEUE_GROUP_OLDEST_PENDING_AGE, &|group| group.oldest_pending_at.map(|at| (now - at).max(0.0))),
    ]
}
