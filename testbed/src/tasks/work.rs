//! Doing a task: tries, a pause between them, and its result in the cache.
//!
//! The same for every broker, so that a task that fails behaves alike in the process and on Redis.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use hitmark_cache::{CacheLayer, Key};
use serde_json::{Value, json};

use super::counts::Counts;
use super::mail::Mailbox;
use super::task::Task;
use crate::answer::Failure;
use crate::database::Database;
use crate::incidents;
use crate::score_reports;
use crate::telemetry::RouteStats;

/// How often a task is tried before it is dead.
pub(crate) const TRIES: u32 = 4;
/// The pause after the first failure; it doubles with each.
const PAUSE: Duration = Duration::from_millis(100);
/// How long a result can be asked for.
const RESULT_TTL: Duration = Duration::from_secs(3_600);
/// The longest that one try may take.
const TRY_TIMEOUT: Duration = Duration::from_secs(30);

/// What tasks are done with. Clones are cheap.
#[derive(Debug, Clone)]
pub(crate) struct Work {
    pub(crate) database: Database,
    pub(crate) cache: CacheLayer,
    pub(crate) mail: Mailbox,
    /// Counts the queries of tasks.
    pub(crate) stats: Arc<RouteStats>,
    pub(crate) counts: Arc<Counts>,
}

/// Why a task is dead.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WorkError {
    #[error("the mail could not be written: {0}")]
    Mail(#[from] std::io::Error),
    #[error("the report could not be printed: {0}")]
    Report(#[from] Failure),
    #[error("the database does not answer")]
    Unhealthy,
    #[error("it took longer than {} seconds", TRY_TIMEOUT.as_secs())]
    TooSlow,
}

impl Work {
    /// Does a task, with all its tries, and leaves its result under its number.
    pub(crate) async fn finish(&self, id: &str, task: &Task) -> Result<(), WorkError> {
        let counts = self.counts.of(task.queue());
        counts.begin();
        let mut pause = PAUSE;
        for attempt in 1.. {
            let begun = Instant::now();
            let tried = tokio::time::timeout(TRY_TIMEOUT, self.attempt(id, task)).await;
            self.stats.watch_task(task.celery_name(), begun.elapsed());
            match tried.unwrap_or(Err(WorkError::TooSlow)) {
                Ok(result) => {
                    counts.done();
                    self.remember(id, &json!({ "status": "SUCCESS", "result": result })).await;
                    return Ok(());
                }
                Err(error) if attempt >= TRIES => {
                    tracing::error!(queue = task.queue().as_str(), id, %error, "a task is dead");
                    counts.dead();
                    self.remember(id, &json!({ "status": "FAILURE", "result": error.to_string() })).await;
                    return Err(error);
                }
                Err(error) => {
                    tracing::warn!(queue = task.queue().as_str(), id, attempt, %error, "a task is tried again");
                    counts.retried();
                }
            }
            tokio::time::sleep(pause).await;
            pause *= 2;
        }
        Ok(())
    }

    /// One try.
    async fn attempt(&self, id: &str, task: &Task) -> Result<Value, WorkError> {
        match task {
            Task::SendEmail { to, subject } => {
                self.mail.put(id, to, subject).await?;
                Ok(json!({ "sent": true }))
            }
            Task::PrintReport { incident } => {
                let bytes =
                    incidents::print_report(&self.database, &self.stats, &self.cache, *incident).await?;
                Ok(json!({ "incident": incident, "report_bytes": bytes }))
            }
            Task::PrintDocument { report } => {
                let (database, stats, cache) = (&self.database, &self.stats, &self.cache);
                let bytes = score_reports::print_document(database, stats, cache, *report).await?;
                Ok(json!({ "report": report, "document_bytes": bytes }))
            }
            Task::CleanUp => Ok(json!({ "mails_removed": self.mail.clean_up().await? })),
            Task::CollectHealth if self.database.answers().await => Ok(json!({ "database": "answers" })),
            Task::CollectHealth => Err(WorkError::Unhealthy),
        }
    }

    /// A result that cannot be kept is asked for in vain; the work is done all the same.
    async fn remember(&self, id: &str, result: &Value) {
        let kept = self.cache.set(&result_key(id), Bytes::from(result.to_string()), RESULT_TTL).await;
        if let Err(error) = kept {
            tracing::debug!(id, %error, "the result of a task was not kept");
        }
    }

    /// The result of a task; none as long as it is not done, or when it is forgotten.
    pub(crate) async fn result(&self, id: &str) -> Option<Bytes> {
        self.cache.get(&result_key(id)).await.ok().flatten()
    }
}

fn result_key(id: &str) -> Key {
    Key::new("task-result").id(id)
}

#[cfg(test)]
mod tests {
    use hitmark_cache::MemoryConfig;

    use super::*;
    use crate::database::sqlite_url;
    use crate::tasks::Queue;
    use crate::telemetry::Telemetry;

    #[tokio::test]
    async fn a_task_that_fails_is_tried_again_and_then_dead_with_its_reason() {
        let folder = tempfile::tempdir().expect("a folder");
        let database = Database::connect(&sqlite_url(&folder.path().join("t.db"))).await.expect("a database");
        let work = Work {
            database,
            cache: CacheLayer::memory(MemoryConfig::default()),
            mail: Mailbox::new().expect("a folder"),
            stats: Telemetry::default().route("tasks"),
            counts: Arc::new(Counts::default()),
        };
        work.finish("1", &Task::CollectHealth).await.expect("the database answers");
        work.database.pool.close().await;
        let error = work.finish("2", &Task::CollectHealth).await.expect_err("the database is gone");
        assert!(matches!(error, WorkError::Unhealthy));
        let status = work.counts.status(Queue::Monitoring, None);
        assert_eq!(
            (status.done, status.retried, status.dead, status.running),
            (Some(1), Some(3), Some(1), Some(0))
        );
        let result = work.result("2").await.expect("a result");
        assert!(std::str::from_utf8(&result).expect("text").contains("FAILURE"));
        assert_eq!(work.result("3").await, None);
    }
}
