//! Which queues there are: listed by the operator, or found by SCAN within a cap.
//!
//! It is separate because a keyspace is too large to be walked in every scrape: the cursor is kept,
//! and each scrape goes one bounded step on. The first scrape walks further, so that it is complete
//! for a small server. What was found stays, so that an empty queue shows 0 and does not vanish.

use std::collections::BTreeSet;

use super::ask::{Ask, Request, refused, request, step, text};
use crate::failure::Failure;

/// How many queues one broker shows; more are counted as unread.
pub(crate) const QUEUES_MAX: usize = 200;
/// How many keys of the discovery pattern are kept.
const KEYS_MAX: usize = 1_000;
const FIRST_STEPS_MAX: usize = 100;
/// The same where each key found costs a lookup of its type.
const FIRST_TYPED_STEPS_MAX: usize = 10;
/// A longer name is none.
const NAME_LEN_MAX: usize = 512;

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

    /// Goes on with the walk and gives all keys found so far. Where the queues are listed there is no
    /// walk: the keys are the pattern's with each name.
    pub(crate) async fn keys(&mut self, ask: &mut dyn Ask, pattern: &str) -> Result<Vec<String>, Failure> {
        if !self.listed.is_empty() {
            return Ok(self.listed.iter().map(|name| pattern.replacen('*', name, 1)).collect());
        }
        self.walk(ask, pattern, Only::Any).await
    }

    /// The same for keys that hold a stream.
    pub(crate) async fn streams(&mut self, ask: &mut dyn Ask, pattern: &str) -> Result<Vec<String>, Failure> {
        if self.listed.is_empty() {
            return self.walk(ask, pattern, Only::Streams).await;
        }
        Ok(self.listed.clone())
    }

    async fn walk(&mut self, ask: &mut dyn Ask, pattern: &str, only: Only) -> Result<Vec<String>, Failure> {
        let first = if only == Only::Any { FIRST_STEPS_MAX } else { FIRST_TYPED_STEPS_MAX };
        let steps = if self.cursor.is_none() { first } else { 1 };
        for _ in 0..steps {
            let cursor = self.cursor.take().unwrap_or_else(|| "0".to_owned());
            let replies =
                ask.pipeline(&[request(&["SCAN", &cursor, "MATCH", pattern, "COUNT", "1000"])]).await?;
            refused(&replies)?;
            let (next, keys) = step(replies.first()).unwrap_or(("0", Vec::new()));
            let mut keys: Vec<String> = keys.into_iter().map(str::to_owned).collect();
            if only == Only::Streams {
                keys = streams_of(ask, keys).await?;
            }
            let room = KEYS_MAX.saturating_sub(self.keys.len());
            self.keys.extend(keys.into_iter().take(room));
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

    /// Whether the operator wrote this name.
    pub(crate) fn is_listed(&self, name: &str) -> bool {
        self.listed.iter().any(|listed| listed == name)
    }

    /// The listed queues that are not among those which the broker knows.
    pub(crate) fn unknown(&self, known: &BTreeSet<String>) -> Vec<String> {
        self.listed.iter().filter(|name| !known.contains(*name)).cloned().collect()
    }
}

/// Which keys of the pattern are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Only {
    Any,
    Streams,
}

/// Those of the keys that hold a stream. `SCAN … TYPE` would look the keys up too, uncounted by us.
async fn streams_of(ask: &mut dyn Ask, keys: Vec<String>) -> Result<Vec<String>, Failure> {
    let commands: Vec<Request> = keys.iter().map(|key| request(&["TYPE", key])).collect();
    if commands.is_empty() {
        return Ok(keys);
    }
    let kinds = ask.pipeline(&commands).await?;
    refused(&kinds)?;
    let streams = keys.into_iter().zip(&kinds).filter(|(_, kind)| text(Some(kind)) == Some("stream"));
    Ok(streams.map(|(key, _)| key).collect())
}

/// What is wrong with a list of queues, as far as one can tell without the broker.
pub(crate) fn mistakes(listed: &[String]) -> Vec<String> {
    let mut mistakes = Vec::new();
    let mut seen = BTreeSet::new();
    for name in listed {
        if name.is_empty() || name.len() > NAME_LEN_MAX {
            mistakes.push(format!("queues: {name:?} is no name of a queue; write 1 to {NAME_LEN_MAX} bytes"));
        } else if name.chars().any(char::is_control) {
            mistakes.push(format!(
                "queues: {name:?} holds a control character; write the queue's name, without priority"
            ));
        } else if name.contains('*') {
            mistakes
                .push(format!("queues: {name:?} is a pattern; write names, or no list to find all queues"));
        }
        if !seen.insert(name) {
            mistakes.push(format!("queues: {name:?} is listed twice"));
        }
    }
    if listed.len() > QUEUES_MAX {
        mistakes.push(format!("queues: lists {} queues; at most {QUEUES_MAX} are shown", listed.len()));
    }
    mistakes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mistake_in_a_list_of_queues_is_told() {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        assert!(mistakes(&names(&["mail", "celery"])).is_empty());
        let told = mistakes(&names(&["", "mail", "mail", "celery\u{6}\u{16}3", "bull:*"]));
        for (told, word) in told.iter().zip(["no name", "twice", "control", "pattern"]) {
            assert!(told.contains(word), "{told}");
        }
        assert_eq!(told.len(), 4, "{told:?}");
        let many: Vec<String> = (0..=QUEUES_MAX).map(|n| n.to_string()).collect();
        assert!(mistakes(&many)[0].contains("201 queues"));
    }
}
