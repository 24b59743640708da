//! Redis Streams as queues: a log, and groups that read it.
//!
//! What waits is what the group furthest behind has not read; a stream without a group waits whole.
//! The id of an entry begins with its time in milliseconds, which gives ages without a body; an id
//! that its publisher chose otherwise gives none. `XINFO STREAM` brings the first and the last entry
//! with it, which is the most that one scrape reads of a stream.

use std::collections::BTreeSet;

use super::ask::{Ask, Request, number, request, text};
use super::discovery::Discovery;
use super::model::{Group, Queue, Reading};
use crate::failure::Failure;
use crate::redis_client::Reply;

/// The name of the label `system`.
pub const SYSTEM: &str = "stream";
/// Groups of one stream that are shown; more are counted as unread.
const GROUPS_MAX: usize = 50;
/// No time before 1973 is one: such an id was chosen by the publisher.
const MILLIS_MIN: u64 = 100_000_000_000;

/// Reads every stream: names, then streams and groups, then the times of the oldest entries.
pub(crate) async fn read(
    ask: &mut dyn Ask,
    discovery: &mut Discovery,
    pattern: &str,
) -> Result<Reading, Failure> {
    let found: BTreeSet<String> = discovery.streams(ask, pattern).await?.into_iter().collect();
    let (names, left_out) = discovery.names(found);
    let commands: Vec<Request> = names
        .iter()
        .flat_map(|name| [request(&["XINFO", "STREAM", name]), request(&["XINFO", "GROUPS", name])])
        .collect();
    let replies = if commands.is_empty() { Vec::new() } else { ask.pipeline(&commands).await? };
    let mut reading = parse(&names, &replies);
    // What was found and is gone is empty; only a name that somebody wrote can be wrong.
    let gone = std::mem::take(&mut reading.unknown);
    let (listed, gone): (Vec<String>, Vec<String>) =
        gone.into_iter().partition(|name| discovery.is_listed(name));
    reading.unknown = listed;
    let empty = |name| Queue { name, waiting: Some(0), stored: Some(0), ..Queue::default() };
    reading.queues.extend(gone.into_iter().map(empty));
    reading.unread += left_out;
    oldest(ask, &mut reading.queues).await?;
    Ok(reading)
}

/// The streams from two replies each. A stream that is not there is unknown, one that may not be read
/// unread.
#[must_use]
pub fn parse(names: &[String], replies: &[Reply]) -> Reading {
    let mut reading = Reading::default();
    for (name, replies) in names.iter().zip(replies.chunks(2)) {
        let [stream @ Reply::List(_), groups] = replies else {
            match replies.first() {
                Some(Reply::Refused(words)) if !words.contains("no such key") => reading.unread += 1,
                _ => reading.unknown.push(name.clone()),
            }
            continue;
        };
        let stored = number(field(stream, "length"));
        let (groups, left_out) = groups_of(groups);
        reading.unread += left_out;
        let behind = groups.iter().max_by_key(|group| group.lag);
        let waiting = if groups.is_empty() {
            stored
        } else if groups.iter().all(|group| group.lag.is_some()) {
            behind.and_then(|group| group.lag)
        } else {
            None
        };
        reading.queues.push(Queue {
            name: name.clone(),
            waiting,
            running: Some(groups.iter().map(|group| group.pending).sum()),
            stored,
            enqueued: number(field(stream, "entries-added")),
            // Of the group furthest behind: what it has read and acknowledged.
            completed: groups
                .iter()
                .map(|group| Some(group.read?.saturating_sub(group.pending)))
                .min()
                .flatten(),
            oldest_at: first_id(stream).filter(|_| groups.is_empty()).and_then(time_of),
            groups,
            ..Queue::default()
        });
    }
    reading
}

/// The groups, and how many are beyond the cap.
fn groups_of(reply: &Reply) -> (Vec<Group>, u64) {
    let Reply::List(groups) = reply else { return (Vec::new(), 0) };
    let one = |group: &Reply| {
        Some(Group {
            name: text(field(group, "name"))?.to_owned(),
            lag: number(field(group, "lag")),
            pending: number(field(group, "pending")).unwrap_or(0),
            consumers: number(field(group, "consumers")).unwrap_or(0),
            read: number(field(group, "entries-read")),
            delivered: text(field(group, "last-delivered-id")).unwrap_or_default().to_owned(),
            oldest_pending_at: None,
        })
    };
    let left_out = groups.len().saturating_sub(GROUPS_MAX) as u64;
    (groups.iter().take(GROUPS_MAX).filter_map(one).collect(), left_out)
}

/// Asks for the first entry that the group furthest behind has not read, and for the first that each
/// group has not acknowledged.
async fn oldest(ask: &mut dyn Ask, queues: &mut [Queue]) -> Result<(), Failure> {
    let mut commands: Vec<Request> = Vec::new();
    for queue in queues.iter() {
        commands.extend(
            next_of(queue)
                .map(|after| request(&["XRANGE", &queue.name, &format!("({after}"), "+", "COUNT", "1"])),
        );
        let holding = queue.groups.iter().filter(|group| group.pending > 0);
        commands.extend(holding.map(|group| request(&["XPENDING", &queue.name, &group.name])));
    }
    if commands.is_empty() {
        return Ok(());
    }
    let mut replies = ask.pipeline(&commands).await?.into_iter();
    for queue in queues {
        if next_of(queue).is_some() {
            queue.oldest_at = match replies.next() {
                Some(Reply::List(entries)) => match entries.first() {
                    Some(Reply::List(entry)) => text(entry.first()).and_then(time_of),
                    _ => None,
                },
                _ => None,
            };
        }
        for group in queue.groups.iter_mut().filter(|group| group.pending > 0) {
            // Count, first id, last id, consumers.
            if let Some(Reply::List(summary)) = replies.next() {
                group.oldest_pending_at = text(summary.get(1)).and_then(time_of);
            }
        }
    }
    Ok(())
}

/// The id behind which the oldest entry that waits stands, if any waits.
fn next_of(queue: &Queue) -> Option<&str> {
    let waits = queue.groups.iter().filter(|group| group.lag != Some(0));
    waits.map(|group| group.delivered.as_str()).min_by_key(|id| parts(id))
}

fn parts(id: &str) -> Option<(u64, u64)> {
    let (millis, sequence) = id.split_once('-')?;
    Some((millis.parse().ok()?, sequence.parse().ok()?))
}

/// The time in an id, in seconds since 1970.
fn time_of(id: &str) -> Option<f64> {
    parts(id).filter(|(millis, _)| *millis >= MILLIS_MIN).map(|(millis, _)| millis as f64 / 1_000.0)
}

/// The id of the first entry that the stream still holds.
fn first_id(stream: &Reply) -> Option<&str> {
    match field(stream, "first-entry")? {
        Reply::List(entry) => text(entry.first()),
        _ => None,
    }
}

/// The value behind a name in a reply of names and values in turn.
fn field<'r>(reply: &'r Reply, name: &str) -> Option<&'r Reply> {
    let Reply::List(items) = reply else { return None };
    let (pairs, _) = items.as_chunks::<2>();
    pairs.iter().find(|[key, _]| text(Some(key)) == Some(name)).map(|[_, value]| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(pairs: &[(&str, Reply)]) -> Reply {
        Reply::List(
            pairs.iter().flat_map(|(name, value)| [Reply::Text((*name).into()), value.clone()]).collect(),
        )
    }

    fn group(name: &str, lag: Reply, pending: i64, read: i64) -> Reply {
        words(&[
            ("name", Reply::Text(name.into())),
            ("pending", Reply::Int(pending)),
            ("lag", lag),
            ("entries-read", Reply::Int(read)),
            ("last-delivered-id", Reply::Text("5-0".into())),
        ])
    }

    #[test]
    fn what_waits_is_what_the_group_furthest_behind_has_not_read() {
        let stream = words(&[("length", Reply::Int(9)), ("entries-added", Reply::Int(12))]);
        let groups = Reply::List(vec![group("a", Reply::Int(2), 3, 10), group("b", Reply::Int(7), 1, 5)]);
        let queue = &parse(&["s".to_owned()], &[stream, groups]).queues[0];
        assert_eq!((queue.waiting, queue.running, queue.stored), (Some(7), Some(4), Some(9)));
        assert_eq!((queue.enqueued, queue.completed), (Some(12), Some(4)));
    }

    #[test]
    fn a_lag_that_the_server_cannot_tell_is_no_length() {
        let stream = words(&[("length", Reply::Int(9))]);
        let groups = Reply::List(vec![group("a", Reply::Nil, 0, 0), group("b", Reply::Int(7), 1, 5)]);
        assert_eq!(parse(&["s".to_owned()], &[stream, groups]).queues[0].waiting, None);
    }

    #[test]
    fn an_id_of_the_publisher_s_own_tells_no_time() {
        assert_eq!(time_of("1700000000500-3"), Some(1_700_000_000.5));
        for id in ["1-1", "0-0", "", "soon", "-", "1700000000500"] {
            assert_eq!(time_of(id), None, "{id}");
        }
    }

    #[test]
    fn a_stream_that_is_not_there_is_told_and_has_no_length() {
        let gone = Reply::Refused("ERR no such key".to_owned());
        let reading = parse(&["s".to_owned()], &[gone.clone(), gone]);
        assert_eq!((reading.queues.len(), reading.unknown), (0, vec!["s".to_owned()]));
    }
}
