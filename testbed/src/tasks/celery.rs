//! The broker of Celery's workers: leaves tasks in their envelope, and tells what they became.
//!
//! Celery keeps no counts. What waits and runs is the broker's word; what was done, retried and given
//! up was counted beside the results by the worker of `deploy/celery`, and is unknown with another.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::TaskError;
use super::counts::QueueStatus;
use super::envelope::envelope;
use super::server::Server;
use super::task::{Queue, Task};

/// What stands between a queue's name and a priority in the name of a list: kombu's separator.
const SEPARATOR: &str = "\u{6}\u{16}";
/// The priorities that have a list of their own; that of 0 has the queue's bare name.
const PRIORITIES: [u8; 3] = [3, 6, 9];
/// Where kombu keeps messages that a worker holds.
const HELD: &str = "unacked";
/// Messages that are looked at to tell what runs, at most.
const HELD_MAX: u64 = 1_000;
/// What the key of a result begins with.
const RESULT: &str = "celery-task-meta-";
/// What the key of a queue's counts begins with.
const COUNTS: &str = "hitmark-tasks:counts:";
/// The longest reason that is told.
const REASON_CHARS_MAX: usize = 500;

/// The broker and the backend in which its workers leave results.
#[derive(Debug)]
pub(super) struct Celery {
    broker: Server,
    results: Server,
}

/// The messages of one queue that workers hold.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Held {
    running: u64,
    /// Until the time of their next try.
    waiting: u64,
}

impl Celery {
    /// Connects to the broker, and to the backend of results if that is another.
    pub(super) async fn start(broker: &str, results: Option<&str>) -> Result<Self, TaskError> {
        let broker = Server::connect(broker).await?;
        let results = match results {
            Some(url) => Server::connect(url).await?,
            None => broker.clone(),
        };
        Ok(Self { broker, results })
    }

    /// Leaves a task under its number; whether it was not left before under the same name.
    pub(super) async fn leave(&self, id: &str, task: &Task, once: Option<&str>) -> Result<bool, TaskError> {
        if let Some(name) = once
            && !self.broker.claim(name).await?
        {
            return Ok(false);
        }
        self.broker.push(task.queue().as_str(), &envelope(task, id)).await?;
        Ok(true)
    }

    /// Every queue, as broker and worker tell it.
    pub(super) async fn status(&self) -> Vec<QueueStatus> {
        let held = self.broker.values(HELD, HELD_MAX).await.ok().flatten();
        let now = Timestamp::now();
        let mut queues = Vec::with_capacity(Queue::ALL.len());
        for queue in Queue::ALL {
            let held = held.as_deref().map(|messages| Held::of(queue, messages, now));
            let counts = self.results.numbers(&format!("{COUNTS}{}", queue.as_str())).await.ok();
            let count = |name| counts.as_ref()?.get(name).copied();
            queues.push(QueueStatus {
                queue: queue.as_str(),
                waiting: self.waiting(queue).await.ok().map(|lists| lists + held.unwrap_or_default().waiting),
                running: held.map(|held| held.running),
                done: count("done"),
                retried: count("retried"),
                dead: count("dead"),
            });
        }
        queues
    }

    async fn waiting(&self, queue: Queue) -> Result<u64, TaskError> {
        let name = queue.as_str();
        let mut lists = vec![name.to_owned()];
        lists.extend(PRIORITIES.map(|priority| format!("{name}{SEPARATOR}{priority}")));
        self.broker.waiting_in(&lists).await
    }

    /// What a worker said of a task; none if it said nothing yet, or the result is forgotten.
    pub(super) async fn result(&self, id: &str) -> Result<Option<Value>, TaskError> {
        let text = self.results.text(&format!("{RESULT}{id}")).await?;
        Ok(text.and_then(|text| serde_json::from_str(&text).ok()).map(|meta| told(&meta)))
    }
}

impl Held {
    /// Each message is kombu's `[message, exchange, routing key]`. One that nobody can read is left out.
    fn of(queue: Queue, messages: &[String], now: Timestamp) -> Self {
        let mut held = Self::default();
        for text in messages {
            let Ok(delivery) = serde_json::from_str::<Value>(text) else { continue };
            if delivery[2] != queue.as_str() {
                continue;
            }
            let eta = delivery[0]["headers"]["eta"].as_str().and_then(|eta| eta.parse::<Timestamp>().ok());
            if eta.is_some_and(|eta| eta > now) {
                held.waiting += 1;
            } else {
                held.running += 1;
            }
        }
        held
    }
}

/// Celery's result in the testbed's words: without the traceback, an exception as one line.
fn told(meta: &Value) -> Value {
    let result = &meta["result"];
    match meta["status"].as_str().unwrap_or("PENDING") {
        "SUCCESS" => json!({ "status": "SUCCESS", "result": result }),
        status @ ("FAILURE" | "RETRY") => json!({ "status": status, "result": reason(result) }),
        status => json!({ "status": status }),
    }
}

fn reason(exception: &Value) -> String {
    let word = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let says = match &exception["exc_message"] {
        Value::Null => String::new(),
        Value::Array(parts) => parts.iter().map(word).collect::<Vec<_>>().join(", "),
        message => word(message),
    };
    let line = format!("{}: {says}", exception["exc_type"].as_str().unwrap_or("failed"));
    // The text is somebody else's: an address in it may carry a password.
    hitmark_schema::redact::text(&line).chars().take(REASON_CHARS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_worker_holds_runs_unless_its_time_is_still_to_come() {
        let now: Timestamp = "2026-01-01T00:00:00Z".parse().expect("a time");
        let delivery =
            |queue: &str, eta: Value| json!([{ "headers": { "eta": eta } }, "", queue]).to_string();
        let messages = [
            delivery("email", Value::Null),
            delivery("email", json!("2025-12-31T23:59:59.5+00:00")),
            delivery("email", json!("2026-01-01T00:00:01.000001+00:00")),
            delivery("reports", Value::Null),
            "no message".to_owned(),
        ];
        assert_eq!(Held::of(Queue::Email, &messages, now), Held { running: 2, waiting: 1 });
        assert_eq!(Held::of(Queue::Reports, &messages, now), Held { running: 1, waiting: 0 });
        assert_eq!(Held::of(Queue::Maintenance, &messages, now), Held::default());
    }

    #[test]
    fn a_result_keeps_its_reason_and_loses_its_traceback_and_passwords() {
        let failed = json!({
            "status": "FAILURE",
            "result": { "exc_type": "NotADirectoryError", "exc_message": [20, "no redis://:s3cret@db/0"] },
            "traceback": "File …",
        });
        let text = told(&failed).to_string();
        assert!(text.contains("NotADirectoryError: 20, no redis://") && !text.contains("File"), "{text}");
        assert!(!text.contains("s3cret"), "{text}");
        let done = json!({ "status": "SUCCESS", "result": { "sent": true }, "children": [] });
        assert_eq!(told(&done), json!({ "status": "SUCCESS", "result": { "sent": true } }));
        assert_eq!(
            told(&json!({ "status": "STARTED", "result": { "pid": 1 } })),
            json!({ "status": "STARTED" })
        );
    }
}
