//! A user of the closed model: it sends its next request when the last one is answered.

use std::sync::Arc;
use std::time::Instant;

use super::{Recording, Shared, User};
use crate::attack::TurnEnd;
use crate::keys::KeyStream;
use crate::schedule::EndedBlock;
use crate::schedule::closed::{ClosedSchedule, Turn};

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
        F: FnOnce(Option<EndedBlock>) -> Fut,
        Fut: Future<Output = ()>,
    {
        let before = self.sent;
        match schedule.turn() {
            Turn::Done => return TurnEnd::Done,
            Turn::Gather => self.connect().await,
            Turn::Slice { variant, pair, deadline } => {
                // Both slices of a pair draw from the same stream: the same keys for both variants.
                let mut keys = shared.keys.map(|keys| keys.stream(shared.seed, pair << 16 | self.number));
                loop {
                    let key = keys.as_mut().map(KeyStream::next_key);
                    self.request(shared, variant, key, None, Recording::On).await;
                    if Instant::now() >= deadline || shared.stop.is_set() {
                        break;
                    }
                }
            }
        }
        schedule.arrive(self.sent - before, shared.stop.is_set(), &shared.recorder, lead).await;
        TurnEnd::Again
    }

    /// Connects ahead of the first request. A failure shows when a request is sent.
    pub(super) async fn connect(&mut self) {
        for transport in &mut self.transports {
            let _ = transport.connect().await;
        }
    }
}
