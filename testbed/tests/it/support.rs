//! Starting a small testbed, and asking its router without a socket.

use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use bytes::Bytes;
use hitmark_testbed::{SeedSize, Testbed, TestbedConfig};
use http_body_util::BodyExt;
use tower::ServiceExt;

/// A small configuration on a free port.
pub(crate) fn small() -> TestbedConfig {
    TestbedConfig {
        listen: "127.0.0.1:0".parse().expect("an address"),
        seed_size: SeedSize::Small,
        ..TestbedConfig::default()
    }
}

pub(crate) async fn start(config: TestbedConfig) -> Testbed {
    Testbed::start(config, |_| {}).await.expect("a testbed")
}

/// A whole response.
#[derive(Debug, PartialEq)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) cache_status: String,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).expect("a JSON body")
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("a text body")
    }
}

pub(crate) async fn ask(router: &Router, path: &str, headers: &[(&str, &str)]) -> Answer {
    ask_with(router, Method::GET, path, headers).await
}

pub(crate) async fn ask_with(
    router: &Router,
    method: Method,
    path: &str,
    headers: &[(&str, &str)],
) -> Answer {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Body::empty()).expect("a request");
    let response = router.clone().oneshot(request).await.expect("a router always answers");
    let header = response.headers().get("cache-status").map(|value| value.to_str().expect("text").to_owned());
    Answer {
        status: response.status(),
        cache_status: header.unwrap_or_default(),
        body: response.into_body().collect().await.expect("a body").to_bytes(),
    }
}

pub(crate) const UNCACHED: &[(&str, &str)] = &[("hitmark-variant", "uncached")];
