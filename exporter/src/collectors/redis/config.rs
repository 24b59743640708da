//! `CONFIG GET`: the few values that dashboards compare with, and all of them where the module asks.
//!
//! They change rarely, so they are asked for in every few scrapes and kept between. A value that may
//! be a secret never leaves.

use hitmark_schema::exposition::Family;
use hitmark_schema::metrics as m;

use super::fields::number;
use super::pairs;
use crate::redis_client::{Command, Reply};

/// Every how many scrapes the values are asked for.
pub(super) const EVERY: u32 = 8;
/// The longest value that becomes a label.
const VALUE_MAX: usize = 128;

/// The few: servers before 7.0 take one pattern at a time.
const FEW: &[Command<'static>] = &[
    &["CONFIG", "GET", "io-threads"],
    &["CONFIG", "GET", "repl-backlog-size"],
    &["CONFIG", "GET", "client-output-buffer-limit"],
];
const ALL: &[Command<'static>] = &[&["CONFIG", "GET", "*"]];

/// What to ask.
pub(super) fn questions(everything: bool) -> &'static [Command<'static>] {
    if everything { ALL } else { FEW }
}

/// Reads the replies to [`questions`].
pub(super) fn parse(replies: &[Reply], everything: bool) -> Vec<Family> {
    let mut families = Vec::new();
    let mut values = Family::new(m::REDIS_CONFIG_VALUE);
    let mut texts = Family::new(m::REDIS_CONFIG_KEY_VALUE);
    for (key, value) in replies.iter().flat_map(|reply| pairs(Some(reply))) {
        let metric = match key {
            "io-threads" => Some(m::REDIS_CONFIG_IO_THREADS),
            "repl-backlog-size" => Some(m::REDIS_CONFIG_BACKLOG),
            _ => None,
        };
        families.extend(metric.and_then(|metric| Some(Family::single(metric, number(value)?))));
        if key == "client-output-buffer-limit" {
            families.extend(limits(value));
        }
        if !everything || is_secret(key) {
            continue;
        }
        if let Some(value) = number(value) {
            values.push(&[("key", key)], value);
        }
        let shown: String = value.chars().take(VALUE_MAX).collect();
        texts.push(&[("key", key), ("value", &shown)], 1.0);
    }
    families.extend([values, texts]);
    families
}

/// `normal 0 0 0 slave 268435456 67108864 60 …`: class, hard limit, soft limit, seconds.
fn limits(value: &str) -> [Family; 2] {
    let mut bytes = Family::new(m::REDIS_CONFIG_OUTPUT_LIMIT);
    let mut seconds = Family::new(m::REDIS_CONFIG_OUTPUT_OVERCOME);
    let words: Vec<&str> = value.split(' ').collect();
    for [class, hard, soft, time] in words.as_chunks::<4>().0 {
        for (limit, text) in [("hard", hard), ("soft", soft)] {
            if let Some(value) = number(text) {
                bytes.push(&[("class", class), ("limit", limit)], value);
            }
        }
        if let Some(value) = number(time) {
            seconds.push(&[("class", class), ("limit", "soft")], value);
        }
    }
    [bytes, seconds]
}

fn is_secret(key: &str) -> bool {
    ["pass", "auth", "secret", "token", "user"].iter().any(|part| key.contains(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Reply {
        Reply::Text(text.to_owned())
    }

    #[test]
    fn secrets_stay_and_long_values_are_cut() {
        let long = "x".repeat(1_000);
        let pairs = ["requirepass", "hunter2", "masterauth", "hunter2", "tls-key-file-pass", "hunter2"];
        let mut items: Vec<Reply> = pairs.into_iter().map(text).collect();
        items.extend([text("save"), text(&long), text("hz"), text("10")]);
        let shown = format!("{:?}", parse(&[Reply::List(items.clone())], true));
        assert!(!shown.contains("hunter2") && !shown.contains(&"x".repeat(129)), "{shown}");
        assert!(shown.contains("\"hz\"") && shown.contains("Number(10.0)"), "{shown}");
        let few = parse(&[Reply::List(items)], false);
        assert!(few.iter().all(|family| family.samples.is_empty()), "{few:?}");
    }

    #[test]
    fn limits_of_output_buffers_are_told_by_class() {
        let value = "normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608";
        let [bytes, seconds] = limits(value);
        assert_eq!((bytes.samples.len(), seconds.samples.len()), (4, 2), "half a class is none");
    }
}
