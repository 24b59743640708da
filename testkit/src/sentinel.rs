//! A master, its replica and the Sentinel that watches them, for tests of a failover.

use std::ffi::OsString;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::daemon::{self, Daemon, READY_WITHIN, Recipe};
use crate::{RedisServer, TestkitError, blocking, ports, programs, raw, redis};

const MASTER_NAME: &str = "main";
const POLL_EVERY: Duration = Duration::from_millis(10);

/// Two servers and one Sentinel; all end with this value.
#[derive(Debug)]
pub struct RedisSentinel {
    // The Sentinel stands first, so that it does not see the others end.
    _sentinel: Daemon,
    port: u16,
    master: RedisServer,
    replica: RedisServer,
}

impl RedisSentinel {
    /// Starts all three, and waits until the replica follows and the Sentinel knows it.
    ///
    /// # Errors
    /// If `redis-server` is not installed or one of them does not get ready.
    pub async fn start() -> Result<Self, TestkitError> {
        let master = RedisServer::start_with(&["--repl-diskless-sync-delay", "0"]).await?;
        let port = master.port().to_string();
        let replica = RedisServer::start_with(&["--replicaof", "127.0.0.1", &port]).await?;
        blocking(move || {
            // First, since a Sentinel asks only every ten seconds who follows.
            wait_for(replica.port(), "INFO replication", "master_link_status:up")?;
            let (sentinel, port) = ports::on_free_port(|port| watch(port, master.port()))?;
            wait_for(port, "INFO sentinel", "slaves=1")?;
            Ok(Self { _sentinel: sentinel, port, master, replica })
        })
        .await
    }

    /// `redis+sentinel://127.0.0.1:PORT/main/0`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("redis+sentinel://127.0.0.1:{}/{MASTER_NAME}/0", self.port)
    }

    /// The server that is the master at first: to be killed.
    #[must_use]
    pub fn first_master(&self) -> &RedisServer {
        &self.master
    }

    /// The server that is the replica at first, and the master after a failover.
    #[must_use]
    pub fn first_replica(&self) -> &RedisServer {
        &self.replica
    }
}

fn watch(port: u16, master: u16) -> Result<(Daemon, u16), TestkitError> {
    let program = programs::find("redis-server", "redis-server")?;
    let directory = daemon::directory("sentinel")?;
    // A Sentinel keeps what it learns in its configuration, so that it must have a file.
    let file = directory.path().join("sentinel.conf");
    // A busy machine stops a server for longer than the half second that would do on an idle one, and a second
    // failover would lead back to the first master.
    let lines = format!(
        "port {port}\nbind 127.0.0.1\nsentinel monitor {MASTER_NAME} 127.0.0.1 {master} 1\n\
         sentinel down-after-milliseconds {MASTER_NAME} 1500\nsentinel failover-timeout {MASTER_NAME} 5000\n"
    );
    std::fs::write(&file, lines).map_err(TestkitError::io("writing a Sentinel's configuration"))?;
    let args: Vec<OsString> = vec![file.into(), "--sentinel".into()];
    let recipe = Recipe { server: "redis-sentinel", program, args, user: None, stop: Signal::KILL };
    Ok((Daemon::start(recipe, directory, |pid| redis::is_ready(port, pid))?, port))
}

/// Asks until the answer holds the text.
fn wait_for(port: u16, question: &str, text: &str) -> Result<(), TestkitError> {
    let begun = Instant::now();
    let mut last = String::new();
    while begun.elapsed() < READY_WITHIN {
        // The answer's length is not known beforehand; the PONG behind it tells its end.
        let request = format!("{question}\r\nPING\r\n");
        if let Ok(answer) = raw::exchange(port, request.as_bytes(), |answer| answer.ends_with(b"+PONG\r\n")) {
            last = String::from_utf8_lossy(&answer).into_owned();
            if last.contains(text) {
                return Ok(());
            }
        }
        std::thread::sleep(POLL_EVERY);
    }
    Err(TestkitError::Failed { what: format!("waiting for {text:?} in {question}"), output: last })
}
