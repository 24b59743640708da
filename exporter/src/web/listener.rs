//! Connections to our port, with or without TLS as the configuration in force says.
//!
//! Handshakes run beside each other, with a deadline and a bound, so that a client that says nothing
//! delays nobody.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::reload::Current;

/// The longest that a handshake may take.
const HANDSHAKE_MAX: Duration = Duration::from_secs(5);
/// Most handshakes under way; further clients wait in the kernel's queue.
const HANDSHAKES_MAX: usize = 256;

/// Our port.
pub(crate) struct WebListener {
    listener: TcpListener,
    current: Arc<Current>,
    handshakes: JoinSet<Option<(WebStream, SocketAddr)>>,
    permits: Arc<Semaphore>,
}

/// One connection.
pub(crate) enum WebStream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl WebListener {
    pub(crate) fn new(listener: TcpListener, current: Arc<Current>) -> Self {
        let permits = Arc::new(Semaphore::new(HANDSHAKES_MAX));
        Self { listener, current, handshakes: JoinSet::new(), permits }
    }

    /// The next connection that is plain; one with TLS is put among the handshakes.
    fn place(&mut self, stream: TcpStream, addr: SocketAddr) -> Option<(WebStream, SocketAddr)> {
        let Some(config) = self.current.web().tls.clone() else {
            return Some((WebStream::Plain(stream), addr));
        };
        let acceptor = TlsAcceptor::from(config);
        let permit = Arc::clone(&self.permits).try_acquire_owned();
        self.handshakes.spawn(async move {
            let _permit = permit.ok()?;
            match tokio::time::timeout(HANDSHAKE_MAX, acceptor.accept(stream)).await {
                Ok(Ok(stream)) => Some((WebStream::Tls(Box::new(stream)), addr)),
                Ok(Err(error)) => {
                    tracing::debug!(%addr, %error, "a TLS handshake failed");
                    None
                }
                Err(_) => None,
            }
        });
        None
    }
}

impl axum::serve::Listener for WebListener {
    type Io = WebStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (WebStream, SocketAddr) {
        loop {
            let may_accept = self.permits.available_permits() > 0;
            tokio::select! {
                Some(done) = self.handshakes.join_next() => {
                    if let Ok(Some(ready)) = done {
                        return ready;
                    }
                }
                accepted = self.listener.accept(), if may_accept => match accepted {
                    Ok((stream, addr)) => {
                        if let Some(ready) = self.place(stream, addr) {
                            return ready;
                        }
                    }
                    Err(error) => {
                        // Such as too many open files: asking again at once would only spin.
                        tracing::warn!(%error, "a connection could not be accepted");
                        tokio::time::sleep(Duration::from_millis(100)).await;
                    }
                },
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

impl AsyncRead for WebStream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(context, buffer),
            Self::Tls(stream) => Pin::new(stream.as_mut()).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for WebStream {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(context, bytes),
            Self::Tls(stream) => Pin::new(stream.as_mut()).poll_write(context, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(context),
            Self::Tls(stream) => Pin::new(stream.as_mut()).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Tls(stream) => Pin::new(stream.as_mut()).poll_shutdown(context),
        }
    }
}
