//! The client behind the cache: one request to the origin over a kept connection, in bounded time.
//!
//! It never fails: what went wrong becomes 502 or 504, which the cache knows as a failing origin.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use hitmark_cache::response::headers;
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{Request, Response, StatusCode, Uri, Version};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tower::Service;

use super::interim::Sender;

/// How long a connection to the origin may take.
const CONNECT: Duration = Duration::from_secs(5);

/// How long an unused connection is kept: shorter than most servers keep theirs.
const IDLE: Duration = Duration::from_secs(4);

/// The most unused connections that are kept.
const MAX_IDLE: usize = 256;

/// The origin as a service.
#[derive(Debug, Clone)]
pub(super) struct Upstream {
    client: Client<HttpConnector, Body>,
    authority: Authority,
    timeout: Duration,
}

impl Upstream {
    pub(super) fn new(authority: Authority, timeout: Duration) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(CONNECT));
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(MAX_IDLE)
            // The client's own Host goes to the origin, which may serve several.
            .set_host(false)
            .build(connector);
        Self { client, authority, timeout }
    }

    /// The request as the origin sees it.
    fn directed(&self, request: Request<Body>) -> Result<Request<Body>, http::Error> {
        let (mut parts, body) = request.into_parts();
        let path = parts.uri.path_and_query().cloned().unwrap_or(PathAndQuery::from_static("/"));
        parts.uri = Uri::builder()
            .scheme(Scheme::HTTP)
            .authority(self.authority.clone())
            .path_and_query(path)
            .build()?;
        parts.version = Version::HTTP_11;
        let interim = parts.extensions.remove::<Sender>();
        let mut request = Request::from_parts(parts, body);
        if let Some(sender) = interim {
            sender.listen(&mut request);
        }
        Ok(request)
    }
}

impl Service<Request<Body>> for Upstream {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let directed = self.directed(request);
        let (client, timeout) = (self.client.clone(), self.timeout);
        Box::pin(async move {
            let Ok(request) = directed else {
                return Ok(failed(StatusCode::BAD_REQUEST, "the request's target cannot be forwarded"));
            };
            Ok(match tokio::time::timeout(timeout, client.request(request)).await {
                Ok(Ok(response)) => passed_on(response),
                Ok(Err(error)) => {
                    tracing::warn!(%error, "the origin failed");
                    failed(StatusCode::BAD_GATEWAY, "the origin could not be reached or broke off")
                }
                Err(_) => {
                    tracing::warn!(?timeout, "the origin did not answer in time");
                    failed(StatusCode::GATEWAY_TIMEOUT, "the origin did not answer in time")
                }
            })
        })
    }
}

fn passed_on(response: Response<hyper::body::Incoming>) -> Response<Body> {
    let (mut parts, body) = response.into_parts();
    headers::remove_hop_by_hop(&mut parts.headers);
    // The reason phrase and the version belong to the origin's connection.
    parts.version = Version::HTTP_11;
    Response::from_parts(parts, Body::new(body))
}

/// An answer of the edge's own.
pub(super) fn failed(status: StatusCode, message: &'static str) -> Response<Body> {
    let mut response = Response::new(Body::from(format!("{message}\n")));
    *response.status_mut() = status;
    let text = http::HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(http::header::CONTENT_TYPE, text);
    response
}
