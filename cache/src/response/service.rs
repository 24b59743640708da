//! The response cache as a tower layer: what a service is wrapped in.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::task::{Context, Poll};

use bytes::Bytes;
use hitmark_schema::exposition::Family;
use http::{Request, Response, Uri};
use http_body::Body;
use tokio::sync::Semaphore;
use tower::{Layer, Service};

use super::body::CachedBody;
use super::config::ResponseCacheConfig;
use super::counters::{Cause, Counters};
use super::flights::{Flights, Marks};
use super::store::Shelf;
use super::{uri, visit};
use crate::CacheLayer;
use crate::error::CacheError;

/// The most refreshes in the background at once; a stale answer beyond it starts none.
const MAX_REFRESHES: usize = 64;

/// A shared HTTP cache before any service of `http` requests. Clones share everything.
///
/// It is made for a tower stack: `ServiceBuilder::layer`, or axum's `Router::layer`. Wrap the
/// *whole* service: answers to unsafe methods invalidate, so they must pass here too.
#[derive(Debug, Clone)]
pub struct ResponseCacheLayer {
    shared: Arc<Shared>,
}

/// What all requests of one response cache share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) shelf: Shelf,
    pub(super) config: ResponseCacheConfig,
    pub(super) flights: Arc<Flights>,
    pub(super) marks: Marks,
    pub(super) refreshes: Arc<Semaphore>,
    pub(super) counters: Counters,
    /// Bytes of bodies that are being read to be stored.
    pub(super) held_bytes: AtomicUsize,
}

impl ResponseCacheLayer {
    /// A response cache that keeps its entries in `cache`, under keys that begin with `http:`.
    #[must_use]
    pub fn new(cache: CacheLayer, config: ResponseCacheConfig) -> Self {
        let shelf = Shelf::new(cache, config.max_representations);
        Self {
            shared: Arc::new(Shared {
                shelf,
                config,
                flights: Arc::new(Flights::default()),
                marks: Marks::new(),
                refreshes: Arc::new(Semaphore::new(MAX_REFRESHES)),
                counters: Counters::default(),
                held_bytes: AtomicUsize::new(0),
            }),
        }
    }

    /// Removes every stored response of a URI, which tells its host, or of a request's own target;
    /// whether there was one. Exchanges that are under way will not be stored.
    ///
    /// # Errors
    /// If the cache could not be asked: the responses may still be served.
    pub async fn purge(&self, target: &http::request::Parts) -> Result<bool, CacheError> {
        let Some(uri) = uri::of_request(target, self.shared.config.scheme) else { return Ok(false) };
        self.shared.flights.detach(&uri);
        let removed = self.shared.shelf.remove(&uri).await?;
        self.shared.counters.invalidated(Cause::Purge, removed);
        Ok(removed)
    }

    /// Every metric of this cache and of the layer under it, as it stands.
    #[must_use]
    pub fn families(&self) -> Vec<Family> {
        let mut families = self.shared.counters.families();
        families.extend(self.shared.shelf.cache().families());
        families
    }
}

impl<S> Layer<S> for ResponseCacheLayer {
    type Service = ResponseCache<S>;

    fn layer(&self, inner: S) -> ResponseCache<S> {
        ResponseCache { inner, shared: Arc::clone(&self.shared) }
    }
}

/// A service with a shared HTTP cache before it.
#[derive(Clone)]
pub struct ResponseCache<S> {
    inner: S,
    shared: Arc<Shared>,
}

impl<S> fmt::Debug for ResponseCache<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseCache").field("shared", &self.shared).finish_non_exhaustive()
    }
}

impl<S, In, Out> Service<Request<In>> for ResponseCache<S>
where
    S: Service<Request<In>, Response = Response<Out>> + Clone + Send + Sync + 'static,
    S::Future: Send,
    S::Error: Send,
    In: Body + Default + Send + 'static,
    Out: Body<Data = Bytes> + Send + 'static,
    Out::Error: Send,
{
    type Response = Response<CachedBody<Out>>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        // A hit needs no readiness of the origin; each forwarded request waits for its own.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<In>) -> Self::Future {
        let (inner, shared) = (self.inner.clone(), Arc::clone(&self.shared));
        Box::pin(visit::answer(inner, shared, request))
    }
}

impl Shared {
    /// The key of a request, if its answer may be kept at all.
    pub(super) fn key_of(&self, parts: &http::request::Parts) -> Option<crate::Key> {
        let is_short = target_length(&parts.uri) <= self.config.max_uri_bytes;
        is_short.then(|| uri::of_request(parts, self.config.scheme)).flatten()
    }
}

fn target_length(uri: &Uri) -> usize {
    uri.path().len() + uri.query().map_or(0, str::len)
}
