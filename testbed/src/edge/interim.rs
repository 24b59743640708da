//! Interim answers (103 Early Hints and other 1xx): passed from the origin to the one client whose
//! request is being answered, as RFC 9110 §15.2 asks of a proxy. They are never stored.
//!
//! The server library can send no 1xx of its own, so they are written below it, while it has nothing
//! buffered: it flushes its socket each time that the request's future has been polled, and the
//! future does not go on before what it queued is written.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use http::{HeaderMap, Request, StatusCode, Version};
use hyper::rt::{Read, ReadBufCursor, Write};
use tokio::sync::{Notify, mpsc};

/// The most interim answers of one exchange that wait to be written; further ones are dropped.
const MAX_WAITING: usize = 16;

/// The way to the client of one connection.
#[derive(Debug, Clone, Default)]
pub(super) struct Outlet(Arc<State>);

#[derive(Debug, Default)]
struct State {
    waiting: Mutex<Vec<u8>>,
    written: Notify,
}

/// Lets one request's exchange send interim answers; when it is dropped, nothing more is sent.
#[derive(Debug)]
pub(super) struct Open(mpsc::Receiver<Vec<u8>>);

/// What an exchange with the origin sends interim answers through.
#[derive(Debug, Clone)]
pub(super) struct Sender(mpsc::Sender<Vec<u8>>);

impl Outlet {
    /// Both ends for one request. A client of HTTP/1.0 knows no interim answers (RFC 9110 §15.2).
    pub(super) fn open(version: Version) -> (Open, Option<Sender>) {
        let (sender, receiver) = mpsc::channel(MAX_WAITING);
        (Open(receiver), (version >= Version::HTTP_11).then_some(Sender(sender)))
    }

    /// Runs a request's future, and writes what comes for its client meanwhile.
    pub(super) async fn relay<T>(&self, mut open: Open, answer: impl Future<Output = T>) -> T {
        tokio::pin!(answer);
        loop {
            tokio::select! {
                biased;
                Some(interim) = open.0.recv() => self.write(&interim).await,
                answer = &mut answer => {
                    // The last one may have come with the answer itself.
                    while let Ok(interim) = open.0.try_recv() {
                        self.write(&interim).await;
                    }
                    return answer;
                }
            }
        }
    }

    async fn write(&self, interim: &[u8]) {
        self.waiting().extend_from_slice(interim);
        loop {
            let written = self.0.written.notified();
            if self.waiting().is_empty() {
                return;
            }
            written.await;
        }
    }

    fn waiting(&self) -> std::sync::MutexGuard<'_, Vec<u8>> {
        self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sender {
    /// Listens for the interim answers of an exchange.
    pub(super) fn listen<B>(self, request: &mut Request<B>) {
        hyper::ext::on_informational(request, move |interim| {
            // 100 is between neighbours, and 101 never comes: the edge asks for no upgrade.
            if interim.status().as_u16() > 101 {
                let _ = self.0.try_send(encoded(interim.status(), interim.headers()));
            }
        });
    }
}

fn encoded(status: StatusCode, headers: &HeaderMap) -> Vec<u8> {
    let mut headers = headers.clone();
    hitmark_cache::response::headers::remove_hop_by_hop(&mut headers);
    let reason = status.canonical_reason().unwrap_or_default();
    let mut head = format!("HTTP/1.1 {} {reason}\r\n", status.as_u16()).into_bytes();
    for (name, value) in &headers {
        head.extend_from_slice(name.as_str().as_bytes());
        head.extend_from_slice(b": ");
        head.extend_from_slice(value.as_bytes());
        head.extend_from_slice(b"\r\n");
    }
    head.extend_from_slice(b"\r\n");
    head
}

/// A socket that writes waiting interim answers when it is flushed.
#[derive(Debug)]
pub(super) struct Socket<T> {
    inner: T,
    outlet: Outlet,
}

impl<T> Socket<T> {
    pub(super) fn new(inner: T, outlet: Outlet) -> Self {
        Self { inner, outlet }
    }
}

impl<T: Read + Unpin> Read for Socket<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(cx, buf)
    }
}

impl<T: Write + Unpin> Write for Socket<T> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, buf)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write_vectored(cx, bufs)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let state = Arc::clone(&this.outlet.0);
        let mut waiting = state.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if !waiting.is_empty() {
            while !waiting.is_empty() {
                let written = ready!(Pin::new(&mut this.inner).poll_write(cx, &waiting))?;
                if written == 0 {
                    return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
                }
                waiting.drain(..written);
            }
            state.written.notify_waiters();
        }
        drop(waiting);
        Pin::new(&mut this.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}
