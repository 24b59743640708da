//! A connection of HTTP/1.1, spoken by hand.
//!
//! A general client builds a map of headers, a message of parts and a channel for the body for every
//! answer; a load generator that does so spends more on its own work than on the network. Here a
//! request is a piece of bytes that is written, and an answer is read from one buffer, which is used
//! again. `head` and `body` know what the bytes mean and this file when they come. It knows nothing
//! of time limits and of connecting, and it tries nothing again.

mod body;
mod head;

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use self::body::Body;
use self::head::Head;

use super::in_place::ReadInPlace;
use super::{BodyUse, Buffers};

/// The buffer of a connection at first, and at most while it reads a body. It doubles where an
/// answer fills it, so a thousand users of a service with small answers need a megabyte.
const BUFFER_BYTES: usize = 1024;
const BUFFER_BYTES_MAX: usize = 64 * 1024;
/// A head at most.
const HEAD_BYTES_MAX: usize = 256 * 1024;
/// Interim answers before the real one, at most.
const INTERIM_MAX: usize = 32;

/// A connection, over any stream of bytes.
#[derive(Debug)]
pub(super) struct Http1<S> {
    stream: S,
    buffer: Vec<u8>,
    /// What was read and not yet taken stands from here …
    from: usize,
    /// … to here.
    to: usize,
    /// Bytes of the request that are written.
    written: usize,
    /// How writing it failed. The answer may be there nevertheless.
    unwritten: Option<io::Error>,
    /// Another request may follow.
    reusable: bool,
    /// When the last bytes came. The clock is looked at before they are: what is made of them is work
    /// of this program, not time that the service took.
    came_at: Instant,
}

/// What a connection must know of a request, to tell whether its answer has a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    /// HEAD: the answer has none, whatever its head says.
    Head,
    /// Any other method.
    Other,
}

/// An answer, but for its fields and its body, which are in the buffers that the caller lends.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers_at: Instant,
    pub(super) body_at: Instant,
    pub(super) body_bytes: u64,
}

/// Bytes that are no HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Malformed {
    /// The head.
    #[error("the head of the answer is malformed: {0}")]
    Head(httparse::Error),
    /// The head has no end.
    #[error("the head of the answer is longer than {HEAD_BYTES_MAX} bytes")]
    Long,
    /// The length of the body.
    #[error("the length of the answer is told wrongly")]
    Length,
    /// The framing of the body.
    #[error("the chunks of the answer are malformed")]
    Chunk,
    /// Interim answers and no end of them.
    #[error("more than {INTERIM_MAX} interim answers came")]
    Interim,
}

/// Why no whole answer came.
#[derive(Debug, thiserror::Error)]
pub(super) enum Broken {
    /// What came is no HTTP.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// The connection ended.
    #[error("the connection ended before the answer was complete")]
    Ended,
    /// The connection failed.
    #[error("the connection broke: {0}")]
    Failed(#[from] io::Error),
}

impl<S: AsyncRead + AsyncWrite + ReadInPlace + Unpin> Http1<S> {
    pub(super) fn new(stream: S) -> Self {
        Self {
            stream,
            buffer: vec![0; BUFFER_BYTES],
            from: 0,
            to: 0,
            written: 0,
            unwritten: None,
            reusable: true,
            came_at: Instant::now(),
        }
    }

    /// Whether the connection can take a request. The service may have closed it meanwhile, or sent
    /// what nobody asked for.
    pub(super) fn is_ready(&mut self) -> bool {
        // Nobody is to be woken: this asks for what is known already.
        let mut context = Context::from_waker(std::task::Waker::noop());
        self.reusable && self.from == self.to && self.poll_read(&mut context).is_pending()
    }

    /// Sends a request and reads its answer to the last byte.
    pub(super) async fn exchange(
        &mut self,
        request: &[u8],
        asked: Asked,
        body_use: BodyUse,
        buffers: &mut Buffers,
    ) -> Result<Answer, Broken> {
        (self.written, self.unwritten) = (0, None);
        self.reusable = false;
        let mut head = self.head(request, asked, buffers).await?;
        let headers_at = self.came_at;
        // A body that came together with its head is complete when that is.
        let mut answer = Answer { status: head.status, headers_at, body_at: headers_at, body_bytes: 0 };
        self.body(request, &mut head.body, body_use, &mut buffers.body, &mut answer).await?;
        // More than was announced belongs to nothing, and 101 ends HTTP on this connection.
        self.reusable = head.keep_alive
            && head.status != 101
            && head.body.is_done()
            && self.from == self.to
            && self.written == request.len();
        (self.from, self.to) = (0, 0);
        Ok(answer)
    }

    /// Reads up to the head of the answer that counts.
    async fn head(&mut self, request: &[u8], asked: Asked, buffers: &mut Buffers) -> Result<Head, Broken> {
        let mut interim = 0;
        loop {
            let bytes = &self.buffer[self.from..self.to];
            let head = if bytes.is_empty() { None } else { head::read(bytes, asked, &mut buffers.headers)? };
            match head {
                Some(head) => {
                    self.from += head.length;
                    // 101 ends HTTP on this connection: nothing comes after it.
                    if !matches!(head.status, 100 | 102..=199) {
                        return Ok(head);
                    }
                    interim += 1;
                    if interim > INTERIM_MAX {
                        return Err(Malformed::Interim.into());
                    }
                }
                None => {
                    self.make_room(HEAD_BYTES_MAX)?;
                    self.more(request, Until::Newline).await?;
                }
            }
        }
    }

    async fn body(
        &mut self,
        request: &[u8],
        body: &mut Body,
        body_use: BodyUse,
        kept: &mut Vec<u8>,
        answer: &mut Answer,
    ) -> Result<(), Broken> {
        loop {
            let taken = body.take(&self.buffer[self.from..self.to], |content| {
                answer.body_bytes += content.len() as u64;
                if body_use == BodyUse::Keep {
                    kept.extend_from_slice(content);
                }
            })?;
            self.from += taken;
            if body.is_done() {
                return Ok(());
            }
            self.make_room(BUFFER_BYTES_MAX)?;
            let more = self.more(request, Until::Anything).await;
            answer.body_at = self.came_at;
            match more {
                Ok(()) => {}
                Err(Broken::Ended) if matches!(body, Body::UntilClose) => return Ok(()),
                Err(broken) => return Err(broken),
            }
        }
    }

    /// Makes room behind what was read: moves it to the front, or gives it more. A body is taken out
    /// as it comes, so only a head can fill the buffer for good.
    fn make_room(&mut self, bytes_max: usize) -> Result<(), Malformed> {
        if self.from == self.to {
            let was_full = self.to == self.buffer.len();
            (self.from, self.to) = (0, 0);
            // Who fills the buffer will fill a larger one with fewer calls.
            if was_full && self.buffer.len() < bytes_max.min(BUFFER_BYTES_MAX) {
                self.buffer.resize(self.buffer.len() * 2, 0);
            }
        } else if self.to == self.buffer.len() {
            if self.from > 0 {
                self.buffer.copy_within(self.from..self.to, 0);
                (self.from, self.to) = (0, self.to - self.from);
            } else if self.buffer.len() < bytes_max {
                self.buffer.resize(self.buffer.len() * 2, 0);
            } else {
                return Err(Malformed::Long);
            }
        }
        Ok(())
    }

    /// Reads more, and meanwhile writes what is left of the request.
    async fn more(&mut self, request: &[u8], until: Until) -> Result<(), Broken> {
        poll_fn(|cx| {
            self.poll_write(cx, request);
            loop {
                let before = self.to;
                let told = match self.poll_read(cx) {
                    Poll::Ready(told) => told,
                    // There is nothing to wait for in place before all of the request is on its way.
                    Poll::Pending if self.written < request.len() => return Poll::Pending,
                    Poll::Pending => match self.read_in_place() {
                        Some(told) => told,
                        None => return Poll::Pending,
                    },
                };
                match told {
                    Ok(0) => {
                        return Poll::Ready(Err(self.unwritten.take().map_or(Broken::Ended, Broken::Failed)));
                    }
                    Ok(_) => {}
                    Err(error) => return Poll::Ready(Err(Broken::Failed(error))),
                }
                // A head ends with a line: looking at each of its bytes again for each of them
                // would take time that grows with its square.
                let is_full = self.to == self.buffer.len();
                if until == Until::Anything || is_full || self.buffer[before..self.to].contains(&b'\n') {
                    return Poll::Ready(Ok(()));
                }
            }
        })
        .await
    }

    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let mut room = ReadBuf::new(&mut self.buffer[self.to..]);
        let told = ready!(Pin::new(&mut self.stream).poll_read(cx, &mut room));
        self.came_at = Instant::now();
        let read = room.filled().len();
        self.to += read;
        Poll::Ready(told.map(|()| read))
    }

    fn read_in_place(&mut self) -> Option<io::Result<usize>> {
        let mut room = ReadBuf::new(&mut self.buffer[self.to..]);
        let told = self.stream.read_in_place(&mut room)?;
        self.came_at = Instant::now();
        let read = room.filled().len();
        self.to += read;
        Some(told.map(|()| read))
    }

    /// Writes as much as the connection takes. A failure is told only if no answer comes: a service
    /// may refuse a long request before it has read it.
    fn poll_write(&mut self, cx: &mut Context<'_>, request: &[u8]) {
        while self.written < request.len() && self.unwritten.is_none() {
            match Pin::new(&mut self.stream).poll_write(cx, &request[self.written..]) {
                Poll::Pending => return,
                Poll::Ready(Ok(0)) => self.unwritten = Some(io::ErrorKind::WriteZero.into()),
                Poll::Ready(Ok(written)) => self.written += written,
                Poll::Ready(Err(error)) => self.unwritten = Some(error),
            }
        }
        if let Poll::Ready(Err(error)) = Pin::new(&mut self.stream).poll_flush(cx) {
            self.unwritten.get_or_insert(error);
        }
    }
}

/// What is read for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Until {
    /// The end of a line.
    Newline,
    /// Any byte.
    Anything,
}

#[cfg(test)]
mod tests;
