//! Configured keys and streams, the clients by name, and the cluster: what costs further commands.
//!
//! `TYPE`, the length commands and `XINFO` count as lookups on the server, so each reply says what
//! it added to hits or misses, and the caller subtracts that. `MEMORY USAGE` counts as nothing.

use std::collections::BTreeMap;

use hitmark_schema::exposition::Family;
use hitmark_schema::metrics as m;

use super::fields::number;
use super::options::RedisOptions;
use super::pairs_of;
use crate::redis_client::Reply;

/// The hits and misses that the exporter's own commands added.
pub(super) type Induced = (f64, f64);

/// The first round: what is asked for the keys and streams.
pub(super) fn questions(options: &RedisOptions) -> Vec<Vec<&str>> {
    let mut asked = Vec::new();
    for key in &options.keys {
        asked.push(vec!["TYPE", key]);
        asked.push(vec!["MEMORY", "USAGE", key]);
    }
    for stream in &options.streams {
        asked.push(vec!["XINFO", "STREAM", stream]);
        asked.push(vec!["XINFO", "GROUPS", stream]);
    }
    asked
}

/// The second round: the length of each key by its type.
pub(super) fn lengths<'a>(options: &'a RedisOptions, first: &[Reply]) -> Vec<Vec<&'a str>> {
    let command = |kind: &str| match kind {
        "string" => Some("STRLEN"),
        "list" => Some("LLEN"),
        "set" => Some("SCARD"),
        "zset" => Some("ZCARD"),
        "hash" => Some("HLEN"),
        "stream" => Some("XLEN"),
        _ => None,
    };
    options
        .keys
        .iter()
        .zip(first.chunks(2))
        .filter_map(|(key, replies)| match &replies[0] {
            Reply::Text(kind) => command(kind).map(|name| vec![name, key.as_str()]),
            _ => None,
        })
        .collect()
}

/// Reads both rounds.
pub(super) fn parse(
    options: &RedisOptions,
    db: &str,
    first: &[Reply],
    asked: &[Vec<&str>],
    second: &[Reply],
) -> (Vec<Family>, Induced) {
    let mut induced = (0.0, 0.0);
    let mut sizes = Family::new(m::REDIS_KEY_SIZE);
    let mut memory = Family::new(m::REDIS_KEY_MEMORY);
    for (key, replies) in options.keys.iter().zip(first.chunks(2)) {
        match &replies[0] {
            Reply::Text(kind) if kind == "none" => induced.1 += 1.0,
            Reply::Text(_) => induced.0 += 1.0,
            _ => {}
        }
        if let Some(Reply::Int(bytes)) = replies.get(1) {
            memory.push(&[("db", db), ("key", key)], *bytes as f64);
        }
    }
    for (command, reply) in asked.iter().zip(second) {
        if let (Reply::Int(length), Some(key)) = (reply, command.get(1)) {
            // A key that went between the rounds has length 0 and was a miss.
            if *length > 0 {
                induced.0 += 1.0;
            } else {
                induced.1 += 1.0;
            }
            sizes.push(&[("db", db), ("key", key)], *length as f64);
        }
    }
    let mut families = vec![sizes, memory];
    let streams = first.get(2 * options.keys.len()..).unwrap_or_default();
    families.extend(parse_streams(options, db, streams, &mut induced));
    (families, induced)
}

fn parse_streams(options: &RedisOptions, db: &str, replies: &[Reply], induced: &mut Induced) -> Vec<Family> {
    let stream_columns = [
        ("length", m::REDIS_STREAM_LENGTH),
        ("groups", m::REDIS_STREAM_GROUPS),
        ("radix-tree-keys", m::REDIS_STREAM_RADIX_KEYS),
        ("radix-tree-nodes", m::REDIS_STREAM_RADIX_NODES),
    ];
    let group_columns = [
        ("consumers", m::REDIS_STREAM_GROUP_CONSUMERS),
        ("pending", m::REDIS_STREAM_GROUP_PENDING),
        ("lag", m::REDIS_STREAM_GROUP_LAG),
        ("entries-read", m::REDIS_STREAM_GROUP_READ),
    ];
    let mut families: Vec<Family> =
        stream_columns.iter().chain(&group_columns).map(|(_, metric)| Family::new(*metric)).collect();
    for (stream, both) in options.streams.iter().zip(replies.chunks(2)) {
        for reply in both {
            // Both look the key up.
            if matches!(reply, Reply::List(_)) { induced.0 += 1.0 } else { induced.1 += 1.0 }
        }
        let labels = [("db", db), ("stream", stream.as_str())];
        for ((name, _), family) in stream_columns.iter().zip(&mut families) {
            if let Some(value) = integer(&both[0], name) {
                family.push(&labels, value);
            }
        }
        let Some(Reply::List(groups)) = both.get(1) else { continue };
        for group in groups.iter().take(options.names_max) {
            let Some(Reply::Text(name)) = value_of(group, "name") else { continue };
            let labels = [labels[0], labels[1], ("group", name.as_str())];
            for ((column, _), family) in group_columns.iter().zip(families[4..].iter_mut()) {
                if let Some(value) = integer(group, column) {
                    family.push(&labels, value);
                }
            }
        }
    }
    families
}

fn value_of<'a>(map: &'a Reply, wanted: &str) -> Option<&'a Reply> {
    pairs_of(map).find(|(key, _)| matches!(key, Reply::Text(key) if key == wanted)).map(|(_, value)| value)
}

fn integer(map: &Reply, wanted: &str) -> Option<f64> {
    match value_of(map, wanted)? {
        Reply::Int(number) => Some(*number as f64),
        _ => None,
    }
}

/// `CLIENT LIST`, added up by name; names over the bound are `other`.
pub(super) fn clients(reply: &Reply, names_max: usize) -> Vec<Family> {
    let Reply::Text(text) = reply else { return Vec::new() };
    let mut names: BTreeMap<&str, (u32, f64)> = BTreeMap::new();
    for line in text.lines() {
        let part = |name: &str| line.split(' ').find_map(|part| part.strip_prefix(name)).unwrap_or_default();
        let name = part("name=");
        let known = names.contains_key(name) || names.len() < names_max;
        let (count, bytes) = names.entry(if known { name } else { "other" }).or_default();
        *count += 1;
        *bytes += number(part("omem=")).unwrap_or(0.0);
    }
    let (mut counts, mut output) =
        (Family::new(m::REDIS_CLIENTS_BY_NAME), Family::new(m::REDIS_CLIENT_OUTPUT_BYTES));
    for (name, (count, bytes)) in names {
        counts.push(&[("name", name)], f64::from(count));
        output.push(&[("name", name)], bytes);
    }
    vec![counts, output]
}

/// `CLUSTER INFO`.
pub(super) fn cluster(reply: &Reply) -> Vec<Family> {
    let Reply::Text(text) = reply else { return Vec::new() };
    let columns = [
        ("cluster_slots_assigned", m::REDIS_CLUSTER_SLOTS_ASSIGNED),
        ("cluster_slots_ok", m::REDIS_CLUSTER_SLOTS_OK),
        ("cluster_slots_pfail", m::REDIS_CLUSTER_SLOTS_PFAIL),
        ("cluster_slots_fail", m::REDIS_CLUSTER_SLOTS_FAIL),
        ("cluster_known_nodes", m::REDIS_CLUSTER_NODES),
        ("cluster_size", m::REDIS_CLUSTER_SIZE),
        ("cluster_stats_messages_sent", m::REDIS_CLUSTER_SENT),
        ("cluster_stats_messages_received", m::REDIS_CLUSTER_RECEIVED),
    ];
    let field = |name: &str| super::info::field(text, name);
    let state = field("cluster_state").map(|state| f64::from(u8::from(state == "ok")));
    let numbers = columns.iter().map(|(name, metric)| (*metric, field(name).and_then(number)));
    std::iter::once((m::REDIS_CLUSTER_STATE, state))
        .chain(numbers)
        .filter_map(|(metric, value)| Some(Family::single(metric, value?)))
        .collect()
}
