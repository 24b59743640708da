//! How a request is sent and timed: one connection of a user, kept alive.
//!
//! It times to the end of the headers and to the last byte of the body. It retries nothing: a retry
//! would hide a fault and falsify a latency. Connecting, TLS included, is never part of a latency.

mod connection;
mod stream;
pub mod tls;

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::Full;
use hyper::{HeaderMap, Request};

use crate::plan::{HttpVersion, Scheme, ServiceAddress};
use connection::Connection;
use hitmark_schema::ErrorKind;
use tls::{TlsError, TlsSettings};

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

/// Where to connect, and how.
#[derive(Debug, Clone)]
pub struct Target {
    address: ServiceAddress,
    timeout: Duration,
    http: HttpVersion,
    tls: Option<TlsSettings>,
}

impl Target {
    /// A target; `ca` is a certificate authority in PEM to trust beside the system's.
    ///
    /// # Errors
    ///
    /// If the authority cannot be read, or there is none to trust.
    pub fn new(
        address: ServiceAddress,
        timeout: Duration,
        http: HttpVersion,
        ca: Option<&[u8]>,
    ) -> Result<Self, TlsError> {
        let tls = match address.scheme {
            Scheme::Http => None,
            Scheme::Https => Some(TlsSettings::new(&address, http, ca)?),
        };
        Ok(Self { address, timeout, http, tls })
    }

    /// Where the service listens.
    #[must_use]
    pub const fn address(&self) -> &ServiceAddress {
        &self.address
    }

    /// The same service over HTTP/1.1, for probes.
    #[must_use]
    pub fn for_probes(&self) -> Self {
        let mut target = Self { http: HttpVersion::Http1, ..self.clone() };
        target.tls = target.tls.map(TlsSettings::for_http1);
        target
    }
}

/// One connection to one service, made when it is first needed and again after it broke.
#[derive(Debug)]
pub struct Transport {
    target: Arc<Target>,
    connection: Option<Connection>,
}

impl Transport {
    /// A transport that is not connected yet.
    #[must_use]
    pub const fn new(target: Arc<Target>) -> Self {
        Self { target, connection: None }
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
        match tokio::time::timeout(self.target.timeout, Connection::open(&self.target)).await {
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
        let timeout = self.target.timeout;
        let exchange = connection.exchange(request, body_use, started);
        match tokio::time::timeout_at((started + timeout).into(), exchange).await {
            Ok(Ok(exchange)) => {
                self.connection = Some(connection);
                Ok(exchange)
            }
            Ok(Err(error)) => Err(Failure::new(kind_of(&error), error.to_string(), started)),
            Err(_) => {
                Err(Failure::new(ErrorKind::Timeout, format!("no whole answer within {timeout:?}"), started))
            }
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
