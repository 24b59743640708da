//! The way from users to the run directory: one thread that owns the writer.
//!
//! Writing takes milliseconds, so it is done on a thread of its own. In the closed model the
//! leader waits for it while all users rest between two super-blocks, and nothing that is measured
//! shares the machine with it.

use std::collections::HashMap;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use hitmark_schema::run::{Event, RunState};
use hitmark_schema::{RunError, RunWriter, ScenarioResult, SuperBlock};
use tokio::sync::oneshot;

use super::Stop;
use crate::schedule::open::Lateness;
use crate::schedule::unix_now_ns;

/// Messages that may wait. Super-blocks are seconds apart and events are bounded, so this is
/// never reached unless the disk stands still; then senders wait for it.
const WAITING_MAX: usize = 1024;

/// Takes what is to be written.
#[derive(Debug)]
pub struct Sink {
    messages: SyncSender<Message>,
}

enum Message {
    Blocks(Vec<SuperBlock>, oneshot::Sender<()>),
    Event(Event),
    Scenario(Box<ScenarioResult>),
    Invalid { slug: String, name: String, reason: String },
    Lateness(String, Lateness),
    Finish(RunState, oneshot::Sender<Result<Totals, RunError>>),
}

/// Counts over the whole run.
#[derive(Debug, Clone, Default)]
pub(super) struct Totals {
    pub(super) requests: u64,
    pub(super) errors: u64,
    pub(super) mismatches: u64,
    pub(super) failures: Vec<(String, String)>,
    pub(super) invalid: Vec<(String, String)>,
    pub(super) lateness: Vec<(String, Lateness)>,
}

/// The writing thread.
#[derive(Debug)]
pub(super) struct SinkThread {
    messages: SyncSender<Message>,
    thread: JoinHandle<()>,
}

impl Sink {
    /// Starts the thread. It sets `stop` when it cannot write: a load that leaves nothing is pointless.
    pub(super) fn start(writer: RunWriter, stop: Stop) -> (Self, SinkThread) {
        let (messages, inbox) = sync_channel(WAITING_MAX);
        let thread = std::thread::spawn(move || write_all(writer, &inbox, &stop));
        (Self { messages: messages.clone() }, SinkThread { messages, thread })
    }

    /// Writes both sides of a super-block; returns once they are on disk.
    pub(super) async fn blocks(&self, blocks: Vec<SuperBlock>) {
        let (done, written) = oneshot::channel();
        // The thread ends only with `Finish`, which the owner sends last.
        if self.messages.send(Message::Blocks(blocks, done)).is_ok() {
            let _ = written.await;
        }
    }

    /// Writes an event. Does not wait for the disk.
    pub fn event(&self, event: Event) {
        let _ = self.messages.try_send(Message::Event(event));
    }

    /// Writes what a scenario found.
    pub(super) fn scenario(&self, result: ScenarioResult) {
        let _ = self.messages.send(Message::Scenario(Box::new(result)));
    }

    /// Keeps for the end how late an experiment's requests were sent.
    pub(super) fn lateness(&self, name: &str, lateness: Lateness) {
        let _ = self.messages.send(Message::Lateness(name.to_owned(), lateness));
    }

    /// Marks an experiment as not to be used.
    pub(super) fn invalidate(&self, slug: &str, name: &str, reason: String) {
        let _ = self.messages.send(Message::Invalid { slug: slug.to_owned(), name: name.to_owned(), reason });
    }
}

impl SinkThread {
    /// Ends the run and the thread.
    ///
    /// # Errors
    ///
    /// The first error of writing, whenever it was.
    pub(super) async fn finish(self, state: RunState) -> Result<Totals, RunError> {
        let (done, result) = oneshot::channel();
        let _ = self.messages.send(Message::Finish(state, done));
        let totals = result.await.unwrap_or_else(|_| Ok(Totals::default()));
        let _ = self.thread.join();
        totals
    }
}

/// Writes until `Finish`. After an error nothing more is written, and the error is kept.
fn write_all(mut writer: RunWriter, inbox: &Receiver<Message>, stop: &Stop) {
    let mut totals = Totals::default();
    let mut failed = None;
    let mut reasons: HashMap<String, usize> = HashMap::new();
    for message in inbox {
        let written = match message {
            Message::Blocks(blocks, done) => {
                totals.add(&blocks);
                let written = blocks.iter().try_for_each(|block| writer.write_super_block(block));
                let _ = done.send(());
                written
            }
            Message::Event(event) => writer.write_event(&event),
            Message::Scenario(result) => {
                let found = result.failures.iter().map(|why| (result.experiment.clone(), why.clone()));
                totals.failures.extend(found);
                writer.write_scenario(&result)
            }
            Message::Invalid { slug, name, reason } => {
                // Restarts may find the same fault again; a reason or two tells enough.
                let known = reasons.entry(slug.clone()).or_default();
                *known += 1;
                if *known > 4 {
                    continue;
                }
                totals.invalid.push((name, reason.clone()));
                writer.invalidate(&slug, &reason)
            }
            Message::Lateness(name, lateness) => {
                totals.lateness.push((name, lateness));
                Ok(())
            }
            Message::Finish(state, done) => {
                let ended = failed.map_or_else(|| writer.finish(state, unix_now_ns()), Err);
                let _ = done.send(ended.map(|()| totals));
                return;
            }
        };
        failed = failed.or(written.err());
        if failed.is_some() {
            stop.set();
        }
    }
}

impl Totals {
    fn add(&mut self, blocks: &[SuperBlock]) {
        for block in blocks {
            self.requests += block.counters.requests;
            self.errors += block.counters.errors_total();
            self.mismatches += block.counters.mismatches;
        }
    }
}
