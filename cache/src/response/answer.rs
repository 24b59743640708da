//! Answers: what is sent for an entry, for an origin's response, and for a request that neither fits.

use std::time::Duration;

use bytes::Bytes;
use hitmark_schema::cache_status::CacheStatus;
use http::header::{AGE, CONTENT_LENGTH, HeaderValue};
use http::request::Parts;
use http::{HeaderMap, Method, Response, StatusCode, response};
use http_body::Body;

use super::body::CachedBody;
use super::entry::Entry;
use super::range;
use super::status;
use super::validation;

/// A stored response as the answer to a request: whole, a part of it, its headers, or a 304.
pub(super) fn of_entry<B: Body>(
    entry: &Entry,
    age: Duration,
    request: &Parts,
    line: &CacheStatus,
) -> Response<CachedBody<B>> {
    let mut headers = entry.headers.clone();
    headers.insert(AGE, HeaderValue::from(age.as_secs()));
    status::append(&mut headers, line);
    let (mut code, mut body) = (entry.status, entry.body.clone());
    if validation::is_not_modified(&request.headers, code, &headers, entry.received) {
        return built(not_modified(&mut code, &mut headers), headers, Bytes::new());
    }
    if code == StatusCode::OK {
        let part = range::part(&request.method, &request.headers, &headers, body.len());
        body = range::take(&part, &mut code, &mut headers, body);
    }
    if request.method == Method::HEAD {
        headers.entry(CONTENT_LENGTH).or_insert(HeaderValue::from(body.len()));
        body = Bytes::new();
    }
    built(code, headers, body)
}

/// The origin's response. Where the client's condition was replaced by the cache's own, it is
/// judged here.
pub(super) fn of_origin<B: Body>(
    parts: response::Parts,
    body: CachedBody<B>,
    condition_was_replaced: bool,
    request: &Parts,
    line: &CacheStatus,
) -> Response<CachedBody<B>> {
    let mut parts = parts;
    status::append(&mut parts.headers, line);
    let received = std::time::SystemTime::now();
    if condition_was_replaced
        && request.method == Method::GET
        && validation::is_not_modified(&request.headers, parts.status, &parts.headers, received)
    {
        parts.status = not_modified(&mut parts.status, &mut parts.headers);
        return Response::from_parts(parts, CachedBody::whole(Bytes::new()));
    }
    Response::from_parts(parts, body)
}

/// 504: the client wanted a stored answer or none, and there is none (RFC 9111 §5.2.1.7).
pub(super) fn only_if_cached<B: Body>(name: &str) -> Response<CachedBody<B>> {
    let mut headers = HeaderMap::new();
    let line = CacheStatus {
        cache: name.to_owned(),
        detail: Some("only-if-cached".to_owned()),
        ..CacheStatus::default()
    };
    status::append(&mut headers, &line);
    built(StatusCode::GATEWAY_TIMEOUT, headers, Bytes::new())
}

fn not_modified(code: &mut StatusCode, headers: &mut HeaderMap) -> StatusCode {
    validation::keep_for_not_modified(headers);
    *code = StatusCode::NOT_MODIFIED;
    *code
}

fn built<B: Body>(code: StatusCode, headers: HeaderMap, body: Bytes) -> Response<CachedBody<B>> {
    let mut response = Response::new(CachedBody::whole(body));
    *response.status_mut() = code;
    *response.headers_mut() = headers;
    response
}
