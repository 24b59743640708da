//! The body of an answer: stored bytes, the origin's own stream, or what was read of that stream
//! before it proved too much to store, and then the rest of it.

use std::fmt;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt as _;

/// A body that comes from the store, from the origin, or from both.
pub struct CachedBody<B: Body> {
    first: Bytes,
    rest: Rest<B>,
}

/// What follows the first bytes.
enum Rest<B: Body> {
    Nothing,
    Stream(Pin<Box<B>>),
    Trailers(Box<HeaderMap>),
    /// The stream failed while it was read ahead; whoever reads on learns it then.
    Failed(Box<B::Error>),
    /// The same, before the reader had time to send on the first bytes.
    FailedJustNow(Box<B::Error>),
}

/// What reading ahead came to.
pub(super) enum ReadAhead<B: Body> {
    /// The whole body.
    Whole(Bytes),
    /// A body that is not to be stored: too large, too slow, broken off, or with trailers.
    Unfit(CachedBody<B>),
}

impl<B: Body> CachedBody<B> {
    /// A body that is all there.
    #[must_use]
    pub fn whole(bytes: Bytes) -> Self {
        Self { first: bytes, rest: Rest::Nothing }
    }

    /// The origin's stream, untouched.
    #[must_use]
    pub fn passing(body: B) -> Self {
        Self { first: Bytes::new(), rest: Rest::Stream(Box::pin(body)) }
    }
}

/// How far bodies may be read ahead.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits<'a> {
    /// The most bytes of one.
    pub(super) most_bytes: usize,
    /// How long one may take.
    pub(super) longest: Duration,
    /// What all that are being read hold together.
    pub(super) held: &'a AtomicUsize,
    /// The most that they may hold.
    pub(super) most_held: usize,
}

/// Reads a body to its end, within the limits.
pub(super) async fn read_ahead<B>(body: B, limits: Limits<'_>) -> ReadAhead<B>
where
    B: Body<Data = Bytes>,
{
    let Limits { most_bytes, longest, held, most_held } = limits;
    let mut body = Box::pin(body);
    let mut read = Read { first: Bytes::new(), more: BytesMut::new(), held };
    if body.size_hint().lower() > most_bytes as u64 {
        return unfit(read, Rest::Stream(body));
    }
    let deadline = tokio::time::sleep(longest);
    tokio::pin!(deadline);
    loop {
        let frame = tokio::select! {
            biased;
            frame = body.frame() => frame,
            () = &mut deadline => return unfit(read, Rest::Stream(body)),
        };
        match frame {
            None => return ReadAhead::Whole(read.bytes()),
            Some(Err(error)) => return unfit(read, Rest::FailedJustNow(Box::new(error))),
            Some(Ok(frame)) => match frame.into_data() {
                Ok(data) => read.push(data),
                Err(frame) => {
                    let trailers = frame.into_trailers().unwrap_or_default();
                    return unfit(read, Rest::Trailers(Box::new(trailers)));
                }
            },
        }
        if read.len() > most_bytes || held.load(Ordering::Relaxed) > most_held {
            return unfit(read, Rest::Stream(body));
        }
    }
}

fn unfit<B: Body>(read: Read<'_>, rest: Rest<B>) -> ReadAhead<B> {
    ReadAhead::Unfit(CachedBody { first: read.bytes(), rest })
}

/// Bytes as they come. A body of one piece, the common case, is not copied.
struct Read<'a> {
    first: Bytes,
    more: BytesMut,
    held: &'a AtomicUsize,
}

impl Drop for Read<'_> {
    fn drop(&mut self) {
        self.held.fetch_sub(self.len(), Ordering::Relaxed);
    }
}

impl Read<'_> {
    fn push(&mut self, data: Bytes) {
        self.held.fetch_add(data.len(), Ordering::Relaxed);
        if self.first.is_empty() && self.more.is_empty() {
            self.first = data;
            return;
        }
        if self.more.is_empty() {
            self.more.extend_from_slice(&self.first);
            self.first = Bytes::new();
        }
        self.more.extend_from_slice(&data);
    }

    fn len(&self) -> usize {
        self.first.len() + self.more.len()
    }

    fn bytes(mut self) -> Bytes {
        self.held.fetch_sub(self.len(), Ordering::Relaxed);
        let (first, more) = (std::mem::take(&mut self.first), std::mem::take(&mut self.more));
        if more.is_empty() { first } else { more.freeze() }
    }
}

impl<B> Body for CachedBody<B>
where
    B: Body<Data = Bytes>,
{
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let this = self.get_mut();
        if !this.first.is_empty() {
            return Poll::Ready(Some(Ok(Frame::data(std::mem::take(&mut this.first)))));
        }
        if let Rest::Stream(stream) = &mut this.rest {
            return stream.as_mut().poll_frame(cx);
        }
        Poll::Ready(match std::mem::replace(&mut this.rest, Rest::Nothing) {
            Rest::Trailers(trailers) => Some(Ok(Frame::trailers(*trailers))),
            Rest::FailedJustNow(error) => {
                // A server that meets the error at once would drop what it has not sent yet.
                this.rest = Rest::Failed(error);
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            Rest::Failed(error) => Some(Err(*error)),
            Rest::Nothing | Rest::Stream(_) => None,
        })
    }

    fn is_end_stream(&self) -> bool {
        self.first.is_empty()
            && match &self.rest {
                Rest::Nothing => true,
                Rest::Stream(stream) => stream.is_end_stream(),
                Rest::Trailers(_) | Rest::Failed(_) | Rest::FailedJustNow(_) => false,
            }
    }

    fn size_hint(&self) -> SizeHint {
        let first = self.first.len() as u64;
        match &self.rest {
            Rest::Nothing | Rest::Trailers(_) => SizeHint::with_exact(first),
            Rest::Failed(_) | Rest::FailedJustNow(_) => SizeHint::default(),
            Rest::Stream(stream) => {
                let rest = stream.size_hint();
                let mut hint = SizeHint::new();
                hint.set_lower(first.saturating_add(rest.lower()));
                if let Some(upper) = rest.upper() {
                    hint.set_upper(first.saturating_add(upper));
                }
                hint
            }
        }
    }
}

impl<B: Body> fmt::Debug for CachedBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rest = match &self.rest {
            Rest::Nothing => "nothing",
            Rest::Stream(_) => "a stream",
            Rest::Trailers(_) => "trailers",
            Rest::Failed(_) | Rest::FailedJustNow(_) => "an error",
        };
        f.debug_struct("CachedBody").field("first_bytes", &self.first.len()).field("rest", &rest).finish()
    }
}
