//! Celery's events and control bus, with a real worker: every count is that of the tasks published.

use std::time::{Duration, Instant};

use hitmark_exporter::Exporter;
use hitmark_exporter::options::OptionValue;
use hitmark_testkit::{Celery, RedisServer};

use crate::support::{assert_clean, commands, config_of, exporter, find, sample};

const TASKS: &str = r#"
import time, pathlib
from celery import Celery
from celery.signals import worker_ready
app = Celery("tasks", broker="BROKER")
app.conf.broker_transport_options = OPTIONS
app.conf.task_track_started = True
@worker_ready.connect
def ready(**_):
    pathlib.Path("ready").touch()
@app.task(name="ok")
def ok():
    pass
@app.task(name="bad")
def bad():
    raise ValueError("card 1234")
@app.task(name="again", bind=True)
def again(self):
    if self.request.retries == 0:
        raise self.retry(countdown=0)
@app.task(name="hold")
def hold():
    time.sleep(600)
"#;

const PUBLISH: &str = r#"
import sys
from celery import Celery
app = Celery(broker=sys.argv[1])
app.conf.task_send_sent_event = True
for name, count, queue in (("ok", 20, "celery"), ("ok", 4, "mail"), ("bad", 5, "celery"), ("again", 3, "celery")):
    for _ in range(count):
        app.send_task(name, queue=queue)
app.send_task("hold")
"#;

/// What the worker does with what is published: metric, task, queue, count.
const COUNTS: [(&str, &str, &str, f64); 13] = [
    ("celery_task_sent_total", "ok", "celery", 20.0),
    ("celery_task_sent_total", "ok", "mail", 4.0),
    ("celery_task_received_total", "ok", "celery", 20.0),
    ("celery_task_started_total", "ok", "celery", 20.0),
    ("celery_task_succeeded_total", "ok", "celery", 20.0),
    ("celery_task_succeeded_total", "ok", "mail", 4.0),
    ("celery_task_started_total", "bad", "celery", 5.0),
    ("celery_task_failed_total", "bad", "celery", 5.0),
    ("celery_task_succeeded_total", "bad", "celery", 0.0),
    ("celery_task_retried_total", "again", "celery", 3.0),
    ("celery_task_started_total", "again", "celery", 6.0),
    ("celery_task_succeeded_total", "again", "celery", 3.0),
    ("celery_task_started_total", "hold", "celery", 1.0),
];

/// Scrapes until the page is as it will be, for 60 seconds at most; gives the last page.
async fn settled(exporter: &Exporter, is_done: impl Fn(&str) -> bool) -> String {
    let mut page = String::new();
    for _ in 0..600 {
        page = exporter.scrape().await;
        if is_done(&page) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    page
}

/// The sum of a counter over hosts, for a task of a queue.
fn count(page: &str, metric: &str, name: &str, queue: &str) -> f64 {
    let (start, queue) = (format!("{metric}{{name=\"{name}\","), format!("queue_name=\"{queue}\""));
    let lines = page.lines().filter(|line| line.starts_with(&start) && line.contains(&queue));
    lines.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum()
}

/// The first sample of a family that has one label.
fn first(page: &str, metric: &str) -> Option<f64> {
    let line = page.lines().find(|line| line.starts_with(&format!("{metric}{{")))?;
    line.rsplit(' ').next()?.parse().ok()
}

#[tokio::test]
async fn events_and_the_control_bus_tell_exactly_what_a_worker_did() {
    let (server, python) = (RedisServer::start().await.unwrap(), Celery::install().await.unwrap());
    let options = [("control_every_s", OptionValue::Number(2.0))];
    let exporter = exporter(config_of("celery", &server.url(), &options)).await;
    exporter.scrape().await;
    let tasks = TASKS.replace("BROKER", &server.url()).replace("OPTIONS", "{}");
    let args = ["-E", "--concurrency", "2", "--queues", "celery,mail"];
    let worker = python.worker(&tasks, &args).await.unwrap();
    settled(&exporter, |page| first(page, "celery_worker_up") == Some(1.0)).await;
    python.script(PUBLISH, &[&server.url()]).await.unwrap();
    let at =
        |page: &str, metric: &str, queue: &str| find(page, &format!("{metric}{{queue_name=\"{queue}\"}}"));
    let page = settled(&exporter, |page| {
        COUNTS.iter().all(|(metric, name, queue, expected)| count(page, metric, name, queue) == *expected)
            && first(page, "celery_worker_tasks_active") == Some(1.0)
            && ["celery", "mail"].iter().all(|queue| {
                at(page, "celery_active_worker_count", queue) == Some(1.0)
                    && at(page, "celery_active_process_count", queue) == Some(2.0)
            })
    })
    .await;
    for (metric, name, queue, expected) in COUNTS {
        assert_eq!(count(&page, metric, name, queue), expected, "{metric} {name} {queue}\n{page}");
    }
    assert_eq!(count(&page, "celery_task_runtime_count", "ok", "celery"), 20.0);
    assert!(page.contains("exception=\"ValueError\"") && !page.contains("1234"), "{page}");
    assert_eq!(first(&page, "celery_worker_tasks_active"), Some(1.0));
    for queue in ["celery", "mail"] {
        assert_eq!(at(&page, "celery_active_worker_count", queue), Some(1.0), "{page}");
        assert_eq!(at(&page, "celery_active_process_count", queue), Some(2.0), "{page}");
    }
    assert_eq!(sample(&page, "queue_workers{system=\"celery\",queue=\"mail\"}"), 1.0);
    assert_eq!(sample(&page, "celery_event_gaps_total"), 0.0);
    assert_eq!(sample(&page, "celery_events_unreadable_total"), 0.0);
    assert!(sample(&page, "celery_control_age_seconds") < 60.0);
    assert_clean(&page);
    // Nothing is bound in the broker for our sake, and no scrape waits for the workers.
    let keys = commands(server.port(), &["EXISTS _kombu.binding.reply.celery.pidbox"]);
    assert!(keys.contains(":0"), "{keys}");
    worker.kill();
    let started = Instant::now();
    for _ in 0..20 {
        exporter.scrape().await;
    }
    assert!(started.elapsed() < Duration::from_secs(20), "twenty scrapes are shorter than one round each");
}

#[tokio::test]
async fn a_broker_that_was_away_is_a_gap_and_is_listened_to_again() {
    let (server, python) = (RedisServer::start().await.unwrap(), Celery::install().await.unwrap());
    let exporter = exporter(config_of("celery", &server.url(), &[])).await;
    exporter.scrape().await;
    let listens = |times: &str| commands(server.port(), &["PUBSUB NUMPAT"]).starts_with(times);
    settled(&exporter, |_| listens(":2")).await;
    server.restart().await.unwrap();
    let page = settled(&exporter, |page| find(page, "celery_event_gaps_total") == Some(1.0)).await;
    assert_eq!(find(&page, "celery_event_gaps_total"), Some(1.0), "{page}");
    settled(&exporter, |_| listens(":2")).await;
    let heartbeat = r#"
import sys
from celery import Celery
app = Celery(broker=sys.argv[1])
with app.events.default_dispatcher(hostname="w@box") as events:
    events.send("worker-heartbeat", active=7)
"#;
    python.script(heartbeat, &[&server.url()]).await.unwrap();
    let up = |page: &str| find(page, "celery_worker_up{hostname=\"box\"}");
    let page = settled(&exporter, |page| up(page) == Some(1.0)).await;
    assert_eq!(up(&page), Some(1.0));
    assert_eq!(sample(&page, "celery_worker_tasks_active{hostname=\"box\"}"), 7.0);
}

/// Two queues of an application with a prefix, a separator and steps of its own.
const PUBLISH_ELSEWHERE: &str = r#"
import sys
from celery import Celery
app = Celery(broker=sys.argv[1])
app.conf.broker_transport_options = OPTIONS
for priority, count in ((0, 4), (1, 3), (5, 2)):
    for _ in range(count):
        app.send_task("none", queue="mail", priority=priority)
for _ in range(3):
    app.send_task("ok")
"#;

#[tokio::test]
async fn transport_options_that_rename_keys_are_followed() {
    const OPTIONS: &str = r##"{"global_keyprefix": "shop:", "sep": "#", "priority_steps": [0, 1, 5]}"##;
    let (server, python) = (RedisServer::start().await.unwrap(), Celery::install().await.unwrap());
    let text = |text: &str| OptionValue::Text(text.to_owned());
    let steps = OptionValue::List(["0", "1", "5"].map(str::to_owned).to_vec());
    let options = [("key_prefix", text("shop:")), ("separator", text("#")), ("priority_steps", steps)];
    let exporter = exporter(config_of("celery", &server.url(), &options)).await;
    exporter.scrape().await;
    let tasks = TASKS.replace("BROKER", &server.url()).replace("OPTIONS", OPTIONS);
    let worker = python.worker(&tasks, &["-E", "--concurrency", "1"]).await.unwrap();
    settled(&exporter, |page| first(page, "celery_worker_up") == Some(1.0)).await;
    python.script(&PUBLISH_ELSEWHERE.replace("OPTIONS", OPTIONS), &[&server.url()]).await.unwrap();
    let page =
        settled(&exporter, |page| count(page, "celery_task_succeeded_total", "ok", "celery") == 3.0).await;
    assert_eq!(count(&page, "celery_task_succeeded_total", "ok", "celery"), 3.0, "{page}");
    assert_eq!(sample(&page, "queue_length{system=\"celery\",queue=\"mail\"}"), 9.0);
    for (priority, length) in [("0", 4.0), ("1", 3.0), ("5", 2.0)] {
        let labels = format!("{{system=\"celery\",queue=\"mail\",priority=\"{priority}\"}}");
        assert_eq!(sample(&page, &format!("queue_priority_length{labels}")), length);
    }
    drop(worker);
}
