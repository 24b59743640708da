//! An origin that answers by the query of each request, an edge before it, and a client.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{RawQuery, Request, State};
use axum::response::Response;
use bytes::Bytes;
use hitmark_testbed::edge::{Edge, EdgeConfig};
use http::{HeaderMap, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client as Pool;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// An origin on a free port. A path's answer is what was last set for it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Script(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    answers: Mutex<Vec<(String, Told)>>,
    calls: AtomicUsize,
    seen: Mutex<Vec<HeaderMap>>,
}

/// What a path answers.
#[derive(Debug, Clone)]
struct Told {
    status: u16,
    lines: Vec<(String, String)>,
    body: String,
    delay: Duration,
}

pub(crate) struct Origin {
    pub(crate) script: Script,
    pub(crate) url: String,
    server: JoinHandle<()>,
}

impl Origin {
    pub(crate) async fn start() -> Self {
        let script = Script::default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback(answer).with_state(script.clone());
        let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { script, url, server }
    }

    /// Ends the origin, as a crash would.
    pub(crate) async fn stop(self) {
        self.server.abort();
        let _ = self.server.await;
    }
}

impl Script {
    /// What a path answers from now on; lines such as `cache-control: max-age=5`.
    pub(crate) fn set(&self, path: &str, status: u16, lines: &[&str], body: &str) {
        self.set_slow(path, status, lines, body, Duration::ZERO);
    }

    pub(crate) fn set_slow(&self, path: &str, status: u16, lines: &[&str], body: &str, delay: Duration) {
        let lines = lines.iter().map(|line| {
            let (name, value) = line.split_once(':').expect("a header line");
            (name.to_owned(), value.trim().to_owned())
        });
        let told = Told { status, lines: lines.collect(), body: body.to_owned(), delay };
        let mut answers = self.0.answers.lock().unwrap();
        answers.retain(|(known, _)| known != path);
        answers.push((path.to_owned(), told));
    }

    pub(crate) fn calls(&self) -> usize {
        self.0.calls.load(Ordering::SeqCst)
    }

    /// The headers of the last request.
    pub(crate) fn last(&self) -> HeaderMap {
        self.0.seen.lock().unwrap().last().cloned().expect("the origin was asked")
    }
}

async fn answer(State(script): State<Script>, RawQuery(_): RawQuery, request: Request) -> Response {
    script.0.calls.fetch_add(1, Ordering::SeqCst);
    let headers = request.headers().clone();
    let path = request.uri().path().to_owned();
    let cookie = headers.get("cookie").map_or("nobody", |cookie| cookie.to_str().unwrap()).to_owned();
    let language = headers.get("accept-language").map_or("none", |value| value.to_str().unwrap()).to_owned();
    let condition = headers.get("if-none-match").cloned();
    script.0.seen.lock().unwrap().push(headers);
    let told = script.0.answers.lock().unwrap().iter().find(|(known, _)| *known == path).cloned();
    let Some((_, told)) = told else {
        return Response::builder().status(404).body(Body::empty()).unwrap();
    };
    tokio::time::sleep(told.delay).await;
    let tag = told.lines.iter().find(|(name, _)| name == "etag").map(|(_, tag)| tag.clone());
    let is_known = condition.is_some_and(|condition| tag.is_some_and(|tag| condition == tag.as_str()));
    let mut response = Response::builder().status(if is_known { 304 } else { told.status });
    for (name, value) in &told.lines {
        response = response.header(name, value);
    }
    let body = told.body.replace("{cookie}", &cookie).replace("{language}", &language);
    response.body(if is_known { Body::empty() } else { Body::from(body) }).unwrap()
}

/// An edge on a free port, ended with the test.
pub(crate) struct Running {
    pub(crate) url: String,
    _server: JoinHandle<()>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self._server.abort();
    }
}

pub(crate) async fn edge(origin: &str, change: impl FnOnce(&mut EdgeConfig)) -> Running {
    let mut config = EdgeConfig {
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        origin: origin.to_owned(),
        ..EdgeConfig::default()
    };
    change(&mut config);
    let edge = Edge::start(config).await.unwrap();
    let url = edge.url();
    Running { url, _server: tokio::spawn(edge.serve(std::future::pending())) }
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
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Client {
    pub(crate) fn of(base: &str) -> Self {
        Self { pool: Pool::builder(TokioExecutor::new()).build_http(), base: base.to_owned() }
    }

    pub(crate) async fn get(&self, path: &str, lines: &[&str]) -> Got {
        self.send("GET", path, lines).await
    }

    pub(crate) async fn send(&self, method: &str, path: &str, lines: &[&str]) -> Got {
        let mut request = http::Request::builder().method(method).uri(format!("{}{path}", self.base));
        for line in lines {
            let (name, value) = line.split_once(':').expect("a header line");
            request = request.header(name, value.trim());
        }
        let response = self.pool.request(request.body(Full::default()).unwrap()).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Got { status: parts.status, headers: parts.headers, body: String::from_utf8(body.to_vec()).unwrap() }
    }
}

impl Got {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn is_hit(&self) -> bool {
        self.header("cache-status").contains("hitmark; hit")
    }
}
