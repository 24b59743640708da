//! The broker on Redis: apalis, with a queue and a worker for each kind of task. The only file that
//! knows apalis.
//!
//! apalis puts a failed task back up to 25 times, whatever it was told; so tries are made by `work`,
//! and a task that used them up is aborted, which puts it among the dead.

use std::time::Duration;

use apalis::prelude::{AbortError, BoxDynError, Data, TaskBuilder, TaskId, TaskSink, WorkerBuilder};
use apalis_redis::{Config, ConnectionManager, RedisStorage};
use hitmark_schema::redact;
use tokio::task::JoinSet;

use super::TaskError;
use super::server::Server;
use super::task::{Queue, Task};
use super::work::Work;

/// What every queue's name begins with.
const NAMESPACE: &str = "hitmark-tasks";
/// How often a worker that found nothing looks again: apalis looks when its heart beats, and not when
/// somebody leaves a task.
const HEARTBEAT: Duration = Duration::from_millis(100);
/// Heartbeats that a worker may miss before others take its tasks: half a minute.
const MISSED_HEARTBEATS: usize = 300;
/// How long a task that was to be done once is remembered.
const ONCE: Duration = Duration::from_secs(86_400);

/// The queues on Redis, and the workers of this process. Dropping it stops the workers.
#[derive(Debug)]
pub(crate) struct Apalis {
    queues: [RedisStorage<Task>; Queue::ALL.len()],
    server: Server,
    shown: String,
    _workers: JoinSet<()>,
}

impl Apalis {
    /// Connects, and starts a worker for each queue.
    pub(crate) async fn start(url: &str, work: &Work) -> Result<Self, TaskError> {
        let shown = redact::url(url);
        // Asked first, since apalis tries for many seconds before it says that nobody is there.
        let server = Server::connect(url).await?;
        let connection = apalis_redis::connect(url)
            .await
            .map_err(|error| TaskError::Broker { url: shown.clone(), reason: error.to_string() })?;
        let queues = Queue::ALL.map(|queue| storage(&connection, queue));
        let mut workers = JoinSet::new();
        for (queue, storage) in Queue::ALL.into_iter().zip(&queues) {
            workers.spawn(worker(queue, storage.clone(), work.clone()));
        }
        Ok(Self { queues, server, shown, _workers: workers })
    }

    /// Leaves a task under its number; whether it was not left before under the same name.
    pub(crate) async fn leave(&self, id: &str, task: Task, once: Option<&str>) -> Result<bool, TaskError> {
        if let Some(name) = once
            && !self.server.claim(name).await?
        {
            return Ok(false);
        }
        let mut queue = self.queues[task.queue().index()].clone();
        let task = TaskBuilder::new(task).task_id(TaskId::from_string(id)).build();
        let pushed = queue.push_task(task).await;
        pushed.map_err(|error| TaskError::Broker { url: self.shown.clone(), reason: error.to_string() })?;
        Ok(true)
    }

    pub(crate) async fn waiting(&self, queue: Queue) -> Option<u64> {
        self.server.waiting(&format!("{}:active", name(queue))).await.ok()
    }
}

fn name(queue: Queue) -> String {
    format!("{NAMESPACE}:{}", queue.as_str())
}

fn storage(connection: &ConnectionManager, queue: Queue) -> RedisStorage<Task> {
    let config = Config::default()
        .queue(name(queue))
        .heartbeat_interval(HEARTBEAT)
        .missed_heartbeats(MISSED_HEARTBEATS)
        .idempotency_ttl(Some(ONCE));
    RedisStorage::new(connection.clone()).with_config(config)
}

async fn worker(queue: Queue, storage: RedisStorage<Task>, work: Work) {
    // A worker's name must be its own among all processes that share the broker.
    let name = format!("{}-{}", queue.as_str(), super::number());
    let worker = WorkerBuilder::new(name).backend(storage).data(work).build(handle);
    if let Err(error) = worker.run().await {
        tracing::error!(queue = queue.as_str(), %error, "the worker of a queue ended");
    }
}

async fn handle(task: Task, id: TaskId, work: Data<Work>) -> Result<(), BoxDynError> {
    match work.finish(&id.to_string(), &task).await {
        Ok(()) => Ok(()),
        Err(error) => Err(AbortError::new(error).into()),
    }
}
