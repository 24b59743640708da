//! The one place where a request takes the cached or the uncached way. Both end in the same bytes:
//! the cache holds whole serialised bodies, so a hit is a key, a lookup and a response.

use std::time::Duration;

use axum::http::StatusCode;
use axum::response::Response;
use bytes::Bytes;
use hitmark_cache::{Key, Policy};
use serde::Serialize;

use crate::app::Endpoint;
use crate::cache_status::Status;
use crate::freshness;
use crate::media::MediaError;
use crate::reply;
use crate::tasks::TaskError;
use crate::variant::RequestVariant;

/// The longest that an origin may take. A call that is cut off gives its connection back, and a
/// request that waits behind it is answered.
const ORIGIN_TIMEOUT: Duration = Duration::from_secs(30);

/// What a request wants, once its parameters are read.
#[derive(Debug)]
pub(crate) struct Question {
    pub(crate) variant: RequestVariant,
    /// Names everything that the answer depends on.
    pub(crate) key: Key,
    /// How long an answer stays true, and which tables it is read from.
    pub(crate) policy: &'static Policy,
    /// What a 404 says.
    pub(crate) absent: &'static str,
}

/// Why the origin could not answer. The client is told that it was not its fault, no more.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error("the database failed: {0}")]
    Database(#[from] sqlx::Error),
    #[error("the answer could not be written as JSON: {0}")]
    Json(#[from] serde_json::Error),
    #[error(transparent)]
    Media(#[from] MediaError),
    #[error(transparent)]
    Tasks(#[from] TaskError),
    #[error("a mail could not be written: {0}")]
    Mail(#[from] std::io::Error),
    #[error("the database took longer than {} seconds", ORIGIN_TIMEOUT.as_secs())]
    TooSlow,
}

/// The body of an answer.
pub(crate) fn json(value: &impl Serialize) -> Result<Bytes, Failure> {
    // A list of twenty products is about four thousand bytes.
    let mut body = Vec::with_capacity(4_096);
    serde_json::to_writer(&mut body, value)?;
    Ok(body.into())
}

/// The body of an answer about one thing, which may not be there.
pub(crate) fn found(thing: Option<impl Serialize>) -> Result<Bytes, Failure> {
    thing.map_or_else(|| Ok(reply::absent()), |thing| json(&thing))
}

/// Answers from the cache or from the origin, as the request chose. The origin says "there is no
/// such thing" by an empty body, which is cached like any other.
pub(crate) async fn answer<F, Fut>(endpoint: &Endpoint, question: Question, origin: F) -> Response
where
    F: FnOnce(Endpoint) -> Fut + Send + 'static,
    Fut: Future<Output = Result<Bytes, Failure>> + Send + 'static,
{
    let Question { variant, key, policy, absent } = question;
    let own = endpoint.clone();
    let origin = async move || {
        let answered = tokio::time::timeout(ORIGIN_TIMEOUT, origin(own)).await;
        answered.unwrap_or(Err(Failure::TooSlow))
    };
    match variant {
        RequestVariant::Uncached => match origin().await {
            Ok(body) => reply::answered(body, Status::bypass(), absent),
            Err(failure) => failed(endpoint, Some(&failure), &failure),
        },
        RequestVariant::Cached => match endpoint.app.cache.fetch(&key, policy, origin).await {
            Ok(served) => reply::answered(served.value, Status::of(served.source, served.ttl), absent),
            Err(error) => failed(endpoint, error.failed(), &error),
        },
    }
}

/// What a write answers.
pub(crate) fn written(endpoint: &Endpoint, status: StatusCode, value: &impl Serialize) -> Response {
    match json(value) {
        Ok(body) => freshness::never(reply::respond(status, body)),
        Err(failure) => failed(endpoint, Some(&failure), &failure),
    }
}

/// The answer to a request that the origin could not answer.
pub(crate) fn failed(
    endpoint: &Endpoint,
    failure: Option<&Failure>,
    shown: &dyn std::fmt::Display,
) -> Response {
    tracing::error!(route = endpoint.stats.route(), error = %shown, "the request could not be answered");
    match failure {
        Some(
            Failure::TooSlow
            | Failure::Database(sqlx::Error::PoolTimedOut)
            | Failure::Tasks(TaskError::Full(_)),
        ) => reply::overloaded(),
        _ => reply::internal_error(),
    }
}
