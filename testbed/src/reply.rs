//! Responses. All are JSON; errors say what to do and nothing about the inside of the service.

use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use bytes::Bytes;
use hitmark_schema::Outcome;
use serde_json::json;

use crate::cache_status::{CACHE_STATUS, Status};
use crate::changes::Cleared;
use crate::parameters::Mistakes;

const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// The body by which an origin says that there is no such thing.
pub(crate) fn absent() -> Bytes {
    Bytes::new()
}

/// An answer from the cache or the origin; an empty body becomes a 404 that says why.
pub(crate) fn answered(body: Bytes, status: Status, absent: &str) -> Response {
    let mut response = match body.is_empty() {
        false => respond(StatusCode::OK, body),
        true => error(StatusCode::NOT_FOUND, absent),
    };
    response.headers_mut().insert(CACHE_STATUS, status.header);
    response.extensions_mut().insert(status.outcome);
    response
}

/// 400 with every mistake.
pub(crate) fn bad_request(mistakes: &Mistakes) -> Response {
    let body = json!({ "error": "the request has bad parameters", "mistakes": mistakes });
    failed(respond(StatusCode::BAD_REQUEST, body.to_string().into()))
}

/// The same, by value, for `map_err`.
#[expect(clippy::needless_pass_by_value, reason = "it ends the life of the mistakes in map_err")]
pub(crate) fn bad(mistakes: Mistakes) -> Response {
    bad_request(&mistakes)
}

/// 400 with one sentence.
pub(crate) fn bad_header(message: &str) -> Response {
    failed(error(StatusCode::BAD_REQUEST, message))
}

/// 401: the request does not say who asks.
pub(crate) fn who_asks(message: &str) -> Response {
    failed(error(StatusCode::UNAUTHORIZED, message))
}

/// 404 for a thing that a write names and that is not there.
pub(crate) fn not_found(message: &str) -> Response {
    failed(error(StatusCode::NOT_FOUND, message))
}

/// 415: the body is of no kind that is taken.
pub(crate) fn unsupported(message: &str) -> Response {
    failed(error(StatusCode::UNSUPPORTED_MEDIA_TYPE, message))
}

/// 404 for a path that leads nowhere.
pub(crate) async fn no_such_path() -> Response {
    failed(error(StatusCode::NOT_FOUND, "there is no such path; /openapi.json lists them"))
}

/// 500.
pub(crate) fn internal_error() -> Response {
    failed(error(StatusCode::INTERNAL_SERVER_ERROR, "the service could not answer; its log says why"))
}

/// 503: no database connection became free in time, or too many tasks wait.
pub(crate) fn overloaded() -> Response {
    let mut response = error(StatusCode::SERVICE_UNAVAILABLE, "the service is busy; try again");
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
    failed(response)
}

/// A JSON body with a status.
pub(crate) fn respond(status: StatusCode, body: Bytes) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, JSON);
    response
}

/// What a write answers that only clears: how many cached answers went, and whether all could be asked for.
pub(crate) fn cleared(status: StatusCode, cleared: Cleared) -> Response {
    let body = json!({ "cleared_entries": cleared.entries, "cache_is_fresh": cleared.is_fresh });
    respond(status, body.to_string().into())
}

/// An error with one sentence.
pub(crate) fn error(status: StatusCode, message: &str) -> Response {
    respond(status, json!({ "error": message }).to_string().into())
}

/// The media type of a body that is no JSON; errors stay what they are.
pub(crate) fn of_type(mut response: Response, media_type: &'static str) -> Response {
    if response.status() == StatusCode::OK {
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    }
    response
}

fn failed(mut response: Response) -> Response {
    response.extensions_mut().insert(Outcome::Error);
    response
}
