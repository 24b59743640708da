//! Origin calls: how many there were, and how many at the same moment.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counts of calls; shared by all connections.
#[derive(Debug, Default)]
pub(super) struct Calls {
    all: AtomicU64,
    under_way: AtomicU64,
    most: AtomicU64,
}

/// A call that is under way until this is dropped, however its connection ends.
#[derive(Debug)]
pub(super) struct Call<'c>(&'c Calls);

impl Drop for Call<'_> {
    fn drop(&mut self) {
        self.0.under_way.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Calls {
    pub(super) fn begin(&self) -> Call<'_> {
        self.all.fetch_add(1, Ordering::SeqCst);
        let now = self.under_way.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(now, Ordering::SeqCst);
        Call(self)
    }

    pub(super) fn all(&self) -> u64 {
        self.all.load(Ordering::SeqCst)
    }

    pub(super) fn most_at_once(&self) -> u64 {
        self.most.load(Ordering::SeqCst)
    }

    /// Forgets what is over; what is under way stays.
    pub(super) fn reset(&self) {
        self.all.store(0, Ordering::SeqCst);
        self.most.store(self.under_way.load(Ordering::SeqCst), Ordering::SeqCst);
    }

    /// The counts under the names by which a service with hitmark's cache tells them.
    pub(super) fn page(&self) -> String {
        format!(
            "cache_origin_calls_total {}\ncache_origin_in_flight {}\ncache_origin_in_flight_peak {}\n",
            self.all(),
            self.under_way.load(Ordering::SeqCst),
            self.most_at_once()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_at_once_stays_when_calls_end_and_a_reset_keeps_what_is_under_way() {
        let calls = Calls::default();
        let (one, two) = (calls.begin(), calls.begin());
        drop(two);
        let three = calls.begin();
        assert_eq!((calls.all(), calls.most_at_once()), (3, 2));
        drop(one);
        calls.reset();
        assert_eq!((calls.all(), calls.most_at_once()), (0, 1));
        drop(three);
        assert!(calls.page().contains("cache_origin_in_flight 0\n"), "{}", calls.page());
    }
}
