//! What a response's headers say of the cache.
//!
//! A rule of the plan is asked first, then the headers of `hitmark_schema::cache_headers` in their
//! order. A header value is parsed once and remembered, since a run sees the same few values a
//! million times.

use hitmark_schema::Outcome;
use hitmark_schema::cache_headers::{Answer, DIALECTS};

use crate::plan::OutcomeRule;
use crate::transport::{Headers, as_text};

/// Header values that are remembered. `ttl=` makes them vary, so a few are kept.
const REMEMBERED: usize = 8;

/// Reads answers for one user.
#[derive(Debug, Default)]
pub struct AnswerReader {
    rule: Option<OutcomeRule>,
    remembered: Vec<(Vec<u8>, Answer)>,
    oldest: usize,
    /// The place among the dialects of the header that the last values came from.
    dialect: usize,
}

impl AnswerReader {
    /// A reader that asks a rule of the plan first.
    #[must_use]
    pub fn new(rule: Option<OutcomeRule>) -> Self {
        Self { rule, ..Self::default() }
    }

    /// What the headers of a response say.
    pub fn read(&mut self, headers: &Headers) -> Answer {
        if let Some(rule) = &self.rule {
            return Answer { outcome: rule.outcome(headers.text(&rule.header)), cache_unreachable: false };
        }
        let told = DIALECTS
            .iter()
            .enumerate()
            .find_map(|(place, (name, parse))| Some((place, headers.last(name)?, parse)));
        let Some((place, value, parse)) = told else { return Answer::UNKNOWN };
        if place != self.dialect {
            // The same word means another thing in another header.
            self.remembered.clear();
            self.oldest = 0;
            self.dialect = place;
        }
        if let Some((_, answer)) = self.remembered.iter().find(|(bytes, _)| bytes == value) {
            return *answer;
        }
        let answer = as_text(value).map_or(Answer::UNKNOWN, parse);
        self.remember(value.to_vec(), answer);
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

impl OutcomeRule {
    /// What a header value means by this rule.
    #[must_use]
    pub fn outcome(&self, value: Option<&str>) -> Outcome {
        let value = value.unwrap_or_default().to_ascii_lowercase();
        let told = self.words.iter().find(|(word, _)| value.contains(word.as_str()));
        told.map_or(self.otherwise, |(_, outcome)| *outcome)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(name: &'static str, value: &'static str) -> Answer {
        let headers: Headers = [(name, value)].into_iter().collect();
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
            ("x-cache", "HIT, MISS", Outcome::Miss),
            ("x-cache", "RefreshHit from cloudfront", Outcome::Revalidated),
            ("x-cache", "TCP_MEM_HIT from a23-hit.example (AkamaiGHost)", Outcome::Hit),
            ("x-cache", "TCP_REFRESH_HIT from a.example", Outcome::Revalidated),
            ("x-cache", "MISS from hit-proxy", Outcome::Miss),
            ("x-cache", "CONFIG_NOCACHE", Outcome::Bypass),
            ("cf-cache-status", "DYNAMIC", Outcome::Bypass),
            ("cf-cache-status", "EXPIRED", Outcome::Miss),
            ("cf-cache-status", "UPDATING", Outcome::Stale),
            ("x-cache-status", "REVALIDATED", Outcome::Revalidated),
            ("x-vercel-cache", "STALE", Outcome::Stale),
            ("x-varnish", "32770 3", Outcome::Hit),
            ("x-varnish", "32770", Outcome::Miss),
            ("age", "3", Outcome::Hit),
            ("age", "0", Outcome::Unknown),
            ("age", "soon", Outcome::Unknown),
        ] {
            assert_eq!(read(name, value).outcome, outcome, "{name}: {value}");
        }
    }

    #[test]
    fn a_rule_of_the_plan_comes_before_every_convention() {
        let rule = OutcomeRule {
            header: "x-store".to_owned(),
            words: vec![("memory".to_owned(), Outcome::Hit), ("db".to_owned(), Outcome::Miss)],
            otherwise: Outcome::Bypass,
        };
        let mut reader = AnswerReader::new(Some(rule));
        for (value, outcome) in [("from Memory", Outcome::Hit), ("DB", Outcome::Miss), ("x", Outcome::Bypass)]
        {
            let headers: Headers = [("x-cache", "MISS"), ("x-store", value)].into_iter().collect();
            assert_eq!(reader.read(&headers).outcome, outcome, "{value}");
        }
        assert_eq!(reader.read(&Headers::default()).outcome, Outcome::Bypass);
    }

    #[test]
    fn the_same_word_in_another_header_is_read_anew() {
        let mut reader = AnswerReader::default();
        for (name, outcome) in [("age", Outcome::Hit), ("x-varnish", Outcome::Miss), ("age", Outcome::Hit)] {
            let headers: Headers = [(name, "7")].into_iter().collect();
            assert_eq!(reader.read(&headers).outcome, outcome, "{name}");
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
                let value = format!("c; hit; ttl={}", ttl - 10);
                let headers: Headers = [("cache-status", value.as_str())].into_iter().collect();
                let expected = if ttl < 10 { Outcome::Stale } else { Outcome::Hit };
                assert_eq!(reader.read(&headers).outcome, expected, "round {round}, ttl {}", ttl - 10);
            }
        }
        assert_eq!(reader.remembered.len(), REMEMBERED);
    }
}
