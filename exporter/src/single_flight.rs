//! One piece of work at a time for each target: whoever asks while it runs shares its result.
//!
//! Two Prometheus servers and a person with curl must not become three times the load on a cache
//! server. The work runs in a task of its own, so a client that leaves cancels nothing that others
//! wait for, and the last one that leaves ends the work. There is no queue and therefore nothing to bound: at most one piece of work is under
//! way, and a result is never handed to someone who asked after it was ready.

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::sync::watch;

type Landing<T> = watch::Sender<Option<T>>;

/// Shares the result of work under way.
#[derive(Debug)]
pub(crate) struct SingleFlight<T> {
    current: Arc<Mutex<Weak<Landing<T>>>>,
}

impl<T: Clone + Send + Sync + 'static> SingleFlight<T> {
    pub(crate) fn new() -> Self {
        Self { current: Arc::new(Mutex::new(Weak::new())) }
    }

    /// Joins the work under way, or starts `work` when there is none.
    ///
    /// Returns `None` if the work panicked. When all who wait have dropped their futures, the work
    /// is dropped too, at its next await.
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
        if let Some(landing) = current.upgrade()
            && landing.borrow().is_none()
        {
            return landing.subscribe();
        }
        let (landing, flight) = watch::channel(None);
        let landing = Arc::new(landing);
        *current = Arc::downgrade(&landing);
        tokio::spawn(fly(work(), landing, Arc::clone(&self.current)));
        flight
    }
}

/// Does the work until it is done or nobody waits for it.
async fn fly<T>(
    work: impl Future<Output = T>,
    landing: Arc<Landing<T>>,
    current: Arc<Mutex<Weak<Landing<T>>>>,
) {
    tokio::pin!(work);
    loop {
        tokio::select! {
            result = &mut work => {
                landing.send_replace(Some(result));
                return;
            }
            () = landing.closed() => {
                // Under the lock nobody can board: whoever came before it is counted.
                let mut current = current.lock().unwrap_or_else(PoisonError::into_inner);
                if landing.receiver_count() == 0 {
                    *current = Weak::new();
                    return;
                }
            }
        }
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
    async fn work_ends_with_the_last_who_leaves_and_the_next_starts_anew() {
        let flights = SingleFlight::new();
        let gate = Arc::new(Notify::new());
        let held = gate.clone();
        let work = || async move {
            held.notified().await;
            "first"
        };
        let first = tokio::time::timeout(std::time::Duration::from_millis(1), flights.join(work)).await;
        assert!(first.is_err());
        for _ in 0..4 {
            tokio::task::yield_now().await;
        }
        assert_eq!(Arc::strong_count(&gate), 1, "the work that nobody waits for is gone");
        assert_eq!(flights.join(|| async { "second" }).await, Some("second"));
    }

    #[tokio::test]
    async fn a_client_that_leaves_takes_nothing_from_the_one_that_stays() {
        let flights = Arc::new(SingleFlight::new());
        let gate = Arc::new(Notify::new());
        let ask = |name: &'static str| {
            let (flights, gate) = (flights.clone(), gate.clone());
            tokio::spawn(async move {
                let work = || async move {
                    gate.notified().await;
                    name
                };
                flights.join(work).await
            })
        };
        let (leaves, stays) = (ask("first"), ask("second"));
        tokio::task::yield_now().await;
        leaves.abort();
        assert!(leaves.await.is_err());
        gate.notify_one();
        assert_eq!(stays.await.unwrap(), Some("first"));
    }

    #[tokio::test]
    async fn work_that_panics_is_no_result_and_the_next_one_starts_anew() {
        let flights: SingleFlight<u32> = SingleFlight::new();
        assert_eq!(flights.join(|| async { panic!("broken collector") }).await, None);
        assert_eq!(flights.join(|| async { 7 }).await, Some(7));
    }
}
