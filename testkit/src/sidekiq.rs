//! Real Sidekiq: scripts in Ruby that push jobs, and a process that works on them.
//!
//! Debian's package brings Ruby and the gem. What a script does to the broker is the test's.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;

use rustix::process::Signal;

use crate::daemon::{self, Daemon, Recipe};
use crate::programs::run;
use crate::{TestkitError, blocking, programs};

/// A Ruby that can `require "sidekiq"`.
#[derive(Debug, Clone)]
pub struct Sidekiq {
    ruby: PathBuf,
    sidekiq: PathBuf,
}

/// A Sidekiq process; it is killed when this value is dropped.
#[derive(Debug)]
pub struct SidekiqWorker {
    daemon: Daemon,
}

impl Sidekiq {
    /// Finds both programs.
    ///
    /// # Errors
    /// If one is missing; the message names the Debian package.
    pub fn find() -> Result<Self, TestkitError> {
        let find = |name| programs::find(name, "ruby-sidekiq");
        Ok(Self { ruby: find("ruby")?, sidekiq: find("sidekiq")? })
    }

    /// Runs a script with these arguments to its end and returns what it printed.
    ///
    /// # Errors
    /// If it ends with another code than 0; the message holds what it said.
    pub async fn script(&self, text: &str, args: &[&str]) -> Result<String, TestkitError> {
        let mut command = Command::new(&self.ruby);
        command.args(["-rsidekiq", "-e", text]).args(args);
        blocking(move || run(&mut command, "a script with sidekiq")).await
    }

    /// Starts a process with the jobs of this text, and waits until the text made the file `ready`.
    ///
    /// # Errors
    /// If it ends or does not get ready.
    pub async fn worker(&self, jobs: &str, args: &[&str]) -> Result<SidekiqWorker, TestkitError> {
        let (program, jobs) = (self.sidekiq.clone(), jobs.to_owned());
        let more: Vec<OsString> = args.iter().map(Into::into).collect();
        blocking(move || {
            let directory = daemon::directory("sidekiq")?;
            let file = directory.path().join("jobs.rb");
            std::fs::write(&file, jobs).map_err(TestkitError::io("writing jobs.rb"))?;
            let ready = directory.path().join("ready");
            let mut start: Vec<OsString> = vec!["--require".into(), file.into()];
            start.extend(more);
            let recipe = Recipe { server: "sidekiq", program, args: start, user: None, stop: Signal::KILL };
            Daemon::start(recipe, directory, |_| ready.is_file()).map(|daemon| SidekiqWorker { daemon })
        })
        .await
    }
}

impl SidekiqWorker {
    /// Kills the process by SIGKILL.
    pub fn kill(&self) {
        self.daemon.kill();
    }
}
