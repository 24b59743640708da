//! Queues against real brokers and real workers: every number is the broker's own.

use std::time::Duration;

use hitmark_exporter::ExporterConfig;
use hitmark_exporter::collectors::queues::QueueTarget;
use hitmark_testkit::{Celery, RedisServer};

use crate::support::{exporter, find, sample};

/// The worker's module: it takes one task at a time, and a task runs until it is killed.
const TASKS: &str = r#"
import os, time, pathlib
from celery import Celery
from celery.signals import worker_ready
app = Celery("tasks", broker="BROKER")
app.conf.worker_prefetch_multiplier = 1
app.conf.task_acks_late = True
app.conf.task_default_retry_delay = 3600
@worker_ready.connect
def ready(**_):
    pathlib.Path("ready").touch()
@app.task(name="hold")
def hold():
    time.sleep(600)
@app.task(name="again", bind=True)
def again(self):
    raise self.retry(countdown=3600)
"#;

/// Publishes 42 tasks over four priorities, and six to a queue of another name.
const PUBLISH: &str = r#"
import sys
from celery import Celery
app = Celery(broker=sys.argv[1])
for priority, count in ((0, 10), (3, 20), (6, 7), (9, 5)):
    for _ in range(count):
        app.send_task("none", priority=priority)
for _ in range(6):
    app.send_task("none", queue="mail", headers={"timestamp": "2020-01-01T00:00:00+00:00"})
"#;

const HOLD: &str = r#"
import sys
from celery import Celery
app = Celery(broker=sys.argv[1])
for _ in range(3):
    app.send_task("hold", countdown=3600)
for _ in range(2):
    app.send_task("again")
for _ in range(4):
    app.send_task("hold")
"#;

fn config(server: &RedisServer) -> ExporterConfig {
    let mut config = ExporterConfig::default();
    config.listen.set_port(0);
    config.queues = vec![QueueTarget::celery(server.url())];
    config
}

fn celery(metric: &str, queue: &str) -> String {
    format!("{metric}{{system=\"celery\",queue=\"{queue}\"}}")
}

#[tokio::test]
async fn celery_s_priorities_are_all_counted_and_a_queue_that_is_emptied_stays_at_zero() {
    let (server, python) = (RedisServer::start().await.unwrap(), Celery::install().await.unwrap());
    python.script(PUBLISH, &[&server.url()]).await.unwrap();
    let exporter = exporter(config(&server)).await;
    let page = exporter.scrape().await;
    assert_eq!(sample(&page, &celery("queue_length", "celery")), 42.0);
    assert_eq!(sample(&page, "celery_queue_length{queue_name=\"celery\"}"), 42.0);
    for (priority, length) in [("0", 10.0), ("3", 20.0), ("6", 7.0), ("9", 5.0)] {
        let labels = format!("{{system=\"celery\",queue=\"celery\",priority=\"{priority}\"}}");
        assert_eq!(sample(&page, &format!("queue_priority_length{labels}")), length);
    }
    assert_eq!(sample(&page, &celery("queue_length", "mail")), 6.0);
    assert!(sample(&page, &celery("queue_oldest_message_age_seconds", "mail")) > 100_000_000.0);
    // Nothing in these messages tells a time, so no age is invented.
    assert_eq!(find(&page, &celery("queue_oldest_message_age_seconds", "celery")), None);
    assert_eq!(sample(&page, "queue_unread_entries{system=\"celery\"}"), 0.0);

    crate::support::commands(server.port(), &["DEL mail"]);
    let page = exporter.scrape().await;
    assert_eq!(sample(&page, &celery("queue_length", "mail")), 0.0);
}

#[tokio::test]
async fn what_celery_s_worker_holds_is_split_into_running_scheduled_and_retrying() {
    let (server, python) = (RedisServer::start().await.unwrap(), Celery::install().await.unwrap());
    let tasks = TASKS.replace("BROKER", &server.url());
    python.script(HOLD, &[&server.url()]).await.unwrap();
    let worker = python.worker(&tasks, &["--concurrency", "1"]).await.unwrap();
    let exporter = exporter(config(&server)).await;
    let numbers = |page: &str| {
        ["queue_length", "queue_running", "queue_scheduled", "queue_retrying"]
            .map(|metric| sample(page, &celery(metric, "celery")))
    };
    let mut last = numbers(&exporter.scrape().await);
    // Until the worker has taken what it can: three wait for their ETA, two for their retry.
    for _ in 0..200 {
        if last[2..] == [3.0, 2.0] && last[1] > 0.0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
        last = numbers(&exporter.scrape().await);
    }
    assert_eq!(last[2..], [3.0, 2.0], "{last:?}");
    assert_eq!(last[0] + last[1], 4.0, "each of the four is counted once: {last:?}");
    worker.kill();
    // Nobody has acknowledged them, so the broker still holds every one.
    assert_eq!(numbers(&exporter.scrape().await).iter().sum::<f64>(), 9.0);
}
