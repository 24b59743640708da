//! The slow log without loss: each entry counts once, and what fell out unseen is counted too.
//!
//! Ids of entries grow by one for the life of a server, even across `SLOWLOG RESET`; so the last id
//! seen, per run of the server, tells what is new and how many entries are missing between. Of an
//! entry only its command's name is read: arguments may be personal and never leave.

use std::collections::BTreeMap;

use hitmark_schema::exposition::Family;
use hitmark_schema::metrics as m;

use crate::redis_client::Reply;

/// How many entries a scrape asks for, to see what is the newest. A default log of 128 costs more to write and
/// to read than all the rest of a scrape; where more are new, a second question fetches them.
pub(super) const ASKED: usize = 4;
/// The most that a second question asks for.
pub(super) const ASKED_MAX: i64 = 100_000;

/// What was counted so far.
#[derive(Debug, Default)]
pub(super) struct SlowLog {
    run_id: String,
    seen: Seen,
    commands: BTreeMap<String, (u64, u64)>,
    lost: u64,
}

/// The newest id that was counted or stepped over.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Seen {
    /// Nothing is known: what is in the log was written before we watched.
    #[default]
    Nothing,
    /// The log was emptied before we watched, so the next id is not known.
    Emptied,
    /// All entries up to this id; -1 is none.
    UpTo(i64),
}

/// One entry: id, microseconds, command.
type Entry<'a> = (i64, u64, &'a str);

impl SlowLog {
    /// How many entries must be asked for so that none between the last scrape and now is missed:
    /// nothing if `entries` reach back far enough.
    pub(super) fn missing(&self, run_id: &str, reply: &Reply) -> Option<i64> {
        let entries = entries(reply);
        let (newest, oldest) = (entries.first()?.0, entries.last()?.0);
        let seen = match self.seen {
            Seen::UpTo(seen) if self.run_id == run_id => seen,
            Seen::Nothing => return None,
            _ => -1,
        };
        (oldest > seen.saturating_add(1) && entries.len() >= ASKED)
            .then(|| newest.saturating_sub(seen).clamp(1, ASKED_MAX))
    }

    /// Counts what is new. `was_reset` says that somebody emptied this server's log at some time.
    pub(super) fn absorb(&mut self, run_id: &str, reply: &Reply, was_reset: bool, names_max: usize) {
        let entries = entries(reply);
        if self.run_id != run_id {
            let first = self.run_id.is_empty();
            run_id.clone_into(&mut self.run_id);
            self.seen = match entries.first() {
                // Before us; the counter starts at 0.
                Some((newest, ..)) if first => Seen::UpTo(*newest),
                None if first && was_reset => Seen::Emptied,
                _ => Seen::UpTo(-1),
            };
        }
        let (Some(newest), Some(oldest)) = (entries.first(), entries.last()) else { return };
        let seen = match self.seen {
            Seen::UpTo(seen) => seen,
            Seen::Emptied | Seen::Nothing => oldest.0.saturating_sub(1),
        };
        let new = entries.iter().take_while(|(id, ..)| *id > seen);
        let mut counted = 0;
        for (_, micros, command) in new {
            counted += 1;
            self.count(command, *micros, names_max);
        }
        // Ids are without gaps, so what is between and was not counted is gone.
        let between = u64::try_from(newest.0.saturating_sub(seen)).unwrap_or(0);
        self.lost = self.lost.saturating_add(between.saturating_sub(counted));
        self.seen = Seen::UpTo(newest.0.max(seen));
    }

    fn count(&mut self, command: &str, micros: u64, names_max: usize) {
        let known = self.commands.contains_key(command);
        let name = if known || self.commands.len() < names_max { command } else { "other" };
        let (calls, time) = self.commands.entry(name.to_owned()).or_default();
        *calls += 1;
        *time = time.saturating_add(micros);
    }

    /// Commands with the number of their entries and the sum of what the log measures: microseconds here,
    /// bytes in the logs that `commandlog` reads.
    pub(super) fn counted(&self) -> impl Iterator<Item = (&str, (u64, u64))> {
        self.commands.iter().map(|(command, counted)| (command.as_str(), *counted))
    }

    /// Entries that fell out unseen.
    pub(super) fn lost(&self) -> u64 {
        self.lost
    }

    /// The counters.
    pub(super) fn families(&self) -> [Family; 3] {
        let mut entries = Family::new(m::REDIS_SLOWLOG_ENTRIES);
        let mut seconds = Family::new(m::REDIS_SLOWLOG_SECONDS);
        for (command, (calls, micros)) in &self.commands {
            entries.push(&[("cmd", command)], *calls as f64);
            seconds.push(&[("cmd", command)], *micros as f64 / 1e6);
        }
        [entries, seconds, Family::single(m::REDIS_SLOWLOG_LOST, self.lost as f64)]
    }
}

/// The readable entries, newest first.
fn entries(reply: &Reply) -> Vec<Entry<'_>> {
    let Reply::List(list) = reply else { return Vec::new() };
    list.iter()
        .filter_map(|entry| match entry {
            Reply::List(parts) => match parts.as_slice() {
                [Reply::Int(id), _, Reply::Int(micros), Reply::List(words), ..] => {
                    Some((*id, u64::try_from(*micros).ok()?, name(words.first())))
                }
                _ => None,
            },
            _ => None,
        })
        .collect()
}

/// The command's name, if it looks like one.
fn name(word: Option<&Reply>) -> &str {
    match word {
        Some(Reply::Text(text))
            if text.len() <= 32
                && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._|-".contains(&b)) =>
        {
            text
        }
        _ => "other",
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn log(ids: std::ops::RangeInclusive<i64>) -> Reply {
        let entry = |id| {
            let words = vec![Reply::Text("GET".to_owned()), Reply::Text("secret".to_owned())];
            Reply::List(vec![Reply::Int(id), Reply::Int(0), Reply::Int(1_000), Reply::List(words)])
        };
        Reply::List(ids.rev().map(entry).collect())
    }

    fn total(slow: &SlowLog) -> (u64, u64) {
        (slow.commands.values().map(|(calls, _)| calls).sum(), slow.lost)
    }

    #[test]
    fn entries_are_counted_once_and_what_fell_out_is_lost() {
        let mut slow = SlowLog::default();
        slow.absorb("a", &log(3..=10), false, 10);
        assert_eq!(total(&slow), (0, 0), "what was there before is not ours");
        slow.absorb("a", &log(5..=12), false, 10);
        slow.absorb("a", &log(5..=12), false, 10);
        assert_eq!(total(&slow), (2, 0));
        slow.absorb("a", &log(20..=27), false, 10);
        assert_eq!(total(&slow), (10, 7), "13 to 19 fell out");
    }

    #[test]
    fn a_restarted_server_counts_from_its_first_entry() {
        let mut slow = SlowLog::default();
        slow.absorb("a", &log(3..=10), false, 10);
        slow.absorb("b", &log(2..=4), false, 10);
        assert_eq!(total(&slow), (3, 2));
    }

    #[test]
    fn an_empty_log_at_the_start_is_the_beginning_unless_it_was_emptied() {
        let empty = Reply::List(Vec::new());
        let (mut fresh, mut emptied) = (SlowLog::default(), SlowLog::default());
        fresh.absorb("a", &empty, false, 10);
        emptied.absorb("a", &empty, true, 10);
        for slow in [&mut fresh, &mut emptied] {
            slow.absorb("a", &log(5..=6), false, 10);
        }
        assert_eq!((total(&fresh), total(&emptied)), ((2, 5), (2, 0)));
    }

    #[test]
    fn more_is_asked_for_only_when_the_answer_does_not_reach_back() {
        let mut slow = SlowLog::default();
        slow.absorb("a", &log(0..=10), false, 10);
        assert_eq!(slow.missing("a", &log(11..=26)), None);
        assert_eq!(slow.missing("a", &log(15..=30)), Some(20));
        assert_eq!(slow.missing("b", &log(15..=30)), Some(31));
    }

    proptest! {
        /// Servers write ids that grow; one that does not must not break a scrape either.
        #[test]
        fn any_answer_is_counted_without_a_panic_and_no_counter_falls(
            answers in prop::collection::vec(
                (prop::collection::vec((any::<i64>(), any::<i64>()), 0..20), "[ab]", any::<bool>()),
                0..8,
            ),
        ) {
            let mut slow = SlowLog::default();
            let mut before = (0, 0);
            for (entries, run_id, was_reset) in answers {
                let entry = |(id, micros)| {
                    let words = vec![Reply::Text("GET".to_owned())];
                    Reply::List(vec![Reply::Int(id), Reply::Nil, Reply::Int(micros), Reply::List(words)])
                };
                let reply = Reply::List(entries.into_iter().map(entry).collect());
                let asked = slow.missing(&run_id, &reply);
                prop_assert!(asked.is_none_or(|count| (1..=ASKED_MAX).contains(&count)));
                slow.absorb(&run_id, &reply, was_reset, 3);
                let now = total(&slow);
                prop_assert!(now.0 >= before.0 && now.1 >= before.1);
                before = now;
            }
        }
    }

    #[test]
    fn arguments_do_not_leave_and_names_are_bounded() {
        let mut slow = SlowLog::default();
        slow.absorb("a", &Reply::List(Vec::new()), false, 1);
        slow.absorb("a", &log(0..=1), false, 1);
        slow.count("SET", 5, 1);
        let shown = format!("{:?}", slow.families());
        assert!(!shown.contains("secret") && shown.contains("other") && !shown.contains("SET"), "{shown}");
    }
}
