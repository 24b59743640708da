//! The most origin calls that were under way at one moment: what an expiry really does to an origin.
//!
//! Two expiries of a hundred calls each are nothing if the calls come one after another. A service that
//! counts its calls is asked for its high-water mark, which is exact where it rose, and for the calls
//! under way every few milliseconds, which is a lower bound. Where no service is asked, the answers
//! that say that they were made for their own request are laid over each other.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::{Duration, Instant};

use hitmark_schema::Variant;
use hitmark_schema::metrics::{CACHE_ORIGIN_IN_FLIGHT, CACHE_ORIGIN_IN_FLIGHT_PEAK};

use super::stage::Stage;

/// How often the calls under way are asked for.
const EVERY: Duration = Duration::from_millis(10);

/// Does some work, and asks one side's service meanwhile; what the work gave, and the most origin calls
/// at once, if the service tells them.
pub async fn during<T>(
    stage: &Stage<'_>,
    variant: Variant,
    work: impl Future<Output = T>,
) -> (T, Option<u64>) {
    let mark = async || stage.sample(variant, CACHE_ORIGIN_IN_FLIGHT_PEAK.name).await;
    let before = mark().await;
    let most: Mutex<Option<f64>> = Mutex::new(None);
    let sampling = async {
        loop {
            let now = stage.sample(variant, CACHE_ORIGIN_IN_FLIGHT.name).await;
            {
                let mut most = most.lock().unwrap_or_else(PoisonError::into_inner);
                *most = most.into_iter().chain(now).reduce(f64::max);
            }
            tokio::time::sleep(EVERY).await;
        }
    };
    let done = tokio::select! {
        done = work => done,
        never = sampling => never,
    };
    let risen = mark().await.filter(|after| before.is_none_or(|before| *after > before));
    let sampled = most.into_inner().unwrap_or_else(PoisonError::into_inner);
    (done, risen.into_iter().chain(sampled).reduce(f64::max).map(|most| most as u64))
}

/// The most spans of time that lie over one moment. Spans that only touch do not lie over each other.
#[must_use]
pub fn most_at_once(spans: &[(Instant, Instant)]) -> u64 {
    let mut edges: Vec<(Instant, bool)> =
        spans.iter().flat_map(|(from, to)| [(*from, true), (*to, false)]).collect();
    // At the same moment, ends come before beginnings.
    edges.sort_unstable();
    let (mut now, mut most) = (0_u64, 0);
    for (_, begins) in edges {
        now = if begins { now + 1 } else { now.saturating_sub(1) };
        most = most.max(now);
    }
    most
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_count_where_they_lie_over_each_other() {
        let start = Instant::now();
        let span = |from, to| (start + Duration::from_millis(from), start + Duration::from_millis(to));
        for (spans, most) in [
            (vec![], 0),
            (vec![span(0, 10)], 1),
            (vec![span(0, 10), span(10, 20), span(20, 30)], 1),
            (vec![span(0, 10), span(5, 20), span(15, 30)], 2),
            (vec![span(0, 100), span(1, 2), span(50, 60), span(55, 56)], 3),
        ] {
            assert_eq!(most_at_once(&spans), most, "{spans:?}");
        }
    }
}
