//! Whether both variants answer the same. A fast wrong answer is an error, however fast.
//!
//! A sample of the keys is watched: for each, the hash of the last body of either variant is
//! kept, with the body itself while it is small, so that a difference can be shown and not only
//! stated. Both tables are bounded. Requests whose variants are not watched cost one comparison
//! of a number.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use hitmark_schema::Variant;
use xxhash_rust::xxh3::xxh3_64;

use crate::keys::mix;

/// One key in so many is watched.
const KEY_SAMPLE: u64 = 8;
/// Of a request without a key, one in so many is compared.
const FIXED_SAMPLE: u64 = 32;
/// Keys that are watched at most: as many as a hash table of 4,096 places takes before it doubles.
const WATCHED_MAX: usize = 3_584;
/// Bodies up to this size are kept to show a difference …
const KEPT_BYTES_MAX: usize = 16 * 1024;
/// … and all of them together up to this one. Beyond it a difference is told by lengths alone.
const ALL_KEPT_BYTES_MAX: usize = 1024 * 1024;
/// Characters of either body around the first difference that are shown.
const EXCERPT: usize = 40;

/// Compares the bodies of an experiment's variants.
#[derive(Debug, Default)]
pub struct Equivalence {
    watched: Mutex<Watched>,
}

#[derive(Debug, Default)]
struct Watched {
    pairs: HashMap<u64, [Option<Seen>; 2]>,
    /// Bytes of all bodies that are kept.
    kept_bytes: usize,
}

#[derive(Debug)]
struct Seen {
    hash: u64,
    status: u16,
    kept: Box<[u8]>,
    length: usize,
}

/// What a comparison found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// The other variant's body for this request is not known yet.
    Unpaired,
    /// The same.
    Same,
    /// Different: how, in words.
    Different(String),
}

impl Equivalence {
    /// Whether the body of this request is to be compared. `nth` counts the requests of a user.
    #[must_use]
    pub const fn is_watched(key: Option<u64>, nth: u64) -> bool {
        match key {
            Some(key) => mix(key).is_multiple_of(KEY_SAMPLE),
            None => nth.is_multiple_of(FIXED_SAMPLE),
        }
    }

    /// Compares a body with the other variant's last one for the same key.
    pub fn compare(&self, variant: Variant, key: Option<u64>, status: u16, body: &[u8]) -> Finding {
        let hash = xxh3_64(body);
        let mut watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        let Watched { pairs, kept_bytes } = &mut *watched;
        if pairs.len() >= WATCHED_MAX && !pairs.contains_key(&key.unwrap_or(0)) {
            return Finding::Unpaired;
        }
        let pair = pairs.entry(key.unwrap_or(0)).or_default();
        // The last body of this side makes room for this one.
        *kept_bytes -= pair[variant.index()].take().map_or(0, |last| last.kept.len());
        let is_kept = body.len() <= KEPT_BYTES_MAX && *kept_bytes + body.len() <= ALL_KEPT_BYTES_MAX;
        let kept: Box<[u8]> = if is_kept { Box::from(body) } else { Box::default() };
        *kept_bytes += kept.len();
        let seen = Seen { hash, status, kept, length: body.len() };
        let finding = match &pair[variant.other().index()] {
            None => Finding::Unpaired,
            Some(other) if other.hash == seen.hash && other.status == seen.status => Finding::Same,
            Some(other) => {
                let (baseline, candidate) =
                    if variant == Variant::Baseline { (&seen, other) } else { (other, &seen) };
                Finding::Different(describe(baseline, candidate))
            }
        };
        pair[variant.index()] = Some(seen);
        finding
    }
}

fn describe(baseline: &Seen, candidate: &Seen) -> String {
    if baseline.status != candidate.status {
        return format!("the baseline answers {}, the candidate {}", baseline.status, candidate.status);
    }
    let lengths = format!("baseline {} bytes, candidate {} bytes", baseline.length, candidate.length);
    let (Some(at), false, false) = (
        first_difference(&baseline.kept, &candidate.kept),
        baseline.kept.is_empty(),
        candidate.kept.is_empty(),
    ) else {
        return format!("the bodies differ: {lengths}");
    };
    format!(
        "the bodies differ from byte {at} ({lengths}): baseline …{}…, candidate …{}…",
        excerpt(&baseline.kept, at),
        excerpt(&candidate.kept, at)
    )
}

fn first_difference(one: &[u8], other: &[u8]) -> Option<usize> {
    let common = one.iter().zip(other).position(|(a, b)| a != b);
    common.or_else(|| (one.len() != other.len()).then(|| one.len().min(other.len())))
}

/// The text around a place, without control characters.
fn excerpt(body: &[u8], at: usize) -> String {
    let from = at.saturating_sub(EXCERPT / 4);
    let to = (at + EXCERPT).min(body.len());
    String::from_utf8_lossy(&body[from..to])
        .chars()
        .map(|ch| if ch.is_control() { ' ' } else { ch })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_bodies_are_the_same_whichever_comes_first() {
        let bodies = Equivalence::default();
        assert_eq!(bodies.compare(Variant::Candidate, Some(1), 200, b"x"), Finding::Unpaired);
        assert_eq!(bodies.compare(Variant::Baseline, Some(1), 200, b"x"), Finding::Same);
        assert_eq!(bodies.compare(Variant::Candidate, Some(1), 200, b"x"), Finding::Same);
        assert_eq!(bodies.compare(Variant::Candidate, Some(2), 200, b"y"), Finding::Unpaired);
    }

    #[test]
    fn a_difference_names_the_place_and_shows_both_sides() {
        let bodies = Equivalence::default();
        bodies.compare(Variant::Baseline, None, 200, b"{\"price\":100}");
        let Finding::Different(text) = bodies.compare(Variant::Candidate, None, 200, b"{\"price\":999}")
        else {
            panic!("the bodies differ");
        };
        assert!(text.contains("from byte 9") && text.contains("100}") && text.contains("999}"), "{text}");
    }

    #[test]
    fn a_shorter_body_an_empty_body_and_another_status_differ() {
        let bodies = Equivalence::default();
        bodies.compare(Variant::Baseline, Some(1), 200, b"abc");
        assert!(matches!(bodies.compare(Variant::Candidate, Some(1), 200, b"ab"), Finding::Different(_)));
        assert!(matches!(bodies.compare(Variant::Candidate, Some(1), 200, b""), Finding::Different(_)));
        let Finding::Different(text) = bodies.compare(Variant::Candidate, Some(1), 404, b"abc") else {
            panic!("the statuses differ");
        };
        assert!(text.contains("answers 200, the candidate 404"), "{text}");
    }

    #[test]
    fn the_table_is_bounded_and_about_one_key_in_eight_is_watched() {
        let bodies = Equivalence::default();
        for key in 0..2 * WATCHED_MAX as u64 {
            bodies.compare(Variant::Baseline, Some(key), 200, b"x");
        }
        assert_eq!(bodies.watched.lock().unwrap().pairs.len(), WATCHED_MAX);
        let watched = (0..80_000).filter(|key| Equivalence::is_watched(Some(*key), 0)).count();
        assert!((9_000..11_000).contains(&watched), "{watched}");
    }

    #[test]
    fn bodies_are_kept_up_to_a_limit_and_compared_beyond_it() {
        let bodies = Equivalence::default();
        let kept_bytes = || {
            let watched = bodies.watched.lock().unwrap();
            let kept = watched.pairs.values().flatten().flatten().map(|seen| seen.kept.len()).sum::<usize>();
            assert_eq!(kept, watched.kept_bytes);
            kept
        };
        for round in 0..3 {
            for key in 0..100 {
                let body = vec![round; KEPT_BYTES_MAX - key as usize];
                bodies.compare(Variant::Baseline, Some(key), 200, &body);
            }
            assert!(
                (ALL_KEPT_BYTES_MAX / 2..=ALL_KEPT_BYTES_MAX).contains(&kept_bytes()),
                "{}",
                kept_bytes()
            );
        }
        for key in 0..100 {
            let body = vec![9; KEPT_BYTES_MAX - key as usize];
            let found = bodies.compare(Variant::Candidate, Some(key), 200, &body);
            let Finding::Different(how) = found else { panic!("{key}: {found:?}") };
            assert!(how.contains("bodies differ"), "{how}");
            bodies.compare(Variant::Baseline, Some(key), 200, b"");
        }
        assert!(kept_bytes() > 0);
    }
}
