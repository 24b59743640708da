//! `LATENCY LATEST` and `LATENCY HISTOGRAM`.
//!
//! The server leaves out the bounds at which nothing changed, so two commands have different ones
//! and cannot be added up. Here every command has every bound: those that the server is known to
//! use and any other that this reply holds.

use std::collections::{BTreeSet, HashMap};

use hitmark_schema::exposition::{Family, Sample, Value};
use hitmark_schema::metrics as m;

use super::pairs_of;
use crate::redis_client::Reply;

/// Most commands that are told.
const COMMANDS_MAX: usize = 512;
/// Most events that are told; a server knows about twenty.
const EVENTS_MAX: usize = 64;
/// The bounds that a server uses, in microseconds: powers of two as its histogram rounds them.
const BOUNDS: &[u64] = &[
    1, 2, 4, 8, 16, 33, 66, 132, 264, 528, 1_056, 2_113, 4_227, 8_454, 16_908, 33_816, 67_633, 135_266,
    270_532, 541_065, 1_082_130,
];

/// Name, calls, and bounds with the calls at or below them.
type Command<'a> = (&'a str, u64, Vec<(u64, u64)>);

/// `[[event, time, latest ms, highest ms], …]`.
pub(super) fn latest(reply: &Reply) -> Vec<Family> {
    let mut times = Family::new(m::REDIS_SPIKE_LAST);
    let mut spans = Family::new(m::REDIS_SPIKE_SECONDS);
    let Reply::List(events) = reply else { return Vec::new() };
    for event in events.iter().take(EVENTS_MAX) {
        let Reply::List(parts) = event else { continue };
        if let [Reply::Text(name), Reply::Int(at), Reply::Int(millis), ..] = parts.as_slice() {
            times.push(&[("event_name", name)], *at as f64);
            spans.push(&[("event_name", name)], *millis as f64 / 1e3);
        }
    }
    vec![times, spans]
}

/// `[command, [calls, n, histogram_usec, [bound, cumulative, …]], …]`; `info` holds the sums.
pub(super) fn histograms(reply: &Reply, info: &str) -> Option<Family> {
    let commands: Vec<Command<'_>> =
        pairs_of(reply).take(COMMANDS_MAX).filter_map(|(name, body)| command(name, body)).collect();
    if commands.is_empty() {
        return None;
    }
    let mut bounds: BTreeSet<u64> = BOUNDS.iter().copied().collect();
    bounds.extend(commands.iter().flat_map(|(.., steps)| steps.iter().map(|(bound, _)| *bound)));
    let sums = sums(info);
    let mut family = Family::new(m::REDIS_LATENCIES);
    for (name, calls, steps) in commands {
        let mut steps = steps.into_iter().peekable();
        let mut reached = 0;
        let complete = |bound: &u64| {
            while let Some((_, count)) = steps.next_if(|(at, _)| at <= bound) {
                reached = count;
            }
            (*bound as f64, reached)
        };
        let buckets = bounds.iter().map(complete).collect();
        let sum = sums.get(name).copied().unwrap_or(0.0);
        let value = Value::Histogram { buckets, count: calls, sum };
        family.samples.push(Sample { labels: vec![("cmd", name.to_owned())], value });
    }
    Some(family)
}

fn command<'a>(name: &'a Reply, body: &Reply) -> Option<Command<'a>> {
    let Reply::Text(name) = name else { return None };
    let (mut calls, mut steps) = (None, Vec::new());
    for (key, value) in pairs_of(body) {
        match (key, value) {
            (Reply::Text(key), Reply::Int(number)) if key == "calls" => calls = u64::try_from(*number).ok(),
            (Reply::Text(key), list @ Reply::List(_)) if key == "histogram_usec" => {
                let step = |pair: (&Reply, &Reply)| match pair {
                    (&Reply::Int(bound), &Reply::Int(count)) => {
                        Some((u64::try_from(bound).ok()?, u64::try_from(count).ok()?))
                    }
                    _ => None,
                };
                steps = pairs_of(list).filter_map(step).collect();
            }
            _ => {}
        }
    }
    Some((name, calls?, steps))
}

/// The time in each command, read once from the lines of `commandstats`.
fn sums(info: &str) -> HashMap<&str, f64> {
    info.lines()
        .filter_map(|line| {
            let (name, attributes) = line.strip_prefix("cmdstat_")?.split_once(':')?;
            let usec = attributes.split(',').find_map(|part| part.strip_prefix("usec="))?;
            Some((name, usec.parse().ok()?))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_has_every_bound_and_no_count_falls() {
        let resp = b"*4\r\n$3\r\nget\r\n*4\r\n$5\r\ncalls\r\n:9\r\n$14\r\nhistogram_usec\r\n*4\r\n:1\r\n:4\r\n:66\r\n:9\r\n\
                     $3\r\nset\r\n*4\r\n$5\r\ncalls\r\n:2\r\n$14\r\nhistogram_usec\r\n*2\r\n:5\r\n:2\r\n";
        let reply = Reply::from_resp(resp).unwrap();
        let family = histograms(&reply, "cmdstat_get:calls=9,usec=70,usec_per_call=7\r\n").unwrap();
        let read = |place: usize| match &family.samples[place].value {
            Value::Histogram { buckets, count, sum } => (buckets.clone(), *count, *sum),
            other => panic!("{other:?}"),
        };
        let (get, calls, sum) = read(0);
        assert_eq!((get.len(), calls, sum), (BOUNDS.len() + 1, 9, 70.0));
        assert_eq!(
            get.iter().map(|(bound, _)| *bound).collect::<Vec<_>>(),
            read(1).0.iter().map(|(b, _)| *b).collect::<Vec<_>>()
        );
        assert!(get.is_sorted_by(|a, b| a.1 <= b.1 && a.0 < b.0), "{get:?}");
        assert_eq!((get[0], get[get.len() - 1].1), ((1.0, 4), 9));
    }
}
