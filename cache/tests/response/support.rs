//! A scripted origin, a clock that is moved by hand, and the cache between a test and them.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use hitmark_cache::response::{CachedBody, Clock, ResponseCache, ResponseCacheConfig, ResponseCacheLayer};
use hitmark_cache::{CacheLayer, MemoryConfig};
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Empty, Full};
use tower::{Layer as _, Service, ServiceExt as _};

/// A status, header lines and a body: what the origin answers next.
#[derive(Debug, Clone)]
pub(crate) struct Scripted {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: &'static str,
}

/// An answer 200 with these header lines, such as `["cache-control: max-age=5"]`.
pub(crate) fn ok(lines: &[&str], body: &'static str) -> Scripted {
    answer(200, lines, body)
}

pub(crate) fn answer(status: u16, lines: &[&str], body: &'static str) -> Scripted {
    let split = |line: &&str| {
        let (name, value) = line.split_once(':').expect("a header line");
        (name.to_owned(), value.trim().to_owned())
    };
    Scripted { status, headers: lines.iter().map(split).collect(), body }
}

/// What the origin was asked.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) method: Method,
    pub(crate) headers: HeaderMap,
}

/// An origin that answers from a script, and the last answer again once the script is at its end.
#[derive(Debug, Clone, Default)]
pub(crate) struct Origin {
    script: Arc<Mutex<VecDeque<Scripted>>>,
    asked: Arc<Mutex<Vec<Asked>>>,
    /// Exchanges under way, and the most there ever were.
    concurrent: Arc<(AtomicUsize, AtomicUsize)>,
    delay: Duration,
}

impl Service<Request<Empty<Bytes>>> for Origin {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Empty<Bytes>>) -> Self::Future {
        let asked = Asked { method: request.method().clone(), headers: request.headers().clone() };
        self.asked.lock().unwrap().push(asked);
        let mut script = self.script.lock().unwrap();
        let next = if script.len() > 1 { script.pop_front() } else { script.front().cloned() };
        let next = next.expect("the origin has an answer");
        let (is_head, delay) = (request.method() == Method::HEAD, self.delay);
        let body = if is_head || next.status == 304 { "" } else { next.body };
        let mut response = Response::builder().status(next.status);
        for (name, value) in &next.headers {
            response = response.header(name, value);
        }
        let response = response.body(Full::from(body)).unwrap();
        let concurrent = Arc::clone(&self.concurrent);
        Box::pin(async move {
            let now = concurrent.0.fetch_add(1, Ordering::SeqCst) + 1;
            concurrent.1.fetch_max(now, Ordering::SeqCst);
            tokio::time::sleep(delay).await;
            concurrent.0.fetch_sub(1, Ordering::SeqCst);
            Ok(response)
        })
    }
}

/// A cache, its origin and its clock.
#[derive(Debug, Clone)]
pub(crate) struct Stand {
    pub(crate) layer: ResponseCacheLayer,
    service: ResponseCache<Origin>,
    origin: Origin,
    now: Arc<Mutex<SystemTime>>,
}

/// What a client got.
#[derive(Debug)]
pub(crate) struct Got {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Stand {
    pub(crate) fn new(script: &[Scripted]) -> Self {
        Self::with(script, Duration::ZERO, |_| {})
    }

    pub(crate) fn with(
        script: &[Scripted],
        delay: Duration,
        change: impl FnOnce(&mut ResponseCacheConfig),
    ) -> Self {
        // A whole second, so that dates in headers are exact.
        let now = Arc::new(Mutex::new(SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000)));
        let clock = Arc::clone(&now);
        let mut config = ResponseCacheConfig {
            clock: Clock::new(move || *clock.lock().unwrap()),
            ..ResponseCacheConfig::default()
        };
        change(&mut config);
        let layer = ResponseCacheLayer::new(CacheLayer::memory(MemoryConfig::default()), config);
        let origin =
            Origin { script: Arc::new(Mutex::new(script.to_vec().into())), delay, ..Origin::default() };
        Self { service: layer.layer(origin.clone()), layer, origin, now }
    }

    /// Lets time pass for the cache.
    pub(crate) fn pass(&self, seconds: u64) {
        *self.now.lock().unwrap() += Duration::from_secs(seconds);
    }

    /// A `GET` of `/` with these header lines.
    pub(crate) async fn get(&self, lines: &[&str]) -> Got {
        self.send("GET", "/", lines).await
    }

    pub(crate) async fn send(&self, method: &str, target: &str, lines: &[&str]) -> Got {
        let mut request = Request::builder().method(method).uri(target).header("host", "shop.test");
        for line in lines {
            let (name, value) = line.split_once(':').expect("a header line");
            request = request.header(name, value.trim());
        }
        let request = request.body(Empty::new()).unwrap();
        let response: Response<CachedBody<Full<Bytes>>> =
            self.service.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let body = String::from_utf8(body.to_vec()).unwrap();
        Got { status: parts.status.as_u16(), headers: parts.headers, body }
    }

    /// What the origin was asked so far.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.origin.asked.lock().unwrap().clone()
    }

    pub(crate) fn calls(&self) -> usize {
        self.origin.asked.lock().unwrap().len()
    }

    /// The most exchanges with the origin at one time.
    pub(crate) fn peak(&self) -> usize {
        self.origin.concurrent.1.load(Ordering::SeqCst)
    }

    /// Waits until the origin was asked so often; a background task needs a moment.
    pub(crate) async fn until_calls(&self, calls: usize) {
        for _ in 0..500 {
            if self.calls() >= calls {
                // What comes after the answer needs a moment too.
                tokio::time::sleep(Duration::from_millis(20)).await;
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("the origin was asked {} times, not {calls}", self.calls());
    }
}

impl Got {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The last member of `Cache-Status`.
    pub(crate) fn cache_status(&self) -> &str {
        self.headers.get_all("cache-status").iter().next_back().map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn is_hit(&self) -> bool {
        self.cache_status().contains("; hit")
    }
}

/// The body of a text answer by status: so that a wrong one is told with its whole context.
pub(crate) fn assert_status(got: &Got, status: StatusCode) {
    assert_eq!(got.status, status.as_u16(), "{got:?}");
}
