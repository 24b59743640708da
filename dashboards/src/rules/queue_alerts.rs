//! The alerts of background work. Age alerts and length does not: a long queue that drains in a minute
//! is well, and a short one that nobody reads is not.

use hitmark_schema::metrics as m;

use super::alerts::{Alert, Severity};

/// Seconds after which somebody notices that work is not done.
const OLD_S: u64 = 300;
/// Seconds until empty above which the workers do not keep up.
const DRAIN_S: u64 = 3_600;
/// The share of tasks that may fail.
const FAILURE_SHARE: f64 = 0.05;

/// The alerts of queues.
pub(super) const QUEUE_ALERTS: &[Alert] = &[
    Alert {
        name: "QueueOldestMessageOld",
        expression: || format!("{} > {OLD_S}", m::QUEUE_OLDEST_AGE.name),
        wait: "5m",
        severity: Severity::Warning,
        summary: "A message has waited long for a worker.",
        description: "The oldest message of {{ $labels.queue }} ({{ $labels.system }}) has waited {{ $value | humanizeDuration }}.",
        runbook: "See on the dashboard Queues whether workers take from the queue at all, and whether arrivals are above \
                  completions. One slow task in front of many may block a worker: runtime by task shows it. If the \
                  queue is only busy, add workers.",
    },
    Alert {
        name: "QueueDoesNotDrain",
        expression: || format!("{} > {DRAIN_S}", m::QUEUE_DRAIN.name),
        wait: "30m",
        severity: Severity::Warning,
        summary: "A queue grows, or would take an hour to empty.",
        description: "{{ $labels.queue }} ({{ $labels.system }}) has not been draining for half an hour.",
        runbook: "More comes in than is done. Compare arrivals with completions on the dashboard Queues, then the runtime of \
                  tasks: a service that they call may have become slow. Retries that fail again and again arrive too.",
    },
    Alert {
        name: "QueueWithoutWorkers",
        expression: || {
            format!(
                "{} > 0 and on (job, instance, target, system, queue) {} == 0",
                m::QUEUE_LENGTH.name,
                m::QUEUE_WORKERS.name
            )
        },
        wait: "10m",
        severity: Severity::Critical,
        summary: "Messages wait in a queue from which nobody takes.",
        description: "{{ $value | humanize }} messages wait in {{ $labels.queue }} ({{ $labels.system }}) and it has no worker.",
        runbook: "Workers died, were never started for this queue, or listen to one of another name. Start one that names the \
                  queue. A name that no worker knows is often a typing error where the task is sent.",
    },
    Alert {
        name: "QueueMessagesGivenUp",
        expression: || format!("({dead} - {dead} offset 1h) > 0", dead = m::QUEUE_DEAD.name),
        wait: "0m",
        severity: Severity::Warning,
        summary: "Messages were given up in the last hour.",
        description: "{{ $value | humanize }} messages of {{ $labels.queue }} ({{ $labels.system }}) were given up within an hour.",
        runbook: "No worker will try them again. Read why with the system's own tool, mend it, and put them back, before they are \
                  forgotten: most systems keep the dead for a time only.",
    },
    Alert {
        name: "CeleryTasksFail",
        expression: || format!("celery:task_failure:ratio5m > {FAILURE_SHARE}"),
        wait: "10m",
        severity: Severity::Warning,
        summary: "Many runs of a Celery task fail.",
        description: "{{ $value | humanizePercentage }} of the runs of {{ $labels.name }} fail.",
        runbook: "Failures by task and exception on the dashboard Queues name the class. One task with one exception is a bug of \
                  that task; many tasks with the same are a service that is down.",
    },
];
