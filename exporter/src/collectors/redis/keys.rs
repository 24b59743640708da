//! Configured keys, and what a node says of its cluster.
//!
//! `TYPE`, the length commands and `GET` count as lookups on the server, so each reply says what
//! it added to hits or misses, and the caller subtracts that. `MEMORY USAGE` counts as nothing.

use hitmark_schema::exposition::Family;
use hitmark_schema::metrics as m;

use super::fields::number;
use super::options::RedisOptions;
use crate::redis_client::Reply;

/// The hits and misses that the exporter's own commands added.
pub(super) type Induced = (f64, f64);

/// The first round: what is asked for the keys.
pub(super) fn questions(options: &RedisOptions) -> Vec<Vec<&str>> {
    let mut asked = Vec::new();
    for key in &options.keys {
        asked.push(vec!["TYPE", key]);
        asked.push(vec!["MEMORY", "USAGE", key]);
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
    (vec![sizes, memory], induced)
}

/// The longest text that is asked for as a value.
const VALUE_MAX: i64 = 64;

/// The third round, where the module asks for values: the keys whose value is a short text.
pub(super) fn short<'a>(asked: &[Vec<&'a str>], second: &[Reply]) -> Vec<[&'a str; 2]> {
    let is_short = |reply: &Reply| matches!(reply, Reply::Int(1..=VALUE_MAX));
    let short = asked.iter().zip(second).filter(|(command, reply)| command[0] == "STRLEN" && is_short(reply));
    short.map(|(command, _)| ["GET", command[1]]).collect()
}

/// Reads the third round: a number is a value, any other text a label.
pub(super) fn values(db: &str, asked: &[[&str; 2]], replies: &[Reply]) -> (Vec<Family>, Induced) {
    let (mut numbers, mut texts) = (Family::new(m::REDIS_KEY_VALUE), Family::new(m::REDIS_KEY_TEXT));
    let mut induced = (0.0, 0.0);
    for ([_, key], reply) in asked.iter().zip(replies) {
        let Reply::Text(text) = reply else {
            induced.1 += 1.0;
            continue;
        };
        induced.0 += 1.0;
        match number(text) {
            Some(value) => numbers.push(&[("db", db), ("key", key)], value),
            None => texts.push(&[("db", db), ("key", key), ("val", text)], 1.0),
        }
    }
    (vec![numbers, texts], induced)
}

/// Fields of `CLUSTER INFO`, which Valkey 9 writes into `INFO` too, beside `cluster_state`.
pub(super) const CLUSTER: &[(&str, m::Metric)] = &[
    ("cluster_slots_assigned", m::REDIS_CLUSTER_SLOTS_ASSIGNED),
    ("cluster_slots_ok", m::REDIS_CLUSTER_SLOTS_OK),
    ("cluster_slots_pfail", m::REDIS_CLUSTER_SLOTS_PFAIL),
    ("cluster_slots_fail", m::REDIS_CLUSTER_SLOTS_FAIL),
    ("cluster_known_nodes", m::REDIS_CLUSTER_NODES),
    ("cluster_size", m::REDIS_CLUSTER_SIZE),
    ("cluster_stats_messages_sent", m::REDIS_CLUSTER_SENT),
    ("cluster_stats_messages_received", m::REDIS_CLUSTER_RECEIVED),
    ("cluster_current_epoch", m::REDIS_CLUSTER_EPOCH),
    ("cluster_my_epoch", m::REDIS_CLUSTER_MY_EPOCH),
    ("cluster_nodes_pfail", m::REDIS_CLUSTER_NODES_PFAIL),
    ("cluster_nodes_fail", m::REDIS_CLUSTER_NODES_FAIL),
    ("cluster_voting_nodes_pfail", m::REDIS_CLUSTER_VOTING_PFAIL),
    ("cluster_voting_nodes_fail", m::REDIS_CLUSTER_VOTING_FAIL),
    ("cluster_stats_bytes_sent", m::REDIS_CLUSTER_SENT_BYTES),
    ("cluster_stats_bytes_received", m::REDIS_CLUSTER_RECEIVED_BYTES),
    ("cluster_stats_pubsub_bytes_sent", m::REDIS_CLUSTER_PUBSUB_SENT),
    ("cluster_stats_pubsub_bytes_received", m::REDIS_CLUSTER_PUBSUB_RECEIVED),
    ("cluster_stats_module_bytes_sent", m::REDIS_CLUSTER_MODULE_SENT),
    ("cluster_stats_module_bytes_received", m::REDIS_CLUSTER_MODULE_RECEIVED),
    ("total_cluster_links_buffer_limit_exceeded", m::REDIS_CLUSTER_LINKS_EXCEEDED),
];

/// `CLUSTER INFO`.
pub(super) fn cluster(reply: &Reply) -> Vec<Family> {
    let Reply::Text(text) = reply else { return Vec::new() };
    let field = |name: &str| super::info::field(text, name);
    let state = field("cluster_state").map(|state| f64::from(u8::from(state == "ok")));
    let numbers = CLUSTER.iter().map(|(name, metric)| (*metric, field(name).and_then(number)));
    std::iter::once((m::REDIS_CLUSTER_STATE, state))
        .chain(numbers)
        .filter_map(|(metric, value)| Some(Family::single(metric, value?)))
        .collect()
}
