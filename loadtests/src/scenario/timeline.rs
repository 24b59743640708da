//! A load seen as a sequence of super-blocks: hit ratio, errors and p99 before, during and after.

use hitmark_schema::measurement::latency_histogram;
use hitmark_schema::scenario::{Point, Series};
use hitmark_schema::{Outcome, SuperBlock, Timing, Unit};

/// One super-block of one side, as a point in time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Moment {
    /// Its beginning, in seconds from the beginning of the first one.
    pub from_s: f64,
    /// Its end.
    pub to_s: f64,
    /// Requests.
    pub requests: u64,
    /// Failed ones.
    pub errors: u64,
    /// Answers out of the cache over answers that asked it; none if nothing asked it.
    pub hit_ratio: Option<f64>,
    /// The 99th percentile of all latencies, failed requests included, in seconds.
    pub p99_s: Option<f64>,
    /// Answers that say that the origin was called for them.
    pub misses: u64,
    /// Origin calls, by the service; none if it was not asked.
    pub origin_calls: Option<u64>,
}

/// The super-blocks of one side as moments, in order.
#[must_use]
pub fn moments<'b>(blocks: impl IntoIterator<Item = &'b SuperBlock>) -> Vec<Moment> {
    let blocks: Vec<&SuperBlock> = blocks.into_iter().collect();
    let began = blocks.first().map_or(0, |block| block.started_unix_ns);
    blocks.into_iter().map(|block| moment(block, began)).collect()
}

fn moment(block: &SuperBlock, began_unix_ns: u64) -> Moment {
    let from_s = block.started_unix_ns.saturating_sub(began_unix_ns) as f64 / 1e9;
    let all = block.merged(Timing::Body, |_| true);
    let misses = block.count(Outcome::Miss) + block.count(Outcome::Bypass);
    Moment {
        from_s,
        to_s: from_s + block.duration_ns as f64 / 1e9,
        requests: block.counters.requests,
        errors: block.counters.errors_total(),
        hit_ratio: hit_ratio([block]),
        p99_s: (!all.is_empty()).then(|| all.value_at_quantile(0.99) as f64 / 1e9),
        misses,
        origin_calls: block.counters.origin_calls,
    }
}

/// Answers out of the cache, stale ones among them, over answers that asked it. Failed requests do not
/// count, as everywhere: who asks whether a cache is back must look at them too.
pub fn hit_ratio<'b>(blocks: impl IntoIterator<Item = &'b SuperBlock>) -> Option<f64> {
    let (mut hits, mut asked) = (0, 0);
    for block in blocks {
        for outcome in Outcome::ALL {
            let count = block.count(outcome);
            match outcome {
                Outcome::Hit | Outcome::Stale | Outcome::Revalidated => {
                    hits += count;
                    asked += count;
                }
                Outcome::Miss => asked += count,
                Outcome::Bypass | Outcome::Unknown | Outcome::Error => {}
            }
        }
    }
    (asked > 0).then(|| hits as f64 / asked as f64)
}

/// A quantile of all latencies of some super-blocks, in seconds; none without requests.
pub fn quantile_s<'b>(blocks: impl IntoIterator<Item = &'b SuperBlock>, quantile: f64) -> Option<f64> {
    let mut sum = latency_histogram();
    for block in blocks {
        // Equal bounds by construction, so adding cannot fail.
        let _ = sum.add(block.merged(Timing::Body, |_| true));
    }
    (!sum.is_empty()).then(|| sum.value_at_quantile(quantile) as f64 / 1e9)
}

/// Failed requests of a moment at most, as one of so many, if it is to count as healthy.
const FAILED_ONE_OF: u64 = 20;

/// When the hit ratio has reached a level for good: the first moment of which, and of the next, it is at
/// least `level` while hardly a request fails. A single lucky moment does not count.
#[must_use]
pub fn reached(moments: &[Moment], level: f64) -> Option<usize> {
    let is_there = |moment: &Moment| {
        moment.hit_ratio.is_some_and(|ratio| ratio >= level)
            && moment.errors * FAILED_ONE_OF <= moment.requests
    };
    (0..moments.len()).find(|place| is_there(&moments[*place]) && moments.get(place + 1).is_none_or(is_there))
}

/// Points of a curve at most.
pub const POINTS_MAX: usize = 600;

/// The curve of one quantity over the seconds of a load, of [`POINTS_MAX`] points at most: of a longer
/// load, several moments become one, with the mean of their values, and of times the highest.
#[must_use]
pub fn series(name: &str, unit: Unit, moments: &[Moment], value: impl Fn(&Moment) -> Option<f64>) -> Series {
    let point = |part: &[Moment]| {
        let values: Vec<f64> = part.iter().filter_map(&value).collect();
        let value = match unit {
            Unit::Seconds => values.into_iter().reduce(f64::max),
            _ => super::interval::mean(&values),
        };
        Point::plain(part[0].from_s, value)
    };
    let each = moments.len().div_ceil(POINTS_MAX).max(1);
    Series {
        name: name.to_owned(),
        unit,
        over: "seconds".to_owned(),
        points: moments.chunks(each).map(point).collect(),
    }
}

/// Origin calls each second, as a curve.
#[must_use]
pub fn origin_rate(moments: &[Moment]) -> Series {
    series("origin calls", Unit::PerSecond, moments, |moment| {
        let seconds = moment.to_s - moment.from_s;
        (seconds > 0.0).then(|| origin_calls(std::slice::from_ref(moment)) as f64 / seconds)
    })
}

/// Gives the first moment what the service counted over the whole load and no later moment has: in an
/// open load the first super-block has no count before it to begin from.
pub fn complete(moments: &mut [Moment], counted: Option<u64>) {
    let later: Option<u64> = moments.iter().skip(1).map(|moment| moment.origin_calls).sum();
    if let (Some(first), Some(counted), Some(later)) = (moments.first_mut(), counted, later)
        && first.origin_calls.is_none()
    {
        first.origin_calls = counted.checked_sub(later);
    }
}

/// Origin calls of some moments: by the service if it told all of them, else by the answers.
#[must_use]
pub fn origin_calls(moments: &[Moment]) -> u64 {
    let told: Option<u64> = moments.iter().map(|moment| moment.origin_calls).sum();
    told.unwrap_or_else(|| moments.iter().map(|moment| moment.misses).sum())
}

/// The hit ratio over some moments, each weighed by its requests; none if nothing asked the cache.
#[must_use]
pub fn mean_hit_ratio(moments: &[Moment]) -> Option<f64> {
    let asked = || moments.iter().filter_map(|moment| Some((moment.hit_ratio?, moment.requests as f64)));
    let requests: f64 = asked().map(|(_, requests)| requests).sum();
    (requests > 0.0).then(|| asked().map(|(ratio, requests)| ratio * requests).sum::<f64>() / requests)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Moments of a second each with these hit ratios.
    pub(crate) fn of(ratios: &[f64]) -> Vec<Moment> {
        let moment = |(place, ratio): (usize, &f64)| Moment {
            from_s: place as f64,
            to_s: place as f64 + 1.0,
            requests: 100,
            errors: 0,
            hit_ratio: Some(*ratio),
            p99_s: Some(0.001),
            misses: 100 - (100.0 * ratio) as u64,
            origin_calls: None,
        };
        ratios.iter().enumerate().map(moment).collect()
    }

    #[test]
    fn a_level_is_reached_where_it_stays_for_two_moments() {
        assert_eq!(reached(&of(&[0.1, 0.95, 0.2, 0.9, 0.91, 0.99]), 0.9), Some(3));
        assert_eq!(reached(&of(&[0.1, 0.5, 0.95]), 0.9), Some(2), "the last one has no next");
        assert_eq!(reached(&of(&[0.1, 0.2]), 0.9), None);
        assert_eq!(reached(&[], 0.9), None);
        let mut failing = of(&[1.0, 1.0, 1.0, 1.0]);
        (failing[0].errors, failing[1].errors) = (99, 6);
        assert_eq!(reached(&failing, 0.9), Some(2), "one hit among failures is no recovery");
    }

    #[test]
    fn the_first_moment_gets_what_no_later_one_has_and_a_gap_falls_back_to_the_answers() {
        let mut moments = of(&[0.5, 0.9, 1.0]);
        (moments[1].origin_calls, moments[2].origin_calls) = (Some(7), Some(0));
        assert_eq!(origin_calls(&moments), 60, "misses: 50 + 10 + 0");
        complete(&mut moments, Some(20));
        assert_eq!((moments[0].origin_calls, origin_calls(&moments)), (Some(13), 20));
        complete(&mut moments, Some(99));
        assert_eq!(moments[0].origin_calls, Some(13), "what was counted stays");
        assert_eq!(mean_hit_ratio(&moments), Some(0.8));
    }
}
