//! What can go wrong while a test prepares its servers. Each message says what to do or shows what
//! the server itself said.

use std::process::ExitStatus;
use std::time::Duration;

/// A server could not be started, asked or signalled.
#[derive(Debug, thiserror::Error)]
pub enum TestkitError {
    /// A program is not installed.
    #[error("{program} is not installed; install it with: apt-get install {package}")]
    Missing {
        /// The program that was looked for.
        program: String,
        /// The Debian package that brings it.
        package: &'static str,
    },
    /// The operating system refused something.
    #[error("{what}: {source}")]
    Io {
        /// What was attempted, and on which file.
        what: String,
        /// What the operating system answered.
        source: std::io::Error,
    },
    /// The server ended before it was ready.
    #[error("{server} ended with {status} before it was ready; it said:\n{log}")]
    Exited {
        /// The server's name.
        server: &'static str,
        /// How it ended.
        status: ExitStatus,
        /// The end of its log.
        log: String,
    },
    /// The server lives but did not answer in time.
    #[error("{server} did not answer within {waited:?}; it said:\n{log}")]
    NotReady {
        /// The server's name.
        server: &'static str,
        /// How long the test waited.
        waited: Duration,
        /// The end of its log.
        log: String,
    },
    /// A helper program, or a request to a server, failed.
    #[error("{what} failed:\n{output}")]
    Failed {
        /// What was run.
        what: String,
        /// What it printed.
        output: String,
    },
    /// The server was killed and not restarted, so it cannot be signalled.
    #[error("{server} is not running; call restart() first")]
    NotRunning {
        /// The server's name.
        server: &'static str,
    },
}

impl TestkitError {
    /// For `map_err` on an operation that `what` describes.
    pub(crate) fn io(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let what = what.into();
        move |source| Self::Io { what, source }
    }

    /// The server lost a race for its port; another port may do.
    pub(crate) fn is_port_taken(&self) -> bool {
        matches!(self, Self::Exited { log, .. } if log.to_lowercase().contains("address already in use"))
    }
}
