//! What Celery's events say of tasks: counters by state, and how long tasks ran. Pure.
//!
//! Workers send events when they run with `-E`, publishers when `task_send_sent_event` is set. Only
//! the first event of a task tells its name, so names are kept by task until it ends, within a limit.
//! Arguments and results are in the events and are not looked at. Events that were sent while nobody
//! listened are lost: the counters count what was seen.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::time::Instant;

use hitmark_schema::exposition::{Family, Sample, Value as Number};
use hitmark_schema::metrics as m;
use serde_json::Value;

use super::message;
use super::workers::{Workers, host_of};

/// Tasks whose names are kept; the oldest goes first, and what comes of it later has no name.
const TASKS_MAX: usize = 50_000;
/// Sets of labels; all beyond share one.
const SETS_MAX: usize = 1_000;
/// Sets of labels of failures, which the classes of exceptions multiply.
const FAILURES_MAX: usize = 2_000;
const OTHER: &str = "other";
const UNKNOWN: &str = "unknown";
/// Where a task goes that no event names a queue for: Celery's default.
const DEFAULT_QUEUE: &str = "celery";
/// celery-exporter's buckets, which are those of Prometheus' Python client.
const BOUNDS: [f64; 14] = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];
/// The states, but for failures, which have one more label.
const STATES: [(&str, m::Metric); 7] = [
    ("task-sent", m::CELERY_TASK_SENT),
    ("task-received", m::CELERY_TASK_RECEIVED),
    ("task-started", m::CELERY_TASK_STARTED),
    ("task-succeeded", m::CELERY_TASK_SUCCEEDED),
    ("task-rejected", m::CELERY_TASK_REJECTED),
    ("task-revoked", m::CELERY_TASK_REVOKED),
    ("task-retried", m::CELERY_TASK_RETRIED),
];

/// Name, host and queue.
type Labels = [String; 3];

#[derive(Debug, Default)]
struct Runtimes {
    counts: [u64; BOUNDS.len()],
    count: u64,
    sum: f64,
}

/// What the events said so far.
#[derive(Debug, Default)]
pub(crate) struct Events {
    /// Name and queue of the tasks that have not ended, and their order.
    tasks: HashMap<String, (String, String)>,
    order: VecDeque<String>,
    states: BTreeMap<Labels, [u64; STATES.len()]>,
    failures: BTreeMap<(Labels, String), u64>,
    runtimes: BTreeMap<Labels, Runtimes>,
    unreadable: u64,
}

impl Events {
    /// Takes one message of the exchange `celeryev`: one event or a list of them.
    pub(crate) fn absorb(&mut self, text: &str, workers: &mut Workers, now: Instant) {
        match message::open(text) {
            Some((_, Value::Array(events))) => {
                for event in &events {
                    self.event(event, workers, now);
                }
            }
            Some((_, event @ Value::Object(_))) => self.event(&event, workers, now),
            _ => self.unreadable += 1,
        }
    }

    fn event(&mut self, event: &Value, workers: &mut Workers, now: Instant) {
        let (Some(kind), Some(host)) = (event["type"].as_str(), event["hostname"].as_str()) else {
            self.unreadable += 1;
            return;
        };
        match kind {
            "worker-online" | "worker-heartbeat" => workers.heard(host, true, event["active"].as_u64(), now),
            "worker-offline" => workers.heard(host, false, None, now),
            _ if kind.starts_with("task-") => self.task(kind, host_of(host), event),
            _ => {}
        }
    }

    fn task(&mut self, kind: &str, host: &str, event: &Value) {
        let Some(id) = event["uuid"].as_str() else {
            self.unreadable += 1;
            return;
        };
        self.remember(id, event);
        let (name, queue) = match self.tasks.get(id) {
            Some((name, queue)) => (name.as_str(), queue.as_str()),
            None => (UNKNOWN, DEFAULT_QUEUE),
        };
        let labels = self.labels([name, host, queue].map(str::to_owned));
        let states = self.states.entry(labels.clone()).or_default();
        if let Some(at) = STATES.iter().position(|(state, _)| *state == kind) {
            states[at] += 1;
        } else if kind == "task-failed" {
            self.failed(labels.clone(), event["exception"].as_str().unwrap_or_default());
        }
        if let (true, Some(seconds)) = (kind == "task-succeeded", event["runtime"].as_f64()) {
            self.runtimes.entry(labels).or_default().observe(seconds);
        }
        if ["task-succeeded", "task-failed", "task-rejected", "task-revoked"].contains(&kind) {
            self.tasks.remove(id);
        }
    }

    /// Keeps name and queue; a worker's event does not tell the queue, a publisher's does.
    fn remember(&mut self, id: &str, event: &Value) {
        let Some(name) = event["name"].as_str() else { return };
        let queue = event["queue"].as_str();
        if let Some(known) = self.tasks.get_mut(id) {
            if let Some(queue) = queue {
                queue.clone_into(&mut known.1);
            }
            return;
        }
        // Tasks that ended are still in the order: they make room first.
        while self.order.len() >= TASKS_MAX {
            let oldest = self.order.pop_front();
            oldest.map(|oldest| self.tasks.remove(&oldest));
        }
        self.order.push_back(id.to_owned());
        self.tasks.insert(id.to_owned(), (name.to_owned(), queue.unwrap_or(DEFAULT_QUEUE).to_owned()));
    }

    fn labels(&self, labels: Labels) -> Labels {
        if self.states.len() < SETS_MAX || self.states.contains_key(&labels) {
            labels
        } else {
            [OTHER, OTHER, OTHER].map(str::to_owned)
        }
    }

    fn failed(&mut self, labels: Labels, exception: &str) {
        let full = self.failures.len() >= FAILURES_MAX;
        let mut key = (labels, class_of(exception).to_owned());
        if full && !self.failures.contains_key(&key) {
            key = ([OTHER, OTHER, OTHER].map(str::to_owned), OTHER.to_owned());
        }
        *self.failures.entry(key).or_default() += 1;
    }

    /// Everything that was seen.
    pub(crate) fn families(&self) -> Vec<Family> {
        let named = |labels: &Labels| {
            ["name", "hostname", "queue_name"].into_iter().zip(labels.iter().cloned()).collect::<Vec<_>>()
        };
        let mut families: Vec<Family> = STATES.iter().map(|(_, metric)| Family::new(*metric)).collect();
        for (labels, states) in &self.states {
            for (family, count) in families.iter_mut().zip(states) {
                family.samples.push(Sample { labels: named(labels), value: Number::Number(*count as f64) });
            }
        }
        let mut failed = Family::new(m::CELERY_TASK_FAILED);
        for ((labels, exception), count) in &self.failures {
            let mut labels = named(labels);
            labels.push(("exception", exception.clone()));
            failed.samples.push(Sample { labels, value: Number::Number(*count as f64) });
        }
        let mut runtime = Family::new(m::CELERY_TASK_RUNTIME);
        for (labels, runtimes) in &self.runtimes {
            runtime.samples.push(Sample { labels: named(labels), value: runtimes.histogram() });
        }
        families.extend([
            failed,
            runtime,
            Family::single(m::CELERY_EVENTS_UNREADABLE, self.unreadable as f64),
        ]);
        families
    }
}

impl Runtimes {
    fn observe(&mut self, seconds: f64) {
        self.count += 1;
        self.sum += seconds;
        for (bound, count) in BOUNDS.iter().zip(&mut self.counts) {
            *count += u64::from(seconds <= *bound);
        }
    }

    fn histogram(&self) -> Number {
        let buckets = BOUNDS.into_iter().zip(self.counts).collect();
        Number::Histogram { buckets, count: self.count, sum: self.sum }
    }
}

/// The class in `ValueError('text')`: the text may hold anything and is no label.
fn class_of(exception: &str) -> &str {
    let class = exception.split('(').next().unwrap_or_default();
    let is_name = |class: &str| {
        class.len() <= 100 && class.chars().all(|ch| ch.is_alphanumeric() || ch == '_' || ch == '.')
    };
    if class.is_empty() || !is_name(class) { "UnknownException" } else { class }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn page(events: &Events) -> String {
        let mut page = String::new();
        hitmark_schema::exposition::encode(&events.families(), &mut page);
        page
    }

    fn absorb(events: &mut Events, body: &Value) {
        events.absorb(&message::seal("celeryev", "t", body), &mut Workers::default(), Instant::now());
    }

    #[test]
    fn a_task_keeps_its_name_and_queue_to_its_end() {
        let mut events = Events::default();
        let mut send = |kind: &str, more: Value| {
            let mut event = json!({"type": kind, "uuid": "1", "hostname": "w@box"});
            event.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            absorb(&mut events, &event);
        };
        send("task-sent", json!({"name": "pay", "queue": "money", "hostname": "gen1@shop"}));
        send("task-received", json!({"name": "pay", "args": "('secret',)"}));
        send("task-started", json!({}));
        send("task-retried", json!({"exception": "OSError('x')"}));
        send("task-failed", json!({"exception": "ValueError('card 1234')"}));
        send("task-succeeded", json!({"runtime": 0.3}));
        let page = page(&events);
        let labels = "{name=\"pay\",hostname=\"box\",queue_name=\"money\"";
        for state in ["received", "started", "retried"] {
            assert!(page.contains(&format!("celery_task_{state}_total{labels}}} 1\n")), "{page}");
        }
        assert!(
            page.contains("celery_task_sent_total{name=\"pay\",hostname=\"shop\",queue_name=\"money\"} 1\n")
        );
        assert!(page.contains(&format!("celery_task_failed_total{labels},exception=\"ValueError\"}} 1\n")));
        // The task had ended, so nobody knows its name any more.
        assert!(page.contains("celery_task_runtime_bucket{name=\"unknown\",hostname=\"box\",queue_name=\"celery\",le=\"0.5\"} 1\n"), "{page}");
        assert!(!page.contains("secret") && !page.contains("1234"), "{page}");
    }

    #[test]
    fn names_and_tasks_are_bounded_and_the_sum_is_not_lost() {
        let mut events = Events::default();
        for number in 0..SETS_MAX + 500 {
            let name = number.to_string();
            absorb(
                &mut events,
                &json!([{"type": "task-received", "uuid": name, "name": name, "hostname": "a@b"}]),
            );
        }
        assert_eq!(events.states.len(), SETS_MAX + 1);
        assert_eq!(events.states.values().map(|states| states[1]).sum::<u64>(), SETS_MAX as u64 + 500);
        for number in 0..TASKS_MAX + 10 {
            events.remember(&format!("t{number}"), &json!({"name": "n"}));
        }
        assert!(events.tasks.len() <= TASKS_MAX && events.order.len() <= TASKS_MAX);
    }

    #[test]
    fn what_is_no_event_is_counted_and_breaks_nothing() {
        let mut events = Events::default();
        for body in [
            json!(1),
            json!([1, {}]),
            json!({"type": "task-sent", "hostname": "h"}),
            json!({"type": "x", "hostname": "h"}),
        ] {
            absorb(&mut events, &body);
        }
        events.absorb("no message", &mut Workers::default(), Instant::now());
        assert_eq!(events.unreadable, 5);
    }

    #[test]
    fn only_the_class_of_an_exception_is_a_label() {
        for (exception, class) in [
            ("ValueError('a (b')", "ValueError"),
            ("app.errors.Broken()", "app.errors.Broken"),
            ("", "UnknownException"),
            ("<weird object at 0x7f>", "UnknownException"),
        ] {
            assert_eq!(class_of(exception), class, "{exception}");
        }
    }
}
