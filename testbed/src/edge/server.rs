//! The life of an edge: checked, bound, serving within limits, drained.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hitmark_cache::LayerOptions;
use hitmark_cache::response::{ResponseCacheConfig, ResponseCacheLayer};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use super::config::EdgeConfig;
use super::interim::{Outlet, Socket};
use super::origin::Upstream;
use super::proxy::{NAME, Proxy};
use crate::error::TestbedError;
use crate::service;

/// The most connections of clients at once; further ones wait to be accepted.
const MAX_CONNECTIONS: usize = 4096;

/// The most bytes of a request's line and headers.
const MAX_HEAD_BYTES: usize = 64 * 1024;

/// How long a client may take to send them, and how long its connection may be idle.
const HEAD_TIMEOUT: Duration = Duration::from_secs(60);

/// How long open requests may take to end after the edge was told to stop.
const DRAIN: Duration = Duration::from_secs(10);

/// What parts the edge's keys from others' in the same cache server or folder.
const KEYS: &str = "edge";

/// A bound address and a cache before an origin, ready to serve.
#[derive(Debug)]
pub struct Edge {
    proxy: Proxy,
    listener: TcpListener,
    addr: SocketAddr,
    /// Holds a cache on disk where no place was named. Declared last, so that its files are closed
    /// before they are removed.
    _folder: Option<TempDir>,
}

impl Edge {
    /// Checks the configuration, binds and sets up the cache. The origin need not be there.
    ///
    /// # Errors
    /// [`TestbedError`], naming the setting or the address.
    pub async fn start(config: EdgeConfig) -> Result<Self, TestbedError> {
        let authority = config.validate()?;
        let in_use = |source| TestbedError::Listen { addr: config.listen, source };
        let listener = TcpListener::bind(config.listen).await.map_err(in_use)?;
        let addr = listener.local_addr().map_err(in_use)?;
        let folder = service::temporary_folder(service::cache_is_homeless(&config.of_the_cache()))?;
        let mut options = LayerOptions::default();
        options.curve = config.curve;
        let cache = service::cache(&config.of_the_cache(), KEYS, folder.as_ref(), options).await?;
        let policy = ResponseCacheConfig {
            name: NAME.to_owned(),
            stale_if_error: config.stale_if_error,
            ..ResponseCacheConfig::default()
        };
        let layer = ResponseCacheLayer::new(cache, policy);
        let upstream = Upstream::new(authority, config.origin_timeout);
        Ok(Self { proxy: Proxy::new(layer, upstream, config.purge_token), listener, addr, _folder: folder })
    }

    /// The edge's base URL, without a slash at its end.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// Answers until `shutdown` completes, then lets open requests end for at most ten seconds.
    pub async fn serve(self, shutdown: impl Future<Output = ()> + Send) {
        let (stop, stopped) = watch::channel(false);
        let limit = Arc::new(Semaphore::new(MAX_CONNECTIONS));
        let mut connections = JoinSet::new();
        tokio::pin!(shutdown);
        loop {
            // Ended connections are let go of as new ones come.
            while connections.try_join_next().is_some() {}
            let permit = tokio::select! {
                permit = Arc::clone(&limit).acquire_owned() => permit,
                () = &mut shutdown => break,
            };
            let accepted = tokio::select! {
                accepted = self.listener.accept() => accepted,
                () = &mut shutdown => break,
            };
            match accepted {
                Ok((stream, peer)) => {
                    let connection = answer(self.proxy.clone(), stream, peer, stopped.clone());
                    connections.spawn(async move {
                        connection.await;
                        drop(permit);
                    });
                }
                Err(error) => {
                    // Too many open files, most likely: closing connections will mend it.
                    tracing::warn!(%error, "a connection was not accepted");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
        }
        drop(self.listener);
        stop.send_replace(true);
        let drained = tokio::time::timeout(DRAIN, async { while connections.join_next().await.is_some() {} });
        if drained.await.is_err() {
            tracing::warn!(seconds = DRAIN.as_secs(), "requests were still open at the end of the drain");
        }
    }
}

/// Answers the requests of one connection.
async fn answer(proxy: Proxy, stream: TcpStream, peer: SocketAddr, mut stopped: watch::Receiver<bool>) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "the connection keeps Nagle's algorithm");
    }
    let outlet = Outlet::default();
    let socket = Socket::new(TokioIo::new(stream), outlet.clone());
    let service = service_fn(move |request| proxy.clone().answer(request, peer, outlet.clone()));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(MAX_HEAD_BYTES)
        .serve_connection(socket, service);
    tokio::pin!(connection);
    let told_to_stop = async {
        let _ = stopped.wait_for(|stopped| *stopped).await;
    };
    let ended = tokio::select! {
        ended = &mut connection => Some(ended),
        () = told_to_stop => None,
    };
    let ended = match ended {
        Some(ended) => ended,
        None => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection broke off");
    }
}
