//! A way to a server that takes time: forwards TCP, with a delay in each direction that can be set
//! while connections are open.
//!
//! It delays and does not limit: each piece is passed on so long after it came, however many are
//! under way, as on a long line. A shorter delay never lets a piece overtake an earlier one.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{Instant, sleep_until};

use crate::TestkitError;

const PIECE_BYTES: usize = 16 * 1024;

/// Pieces under way in one direction of one connection; with more, the sender waits.
const PIECES_MAX: usize = 4096;

/// A TCP proxy on a free port of this host; it and its connections end when it is dropped.
#[derive(Debug)]
pub struct DelayProxy {
    port: u16,
    delay_ns: Arc<AtomicU64>,
    task: AbortHandle,
}

impl DelayProxy {
    /// Starts a proxy without a delay to the port of a server on this host. Must be called within a
    /// tokio runtime, in which it works.
    ///
    /// # Errors
    /// If no port can be had.
    pub async fn start(to_port: u16) -> Result<Self, TestkitError> {
        let binding = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
        let listener = binding.map_err(TestkitError::io("binding a port for a proxy"))?;
        let port = listener.local_addr().map_err(TestkitError::io("asking for the proxy's port"))?.port();
        let delay_ns = Arc::new(AtomicU64::new(0));
        let task = tokio::spawn(accept(listener, to_port, Arc::clone(&delay_ns))).abort_handle();
        Ok(Self { port, delay_ns, task })
    }

    /// The port on which it listens.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// From now on each piece takes so much longer, in each direction.
    pub fn set_delay(&self, each_way: Duration) {
        let delay_ns = u64::try_from(each_way.as_nanos()).unwrap_or(u64::MAX);
        self.delay_ns.store(delay_ns, Ordering::SeqCst);
    }
}

impl Drop for DelayProxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(listener: TcpListener, to_port: u16, delay_ns: Arc<AtomicU64>) {
    // Dropped with this task, and the connections with it.
    let mut connections = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        while connections.try_join_next().is_some() {}
        connections.spawn(forward(client, to_port, Arc::clone(&delay_ns)));
    }
}

async fn forward(client: TcpStream, to_port: u16, delay_ns: Arc<AtomicU64>) {
    // A server that refuses: the client sees its connection closed.
    let Ok(server) = TcpStream::connect((Ipv4Addr::LOCALHOST, to_port)).await else { return };
    // What could not be set only makes the way slower.
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let ((client_in, client_out), (server_in, server_out)) = (client.into_split(), server.into_split());
    // When one direction ends, so does the other: a half-open connection helps no test.
    tokio::select! {
        () = carry(client_in, server_out, Arc::clone(&delay_ns)) => {}
        () = carry(server_in, client_out, delay_ns) => {}
    }
}

/// Carries one direction until its end, which is passed on as late as the rest.
async fn carry(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, delay_ns: Arc<AtomicU64>) {
    let (sender, mut pieces) = mpsc::channel::<(Instant, Vec<u8>)>(PIECES_MAX);
    let reading = async move {
        let mut buffer = vec![0; PIECE_BYTES];
        while let Ok(count @ 1..) = from.read(&mut buffer).await {
            let due = Instant::now() + Duration::from_nanos(delay_ns.load(Ordering::SeqCst));
            if sender.send((due, buffer[..count].to_vec())).await.is_err() {
                return;
            }
        }
    };
    let writing = async move {
        while let Some((due, piece)) = pieces.recv().await {
            sleep_until(due).await;
            if to.write_all(&piece).await.is_err() {
                return;
            }
        }
    };
    // The sender goes with the end of the reading, and then the writing ends as well.
    tokio::join!(reading, writing);
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn echo() -> u16 {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
        let port = listener.local_addr().expect("bound").port();
        tokio::spawn(async move {
            while let Ok((mut socket, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let (mut from, mut to) = socket.split();
                    let _ = tokio::io::copy(&mut from, &mut to).await;
                });
            }
        });
        port
    }

    #[tokio::test]
    async fn every_byte_comes_in_order_and_not_before_its_time() {
        let proxy = DelayProxy::start(echo().await).await.expect("starts");
        let mut socket = TcpStream::connect(("127.0.0.1", proxy.port())).await.expect("connects");
        for delay in [Duration::from_millis(30), Duration::ZERO, Duration::from_millis(10)] {
            proxy.set_delay(delay);
            let started = Instant::now();
            let sent: Vec<u8> = (0..100_000_u32).map(|at| at as u8).collect();
            let mut received = vec![0; sent.len()];
            let (mut from, mut to) = socket.split();
            let (wrote, read) = tokio::join!(to.write_all(&sent), from.read_exact(&mut received));
            wrote.expect("written");
            read.expect("read");
            assert!(received == sent, "changed on the way");
            assert!(started.elapsed() >= delay * 2, "{:?} for {delay:?}", started.elapsed());
        }
    }

    #[tokio::test]
    async fn its_end_closes_its_connections() {
        let proxy = DelayProxy::start(echo().await).await.expect("starts");
        let mut socket = TcpStream::connect(("127.0.0.1", proxy.port())).await.expect("connects");
        socket.write_all(b"x").await.expect("written");
        socket.read_u8().await.expect("echoed");
        drop(proxy);
        assert!(matches!(socket.read(&mut [0]).await, Ok(0) | Err(_)));
    }
}
