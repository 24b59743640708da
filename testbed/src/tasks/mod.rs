//! Work that requests leave for later: mail, printed reports, upkeep.
//!
//! In this process by default; on Redis by apalis, or left for a Celery worker, where a broker is
//! named. What a task does is in `work`; how it waits is the broker's.

mod apalis;
mod broker;
mod celery;
mod counts;
mod local;
mod mail;
mod routes;
mod schedule;
mod task;
pub(crate) mod work;

use std::sync::Arc;

use self::apalis::Apalis;
use self::broker::Lists;
pub(crate) use self::counts::{Counts, QueueStatus};
use self::local::Local;
pub(crate) use self::mail::Mailbox;
pub(crate) use self::routes::routes;
pub(crate) use self::task::{Queue, Task};
pub(crate) use self::work::Work;

/// What begins a URL whose tasks a Celery worker does.
pub(crate) const CELERY: &str = "celery+";

/// Why a task could not be left.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TaskError {
    /// Too much waits already.
    #[error("the queue {0} is full")]
    Full(&'static str),
    /// The broker refused, or cannot be asked.
    #[error("the broker {url} cannot be asked: {reason}")]
    Broker {
        /// Its URL, masked.
        url: String,
        /// What it said.
        reason: String,
    },
}

/// Takes tasks and has them done.
#[derive(Debug)]
pub(crate) struct Tasks {
    broker: Broker,
    pub(crate) work: Work,
}

#[derive(Debug)]
enum Broker {
    Local(Local),
    Apalis(Box<Apalis>),
    Celery(Lists),
}

impl Tasks {
    /// Starts the workers; on `redis://…` by apalis, on `celery+redis://…` by somebody's Celery, and
    /// without a URL in this process.
    pub(crate) async fn start(url: Option<&str>, work: Work) -> Result<Arc<Self>, TaskError> {
        let broker = match url {
            None => Broker::Local(Local::start(&work)),
            Some(url) => match url.strip_prefix(CELERY) {
                Some(url) => Broker::Celery(Lists::connect(url).await?),
                None => Broker::Apalis(Box::new(Apalis::start(url, &work).await?)),
            },
        };
        let tasks = Arc::new(Self { broker, work });
        schedule::start(&tasks);
        Ok(tasks)
    }

    /// Leaves a task; its number. None if one was left before that was to be done `once` under this
    /// name.
    pub(crate) async fn leave(&self, task: Task, once: Option<&str>) -> Result<Option<String>, TaskError> {
        match &self.broker {
            Broker::Local(local) => local.leave(task, once),
            Broker::Apalis(apalis) => {
                let id = number();
                Ok(apalis.leave(&id, task, once).await?.then_some(id))
            }
            Broker::Celery(lists) => {
                if let Some(name) = once
                    && !lists.claim(name).await?
                {
                    return Ok(None);
                }
                let id = number();
                lists.push(task.queue().as_str(), &celery::envelope(&task, &id)).await?;
                Ok(Some(id))
            }
        }
    }

    /// The broker's name.
    pub(crate) fn broker_name(&self) -> &'static str {
        match self.broker {
            Broker::Local(_) => "local",
            Broker::Apalis(_) => "apalis",
            Broker::Celery(_) => "celery",
        }
    }

    /// Every queue, as it stands.
    pub(crate) async fn status(&self) -> Vec<QueueStatus> {
        let mut queues = Vec::with_capacity(Queue::ALL.len());
        for queue in Queue::ALL {
            let waiting = match &self.broker {
                Broker::Local(local) => Some(local.waiting(queue)),
                Broker::Apalis(apalis) => apalis.waiting(queue).await,
                Broker::Celery(lists) => lists.waiting(queue.as_str()).await.ok(),
            };
            queues.push(self.work.counts.status(queue, waiting));
        }
        queues
    }
}

/// A number that no other task has.
fn number() -> String {
    celery::uuid(rand::random())
}
