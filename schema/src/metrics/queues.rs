//! Queues of background work, under one set of names for every broker, and the names that others keep.

use super::Metric;

const BY_QUEUE: &[&str] = &["system", "queue"];

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
/// celery-exporter's name.
pub const CELERY_QUEUE_LENGTH: Metric = Metric::gauge(
    "celery_queue_length",
    "Messages that wait in the Celery queue, of every priority.",
    &["queue_name"],
);
/// rq-exporter's name.
pub const RQ_JOBS: Metric = Metric::gauge("rq_jobs", "RQ jobs by queue and status.", &["queue", "status"]);
/// The Sidekiq exporter's name.
pub const SIDEKIQ_QUEUE_JOBS: Metric =
    Metric::gauge("sidekiq_queue_enqueued_jobs", "Sidekiq jobs that wait in the queue.", &["name"]);
/// The Sidekiq exporter's name.
pub const SIDEKIQ_QUEUE_LATENCY: Metric = Metric::gauge(
    "sidekiq_queue_latency_seconds",
    "Age of the Sidekiq job that waits longest in the queue.",
    &["name"],
);
/// BullMQ's own name.
pub const BULLMQ_JOB_COUNT: Metric =
    Metric::gauge("bullmq_job_count", "BullMQ jobs by queue and state.", &["queue", "state"]);

/// Every metric of the queues. `bullmq_job_count` keeps the name that BullMQ itself writes.
pub const QUEUES: &[Metric] = &[
    QUEUE_LENGTH,
    QUEUE_PRIORITY_LENGTH,
    QUEUE_RUNNING,
    QUEUE_SCHEDULED,
    QUEUE_RETRYING,
    QUEUE_FAILED,
    QUEUE_DEAD,
    QUEUE_OLDEST_AGE,
    QUEUE_ENQUEUED,
    QUEUE_COMPLETED,
    QUEUE_UNREAD,
    CELERY_QUEUE_LENGTH,
    RQ_JOBS,
    SIDEKIQ_QUEUE_JOBS,
    SIDEKIQ_QUEUE_LATENCY,
    BULLMQ_JOB_COUNT,
];
