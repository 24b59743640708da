//! Which queues there are: listed by the operator, or found by SCAN within a cap.
//!
//! It is separate because a keyspace is too large to be walked in every scrape: the cursor is kept,
//! and each scrape goes one bounded step on. The first scrape walks further, so that it is complete
//! for a small server. What was found stays, so that an empty queue shows 0 and does not vanish.

use std::collections::BTreeSet;

use super::ask::{Ask, refused, request, step};
use crate::failure::Failure;

/// How many queues one broker shows; more are counted as unread.
pub(crate) const QUEUES_MAX: usize = 200;
/// How many keys of the discovery pattern are kept.
const KEYS_MAX: usize = 1_000;
const FIRST_STEPS_MAX: usize = 100;

/// What is known of a broker's queues between scrapes.
#[derive(Debug, Default)]
pub(crate) struct Discovery {
    listed: Vec<String>,
    keys: BTreeSet<String>,
    names: BTreeSet<String>,
    beyond: BTreeSet<String>,
    cursor: Option<String>,
}

impl Discovery {
    /// Only these queues, or all that are found if there are none.
    pub(crate) fn new(listed: Vec<String>) -> Self {
        Self { listed, ..Self::default() }
    }

    /// Goes on with the walk and gives all keys found so far; none where the queues are listed.
    pub(crate) async fn keys(&mut self, ask: &mut dyn Ask, pattern: &str) -> Result<Vec<String>, Failure> {
        if !self.listed.is_empty() {
            return Ok(Vec::new());
        }
        let steps = if self.cursor.is_none() { FIRST_STEPS_MAX } else { 1 };
        for _ in 0..steps {
            let cursor = self.cursor.take().unwrap_or_else(|| "0".to_owned());
            let replies =
                ask.pipeline(&[request(&["SCAN", &cursor, "MATCH", pattern, "COUNT", "1000"])]).await?;
            refused(&replies)?;
            let (next, keys) = step(replies.first()).unwrap_or(("0", Vec::new()));
            let room = KEYS_MAX.saturating_sub(self.keys.len());
            self.keys.extend(keys.into_iter().take(room).map(str::to_owned));
            self.cursor = Some(next.to_owned());
            if next == "0" {
                break;
            }
        }
        Ok(self.keys.iter().cloned().collect())
    }

    /// The queues to ask about, and how many are beyond the cap.
    pub(crate) fn names(&mut self, found: BTreeSet<String>) -> (Vec<String>, u64) {
        let found = if self.listed.is_empty() { found } else { self.listed.iter().cloned().collect() };
        for name in found {
            if self.names.contains(&name) || self.names.len() < QUEUES_MAX {
                self.names.insert(name);
            } else if self.beyond.len() < KEYS_MAX {
                self.beyond.insert(name);
            }
        }
        (self.names.iter().cloned().collect(), self.beyond.len() as u64)
    }
}
