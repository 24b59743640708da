//! `CLIENT LIST`: added up by name, and one by one where the module asks for that, within a bound.
//!
//! Names and ids are chosen by clients, so both are bounded; names over the bound are `other`.

use std::collections::BTreeMap;

use hitmark_schema::exposition::Family;
use hitmark_schema::metrics::{self as m, Metric};

use super::fields::number;
use super::options::RedisOptions;
use crate::redis_client::Reply;

/// Field, metric.
const DETAILS: &[(&str, Metric)] = &[
    ("omem", m::REDIS_CLIENT_OMEM),
    ("tot-mem", m::REDIS_CLIENT_TOTAL),
    ("sub", m::REDIS_CLIENT_SUB),
    ("psub", m::REDIS_CLIENT_PSUB),
    ("ssub", m::REDIS_CLIENT_SSUB),
    ("qbuf", m::REDIS_CLIENT_QUERY),
    ("qbuf-free", m::REDIS_CLIENT_QUERY_FREE),
    ("obl", m::REDIS_CLIENT_OUTPUT),
    ("oll", m::REDIS_CLIENT_OUTPUT_LIST),
];

/// Reads the list. `now` is the Unix time in seconds: the list holds ages.
pub(super) fn parse(reply: &Reply, options: &RedisOptions, now: f64) -> Vec<Family> {
    let Reply::Text(text) = reply else { return Vec::new() };
    let mut families = Vec::new();
    if options.clients {
        families.extend(by_name(text, options.names_max));
    }
    if options.client_details {
        families.extend(one_by_one(text, options.names_max, now));
    }
    families
}

fn by_name(text: &str, names_max: usize) -> [Family; 2] {
    let mut names: BTreeMap<&str, (u32, f64)> = BTreeMap::new();
    for line in text.lines() {
        let name = part(line, "name");
        let known = names.contains_key(name) || names.len() < names_max;
        let (count, bytes) = names.entry(if known { name } else { "other" }).or_default();
        *count += 1;
        *bytes += number(part(line, "omem")).unwrap_or(0.0);
    }
    let mut counts = Family::new(m::REDIS_CLIENTS_BY_NAME);
    let mut output = Family::new(m::REDIS_CLIENT_OUTPUT_BYTES);
    for (name, (count, bytes)) in names {
        counts.push(&[("name", name)], f64::from(count));
        output.push(&[("name", name)], bytes);
    }
    [counts, output]
}

/// The clients with the lowest ids: those that stay, so that the series stay too.
fn one_by_one(text: &str, clients_max: usize, now: f64) -> Vec<Family> {
    let mut infos = Family::new(m::REDIS_CLIENT_INFO);
    let mut created = Family::new(m::REDIS_CLIENT_CREATED);
    let mut idle = Family::new(m::REDIS_CLIENT_IDLE);
    let mut details: Vec<Family> = DETAILS.iter().map(|(_, metric)| Family::new(*metric)).collect();
    let mut lines: Vec<(u64, &str)> =
        text.lines().filter_map(|line| Some((part(line, "id").parse().ok()?, line))).collect();
    lines.sort_unstable();
    for (_, line) in lines.into_iter().take(clients_max) {
        let labels = [("id", part(line, "id")), ("name", part(line, "name"))];
        // The host without the port, which would be a new series for each connection.
        let address = part(line, "addr");
        let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
        let [flags, db, user, resp] = ["flags", "db", "user", "resp"].map(|name| (name, part(line, name)));
        infos.push(&[labels[0], labels[1], flags, db, ("host", host), user, resp], 1.0);
        for (family, name) in [(&mut created, "age"), (&mut idle, "idle")] {
            if let Some(seconds) = number(part(line, name)) {
                family.push(&labels, now - seconds);
            }
        }
        for ((name, _), family) in DETAILS.iter().zip(&mut details) {
            if let Some(value) = number(part(line, name)) {
                family.push(&labels, value);
            }
        }
    }
    details.extend([infos, created, idle]);
    details
}

/// The value of `name=value` among words; empty if it is not there.
fn part<'a>(line: &'a str, name: &str) -> &'a str {
    line.split(' ').find_map(|word| word.strip_prefix(name)?.strip_prefix('=')).unwrap_or_default()
}
