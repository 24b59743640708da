//! The control bus: what is asked of all workers at once, and what they answer. Pure.
//!
//! A request is published to the fanout exchange `celery.pidbox`. Workers answer to the exchange that
//! it names; the nameless one puts answers straight into a list of ours, so no binding is written to
//! the broker. Answers of `active` hold arguments of tasks: only their number is kept.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::message;

/// What is asked. The number of each in the list marks its answers.
const METHODS: [&str; 3] = ["active", "active_queues", "stats"];
/// Most workers and queues of one worker whose answers are read.
const ANSWERS_MAX: usize = 1_000;
const QUEUES_MAX: usize = 200;

/// The channel of the control bus in this database.
pub(crate) fn channel(db: u32) -> String {
    format!("/{db}.celery.pidbox")
}

/// The requests of one round; answers go to the list `reply_to`.
pub(crate) fn requests(round: u64, reply_to: &str) -> Vec<String> {
    let one = |method: &str| {
        let ticket = ticket(round, method);
        let body = json!({
            "method": method, "arguments": {}, "destination": null, "pattern": null, "matcher": null,
            "ticket": ticket, "reply_to": {"exchange": "", "routing_key": reply_to},
        });
        message::seal("celery.pidbox", &ticket, &body)
    };
    METHODS.iter().map(|method| one(method)).collect()
}

fn ticket(round: u64, method: &str) -> String {
    format!("{round}-{method}")
}

/// What one worker answered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) active: Option<u64>,
    pub(crate) queues: Vec<String>,
    pub(crate) processes: Option<u64>,
    parts: usize,
}

/// The answers of one round, by worker.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Answers {
    pub(crate) by_worker: BTreeMap<String, Answer>,
}

impl Answers {
    /// Takes one message from the list; an answer to an earlier round is left out.
    pub(crate) fn absorb(&mut self, round: u64, text: &str) {
        let Some((headers, Value::Object(answers))) = message::open(text) else { return };
        let asked = headers["ticket"].as_str().unwrap_or_default();
        let Some(method) = METHODS.iter().find(|method| ticket(round, method) == asked) else { return };
        for (worker, answer) in answers {
            if self.by_worker.len() >= ANSWERS_MAX && !self.by_worker.contains_key(&worker) {
                continue;
            }
            let kept = self.by_worker.entry(worker).or_default();
            kept.parts += 1;
            match *method {
                "active" => kept.active = answer.as_array().map(|tasks| tasks.len() as u64),
                "active_queues" => {
                    let names = answer.as_array().into_iter().flatten();
                    let names = names.filter_map(|queue| queue["name"].as_str()).take(QUEUES_MAX);
                    kept.queues = names.map(str::to_owned).collect();
                }
                _ => kept.processes = answer["pool"]["max-concurrency"].as_u64(),
            }
        }
    }

    /// Whether every worker that answered at all has answered everything, and as many as expected.
    pub(crate) fn is_whole(&self, expected: usize) -> bool {
        expected > 0
            && self.by_worker.len() >= expected
            && self.by_worker.values().all(|answer| answer.parts >= METHODS.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(ticket: &str, body: &Value) -> String {
        message::seal("", "t", body).replace("\"clock\":1", &format!("\"clock\":1,\"ticket\":\"{ticket}\""))
    }

    #[test]
    fn the_answers_of_a_round_are_put_together_by_worker() {
        let mut answers = Answers::default();
        let tasks = json!({"celery@a": [{"id": "1", "args": ["secret"]}, {"id": "2"}]});
        answers.absorb(7, &reply("7-active", &tasks));
        assert!(!answers.is_whole(1));
        answers.absorb(
            7,
            &reply("7-active_queues", &json!({"celery@a": [{"name": "mail"}, {"name": "celery"}]})),
        );
        answers.absorb(7, &reply("7-stats", &json!({"celery@a": {"pool": {"max-concurrency": 4}}})));
        answers.absorb(7, &reply("6-active", &json!({"celery@a": [], "late@b": []})));
        answers.absorb(7, "no message");
        let answer = &answers.by_worker["celery@a"];
        assert_eq!((answer.active, answer.processes), (Some(2), Some(4)));
        assert_eq!(answer.queues, ["mail", "celery"]);
        assert!(answers.is_whole(1) && !answers.is_whole(2) && answers.by_worker.len() == 1);
        assert!(!format!("{answers:?}").contains("secret"));
    }

    #[test]
    fn an_error_of_a_worker_is_an_answer_without_numbers() {
        let mut answers = Answers::default();
        answers.absorb(0, &reply("0-active", &json!({"celery@a": {"error": "no"}})));
        assert_eq!(answers.by_worker["celery@a"].active, None);
    }
}
