//! Tasks that come round: health every minute, upkeep every hour.
//!
//! Each is left once for its minute or hour, however many processes share the broker.

use std::sync::{Arc, Weak};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::{Task, Tasks};

/// How often the time is looked at.
const TICK: Duration = Duration::from_secs(1);

/// What comes round, and how often.
const ROUNDS: [(&str, Duration, Task); 2] = [
    ("health", Duration::from_secs(60), Task::CollectHealth),
    ("clean-up", Duration::from_secs(3_600), Task::CleanUp),
];

/// Starts the schedule, which ends with the tasks.
pub(crate) fn start(tasks: &Arc<Tasks>) {
    let tasks = Arc::downgrade(tasks);
    tokio::spawn(async move {
        let mut last = [0; ROUNDS.len()];
        loop {
            tokio::time::sleep(TICK).await;
            if !tick(&tasks, &mut last, SystemTime::now()).await {
                return;
            }
        }
    });
}

/// Leaves what is due; whether there is still anybody to leave it with.
async fn tick(tasks: &Weak<Tasks>, last: &mut [u64; ROUNDS.len()], now: SystemTime) -> bool {
    let Some(tasks) = tasks.upgrade() else { return false };
    let now_s = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    for ((name, every, task), last) in ROUNDS.iter().zip(last) {
        let round = now_s / every.as_secs();
        if *last == round {
            continue;
        }
        *last = round;
        if let Err(error) = tasks.leave(task.clone(), Some(&format!("{name}:{round}"))).await {
            tracing::warn!(task = name, %error, "a task of the schedule was not left");
        }
    }
    true
}
