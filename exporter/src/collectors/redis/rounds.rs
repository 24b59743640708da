//! The rounds of questions that a sample needs: which cursors, which keys, when to stop.
//!
//! It is apart from `sample`, which only computes. A round is one pipeline; the budget of keys and of
//! time is looked at between rounds, so a scrape never overruns by more than one.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::options::RedisOptions;
use super::sample::{CLUSTERS, COUNT, Sampled, measured, prefix_of, scanned};
use crate::failure::Failure;
use crate::redis_client::{RedisClient, Reply};

/// A keyspace of up to this many keys is read whole when the budget of keys allows it.
const WHOLE_MAX: f64 = 1_000.0;

/// Keys asked about in one round trip. The server answers a pipeline before it turns to the next client,
/// so this is how long all others wait at a time; smaller ones would cost more round trips.
pub(super) const BATCH: usize = 50;

/// What `PTTL` of a key that is there adds to the server's hits: it looks without touching, and the
/// server counts that too.
pub(super) const PTTL_HITS: f64 = 1.0;

/// Whether all keys can be asked within the budget.
pub(super) fn fits(total: f64, options: &RedisOptions) -> bool {
    total <= WHOLE_MAX.min(options.sample_keys as f64)
}

/// A seed that differs between starts.
pub(super) fn seed() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |now| now.as_nanos() as u64)
}

/// Clusters from random places, until the budget is used.
pub(super) async fn random(
    client: &RedisClient,
    options: &RedisOptions,
    mut cursor: impl FnMut() -> String,
    limit: Duration,
) -> Result<Vec<Vec<Sampled>>, Failure> {
    let end = Instant::now() + limit.min(Duration::from_millis(options.sample_ms));
    let (mut clusters, mut keys) = (Vec::new(), 0);
    while keys < options.sample_keys && Instant::now() < end {
        let cursors: Vec<String> = (0..CLUSTERS).map(|_| cursor()).collect();
        let commands: Vec<[&str; 4]> =
            cursors.iter().map(|cursor| ["SCAN", cursor.as_str(), "COUNT", COUNT]).collect();
        let commands: Vec<&[&str]> = commands.iter().map(<[&str; 4]>::as_slice).collect();
        let replies = client.ask(&commands, limit).await?;
        let found: Vec<Vec<&str>> = replies
            .iter()
            .filter_map(|reply| Some(scanned(reply)?.1))
            .filter(|keys| !keys.is_empty())
            .collect();
        if found.is_empty() {
            break;
        }
        for cluster in measure(client, options, &found, limit).await? {
            keys += cluster.len();
            clusters.push(cluster);
        }
    }
    Ok(clusters)
}

/// Every key, by a full `SCAN`.
pub(super) async fn whole(
    client: &RedisClient,
    options: &RedisOptions,
    limit: Duration,
) -> Result<Vec<Sampled>, Failure> {
    let (mut cursor, mut seen) = ("0".to_owned(), std::collections::BTreeSet::new());
    loop {
        let replies = client.ask(&[&["SCAN", &cursor, "COUNT", "500"]], limit).await?;
        let Some((next, keys)) = replies.first().and_then(scanned) else {
            return Err(Failure::Answer("SCAN answered no cursor".to_owned()));
        };
        // A table that is resized meanwhile returns keys twice.
        seen.extend(keys.into_iter().map(str::to_owned));
        next.clone_into(&mut cursor);
        if cursor == "0" || seen.len() > 4 * WHOLE_MAX as usize {
            break;
        }
    }
    let keys: Vec<&str> = seen.iter().map(String::as_str).collect();
    Ok(measure(client, options, &[keys], limit).await?.pop().unwrap_or_default())
}

/// Asks memory and time to live of the keys of each cluster, a batch in one round trip.
async fn measure(
    client: &RedisClient,
    options: &RedisOptions,
    clusters: &[Vec<&str>],
    limit: Duration,
) -> Result<Vec<Vec<Sampled>>, Failure> {
    let keys: Vec<&str> = clusters.iter().flatten().copied().collect();
    let mut replies = Vec::with_capacity(2 * keys.len());
    for batch in keys.chunks(BATCH) {
        let questions: Vec<[Vec<&str>; 2]> = batch
            .iter()
            .map(|key| [vec!["MEMORY", "USAGE", key, "SAMPLES", "5"], vec!["PTTL", key]])
            .collect();
        let commands: Vec<&[&str]> = questions.iter().flatten().map(Vec::as_slice).collect();
        replies.extend(client.ask(&commands, limit).await?);
    }
    let mut answers = replies.chunks(2);
    let mut sampled = Vec::with_capacity(clusters.len());
    for cluster in clusters {
        let read = |(key, both): (&&str, &[Reply])| measured(prefix_of(key, options), &both[0], both.get(1)?);
        sampled.push(cluster.iter().zip(answers.by_ref()).filter_map(read).collect());
    }
    Ok(sampled)
}
