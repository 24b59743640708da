//! What a response's headers say of the cache.
//!
//! `Cache-Status` (RFC 9211) is asked first, being the standard; then `X-Cache`, which most caches
//! send in some form. A header value is parsed once and remembered, since a run sees the same few
//! values a million times.

use hitmark_schema::Outcome;
use hitmark_schema::cache_status::CacheStatus;
use hyper::HeaderMap;

/// Header values that are remembered. `ttl=` makes them vary, so a few are kept.
const REMEMBERED: usize = 8;

/// What a response says of the cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answer {
    /// How the cache answered.
    pub outcome: Outcome,
    /// The service said that its cache server could not be asked.
    pub cache_unreachable: bool,
}

impl Answer {
    const UNKNOWN: Self = Self { outcome: Outcome::Unknown, cache_unreachable: false };
}

/// Reads answers for one user.
#[derive(Debug, Default)]
pub struct AnswerReader {
    remembered: Vec<(Vec<u8>, Answer)>,
    oldest: usize,
}

impl AnswerReader {
    /// What the headers of a response say.
    pub fn read(&mut self, headers: &HeaderMap) -> Answer {
        let (value, parse): (_, fn(&str) -> Answer) =
            match (headers.get("cache-status"), headers.get("x-cache")) {
                (Some(value), _) => (value, cache_status),
                (None, Some(value)) => (value, x_cache),
                (None, None) => return Answer::UNKNOWN,
            };
        if let Some((_, answer)) = self.remembered.iter().find(|(bytes, _)| bytes == value.as_bytes()) {
            return *answer;
        }
        let answer = value.to_str().map_or(Answer::UNKNOWN, parse);
        self.remember(value.as_bytes().to_vec(), answer);
        answer
    }

    fn remember(&mut self, value: Vec<u8>, answer: Answer) {
        if self.remembered.len() < REMEMBERED {
            self.remembered.push((value, answer));
        } else {
            self.remembered[self.oldest] = (value, answer);
            self.oldest = (self.oldest + 1) % REMEMBERED;
        }
    }
}

fn cache_status(value: &str) -> Answer {
    CacheStatus::parse(value).map_or(Answer::UNKNOWN, |status| Answer {
        outcome: status.outcome(),
        cache_unreachable: status.is_unreachable(),
    })
}

/// `X-Cache: HIT`, `Miss from cloudfront`, `HIT, MISS`: the last word that is known counts, which
/// is that of the cache closest to the client.
fn x_cache(value: &str) -> Answer {
    let word = value.split([',', ' ', '/', '_', ';']).rev().find_map(|word| {
        match word.to_ascii_lowercase().as_str() {
            "hit" | "tcphit" => Some(Outcome::Hit),
            "miss" | "expired" => Some(Outcome::Miss),
            "stale" | "updating" => Some(Outcome::Stale),
            "revalidated" | "refreshhit" => Some(Outcome::Revalidated),
            "bypass" | "pass" => Some(Outcome::Bypass),
            _ => None,
        }
    });
    Answer { outcome: word.unwrap_or(Outcome::Unknown), cache_unreachable: false }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(name: &'static str, value: &'static str) -> Answer {
        let mut headers = HeaderMap::new();
        headers.insert(name, value.parse().unwrap());
        let mut reader = AnswerReader::default();
        let first = reader.read(&headers);
        assert_eq!(reader.read(&headers), first, "a remembered value reads as it did");
        first
    }

    #[test]
    fn the_standard_header_and_the_common_one_are_understood() {
        for (name, value, outcome) in [
            ("cache-status", "hitmark; hit; ttl=30", Outcome::Hit),
            ("cache-status", "hitmark; fwd=uri-miss; stored", Outcome::Miss),
            ("cache-status", "hitmark; fwd=bypass", Outcome::Bypass),
            ("x-cache", "HIT", Outcome::Hit),
            ("x-cache", "Miss from cloudfront", Outcome::Miss),
            ("x-cache", "MISS, HIT", Outcome::Hit),
            ("x-cache", "TCP_HIT", Outcome::Hit),
            ("x-cache", "whatever", Outcome::Unknown),
            ("age", "3", Outcome::Unknown),
        ] {
            assert_eq!(read(name, value).outcome, outcome, "{name}: {value}");
        }
    }

    #[test]
    fn an_unreachable_cache_server_is_seen() {
        assert!(read("cache-status", "hitmark; fwd=miss; detail=cache-unreachable").cache_unreachable);
        assert!(!read("cache-status", "hitmark; fwd=miss").cache_unreachable);
    }

    #[test]
    fn more_values_than_are_remembered_still_read_right() {
        let mut reader = AnswerReader::default();
        for round in 0..3 {
            for ttl in 0..20 {
                let mut headers = HeaderMap::new();
                headers.insert("cache-status", format!("c; hit; ttl={}", ttl - 10).parse().unwrap());
                let expected = if ttl < 10 { Outcome::Stale } else { Outcome::Hit };
                assert_eq!(reader.read(&headers).outcome, expected, "round {round}, ttl {}", ttl - 10);
            }
        }
        assert_eq!(reader.remembered.len(), REMEMBERED);
    }
}
