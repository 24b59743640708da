//! What the probe has seen since its start: counters by outcome, a histogram of the first byte.

use std::collections::BTreeMap;
use std::time::Duration;

use hitmark_schema::exposition::{Family, Sample, Value};
use hitmark_schema::metrics as m;
use hitmark_schema::outcome::Outcome;

use crate::effectiveness::Reading;

/// Upper bounds in seconds: an edge nearby answers in a few milliseconds, an origin far off in one
/// or two seconds.
const BOUNDS: [f64; 14] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0];
/// Most HTTP statuses that are told apart; further ones are counted as `other`.
const CODES_MAX: usize = 32;

/// One response.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Seen {
    pub(super) status: u16,
    pub(super) outcome: Outcome,
    pub(super) first_byte: Duration,
    pub(super) bytes: u64,
    /// The body was longer than is read.
    pub(super) is_cut: bool,
    /// Seconds.
    pub(super) age: Option<u64>,
}

#[derive(Debug, Default)]
pub(super) struct Tally {
    probes: [u64; Outcome::ALL.len()],
    bytes: [u64; Outcome::ALL.len()],
    first_byte: [Histogram; Outcome::ALL.len()],
    codes: BTreeMap<Option<u16>, u64>,
    cut: u64,
}

/// Observations at or below each bound, not yet cumulated.
#[derive(Debug, Default, Clone, Copy)]
struct Histogram {
    buckets: [u64; BOUNDS.len()],
    count: u64,
    sum: f64,
}

impl Tally {
    /// Adds a response; none is a request that got no response.
    pub(super) fn add(&mut self, seen: Option<&Seen>) {
        let Some(seen) = seen else {
            self.probes[Outcome::Error.index()] += 1;
            return;
        };
        let place = seen.outcome.index();
        self.probes[place] += 1;
        self.bytes[place] += seen.bytes;
        self.first_byte[place].add(seen.first_byte.as_secs_f64());
        self.cut += u64::from(seen.is_cut);
        let known = self.codes.contains_key(&Some(seen.status)) || self.codes.len() < CODES_MAX;
        *self.codes.entry(known.then_some(seen.status)).or_default() += 1;
    }

    /// Every outcome has its counters from the start, so that a first hit is seen as an increase.
    pub(super) fn families(&self) -> Vec<Family> {
        let (mut probes, mut bytes) = (Family::new(m::EDGE_PROBES), Family::new(m::EDGE_BYTES));
        let mut first_byte = Family::new(m::EDGE_FIRST_BYTE);
        for outcome in Outcome::ALL {
            let (place, label) = (outcome.index(), [("outcome", outcome.as_str())]);
            probes.push(&label, self.probes[place] as f64);
            bytes.push(&label, self.bytes[place] as f64);
            if self.first_byte[place].count > 0 {
                first_byte.samples.push(Sample {
                    labels: vec![("outcome", outcome.as_str().to_owned())],
                    value: self.first_byte[place].value(),
                });
            }
        }
        let mut codes = Family::new(m::EDGE_RESPONSES);
        for (code, count) in &self.codes {
            let code = code.map_or_else(|| "other".to_owned(), |code| code.to_string());
            codes.push(&[("code", &code)], *count as f64);
        }
        vec![probes, codes, bytes, Family::single(m::EDGE_CUT, self.cut as f64), first_byte]
    }

    /// The same as every cache tier is told: what came out of the store, and what had to be fetched.
    pub(super) fn reading(&self) -> Reading {
        let of = |outcome: Outcome| self.probes[outcome.index()] as f64;
        Reading {
            hits: of(Outcome::Hit) + of(Outcome::Stale) + of(Outcome::Revalidated),
            misses: of(Outcome::Miss),
            ..Reading::default()
        }
    }
}

impl Histogram {
    fn add(&mut self, seconds: f64) {
        if let Some(place) = BOUNDS.iter().position(|bound| seconds <= *bound) {
            self.buckets[place] += 1;
        }
        self.count += 1;
        self.sum += seconds;
    }

    fn value(&self) -> Value {
        let cumulative = self.buckets.iter().scan(0, |sum, count| {
            *sum += count;
            Some(*sum)
        });
        Value::Histogram {
            buckets: BOUNDS.iter().copied().zip(cumulative).collect(),
            count: self.count,
            sum: self.sum,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(status: u16, outcome: Outcome, ms: u64) -> Seen {
        Seen { status, outcome, first_byte: Duration::from_millis(ms), bytes: 10, is_cut: false, age: None }
    }

    #[test]
    fn the_histogram_is_cumulative_and_holds_what_is_beyond_its_last_bound() {
        let mut tally = Tally::default();
        for ms in [1, 2, 9_000] {
            tally.add(Some(&seen(200, Outcome::Hit, ms)));
        }
        let families = tally.families();
        let histogram = &families.iter().find(|f| f.metric == m::EDGE_FIRST_BYTE).unwrap().samples[0];
        let Value::Histogram { buckets, count, sum } = &histogram.value else { panic!("no histogram") };
        assert_eq!(
            (buckets[0], buckets[1], buckets.last().copied()),
            ((0.001, 1), (0.0025, 2), Some((5.0, 2)))
        );
        assert_eq!((*count, *sum), (3, 9.003));
    }

    #[test]
    fn an_endless_number_of_statuses_has_a_limited_number_of_series() {
        let mut tally = Tally::default();
        for status in 200..300 {
            tally.add(Some(&seen(status, Outcome::Miss, 1)));
        }
        let families = tally.families();
        let codes = families.iter().find(|f| f.metric == m::EDGE_RESPONSES).unwrap();
        assert_eq!(codes.samples.len(), CODES_MAX + 1);
        assert_eq!(codes.samples[0].labels[0].1, "other");
    }

    #[test]
    fn a_stale_or_confirmed_answer_came_out_of_the_store_and_a_bypass_is_no_lookup() {
        let mut tally = Tally::default();
        for outcome in Outcome::ALL {
            tally.add(Some(&seen(200, outcome, 1)));
        }
        assert_eq!((tally.reading().hits, tally.reading().misses), (3.0, 1.0));
    }
}
