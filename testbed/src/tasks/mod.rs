//! Work that requests leave for later: mail, printed reports, upkeep.
//!
//! In this process by default; on Redis by apalis, or left for a Celery worker, where a broker is
//! named. What a task does is in `work`; how it waits is the broker's.

mod apalis;
mod celery;
mod counts;
mod envelope;
mod local;
mod mail;
mod routes;
mod schedule;
mod server;
mod task;
pub(crate) mod work;

use std::sync::Arc;

use bytes::Bytes;

use self::apalis::Apalis;
use self::celery::Celery;
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
    Celery(Celery),
}

impl Tasks {
    /// Starts the workers; on `redis://…` by apalis, on `celery+redis://…` by somebody's Celery, and
    /// without a URL in this process. `results` is where a Celery worker leaves them, if not in the broker.
    pub(crate) async fn start(
        url: Option<&str>,
        results: Option<&str>,
        work: Work,
    ) -> Result<Arc<Self>, TaskError> {
        let broker = match url {
            None => Broker::Local(Local::start(&work)),
            Some(url) => match url.strip_prefix(CELERY) {
                Some(url) => Broker::Celery(Celery::start(url, results).await?),
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
            Broker::Celery(celery) => {
                let id = number();
                Ok(celery.leave(&id, &task, once).await?.then_some(id))
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

    /// The result of a task as a JSON text; none as long as it is not known.
    pub(crate) async fn result(&self, id: &str) -> Result<Option<Bytes>, TaskError> {
        match &self.broker {
            Broker::Local(_) | Broker::Apalis(_) => Ok(self.work.result(id).await),
            Broker::Celery(celery) => Ok(celery.result(id).await?.map(|told| told.to_string().into())),
        }
    }

    /// Every queue, as it stands.
    pub(crate) async fn status(&self) -> Vec<QueueStatus> {
        if let Broker::Celery(celery) = &self.broker {
            return celery.status().await;
        }
        let mut queues = Vec::with_capacity(Queue::ALL.len());
        for queue in Queue::ALL {
            let waiting = match &self.broker {
                Broker::Local(local) => Some(local.waiting(queue)),
                Broker::Apalis(apalis) => apalis.waiting(queue).await,
                Broker::Celery(_) => None,
            };
            queues.push(self.work.counts.status(queue, waiting));
        }
        queues
    }
}

/// A number that no other task has.
fn number() -> String {
    envelope::uuid(rand::random())
}
