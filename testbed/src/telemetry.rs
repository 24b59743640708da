//! Counts by route: requests, their time, their queries. The labels are matched routes and closed
//! lists, so a client cannot make new series. Counting takes no lock and allocates nothing.

use std::array;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::Response;
use hitmark_schema::Outcome;
use hitmark_schema::exposition::{Family, Sample, Value};
use hitmark_schema::metrics::{
    TESTBED_QUERIES, TESTBED_REQUEST_SECONDS, TESTBED_REQUESTS, TESTBED_SLOW_REQUESTS,
};

/// Upper bounds of the buckets, from a hit in the process to a query that went wrong.
const BOUNDS_NS: [u64; 16] = [
    20_000,
    50_000,
    100_000,
    250_000,
    500_000,
    1_000_000,
    2_500_000,
    5_000_000,
    10_000_000,
    25_000_000,
    50_000_000,
    100_000_000,
    250_000_000,
    500_000_000,
    1_000_000_000,
    2_500_000_000,
];
const STATUS_CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];
const NANOSECONDS: f64 = 1e9;
/// From when on a request is slow, unless the configuration says otherwise.
pub(crate) const SLOW_AFTER: Duration = Duration::from_secs(5);

/// The counts of every route.
#[derive(Debug)]
pub(crate) struct Telemetry {
    /// From when on a request is told in the log and counted as slow.
    slow_after: Duration,
    // Locked when a router is made and when the page is written, never by a request.
    routes: Mutex<Vec<Arc<RouteStats>>>,
}

/// The counts of one route.
#[derive(Debug)]
pub(crate) struct RouteStats {
    route: &'static str,
    slow_after: Duration,
    slow: AtomicU64,
    requests: [[AtomicU64; Outcome::ALL.len()]; STATUS_CLASSES.len()],
    /// One for each bound, and one for what is above them all.
    buckets: [AtomicU64; BOUNDS_NS.len() + 1],
    sum_ns: AtomicU64,
    queries: AtomicU64,
}

impl Default for Telemetry {
    /// Slow from five seconds on, as the seeds say.
    fn default() -> Self {
        Self::new(SLOW_AFTER)
    }
}

impl Telemetry {
    pub(crate) fn new(slow_after: Duration) -> Self {
        Self { slow_after, routes: Mutex::default() }
    }

    /// The counts of a route, new ones if it is not known yet.
    pub(crate) fn route(&self, route: &'static str) -> Arc<RouteStats> {
        let mut routes = self.routes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = routes.iter().find(|known| known.route == route) {
            return Arc::clone(known);
        }
        let stats = Arc::new(RouteStats::new(route, self.slow_after));
        routes.push(Arc::clone(&stats));
        stats
    }

    /// Everything that was counted.
    pub(crate) fn families(&self) -> Vec<Family> {
        let routes = self.routes.lock().unwrap_or_else(PoisonError::into_inner);
        let mut requests = Family::new(TESTBED_REQUESTS);
        let mut seconds = Family::new(TESTBED_REQUEST_SECONDS);
        let mut queries = Family::new(TESTBED_QUERIES);
        let mut slow = Family::new(TESTBED_SLOW_REQUESTS);
        for stats in routes.iter() {
            stats.push_requests(&mut requests);
            seconds.samples.push(stats.histogram());
            slow.push(&[("route", stats.route)], stats.slow.load(Relaxed) as f64);
            queries.push(&[("route", stats.route)], stats.queries.load(Relaxed) as f64);
        }
        vec![requests, seconds, queries, slow]
    }
}

/// Counts one request for its route when its response is ready.
pub(crate) async fn observe(State(stats): State<Arc<RouteStats>>, request: Request, next: Next) -> Response {
    let begun = Instant::now();
    let response = next.run(request).await;
    let outcome = response.extensions().get().copied().unwrap_or(Outcome::Unknown);
    stats.count_request(response.status(), outcome, begun.elapsed());
    response
}

impl RouteStats {
    fn new(route: &'static str, slow_after: Duration) -> Self {
        Self {
            route,
            slow_after,
            slow: AtomicU64::new(0),
            requests: array::from_fn(|_| array::from_fn(|_| AtomicU64::new(0))),
            buckets: array::from_fn(|_| AtomicU64::new(0)),
            sum_ns: AtomicU64::new(0),
            queries: AtomicU64::new(0),
        }
    }

    /// The route as it was declared.
    pub(crate) fn route(&self) -> &'static str {
        self.route
    }

    /// Counts a query that is about to be sent.
    pub(crate) fn count_query(&self) {
        self.queries.fetch_add(1, Relaxed);
    }

    fn count_request(&self, status: StatusCode, outcome: Outcome, time: Duration) {
        let class = usize::from(status.as_u16() / 100).clamp(1, STATUS_CLASSES.len()) - 1;
        let time_ns = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        self.log_request(status, outcome, time);
        let bucket = BOUNDS_NS.partition_point(|bound| *bound < time_ns);
        self.requests[class][outcome.index()].fetch_add(1, Relaxed);
        self.buckets[bucket].fetch_add(1, Relaxed);
        self.sum_ns.fetch_add(time_ns, Relaxed);
    }

    /// A line for each request, for whoever asks for the target `request`, and for slow ones in any case.
    fn log_request(&self, status: StatusCode, outcome: Outcome, time: Duration) {
        let (route, status, outcome) = (self.route, status.as_u16(), outcome.as_str());
        if time >= self.slow_after {
            self.slow.fetch_add(1, Relaxed);
            tracing::warn!(route, status, outcome, elapsed_ms = milliseconds(time), "a slow request");
        }
        tracing::info!(target: "request", route, status, outcome, elapsed_ms = milliseconds(time), "answered");
    }

    /// Looks at the time of one try of a task, which is no request but may be as slow.
    pub(crate) fn watch_task(&self, task: &'static str, time: Duration) {
        if time >= self.slow_after {
            self.slow.fetch_add(1, Relaxed);
            tracing::warn!(route = self.route, task, elapsed_ms = milliseconds(time), "a slow task");
        }
    }

    /// Combinations that never occurred have no sample.
    fn push_requests(&self, family: &mut Family) {
        for (class, by_outcome) in STATUS_CLASSES.iter().zip(&self.requests) {
            for (outcome, count) in Outcome::ALL.iter().zip(by_outcome) {
                let count = count.load(Relaxed);
                if count > 0 {
                    let labels = [("route", self.route), ("status", *class), ("outcome", outcome.as_str())];
                    family.push(&labels, count as f64);
                }
            }
        }
    }

    fn histogram(&self) -> Sample {
        // The count is the sum of the buckets as read, so that the page never contradicts itself.
        let mut count = 0;
        let mut buckets = Vec::with_capacity(BOUNDS_NS.len());
        for (place, bucket) in self.buckets.iter().enumerate() {
            count += bucket.load(Relaxed);
            if let Some(bound_ns) = BOUNDS_NS.get(place) {
                buckets.push((*bound_ns as f64 / NANOSECONDS, count));
            }
        }
        let sum = self.sum_ns.load(Relaxed) as f64 / NANOSECONDS;
        Sample {
            labels: vec![("route", self.route.to_owned())],
            value: Value::Histogram { buckets, count, sum },
        }
    }
}

/// With three decimals.
fn milliseconds(time: Duration) -> f64 {
    time.as_micros() as f64 / 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_falls_into_the_bucket_whose_bound_it_does_not_pass() {
        let stats = RouteStats::new("/x", Duration::from_secs(1));
        for (nanoseconds, times) in [(0, 1), (20_000, 1), (20_001, 1), (2_500_000_001, 1)] {
            for _ in 0..times {
                stats.count_request(StatusCode::OK, Outcome::Hit, Duration::from_nanos(nanoseconds));
            }
        }
        let Value::Histogram { buckets, count, .. } = stats.histogram().value else { panic!("a histogram") };
        assert_eq!(count, 4);
        assert_eq!(stats.slow.load(Relaxed), 1, "one took longer than a second");
        stats.watch_task("a task", Duration::from_millis(999));
        stats.watch_task("a task", Duration::from_secs(1));
        assert_eq!(stats.slow.load(Relaxed), 2, "tasks are watched too");
        assert_eq!(buckets[0], (0.00002, 2));
        assert_eq!(buckets[1], (0.00005, 3));
        assert_eq!(buckets[15], (2.5, 3));
    }

    #[test]
    fn a_route_keeps_its_counts_when_a_second_router_is_made() {
        let telemetry = Telemetry::default();
        telemetry.route("/x").count_query();
        telemetry.route("/x").count_query();
        assert_eq!(telemetry.families()[2].samples.len(), 1);
        assert_eq!(telemetry.families()[2].samples[0].value, Value::Number(2.0));
    }
}
