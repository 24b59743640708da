//! Queues under the names of each broker's usual exporter, so that dashboards written for it keep
//! working. The neutral names stand in `queues`.

use super::Metric;

metrics! {
    /// Every metric of one broker's own exporter.
    QUEUE_SYSTEMS;

    // celery-exporter: what waits.
    gauge CELERY_QUEUE_LENGTH "celery_queue_length" ["queue_name"] "Messages that wait in the Celery queue, of every priority.";
    // celery-exporter: from events.
    counter CELERY_TASK_SENT "celery_task_sent_total" ["name", "hostname", "queue_name"] "Tasks that were published, where publishers send events.";
    counter CELERY_TASK_RECEIVED "celery_task_received_total" ["name", "hostname", "queue_name"] "Tasks that a worker took.";
    counter CELERY_TASK_STARTED "celery_task_started_total" ["name", "hostname", "queue_name"] "Tasks that a worker began.";
    counter CELERY_TASK_SUCCEEDED "celery_task_succeeded_total" ["name", "hostname", "queue_name"] "Tasks that succeeded.";
    counter CELERY_TASK_FAILED "celery_task_failed_total" ["name", "hostname", "queue_name", "exception"] "Tasks that failed, by the class of the exception.";
    counter CELERY_TASK_REJECTED "celery_task_rejected_total" ["name", "hostname", "queue_name"] "Tasks that a worker rejected.";
    counter CELERY_TASK_REVOKED "celery_task_revoked_total" ["name", "hostname", "queue_name"] "Tasks that were revoked.";
    counter CELERY_TASK_RETRIED "celery_task_retried_total" ["name", "hostname", "queue_name"] "Tasks that failed and were put back for another try.";
    histogram CELERY_TASK_RUNTIME "celery_task_runtime" ["name", "hostname", "queue_name"] "Seconds that tasks ran, as their workers measured.";
    gauge CELERY_WORKER_UP "celery_worker_up" ["hostname"] "1 while the workers of the host show signs of life, else 0.";
    gauge CELERY_WORKER_TASKS_ACTIVE "celery_worker_tasks_active" ["hostname"] "Tasks that the workers of the host are running.";
    // celery-exporter: from the control bus.
    gauge CELERY_ACTIVE_WORKER_COUNT "celery_active_worker_count" ["queue_name"] "Workers that consume the queue.";
    gauge CELERY_ACTIVE_PROCESS_COUNT "celery_active_process_count" ["queue_name"] "Processes or threads of the workers that consume the queue.";
    gauge CELERY_ACTIVE_CONSUMER_COUNT "celery_active_consumer_count" ["queue_name"] "Consumers of the queue that the broker knows.";
    // Our own: how good the above is.
    gauge CELERY_CONTROL_AGE "celery_control_age_seconds" [] "Time since workers last answered on the control bus; absent if none ever did.";
    counter CELERY_EVENT_GAPS "celery_event_gaps_total" [] "Times that the stream of events broke: what happened until it was there again is not counted.";
    counter CELERY_EVENTS_UNREADABLE "celery_events_unreadable_total" [] "Events that could not be read.";

    // rq-exporter.
    gauge RQ_JOBS "rq_jobs" ["queue", "status"] "RQ jobs by queue and status.";
    // sidekiq-exporter.
    gauge SIDEKIQ_QUEUE_JOBS "sidekiq_queue_enqueued_jobs" ["name"] "Sidekiq jobs that wait in the queue.";
    gauge SIDEKIQ_QUEUE_LATENCY "sidekiq_queue_latency_seconds" ["name"] "Age of the Sidekiq job that waits longest in the queue.";
    counter SIDEKIQ_PROCESSED_JOBS "sidekiq_processed_jobs_total" [] "Sidekiq jobs that were tried, failures among them.";
    counter SIDEKIQ_FAILED_JOBS "sidekiq_failed_jobs_total" [] "Tries of Sidekiq jobs that failed.";
    gauge SIDEKIQ_ENQUEUED_JOBS "sidekiq_enqueued_jobs" [] "Sidekiq jobs that wait, of all queues.";
    gauge SIDEKIQ_SCHEDULED_JOBS "sidekiq_scheduled_jobs" [] "Sidekiq jobs that wait for their time.";
    gauge SIDEKIQ_RETRY_JOBS "sidekiq_retry_jobs" [] "Sidekiq jobs that wait for another try.";
    gauge SIDEKIQ_DEAD_JOBS "sidekiq_dead_jobs" [] "Sidekiq jobs that are given up.";
    gauge SIDEKIQ_PROCESSES "sidekiq_processes" [] "Sidekiq processes.";
    gauge SIDEKIQ_WORKERS "sidekiq_workers" [] "Threads of all Sidekiq processes.";
    gauge SIDEKIQ_BUSY_WORKERS "sidekiq_busy_workers" [] "Threads of all Sidekiq processes that run a job.";
    gauge SIDEKIQ_QUEUE_PROCESSES "sidekiq_queue_processes" ["name"] "Sidekiq processes that take from the queue.";
    gauge SIDEKIQ_QUEUE_WORKERS "sidekiq_queue_workers" ["name"] "Threads of the Sidekiq processes that take from the queue.";
    // BullMQ itself.
    gauge BULLMQ_JOB_COUNT "bullmq_job_count" ["queue", "state"] "BullMQ jobs by queue and state.";
    counter BULLMQ_JOB_COMPLETED "bullmq_job_completed_total" ["queue"] "BullMQ jobs that were completed, where workers count them.";
    counter BULLMQ_JOB_FAILED "bullmq_job_failed_total" ["queue"] "BullMQ jobs that failed, where workers count them.";
    // RabbitMQ's own plugin, and the exporter before it.
    gauge RABBITMQ_QUEUE_MESSAGES "rabbitmq_queue_messages" ["vhost", "queue"] "Messages of the queue, waiting or unacknowledged.";
    gauge RABBITMQ_QUEUE_MESSAGES_READY "rabbitmq_queue_messages_ready" ["vhost", "queue"] "Messages that wait for a consumer.";
    gauge RABBITMQ_QUEUE_MESSAGES_UNACKED "rabbitmq_queue_messages_unacked" ["vhost", "queue"] "Messages that a consumer holds and has not acknowledged.";
    gauge RABBITMQ_QUEUE_CONSUMERS "rabbitmq_queue_consumers" ["vhost", "queue"] "Consumers of the queue.";
}

/// Names that break Prometheus' rules and are kept because other exporters' dashboards select them.
/// `promtool check metrics` may complain of these and of nothing else.
pub const QUEUE_SYSTEMS_KEPT: &[&str] = &[
    "bullmq_job_count",
    "celery_active_consumer_count",
    "celery_active_process_count",
    "celery_active_worker_count",
];
