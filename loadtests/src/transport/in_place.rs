//! Waiting for an answer in its socket, on a thread that has one user alone.
//!
//! An event queue tells which of many sockets has something to read. A thread with one user needs
//! none: it sleeps in the wait for this socket, and what follows its waking is a read. The way through the
//! queue and the run loop takes one to two microseconds more, all of them after the answer has come, so
//! they would be in each latency. It is waited in place for a moment only, since nothing else of the thread
//! goes on meanwhile; then the event queue has its turn. Threads of many users never do so.

use std::cell::Cell;
use std::io;
use std::os::fd::AsFd;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use tokio::io::ReadBuf;

/// The longest wait in place. Timers of the thread are late by so much at most.
const MOMENT: Timespec = Timespec { tv_sec: 0, tv_nsec: 10_000_000 };

thread_local! {
    static USERS: Cell<Users> = const { Cell::new(Users::Many) };
}

/// How many users a thread works for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Users {
    /// One alone.
    One,
    /// Several, or nobody knows.
    Many,
}

/// Says how many users the present thread works for.
pub(crate) fn this_thread_has(users: Users) {
    USERS.set(users);
}

/// What a connection's stream can do beside being polled.
pub(super) trait ReadInPlace {
    /// Waits for bytes and reads them, where that is the right thing to do; none if it is not, or if
    /// nothing has come so far.
    fn read_in_place(&mut self, room: &mut ReadBuf<'_>) -> Option<io::Result<()>>;
}

/// Waits for a socket that does not block and reads from it, if this thread has one user alone.
pub(super) fn read(socket: &impl AsFd, room: &mut ReadBuf<'_>) -> Option<io::Result<()>> {
    if USERS.get() == Users::Many {
        return None;
    }
    let mut waited_for = [PollFd::new(socket, PollFlags::IN)];
    // Whatever else it is, the event queue will tell it too.
    if !matches!(poll(&mut waited_for, Some(&MOMENT)), Ok(1..)) {
        return None;
    }
    match rustix::io::read(socket, room.initialize_unfilled()) {
        Ok(bytes) => {
            room.advance(bytes);
            Some(Ok(()))
        }
        Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INTR) => None,
        Err(error) => Some(Err(error.into())),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::net::{TcpListener, TcpStream};

    use super::*;

    /// A socket that does not block, and its other end.
    fn pair() -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let socket = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        socket.set_nonblocking(true).unwrap();
        (socket, listener.accept().unwrap().0)
    }

    #[test]
    fn a_thread_of_many_users_does_not_wait_in_place() {
        let (socket, mut other) = pair();
        other.write_all(b"here").unwrap();
        let mut bytes = [0; 8];
        assert!(read(&socket, &mut ReadBuf::new(&mut bytes)).is_none());
    }

    #[test]
    fn a_thread_of_one_user_reads_what_comes_and_gives_up_after_a_moment() {
        this_thread_has(Users::One);
        let (socket, mut other) = pair();
        let mut bytes = [0; 8];
        let mut room = ReadBuf::new(&mut bytes);
        assert!(read(&socket, &mut room).is_none(), "nothing has come");
        other.write_all(b"here").unwrap();
        read(&socket, &mut room).unwrap().unwrap();
        assert_eq!(room.filled(), b"here");
        drop(other);
        read(&socket, &mut room).unwrap().unwrap();
        assert_eq!(room.filled(), b"here", "the end of the stream is a read of nothing");
        this_thread_has(Users::Many);
    }
}
