//! A user of the closed model: it sends its next request when the last one is answered.

use std::sync::Arc;
use std::time::{Duration, Instant};

use hitmark_schema::Variant;

use super::{Iteration, Recording, Shared, TurnEnd, User, Walk, nanoseconds};
use crate::keys::{KeyChoice, KeyStream, mix};
use crate::schedule::closed::{ClosedSchedule, Edge, Turn};

impl User {
    /// Does one turn: a slice of requests, then a wait for the other users. `lead` is run by one
    /// user of all, between two slices.
    pub async fn closed_turn<F, Fut>(
        &mut self,
        shared: &Arc<Shared>,
        schedule: &ClosedSchedule,
        lead: F,
    ) -> TurnEnd
    where
        F: FnOnce(Edge) -> Fut,
        Fut: Future<Output = ()>,
    {
        let before = self.sent;
        match schedule.turn() {
            Turn::Done => return TurnEnd::Done,
            Turn::Gather => self.connect(shared).await,
            Turn::Slice { variant, pair, deadline, active } => {
                if self.number < active {
                    self.slice(shared, variant, pair, deadline).await;
                } else {
                    tokio::time::sleep_until(deadline.into()).await;
                }
            }
        }
        schedule.arrive(self.sent - before, shared.stop.is_set(), &shared.recorder, lead).await;
        TurnEnd::Again
    }

    /// Sends requests until the deadline, one at least unless this user still thinks.
    async fn slice(&mut self, shared: &Shared, variant: Variant, pair: u64, deadline: Instant) {
        if !self.rest(deadline).await {
            return;
        }
        // Both slices of a pair draw from the same stream: the same keys for both variants.
        let stream = pair << 16 | self.number;
        let mut keys = shared.keys.as_ref().map(|keys| self.keys(keys, shared, stream, pair));
        let mut nth = 0;
        loop {
            let key = keys.as_mut().map(KeyStream::next_key);
            let draw = stream << 24 | nth;
            let iteration = Iteration { variant, key, draw, due: None, recording: Recording::On };
            self.iterate(shared, iteration).await;
            nth += 1;
            self.rests_until = self.think(shared, draw).map(|pause| Instant::now() + pause);
            if Instant::now() >= deadline || shared.stop.is_set() || !self.rest(deadline).await {
                break;
            }
        }
        self.walk.furthest = self.walk.furthest.max(self.walk.from + nth * shared.users as u64);
    }

    /// The keys of a slice. Those that have an order go on where the last pair of slices ended.
    fn keys<'k>(&mut self, keys: &'k KeyChoice, shared: &Shared, stream: u64, pair: u64) -> KeyStream<'k> {
        if !keys.is_ordered() {
            return keys.stream(shared.seed, stream);
        }
        if self.walk.pair != pair {
            let from = self.walk.furthest.max(self.number);
            self.walk = Walk { pair, from, furthest: from };
        }
        keys.walk(self.walk.from, shared.users as u64)
    }

    /// Thinks on, through as many slices as it takes. Says whether the pause ended before the deadline.
    async fn rest(&self, deadline: Instant) -> bool {
        let Some(until) = self.rests_until else { return true };
        tokio::time::sleep_until(until.min(deadline).into()).await;
        until < deadline
    }

    /// How long this user thinks before its next request.
    fn think(&self, shared: &Shared, draw: u64) -> Option<Duration> {
        let (from, to) = shared.pace.think?;
        let span = nanoseconds(to - from);
        Some(from + Duration::from_nanos(mix(shared.seed ^ draw) % (span + 1)))
    }
}
