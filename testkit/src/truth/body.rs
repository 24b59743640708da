//! The three kinds of response body: whole, late, and broken off.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use tokio::time::Sleep;

/// hyper throws away what it has not written yet when a body fails; it writes while the body waits.
const BROKEN_AFTER: Duration = Duration::from_millis(20);

/// A response body which hyper polls.
#[derive(Debug)]
pub(super) enum TruthBody {
    /// All at once; `None` when it was handed out.
    Whole(Option<Bytes>),
    /// The headers go out first, the bytes when the time is over.
    Late(Pin<Box<Sleep>>, Option<Bytes>),
    /// The first bytes of a longer announced body, then an error, upon which hyper closes the connection.
    Broken(Option<Bytes>, Pin<Box<Sleep>>),
}

/// The body ends before its announced length.
#[derive(Debug)]
pub(super) struct BrokenOff;

impl std::fmt::Display for BrokenOff {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("broken off, as asked for")
    }
}

impl std::error::Error for BrokenOff {}

impl TruthBody {
    pub(super) fn whole(bytes: impl Into<Bytes>) -> Self {
        Self::Whole(Some(bytes.into()))
    }

    pub(super) fn late(delay: Duration, bytes: impl Into<Bytes>) -> Self {
        Self::Late(Box::pin(tokio::time::sleep(delay)), Some(bytes.into()))
    }

    pub(super) fn broken(first: impl Into<Bytes>) -> Self {
        Self::Broken(Some(first.into()), Box::pin(tokio::time::sleep(BROKEN_AFTER)))
    }
}

impl Body for TruthBody {
    type Data = Bytes;
    type Error = BrokenOff;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BrokenOff>>> {
        let frame = |bytes| Ok(Frame::data(bytes));
        match self.get_mut() {
            Self::Whole(bytes) => Poll::Ready(bytes.take().map(frame)),
            Self::Late(delay, bytes) => match delay.as_mut().poll(context) {
                Poll::Pending => Poll::Pending,
                Poll::Ready(()) => Poll::Ready(bytes.take().map(frame)),
            },
            Self::Broken(bytes, delay) => match bytes.take() {
                Some(bytes) => Poll::Ready(Some(frame(bytes))),
                None => delay.as_mut().poll(context).map(|()| Some(Err(BrokenOff))),
            },
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Whole(None) | Self::Late(_, None))
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) | Self::Late(_, bytes) => {
                SizeHint::with_exact(bytes.as_ref().map_or(0, Bytes::len) as u64)
            }
            // The announced length is set as a header by whoever breaks off.
            Self::Broken(..) => SizeHint::new(),
        }
    }
}
