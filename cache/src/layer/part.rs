//! What the layer keeps for each part of the backend: a circuit breaker, and the invalidations that the
//! part has missed. A shard of a Cluster is a part; every other backend is one.

use super::Inner;
use crate::backend::parts::spread;
use crate::breaker::{BreakerConfig, BreakerState, Gate};
use crate::invalidation::Invalidation;
use crate::key::Key;
use crate::pending::Pending;

#[derive(Debug)]
pub(super) struct Part {
    pub(super) gate: Gate,
    pub(super) pending: Pending,
}

impl Part {
    pub(super) fn new(breaker: BreakerConfig, pending_max: usize) -> Self {
        Self { gate: Gate::new(breaker), pending: Pending::new(pending_max) }
    }
}

impl Inner {
    /// The part that keeps the key.
    #[inline]
    pub(super) fn part(&self, key: &Key) -> &Part {
        &self.parts[self.backend.part_of(key)]
    }

    /// The numbers of the parts that an invalidation must reach, in the order for so many at a time.
    pub(super) fn parts_of(&self, what: &Invalidation, abreast: usize) -> Vec<usize> {
        match what {
            Invalidation::Key(key) => vec![self.backend.part_of(key)],
            _ => spread(self.parts.len(), abreast).collect(),
        }
    }

    /// The breaker that lets through least.
    pub(super) fn breaker_state(&self) -> BreakerState {
        let states = self.parts.iter().map(|part| part.gate.state());
        states
            .max_by_key(|state| match state {
                BreakerState::Closed => 0,
                BreakerState::HalfOpen => 1,
                BreakerState::Open => 2,
            })
            .unwrap_or(BreakerState::Closed)
    }

    pub(super) fn times_opened(&self) -> u64 {
        self.parts.iter().map(|part| part.gate.times_opened()).sum()
    }

    /// Invalidations that wait, in all parts: one that several missed counts for each.
    pub(super) fn pending(&self) -> usize {
        self.parts.iter().map(|part| part.pending.len()).sum()
    }
}
