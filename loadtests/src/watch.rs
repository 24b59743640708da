//! Notices when something changes in the middle of a run: the cache server goes, requests fail.
//!
//! Every request reports its state; only a change becomes an event, so the common case is one
//! relaxed load. Events are bounded: a flapping service must not fill the disk.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use hitmark_schema::Variant;
use hitmark_schema::run::{Event, EventKind};

use crate::runner::Sink;
use crate::schedule::unix_now_ns;

/// Events of one experiment, at most.
const EVENTS_MAX: u32 = 200;
/// Differences between bodies that are shown, at most.
const MISMATCHES_MAX: u32 = 10;

/// The state of one experiment's sides.
#[derive(Debug)]
pub(crate) struct Watch {
    experiment: String,
    sides: [SideState; 2],
    events: AtomicU32,
    mismatches: AtomicU32,
}

#[derive(Debug, Default)]
struct SideState {
    cache_unreachable: AtomicBool,
    failing: AtomicBool,
}

impl Watch {
    pub(crate) fn new(experiment: &str) -> Self {
        Self {
            experiment: experiment.to_owned(),
            sides: Default::default(),
            events: AtomicU32::new(0),
            mismatches: AtomicU32::new(0),
        }
    }

    /// A response came that says whether the cache server could be asked. A response that tells
    /// nothing of it, such as a bypass, must not be passed here.
    pub(crate) fn cache(
        &self,
        variant: Variant,
        unreachable: bool,
        sink: &Sink,
        detail: impl FnOnce() -> String,
    ) {
        let state = &self.sides[variant.index()].cache_unreachable;
        if changed(state, unreachable) {
            let kind = if unreachable { EventKind::CacheUnreachable } else { EventKind::CacheRecovered };
            self.emit(variant, kind, sink, detail());
        }
    }

    /// A request ended, well or badly.
    pub(crate) fn request(
        &self,
        variant: Variant,
        failed: bool,
        sink: &Sink,
        detail: impl FnOnce() -> String,
    ) {
        let state = &self.sides[variant.index()].failing;
        if changed(state, failed) {
            let kind = if failed { EventKind::ErrorsBegan } else { EventKind::ErrorsEnded };
            self.emit(variant, kind, sink, detail());
        }
    }

    /// The bodies of a request differ.
    pub(crate) fn mismatch(&self, variant: Variant, sink: &Sink, detail: impl FnOnce() -> String) {
        if self.mismatches.fetch_add(1, Ordering::Relaxed) < MISMATCHES_MAX {
            self.emit(variant, EventKind::Mismatch, sink, detail());
        }
    }

    /// Tells of something that happened, bounded as all events are.
    pub(crate) fn tell(&self, variant: Option<Variant>, kind: EventKind, sink: &Sink, detail: String) {
        self.emit(variant, kind, sink, detail);
    }

    fn emit(&self, variant: impl Into<Option<Variant>>, kind: EventKind, sink: &Sink, detail: String) {
        let nth = self.events.fetch_add(1, Ordering::Relaxed);
        let detail = match nth {
            0..EVENTS_MAX => detail,
            EVENTS_MAX => format!("{detail} (further events are not recorded)"),
            _ => return,
        };
        let experiment = Some(self.experiment.clone());
        sink.event(Event { unix_ns: unix_now_ns(), experiment, variant: variant.into(), kind, detail });
    }
}

fn changed(state: &AtomicBool, now: bool) -> bool {
    state.load(Ordering::Relaxed) != now && state.swap(now, Ordering::Relaxed) != now
}
