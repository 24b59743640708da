//! How long until a queue is empty: its length now against its length some minutes ago.
//!
//! It is separate because it needs a memory and no broker. It knows arrivals less departures only,
//! which is what drains a queue.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use super::model::Queue;

const WINDOW: Duration = Duration::from_secs(300);
/// The least time over which a slope means something.
const SPAN_MIN: Duration = Duration::from_secs(30);
/// Most points kept of one queue; more frequent scrapes replace the newest one.
const POINTS_MAX: usize = 61;
const POINT_EVERY: Duration = Duration::from_secs(5);

/// The lengths of each queue within the window. Its queues are bounded by the discovery's.
#[derive(Debug, Default)]
pub(crate) struct Drain {
    lengths: BTreeMap<String, VecDeque<(Instant, u64)>>,
}

impl Drain {
    /// Adds a scrape, and tells each queue when it will be empty.
    pub(crate) fn absorb(&mut self, queues: &mut [Queue], at: Instant) {
        self.lengths.retain(|name, _| queues.iter().any(|queue| queue.name == *name));
        for queue in queues {
            let Some(length) = queue.waiting else { continue };
            let points = self.lengths.entry(queue.name.clone()).or_default();
            while points.len() > 1 && at.duration_since(points[1].0) >= WINDOW {
                points.pop_front();
            }
            let too_soon = |before: &(Instant, u64)| at.duration_since(before.0) < POINT_EVERY;
            if points.len() > 1
                && (points.len() >= POINTS_MAX || points.get(points.len() - 2).is_some_and(too_soon))
            {
                points.pop_back();
            }
            points.push_back((at, length));
            queue.drains_in = until_empty(points[0], (at, length));
        }
    }
}

/// Seconds until empty; `None` while too little is known.
fn until_empty(first: (Instant, u64), now: (Instant, u64)) -> Option<f64> {
    let span = now.0.duration_since(first.0);
    if now.1 == 0 {
        return Some(0.0);
    }
    if span < SPAN_MIN {
        return None;
    }
    let gone = first.1 as f64 - now.1 as f64;
    Some(if gone > 0.0 { now.1 as f64 * span.as_secs_f64() / gone } else { f64::INFINITY })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(drain: &mut Drain, start: Instant, second: u64, length: u64) -> Option<f64> {
        let mut queues = [Queue { name: "q".to_owned(), waiting: Some(length), ..Queue::default() }];
        drain.absorb(&mut queues, start + Duration::from_secs(second));
        queues[0].drains_in
    }

    #[test]
    fn a_queue_that_shrinks_tells_when_it_is_empty_and_one_that_grows_never_is() {
        let (mut drain, start) = (Drain::default(), Instant::now());
        assert_eq!(after(&mut drain, start, 0, 1_000), None, "one length is no rate");
        assert_eq!(after(&mut drain, start, 15, 950), None, "fifteen seconds are too few");
        assert_eq!(after(&mut drain, start, 60, 800), Some(240.0));
        assert_eq!(after(&mut drain, start, 120, 1_000), Some(f64::INFINITY));
        assert_eq!(after(&mut drain, start, 180, 0), Some(0.0));
    }

    #[test]
    fn what_is_older_than_the_window_is_forgotten() {
        let (mut drain, start) = (Drain::default(), Instant::now());
        for second in (0..=300).step_by(15) {
            after(&mut drain, start, second, 100_000);
        }
        // 1,000 of 100,000 went in the last 300 of 330 seconds.
        assert_eq!(after(&mut drain, start, 330, 99_000), Some(29_700.0));
    }

    #[test]
    fn scraping_often_keeps_the_window_and_the_memory() {
        let (mut drain, start) = (Drain::default(), Instant::now());
        for second in 0..=300 {
            after(&mut drain, start, second, 1_000 - second);
        }
        assert!(drain.lengths["q"].len() <= POINTS_MAX);
        assert_eq!(after(&mut drain, start, 300, 700), Some(700.0));
    }
}
