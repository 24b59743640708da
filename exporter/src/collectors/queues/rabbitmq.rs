//! RabbitMQ by its management API: one request for all queues of a broker, Celery's among them.
//!
//! The numbers are the broker's own, as old as its statistics (5 s by default). Counters start anew
//! with the broker. Queues that a client made for itself, such as Celery's control bus and its
//! events, hold no work and get a new name each time: they are left out. Plain HTTP only.

use std::collections::BTreeSet;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use futures::FutureExt;
use futures::future::BoxFuture;
use hitmark_schema::exposition::Family;
use hitmark_schema::metrics as m;
use serde_json::Value;
use tokio::sync::Mutex;
use url::Url;

use super::super::{Ask, Built, Collected, Collector, Kind, Labelled};
use super::discovery::{self, QUEUES_MAX};
use super::drain::Drain;
use super::model::{self, Queue, Reading};
use crate::config::redacted;
use crate::failure::Failure;
use crate::http_client;
use crate::options::OptionReader;

/// This collector's line in the list.
pub const KIND: Kind = Kind { name: "rabbitmq", key: "rabbitmq", build };

/// The name of the label `system`.
pub const SYSTEM: &str = "rabbitmq";
/// The most queues that one request brings; the API allows 500.
const PAGE_SIZE: usize = 500;
/// The largest answer that is read.
const ANSWER_LEN_MAX: usize = 4 << 20;
const COLUMNS: &str = "name,vhost,exclusive,messages,messages_ready,messages_unacknowledged,consumers,\
                       head_message_timestamp,message_stats";

#[derive(Debug)]
struct RabbitCollector {
    // Without user and password, so that it may be shown.
    url: Url,
    access: http_client::Access,
    target: String,
    labelled: Labelled,
    listed: BTreeSet<String>,
    /// Whether all queues are Celery's, and have celery-exporter's names too.
    is_celery: bool,
    drain: Mutex<Drain>,
}

fn build(ask: &Ask<'_>) -> Built {
    let mut options = OptionReader::new(ask.options);
    let listed = options.texts("queues");
    let is_celery = options.flag("celery", false);
    let mut mistakes = options.finish();
    mistakes.extend(discovery::mistakes(&listed));
    let target = redacted(ask.url);
    match address(ask.url) {
        Ok((url, access)) if mistakes.is_empty() => Ok(Box::new(RabbitCollector {
            url,
            access,
            target,
            labelled: ask.labelled,
            listed: listed.into_iter().collect(),
            is_celery,
            drain: Mutex::default(),
        })),
        Ok(_) => Err(mistakes),
        Err(wrong) => {
            mistakes.push(format!("{target}: {wrong}"));
            Err(mistakes)
        }
    }
}

/// The address of the API's list of queues, and who asks.
fn address(text: &str) -> Result<(Url, http_client::Access), &'static str> {
    const SHAPE: &str = "is no URL of a management API; write http://user:password@host:15672[/vhost]";
    let mut url = Url::parse(text).map_err(|_| SHAPE)?;
    if url.scheme() != "http" || !url.has_host() {
        return Err(SHAPE);
    }
    let access = http_client::Access::of(&url);
    let vhost = url.path().trim_matches('/').to_owned();
    if url.set_username("").is_err() || url.set_password(None).is_err() {
        return Err(SHAPE);
    }
    url.set_path(&if vhost.is_empty() { "/api/queues".to_owned() } else { format!("/api/queues/{vhost}") });
    url.set_query(Some(&format!("page=1&page_size={PAGE_SIZE}&columns={COLUMNS}")));
    Ok((url, access))
}

impl Collector for RabbitCollector {
    fn target(&self) -> &str {
        &self.target
    }

    fn collect(&self, limit: Duration) -> BoxFuture<'_, Result<Collected, Failure>> {
        async move {
            let answer = http_client::get_json(&self.url, &self.access, ANSWER_LEN_MAX);
            let answer = tokio::time::timeout(limit, answer).await.map_err(|_| Failure::Timeout(limit))??;
            let mut reading = parse(&answer, &self.listed)?;
            if self.is_celery {
                celery_names(&mut reading);
            }
            let Ok(mut drain) = self.drain.try_lock() else { return Err(Failure::Internal) };
            drain.absorb(&mut reading.queues, Instant::now());
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
            let mut families = model::families(SYSTEM, reading, now);
            self.labelled.label(&self.target, &mut families);
            Ok(Collected { families, ..Collected::default() })
        }
        .boxed()
    }
}

/// The queues in an answer of `/api/queues`; only the listed ones, if any are. Pure.
///
/// # Errors
/// [`Failure::Answer`] if it is no such answer.
pub fn parse(answer: &str, listed: &BTreeSet<String>) -> Result<Reading, Failure> {
    let answer: Value =
        serde_json::from_str(answer).map_err(|_| Failure::Answer("the answer is not JSON".to_owned()))?;
    let Some(items) = answer["items"].as_array() else {
        return Err(Failure::Answer("the answer holds no queues".to_owned()));
    };
    let beyond = answer["total_count"].as_u64().unwrap_or(0).saturating_sub(items.len() as u64);
    let is_meant = |name: &str| if listed.is_empty() { holds_work(name) } else { listed.contains(name) };
    let mut meant: Vec<&Value> = items
        .iter()
        .filter(|item| item["exclusive"] != Value::Bool(true))
        .filter(|item| item["name"].as_str().is_some_and(is_meant))
        .collect();
    let left_out = meant.len().saturating_sub(QUEUES_MAX) as u64;
    meant.truncate(QUEUES_MAX);
    // The broker leaves the counters of an unused queue out, and of all queues where it keeps none.
    let counts = items.iter().any(|item| item["message_stats"].is_object());
    let mut reading = Reading { unread: beyond + left_out, ..Reading::default() };
    reading.queues = meant.iter().map(|item| queue(item, counts)).collect();
    reading.compatible = compatible(&meant);
    let known: BTreeSet<&str> = items.iter().filter_map(|item| item["name"].as_str()).collect();
    reading.unknown = listed.iter().filter(|name| !known.contains(name.as_str())).cloned().collect();
    Ok(reading)
}

/// Whether a queue holds work, by its name: not the queues of Celery's bus, not those named by the broker.
fn holds_work(name: &str) -> bool {
    let made_for_one =
        name.ends_with(".pidbox") || name.starts_with("celeryev.") || name.starts_with("amq.gen-");
    !made_for_one
}

fn queue(item: &Value, counts: bool) -> Queue {
    let name = item["name"].as_str().unwrap_or_default();
    let name = match item["vhost"].as_str() {
        None | Some("/") => name.to_owned(),
        Some(vhost) => format!("{vhost}/{name}"),
    };
    let count = |field: &str| counts.then(|| item["message_stats"][field].as_u64().unwrap_or(0));
    // What a consumer acknowledged, or took without having to.
    let completed = ["ack", "deliver_no_ack", "get_no_ack"].into_iter().map(count).sum();
    Queue {
        name,
        waiting: item["messages_ready"].as_u64(),
        running: item["messages_unacknowledged"].as_u64(),
        oldest_at: item["head_message_timestamp"].as_f64().filter(|at| *at > 0.0),
        enqueued: count("publish"),
        completed,
        workers: item["consumers"].as_u64(),
        ..Queue::default()
    }
}

/// The names of RabbitMQ's own plugin.
fn compatible(items: &[&Value]) -> Vec<Family> {
    [
        (m::RABBITMQ_QUEUE_MESSAGES, "messages"),
        (m::RABBITMQ_QUEUE_MESSAGES_READY, "messages_ready"),
        (m::RABBITMQ_QUEUE_MESSAGES_UNACKED, "messages_unacknowledged"),
        (m::RABBITMQ_QUEUE_CONSUMERS, "consumers"),
    ]
    .into_iter()
    .map(|(metric, field)| {
        items.iter().fold(Family::new(metric), |mut family, item| {
            let text = |field: &str| item[field].as_str().unwrap_or_default();
            if let Some(number) = item[field].as_f64() {
                family.push(&[("vhost", text("vhost")), ("queue", text("name"))], number);
            }
            family
        })
    })
    .collect()
}

/// The names of celery-exporter, for a broker that serves nothing else.
fn celery_names(reading: &mut Reading) {
    for (metric, value) in [
        (m::CELERY_QUEUE_LENGTH, (|queue| queue.waiting) as fn(&Queue) -> Option<u64>),
        (m::CELERY_ACTIVE_CONSUMER_COUNT, |queue| queue.workers),
    ] {
        let mut family = Family::new(metric);
        for queue in &reading.queues {
            if let Some(value) = value(queue) {
                family.push(&[("queue_name", &queue.name)], value as f64);
            }
        }
        reading.compatible.push(family);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANSWER: &str = r#"{"total_count": 7, "items": [
        {"name": "mail", "vhost": "/", "messages": 5, "messages_ready": 3, "messages_unacknowledged": 2, "consumers": 1,
         "message_stats": {"publish": 9, "ack": 3, "deliver_no_ack": 1}, "head_message_timestamp": 1700000000},
        {"name": "mail", "vhost": "shop", "messages_ready": 1, "head_message_timestamp": ""},
        {"name": "celery@a.celery.pidbox", "vhost": "/", "messages_ready": 0},
        {"name": "mine", "vhost": "/", "exclusive": true, "messages_ready": 0}
    ]}"#;

    #[test]
    fn queues_that_hold_work_are_read_and_the_rest_is_left_out() {
        let reading = parse(ANSWER, &BTreeSet::new()).unwrap();
        let names: Vec<&str> = reading.queues.iter().map(|queue| queue.name.as_str()).collect();
        assert_eq!((names, reading.unread), (vec!["mail", "shop/mail"], 3));
        let queue = &reading.queues[0];
        assert_eq!((queue.waiting, queue.running, queue.workers), (Some(3), Some(2), Some(1)));
        assert_eq!((queue.enqueued, queue.completed), (Some(9), Some(4)));
        assert_eq!(queue.oldest_at, Some(1_700_000_000.0));
        assert_eq!((reading.queues[1].enqueued, reading.queues[1].oldest_at), (Some(0), None));
    }

    #[test]
    fn a_broker_that_keeps_no_counters_shows_none_and_a_misspelled_queue_is_told() {
        let answer = r#"{"items": [{"name": "q", "vhost": "/", "messages_ready": 1}]}"#;
        let reading = parse(answer, &["q", "qq"].map(str::to_owned).into()).unwrap();
        assert_eq!((reading.queues[0].enqueued, reading.queues[0].completed), (None, None));
        assert_eq!(reading.unknown, ["qq"]);
        for answer in ["", "[]", "{\"error\":\"not_authorised\"}"] {
            assert_eq!(parse(answer, &BTreeSet::new()).unwrap_err().kind(), "answer", "{answer}");
        }
    }

    #[test]
    fn the_url_names_the_broker_perhaps_a_vhost_and_hides_who_asks() {
        let (url, access) = address("http://guest:hunter2@h:15672/shop").unwrap();
        assert!(url.as_str().starts_with("http://h:15672/api/queues/shop?page=1"), "{url}");
        assert!(!format!("{url:?}{access:?}").contains("hunter2"));
        for wrong in ["amqp://h", "https://h", "h:15672", ""] {
            assert!(address(wrong).is_err(), "{wrong}");
        }
    }
}
