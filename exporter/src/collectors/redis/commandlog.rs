//! Valkey's logs of large requests and large replies (`COMMANDLOG`, from 8.1 on), without loss.
//!
//! Each is a log like the slow one and is read by the same cursor (`slowlog`): an entry counts once, what
//! fell out unseen is counted as lost, and of the arguments only the command's name is read. The third
//! log, `slow`, is the slow log itself under a second name, so it is not read twice.

use std::time::Instant;

use hitmark_schema::exposition::Family;
use hitmark_schema::metrics::{self as m, Metric};

use super::fields::number;
use super::slowlog::{ASKED, SlowLog};
use super::{RedisCollector, config, info, left, pairs};
use crate::collectors::Collected;
use crate::failure::Failure;
use crate::redis_client::{Command, Reply};

/// The two logs, as the server names them.
const TYPES: [&str; 2] = ["large-request", "large-reply"];

/// What is asked, in one round trip: lengths, then the newest entries of both. 4 is [`ASKED`].
const QUESTIONS: [Command<'static>; 5] = [
    &["COMMANDLOG", "LEN", "slow"],
    &["COMMANDLOG", "LEN", "large-request"],
    &["COMMANDLOG", "LEN", "large-reply"],
    &["COMMANDLOG", "GET", "4", "large-request"],
    &["COMMANDLOG", "GET", "4", "large-reply"],
];
/// Where the entries begin among the replies.
const ENTRIES: usize = 3;
/// What each reply about a length is told as.
const LENGTHS: [Metric; ENTRIES] =
    [m::REDIS_COMMANDLOG_SLOW, m::REDIS_COMMANDLOG_LARGE_REQUEST, m::REDIS_COMMANDLOG_LARGE_REPLY];

/// The limits, which change rarely.
const CONFIG: Command<'static> = &["CONFIG", "GET", "commandlog-*"];
const LIMITS: &[(&str, Metric)] = &[
    ("commandlog-execution-slower-than", m::REDIS_COMMANDLOG_SLOWER_THAN),
    ("commandlog-slow-execution-max-len", m::REDIS_COMMANDLOG_SLOW_MAX),
    ("commandlog-request-larger-than", m::REDIS_COMMANDLOG_REQUEST_LARGER_THAN),
    ("commandlog-large-request-max-len", m::REDIS_COMMANDLOG_REQUEST_MAX),
    ("commandlog-reply-larger-than", m::REDIS_COMMANDLOG_REPLY_LARGER_THAN),
    ("commandlog-large-reply-max-len", m::REDIS_COMMANDLOG_REPLY_MAX),
];

/// What was counted so far.
#[derive(Debug, Default)]
pub(super) struct CommandLog {
    logs: [SlowLog; TYPES.len()],
    scrapes: u32,
    limits: Vec<Family>,
}

/// Whether the server says that it is a Valkey that has these logs. Others would count the question as
/// an error.
pub(super) fn is_there(info: &str) -> bool {
    info::version(info, "valkey_version") >= (Some(8), Some(1))
}

impl RedisCollector {
    /// Counts both logs, with a second question when more entries came than the first one reached.
    pub(super) async fn command_log(
        &self,
        info: &str,
        deadline: Instant,
        collected: &mut Collected,
    ) -> Result<(), Failure> {
        let questions = self.lock().command_log.questions();
        let mut replies = self.client.ask(&questions, left(deadline)).await?;
        let run_id = info::field(info, "run_id").unwrap_or_default();
        let missing = self.lock().command_log.missing(run_id, &replies);
        let further: Vec<[&str; 4]> =
            missing.iter().map(|(log, count)| ["COMMANDLOG", "GET", count, TYPES[*log]]).collect();
        let mut failure = None;
        if !further.is_empty() {
            let commands: Vec<Command<'_>> = further.iter().map(<[&str; 4]>::as_slice).collect();
            match self.client.ask(&commands, left(deadline)).await {
                Ok(more) => {
                    for ((log, _), reply) in missing.iter().zip(more) {
                        replies[ENTRIES + log] = reply;
                    }
                }
                Err(error) => failure = Some(error),
            }
        }
        let mut memory = self.lock();
        if failure.is_none() {
            memory.command_log.absorb(info, &replies, self.options.names_max);
        }
        collected.families.extend(memory.command_log.families(&replies));
        failure.map_or(Ok(()), Err)
    }
}

impl CommandLog {
    /// What this scrape asks: the limits in every few scrapes only.
    fn questions(&mut self) -> Vec<Command<'static>> {
        let with_limits = self.scrapes.is_multiple_of(config::EVERY);
        self.scrapes = self.scrapes.wrapping_add(1);
        QUESTIONS.into_iter().chain(with_limits.then_some(CONFIG)).collect()
    }

    /// The logs whose answer does not reach back far enough, and how many entries would.
    fn missing(&self, run_id: &str, replies: &[Reply]) -> Vec<(usize, String)> {
        let entries = replies.iter().skip(ENTRIES);
        let missing = self.logs.iter().zip(entries).map(|(log, reply)| log.missing(run_id, reply));
        let missing = missing.enumerate().filter_map(|(log, count)| Some((log, count?)));
        missing.map(|(log, count)| (log, count.max(ASKED as i64).to_string())).collect()
    }

    fn absorb(&mut self, info: &str, replies: &[Reply], names_max: usize) {
        let run_id = info::field(info, "run_id").unwrap_or_default();
        let was_reset = info.contains("\ncmdstat_commandlog|reset:");
        for (log, reply) in self.logs.iter_mut().zip(replies.iter().skip(ENTRIES)) {
            if matches!(reply, Reply::List(_)) {
                log.absorb(run_id, reply, was_reset, names_max);
            }
        }
        if let Some(reply @ Reply::List(_)) = replies.get(QUESTIONS.len()) {
            let metric = |key: &str| LIMITS.iter().find(|(name, _)| *name == key).map(|(_, metric)| *metric);
            let limits = pairs(Some(reply))
                .filter_map(|(key, value)| Some(Family::single(metric(key)?, number(value)?)));
            self.limits = limits.collect();
        }
    }

    fn families(&self, replies: &[Reply]) -> Vec<Family> {
        let mut entries = Family::new(m::REDIS_COMMANDLOG_ENTRIES);
        let mut bytes = Family::new(m::REDIS_COMMANDLOG_BYTES);
        let mut lost = Family::new(m::REDIS_COMMANDLOG_LOST);
        for (log, kind) in self.logs.iter().zip(TYPES) {
            for (command, (count, size)) in log.counted() {
                entries.push(&[("type", kind), ("cmd", command)], count as f64);
                bytes.push(&[("type", kind), ("cmd", command)], size as f64);
            }
            lost.push(&[("type", kind)], log.lost() as f64);
        }
        let lengths = LENGTHS.iter().zip(replies).filter_map(|(metric, reply)| match reply {
            Reply::Int(length) => Some(Family::single(*metric, *length as f64)),
            _ => None,
        });
        lengths.chain(self.limits.iter().cloned()).chain([entries, bytes, lost]).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INFO: &str = "run_id:a\r\nvalkey_version:9.1.2\r\n";

    fn log(ids: std::ops::RangeInclusive<i64>) -> Reply {
        let entry = |id| {
            let words = vec![Reply::Text("GET".to_owned()), Reply::Text("secret".to_owned())];
            Reply::List(vec![Reply::Int(id), Reply::Int(0), Reply::Int(2_000), Reply::List(words)])
        };
        Reply::List(ids.rev().map(entry).collect())
    }

    fn replies(requests: Reply, large: Reply) -> Vec<Reply> {
        vec![Reply::Int(1), Reply::Int(2), Reply::Int(3), requests, large]
    }

    fn page(log: &CommandLog, replies: &[Reply]) -> String {
        let mut page = String::new();
        hitmark_schema::exposition::encode(&log.families(replies), &mut page);
        page
    }

    #[test]
    fn only_a_valkey_from_8_1_on_is_asked() {
        for (version, wanted) in [
            ("8.1.8", true),
            ("9.0.0-rc1", true),
            ("10.0", true),
            ("8.0.5", false),
            ("7.2.9", false),
            ("9", true),
            ("new", false),
            ("", false),
        ] {
            assert_eq!(is_there(&format!("valkey_version:{version}\r\n")), wanted, "{version}");
        }
        assert!(!is_there("redis_version:8.2.3\r\n"));
    }

    #[test]
    fn each_log_has_a_cursor_of_its_own_and_arguments_do_not_leave() {
        let mut command_log = CommandLog::default();
        let empty = || Reply::List(Vec::new());
        command_log.absorb(INFO, &replies(empty(), empty()), 10);
        let second = replies(log(0..=1), log(4..=4));
        command_log.absorb(INFO, &second, 10);
        command_log.absorb(INFO, &second, 10);
        let page = page(&command_log, &second);
        let of = |name: &str, kind: &str| format!("{name}{{type=\"{kind}\",cmd=\"GET\"}}");
        for (series, value) in [
            (of("redis_commandlog_entries_total", "large-request"), 2),
            (of("redis_commandlog_bytes_total", "large-request"), 4_000),
            (of("redis_commandlog_entries_total", "large-reply"), 1),
            ("redis_commandlog_lost_total{type=\"large-request\"}".to_owned(), 0),
            ("redis_commandlog_lost_total{type=\"large-reply\"}".to_owned(), 4),
            ("redis_commandlog_slow_length".to_owned(), 1),
            ("redis_commandlog_large_reply_length".to_owned(), 3),
        ] {
            assert!(page.contains(&format!("\n{series} {value}\n")), "{series}\n{page}");
        }
        assert!(!page.contains("secret"), "{page}");
    }

    #[test]
    fn more_is_asked_of_the_log_whose_answer_does_not_reach_back() {
        let mut command_log = CommandLog::default();
        command_log.absorb(INFO, &replies(log(0..=0), log(0..=0)), 10);
        let missing = command_log.missing("a", &replies(log(1..=16), log(5..=20)));
        assert_eq!(missing, [(1, "20".to_owned())]);
    }

    #[test]
    fn limits_are_asked_for_in_every_few_scrapes_and_kept() {
        let mut command_log = CommandLog::default();
        let asked: Vec<usize> = (0..9).map(|_| command_log.questions().len()).collect();
        assert_eq!(asked, [6, 5, 5, 5, 5, 5, 5, 5, 6]);
        let mut first = replies(log(0..=0), log(0..=0));
        let text = |text: &str| Reply::Text(text.to_owned());
        first.push(Reply::List(vec![
            text("commandlog-reply-larger-than"),
            text("1048576"),
            text("new"),
            text("1"),
        ]));
        command_log.absorb(INFO, &first, 10);
        let page = page(&command_log, &replies(log(0..=0), log(0..=0)));
        assert!(page.contains("\nredis_commandlog_reply_larger_than 1048576\n"), "{page}");
    }

    #[test]
    fn missing_rights_leave_samples_out_and_count_nothing() {
        let mut command_log = CommandLog::default();
        let refused: Vec<Reply> = (0..6).map(|_| Reply::Refused("NOPERM".to_owned())).collect();
        command_log.absorb(INFO, &refused, 10);
        assert_eq!(command_log.missing("a", &refused), []);
        let page = page(&command_log, &refused);
        assert!(!page.contains("_length") && !page.contains("entries_total{"), "{page}");
    }
}
