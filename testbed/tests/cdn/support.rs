//! An origin that can be slow, fail or die, folders of assets, and a client.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use hitmark_testbed::assets::{AssetSet, FOLDER, IMMUTABLE, SHORT};
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client as Pool;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// How long an answer of the origin's `/slow` takes.
const SLOW: Duration = Duration::from_millis(300);
/// `Cache-Control` of the origin's pages: gone after a second, and a minute in which they may stand in.
const PAGE: &str = "max-age=1, stale-if-error=60";

/// What the origin counts and is told.
#[derive(Debug, Default)]
pub(crate) struct Switches {
    calls: AtomicUsize,
    fails: AtomicBool,
}

/// An origin on a free port: `/page` and `/slow`, the built-in assets, and `/healthz`.
pub(crate) struct Origin {
    switches: Arc<Switches>,
    pub(crate) port: u16,
    server: JoinHandle<()>,
}

impl Origin {
    pub(crate) async fn start() -> Self {
        let switches = Arc::new(Switches::default());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let router = Router::new().fallback(answer).with_state(Arc::clone(&switches));
        let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { switches, port, server }
    }

    /// Requests so far; probes of its health do not count.
    pub(crate) fn calls(&self) -> usize {
        self.switches.calls.load(Ordering::SeqCst)
    }

    /// From now on every page is a 500.
    pub(crate) fn fail(&self) {
        self.switches.fails.store(true, Ordering::SeqCst);
    }

    /// Ends it: connections are refused.
    pub(crate) async fn die(&mut self) {
        self.server.abort();
        let _ = (&mut self.server).await;
    }
}

impl Drop for Origin {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn answer(State(switches): State<Arc<Switches>>, request: Request) -> Response {
    let path = request.uri().path();
    if path == "/healthz" {
        return "ok".into_response();
    }
    switches.calls.fetch_add(1, Ordering::SeqCst);
    if path == "/slow" {
        tokio::time::sleep(SLOW).await;
    }
    if switches.fails.load(Ordering::SeqCst) {
        return (StatusCode::INTERNAL_SERVER_ERROR, "down").into_response();
    }
    let assets = AssetSet::built_in();
    let Some(name) = path.strip_prefix(&format!("/{FOLDER}/")) else {
        return ([("cache-control", PAGE)], "page").into_response();
    };
    let kept = assets.find_versioned(name).map(|asset| (asset, IMMUTABLE));
    match kept.or_else(|| Some((assets.find(name)?, SHORT))) {
        Some((asset, control)) => {
            let headers = [("cache-control", control), ("content-type", asset.content_type)];
            (headers, asset.body.clone()).into_response()
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

/// A client with connections of its own.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    pool: Pool<HttpConnector, Full<Bytes>>,
    base: String,
}

/// What a client got.
#[derive(Debug)]
pub(crate) struct Got {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Client {
    pub(crate) fn of(base: &str) -> Self {
        Self { pool: Pool::builder(TokioExecutor::new()).build_http(), base: base.to_owned() }
    }

    pub(crate) async fn get(&self, path: &str) -> Got {
        self.send("GET", path, &[], "").await
    }

    pub(crate) async fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Got {
        let mut request = http::Request::builder().method(method).uri(format!("{}{path}", self.base));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::from(body.to_owned())).unwrap();
        let (parts, body) = self.pool.request(request).await.unwrap().into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Got { status: parts.status.as_u16(), headers: parts.headers, body }
    }
}

impl Got {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The last of the lines of `Cache-Status`.
    pub(crate) fn said(&self) -> &str {
        self.headers.get_all("cache-status").iter().next_back().map_or("", |value| value.to_str().unwrap())
    }
}

/// Writes a file and the folders above it.
pub(crate) fn write(folder: &Path, name: &str, text: &str) {
    let path = folder.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}
