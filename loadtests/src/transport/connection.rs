//! One connection, spoken over by one user at a time.
//!
//! An HTTP/1.1 connection is polled in line with its request instead of in a task of its own: a
//! reply then wakes the waiting user at once, not a driver that wakes the user. An HTTP/2 connection
//! needs its driver even between requests (pings, settings), so it has a task.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::{Body as _, Incoming};
use hyper::client::conn::{http1, http2};
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

use super::stream::Stream;
use super::{BodyUse, Exchange, Target};
use crate::plan::HttpVersion;

/// A connection.
pub(super) enum Connection {
    Http1 {
        sender: http1::SendRequest<Full<Bytes>>,
        driver: Pin<Box<http1::Connection<TokioIo<Stream>, Full<Bytes>>>>,
    },
    Http2 {
        sender: http2::SendRequest<Full<Bytes>>,
        driver: JoinHandle<()>,
    },
}

impl Drop for Connection {
    fn drop(&mut self) {
        if let Self::Http2 { driver, .. } = self {
            driver.abort();
        }
    }
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection").finish_non_exhaustive()
    }
}

impl Connection {
    pub(super) async fn open(target: &Target) -> Result<Self, String> {
        let address = &target.address;
        let stream = TcpStream::connect((address.host.as_str(), address.port))
            .await
            .map_err(|error| error.to_string())?;
        // A request is one small write: it must not wait for the last one's acknowledgement.
        stream.set_nodelay(true).map_err(|error| error.to_string())?;
        let stream = match &target.tls {
            None => Stream::Plain(stream),
            Some(tls) => tls.handshake(stream).await?,
        };
        let io = TokioIo::new(stream);
        match target.http {
            HttpVersion::Http1 => {
                let (sender, driver) = http1::handshake(io).await.map_err(|error| error.to_string())?;
                Ok(Self::Http1 { sender, driver: Box::pin(driver) })
            }
            HttpVersion::Http2 => {
                let handshake = http2::handshake(TokioExecutor::new(), io).await;
                let (sender, driver) = handshake.map_err(|error| error.to_string())?;
                let driver = tokio::spawn(async move {
                    // How it ended shows at the next request.
                    let _ = driver.await;
                });
                Ok(Self::Http2 { sender, driver })
            }
        }
    }

    /// Finishes the last exchange and says whether the connection can take another. A service may
    /// have closed it meanwhile.
    pub(super) async fn is_ready(&mut self) -> bool {
        match self {
            Self::Http1 { sender, driver } => {
                poll_fn(|cx| {
                    if driver.as_mut().poll(cx).is_ready() {
                        return Poll::Ready(false);
                    }
                    sender.poll_ready(cx).map(|ready| ready.is_ok())
                })
                .await
            }
            Self::Http2 { sender, .. } => sender.ready().await.is_ok(),
        }
    }

    /// Moves the connection on. Ready once it is closed.
    fn drive(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match self {
            Self::Http1 { driver, .. } => driver.as_mut().poll(cx).map(|_closed| ()),
            Self::Http2 { .. } => Poll::Pending,
        }
    }

    pub(super) async fn exchange(
        &mut self,
        request: Request<Full<Bytes>>,
        body_use: BodyUse,
        started: Instant,
    ) -> Result<Exchange, hyper::Error> {
        let response = self.headers(request).await?;
        let headers_at = Instant::now();
        let (parts, incoming) = response.into_parts();
        let mut body = Vec::new();
        let body_bytes = self.body(incoming, body_use, &mut body).await?;
        let body_at = Instant::now();
        let status = parts.status.as_u16();
        Ok(Exchange { started, headers_at, body_at, status, headers: parts.headers, body_bytes, body })
    }

    async fn headers(&mut self, request: Request<Full<Bytes>>) -> Result<Response<Incoming>, hyper::Error> {
        match self {
            Self::Http1 { sender, driver } => {
                let mut answer = std::pin::pin!(sender.send_request(request));
                let mut closed = false;
                poll_fn(|cx| {
                    if !closed {
                        closed = driver.as_mut().poll(cx).is_ready();
                    }
                    answer.as_mut().poll(cx)
                })
                .await
            }
            Self::Http2 { sender, .. } => sender.send_request(request).await,
        }
    }

    async fn body(
        &mut self,
        mut incoming: Incoming,
        body_use: BodyUse,
        kept: &mut Vec<u8>,
    ) -> Result<u64, hyper::Error> {
        let mut body_bytes = 0;
        let mut closed = false;
        loop {
            let frame = poll_fn(|cx| {
                // Most bodies come with their headers: look before moving the connection on.
                if let Poll::Ready(frame) = Pin::new(&mut incoming).poll_frame(cx) {
                    return Poll::Ready(frame);
                }
                if !closed {
                    closed = self.drive(cx).is_ready();
                }
                Pin::new(&mut incoming).poll_frame(cx)
            })
            .await;
            let Some(frame) = frame else { return Ok(body_bytes) };
            if let Ok(data) = frame?.into_data() {
                body_bytes += data.len() as u64;
                if body_use == BodyUse::Keep {
                    kept.extend_from_slice(&data);
                }
            }
        }
    }
}
