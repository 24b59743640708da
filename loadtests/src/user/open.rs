//! A user of the open model: it takes the next arrival and sends it when it is due.
//!
//! A user that waits for a due time wakes a little late, by some microseconds or by what keeps the
//! processor busy. That is the generator's own doing: the latency of such a request counts from the
//! sending, and the oversleep is recorded apart. A user that comes late because it waited for an answer is
//! the service's doing: there latency counts from the due time.

use std::sync::Arc;
use std::time::Instant;

use super::{Iteration, Recording, Shared, TurnEnd, User, nanoseconds};
use crate::schedule::open::{Arrival, Next, OpenSchedule, Punctuality};
use crate::schedule::{EndedBlock, pacer};

/// What a user of the open model books of itself.
#[derive(Debug, Default)]
pub struct OwnTimes {
    sent: u64,
    dropped: u64,
    first_due: Option<Instant>,
}

impl User {
    /// Takes arrivals until the super-block ends. `lead` is run by the user that crosses its edge.
    pub async fn open_turn<F, Fut>(
        &mut self,
        shared: &Arc<Shared>,
        schedule: &OpenSchedule,
        times: &mut OwnTimes,
        punctuality: &Punctuality,
        lead: F,
    ) -> TurnEnd
    where
        F: FnOnce(EndedBlock) -> Fut,
        Fut: Future<Output = ()>,
    {
        loop {
            let next = if shared.stop.is_set() { Next::Done } else { schedule.take() };
            match next {
                Next::Done => {
                    punctuality.add(times.sent, times.dropped, times.first_due);
                    return TurnEnd::Done;
                }
                Next::Drop(arrival) => {
                    times.dropped += 1;
                    shared.recorder.drop_arrival(arrival.variant);
                }
                Next::Send(arrival) => {
                    let ended = self.send_arrival(shared, schedule, times, punctuality, &arrival).await;
                    if let Some(ended) = ended {
                        lead(ended).await;
                        return TurnEnd::Again;
                    }
                }
            }
        }
    }

    async fn send_arrival(
        &mut self,
        shared: &Arc<Shared>,
        schedule: &OpenSchedule,
        times: &mut OwnTimes,
        punctuality: &Punctuality,
        arrival: &Arrival,
    ) -> Option<EndedBlock> {
        self.connect(shared).await;
        let early = Instant::now() < arrival.due;
        if early {
            pacer::until(arrival.due).await;
        }
        let ended = schedule.edge(arrival, &shared.recorder);
        if arrival.measured {
            times.sent += 1;
            times.first_due.get_or_insert(arrival.due);
            let behind_ns = nanoseconds(Instant::now().saturating_duration_since(arrival.due));
            punctuality.started(behind_ns);
            if early {
                punctuality.overslept(behind_ns);
            }
        }
        let draw = arrival.pair << 24 | arrival.place;
        let key = shared.keys.as_ref().map(|keys| {
            let mut stream =
                if keys.is_ordered() { keys.walk(arrival.nth, 1) } else { keys.stream(shared.seed, draw) };
            stream.next_key()
        });
        let due = (!early).then_some(arrival.due);
        let recording = if arrival.measured { Recording::On } else { Recording::Off };
        self.iterate(shared, Iteration { variant: arrival.variant, key, draw, due, recording }).await;
        ended
    }
}
