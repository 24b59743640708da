//! The time limit of a user's requests: one timer, not one for each request.
//!
//! A timer that is set for each request and taken back with its answer is two locked walks through
//! the timer wheel, for something that almost never rings. This one is left as it was set for an
//! earlier request: when it rings, it looks whether the present one is due, and is set anew if not.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use tokio::time::Sleep;

/// A timer that is used again and again.
#[derive(Debug, Default)]
pub(super) struct Alarm {
    timer: Option<Pin<Box<Sleep>>>,
}

impl Alarm {
    /// Ready once the deadline has passed.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>, deadline: Instant) -> Poll<()> {
        let timer = self.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(deadline.into())));
        if timer.deadline() > deadline.into() {
            timer.as_mut().reset(deadline.into());
        }
        while timer.as_mut().poll(cx).is_ready() {
            if Instant::now() >= deadline {
                return Poll::Ready(());
            }
            timer.as_mut().reset(deadline.into());
        }
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn it_rings_at_the_deadline_of_the_present_request_not_of_an_earlier_one() {
        let mut alarm = Alarm::default();
        let begun = Instant::now();
        // An earlier request, which was answered.
        let earlier = begun + Duration::from_millis(10);
        assert!(poll_fn(|cx| Poll::Ready(alarm.poll(cx, earlier))).await.is_pending());
        let deadline = begun + Duration::from_millis(40);
        poll_fn(|cx| alarm.poll(cx, deadline)).await;
        assert!(Instant::now() >= deadline);
        // And one whose time is up sooner than the timer says.
        let far = Instant::now() + Duration::from_secs(3_600);
        assert!(poll_fn(|cx| Poll::Ready(alarm.poll(cx, far))).await.is_pending());
        let near = Instant::now() + Duration::from_millis(5);
        poll_fn(|cx| alarm.poll(cx, near)).await;
        assert!(Instant::now() < far);
    }
}
