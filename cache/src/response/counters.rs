//! Counts of what the response cache did, and their families. Every label value is from a list here.

use std::sync::atomic::{AtomicU64, Ordering};

use hitmark_schema::exposition::Family;
use hitmark_schema::metrics::{
    RESPONSE_CACHE_ANSWERS, RESPONSE_CACHE_INVALIDATIONS, RESPONSE_CACHE_NOT_STORED,
    RESPONSE_CACHE_REFRESHES, RESPONSE_CACHE_STORED,
};

use super::store_rules::NotStored;

const OUTCOMES: [&str; 7] = ["hit", "stale", "revalidated", "miss", "collapsed", "bypass", "error"];
const REFRESHES: [&str; 3] = ["stored", "failed", "skipped"];
const INVALIDATIONS: [(&str, &str); 4] =
    [("method", "removed"), ("method", "empty"), ("purge", "removed"), ("purge", "empty")];

/// What came of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    Hit,
    Stale,
    Revalidated,
    Miss,
    Collapsed,
    Bypass,
    Error,
}

/// What came of a refresh in the background.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refresh {
    Stored,
    Failed,
    Skipped,
}

/// Why a URI's responses were removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cause {
    Method,
    Purge,
}

/// Counts since the start.
#[derive(Debug, Default)]
pub(super) struct Counters {
    answers: [AtomicU64; OUTCOMES.len()],
    stored: AtomicU64,
    not_stored: [AtomicU64; NotStored::ALL.len()],
    refreshes: [AtomicU64; REFRESHES.len()],
    invalidations: [AtomicU64; INVALIDATIONS.len()],
}

impl Counters {
    pub(super) fn answered(&self, answer: Answer) {
        self.answers[answer as usize].fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn stored(&self) {
        self.stored.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn not_stored(&self, reason: NotStored) {
        if let Some(place) = NotStored::ALL.iter().position(|known| *known == reason) {
            self.not_stored[place].fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(super) fn refreshed(&self, refresh: Refresh) {
        self.refreshes[refresh as usize].fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn invalidated(&self, cause: Cause, removed: bool) {
        self.invalidations[2 * cause as usize + usize::from(!removed)].fetch_add(1, Ordering::Relaxed);
    }

    /// Every count, zeros too, so that rates begin where the process does.
    pub(super) fn families(&self) -> Vec<Family> {
        #[expect(clippy::cast_precision_loss, reason = "exact to 2⁵³")]
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed) as f64;
        let mut answers = Family::new(RESPONSE_CACHE_ANSWERS);
        for (outcome, counter) in OUTCOMES.iter().zip(&self.answers) {
            answers.push(&[("outcome", outcome)], count(counter));
        }
        let mut not_stored = Family::new(RESPONSE_CACHE_NOT_STORED);
        for (reason, counter) in NotStored::ALL.iter().zip(&self.not_stored) {
            not_stored.push(&[("reason", reason.as_str())], count(counter));
        }
        let mut refreshes = Family::new(RESPONSE_CACHE_REFRESHES);
        for (result, counter) in REFRESHES.iter().zip(&self.refreshes) {
            refreshes.push(&[("result", result)], count(counter));
        }
        let mut invalidations = Family::new(RESPONSE_CACHE_INVALIDATIONS);
        for ((cause, result), counter) in INVALIDATIONS.iter().zip(&self.invalidations) {
            invalidations.push(&[("cause", cause), ("result", result)], count(counter));
        }
        let stored = Family::single(RESPONSE_CACHE_STORED, count(&self.stored));
        vec![answers, stored, not_stored, refreshes, invalidations]
    }
}
