//! Who may call the origin among all processes that share a store, and store what it brings.
//!
//! One process holds the lease of a key. The others look for its value, at growing intervals, until
//! it is there or their patience ends; then they call the origin for themselves and store nothing.

use std::time::{Duration, Instant};

use super::Inner;
use super::flight::{Asked, Mission};
use super::freshness::{Verdict, judge};
use crate::backend::{Cache, Claim, Lease, Lookup};
use crate::clock::UnixMs;
use crate::coalesce::Flight;
use crate::entry::Entry;
use crate::metrics::{Op, OpResult};
use crate::policy::Leasing;

/// The first and the longest pause between two looks for the holder's value.
const PAUSES: (Duration, Duration) = (Duration::from_millis(5), Duration::from_millis(50));

/// What a flight may do with its value.
#[derive(Debug)]
pub(super) enum Right {
    /// Store it while the lease holds.
    Leased(Lease),
    /// Store it: the policy wants no lease.
    Free,
    /// Serve it only.
    None,
    /// It need not call the origin: somebody has stored this since.
    Found(Entry),
}

impl Inner {
    pub(super) async fn right_to_store(&self, flight: &Flight, mission: &Mission) -> Right {
        if mission.asked == Asked::Failed {
            return Right::None;
        }
        if mission.recheck
            && let Some(entry) = self.newer(flight, mission).await
        {
            return Right::Found(entry);
        }
        match mission.policy.leasing {
            Leasing::None => Right::Free,
            Leasing::Shared { life, wait } => self.lease(flight, mission, life, wait).await,
        }
    }

    async fn lease(&self, flight: &Flight, mission: &Mission, life: Duration, wait: Duration) -> Right {
        let until = Instant::now() + wait;
        let (mut pause, longest) = PAUSES;
        loop {
            let has_waited = pause != PAUSES.0;
            match self.claim(flight, mission, life).await {
                None => return Right::None,
                Some(Claim::Granted(lease)) if has_waited => {
                    let Some(entry) = self.newer(flight, mission).await else { return Right::Leased(lease) };
                    self.give_back(flight, Right::Leased(lease)).await;
                    return Right::Found(entry);
                }
                Some(Claim::Granted(lease)) => return Right::Leased(lease),
                Some(Claim::Held) => {}
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Right::None;
            }
            tokio::time::sleep(pause.min(left)).await;
            pause = (pause * 2).min(longest);
            if let Some(entry) = self.newer(flight, mission).await {
                return Right::Found(entry);
            }
        }
    }

    /// The store's answer to a claim, if it could be asked.
    async fn claim(&self, flight: &Flight, mission: &Mission, life: Duration) -> Option<Claim> {
        let claim = self.backend.claim(flight.key(), mission.policy.names(), life);
        let as_refusal = |claim: &Claim| match claim {
            Claim::Granted(_) => OpResult::Ok,
            Claim::Held => OpResult::Refused,
        };
        self.timed_as(Op::Claim, flight.key(), claim, as_refusal).await.ok()
    }

    pub(super) async fn give_back(&self, flight: &Flight, right: Right) {
        if let Right::Leased(lease) = right {
            // If it fails, the lease ends by itself.
            let _ = self.timed(Op::Renounce, flight.key(), self.backend.renounce(flight.key(), lease)).await;
        }
    }

    /// A fresh entry that somebody has stored since.
    async fn newer(&self, flight: &Flight, mission: &Mission) -> Option<Entry> {
        let now = UnixMs::now();
        let is_newer = |entry: &Entry| {
            let verdict = judge(entry, &mission.policy, now, &self.random);
            matches!(verdict, Verdict::Fresh | Verdict::Early) && mission.seen != Some(entry.stored)
        };
        let count = |entry: &Entry| if is_newer(entry) { OpResult::Hit } else { OpResult::Stale };
        self.asks_again();
        match self.lookup(flight.key(), count).await {
            Ok(Lookup::Hit(entry)) if is_newer(&entry) => Some(entry),
            _ => None,
        }
    }
}
