//! Threads of the users' own, each with a run loop that shares nothing.
//!
//! A scheduler that balances tasks between threads wakes a second thread whenever several answers
//! have come, and that thread takes over half of them: a system call and two queues for work of a
//! few microseconds. Users are alike, so they are dealt out once, and an answer is read by the
//! thread that learns of it. This file knows nothing of what users do.

use std::io;
use std::thread::JoinHandle;

use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;

use crate::schedule::pacer;
use crate::transport::in_place::{self, Users};

/// Threads for users. They end when this is dropped.
#[derive(Debug)]
pub(crate) struct Lanes {
    lanes: Vec<Lane>,
}

#[derive(Debug)]
struct Lane {
    handle: Handle,
    end: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Lanes {
    /// One thread for each processor, but no more than users.
    ///
    /// # Errors
    ///
    /// If the system has no thread or no event queue left.
    pub(crate) fn start(users: usize) -> io::Result<Self> {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        let count = processors.min(users).max(1);
        let each = if users <= count { Users::One } else { Users::Many };
        Ok(Self { lanes: (0..count).map(|number| Lane::start(number, each)).collect::<Result<_, _>>()? })
    }

    /// How many there are.
    pub(crate) const fn count(&self) -> usize {
        self.lanes.len()
    }

    /// The run loop of a user.
    pub(crate) fn of(&self, user: usize) -> &Handle {
        &self.lanes[user % self.lanes.len()].handle
    }
}

impl Lane {
    fn start(number: usize, users: Users) -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let (end, ended) = oneshot::channel();
        let thread = std::thread::Builder::new().name(format!("users-{number}")).spawn(move || {
            in_place::this_thread_has(users);
            runtime.block_on(async {
                // Without a timer of its own the thread waits as coarsely as the runtime does.
                match pacer::install() {
                    Ok(paced) => tokio::select! {
                        () = paced => {}
                        _ = ended => {}
                    },
                    Err(_) => drop(ended.await),
                }
                pacer::remove();
            });
        })?;
        Ok(Self { handle, end: Some(end), thread: Some(thread) })
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        drop(self.end.take());
        // A run that is given up may leave its last user to let go of the lanes.
        let elsewhere =
            self.thread.take().filter(|thread| thread.thread().id() != std::thread::current().id());
        if let Some(thread) = elsewhere {
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn users_are_dealt_out_evenly_and_each_stays_on_its_thread() {
        let lanes = Lanes::start(64).unwrap();
        let count = lanes.lanes.len();
        for user in 0..2 * count {
            let name = || std::thread::current().name().map(str::to_owned);
            let told = lanes.of(user).spawn(async move { (name(), name()) }).await.unwrap();
            let expected = Some(format!("users-{}", user % count));
            assert_eq!(told, (expected.clone(), expected));
        }
        assert_eq!(Lanes::start(1).unwrap().lanes.len(), 1);
    }
}
