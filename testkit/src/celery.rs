//! Real Celery and RQ: a Python environment with both, scripts that publish, and a Celery worker.
//!
//! The environment is built once, under the target directory, and found again later. What a script
//! does to the broker is the test's; this file only runs it.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;

use rustix::process::Signal;

use crate::daemon::{self, Daemon, Recipe};
use crate::programs::run;
use crate::{TestkitError, blocking, installed};

/// A Python that can import `celery` and `rq`.
#[derive(Debug, Clone)]
pub struct Celery {
    bin: PathBuf,
}

/// A worker process; it is killed when this value is dropped.
#[derive(Debug)]
pub struct CeleryWorker {
    daemon: Daemon,
}

impl Celery {
    /// Finds the environment or builds it, which needs PyPI.
    ///
    /// # Errors
    /// If Python is missing or the packages cannot be installed; the message names them.
    pub async fn install() -> Result<Self, TestkitError> {
        blocking(|| Ok(Self { bin: installed::python("celery", &["celery[redis]", "rq"])? })).await
    }

    /// Runs a script with these arguments to its end and returns what it printed.
    ///
    /// # Errors
    /// If it ends with another code than 0; the message holds what it said.
    pub async fn script(&self, text: &str, args: &[&str]) -> Result<String, TestkitError> {
        let mut command = Command::new(self.bin.join("python"));
        command.arg("-c").arg(text).args(args);
        blocking(move || run(&mut command, "a script with celery")).await
    }

    /// Starts a worker of `app` in a module with this text, and waits until it says that it is ready.
    ///
    /// # Errors
    /// If it ends or does not get ready.
    pub async fn worker(&self, module: &str, args: &[&str]) -> Result<CeleryWorker, TestkitError> {
        let (program, module) = (self.bin.join("celery"), module.to_owned());
        let more: Vec<OsString> = args.iter().map(Into::into).collect();
        blocking(move || {
            let directory = daemon::directory("celery")?;
            std::fs::write(directory.path().join("tasks.py"), module)
                .map_err(TestkitError::io("writing tasks.py"))?;
            let ready = directory.path().join("ready");
            let mut start: Vec<OsString> = vec!["--workdir".into(), directory.path().into()];
            start.extend(["-A", "tasks", "worker"].map(OsString::from));
            start.extend(more);
            let recipe =
                Recipe { server: "celery worker", program, args: start, user: None, stop: Signal::KILL };
            Daemon::start(recipe, directory, |_| ready.is_file()).map(|daemon| CeleryWorker { daemon })
        })
        .await
    }
}

impl CeleryWorker {
    /// Kills the worker by SIGKILL: what it holds stays unacknowledged.
    pub fn kill(&self) {
        self.daemon.kill();
    }
}
