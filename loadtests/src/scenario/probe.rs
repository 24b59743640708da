//! Origin calls between two moments, by the service's own count where the plan names one.
//!
//! A client cannot see a call that a background refresh makes, nor tell one origin call from another
//! where a cache says nothing. So the service's metrics page is asked if the plan has
//! `observe = { metrics = … }`, and only else are the answers counted that say that they were made
//! for their own request. The result says which of the two it was.

use std::sync::Arc;

use hitmark_schema::Variant;

use crate::observe::Observer;
use crate::plan::ExperimentPlan;
use crate::transport::Target;

/// Counts the origin calls of one side.
#[derive(Debug)]
pub struct OriginProbe {
    observer: Option<Observer>,
    variant: Variant,
}

impl OriginProbe {
    pub(super) async fn new(experiment: &ExperimentPlan, targets: &[Arc<Target>], variant: Variant) -> Self {
        // Only this side's source is asked: nothing else is under way.
        let mut alone = experiment.clone();
        match variant {
            Variant::Baseline => alone.candidate = None,
            Variant::Candidate => alone.baseline.observed = crate::plan::Observed::default(),
        }
        let mut observer = Observer::new(&alone, targets, true);
        if let Some(observer) = &mut observer {
            observer.slice(None).await;
            observer.forget().await;
        }
        Self { observer, variant }
    }

    /// Whether the service itself is asked.
    #[must_use]
    pub const fn asks_the_service(&self) -> bool {
        self.observer.is_some()
    }

    /// Origin calls since the last call, by the service; else `told`, what the answers say.
    pub async fn calls(&mut self, told: u64) -> Option<u64> {
        match &mut self.observer {
            None => Some(told),
            Some(observer) => observer.block().await[self.variant.index()].origin_calls,
        }
    }

    /// How origin calls were counted, as a note.
    #[must_use]
    pub const fn note(&self) -> &'static str {
        if self.asks_the_service() {
            "origin calls are counted by the service"
        } else {
            "origin calls are the answers that say that they were made for their own request; give observe = { metrics = … } to ask the service"
        }
    }
}
