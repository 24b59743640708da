//! A broker in this process, for a testbed without servers: bounded queues and a worker for each.
//!
//! What waits is lost with the process. That is the price of needing no server; Redis keeps it.

use std::collections::{HashSet, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};

use tokio::sync::mpsc::{self, Receiver, Sender};
use tokio::task::JoinSet;

use super::TaskError;
use super::task::{Queue, Task};
use super::work::Work;

/// Tasks that wait in one queue, at most.
const WAITING_MAX: usize = 10_000;
/// Names of tasks that are to be done once, at most; the oldest are forgotten.
const ONCE_MAX: usize = 10_000;

type Item = (String, Task);

/// The queues, and the workers behind them. Dropping it stops the workers.
#[derive(Debug)]
pub(crate) struct Local {
    queues: [Sender<Item>; Queue::ALL.len()],
    once: Mutex<Once>,
    number: AtomicU64,
    _workers: JoinSet<()>,
}

/// What was asked to be done once.
#[derive(Debug, Default)]
struct Once {
    known: HashSet<String>,
    order: VecDeque<String>,
}

impl Local {
    /// Starts a worker for each queue.
    pub(crate) fn start(work: &Work) -> Self {
        let mut workers = JoinSet::new();
        let queues = Queue::ALL.map(|_| {
            let (sender, receiver) = mpsc::channel(WAITING_MAX);
            workers.spawn(worker(receiver, work.clone()));
            sender
        });
        Self { queues, once: Mutex::default(), number: AtomicU64::new(1), _workers: workers }
    }

    /// Leaves a task; its number, or none if it was left before under the same name.
    pub(crate) fn leave(&self, task: Task, once: Option<&str>) -> Result<Option<String>, TaskError> {
        let queue = task.queue();
        let place = self.queues[queue.index()].try_reserve().map_err(|_| TaskError::Full(queue.as_str()))?;
        if once.is_some_and(|name| !self.is_new(name)) {
            return Ok(None);
        }
        let id = format!("local-{}", self.number.fetch_add(1, Relaxed));
        place.send((id.clone(), task));
        Ok(Some(id))
    }

    pub(crate) fn waiting(&self, queue: Queue) -> u64 {
        let sender = &self.queues[queue.index()];
        (sender.max_capacity() - sender.capacity()) as u64
    }

    fn is_new(&self, name: &str) -> bool {
        let mut once = self.once.lock().unwrap_or_else(PoisonError::into_inner);
        if !once.known.insert(name.to_owned()) {
            return false;
        }
        once.order.push_back(name.to_owned());
        if once.order.len() > ONCE_MAX
            && let Some(oldest) = once.order.pop_front()
        {
            once.known.remove(&oldest);
        }
        true
    }
}

/// Does one task after the other. What fails for good is counted there and left.
async fn worker(mut queue: Receiver<Item>, work: Work) {
    while let Some((id, task)) = queue.recv().await {
        let _ = work.finish(&id, &task).await;
    }
}
