//! A real memcached on a free port that can be killed, restarted and frozen.

use std::ffi::OsString;
use std::sync::Arc;

use rustix::process::Signal;

use crate::daemon::{self, Daemon, Recipe};
use crate::unprivileged::User;
use crate::{TestkitError, blocking, ports, programs, raw};

/// A `memcached` that lives as long as this value.
///
/// All methods take `&self`, so that a test can kill the server while clients of it are at work.
#[derive(Debug)]
pub struct MemcachedServer {
    daemon: Arc<Daemon>,
    port: u16,
}

impl MemcachedServer {
    /// Starts an empty server and waits until it answers.
    ///
    /// # Errors
    /// If `memcached` is not installed or does not get ready.
    pub async fn start() -> Result<Self, TestkitError> {
        Self::start_with(&[]).await
    }

    /// The same with further arguments of `memcached`, such as `["-m", "8"]`.
    ///
    /// # Errors
    /// If `memcached` is not installed, refuses the arguments or does not get ready.
    pub async fn start_with(args: &[&str]) -> Result<Self, TestkitError> {
        let args: Vec<OsString> = args.iter().map(Into::into).collect();
        blocking(move || ports::on_free_port(|port| Self::start_on(port, &args))).await
    }

    /// `memcached://127.0.0.1:PORT`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("memcached://127.0.0.1:{}", self.port)
    }

    /// The TCP port; a restart keeps it.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Sends lines of the text protocol on a connection of their own and returns all that the server
    /// answered to them.
    ///
    /// # Errors
    /// If the server does not answer.
    pub fn ask(&self, lines: &str) -> Result<String, TestkitError> {
        let mut request = lines.as_bytes().to_vec();
        request.extend_from_slice(b"quit\r\n");
        let answer = raw::exchange(self.port, &request, |_| false);
        let answer = answer.map_err(TestkitError::io("asking memcached"))?;
        Ok(String::from_utf8_lossy(&answer).into_owned())
    }

    /// Kills the server by SIGKILL and waits until it is gone: its port then refuses connections.
    pub fn kill(&self) {
        self.daemon.kill();
    }

    /// Starts it again, empty, on the same port; kills it first if it runs.
    ///
    /// # Errors
    /// If the server does not get ready, for instance because somebody else took the port.
    pub async fn restart(&self) -> Result<(), TestkitError> {
        let (daemon, port) = (self.daemon.clone(), self.port);
        blocking(move || daemon.restart(|pid| is_ready(port, pid))).await
    }

    /// Freezes the server by SIGSTOP: connections are still accepted by the kernel, nothing answers.
    ///
    /// # Panics
    /// If the server is not running.
    pub fn pause(&self) {
        self.daemon.pause().unwrap_or_else(|error| panic!("{error}"));
    }

    /// Lets a paused server go on (SIGCONT).
    ///
    /// # Panics
    /// If the server is not running.
    pub fn resume(&self) {
        self.daemon.resume().unwrap_or_else(|error| panic!("{error}"));
    }

    fn start_on(port: u16, more: &[OsString]) -> Result<Self, TestkitError> {
        let program = programs::find("memcached", "memcached")?;
        let directory = daemon::directory("memcached")?;
        // One that runs as root gives its rights up and wants to know for whom.
        let user = User::instead_of_root("memcache")?;
        if let Some(User { uid, gid }) = user {
            std::os::unix::fs::chown(directory.path(), Some(uid), Some(gid))
                .map_err(TestkitError::io("giving memcached its directory"))?;
        }
        let port_text = port.to_string();
        let mut args: Vec<OsString> =
            ["-l", "127.0.0.1", "-p", &port_text, "-U", "0"].iter().map(Into::into).collect();
        args.extend_from_slice(more);
        let recipe = Recipe { server: "memcached", program, args, user, stop: Signal::KILL };
        let daemon = Daemon::start(recipe, directory, |pid| is_ready(port, pid))?;
        Ok(Self { daemon: Arc::new(daemon), port })
    }
}

/// The server answers, and it is ours: the process id that it tells is the child's.
fn is_ready(port: u16, pid: u32) -> bool {
    let is_whole = |answer: &[u8]| answer.ends_with(b"END\r\n") || answer.starts_with(b"CLIENT_ERROR");
    match raw::exchange(port, b"stats\r\n", is_whole) {
        // A server that wants a password answers with an error, which is an answer.
        Ok(answer) if answer.starts_with(b"CLIENT_ERROR") => true,
        Ok(answer) => answer.starts_with(format!("STAT pid {pid}\r\n").as_bytes()),
        Err(_) => false,
    }
}
