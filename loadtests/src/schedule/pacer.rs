//! Waiting for a due time, to some microseconds.
//!
//! The runtime's timers tick in milliseconds and round up: a user that waits with them is one to two
//! milliseconds late, and twenty users that all oversleep leave a fast service idle and then flood
//! it. So each thread of users has one timer of the kernel (timerfd), set to the next due time, and
//! a queue of those who wait. A thread without one, or a system without them, waits as the runtime
//! does. Nothing here knows what is due.

use std::cell::RefCell;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io;
use std::os::fd::OwnedFd;
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};
use std::time::{Duration, Instant};

use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
};
use tokio::io::unix::AsyncFd;

thread_local! {
    static PACER: RefCell<Option<Pacer>> = const { RefCell::new(None) };
}

/// Who waits on this thread, soonest first.
#[derive(Debug)]
struct Pacer {
    timer: AsyncFd<OwnedFd>,
    waiting: BinaryHeap<Reverse<Waiting>>,
    /// What the timer is set to.
    set_to: Option<Instant>,
}

#[derive(Debug)]
struct Waiting {
    due: Instant,
    waker: Waker,
}

impl PartialEq for Waiting {
    fn eq(&self, other: &Self) -> bool {
        self.due == other.due
    }
}

impl Eq for Waiting {}

impl PartialOrd for Waiting {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Waiting {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.due.cmp(&other.due)
    }
}

/// Waits until a time. The caller may be late by what the processor is busy with, no more.
pub(crate) async fn until(due: Instant) {
    let is_paced = PACER.with_borrow(Option::is_some);
    if is_paced { Due { due, is_queued: false }.await } else { tokio::time::sleep_until(due.into()).await }
}

/// Gives this thread a timer. It is moved on by the future that this returns, which must run on this
/// thread as long as anybody waits. It has no end.
///
/// # Errors
///
/// If the system has none left. Waiting is then as coarse as the runtime's.
#[allow(
    deprecated,
    reason = "tokio's new name is unsafe, for types whose descriptor may change; an OwnedFd keeps its own"
)]
pub(crate) fn install() -> io::Result<impl Future<Output = ()>> {
    let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
    let timer = AsyncFd::new(timerfd_create(TimerfdClockId::Monotonic, flags)?)?;
    PACER.set(Some(Pacer { timer, waiting: BinaryHeap::new(), set_to: None }));
    Ok(std::future::poll_fn(|cx| {
        PACER.with_borrow_mut(|pacer| pacer.as_mut().map_or(Poll::Pending, |pacer| pacer.poll(cx)))
    }))
}

/// Takes the timer away, before the runtime ends that it is registered with.
pub(crate) fn remove() {
    drop(PACER.take());
}

/// A wait.
#[derive(Debug)]
struct Due {
    due: Instant,
    is_queued: bool,
}

impl Future for Due {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if Instant::now() >= self.due {
            return Poll::Ready(());
        }
        if !self.is_queued {
            self.is_queued = true;
            let waiting = Waiting { due: self.due, waker: cx.waker().clone() };
            PACER.with_borrow_mut(|pacer| {
                if let Some(pacer) = pacer {
                    pacer.waiting.push(Reverse(waiting));
                    pacer.set(Instant::now());
                }
            });
        }
        Poll::Pending
    }
}

impl Pacer {
    /// Wakes those whose time has come, each time the timer rings.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            let Ok(mut ringing) = ready!(self.timer.poll_read_ready(cx)) else { return Poll::Pending };
            // What it has counted is of no interest, but must be taken for it to ring again.
            ringing.clear_ready();
            self.set_to = None;
            let now = Instant::now();
            while let Some(Reverse(first)) = self.waiting.peek()
                && first.due <= now
            {
                if let Some(Reverse(first)) = self.waiting.pop() {
                    first.waker.wake();
                }
            }
            self.set(now);
        }
    }

    /// Sets the timer to the soonest of those who wait, unless it is.
    fn set(&mut self, now: Instant) {
        let Some(Reverse(first)) = self.waiting.peek() else { return };
        if self.set_to.is_some_and(|set_to| set_to <= first.due) {
            return;
        }
        // Zero would switch the timer off.
        let left = first.due.saturating_duration_since(now).max(Duration::from_nanos(1));
        let never = Timespec { tv_sec: 0, tv_nsec: 0 };
        let seconds = i64::try_from(left.as_secs()).unwrap_or(i64::MAX);
        let in_time = Timespec { tv_sec: seconds, tv_nsec: left.subsec_nanos().into() };
        let setting = Itimerspec { it_interval: never, it_value: in_time };
        // It fails only for a time that is none.
        let _ = timerfd_settime(self.timer.get_ref(), TimerfdTimerFlags::empty(), &setting);
        self.set_to = Some(first.due);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn those_who_wait_are_woken_in_their_order_and_not_before_their_time() {
        let moved = install().unwrap();
        let begun = Instant::now();
        let order = RefCell::new(Vec::new());
        let wait = |after_us: u64| {
            let order = &order;
            async move {
                let due = begun + Duration::from_micros(after_us);
                until(due).await;
                assert!(Instant::now() >= due);
                order.borrow_mut().push(after_us);
            }
        };
        tokio::select! {
            () = moved => panic!("the timer ended"),
            _ = async { tokio::join!(wait(30_000), wait(10_000), wait(0), wait(20_000)) } => {}
        }
        assert_eq!(*order.borrow(), [0, 10_000, 20_000, 30_000]);
        remove();
        until(Instant::now() + Duration::from_millis(2)).await;
        assert!(begun.elapsed() >= Duration::from_millis(32));
    }
}
