//! Queues of background work, under one set of names for every broker. The names of other exporters
//! stand in `queue_systems`.

use super::Metric;

const BY_QUEUE: &[&str] = &["system", "queue"];
const BY_GROUP: &[&str] = &["system", "queue", "group"];

/// Messages that wait for a worker.
pub const QUEUE_LENGTH: Metric =
    Metric::gauge("queue_length", "Messages that wait for a worker, of every priority.", BY_QUEUE);
/// The same by priority.
pub const QUEUE_PRIORITY_LENGTH: Metric = Metric::gauge(
    "queue_priority_length",
    "Messages that wait for a worker, by priority, where the broker keeps priorities apart.",
    &["system", "queue", "priority"],
);
/// Messages that a worker holds.
pub const QUEUE_RUNNING: Metric = Metric::gauge(
    "queue_running",
    "Messages that a worker holds and has not acknowledged, without those that wait for their time.",
    BY_QUEUE,
);
/// Messages that wait for their time.
pub const QUEUE_SCHEDULED: Metric =
    Metric::gauge("queue_scheduled", "Messages that wait for their time and never ran.", BY_QUEUE);
/// Messages that wait for another try.
pub const QUEUE_RETRYING: Metric =
    Metric::gauge("queue_retrying", "Messages that failed before and wait for another try.", BY_QUEUE);
/// Failed messages that are kept.
pub const QUEUE_FAILED: Metric =
    Metric::gauge("queue_failed", "Failed messages that the broker still keeps.", BY_QUEUE);
/// Messages that are given up.
pub const QUEUE_DEAD: Metric =
    Metric::gauge("queue_dead", "Messages that are given up and still kept.", BY_QUEUE);
/// Age of the oldest waiting message.
pub const QUEUE_OLDEST_AGE: Metric = Metric::gauge(
    "queue_oldest_message_age_seconds",
    "Age of the message that waits longest, where the message tells when it was enqueued.",
    BY_QUEUE,
);
/// How long the head has waited at least.
pub const QUEUE_WAITED_AT_LEAST: Metric = Metric::gauge(
    "queue_oldest_message_age_min_seconds",
    "Time for which the message that is next was seen to wait, where it does not tell its age: a lower bound.",
    BY_QUEUE,
);
/// Messages ever enqueued.
pub const QUEUE_ENQUEUED: Metric = Metric::counter(
    "queue_enqueued_total",
    "Messages ever enqueued, where the broker counts them.",
    BY_QUEUE,
);
/// Messages ever completed.
pub const QUEUE_COMPLETED: Metric = Metric::counter(
    "queue_completed_total",
    "Messages ever completed, where the broker counts them.",
    BY_QUEUE,
);
/// Entries that could not be read or were beyond the limit.
pub const QUEUE_UNREAD: Metric = Metric::gauge(
    "queue_unread_entries",
    "Queues beyond the cap and entries beyond the budget of one scrape, which no other sample holds.",
    &["system"],
);
/// Workers that take messages of the queue.
pub const QUEUE_WORKERS: Metric = Metric::gauge(
    "queue_workers",
    "Workers that take messages of the queue and show signs of life.",
    BY_QUEUE,
);
/// When the queue will be empty.
pub const QUEUE_DRAIN: Metric = Metric::gauge(
    "queue_time_to_drain_seconds",
    "Seconds until nothing waits at the net rate of the last five minutes; +Inf if the queue does not shrink.",
    BY_QUEUE,
);
/// Entries of a stream, read or not.
pub const QUEUE_STORED: Metric =
    Metric::gauge("queue_stored_entries", "Entries that the stream holds, read or not.", BY_QUEUE);
/// How far a group is behind.
pub const QUEUE_GROUP_LAG: Metric = Metric::gauge(
    "queue_group_lag",
    "Entries of the stream that the group has not read; absent where the server cannot tell.",
    BY_GROUP,
);
/// What a group holds.
pub const QUEUE_GROUP_PENDING: Metric =
    Metric::gauge("queue_group_pending", "Entries that the group has read and not acknowledged.", BY_GROUP);
/// Who reads for a group.
pub const QUEUE_GROUP_CONSUMERS: Metric =
    Metric::gauge("queue_group_consumers", "Consumers that the group knows.", BY_GROUP);
/// How old the oldest unacknowledged entry is.
pub const QUEUE_GROUP_OLDEST_PENDING_AGE: Metric = Metric::gauge(
    "queue_group_oldest_pending_age_seconds",
    "Age of the oldest entry that the group has read and not acknowledged, by the time in its id.",
    BY_GROUP,
);
/// Queues that the operator listed and the broker does not know.
pub const QUEUE_LISTED_UNKNOWN: Metric = Metric::gauge(
    "queue_listed_unknown",
    "1 for a queue that the configuration lists and the broker does not know, perhaps a misspelled name.",
    BY_QUEUE,
);
/// What reading the queues added to the server's counters.
pub const QUEUE_INDUCED_LOOKUPS: Metric = Metric::counter(
    "queue_induced_keyspace_lookups_total",
    "Lookups that reading the queues added to the keyspace hits and misses of their Redis.",
    &["system", "result"],
);

/// Every neutral metric of the queues.
pub const QUEUES: &[Metric] = &[
    QUEUE_LENGTH,
    QUEUE_PRIORITY_LENGTH,
    QUEUE_RUNNING,
    QUEUE_SCHEDULED,
    QUEUE_RETRYING,
    QUEUE_FAILED,
    QUEUE_DEAD,
    QUEUE_OLDEST_AGE,
    QUEUE_WAITED_AT_LEAST,
    QUEUE_ENQUEUED,
    QUEUE_COMPLETED,
    QUEUE_UNREAD,
    QUEUE_WORKERS,
    QUEUE_DRAIN,
    QUEUE_STORED,
    QUEUE_GROUP_LAG,
    QUEUE_GROUP_PENDING,
    QUEUE_GROUP_CONSUMERS,
    QUEUE_GROUP_OLDEST_PENDING_AGE,
    QUEUE_LISTED_UNKNOWN,
    QUEUE_INDUCED_LOOKUPS,
];
