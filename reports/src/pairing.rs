//! Pairs of super-blocks become one ratio with its interval.
//!
//! A quantile of a super-block means something only with enough values beyond it. Where there are
//! too few, neighbouring super-blocks are merged into fewer, longer pairs, as few as needed and
//! never fewer than six; where even that is not enough, there is no ratio but a reason.

use std::ops::Range;

use hdrhistogram::Histogram;
use hitmark_schema::measurement::latency_histogram;
use hitmark_schema::{Outcome, SuperBlock, Timing};

use crate::statistics::{ALPHA_INTERVAL, PAIRS_MAX, PAIRS_MIN, Quantile, Shift, detectable};

/// Candidate ÷ baseline of one quantile: below 1 the candidate is faster.
#[derive(Debug, Clone, PartialEq)]
pub struct Ratio {
    /// The Hodges–Lehmann estimate.
    pub estimate: f64,
    /// The two-sided 95 % interval, 2.5 % on each side; none below six pairs.
    pub interval: Option<(f64, f64)>,
    /// The smallest relative change that these pairs could have seen (0.05 is 5 %).
    pub detectable: Option<f64>,
    /// The ratio of each pair, in order.
    pub each: Vec<f64>,
    /// Super-blocks that were merged into each pair: 1 where none were.
    pub blocks_per_pair: usize,
    /// The logarithms, for bounds at other levels.
    pub shift: Shift,
}

/// Why there is no figure, as a sentence without a full stop.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NotMeasured(pub String);

impl Ratio {
    /// A ratio from the logarithmic differences of its pairs; none without pairs.
    #[must_use]
    pub fn new(differences: &[f64], blocks_per_pair: usize) -> Option<Self> {
        let shift = Shift::paired(differences)?;
        let bounds = (shift.lower(ALPHA_INTERVAL), shift.upper(ALPHA_INTERVAL));
        let enough = differences.len() >= PAIRS_MIN;
        Some(Self {
            estimate: shift.estimate().exp(),
            interval: match bounds {
                (Some(lower), Some(upper)) if enough => Some((lower.exp(), upper.exp())),
                _ => None,
            },
            detectable: detectable(differences).filter(|_| enough),
            each: differences.iter().map(|difference| difference.exp()).collect(),
            blocks_per_pair,
            shift,
        })
    }
}

/// The latencies of both sides, pair by pair: baseline, candidate.
#[derive(Debug)]
pub(crate) struct Pairing(Vec<(Histogram<u64>, Histogram<u64>)>);

impl Pairing {
    /// Takes from each super-block the outcomes that its side keeps.
    pub(crate) fn new(
        pairs: &[(&SuperBlock, &SuperBlock)],
        baseline: impl Fn(Outcome) -> bool,
        candidate: impl Fn(Outcome) -> bool,
    ) -> Self {
        let groups = groups(pairs.len(), pairs.len().div_ceil(PAIRS_MAX).max(1));
        let side = |range: Range<usize>, candidate_side: bool| {
            let mut sum = latency_histogram();
            for (left, right) in &pairs[range] {
                let part = if candidate_side {
                    right.merged(Timing::Body, &candidate)
                } else {
                    left.merged(Timing::Body, &baseline)
                };
                // Equal bounds by construction, so adding cannot fail.
                let _ = sum.add(&part);
            }
            sum
        };
        Self(groups.into_iter().map(|range| (side(range.clone(), false), side(range, true))).collect())
    }

    /// The ratio of a quantile.
    pub(crate) fn ratio(&self, quantile: Quantile) -> Result<Ratio, NotMeasured> {
        let (differences, merged) = self.differences(quantile)?;
        Ratio::new(&differences, merged)
            .ok_or_else(|| NotMeasured("no pair of super-blocks was finished".into()))
    }

    /// Logarithmic differences of each pair, and how many super-blocks a pair is made of.
    fn differences(&self, quantile: Quantile) -> Result<(Vec<f64>, usize), NotMeasured> {
        let pairs = self.0.len();
        if pairs == 0 {
            return Err(NotMeasured("no pair of super-blocks was finished".to_owned()));
        }
        let merges_max = (pairs / PAIRS_MIN).max(1);
        (1..=merges_max)
            .find_map(|merged| Some((self.differences_of(quantile, merged)?, merged)))
            .ok_or_else(|| self.too_few(quantile))
    }

    fn differences_of(&self, quantile: Quantile, merged: usize) -> Option<Vec<f64>> {
        groups(self.0.len(), merged)
            .into_iter()
            .map(|range| {
                let (baseline, candidate) = self.merged(range);
                let enough = baseline.len().min(candidate.len()) >= quantile.values_needed();
                let of =
                    |histogram: &Histogram<u64>| histogram.value_at_quantile(quantile.share()).max(1) as f64;
                enough.then(|| of(&candidate).ln() - of(&baseline).ln())
            })
            .collect()
    }

    fn merged(&self, range: Range<usize>) -> (Histogram<u64>, Histogram<u64>) {
        let (mut baseline, mut candidate) = self.0[range.start].clone();
        for (left, right) in &self.0[range.start + 1..range.end] {
            let _ = (baseline.add(left), candidate.add(right));
        }
        (baseline, candidate)
    }

    fn too_few(&self, quantile: Quantile) -> NotMeasured {
        let fewest = self.0.iter().map(|(left, right)| left.len().min(right.len())).min().unwrap_or(0);
        let needed = quantile.values_needed();
        NotMeasured(format!(
            "not enough data: {fewest} values per super-block, needs {needed} for {quantile}"
        ))
    }
}

/// Splits `count` neighbours into groups of `size`; what is left over joins the last group.
pub(crate) fn groups(count: usize, size: usize) -> Vec<Range<usize>> {
    let whole = (count / size).max(usize::from(count > 0));
    (0..whole)
        .map(|group| group * size..if group + 1 == whole { count } else { (group + 1) * size })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn histogram(count: u64, latency_ns: u64) -> Histogram<u64> {
        let mut histogram = latency_histogram();
        histogram.saturating_record_n(latency_ns, count);
        histogram
    }

    #[test]
    fn groups_cover_everything_once() {
        assert_eq!(groups(7, 3), [0..3, 3..7]);
        assert_eq!(groups(6, 1).len(), 6);
        assert_eq!(groups(2, 5).first(), Some(&(0..2)));
        assert!(groups(0, 1).is_empty());
    }

    #[test]
    fn a_tail_with_few_values_merges_neighbours_and_keeps_six_pairs() {
        let pairing =
            Pairing((0..20).map(|_| (histogram(200, 2_000_000), histogram(200, 1_000_000))).collect());
        assert_eq!(pairing.ratio(Quantile::P50).unwrap().blocks_per_pair, 1);
        let tail = pairing.ratio(Quantile::P99).unwrap();
        assert_eq!((tail.blocks_per_pair, tail.each.len()), (3, 6));
        assert!((tail.estimate - 0.5).abs() < 0.001, "{}", tail.estimate);
        assert!(tail.interval.is_some() && tail.detectable == Some(0.0));
    }

    #[test]
    fn a_tail_that_even_merging_cannot_fill_says_how_many_values_there_were() {
        let pairing = Pairing((0..12).map(|_| (histogram(200, 2), histogram(90, 1))).collect());
        let reason = pairing.ratio(Quantile::P99).unwrap_err().to_string();
        assert_eq!(reason, "not enough data: 90 values per super-block, needs 500 for p99");
    }

    #[test]
    fn five_pairs_have_an_estimate_without_an_interval() {
        let pairing = Pairing((0..5).map(|_| (histogram(50, 2_000), histogram(50, 1_000))).collect());
        let ratio = pairing.ratio(Quantile::P50).unwrap();
        assert_eq!((ratio.interval, ratio.detectable), (None, None));
        assert!((ratio.estimate - 0.5).abs() < 0.001);
    }
}
