//! The collectors: one kind of target, one file, one line in [`KINDS`].
//!
//! A collector reads (network) and parses (pure) apart. It never decides about the page: it hands
//! over samples or a [`Failure`], and a failure is itself a sample. Deadlines, sharing and timing
//! are the same for all kinds and live in `Target`.

pub mod queues;
pub mod redis;
pub mod service;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use hitmark_schema::exposition::Family;

use crate::failure::Failure;
use crate::options::Options;
use crate::single_flight::SingleFlight;
use crate::text_format::TextFamily;

/// Every kind of target, in the order of the page. One line for each collector file.
pub const KINDS: &[Kind] = &[
    redis::KIND,
    queues::CELERY,
    queues::RQ,
    queues::SIDEKIQ,
    queues::BULLMQ,
    queues::APALIS,
    queues::STREAM,
    queues::rabbitmq::KIND,
    service::KIND,
];

/// One kind of target: its name, and how to make the collector of one target.
#[derive(Debug, Clone, Copy)]
pub struct Kind {
    /// The value of the label `collector`.
    pub name: &'static str,
    /// The key in the configuration, the flag's name without dashes, and the section of a module.
    pub key: &'static str,
    /// Makes a collector; all mistakes at once, without the URL's secrets.
    pub(crate) build: fn(&Ask<'_>) -> Built,
}

/// A collector, or everything that is wrong with what it was to be made from.
pub(crate) type Built = Result<Box<dyn Collector>, Vec<String>>;

/// What a collector is made from.
#[derive(Debug)]
pub(crate) struct Ask<'a> {
    /// The target's URL, perhaps with a password.
    pub(crate) url: &'a str,
    /// The longest that a scrape of the target may take.
    pub(crate) timeout: Duration,
    /// The module's options for this kind: read them with `OptionReader`.
    pub(crate) options: &'a Options,
    /// Whether the samples carry the label `target`.
    pub(crate) labelled: Labelled,
}

/// Whether the samples carry the label `target`.
///
/// The exporters that we stand in for have one server for each process and no such label, and
/// `on(instance)` joins in existing alerts break on any that is added. So it is there only where it
/// must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Labelled {
    /// One target of its kind: the series look as the other exporter writes them.
    Bare,
    /// Several targets: the label keeps their series apart.
    ByTarget,
}

impl Labelled {
    /// Adds the label to every sample where it must be.
    pub(crate) fn label(self, target: &str, families: &mut [Family]) {
        if self == Self::Bare {
            return;
        }
        for sample in families.iter_mut().flat_map(|family| &mut family.samples) {
            sample.labels.push(("target", target.to_owned()));
        }
    }
}

/// What one target gave in one scrape.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Collected {
    /// Samples under names of the registry.
    pub families: Vec<Family>,
    /// Families that a service wrote itself and that are passed on.
    pub relayed: Vec<TextFamily>,
    /// Known fields whose value could not be read.
    pub unreadable: usize,
    /// Parts of the work that are told apart, such as the slow log beside `INFO`.
    pub steps: Vec<Step>,
}

/// How one part of a collector's work went.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// The value of the label `collector`, such as `redis_slowlog`.
    pub name: &'static str,
    /// How long it took.
    pub took: Duration,
    /// Why it gave no samples, if it did not.
    pub failure: Option<Failure>,
}

/// Asks one target.
pub(crate) trait Collector: Send + Sync + fmt::Debug {
    /// The value of the label `target`, without a secret.
    fn target(&self) -> &str;
    /// Asks and parses, within the limit.
    fn collect(&self, limit: Duration) -> BoxFuture<'_, Result<Collected, Failure>>;
    /// The samples that say how the scrape of this target went, whether it succeeded or not.
    fn verdict(&self, _failure: Option<&Failure>, _took: Duration) -> Vec<Family> {
        Vec::new()
    }
}

/// A collector with all that the scrape of a target needs beside it.
#[derive(Debug)]
pub(crate) struct Target {
    kind: &'static str,
    collector: Arc<dyn Collector>,
    flight: SingleFlight<Result<Arc<Collected>, Failure>>,
    failing: AtomicBool,
}

/// One target's part of a page.
#[derive(Debug)]
pub(crate) struct Part {
    pub(crate) kind: &'static str,
    pub(crate) target: String,
    pub(crate) took: Duration,
    pub(crate) verdict: Vec<Family>,
    pub(crate) result: Result<Arc<Collected>, Failure>,
}

impl Target {
    pub(crate) fn new(kind: &'static str, collector: Box<dyn Collector>) -> Self {
        let collector = Arc::from(collector);
        Self { kind, collector, flight: SingleFlight::new(), failing: AtomicBool::new(false) }
    }

    /// The value of the label `target`.
    pub(crate) fn name(&self) -> &str {
        self.collector.target()
    }

    /// Scrapes the target. `patience` is this caller's; the work itself may take up to `limit` and
    /// is shared with whoever else asks meanwhile.
    pub(crate) async fn scrape(&self, patience: Duration, limit: Duration) -> Part {
        let started = Instant::now();
        let collector = Arc::clone(&self.collector);
        let work = || async move { collector.collect(limit).await.map(Arc::new) };
        let result = match tokio::time::timeout(patience, self.flight.join(work)).await {
            Ok(Some(result)) => result,
            Ok(None) => Err(Failure::Internal),
            Err(_) => Err(Failure::Timeout(patience)),
        };
        let took = started.elapsed();
        self.report(&result);
        Part {
            kind: self.kind,
            target: self.collector.target().to_owned(),
            took,
            verdict: self.collector.verdict(result.as_ref().err(), took),
            result,
        }
    }

    /// Logs the change between working and failing, not every failure: a server that is down for a
    /// night is one line.
    fn report(&self, result: &Result<Arc<Collected>, Failure>) {
        let (collector, target) = (self.kind, self.collector.target());
        let failed = result.is_err();
        let changed = self.failing.swap(failed, Ordering::Relaxed) != failed;
        match result {
            Err(failure) if changed => tracing::warn!(collector, target, %failure, "target fails"),
            Err(failure) => tracing::debug!(collector, target, %failure, "target still fails"),
            Ok(_) if changed => tracing::info!(collector, target, "target answers again"),
            Ok(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_file_of_this_directory_is_in_the_list() {
        let here = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/collectors");
        let files: BTreeSet<String> = std::fs::read_dir(here)
            .unwrap()
            .filter_map(|entry| entry.unwrap().file_name().to_str()?.strip_suffix(".rs").map(str::to_owned))
            .filter(|name| name != "mod")
            .collect();
        // A file may hold several kinds: the list names them by the file.
        let list = include_str!("mod.rs").split_once("pub const KINDS").unwrap().1.split_once(';').unwrap().0;
        for file in &files {
            assert!(list.contains(&format!("{file}::")), "{file} is not in {list}");
        }
        let keys: BTreeSet<&str> = KINDS.iter().map(|kind| kind.key).collect();
        assert_eq!(keys.len(), KINDS.len(), "each kind has a key of its own");
    }
}
