//! How a request is sent and timed: one connection of a user, kept alive.
//!
//! It times to the end of the headers and to the last byte of the body. It retries nothing: a retry
//! would hide a fault and falsify a latency. Connecting, TLS included, is never part of a latency.

mod alarm;
mod connection;
mod headers;
mod http1;
pub(crate) mod in_place;
mod stream;
pub mod tls;

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use std::sync::Arc;
use std::time::{Duration, Instant};

pub use headers::Headers;
pub(crate) use headers::as_text;

use crate::plan::{HttpVersion, Scheme, ServiceAddress};
use crate::request::Call;
use alarm::Alarm;
use connection::{Connection, Ready};
use hitmark_schema::ErrorKind;
use tls::{TlsError, TlsSettings};
use tokio::task::coop::{consume_budget, unconstrained};

/// Memory of a body that is kept for the next one, at most.
const SPARE_BODY_BYTES_MAX: usize = 16 * 1024;

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
    pub headers: Headers,
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
    alarm: Alarm,
    request: String,
    spare: Buffers,
}

/// What an answer is read into.
#[derive(Debug, Default)]
struct Buffers {
    headers: Headers,
    body: Vec<u8>,
}

impl Transport {
    /// A transport that is not connected yet.
    #[must_use]
    pub fn new(target: Arc<Target>) -> Self {
        let (alarm, request, spare) = Default::default();
        Self { target, connection: None, alarm, request, spare }
    }

    /// Makes sure that there is a living connection, so that connecting is not part of a latency.
    ///
    /// # Errors
    ///
    /// If the service cannot be reached within the time limit.
    pub async fn connect(&mut self) -> Result<(), Failure> {
        if let Some(connection) = &mut self.connection
            && connection.is_ready().await
        {
            return Ok(());
        }
        self.connection = None;
        // Handshakes are long futures for a short time: on the heap they do not swell every user's.
        self.connection = Some(Box::pin(Self::open(&self.target)).await?);
        Ok(())
    }

    async fn open(target: &Target) -> Result<Connection, Failure> {
        let started = Instant::now();
        let opened = tokio::time::timeout(target.timeout, Connection::open(target)).await;
        let told = |kind, detail| Failure::new(kind, detail, started);
        opened
            .map_err(|_| told(ErrorKind::Timeout, "connecting took too long".to_owned()))?
            .map_err(|detail| told(ErrorKind::Connect, detail))
    }

    /// Sends a request and reads its answer to the last byte.
    ///
    /// # Errors
    ///
    /// If the request cannot be built, or no whole answer came within the time limit. The connection
    /// is then closed.
    pub async fn exchange(&mut self, call: &Call<'_>, body_use: BodyUse) -> Result<Exchange, Failure> {
        self.connect().await?;
        let request = Ready::new(call, self.target.http, &mut self.request)
            .map_err(|error| Failure::new(ErrorKind::Protocol, error.to_string(), Instant::now()))?;
        // Until a whole answer is there the connection is good for nothing else.
        let Some(mut connection) = self.connection.take() else {
            return Err(Failure::new(ErrorKind::Connect, "not connected".to_owned(), Instant::now()));
        };
        // The runtime has a task give way now and then: here, and not while the clock runs.
        consume_budget().await;
        let started = Instant::now();
        let deadline = started + self.target.timeout;
        let answered = {
            let mut exchange = pin!(unconstrained(connection.exchange(request, body_use, &mut self.spare)));
            poll_fn(|cx| match exchange.as_mut().poll(cx) {
                Poll::Ready(answered) => Poll::Ready(Some(answered)),
                Poll::Pending => self.alarm.poll(cx, deadline).map(|()| None),
            })
            .await
        };
        let Buffers { headers, body } = std::mem::take(&mut self.spare);
        match answered {
            Some(Ok(answer)) => {
                self.connection = Some(connection);
                let (headers_at, body_at) = (answer.headers_at, answer.body_at);
                let (status, body_bytes) = (answer.status, answer.body_bytes);
                Ok(Exchange { started, headers_at, body_at, status, headers, body_bytes, body })
            }
            Some(Err((kind, detail))) => Err(Failure::new(kind, detail, started)),
            None => {
                let detail = format!("no whole answer within {:?}", self.target.timeout);
                Err(Failure::new(ErrorKind::Timeout, detail, started))
            }
        }
    }

    /// Takes back the memory of an answer that nobody needs any more, for the next one.
    pub fn reuse(&mut self, exchange: Exchange) {
        let Exchange { mut headers, mut body, .. } = exchange;
        headers.clear();
        body.clear();
        if body.capacity() <= SPARE_BODY_BYTES_MAX {
            self.spare = Buffers { headers, body };
        }
    }
}

impl Failure {
    fn new(kind: ErrorKind, detail: String, started: Instant) -> Self {
        Self { kind, detail, started, ended: Instant::now() }
    }
}
