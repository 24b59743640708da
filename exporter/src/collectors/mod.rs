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

use crate::config::{ExporterConfig, Mistake};
use crate::failure::Failure;
use crate::single_flight::SingleFlight;
use crate::text_format::TextFamily;

/// Every kind of target, in the order of the page.
pub const KINDS: &[Kind] = &[redis::KIND, queues::KIND, service::KIND];

/// One kind of target: its name, and how to make its collectors from the configuration.
#[derive(Debug, Clone, Copy)]
pub struct Kind {
    /// The value of the label `collector`.
    pub name: &'static str,
    /// Makes a collector for each configured target of this kind; all mistakes at once.
    pub(crate) build: fn(&ExporterConfig) -> Built,
}

/// The collectors of one kind, and what is wrong with the targets that got none.
pub(crate) type Built = (Vec<Box<dyn Collector>>, Vec<Mistake>);

/// What one target gave in one scrape.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Collected {
    /// Samples under names of the registry.
    pub families: Vec<Family>,
    /// Families that a service wrote itself and that are passed on.
    pub relayed: Vec<TextFamily>,
    /// Known fields whose value could not be read.
    pub unreadable: usize,
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
        let listed: BTreeSet<String> = KINDS.iter().map(|kind| kind.name.to_owned()).collect();
        assert_eq!(files, listed);
    }
}
