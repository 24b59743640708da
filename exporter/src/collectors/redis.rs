//! Redis and Valkey: one pipelined round trip, then a pure parse, under redis_exporter's names.
//!
//! It sends no command that reads a key, so a scrape adds nothing to the hits and misses that it
//! reports. The table of fields is `redis/fields.rs`; the lines that name a command, an error or a
//! database are read in `redis/info.rs`.

mod fields;
mod info;
mod options;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures::FutureExt;
use futures::future::BoxFuture;
use hitmark_schema::exposition::Family;
use hitmark_schema::metrics::{
    REDIS_CONFIG_MAXCLIENTS, REDIS_CONFIG_MAXMEMORY, REDIS_LAST_SCRAPE_ERROR, REDIS_LAST_SCRAPE_SECONDS,
    REDIS_LAST_SLOW_EXECUTION, REDIS_SLOWLOG_LAST_ID, REDIS_SLOWLOG_LENGTH, REDIS_UP,
};

use super::{Ask, Collected, Collector, Kind, Labelled};
use crate::config::redacted;
use crate::failure::Failure;
use crate::options::OptionReader;
use crate::redis_client::{Command, RedisClient, Reply};
use options::RedisOptions;

/// This collector's line in the list.
pub const KIND: Kind = Kind { name: "redis", key: "redis", build };

/// What is asked, in one round trip. Only the first must succeed: rights may be missing for the rest.
const COMMANDS: &[Command] = &[
    &["INFO", "ALL"],
    // One pattern, since servers before 7.0 take only one.
    &["CONFIG", "GET", "max*"],
    &["CONFIG", "GET", "databases"],
    &["SLOWLOG", "LEN"],
    &["SLOWLOG", "GET", "1"],
];

/// A server and how it is shown.
#[derive(Debug)]
struct RedisCollector {
    client: RedisClient,
    target: String,
    labelled: Labelled,
    options: RedisOptions,
}

fn build(ask: &Ask<'_>) -> Result<Box<dyn Collector>, Vec<String>> {
    let target = redacted(ask.url);
    let mut reader = OptionReader::new(ask.options);
    let options = RedisOptions::read(&mut reader);
    let mut mistakes = reader.finish();
    match RedisClient::new(ask.url, ask.timeout) {
        Ok(client) if mistakes.is_empty() => {
            Ok(Box::new(RedisCollector { client, target, labelled: ask.labelled, options }))
        }
        Ok(_) => Err(mistakes),
        Err(wrong) => {
            let shape = "write redis://[user:password@]host[:port][/database], rediss:// or unix:///path";
            mistakes.push(format!("{target}: {wrong}; {shape}"));
            Err(mistakes)
        }
    }
}

impl Collector for RedisCollector {
    fn target(&self) -> &str {
        &self.target
    }

    fn collect(&self, limit: Duration) -> BoxFuture<'_, Result<Collected, Failure>> {
        async move {
            let replies = self.client.ask(COMMANDS, limit).await?;
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
            let mut collected = parse(&replies, now)?;
            self.labelled.label(&self.target, &mut collected.families);
            Ok(collected)
        }
        .boxed()
    }

    fn verdict(&self, failure: Option<&Failure>, took: Duration) -> Vec<Family> {
        let failed = f64::from(u8::from(failure.is_some()));
        let mut families = vec![
            Family::single(REDIS_UP, 1.0 - failed),
            Family::single(REDIS_LAST_SCRAPE_SECONDS, took.as_secs_f64()),
            Family::new(REDIS_LAST_SCRAPE_ERROR).with(&[("err", failure.map_or("", Failure::kind))], failed),
        ];
        self.labelled.label(&self.target, &mut families);
        families
    }
}

/// Turns the replies to this collector's commands into samples. Pure and total.
///
/// `now` is the Unix time in seconds, used only for servers that do not tell their own. A reply
/// that is missing or refused leaves its samples out; a known field whose value makes no sense is
/// counted in [`Collected::unreadable`].
///
/// # Errors
/// [`Failure::Refused`] if the server refused `INFO`, [`Failure::Answer`] if what it answered holds
/// not one field that a Redis server writes.
pub fn parse(replies: &[Reply], now: u64) -> Result<Collected, Failure> {
    let text = match replies.first() {
        Some(Reply::Text(text)) => text,
        Some(Reply::Refused(words)) => return Err(Failure::Refused(words.clone())),
        _ => return Err(Failure::Answer("INFO answered no text".to_owned())),
    };
    let limits = pairs(replies.get(1));
    let databases = pairs(replies.get(2)).find(|(name, _)| *name == "databases");
    let databases = databases.and_then(|(_, value)| value.parse().ok()).unwrap_or(0);

    let mut collected = Collected::default();
    info::parse(text, databases, now, &mut collected)?;
    for (name, value) in limits {
        let metric = match name {
            "maxclients" => REDIS_CONFIG_MAXCLIENTS,
            "maxmemory" => REDIS_CONFIG_MAXMEMORY,
            _ => continue,
        };
        match fields::number(value) {
            Some(value) => collected.families.push(Family::single(metric, value)),
            None => collected.unreadable += 1,
        }
    }
    slow_log(replies.get(3), replies.get(4), &mut collected);
    Ok(collected)
}

/// The names and values that `CONFIG GET` answers in turn.
fn pairs(reply: Option<&Reply>) -> impl Iterator<Item = (&str, &str)> {
    let items = match reply {
        Some(Reply::List(items)) => items.as_slice(),
        _ => &[],
    };
    items.as_chunks::<2>().0.iter().filter_map(|pair| match pair {
        [Reply::Text(name), Reply::Text(value)] => Some((name.as_str(), value.as_str())),
        _ => None,
    })
}

fn slow_log(length: Option<&Reply>, newest: Option<&Reply>, collected: &mut Collected) {
    match length {
        Some(Reply::Int(length)) => {
            collected.families.push(Family::single(REDIS_SLOWLOG_LENGTH, *length as f64));
        }
        Some(Reply::Refused(_)) | None => {}
        Some(_) => collected.unreadable += 1,
    }
    let (id, seconds) = match newest {
        Some(Reply::List(entries)) if entries.is_empty() => (0.0, 0.0),
        Some(Reply::List(entries)) => match entries.first() {
            // Id, Unix time, microseconds, arguments: the arguments may be personal and stay unread.
            Some(Reply::List(entry)) => match entry.as_slice() {
                [Reply::Int(id), _, Reply::Int(micros), ..] => (*id as f64, *micros as f64 / 1e6),
                _ => return collected.unreadable += 1,
            },
            _ => return collected.unreadable += 1,
        },
        Some(Reply::Refused(_)) | None => return,
        Some(_) => return collected.unreadable += 1,
    };
    collected.families.push(Family::single(REDIS_SLOWLOG_LAST_ID, id));
    collected.families.push(Family::single(REDIS_LAST_SLOW_EXECUTION, seconds));
}
