//! What the caches of others are told of an answer: browsers, and an edge before the service. The
//! marketplace's document has three kinds: public for an hour, private for five minutes, never kept.
//!
//! A hit has lived already: its `max-age` is what is left of its lifetime, so that two caches in a row
//! keep an answer no longer than one. What is left stands in the answer's own `Cache-Status`.

use std::sync::LazyLock;
use std::time::Duration;

use axum::http::header::CACHE_CONTROL;
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use bytes::Bytes;

use crate::cache_status::CACHE_STATUS;

/// The longest `max-age` whose header is made beforehand, so that a hit costs no formatting.
const PREPARED_S: u64 = 3_600;

static PUBLIC: LazyLock<Vec<HeaderValue>> = LazyLock::new(|| (0..=PREPARED_S).map(max_age).collect());

/// Anybody may keep the answer for what is left of `lifetime`; an error, nobody.
pub(crate) fn public(response: Response, lifetime: Duration) -> Response {
    if response.status() != StatusCode::OK {
        return never(response);
    }
    let status = response.headers().get(CACHE_STATUS).and_then(|value| value.to_str().ok());
    let left_s = left(status.unwrap_or_default(), lifetime.as_secs());
    let header = PUBLIC.get(left_s as usize).cloned().unwrap_or_else(|| max_age(left_s));
    with(response, header)
}

/// Only the reader's own cache may keep the answer, for five minutes.
pub(crate) fn private(response: Response) -> Response {
    with(response, HeaderValue::from_static("private, max-age=300"))
}

/// Nobody may keep the answer.
pub(crate) fn never(response: Response) -> Response {
    with(response, HeaderValue::from_static("no-store"))
}

/// Seconds of the lifetime that a `Cache-Status` leaves: all, unless it was a hit; none, if it was stale.
fn left(status: &str, lifetime_s: u64) -> u64 {
    match status.rsplit_once("ttl=") {
        Some((_, ttl)) => ttl.parse::<i64>().map_or(0, |ttl| ttl.max(0).unsigned_abs()).min(lifetime_s),
        None => lifetime_s,
    }
}

fn max_age(seconds: u64) -> HeaderValue {
    let text = Bytes::from(format!("public, max-age={seconds}"));
    HeaderValue::from_maybe_shared(text).unwrap_or(HeaderValue::from_static("no-store"))
}

fn with(mut response: Response, header: HeaderValue) -> Response {
    response.headers_mut().insert(CACHE_CONTROL, header);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_is_told_by_the_status_and_is_never_more_than_the_lifetime() {
        for (status, left_s) in [
            ("hitmark; fwd=uri-miss; stored", 300),
            ("hitmark; fwd=bypass", 300),
            ("hitmark; hit; ttl=12", 12),
            ("hitmark; hit; ttl=0", 0),
            ("hitmark; hit; ttl=-1", 0),
            ("hitmark; hit; ttl=9999", 300),
            ("hitmark; hit; ttl=soon", 0),
            ("", 300),
        ] {
            assert_eq!(left(status, 300), left_s, "{status}");
        }
    }

    #[test]
    fn an_error_is_kept_by_nobody_and_long_lifetimes_are_told_too() {
        let of = |status: StatusCode, seconds: u64| {
            let mut response = Response::new(axum::body::Body::empty());
            *response.status_mut() = status;
            public(response, Duration::from_secs(seconds)).headers()[CACHE_CONTROL].clone()
        };
        assert_eq!(of(StatusCode::OK, 60), "public, max-age=60");
        assert_eq!(of(StatusCode::OK, 86_400), "public, max-age=86400");
        assert_eq!(of(StatusCode::NOT_FOUND, 60), "no-store");
    }
}
