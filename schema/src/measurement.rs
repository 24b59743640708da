//! What one super-block of one variant measured: histograms by outcome, and counts.
//!
//! A measurement is kept as it was seen. Percentiles, ratios and verdicts are derived later, by
//! `reports`, and never stored beside it.

use std::collections::BTreeMap;

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

use crate::outcome::Outcome;
use crate::variant::Variant;

/// The longest latency that a histogram holds: 60 s in nanoseconds. Longer ones saturate.
pub const LATENCY_NS_MAX: u64 = 60_000_000_000;

/// Significant decimal digits of every latency histogram: a value is off by 0.1 % at most.
pub const LATENCY_DIGITS: u8 = 3;

/// The share of failed requests above which timings are void: a service that fails is not fast.
pub const ERROR_RATIO_MAX: f64 = 0.001;

/// An empty latency histogram: 1 ns to 60 s, three significant digits.
///
/// # Panics
///
/// Never: the bounds are constants that the constructor accepts, which a test shows.
#[must_use]
#[expect(clippy::expect_used, reason = "constant bounds, covered by a test")]
pub fn latency_histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, LATENCY_NS_MAX, LATENCY_DIGITS).expect("constant bounds")
}

/// Which part of a request a latency covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Timing {
    /// From the (intended) start to the last byte of the body: the latency.
    Body,
    /// From the (intended) start to the end of the response headers.
    Headers,
}

impl Timing {
    /// Both timings.
    pub const ALL: [Self; 2] = [Self::Body, Self::Headers];

    /// The name in file tags.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Body => "body",
            Self::Headers => "headers",
        }
    }

    /// 0 for the body, 1 for the headers.
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }
}

/// Why a request failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorKind {
    /// The connection was refused or could not be made.
    Connect,
    /// The connection broke in the middle of a request.
    Reset,
    /// No complete response within the time limit.
    Timeout,
    /// The response was not understood as HTTP.
    Protocol,
    /// A status that the plan does not expect.
    Status,
    /// A body that differs from the other variant's body for the same request.
    Mismatch,
    /// An answer with the right status that a check of the plan refuses: a header, a body, its length.
    Check,
}

impl ErrorKind {
    /// Every kind.
    pub const ALL: [Self; 7] = [
        Self::Connect,
        Self::Reset,
        Self::Timeout,
        Self::Protocol,
        Self::Status,
        Self::Mismatch,
        Self::Check,
    ];

    /// The name in files and tables.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Reset => "reset",
            Self::Timeout => "timeout",
            Self::Protocol => "protocol",
            Self::Status => "status",
            Self::Mismatch => "mismatch",
            Self::Check => "check",
        }
    }

    /// The place in [`ErrorKind::ALL`].
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }
}

/// Counts of one super-block of one variant: a line of `counters.jsonl`.
///
/// A figure that nobody measured is `None`, never 0.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Counters {
    /// Requests that were sent and ended, well or badly.
    pub requests: u64,
    /// Failed requests by kind; kinds that did not occur are absent.
    pub errors: BTreeMap<ErrorKind, u64>,
    /// Bodies that differed from the other variant's. Also counted under `errors`.
    pub mismatches: u64,
    /// Bodies that were compared with the other variant's.
    pub bodies_compared: u64,
    /// Response bytes, bodies only.
    pub body_bytes: u64,
    /// Responses in which the service said that its cache server could not be asked.
    pub cache_unreachable: u64,
    /// Calls of the origin, as the service counts them.
    pub origin_calls: Option<u64>,
    /// Cache hits, as the service counts them.
    pub service_hits: Option<u64>,
    /// Cache misses, as the service counts them.
    pub service_misses: Option<u64>,
    /// Cache hits, as the cache server counts them.
    pub cache_server_hits: Option<u64>,
    /// Cache misses, as the cache server counts them.
    pub cache_server_misses: Option<u64>,
    /// Queries that the service sent to its database, as the service counts them.
    pub database_queries: Option<u64>,
    /// Processor time of the service, in nanoseconds, as the service counts it.
    pub cpu_ns: Option<u64>,
    /// Responses older than the last committed write.
    pub stale_reads: Option<u64>,
    /// Open model: arrivals that were due and never sent.
    pub dropped: u64,
}

impl Counters {
    /// Failed requests of every kind.
    #[must_use]
    pub fn errors_total(&self) -> u64 {
        self.errors.values().sum()
    }

    /// Adds the counts of another super-block. A figure stays `None` only if neither has it.
    pub fn add(&mut self, other: &Self) {
        self.requests += other.requests;
        for (kind, count) in &other.errors {
            *self.errors.entry(*kind).or_default() += count;
        }
        self.mismatches += other.mismatches;
        self.bodies_compared += other.bodies_compared;
        self.body_bytes += other.body_bytes;
        self.cache_unreachable += other.cache_unreachable;
        self.dropped += other.dropped;
        for (mine, theirs) in [
            (&mut self.origin_calls, other.origin_calls),
            (&mut self.service_hits, other.service_hits),
            (&mut self.service_misses, other.service_misses),
            (&mut self.cache_server_hits, other.cache_server_hits),
            (&mut self.cache_server_misses, other.cache_server_misses),
            (&mut self.database_queries, other.database_queries),
            (&mut self.cpu_ns, other.cpu_ns),
            (&mut self.stale_reads, other.stale_reads),
        ] {
            if let Some(count) = theirs {
                *mine = Some(mine.unwrap_or(0) + count);
            }
        }
    }
}

/// One variant's share of one super-block: half of a pair of observations.
#[derive(Debug, Clone, PartialEq)]
pub struct SuperBlock {
    /// The slug of the experiment.
    pub experiment: String,
    /// The side that was measured.
    pub variant: Variant,
    /// The number of the pair, from 0.
    pub index: u32,
    /// When the super-block began, nanoseconds since the Unix epoch.
    pub started_unix_ns: u64,
    /// How long the super-block took, both variants together, in nanoseconds.
    pub duration_ns: u64,
    /// How long this variant was under load within it, in nanoseconds.
    pub active_ns: u64,
    /// Latencies in nanoseconds; outcomes that did not occur are absent.
    pub histograms: BTreeMap<(Outcome, Timing), Histogram<u64>>,
    /// Counts.
    pub counters: Counters,
}

impl SuperBlock {
    /// The merged latencies of the given timing over the outcomes that `keep` accepts.
    #[must_use]
    pub fn merged(&self, timing: Timing, keep: impl Fn(Outcome) -> bool) -> Histogram<u64> {
        let mut sum = latency_histogram();
        for ((outcome, part), histogram) in &self.histograms {
            if *part == timing && keep(*outcome) {
                // Equal bounds by construction and by the reader's check, so adding cannot fail.
                let _ = sum.add(histogram);
            }
        }
        sum
    }

    /// How many requests ended with this outcome.
    #[must_use]
    pub fn count(&self, outcome: Outcome) -> u64 {
        self.histograms.get(&(outcome, Timing::Body)).map_or(0, Histogram::len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_latency_histogram_keeps_three_digits_from_nanoseconds_to_a_minute() {
        let mut histogram = latency_histogram();
        for value in [1, 999, 61_234, 5_000_321, 59_999_999_999] {
            histogram.reset();
            histogram.saturating_record(value);
            let error = histogram.max().abs_diff(value) as f64 / value as f64;
            assert!(error <= 0.001, "{value} ns came back as {}", histogram.max());
        }
    }

    #[test]
    fn counters_add_and_unmeasured_figures_stay_unmeasured() {
        let mut sum = Counters { requests: 2, ..Counters::default() };
        let other = Counters {
            requests: 3,
            errors: BTreeMap::from([(ErrorKind::Timeout, 1)]),
            origin_calls: Some(7),
            ..Counters::default()
        };
        sum.add(&other);
        sum.add(&other);
        assert_eq!((sum.requests, sum.errors_total()), (8, 2));
        assert_eq!((sum.origin_calls, sum.stale_reads), (Some(14), None));
    }
}
