//! A limit of requests for the whole service: so many at once, refilled evenly over a minute. It is
//! asked for by configuration only, because a load test behind it would measure the limit.
//!
//! It counts all clients together; a limit for each belongs to the proxy that knows their addresses.

use std::num::NonZeroU32;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};

use crate::reply;

/// The routes behind a limit.
pub(crate) fn limited(router: Router, requests_per_minute: NonZeroU32) -> Router {
    let limiter = Arc::new(RateLimiter::direct(Quota::per_minute(requests_per_minute)));
    router.layer(from_fn_with_state(limiter, check))
}

async fn check(
    State(limiter): State<Arc<DefaultDirectRateLimiter>>,
    request: Request,
    next: Next,
) -> Response {
    let Err(refused) = limiter.check() else { return next.run(request).await };
    // Whole seconds, rounded up: a client that waits as long as it is told is let in.
    let seconds = refused.wait_time_from(DefaultClock::default().now()).as_secs_f64().ceil() as u64;
    let mut response = reply::error(StatusCode::TOO_MANY_REQUESTS, "too many requests; wait for Retry-After");
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds.max(1)));
    response
}
