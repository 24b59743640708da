//! Queues against real brokers and real workers: every number is the broker's own.

use std::time::Duration;

use hitmark_exporter::config::TargetConfig;
use hitmark_exporter::{Exporter, ExporterConfig};
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

/// Three wait for their ETA; two fail and go back into the queue to wait for their retry.
const WAIT: &str = r#"
import sys
from celery import Celery
app = Celery(broker=sys.argv[1])
for _ in range(3):
    app.send_task("hold", countdown=3600)
for _ in range(2):
    app.send_task("again")
"#;

const HOLD: &str = r#"
import sys
from celery import Celery
app = Celery(broker=sys.argv[1])
for _ in range(4):
    app.send_task("hold")
"#;

const RQ: &str = r#"
import datetime, sys
from redis import Redis
from rq import Queue
redis = Redis.from_url(sys.argv[1])
low, high = Queue("low", connection=redis), Queue("high", connection=redis)
for _ in range(7):
    low.enqueue("os.getcwd")
for _ in range(2):
    high.enqueue("os.getcwd")
low.enqueue_in(datetime.timedelta(hours=1), "os.getcwd")
"#;

fn config(server: &RedisServer) -> ExporterConfig {
    let mut config = ExporterConfig::default();
    config.listen.set_port(0);
    config.targets = vec![TargetConfig {
        kind: "celery".to_owned(),
        url: server.url(),
        module: String::new(),
        place: "the test".to_owned(),
    }];
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
    // But it can be seen to wait.
    let page = exporter.scrape().await;
    assert!(sample(&page, &celery("queue_oldest_message_age_min_seconds", "celery")) > 0.0);

    crate::support::commands(server.port(), &["DEL mail"]);
    let page = exporter.scrape().await;
    assert_eq!(sample(&page, &celery("queue_length", "mail")), 0.0);
}

#[tokio::test]
async fn what_celery_s_worker_holds_is_split_into_running_scheduled_and_retrying() {
    let (server, python) = (RedisServer::start().await.unwrap(), Celery::install().await.unwrap());
    let tasks = TASKS.replace("BROKER", &server.url());
    let worker = python.worker(&tasks, &["--concurrency", "1"]).await.unwrap();
    let exporter = exporter(config(&server)).await;
    python.script(WAIT, &[&server.url()]).await.unwrap();
    let waits = settled(&exporter, |now| now[2..] == [3.0, 2.0]).await;
    assert_eq!(waits, [0.0, 0.0, 3.0, 2.0]);
    // Later, since a retry is published behind what already waits.
    python.script(HOLD, &[&server.url()]).await.unwrap();
    let holds = settled(&exporter, |now| now[1] > 0.0 && now[0] + now[1] == 4.0).await;
    assert_eq!(holds[0] + holds[1], 4.0, "each of the four is counted once: {holds:?}");
    assert_eq!(holds[2..], [3.0, 2.0]);
    worker.kill();
    // Nobody has acknowledged them, so the broker still holds every one.
    assert_eq!(numbers(&exporter.scrape().await).iter().sum::<f64>(), 9.0);
}

#[tokio::test]
async fn rq_s_jobs_are_counted_by_state_and_the_oldest_tells_its_age() {
    let (server, python) = (RedisServer::start().await.unwrap(), Celery::install().await.unwrap());
    python.script(RQ, &[&server.url()]).await.unwrap();
    let mut config = config(&server);
    config.targets[0].kind = "rq".to_owned();
    let page = exporter(config).await.scrape().await;
    let of =
        |metric: &str, queue: &str| sample(&page, &format!("{metric}{{system=\"rq\",queue=\"{queue}\"}}"));
    assert_eq!((of("queue_length", "low"), of("queue_length", "high")), (7.0, 2.0));
    assert_eq!(of("queue_scheduled", "low"), 1.0);
    assert_eq!(of("queue_failed", "high"), 0.0);
    assert!(of("queue_oldest_message_age_seconds", "low") < 3_600.0);
    assert_eq!(sample(&page, "rq_jobs{queue=\"low\",status=\"queued\"}"), 7.0);
    assert_eq!(sample(&page, "rq_jobs{queue=\"low\",status=\"scheduled\"}"), 1.0);
}

/// Length, running, scheduled, retrying of the queue `celery`.
fn numbers(page: &str) -> [f64; 4] {
    ["queue_length", "queue_running", "queue_scheduled", "queue_retrying"]
        .map(|metric| sample(page, &celery(metric, "celery")))
}

/// Scrapes until the worker has come so far, for ten seconds at most; gives the last numbers.
async fn settled(exporter: &Exporter, is_done: impl Fn([f64; 4]) -> bool) -> [f64; 4] {
    let mut last = [0.0; 4];
    for _ in 0..200 {
        let page = exporter.scrape().await;
        // An empty broker has no queue yet.
        if find(&page, &celery("queue_length", "celery")).is_some() {
            last = numbers(&page);
        }
        if is_done(last) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    last
}
