//! One piece of work at a time for each target: whoever asks while it runs shares its result.
//!
//! Two Prometheus servers and a person with curl must not become three times the load on a cache
//! server. The work runs in a task of its own, so a client that leaves cancels nothing that others
//! wait for. There is no queue and therefore nothing to bound: at most one piece of work is under
//! way, and a result is never handed to someone who asked after it was ready.

use std::future::Future;
use std::sync::{Mutex, PoisonError};

use tokio::sync::watch;

/// Shares the result of work under way.
#[derive(Debug)]
pub(crate) struct SingleFlight<T> {
    current: Mutex<Option<watch::Receiver<Option<T>>>>,
}

impl<T: Clone + Send + Sync + 'static> SingleFlight<T> {
    pub(crate) const fn new() -> Self {
        Self { current: Mutex::new(None) }
    }

    /// Joins the work under way, or starts `work` when there is none.
    ///
    /// Returns `None` if the work panicked. Dropping the returned future stops the waiting only.
    pub(crate) async fn join<F>(&self, work: impl FnOnce() -> F) -> Option<T>
    where
        F: Future<Output = T> + Send + 'static,
    {
        let mut flight = self.board(work);
        let landed = flight.wait_for(Option::is_some).await.ok()?;
        landed.clone()
    }

    fn board<F>(&self, work: impl FnOnce() -> F) -> watch::Receiver<Option<T>>
    where
        F: Future<Output = T> + Send + 'static,
    {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(flight) = current.as_ref()
            && flight.borrow().is_none()
            && flight.has_changed().is_ok()
        {
            return flight.clone();
        }
        let (landing, flight) = watch::channel(None);
        let work = work();
        tokio::spawn(async move {
            let result = work.await;
            // Nobody may be waiting any more, which is no error.
            let _ = landing.send(Some(result));
        });
        *current = Some(flight.clone());
        flight
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use tokio::sync::Notify;

    use super::*;

    #[tokio::test]
    async fn those_who_ask_while_work_is_under_way_share_it_and_later_ones_do_not() {
        let flights = Arc::new(SingleFlight::new());
        let (started, gate) = (Arc::new(AtomicU32::new(0)), Arc::new(Notify::new()));
        let ask = || {
            let (flights, started, gate) = (flights.clone(), started.clone(), gate.clone());
            tokio::spawn(async move {
                let work = || async move {
                    let number = started.fetch_add(1, Ordering::SeqCst) + 1;
                    gate.notified().await;
                    number
                };
                flights.join(work).await
            })
        };
        let asked = [ask(), ask(), ask()];
        tokio::task::yield_now().await;
        gate.notify_one();
        for answer in asked {
            assert_eq!(answer.await.unwrap(), Some(1));
        }
        gate.notify_one();
        assert_eq!(ask().await.unwrap(), Some(2));
    }

    #[tokio::test]
    async fn a_client_that_leaves_cancels_nothing_and_leaves_no_stale_result() {
        let flights = SingleFlight::new();
        let gate = Arc::new(Notify::new());
        let held = gate.clone();
        let work = || async move {
            held.notified().await;
            "first"
        };
        let left = tokio::time::timeout(std::time::Duration::from_millis(1), flights.join(work)).await;
        assert!(left.is_err());
        let second = flights.join(|| async { "second" });
        gate.notify_one();
        assert_eq!(second.await, Some("first"), "the work went on without its first client");
        assert_eq!(flights.join(|| async { "third" }).await, Some("third"));
    }

    #[tokio::test]
    async fn work_that_panics_is_no_result_and_the_next_one_starts_anew() {
        let flights: SingleFlight<u32> = SingleFlight::new();
        assert_eq!(flights.join(|| async { panic!("broken collector") }).await, None);
        assert_eq!(flights.join(|| async { 7 }).await, Some(7));
    }
}
