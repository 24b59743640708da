//! One connection, spoken over by one user at a time.
//!
//! HTTP/1.1 is spoken by hand and in line with its request: a reply wakes the waiting user at once,
//! not a driver that wakes the user. An HTTP/2 connection is hyper's. It needs its driver even
//! between requests (pings, settings), so it has a task.

use std::future::poll_fn;
use std::pin::Pin;
use std::time::Instant;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::{Body as _, Incoming};
use hyper::client::conn::http2;
use hyper::{Method, Request};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

use super::headers::Headers;
use super::http1::{Answer, Asked, Broken, Http1};
use super::stream::Stream;
use super::{BodyUse, Buffers, Target};
use crate::plan::HttpVersion;
use crate::request::{Call, RequestError};
use hitmark_schema::ErrorKind;

/// A connection.
pub(super) enum Connection {
    Http1(Http1<Stream>),
    Http2 { sender: http2::SendRequest<Full<Bytes>>, driver: JoinHandle<()> },
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

/// A request as the connection wants it.
#[derive(Debug)]
pub(super) enum Ready<'b> {
    /// Bytes.
    Http1(&'b [u8], Asked),
    /// A message.
    Http2(Box<Request<Full<Bytes>>>),
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
        match target.http {
            HttpVersion::Http1 => Ok(Self::Http1(Http1::new(stream))),
            HttpVersion::Http2 => {
                let handshake = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await;
                let (sender, driver) = handshake.map_err(|error| error.to_string())?;
                let driver = tokio::spawn(async move {
                    // How it ended shows at the next request.
                    let _ = driver.await;
                });
                Ok(Self::Http2 { sender, driver })
            }
        }
    }

    /// Whether the connection can take another request. A service may have closed it meanwhile.
    pub(super) async fn is_ready(&mut self) -> bool {
        match self {
            Self::Http1(connection) => connection.is_ready(),
            Self::Http2 { sender, .. } => sender.ready().await.is_ok(),
        }
    }

    pub(super) async fn exchange(
        &mut self,
        request: Ready<'_>,
        body_use: BodyUse,
        buffers: &mut Buffers,
    ) -> Result<Answer, (ErrorKind, String)> {
        match (self, request) {
            (Self::Http1(connection), Ready::Http1(bytes, asked)) => {
                connection.exchange(bytes, asked, body_use, buffers).await.map_err(|broken| {
                    let is_malformed = matches!(broken, Broken::Malformed(_));
                    let kind = if is_malformed { ErrorKind::Protocol } else { ErrorKind::Reset };
                    (kind, broken.to_string())
                })
            }
            (Self::Http2 { sender, .. }, Ready::Http2(request)) => {
                Box::pin(http2_exchange(sender, *request, body_use, buffers)).await.map_err(|error| {
                    let kind = if error.is_parse() { ErrorKind::Protocol } else { ErrorKind::Reset };
                    (kind, error.to_string())
                })
            }
            // A target has one version, and a request is made ready for its target.
            _ => Err((ErrorKind::Protocol, "the request is of another version".to_owned())),
        }
    }
}

impl<'b> Ready<'b> {
    /// Makes a request ready for a version of HTTP, in a buffer.
    pub(super) fn new(
        call: &Call<'_>,
        http: HttpVersion,
        buffer: &'b mut String,
    ) -> Result<Self, RequestError> {
        match http {
            HttpVersion::Http1 => {
                call.write(buffer)?;
                let is_head = *call.template.method() == Method::HEAD;
                Ok(Self::Http1(buffer.as_bytes(), if is_head { Asked::Head } else { Asked::Other }))
            }
            HttpVersion::Http2 => Ok(Self::Http2(Box::new(call.message()?))),
        }
    }
}

async fn http2_exchange(
    sender: &mut http2::SendRequest<Full<Bytes>>,
    request: Request<Full<Bytes>>,
    body_use: BodyUse,
    buffers: &mut Buffers,
) -> Result<Answer, hyper::Error> {
    let response = sender.send_request(request).await?;
    let headers_at = Instant::now();
    let (parts, incoming) = response.into_parts();
    let body_bytes = http2_body(incoming, body_use, &mut buffers.body).await?;
    buffers.headers = Headers::from(&parts.headers);
    Ok(Answer { status: parts.status.as_u16(), headers_at, body_at: Instant::now(), body_bytes })
}

async fn http2_body(
    mut incoming: Incoming,
    body_use: BodyUse,
    kept: &mut Vec<u8>,
) -> Result<u64, hyper::Error> {
    let mut body_bytes = 0;
    while let Some(frame) = poll_fn(|cx| Pin::new(&mut incoming).poll_frame(cx)).await {
        if let Ok(data) = frame?.into_data() {
            body_bytes += data.len() as u64;
            if body_use == BodyUse::Keep {
                kept.extend_from_slice(&data);
            }
        }
    }
    Ok(body_bytes)
}
