//! Services that a plan starts itself: a process for a variant, ready before the first request,
//! stopped after the last, by its own process id.

use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::process::{Child, Command};

use crate::plan::StartCommand;
use crate::probe::get;
use crate::transport::Target;

/// How long a service may take to become ready.
const READY_TIMEOUT: Duration = Duration::from_secs(60);
/// How long a service may take to end after it was asked to.
const STOP_TIMEOUT: Duration = Duration::from_secs(10);
/// How long to wait between two looks.
const READY_PAUSE: Duration = Duration::from_millis(50);

/// A running service. Dropping it kills the process.
#[derive(Debug)]
pub struct ServiceProcess {
    child: Child,
}

/// A service that could not be started.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// The program could not be run.
    #[error("cannot start '{program}': {source}")]
    Start {
        /// The program.
        program: String,
        /// What the system answered.
        source: std::io::Error,
    },
    /// It ended before it was ready.
    #[error("'{program}' ended with {status} before {ready} answered")]
    Ended {
        /// The program.
        program: String,
        /// Its exit status.
        status: std::process::ExitStatus,
        /// The path that should have answered.
        ready: String,
    },
    /// It did not become ready.
    #[error("'{program}' was started, but {ready} did not answer 2xx within {} s", READY_TIMEOUT.as_secs())]
    NotReady {
        /// The program.
        program: String,
        /// The path that should have answered.
        ready: String,
    },
}

impl ServiceProcess {
    /// Starts a service and waits until its ready path answers 2xx.
    ///
    /// # Errors
    ///
    /// If it cannot be run, ends early, or does not become ready in a minute.
    pub async fn start(start: &StartCommand, target: &Arc<Target>) -> Result<Self, ServiceError> {
        let program = start.command.first().cloned().unwrap_or_default();
        let child = Command::new(&program)
            .args(&start.command[1..])
            .envs(start.env.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .map_err(|source| ServiceError::Start { program: program.clone(), source })?;
        let mut service = Self { child };
        service.wait_until_ready(&program, &start.ready, target).await?;
        Ok(service)
    }

    async fn wait_until_ready(
        &mut self,
        program: &str,
        ready: &str,
        target: &Arc<Target>,
    ) -> Result<(), ServiceError> {
        let deadline = Instant::now() + READY_TIMEOUT;
        while Instant::now() < deadline {
            if let Ok(Some(status)) = self.child.try_wait() {
                return Err(ServiceError::Ended {
                    program: program.to_owned(),
                    status,
                    ready: ready.to_owned(),
                });
            }
            if get(target, ready).await.is_ok_and(|answer| (200..300).contains(&answer.status)) {
                return Ok(());
            }
            tokio::time::sleep(READY_PAUSE).await;
        }
        Err(ServiceError::NotReady { program: program.to_owned(), ready: ready.to_owned() })
    }

    /// Asks the service to end, and kills it if it does not.
    pub async fn stop(mut self) {
        if let Some(pid) =
            self.child.id().and_then(|pid| i32::try_from(pid).ok()).and_then(rustix::process::Pid::from_raw)
        {
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        }
        if tokio::time::timeout(STOP_TIMEOUT, self.child.wait()).await.is_err() {
            let _ = self.child.kill().await;
        }
    }
}
