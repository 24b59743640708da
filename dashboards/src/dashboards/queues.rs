//! Background work of every broker: what waits, for how long, and whether the workers keep up.
//!
//! The neutral `queue_*` metrics are the same for Celery, RQ, Sidekiq, BullMQ, apalis, streams and
//! RabbitMQ; what only Celery's events tell has a row of its own.

use hitmark_schema::metrics as m;

use super::panels::{over_time, query, stat};
use crate::grafana::{Dashboard, Row, Shape, Unit};
use crate::promql::{Scope, max, min, quantile, sum};

const HERE: Scope = Scope::Dashboard;
const BY: &[&str] = &["system", "queue"];
const LEGEND: &str = "{{system}} {{queue}}";

/// The dashboard.
#[must_use]
pub fn dashboard() -> Dashboard {
    Dashboard {
        name: "queues",
        title: "Queues",
        description: "Background work of every broker: what waits, for how long, and who works.",
        present: &[&m::QUEUE_LENGTH, &m::QUEUE_UNREAD],
        rows: vec![now(), waiting(), flow(), streams(), celery()],
    }
}

fn now() -> Row {
    let panels = vec![
        stat(
            "Messages that wait",
            "In all queues. The number alone says little: look at the age beside it.",
            Unit::Count,
            sum(&HERE.series(&m::QUEUE_LENGTH, ""), &[]),
        ),
        stat(
            "Oldest message",
            "How long the message that waits longest has waited. Above five minutes somebody notices.",
            Unit::Seconds,
            max(&HERE.series(&m::QUEUE_OLDEST_AGE, ""), &[]),
        ),
        stat(
            "Given up",
            "Messages that no worker will try again. Each is work that was promised and not done.",
            Unit::Count,
            sum(&HERE.series(&m::QUEUE_DEAD, ""), &[]),
        ),
        stat(
            "Queues without a worker",
            "Queues from which nobody takes, though messages wait in them. It should be empty.",
            Unit::Count,
            format!(
                "count({} > 0 and on (job, instance, target, system, queue) {} == 0)",
                HERE.series(&m::QUEUE_LENGTH, ""),
                HERE.series(&m::QUEUE_WORKERS, "")
            ),
        ),
        stat(
            "Left unread",
            "Queues and entries beyond the exporter's caps. Above 0 the other panels do not show everything.",
            Unit::Count,
            sum(&HERE.series(&m::QUEUE_UNREAD, ""), &[]),
        ),
    ];
    Row { title: "Now", panels }
}

fn waiting() -> Row {
    let panels = vec![
        over_time(
            "Length",
            "Messages that wait, of every priority. A sawtooth is well; a staircase is not.",
            Shape::Lines,
            Unit::Count,
            vec![query(sum(&HERE.series(&m::QUEUE_LENGTH, ""), BY), LEGEND)],
        ),
        over_time(
            "Age of the oldest message",
            "Where the broker tells it; otherwise how long the exporter has seen the same message in front.",
            Shape::Lines,
            Unit::Seconds,
            vec![
                query(max(&HERE.series(&m::QUEUE_OLDEST_AGE, ""), BY), LEGEND),
                query(max(&HERE.series(&m::QUEUE_WAITED_AT_LEAST, ""), BY), "at least {{system}} {{queue}}"),
            ],
        ),
        over_time(
            "Time to drain",
            "Until nothing waits, at the rate of the last minutes. A gap or infinity means that the queue does not shrink.",
            Shape::Lines,
            Unit::Seconds,
            vec![query(max(&HERE.series(&m::QUEUE_DRAIN, ""), BY), LEGEND)],
        ),
    ];
    Row { title: "Waiting", panels }
}

fn flow() -> Row {
    let gauge = |metric| sum(&HERE.series(metric, ""), BY);
    let panels = vec![
        over_time(
            "Arrivals and completions",
            "Where the broker counts them. Arrivals above completions for long is a queue that grows.",
            Shape::Lines,
            Unit::PerSecond,
            vec![
                query(sum(&HERE.rate(&m::QUEUE_ENQUEUED, ""), BY), "in {{system}} {{queue}}"),
                query(sum(&HERE.rate(&m::QUEUE_COMPLETED, ""), BY), "out {{system}} {{queue}}"),
            ],
        ),
        over_time(
            "Running, scheduled, retrying",
            "What is not waiting and not done. Many retries are a fault that repeats.",
            Shape::Lines,
            Unit::Count,
            vec![
                query(gauge(&m::QUEUE_RUNNING), "running {{system}} {{queue}}"),
                query(gauge(&m::QUEUE_SCHEDULED), "scheduled {{system}} {{queue}}"),
                query(gauge(&m::QUEUE_RETRYING), "retrying {{system}} {{queue}}"),
            ],
        ),
        over_time(
            "Failed and given up",
            "What the broker keeps of them. Read the newest with the system's own tool before it is forgotten.",
            Shape::Lines,
            Unit::Count,
            vec![
                query(gauge(&m::QUEUE_FAILED), "failed {{system}} {{queue}}"),
                query(gauge(&m::QUEUE_DEAD), "given up {{system}} {{queue}}"),
            ],
        ),
        over_time(
            "Workers",
            "That take from the queue, where the broker knows them.",
            Shape::Lines,
            Unit::Count,
            vec![query(gauge(&m::QUEUE_WORKERS), LEGEND)],
        ),
    ];
    Row { title: "Flow", panels }
}

fn streams() -> Row {
    let by = &["queue", "group"];
    let panels = vec![
        over_time(
            "Lag of the groups",
            "Entries that a group has not read. It grows where consumers are too few or gone.",
            Shape::Lines,
            Unit::Count,
            vec![query(max(&HERE.series(&m::QUEUE_GROUP_LAG, ""), by), "{{queue}} {{group}}")],
        ),
        over_time(
            "Read and not acknowledged",
            "Entries that a consumer holds. Those of one that died stay here until somebody claims them.",
            Shape::Lines,
            Unit::Count,
            vec![query(max(&HERE.series(&m::QUEUE_GROUP_PENDING, ""), by), "{{queue}} {{group}}")],
        ),
        over_time(
            "Age of the oldest that is held",
            "Above the time that one entry takes, its consumer is gone.",
            Shape::Lines,
            Unit::Seconds,
            vec![query(max(&HERE.series(&m::QUEUE_GROUP_OLDEST_PENDING_AGE, ""), by), "{{queue}} {{group}}")],
        ),
    ];
    Row { title: "Streams", panels }
}

fn celery() -> Row {
    let rate = |metric| sum(&HERE.rate(metric, ""), &[]);
    let panels = vec![
        over_time(
            "Tasks by state",
            "From Celery's events, so only where workers send them (-E).",
            Shape::Lines,
            Unit::PerSecond,
            vec![
                query(rate(&m::CELERY_TASK_RECEIVED), "received"),
                query(rate(&m::CELERY_TASK_SUCCEEDED), "succeeded"),
                query(rate(&m::CELERY_TASK_FAILED), "failed"),
                query(rate(&m::CELERY_TASK_RETRIED), "retried"),
            ],
        ),
        over_time(
            "Failures by task and exception",
            "The ten worst. One task with one exception is a bug; many tasks with one is a service that is down.",
            Shape::Stacked,
            Unit::PerSecond,
            vec![query(
                format!("topk(10, {})", sum(&HERE.rate(&m::CELERY_TASK_FAILED, ""), &["name", "exception"])),
                "{{name}} {{exception}}",
            )],
        ),
        over_time(
            "Runtime of tasks, p95",
            "As their workers measured it; the ten longest.",
            Shape::Lines,
            Unit::Seconds,
            vec![query(
                format!(
                    "topk(10, {})",
                    quantile(0.95, &HERE.buckets(&m::CELERY_TASK_RUNTIME, ""), &["name"])
                ),
                "{{name}}",
            )],
        ),
        over_time(
            "Hosts with workers",
            "1 while the host's workers show signs of life.",
            Shape::Lines,
            Unit::Count,
            vec![query(min(&HERE.series(&m::CELERY_WORKER_UP, ""), &["hostname"]), "{{hostname}}")],
        ),
        over_time(
            "Trust in these numbers",
            "Breaks of the stream of events, and the age of the last answer on the control bus. What happened in a break is not counted.",
            Shape::Lines,
            Unit::Seconds,
            vec![
                query(max(&HERE.series(&m::CELERY_CONTROL_AGE, ""), &["instance"]), "age {{instance}}"),
                query(sum(&HERE.rate(&m::CELERY_EVENT_GAPS, ""), &["instance"]), "breaks/s {{instance}}"),
            ],
        ),
    ];
    Row { title: "Celery", panels }
}
