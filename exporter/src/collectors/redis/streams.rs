//! Streams with their groups and consumers, from `XINFO`.
//!
//! Each `XINFO` counts as a lookup on the server, which the caller subtracts. Of an id only the time
//! is told, in milliseconds, as redis_exporter does; of an entry nothing but its id is read.

use hitmark_schema::exposition::Family;
use hitmark_schema::metrics::{self as m, Metric};

use super::keys::Induced;
use super::options::RedisOptions;
use super::pairs_of;
use crate::redis_client::Reply;

/// Most groups of all streams whose consumers are asked for.
const GROUPS_MAX: usize = 200;

const STREAM_NUMBERS: &[(&str, Metric)] = &[
    ("length", m::REDIS_STREAM_LENGTH),
    ("groups", m::REDIS_STREAM_GROUPS),
    ("radix-tree-keys", m::REDIS_STREAM_RADIX_KEYS),
    ("radix-tree-nodes", m::REDIS_STREAM_RADIX_NODES),
    ("entries-added", m::REDIS_STREAM_ADDED),
    ("last-generated-id", m::REDIS_STREAM_LAST_GENERATED),
    ("max-deleted-entry-id", m::REDIS_STREAM_MAX_DELETED),
    ("first-entry", m::REDIS_STREAM_FIRST),
    ("last-entry", m::REDIS_STREAM_LAST),
];
const GROUP_NUMBERS: &[(&str, Metric)] = &[
    ("consumers", m::REDIS_STREAM_GROUP_CONSUMERS),
    ("pending", m::REDIS_STREAM_GROUP_PENDING),
    ("lag", m::REDIS_STREAM_GROUP_LAG),
    ("entries-read", m::REDIS_STREAM_GROUP_READ),
    ("last-delivered-id", m::REDIS_STREAM_GROUP_LAST),
];

/// A group: its stream and its name.
pub(super) type Group = (String, String);

/// The first round.
pub(super) fn questions(options: &RedisOptions) -> Vec<Vec<&str>> {
    options
        .streams
        .iter()
        .flat_map(|stream| ["STREAM", "GROUPS"].map(|about| vec!["XINFO", about, stream.as_str()]))
        .collect()
}

/// The groups that the first round names.
pub(super) fn groups(options: &RedisOptions, replies: &[Reply]) -> Vec<Group> {
    let named = options.streams.iter().zip(replies.chunks(2)).flat_map(|(stream, both)| {
        let names = list(both.get(1)).iter().filter_map(|group| text(group, "name"));
        names.take(options.names_max).map(|name| (stream.clone(), name.to_owned()))
    });
    named.take(GROUPS_MAX).collect()
}

/// The second round.
pub(super) fn consumer_questions(groups: &[Group]) -> Vec<[&str; 4]> {
    groups.iter().map(|(stream, group)| ["XINFO", "CONSUMERS", stream, group]).collect()
}

/// Reads the first round.
pub(super) fn parse(
    options: &RedisOptions,
    db: &str,
    replies: &[Reply],
    induced: &mut Induced,
) -> Vec<Family> {
    let families = |columns: &[(&str, Metric)]| -> Vec<Family> {
        columns.iter().map(|(_, metric)| Family::new(*metric)).collect()
    };
    let (mut of_streams, mut of_groups) = (families(STREAM_NUMBERS), families(GROUP_NUMBERS));
    for (stream, both) in options.streams.iter().zip(replies.chunks(2)) {
        for reply in both {
            // Both look the key up.
            count(reply, induced);
        }
        let labels = [("db", db), ("stream", stream.as_str())];
        push(&mut of_streams, STREAM_NUMBERS, &both[0], &labels);
        for group in list(both.get(1)).iter().take(options.names_max) {
            let Some(name) = text(group, "name") else { continue };
            push(&mut of_groups, GROUP_NUMBERS, group, &[labels[0], labels[1], ("group", name)]);
        }
    }
    of_streams.extend(of_groups);
    of_streams
}

/// Reads the second round.
pub(super) fn consumers(
    options: &RedisOptions,
    db: &str,
    groups: &[Group],
    replies: &[Reply],
    induced: &mut Induced,
) -> Vec<Family> {
    let mut pending = Family::new(m::REDIS_STREAM_CONSUMER_PENDING);
    let mut idle = Family::new(m::REDIS_STREAM_CONSUMER_IDLE);
    for ((stream, group), reply) in groups.iter().zip(replies) {
        count(reply, induced);
        for consumer in list(Some(reply)).iter().take(options.names_max) {
            let Some(name) = text(consumer, "name") else { continue };
            let labels = [("db", db), ("stream", stream), ("group", group), ("consumer", name)];
            if let Some(count) = number(consumer, "pending") {
                pending.push(&labels, count);
            }
            if let Some(millis) = number(consumer, "idle") {
                idle.push(&labels, millis / 1e3);
            }
        }
    }
    vec![pending, idle]
}

/// A stream that is there was a hit.
fn count(reply: &Reply, induced: &mut Induced) {
    let counter = if matches!(reply, Reply::List(_)) { &mut induced.0 } else { &mut induced.1 };
    *counter += 1.0;
}

fn push(families: &mut [Family], columns: &[(&str, Metric)], map: &Reply, labels: &[(&'static str, &str)]) {
    for ((name, _), family) in columns.iter().zip(families) {
        if let Some(value) = number(map, name) {
            family.push(labels, value);
        }
    }
}

fn list(reply: Option<&Reply>) -> &[Reply] {
    match reply {
        Some(Reply::List(items)) => items,
        _ => &[],
    }
}

fn value_of<'a>(map: &'a Reply, wanted: &str) -> Option<&'a Reply> {
    pairs_of(map).find(|(key, _)| matches!(key, Reply::Text(key) if key == wanted)).map(|(_, value)| value)
}

fn text<'a>(map: &'a Reply, wanted: &str) -> Option<&'a str> {
    match value_of(map, wanted)? {
        Reply::Text(text) => Some(text),
        _ => None,
    }
}

/// A number, the time of an id, or the time of an entry's id.
fn number(map: &Reply, wanted: &str) -> Option<f64> {
    let id = match value_of(map, wanted)? {
        Reply::Int(number) => return Some(*number as f64),
        Reply::Text(id) => id,
        Reply::List(entry) => match entry.first() {
            Some(Reply::Text(id)) => id,
            _ => return None,
        },
        _ => return None,
    };
    id.split_once('-')?.0.parse::<u64>().ok().map(|millis| millis as f64)
}
