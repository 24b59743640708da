//! One server process: started, awaited, paused, killed, started again.
//!
//! The servers differ in their command line and in how one asks whether they are ready; all
//! the rest is here. Everything blocks, with a limit; the callers move it off their runtime.

use std::ffi::OsString;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid};
use tempfile::TempDir;

use crate::unprivileged::{self, User};
use crate::{TestkitError, nursery};

/// Long enough for a cold `postgres` on a machine that compiles on all cores at the same time.
pub(crate) const READY_WITHIN: Duration = Duration::from_secs(60);
const GONE_WITHIN: Duration = Duration::from_secs(5);
const POLL_EVERY: Duration = Duration::from_millis(5);
const LOG_TAIL_BYTES: usize = 4_000;

/// A temporary directory for a server of this name, removed with the value.
pub(crate) fn directory(server: &str) -> Result<TempDir, TestkitError> {
    tempfile::Builder::new()
        .prefix(&format!("hitmark-{server}-"))
        .tempdir()
        .map_err(TestkitError::io(format!("making a directory for {server}")))
}

/// What is needed to start a server, any number of times.
#[derive(Debug)]
pub(crate) struct Recipe {
    /// The name in messages.
    pub(crate) server: &'static str,
    pub(crate) program: PathBuf,
    pub(crate) args: Vec<OsString>,
    /// Another user than root, where the server insists.
    pub(crate) user: Option<User>,
    /// The signal which ends it at once and leaves nothing behind.
    pub(crate) stop: Signal,
}

/// A server process and its directory. Dropping it ends the one and removes the other.
#[derive(Debug)]
pub(crate) struct Daemon {
    recipe: Recipe,
    // `process` stands before `directory`: it is dropped first.
    process: Mutex<Option<Process>>,
    directory: TempDir,
}

impl Daemon {
    /// Starts the server and waits until `is_ready` says yes; it is given the process id.
    pub(crate) fn start(
        recipe: Recipe,
        directory: TempDir,
        is_ready: impl Fn(u32) -> bool,
    ) -> Result<Self, TestkitError> {
        let daemon = Self { recipe, process: Mutex::new(None), directory };
        daemon.restart(is_ready)?;
        Ok(daemon)
    }

    /// Ends the server if it runs, and starts it again with the same command line.
    pub(crate) fn restart(&self, is_ready: impl Fn(u32) -> bool) -> Result<(), TestkitError> {
        let mut slot = self.slot();
        // Dropping the old process ends it, before the new one asks for the same port.
        drop(slot.take());
        let mut process = self.spawn()?;
        self.wait_until_ready(&mut process, is_ready)?;
        *slot = Some(process);
        Ok(())
    }

    /// Ends the server and waits until it is gone. Nothing happens if it is not running.
    pub(crate) fn kill(&self) {
        drop(self.slot().take());
    }

    /// The process id, while the server runs.
    pub(crate) fn pid(&self) -> Option<u32> {
        self.slot().as_ref().map(|process| process.child.id())
    }

    /// Freezes the server; connections stay open and nothing answers. Returns once it stands still.
    pub(crate) fn pause(&self) -> Result<(), TestkitError> {
        self.with_process(|process| {
            process.signal(Signal::STOP)?;
            process.wait_until_stopped();
            Ok(())
        })
    }

    /// Lets a paused server go on.
    pub(crate) fn resume(&self) -> Result<(), TestkitError> {
        self.with_process(|process| process.signal(Signal::CONT))
    }

    pub(crate) fn directory(&self) -> &Path {
        self.directory.path()
    }

    fn with_process(&self, act: impl FnOnce(&Process) -> std::io::Result<()>) -> Result<(), TestkitError> {
        let server = self.recipe.server;
        match self.slot().as_ref() {
            None => Err(TestkitError::NotRunning { server }),
            Some(process) => act(process).map_err(TestkitError::io(format!("signalling {server}"))),
        }
    }

    // A panic elsewhere must not keep a server alive, so a poisoned lock is taken all the same.
    fn slot(&self) -> MutexGuard<'_, Option<Process>> {
        self.process.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn spawn(&self) -> Result<Process, TestkitError> {
        let log = self.log_path();
        let describe = || format!("opening {}", log.display());
        let stdout = File::create(&log).map_err(TestkitError::io(describe()))?;
        let stderr = stdout.try_clone().map_err(TestkitError::io(describe()))?;
        let mut words = unprivileged::prefix(self.recipe.user)?;
        words.push(self.recipe.program.clone().into());
        words.extend(self.recipe.args.iter().cloned());
        let mut command = Command::new(&words[0]);
        command
            .args(&words[1..])
            .current_dir(self.directory.path())
            .env("LC_ALL", "C.UTF-8")
            .stdin(Stdio::null())
            .stdout(stdout)
            .stderr(stderr);
        let child =
            nursery::spawn(command).map_err(TestkitError::io(format!("starting {}", self.recipe.server)))?;
        Ok(Process { child, stop: self.recipe.stop })
    }

    fn wait_until_ready(
        &self,
        process: &mut Process,
        is_ready: impl Fn(u32) -> bool,
    ) -> Result<(), TestkitError> {
        let server = self.recipe.server;
        let begun = Instant::now();
        while begun.elapsed() < READY_WITHIN {
            // The order matters: an answer counts only if our process lives, for otherwise it may
            // come from a stranger who holds the port.
            let ready = is_ready(process.child.id());
            if let Some(status) = process.exited() {
                return Err(TestkitError::Exited { server, status, log: self.log_tail() });
            }
            if ready {
                return Ok(());
            }
            std::thread::sleep(POLL_EVERY);
        }
        Err(TestkitError::NotReady { server, waited: READY_WITHIN, log: self.log_tail() })
    }

    fn log_path(&self) -> PathBuf {
        self.directory.path().join("server.log")
    }

    fn log_tail(&self) -> String {
        let log = std::fs::read(self.log_path()).unwrap_or_default();
        String::from_utf8_lossy(&log[log.len().saturating_sub(LOG_TAIL_BYTES)..]).into_owned()
    }
}

/// A child that is ended and reaped when dropped.
#[derive(Debug)]
struct Process {
    child: Child,
    stop: Signal,
}

impl Process {
    fn exited(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    fn pid(&self) -> Option<Pid> {
        Pid::from_raw(i32::try_from(self.child.id()).ok()?)
    }

    fn signal(&self, signal: Signal) -> std::io::Result<()> {
        let pid = self.pid().ok_or_else(|| std::io::Error::other("not a process id"))?;
        kill_process(pid, signal).map_err(Into::into)
    }

    /// A signal is delivered a moment after it was sent; a test must not race with that moment.
    fn wait_until_stopped(&self) {
        let Some(pid) = self.pid() else { return };
        let begun = Instant::now();
        while begun.elapsed() < GONE_WITHIN {
            let options = WaitIdOptions::STOPPED | WaitIdOptions::NOHANG;
            if !matches!(waitid(WaitId::Pid(pid), options), Ok(None)) {
                return;
            }
            std::thread::sleep(POLL_EVERY);
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Until it is reaped below, the process id is still this child's and nobody else's.
        if self.exited().is_some() {
            return;
        }
        let _ = self.signal(self.stop);
        // A paused process obeys nothing but SIGKILL until it goes on.
        let _ = self.signal(Signal::CONT);
        let begun = Instant::now();
        while begun.elapsed() < GONE_WITHIN {
            if self.exited().is_some() {
                return;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
