//! Requests that are never answered from the store: passed on as they are. An unsafe method that
//! succeeds makes what is stored about its resource void (RFC 9111 §4.4).

use hitmark_schema::cache_status::Forward;
use http::header::{CONTENT_LOCATION, LOCATION};
use http::request::Parts;
use http::{HeaderMap, Method, Response};
use http_body::Body;

use super::body::CachedBody;
use super::counters::{Answer, Cause};
use super::service::Shared;
use super::{status, uri};

/// Methods that change nothing (RFC 9110 §9.2.1 and the registry of methods). An unknown one may.
const SAFE: [&str; 8] = ["GET", "HEAD", "OPTIONS", "TRACE", "QUERY", "PROPFIND", "REPORT", "SEARCH"];

/// The answer to a request that was passed on, after what it made void is gone.
pub(super) async fn passed_on<B: Body>(
    shared: &Shared,
    request: &Parts,
    why: Forward,
    response: Response<B>,
) -> Response<CachedBody<B>> {
    let is_done = response.status().is_success() || response.status().is_redirection();
    if is_done && !is_safe(&request.method) {
        invalidate(shared, request, response.headers().clone()).await;
    }
    shared.counters.answered(Answer::Bypass);
    let line = status::forwarded(&shared.config.name, why, Some(response.status()));
    let (mut parts, body) = response.into_parts();
    status::append(&mut parts.headers, &line);
    Response::from_parts(parts, CachedBody::passing(body))
}

fn is_safe(method: &Method) -> bool {
    SAFE.contains(&method.as_str())
}

/// Removes the resource itself and those of the same origin that the answer names.
async fn invalidate(shared: &Shared, request: &Parts, response: HeaderMap) {
    let scheme = shared.config.scheme;
    let named = [LOCATION, CONTENT_LOCATION].into_iter().filter_map(|name| {
        let reference = response.get(name)?.to_str().ok()?;
        uri::of_reference(reference, request, scheme)
    });
    let mut resources: Vec<_> = uri::of_request(request, scheme).into_iter().chain(named).collect();
    resources.dedup();
    for resource in resources {
        shared.flights.detach(&resource);
        match shared.shelf.remove(&resource).await {
            Ok(removed) => shared.counters.invalidated(Cause::Method, removed),
            Err(error) => tracing::warn!(%error, "a changed resource may be served stale"),
        }
    }
}
