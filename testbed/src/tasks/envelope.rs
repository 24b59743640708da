//! The envelope in which Celery's workers find a task on Redis: message protocol 2 of Celery inside
//! kombu's Redis transport.
//!
//! A list named after the queue holds JSON messages; a producer pushes at the left. The body is
//! base64 of `[args, kwargs, embed]`. Messages without `delivery_info` make a worker fail for ever on
//! the same message, so all that kombu reads is written.
//! Formats: Celery's "Message Protocol" and kombu's virtual transport documentation.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::task::Task;

/// One message, as text for the queue's list. `id` is the task's UUID.
pub(crate) fn envelope(task: &Task, id: &str) -> String {
    let queue = task.queue().as_str();
    let arguments = arguments(task);
    let body = json!([arguments, {}, { "callbacks": null, "errbacks": null, "chain": null, "chord": null }]);
    json!({
        "body": STANDARD.encode(body.to_string()),
        "content-encoding": "utf-8",
        "content-type": "application/json",
        "headers": {
            "lang": "rust",
            "task": task.celery_name(),
            "id": id,
            "root_id": id,
            "parent_id": null,
            "group": null,
            "retries": 0,
            "eta": null,
            "expires": null,
            "timelimit": [null, null],
            "argsrepr": arguments.to_string(),
            "kwargsrepr": "{}",
            "origin": "hitmark-testbed",
            "ignore_result": false,
        },
        "properties": {
            "correlation_id": id,
            "reply_to": "",
            "delivery_mode": 2,
            "delivery_info": { "exchange": "", "routing_key": queue },
            "priority": 0,
            "body_encoding": "base64",
            "delivery_tag": id,
        },
    })
    .to_string()
}

/// The positional arguments of the worker's function.
fn arguments(task: &Task) -> Value {
    match task {
        Task::SendEmail { to, subject } => json!([to, subject]),
        Task::PrintReport { incident } => json!([incident]),
        Task::PrintDocument { report } => json!([report]),
        Task::CleanUp | Task::CollectHealth => json!([]),
    }
}

/// A random UUID (RFC 9562, version 4) from 16 random bytes.
pub(crate) fn uuid(random: [u8; 16]) -> String {
    let mut bytes = random;
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_envelope_has_every_field_that_a_worker_reads() {
        let message: Value =
            serde_json::from_str(&envelope(&Task::PrintReport { incident: 7 }, "id-1")).expect("JSON");
        for path in [
            "/headers/task",
            "/headers/lang",
            "/headers/timelimit",
            "/properties/delivery_info/exchange",
            "/properties/delivery_info/routing_key",
            "/properties/delivery_tag",
            "/properties/body_encoding",
            "/properties/priority",
        ] {
            assert!(message.pointer(path).is_some(), "{path}");
        }
        let body = STANDARD.decode(message["body"].as_str().expect("text")).expect("base64");
        let body: Value = serde_json::from_slice(&body).expect("JSON");
        assert_eq!((&body[0], &message["headers"]["id"]), (&json!([7]), &json!("id-1")));
        assert_eq!(message["properties"]["delivery_info"]["routing_key"], "reports");
    }

    #[test]
    fn a_uuid_says_its_version_and_variant() {
        assert_eq!(uuid([0xff; 16]), "ffffffff-ffff-4fff-bfff-ffffffffffff");
        assert_eq!(uuid([0; 16]), "00000000-0000-4000-8000-000000000000");
    }
}
