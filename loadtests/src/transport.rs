//! How a request is sent and timed: one HTTP/1.1 connection, kept alive, driven by the task that
//! waits for the answer.
//!
//! hyper's connection is polled in line with the request instead of in a task of its own: a reply
//! then wakes the waiting user at once, not a driver that wakes the user. It times to the end of
//! the headers and to the last byte of the body. It follows no redirect, asks for no compression,
//! and retries nothing: a retry would hide a fault and falsify a latency.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::{Body as _, Incoming};
use hyper::client::conn::http1;
use hyper::{HeaderMap, Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::plan::ServiceAddress;
use hitmark_schema::ErrorKind;

/// What to do with the bytes of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyUse {
    /// Count them.
    Count,
    /// Keep them, to compare.
    Keep,
}

/// A request that was answered.
#[derive(Debug)]
pub struct Exchange {
    /// When the request was handed to the connection.
    pub started: Instant,
    /// When the response headers were complete.
    pub headers_at: Instant,
    /// When the last byte of the body had come.
    pub body_at: Instant,
    /// The status.
    pub status: u16,
    /// The response headers.
    pub headers: HeaderMap,
    /// The length of the body in bytes.
    pub body_bytes: u64,
    /// The body, if it was to be kept.
    pub body: Vec<u8>,
}

/// A request that was not answered.
#[derive(Debug)]
pub struct Failure {
    /// Why.
    pub kind: ErrorKind,
    /// More, for a person.
    pub detail: String,
    /// When it began.
    pub started: Instant,
    /// When it was given up.
    pub ended: Instant,
}

/// One connection to one service, made when it is first needed and again after it broke.
#[derive(Debug)]
pub struct Transport {
    address: ServiceAddress,
    timeout: Duration,
    connection: Option<Connection>,
}

struct Connection {
    sender: http1::SendRequest<Full<Bytes>>,
    driver: Pin<Box<http1::Connection<TokioIo<TcpStream>, Full<Bytes>>>>,
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection").finish_non_exhaustive()
    }
}

impl Transport {
    /// A transport that is not connected yet.
    #[must_use]
    pub const fn new(address: ServiceAddress, timeout: Duration) -> Self {
        Self { address, timeout, connection: None }
    }

    /// Makes sure that there is a living connection, so that connecting is not part of a latency.
    ///
    /// # Errors
    ///
    /// If the service cannot be reached within the time limit.
    pub async fn connect(&mut self) -> Result<(), Failure> {
        let started = Instant::now();
        if let Some(connection) = &mut self.connection
            && connection.is_ready().await
        {
            return Ok(());
        }
        self.connection = None;
        match tokio::time::timeout(self.timeout, Connection::open(&self.address)).await {
            Ok(Ok(connection)) => self.connection = Some(connection),
            Ok(Err(detail)) => return Err(Failure::new(ErrorKind::Connect, detail, started)),
            Err(_) => {
                return Err(Failure::new(ErrorKind::Timeout, "connecting took too long".to_owned(), started));
            }
        }
        Ok(())
    }

    /// Sends a request and reads its answer to the last byte.
    ///
    /// # Errors
    ///
    /// If no whole answer came within the time limit. The connection is then closed.
    pub async fn exchange(
        &mut self,
        request: Request<Full<Bytes>>,
        body_use: BodyUse,
    ) -> Result<Exchange, Failure> {
        self.connect().await?;
        let Some(mut connection) = self.connection.take() else {
            return Err(Failure::new(ErrorKind::Connect, "not connected".to_owned(), Instant::now()));
        };
        let started = Instant::now();
        let exchange = connection.exchange(request, body_use, started);
        match tokio::time::timeout_at((started + self.timeout).into(), exchange).await {
            Ok(Ok(exchange)) => {
                self.connection = Some(connection);
                Ok(exchange)
            }
            Ok(Err(error)) => Err(Failure::new(kind_of(&error), error.to_string(), started)),
            Err(_) => Err(Failure::new(
                ErrorKind::Timeout,
                format!("no whole answer within {:?}", self.timeout),
                started,
            )),
        }
    }
}

impl Failure {
    fn new(kind: ErrorKind, detail: String, started: Instant) -> Self {
        Self { kind, detail, started, ended: Instant::now() }
    }
}

fn kind_of(error: &hyper::Error) -> ErrorKind {
    if error.is_parse() { ErrorKind::Protocol } else { ErrorKind::Reset }
}

impl Connection {
    async fn open(address: &ServiceAddress) -> Result<Self, String> {
        let stream = TcpStream::connect((address.host.as_str(), address.port))
            .await
            .map_err(|error| error.to_string())?;
        // A request is one small write: it must not wait for the last one's acknowledgement.
        stream.set_nodelay(true).map_err(|error| error.to_string())?;
        let (sender, driver) =
            http1::handshake(TokioIo::new(stream)).await.map_err(|error| error.to_string())?;
        Ok(Self { sender, driver: Box::pin(driver) })
    }

    /// Finishes the last exchange and says whether the connection can take another. A service may
    /// have closed it meanwhile.
    async fn is_ready(&mut self) -> bool {
        poll_fn(|cx| {
            if self.drive(cx).is_ready() {
                return Poll::Ready(false);
            }
            self.sender.poll_ready(cx).map(|ready| ready.is_ok())
        })
        .await
    }

    /// Moves the connection on. Ready once it is closed.
    fn drive(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.driver.as_mut().poll(cx).map(|_closed| ())
    }

    async fn exchange(
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
        let mut answer = std::pin::pin!(self.sender.send_request(request));
        let driver = &mut self.driver;
        let mut closed = false;
        poll_fn(|cx| {
            if !closed {
                closed = driver.as_mut().poll(cx).is_ready();
            }
            answer.as_mut().poll(cx)
        })
        .await
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
