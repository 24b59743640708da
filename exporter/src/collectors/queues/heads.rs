//! How long the message at the head of a queue waits at least: since we first saw it there.
//!
//! It is separate because it needs a memory and no broker. It is for brokers whose messages have no
//! time of their own; a message that is there in two scrapes has waited at least between them.

use std::collections::BTreeMap;
use std::time::Instant;

use super::model::Queue;

/// The head of each list of each queue, and when it was first seen. Bounded as the queues are.
#[derive(Debug, Default)]
pub(crate) struct Heads {
    seen: BTreeMap<String, Vec<(String, Instant)>>,
}

impl Heads {
    /// Takes a scrape, and tells each queue how long its heads were seen at least.
    pub(crate) fn absorb(&mut self, queues: &mut [Queue], at: Instant) {
        self.seen.retain(|name, _| queues.iter().any(|queue| queue.name == *name));
        for queue in queues.iter_mut().filter(|queue| !queue.heads.is_empty() || queue.waiting == Some(0)) {
            let before = self.seen.entry(queue.name.clone()).or_default();
            let first_seen =
                |id: &String| before.iter().find(|(known, _)| known == id).map_or(at, |(_, at)| *at);
            let heads: Vec<_> = queue.heads.iter().map(|id| (id.clone(), first_seen(id))).collect();
            let oldest = heads.iter().map(|(_, seen)| *seen).min();
            queue.waited_at_least = oldest.map(|oldest| at.duration_since(oldest).as_secs_f64());
            *before = heads;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_head_that_stays_has_waited_at_least_so_long_and_a_new_one_starts_anew() {
        let (mut heads, start) = (Heads::default(), Instant::now());
        let mut after = |second: u64, ids: &[&str]| {
            let ids = ids.iter().map(|id| (*id).to_owned()).collect();
            let mut queues =
                [Queue { name: "q".to_owned(), waiting: Some(0), heads: ids, ..Queue::default() }];
            heads.absorb(&mut queues, start + Duration::from_secs(second));
            queues[0].waited_at_least
        };
        assert_eq!(after(0, &["a"]), Some(0.0));
        assert_eq!(after(15, &["a"]), Some(15.0));
        assert_eq!(after(30, &["urgent", "a"]), Some(30.0), "the oldest of all lists counts");
        assert_eq!(after(45, &["urgent", "b"]), Some(15.0));
        assert_eq!(after(60, &[]), None);
        assert_eq!(after(75, &["b"]), Some(0.0), "it was away, perhaps with a worker");
    }
}
