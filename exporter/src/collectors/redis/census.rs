//! A pass over all keys, spread over scrapes: counts by pattern and by group, and keys by pattern.
//!
//! Each scrape goes on with `SCAN` where the last one stopped, for a few milliseconds, so no scrape
//! and no server waits for a large keyspace; what is told is the last pass that came to its end.
//! `SCAN` gives every key that was there throughout, and a key twice only while the table is resized.
//! Neither `SCAN` nor `MEMORY USAGE` counts as a lookup.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use hitmark_schema::exposition::Family;
use hitmark_schema::metrics as m;

use super::options::RedisOptions;
use super::sample::{prefix_of, scanned};
use crate::failure::Failure;
use crate::redis_client::{RedisClient, Reply};

/// `COUNT` of each `SCAN`.
const COUNT: &str = "500";
/// Most groups that are counted apart; the rest is `other`.
const GROUPS_MAX: usize = 1_000;

/// A pass under way and the last one that ended.
#[derive(Debug, Default)]
pub(super) struct Census {
    cursor: String,
    running: Pass,
    ended: Option<Pass>,
}

/// What one pass has counted.
#[derive(Debug, Default, Clone)]
struct Pass {
    /// By place in the list of patterns.
    counts: Vec<f64>,
    groups: BTreeMap<String, (f64, f64)>,
    found: BTreeSet<String>,
    took: Duration,
}

/// Whether a text is a pattern of keys rather than a key.
pub(super) fn is_pattern(text: &str) -> bool {
    text.contains(['*', '?', '['])
}

/// Goes on for as long as the module allows, then gives the census back.
pub(super) async fn go_on(
    mut census: Census,
    client: &RedisClient,
    options: &RedisOptions,
    limit: Duration,
) -> (Census, Option<Failure>) {
    let begun = Instant::now();
    let end = begun + limit.min(Duration::from_millis(options.census_ms));
    let mut failure = None;
    loop {
        match census.step(client, options, limit).await {
            Ok(Step::Further) if Instant::now() < end => {}
            Ok(_) => break,
            Err(error) => {
                failure = Some(error);
                break;
            }
        }
    }
    census.running.took += begun.elapsed();
    if census.cursor.is_empty() && failure.is_none() {
        census.ended = Some(std::mem::take(&mut census.running));
    }
    (census, failure)
}

/// Whether a pass came to its end.
enum Step {
    Further,
    End,
}

impl Census {
    /// One `SCAN`, and one round for the memory of its keys if groups are counted.
    async fn step(
        &mut self,
        client: &RedisClient,
        options: &RedisOptions,
        limit: Duration,
    ) -> Result<Step, Failure> {
        let cursor = if self.cursor.is_empty() { "0" } else { self.cursor.as_str() };
        let replies = client.ask(&[&["SCAN", cursor, "COUNT", COUNT]], limit).await?;
        let Some((next, keys)) = replies.first().and_then(scanned) else {
            return Err(Failure::Answer("SCAN answered no cursor".to_owned()));
        };
        let mut memory = Vec::new();
        if options.key_groups && !keys.is_empty() {
            let asked: Vec<[&str; 3]> = keys.iter().map(|key| ["MEMORY", "USAGE", *key]).collect();
            let asked: Vec<&[&str]> = asked.iter().map(<[&str; 3]>::as_slice).collect();
            memory = client.ask(&asked, limit).await?;
        }
        self.running.add(options, &keys, &memory);
        self.cursor = if next == "0" { String::new() } else { next.to_owned() };
        Ok(if self.cursor.is_empty() { Step::End } else { Step::Further })
    }

    /// The keys that the patterns found.
    pub(super) fn found(&self) -> impl Iterator<Item = &String> {
        self.ended.iter().flat_map(|pass| &pass.found)
    }

    /// The samples of the last pass that ended.
    pub(super) fn families(&self, options: &RedisOptions, db: &str) -> Vec<Family> {
        let Some(pass) = &self.ended else { return Vec::new() };
        let mut counts = Family::new(m::REDIS_KEYS_COUNT);
        for (pattern, count) in options.count_keys.iter().zip(&pass.counts) {
            counts.push(&[("db", db), ("key", pattern)], *count);
        }
        let mut families = vec![counts];
        if options.key_groups {
            let mut keys = Family::new(m::REDIS_GROUP_COUNT);
            let mut bytes = Family::new(m::REDIS_GROUP_BYTES);
            for (group, (count, memory)) in &pass.groups {
                keys.push(&[("db", db), ("key_group", group)], *count);
                bytes.push(&[("db", db), ("key_group", group)], *memory);
            }
            let distinct = Family::new(m::REDIS_GROUPS).with(&[("db", db)], pass.groups.len() as f64);
            let took = Family::single(m::REDIS_GROUPS_MILLIS, pass.took.as_secs_f64() * 1e3);
            families.extend([keys, bytes, distinct, took]);
        }
        families
    }
}

impl Pass {
    fn add(&mut self, options: &RedisOptions, keys: &[&str], memory: &[Reply]) {
        self.counts.resize(options.count_keys.len(), 0.0);
        for (place, key) in keys.iter().enumerate() {
            for (pattern, count) in options.count_keys.iter().zip(&mut self.counts) {
                *count += f64::from(u8::from(matches(pattern.as_bytes(), key.as_bytes())));
            }
            let wanted =
                |pattern: &String| is_pattern(pattern) && matches(pattern.as_bytes(), key.as_bytes());
            if self.found.len() < options.names_max && options.keys.iter().any(wanted) {
                self.found.insert((*key).to_owned());
            }
            if let Some(Reply::Int(bytes)) = memory.get(place) {
                let group = prefix_of(key, options);
                let known = self.groups.contains_key(&group) || self.groups.len() < GROUPS_MAX;
                let sum = self.groups.entry(if known { group } else { "other".to_owned() }).or_default();
                sum.0 += 1.0;
                sum.1 += *bytes as f64;
            }
        }
    }
}

/// Whether a name is the one that a pattern, or a plain name, means.
pub(super) fn is_match(pattern: &str, name: &str) -> bool {
    matches(pattern.as_bytes(), name.as_bytes())
}

/// Redis' patterns: `*`, `?`, `[abc]`, `[^a]`, `[a-z]`, and `\` before a sign that stands for itself.
fn matches(pattern: &[u8], text: &[u8]) -> bool {
    let Some((first, rest)) = pattern.split_first() else { return text.is_empty() };
    match first {
        b'*' => {
            // Stars in a row are one star; without that a pattern could cost exponential time.
            let rest = &rest[rest.iter().take_while(|sign| **sign == b'*').count()..];
            rest.is_empty() || (0..=text.len()).any(|skip| matches(rest, &text[skip..]))
        }
        _ => {
            let Some((sign, text)) = text.split_first() else { return false };
            match first {
                b'?' => matches(rest, text),
                b'[' => {
                    let Some(end) = rest.iter().position(|sign| *sign == b']') else { return false };
                    in_set(&rest[..end], *sign) && matches(&rest[end + 1..], text)
                }
                b'\\' if !rest.is_empty() => rest[0] == *sign && matches(&rest[1..], text),
                literal => literal == sign && matches(rest, text),
            }
        }
    }
}

fn in_set(set: &[u8], sign: u8) -> bool {
    let (wanted, set) = match set.split_first() {
        Some((b'^', rest)) => (false, rest),
        _ => (true, set),
    };
    let (mut place, mut found) = (0, false);
    while place < set.len() {
        if let Some([first, b'-', last]) = set.get(place..place + 3) {
            found |= (*first.min(last)..=*first.max(last)).contains(&sign);
            place += 3;
        } else {
            found |= set[place] == sign;
            place += 1;
        }
    }
    found == wanted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_those_of_the_server() {
        for (pattern, text, wanted) in [
            ("user:*", "user:1", true),
            ("user:*", "users:1", false),
            ("h?llo", "hello", true),
            ("h?llo", "hllo", false),
            ("h[ae]llo", "hallo", true),
            ("h[^e]llo", "hello", false),
            ("h[a-c]llo", "hbllo", true),
            ("h[c-a]llo", "hbllo", true),
            ("a\\*b", "a*b", true),
            ("a\\*b", "axb", false),
            ("**:**", "a:b", true),
            ("", "", true),
            ("[", "[", false),
        ] {
            assert_eq!(matches(pattern.as_bytes(), text.as_bytes()), wanted, "{pattern} {text}");
        }
    }
}
