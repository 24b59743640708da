//! Requests to the edge itself: `PURGE` of a target, its metrics, its health.
//!
//! `PURGE` needs `Authorization: Bearer TOKEN`. It answers 403 if the edge has no token or was given
//! another, 401 without one, 404 if nothing was stored, 200 if it is gone, 503 if the cache could
//! not be asked.

use axum::body::Body;
use hitmark_cache::response::ResponseCacheLayer;
use hitmark_schema::exposition;
use http::header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use subtle::ConstantTimeEq as _;

use super::origin::failed;

/// The folder of the edge's own pages; the origin's under it cannot be reached.
const FOLDER: &str = "/.hitmark/";

/// Answers requests to the edge itself.
#[derive(Debug)]
pub(super) struct Admin {
    layer: ResponseCacheLayer,
    token: Option<Token>,
}

/// A secret: it is compared in constant time, and `Debug` does not show it.
struct Token(String);

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token")
    }
}

impl Admin {
    pub(super) fn new(layer: ResponseCacheLayer, token: Option<String>) -> Self {
        Self { layer, token: token.map(Token) }
    }

    /// The answer, if the request is for the edge itself.
    pub(super) async fn answer<B>(&self, request: &Request<B>) -> Option<Response<Body>> {
        if request.method().as_str() == "PURGE" {
            let answer = match self.refusal(request.headers()) {
                Some(refusal) => refusal,
                None => self.purge(request).await,
            };
            return Some(answer);
        }
        let page = request.uri().path().strip_prefix(FOLDER)?;
        let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
        let mut answer = match (page, is_read) {
            ("metrics", true) => self.metrics(),
            ("healthz", true) => failed(StatusCode::OK, "ok"),
            (_, true) => failed(StatusCode::NOT_FOUND, "the edge has the pages metrics and healthz"),
            (_, false) => failed(StatusCode::METHOD_NOT_ALLOWED, "the edge's own pages can only be read"),
        };
        answer.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        Some(answer)
    }

    fn refusal(&self, headers: &HeaderMap) -> Option<Response<Body>> {
        let Some(Token(token)) = &self.token else {
            return Some(failed(StatusCode::FORBIDDEN, "this edge was started without a purge token"));
        };
        let Some(given) = bearer(headers) else {
            let mut refusal = failed(StatusCode::UNAUTHORIZED, "send Authorization: Bearer TOKEN");
            refusal.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            return Some(refusal);
        };
        let is_right = bool::from(given.ct_eq(token.as_bytes()));
        (!is_right).then(|| failed(StatusCode::FORBIDDEN, "the token is not the purge token"))
    }

    async fn purge<B>(&self, request: &Request<B>) -> Response<Body> {
        let mut target = Request::new(());
        *target.uri_mut() = request.uri().clone();
        *target.headers_mut() = request.headers().clone();
        match self.layer.purge(&target.into_parts().0).await {
            Ok(true) => failed(StatusCode::OK, "purged"),
            Ok(false) => failed(StatusCode::NOT_FOUND, "nothing was stored"),
            Err(error) => {
                tracing::warn!(%error, "a purge failed");
                failed(StatusCode::SERVICE_UNAVAILABLE, "the cache could not be asked")
            }
        }
    }

    fn metrics(&self) -> Response<Body> {
        let mut page = String::with_capacity(8 * 1024);
        exposition::encode(&self.layer.families(), &mut page);
        let mut response = Response::new(Body::from(page));
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(exposition::CONTENT_TYPE));
        response
    }
}

fn bearer(headers: &HeaderMap) -> Option<&[u8]> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim().as_bytes())
}
