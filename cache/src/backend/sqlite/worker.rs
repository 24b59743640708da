//! The threads that talk to SQLite, their queues, and the upkeep between their jobs.

use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rusqlite::Connection;
use tokio::sync::oneshot;

use super::{SqliteConfig, Totals, open, rows};
use crate::clock::UnixMs;
use crate::error::CacheError;

/// Jobs that may wait in one queue.
const QUEUE_JOBS: usize = 1024;
/// Threads that read beside the one that writes.
const READERS: usize = 2;
/// How often expired entries are looked for, while there are none.
const UPKEEP: Duration = Duration::from_secs(1);
/// How soon again, while there are more.
const BUSY_UPKEEP: Duration = Duration::from_millis(10);
/// Expired entries removed by one step of upkeep.
pub(super) const EXPIRED_PER_STEP: u64 = 500;
/// Uses that are noted before they are written. More are forgotten: then the order in which entries
/// are displaced is less exact.
const MAX_USES: usize = 16_384;
/// A use so soon after the last that was written is not worth a write.
const USE_GRAIN: Duration = Duration::from_secs(1);

type Job = Box<dyn FnOnce(&mut Connection) + Send>;

/// The running threads. Dropping them does what is queued and closes the file.
#[derive(Debug)]
pub(super) struct Workers {
    pub(super) uses: Arc<Uses>,
    pub(super) totals: Arc<Totals>,
    pub(super) capacity_bytes: u64,
    write: Option<SyncSender<Job>>,
    read: Option<SyncSender<Job>>,
    threads: Vec<JoinHandle<()>>,
}

/// That an entry was used: now, and when before.
#[derive(Debug, Clone, Copy)]
pub(super) struct Use {
    pub(super) id: i64,
    pub(super) last_used: UnixMs,
    pub(super) now: UnixMs,
}

/// Uses that are not yet written.
#[derive(Debug, Default)]
pub(super) struct Uses(Mutex<HashMap<i64, Use>>);

impl Uses {
    pub(super) fn note(&self, used: Use) {
        if used.now.since(used.last_used) < USE_GRAIN {
            return;
        }
        let mut uses = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if uses.len() < MAX_USES || uses.contains_key(&used.id) {
            uses.insert(used.id, used);
        }
    }

    pub(super) fn take(&self) -> Vec<Use> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).drain().map(|(_, used)| used).collect()
    }
}

impl Workers {
    /// Opens the file and starts the threads. Blocks.
    pub(super) fn start(config: &SqliteConfig) -> Result<Self, CacheError> {
        let writer = open::first(&config.path, config.on_damage)?;
        let (write, writes) = sync_channel(QUEUE_JOBS);
        let (read, reads) = sync_channel(QUEUE_JOBS);
        let reads = Arc::new(Mutex::new(reads));
        let mut workers = Self {
            uses: Arc::default(),
            totals: Arc::default(),
            capacity_bytes: config.capacity_bytes,
            write: Some(write),
            read: Some(read),
            threads: Vec::new(),
        };
        let (uses, totals) = (Arc::clone(&workers.uses), Arc::clone(&workers.totals));
        count(&writer, &totals);
        workers.hire("write", move || Writer { connection: writer, uses, totals }.work(&writes))?;
        for _ in 0..READERS {
            let (reader, reads) = (open::again(&config.path)?, Arc::clone(&reads));
            workers.hire("read", move || work(reader, &reads))?;
        }
        Ok(workers)
    }

    fn hire(&mut self, what: &str, work: impl FnOnce() + Send + 'static) -> Result<(), CacheError> {
        let thread = thread::Builder::new().name(format!("cache-sqlite-{what}")).spawn(work);
        self.threads.push(thread.map_err(|error| CacheError::Store(format!("no thread: {error}")))?);
        Ok(())
    }

    /// Does a job on the writer's connection, and counts what the file holds then.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        timeout: Duration,
        job: impl FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, CacheError> {
        let totals = Arc::clone(&self.totals);
        let counted = move |connection: &mut Connection| {
            let answer = job(connection);
            count(connection, &totals);
            answer
        };
        submit(self.write.as_ref(), timeout, counted).await
    }

    /// Does a job on a reader's connection.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        timeout: Duration,
        job: impl FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, CacheError> {
        submit(self.read.as_ref(), timeout, job).await
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        self.write.take();
        self.read.take();
        for thread in self.threads.drain(..) {
            // Its panic has been told where it happened.
            let _ = thread.join();
        }
    }
}

async fn submit<T: Send + 'static>(
    queue: Option<&SyncSender<Job>>,
    timeout: Duration,
    job: impl FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
) -> Result<T, CacheError> {
    let (answer, answered) = oneshot::channel();
    let job: Job = Box::new(move |connection| {
        // Whoever asked may have gone; a write is done all the same.
        let _ = answer.send(job(connection));
    });
    match queue.map(|queue| queue.try_send(job)) {
        Some(Ok(())) => {}
        Some(Err(TrySendError::Full(_))) => {
            return Err(CacheError::Store("its queue is full".to_owned()));
        }
        Some(Err(TrySendError::Disconnected(_))) | None => {
            return Err(CacheError::Store("its thread has ended".to_owned()));
        }
    }
    match tokio::time::timeout(timeout, answered).await {
        Ok(Ok(answer)) => answer.map_err(|error| CacheError::Store(error.to_string())),
        Ok(Err(_)) => Err(CacheError::Store("its thread has ended".to_owned())),
        Err(_) => Err(CacheError::Timeout),
    }
}

/// The work of a reader.
fn work(mut connection: Connection, jobs: &Mutex<Receiver<Job>>) {
    loop {
        // The lock is held while waiting: the other reader waits for it instead of for the queue.
        let job = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
        match job {
            Ok(job) => job(&mut connection),
            Err(_) => return,
        }
    }
}

/// The one thread that writes.
struct Writer {
    connection: Connection,
    uses: Arc<Uses>,
    totals: Arc<Totals>,
}

impl Writer {
    fn work(mut self, jobs: &Receiver<Job>) {
        let mut next_upkeep = Instant::now();
        loop {
            match jobs.recv_timeout(next_upkeep.saturating_duration_since(Instant::now())) {
                Ok(job) => job(&mut self.connection),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            if Instant::now() >= next_upkeep {
                next_upkeep = Instant::now() + self.upkeep();
                count(&self.connection, &self.totals);
            }
        }
        let _ = rows::write_uses(&self.connection, &self.uses.take());
    }

    /// One step of upkeep; when the next is due. What fails is tried again then.
    fn upkeep(&mut self) -> Duration {
        let uses = self.uses.take();
        let step = (|| {
            if !uses.is_empty() {
                let changes = self.connection.transaction()?;
                rows::write_uses(&changes, &uses)?;
                changes.commit()?;
            }
            rows::expire(&mut self.connection, EXPIRED_PER_STEP)
        })();
        match step {
            Ok(EXPIRED_PER_STEP) => BUSY_UPKEEP,
            Ok(_) => UPKEEP,
            Err(error) => {
                tracing::warn!(%error, "the upkeep of the SQLite cache failed; it is tried again");
                UPKEEP
            }
        }
    }
}

fn count(connection: &Connection, totals: &Totals) {
    if let Ok((entries, size_bytes)) = rows::totals(connection) {
        totals.entries.store(entries, Ordering::Relaxed);
        totals.size_bytes.store(size_bytes, Ordering::Relaxed);
    }
}
