//! RabbitMQ with Celery as its publisher and worker, by one broker for all: it takes seconds to start.

use std::time::Duration;

use hitmark_exporter::Exporter;
use hitmark_exporter::options::OptionValue;
use hitmark_testkit::{Celery, RabbitMq};

use crate::support::{assert_clean, config_of, exporter, find, sample};

const TASKS: &str = r#"
import pathlib
from celery import Celery
from celery.signals import worker_ready
app = Celery("tasks", broker="BROKER")
@worker_ready.connect
def ready(**_):
    pathlib.Path("ready").touch()
@app.task(name="ok")
def ok():
    pass
"#;

/// Twelve for the worker, seven that nobody takes, the oldest with its time.
const PUBLISH: &str = r#"
import sys
from celery import Celery
app = Celery(broker=sys.argv[1])
for _ in range(12):
    app.send_task("ok", queue="work")
for _ in range(7):
    app.send_task("ok", queue="mail", timestamp=1577836800)
"#;

/// Scrapes until the page is as it will be, for 20 seconds at most: the broker's numbers come late.
async fn settled(exporter: &Exporter, is_done: impl Fn(&str) -> bool) -> String {
    let mut page = String::new();
    for _ in 0..200 {
        page = exporter.scrape().await;
        if is_done(&page) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    page
}

#[tokio::test]
async fn celery_s_queues_on_rabbitmq_are_those_of_the_management_api() {
    let (broker, python) = (RabbitMq::start().await.unwrap(), Celery::install().await.unwrap());
    let tasks = TASKS.replace("BROKER", &broker.url());
    let args = ["--concurrency", "1", "--queues", "work"];
    let _worker = python.worker(&tasks, &args).await.unwrap();
    python.script(PUBLISH, &[&broker.url()]).await.unwrap();
    let options = [("celery", OptionValue::Flag(true))];
    let exporter_all = exporter(config_of("rabbitmq", &broker.api_url(), &options)).await;
    let at = |page: &str, metric: &str, queue: &str| {
        find(page, &format!("{metric}{{system=\"rabbitmq\",queue=\"{queue}\"}}"))
    };
    let page = settled(&exporter_all, |page| {
        at(page, "queue_completed_total", "work") == Some(12.0)
            && at(page, "queue_length", "mail") == Some(7.0)
            && at(page, "queue_length", "work") == Some(0.0)
            && at(page, "queue_oldest_message_age_seconds", "mail").is_some()
    })
    .await;
    for (metric, queue, expected) in [
        ("queue_completed_total", "work", 12.0),
        ("queue_enqueued_total", "work", 12.0),
        ("queue_workers", "work", 1.0),
        ("queue_length", "work", 0.0),
        ("queue_length", "mail", 7.0),
        ("queue_enqueued_total", "mail", 7.0),
        ("queue_workers", "mail", 0.0),
    ] {
        assert_eq!(at(&page, metric, queue), Some(expected), "{metric} {queue}\n{page}");
    }
    assert!(at(&page, "queue_oldest_message_age_seconds", "mail").unwrap() > 100_000_000.0);
    assert_eq!(sample(&page, "rabbitmq_queue_messages_ready{vhost=\"/\",queue=\"mail\"}"), 7.0);
    assert_eq!(sample(&page, "celery_queue_length{queue_name=\"mail\"}"), 7.0);
    assert_eq!(sample(&page, "celery_active_consumer_count{queue_name=\"work\"}"), 1.0);
    // The worker has queues of its own there, which hold no work.
    assert!(!page.contains("pidbox") && !page.contains("celeryev"), "{page}");
    assert_clean(&page);

    let names = ["mail", "mial"].map(str::to_owned).to_vec();
    let listed = config_of("rabbitmq", &broker.api_url(), &[("queues", OptionValue::List(names))]);
    let page = exporter(listed).await.scrape().await;
    assert_eq!((at(&page, "queue_length", "mail"), at(&page, "queue_length", "work")), (Some(7.0), None));
    assert_eq!(at(&page, "queue_listed_unknown", "mial"), Some(1.0));

    let stranger = broker.api_url().replace(":guest@", ":hunter2@");
    let page = exporter(config_of("rabbitmq", &stranger, &[])).await.scrape().await;
    assert!(page.contains("kind=\"credentials\"") && !page.contains("hunter2"), "{page}");
}
