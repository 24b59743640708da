//! The HTTP client of an operator's requests to edges: a connection of its own for each request, so
//! that times of two requests can be compared, and everything within a time and a size.

use std::time::{Duration, Instant};

use bytes::Bytes;
use hitmark_schema::redact;
use http::{HeaderMap, StatusCode};
use http_body_util::{BodyExt as _, Limited};
use object_store::ClientOptions;
use object_store::client::{HttpClient, HttpConnector as _, HttpRequest, ReqwestConnector};

use super::error::CdnError;
use crate::assets::ASSET_BYTES_MAX;

const TIMEOUT: Duration = Duration::from_secs(10);

/// Sends requests, one connection each.
#[derive(Debug, Clone)]
pub(super) struct Client(HttpClient);

/// A whole answer.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    /// From the request, with its connection, to the head of the answer.
    pub(super) first_byte: Duration,
}

impl Client {
    pub(super) fn new() -> Result<Self, CdnError> {
        let options = ClientOptions::new()
            .with_timeout(TIMEOUT)
            .with_connect_timeout(TIMEOUT)
            .with_allow_http(true)
            .with_http1_only()
            .with_pool_max_idle_per_host(0);
        let client = ReqwestConnector::default().connect(&options);
        client
            .map(Self)
            .map_err(|error| CdnError::Edge { url: "the HTTP client".to_owned(), reason: error.to_string() })
    }

    pub(super) async fn send(&self, request: HttpRequest) -> Result<Answer, CdnError> {
        let url = redact::url(&request.uri().to_string());
        let failed = |reason: String| CdnError::Edge { url: url.clone(), reason };
        let begun = Instant::now();
        let response = self.0.execute(request).await.map_err(|error| failed(with_causes(&error)))?;
        let first_byte = begun.elapsed();
        let (parts, body) = response.into_parts();
        let limit = usize::try_from(ASSET_BYTES_MAX).unwrap_or(usize::MAX);
        let body = Limited::new(body, limit).collect().await;
        let body = body.map_err(|error| failed(format!("the body: {error}")))?.to_bytes();
        Ok(Answer { status: parts.status, headers: parts.headers, body, first_byte })
    }
}

/// An error with the causes that it does not show itself: "connection refused" is the last of them.
fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = error.source();
    }
    text
}
