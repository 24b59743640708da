//! Warming: the requests that a fresh cache would miss first are asked before the service listens to
//! anybody, through its own router, so that what is stored is exactly what is served.

use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use tower::ServiceExt;

/// How many of the popular recommendations are warmed.
const POPULAR: u32 = 20;
/// Warming must not hold up a start for longer.
const LIMIT: Duration = Duration::from_secs(30);

/// What is asked: low numbers are popular.
fn paths() -> impl Iterator<Item = String> {
    let popular = (1..=POPULAR).flat_map(|id| {
        [
            format!("/api/recommendations/{id}"),
            format!("/api/analytics/recommendation/{id}"),
            format!("/api/feedback/recommendation/{id}/summary"),
        ]
    });
    ["/api/recommendations/trending", "/api/health"].into_iter().map(str::to_owned).chain(popular)
}

/// Asks for the critical answers; how many were answered well, before the limit.
pub(crate) async fn warm(router: &Router) -> usize {
    let begun = Instant::now();
    let mut warmed = 0;
    for path in paths().take_while(|_| begun.elapsed() < LIMIT) {
        let Ok(request) = Request::get(&path).body(Body::empty()) else { continue };
        match router.clone().oneshot(request).await {
            Ok(response) if response.status().is_success() => warmed += 1,
            _ => tracing::warn!(path, "could not be warmed"),
        }
    }
    tracing::info!(warmed, seconds = begun.elapsed().as_secs_f64(), "the cache is warm");
    warmed
}
