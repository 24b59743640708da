//! When arrivals are due: evenly or at random, at a rate that may change.
//!
//! An arrival's due time is a pure function of its number, so users need not agree on anything.
//! Time is first counted in mean gaps, one arrival to each; random gaps come from a table that is
//! drawn once, and a rate that changes stretches and squeezes the result (a time change of the
//! Poisson process; Çinlar 1975).

use std::time::Duration;

use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};

use crate::plan::{Arrivals, Pace};

/// Gaps that are drawn; then they begin anew, which no cache can notice.
const GAPS: usize = 1 << 16;

/// The due times of an attack.
#[derive(Debug)]
pub(super) struct ArrivalTimes {
    segments: Vec<Segment>,
    /// Where arrivals fall, in mean gaps from the first; none if they fall evenly.
    random: Option<Box<[f64]>>,
}

/// A time in which the rate goes evenly from one level to another.
#[derive(Debug, Clone, Copy)]
struct Segment {
    from_s: f64,
    length_s: f64,
    /// Arrivals before it.
    before: f64,
    rate: f64,
    /// How the rate changes each second.
    slope: f64,
}

impl Segment {
    fn arrivals(&self, within_s: f64) -> f64 {
        self.rate * within_s + self.slope * within_s * within_s / 2.0
    }

    /// When so many arrivals of it have come: the quadratic's root, in the form that is stable for
    /// small slopes.
    fn time_of(&self, arrivals: f64) -> f64 {
        let root = (self.rate * self.rate + 2.0 * self.slope * arrivals).max(0.0).sqrt();
        2.0 * arrivals / (self.rate + root)
    }
}

impl ArrivalTimes {
    /// Arrivals at the pace's rate, which begins to change after the warm-up.
    pub(super) fn new(rate_per_s: f64, warmup: Duration, pace: &Pace, seed: u64) -> Self {
        let mut segments =
            vec![Segment { from_s: 0.0, length_s: f64::MAX, before: 0.0, rate: rate_per_s, slope: 0.0 }];
        let mut length_s = warmup.as_secs_f64();
        let mut rate = rate_per_s;
        for stage in &pace.stages {
            let (ramp_s, hold_s) = (stage.ramp.as_secs_f64(), stage.hold.as_secs_f64());
            push(&mut segments, length_s, rate, if ramp_s > 0.0 { (stage.to - rate) / ramp_s } else { 0.0 });
            push(&mut segments, ramp_s, stage.to, 0.0);
            (length_s, rate) = (hold_s, stage.to);
        }
        let random = (pace.arrivals == Arrivals::Poisson).then(|| random_places(seed));
        Self { segments, random }
    }

    /// Nanoseconds from the start to an arrival.
    pub(super) fn offset_ns(&self, slot: u64) -> u64 {
        let arrivals = match &self.random {
            None => slot as f64,
            Some(places) => {
                let round = slot as usize / GAPS * GAPS;
                round as f64 + places[slot as usize % GAPS]
            }
        };
        let place = self.segments.partition_point(|segment| segment.before <= arrivals).max(1) - 1;
        let segment = &self.segments[place];
        ((segment.from_s + segment.time_of(arrivals - segment.before)) * 1e9).round() as u64
    }

    /// The number of the first arrival that is not before a time.
    pub(super) fn first_at(&self, offset_ns: u64) -> u64 {
        let seconds = offset_ns as f64 / 1e9;
        let segment = self.segments.iter().rfind(|segment| segment.from_s <= seconds);
        let about =
            segment.map_or(0.0, |segment| segment.before + segment.arrivals(seconds - segment.from_s));
        // Random places stray from the even ones by some hundreds; the right one is found between.
        let stray = if self.random.is_some() { GAPS as f64 } else { 2.0 };
        let (mut low, mut high) = ((about - stray).max(0.0) as u64, (about + stray) as u64 + 1);
        while low < high {
            let middle = u64::midpoint(low, high);
            if self.offset_ns(middle) < offset_ns { low = middle + 1 } else { high = middle }
        }
        low
    }
}

/// Ends the last segment after `length_s` and begins one at another rate. Segments of no length vanish.
fn push(segments: &mut Vec<Segment>, length_s: f64, rate: f64, slope: f64) {
    let Some(last) = segments.last_mut() else { return };
    last.length_s = length_s;
    let (from_s, before) = (last.from_s + length_s, last.before + last.arrivals(length_s));
    if length_s <= 0.0 {
        segments.pop();
    }
    segments.push(Segment { from_s, length_s: f64::MAX, before, rate, slope });
}

/// Sums of exponential gaps, scaled so that all of them together take as long as even ones.
fn random_places(seed: u64) -> Box<[f64]> {
    let mut random = SmallRng::seed_from_u64(seed ^ 0x0061_7272_6976_616c);
    let mut at = 0.0;
    let mut places: Vec<f64> = (0..GAPS)
        .map(|_| {
            let place = at;
            at -= (1.0 - random.random::<f64>()).ln();
            place
        })
        .collect();
    let scale = GAPS as f64 / at;
    places.iter_mut().for_each(|place| *place *= scale);
    places.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Stage;

    fn pace(arrivals: Arrivals, stages: &[(f64, f64, f64)]) -> Pace {
        let stage = |(to, ramp, hold): &(f64, f64, f64)| Stage {
            to: *to,
            ramp: Duration::from_secs_f64(*ramp),
            hold: Duration::from_secs_f64(*hold),
        };
        Pace { arrivals, stages: stages.iter().map(stage).collect(), ..Pace::default() }
    }

    #[test]
    fn a_ramp_a_step_and_a_hold_bring_as_many_arrivals_as_their_area() {
        // 1 s warm-up at 100; 10 s from 100 to 300 (2000); 5 s at 300 (1500); step to 1000 for 2 s (2000).
        let pace = pace(Arrivals::Constant, &[(300.0, 10.0, 5.0), (1000.0, 0.0, 2.0)]);
        let times = ArrivalTimes::new(100.0, Duration::from_secs(1), &pace, 1);
        for (at_s, arrivals) in [(0, 0), (1, 100), (11, 2_100), (16, 3_600), (18, 5_600), (20, 7_600)] {
            let first = times.first_at(at_s * 1_000_000_000);
            assert!(first.abs_diff(arrivals) <= 1, "after {at_s} s: {first}, not {arrivals}");
        }
        let offsets: Vec<u64> = (0..7_000).map(|slot| times.offset_ns(slot)).collect();
        assert!(offsets.is_sorted());
        assert!(offsets[50].abs_diff(500_000_000) < 10);
    }

    #[test]
    fn poisson_arrivals_come_at_the_mean_rate_with_gaps_as_long_as_their_deviation() {
        let times = ArrivalTimes::new(1_000.0, Duration::ZERO, &pace(Arrivals::Poisson, &[]), 42);
        let offsets: Vec<f64> = (0..50_000).map(|slot| times.offset_ns(slot) as f64).collect();
        assert!(offsets.is_sorted());
        let gaps: Vec<f64> = offsets.windows(2).map(|pair| pair[1] - pair[0]).collect();
        let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
        let deviation = (gaps.iter().map(|gap| (gap - mean).powi(2)).sum::<f64>() / gaps.len() as f64).sqrt();
        assert!((mean / 1e6 - 1.0).abs() < 0.02, "mean gap {mean}");
        assert!((deviation / mean - 1.0).abs() < 0.03, "deviation {deviation} of mean {mean}");
        let first = times.first_at(7_000_000_000);
        assert!(offsets[first as usize] >= 7e9 && offsets[first as usize - 1] < 7e9);
        let other = ArrivalTimes::new(1_000.0, Duration::ZERO, &pace(Arrivals::Poisson, &[]), 43);
        assert_ne!(times.offset_ns(100), other.offset_ns(100), "the seed draws them");
    }
}
