//! What happens to a request before the cache and to an answer after it: fields of one connection
//! go, `Via` and `X-Forwarded-For` grow. Everything else passes as it came.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::body::Body;
use hitmark_cache::response::{CachedBody, ResponseCache, ResponseCacheLayer, headers};
use http::header::{EXPECT, HOST, HeaderName, VIA};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use tower::{Layer as _, ServiceExt as _};

use super::admin::Admin;
use super::interim::Outlet;
use super::origin::{self, Upstream};

/// How `Via` and `Cache-Status` name this hop.
pub(super) const NAME: &str = "hitmark";

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The answers of an edge.
pub(super) type Answer = Response<CachedBody<Body>>;

/// Everything that a connection needs.
#[derive(Debug, Clone)]
pub(super) struct Proxy {
    cached: ResponseCache<Upstream>,
    admin: Arc<Admin>,
}

impl Proxy {
    pub(super) fn new(layer: ResponseCacheLayer, upstream: Upstream, purge_token: Option<String>) -> Self {
        let cached = layer.layer(upstream);
        Self { cached, admin: Arc::new(Admin::new(layer, purge_token)) }
    }

    /// Answers one request of a client at `peer`.
    pub(super) async fn answer(
        self,
        request: Request<Incoming>,
        peer: SocketAddr,
        outlet: Outlet,
    ) -> Result<Answer, Infallible> {
        if let Some(answer) = self.admin.answer(&request).await {
            return Ok(answer.map(CachedBody::passing));
        }
        if request.method() == Method::CONNECT {
            let refused = origin::failed(StatusCode::METHOD_NOT_ALLOWED, "the edge is no tunnel");
            return Ok(refused.map(CachedBody::passing));
        }
        let mut request = request.map(Body::new);
        let authority = request.uri().authority().and_then(|host| HeaderValue::from_str(host.as_str()).ok());
        prepare(request.headers_mut(), authority, peer);
        if request.headers().get_all(HOST).iter().count() != 1 {
            let refused = origin::failed(StatusCode::BAD_REQUEST, "a request must name one host");
            return Ok(refused.map(CachedBody::passing));
        }
        let (open, sender) = Outlet::open(request.version());
        if let Some(sender) = sender {
            request.extensions_mut().insert(sender);
        }
        let mut answer = outlet.relay(open, self.cached.oneshot(request)).await?;
        append_via(answer.headers_mut());
        Ok(answer)
    }
}

/// `authority` is that of the request's target. It takes the place of `Host` (RFC 9112 §3.2.2): with
/// two voices, the cache would keep under one host what the origin answered for another.
fn prepare(headers: &mut HeaderMap, authority: Option<HeaderValue>, peer: SocketAddr) {
    headers::remove_hop_by_hop(headers);
    if let Some(authority) = authority {
        headers.insert(HOST, authority);
    }
    // The server side answers 100 itself, once the body is wanted.
    headers.remove(EXPECT);
    append_via(headers);
    if let Ok(peer) = HeaderValue::from_str(&peer.ip().to_canonical().to_string()) {
        headers.append(X_FORWARDED_FOR, peer);
    }
}

fn append_via(headers: &mut HeaderMap) {
    headers.append(VIA, HeaderValue::from_static("1.1 hitmark"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_loses_its_connection_and_gains_a_trace() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("connection", "x-a"),
            ("host", "other.test"),
            ("x-a", "1"),
            ("expect", "100-continue"),
            ("via", "1.0 before"),
            ("x-forwarded-for", "192.0.2.1"),
        ] {
            headers.append(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        let host = Some(HeaderValue::from_static("shop.test"));
        prepare(&mut headers, host, "[::ffff:198.51.100.7]:4711".parse().expect("an address"));
        let all = |name: &str| {
            headers.get_all(name).iter().filter_map(|value| value.to_str().ok()).collect::<Vec<_>>()
        };
        assert_eq!(all("host"), ["shop.test"]);
        assert_eq!(all("via"), ["1.0 before", "1.1 hitmark"]);
        assert_eq!(all("x-forwarded-for"), ["192.0.2.1", "198.51.100.7"]);
        assert!(!headers.contains_key("x-a") && !headers.contains_key("expect"));
    }
}
