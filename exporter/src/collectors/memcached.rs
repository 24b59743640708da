//! memcached: `stats` and its three sisters in one write, under memcached_exporter's names.
//!
//! These commands read no item, so a scrape adds nothing to the hits and misses that it reports.
//! Which line becomes which sample is `memcached/fields.rs`. What the slab classes say is most of
//! the page and can be switched off (`slabs = false`).

mod fields;

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures::FutureExt;
use futures::future::BoxFuture;
use hitmark_schema::exposition::Family;
use hitmark_schema::metrics as m;

use super::{Ask, Built, Collected, Collector, Kind, Labelled};
use crate::config::redacted;
use crate::effectiveness::{Effectiveness, Reading};
use crate::failure::Failure;
use crate::memcached_client::{MemcachedClient, Reply};
use crate::options::OptionReader;

/// This collector's line in the list.
pub const KIND: Kind = Kind { name: "memcached", key: "memcached", build };

/// What is always asked; only the first must succeed.
const QUESTIONS: [&str; 2] = ["stats", "stats settings"];
/// What is asked for the slab classes.
const SLAB_QUESTIONS: [&str; 2] = ["stats slabs", "stats items"];

#[derive(Debug)]
struct MemcachedCollector {
    client: MemcachedClient,
    target: String,
    labelled: Labelled,
    slabs: bool,
    effect: Mutex<Effectiveness>,
}

fn build(ask: &Ask<'_>) -> Built {
    let mut options = OptionReader::new(ask.options);
    let slabs = options.flag("slabs", true);
    let mut mistakes = options.finish();
    match MemcachedClient::new(ask.url) {
        Ok(client) if mistakes.is_empty() => Ok(Box::new(MemcachedCollector {
            target: client.target(),
            client,
            labelled: ask.labelled,
            slabs,
            effect: Mutex::new(Effectiveness::new("memcached")),
        })),
        Ok(_) => Err(mistakes),
        Err(wrong) => {
            mistakes.push(format!("{}: {wrong}", redacted(ask.url)));
            Err(mistakes)
        }
    }
}

impl Collector for MemcachedCollector {
    fn target(&self) -> &str {
        &self.target
    }

    fn collect(&self, limit: Duration) -> BoxFuture<'_, Result<Collected, Failure>> {
        async move {
            let mut questions = QUESTIONS.to_vec();
            if self.slabs {
                questions.extend(SLAB_QUESTIONS);
            }
            let replies = self.client.ask(&questions, limit).await?;
            let mut collected = parse(&replies)?;
            if let Some(reading) = reading(&replies) {
                let mut effect = self.effect.lock().unwrap_or_else(PoisonError::into_inner);
                collected.families.extend(effect.absorb(reading, Instant::now()));
            }
            self.labelled.label(&self.target, &mut collected.families);
            Ok(collected)
        }
        .boxed()
    }

    fn verdict(&self, failure: Option<&Failure>, _took: Duration) -> Vec<Family> {
        let mut families = vec![Family::single(m::MEMCACHED_UP, f64::from(u8::from(failure.is_none())))];
        self.labelled.label(&self.target, &mut families);
        families
    }
}

/// Turns the replies to `stats`, `stats settings`, `stats slabs` and `stats items` into samples.
/// Pure and total: a reply that is missing or refused leaves its samples out, and a known field
/// whose value makes no sense is counted in [`Collected::unreadable`].
///
/// # Errors
/// [`Failure::Refused`] if the server refused `stats`, [`Failure::Answer`] if what it answered holds not one field that such a server writes.
pub fn parse(replies: &[Reply]) -> Result<Collected, Failure> {
    let stats = match replies.first() {
        Some(Reply::Lines(lines)) => pairs(lines),
        Some(Reply::Refused(words)) => return Err(Failure::Refused(words.clone())),
        None => return Err(Failure::Answer("stats was not answered".to_owned())),
    };
    let mut collected = Collected::default();
    fields::server(&stats, &mut collected);
    if collected.families.is_empty() {
        return Err(Failure::Answer("stats answered not one known field".to_owned()));
    }
    fields::settings(&pairs(lines(replies, 1)), &mut collected);
    fields::slabs(lines(replies, 2), &mut collected);
    fields::items(lines(replies, 3), &mut collected);
    Ok(collected)
}

/// The lookups and the room, in the words that all tiers share. Only reads are lookups.
fn reading(replies: &[Reply]) -> Option<Reading> {
    let stats = pairs(lines(replies, 0));
    let read = |name: &str| stats.get(name).and_then(|text| fields::number(text));
    Some(Reading {
        hits: read("get_hits")?,
        misses: read("get_misses")?,
        evictions: read("evictions"),
        // `evicted_nonzero` tells it, but of a class that got empty the server shows no counters, so the
        // sum would fall: it stays with the classes, as `memcached_slab_items_evicted_nonzero_total`.
        used: read("bytes"),
        limit: read("limit_maxbytes").filter(|limit| *limit > 0.0),
        ..Reading::default()
    })
}

fn lines(replies: &[Reply], place: usize) -> &str {
    match replies.get(place) {
        Some(Reply::Lines(lines)) => lines,
        _ => "",
    }
}

/// Names and values of lines such as `STAT get_hits 3`.
fn pairs(lines: &str) -> HashMap<&str, &str> {
    lines.lines().filter_map(|line| line.strip_prefix("STAT ")?.trim_end().split_once(' ')).collect()
}
