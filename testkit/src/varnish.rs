//! A real Varnish on a free port with a folder of its own.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;

use rustix::process::Signal;

use crate::daemon::{self, Daemon, Recipe};
use crate::unprivileged::User;
use crate::{TestkitError, blocking, ports, programs, raw};

/// A `varnishd` that lives as long as this value, without root's rights.
#[derive(Debug)]
pub struct VarnishServer {
    daemon: Arc<Daemon>,
    port: u16,
}

impl VarnishServer {
    /// Starts a server with this VCL and 16 MiB of room, and waits until it answers.
    ///
    /// # Errors
    /// If `varnishd` is not installed, refuses the VCL or does not get ready.
    pub async fn start(vcl: &str) -> Result<Self, TestkitError> {
        Self::start_with(vcl, &[]).await
    }

    /// The same with these variables in its environment.
    ///
    /// # Errors
    /// As for [`start`](Self::start).
    pub async fn start_with(vcl: &str, environment: &[(&str, &str)]) -> Result<Self, TestkitError> {
        let vcl = vcl.to_owned();
        let environment: Vec<OsString> =
            environment.iter().map(|(name, value)| format!("{name}={value}").into()).collect();
        blocking(move || ports::on_free_port(|port| Self::start_on(port, &vcl, &environment))).await
    }

    /// `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The folder of the instance, for `varnishstat -n`.
    #[must_use]
    pub fn folder(&self) -> PathBuf {
        self.daemon.directory().join("instance")
    }

    /// A counter as the server's own program tells it.
    ///
    /// # Errors
    /// If `varnishstat` is not installed or does not know the counter.
    pub fn counter(&self, name: &str) -> Result<f64, TestkitError> {
        let program = programs::find("varnishstat", "varnish")?;
        let output = Command::new(program)
            .arg("-n")
            .arg(self.folder())
            .args(["-1", "-f", name])
            .output()
            .map_err(TestkitError::io("running varnishstat"))?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let value = text.split_whitespace().nth(1).and_then(|word| word.parse().ok());
        value.ok_or_else(|| TestkitError::Failed { what: format!("varnishstat -f {name}"), output: text })
    }

    /// One GET; the status and the body.
    ///
    /// # Errors
    /// If the server does not answer.
    pub fn get(&self, path: &str) -> Result<(u16, String), TestkitError> {
        raw::http_get(self.port, path).map_err(TestkitError::io("asking varnishd"))
    }

    /// Ends the server and waits until it is gone.
    pub fn kill(&self) {
        self.daemon.kill();
    }

    /// Starts it again, empty, on the same port; ends it first if it runs.
    ///
    /// # Errors
    /// If the server does not get ready, for instance because somebody else took the port.
    pub async fn restart(&self) -> Result<(), TestkitError> {
        let (daemon, port) = (self.daemon.clone(), self.port);
        blocking(move || daemon.restart(|_| ports::is_listening(port))).await
    }

    fn start_on(port: u16, vcl: &str, environment: &[OsString]) -> Result<Self, TestkitError> {
        let program = programs::find("varnishd", "varnish")?;
        let directory = daemon::directory("varnish")?;
        let file = directory.path().join("test.vcl");
        std::fs::write(&file, vcl).map_err(TestkitError::io("writing the VCL"))?;
        let user = User::instead_of_root("vcache")?;
        if let Some(User { uid, gid }) = user {
            for path in [directory.path(), &file] {
                std::os::unix::fs::chown(path, Some(uid), Some(gid))
                    .map_err(TestkitError::io("giving varnishd its directory"))?;
            }
        }
        let mut args = environment.to_vec();
        args.push(program.into());
        args.extend(["-F", "-j", "none", "-n"].map(OsString::from));
        args.push(directory.path().join("instance").into());
        args.extend(["-a".into(), format!("127.0.0.1:{port}").into(), "-s".into(), "malloc,16m".into()]);
        args.extend(["-f".into(), file.into()]);
        // By SIGTERM it ends its worker too, and closes its memory in order.
        let program = programs::find("env", "coreutils")?;
        let recipe = Recipe { server: "varnishd", program, args, user, stop: Signal::TERM };
        let daemon = Daemon::start(recipe, directory, |_| ports::is_listening(port))?;
        Ok(Self { daemon: Arc::new(daemon), port })
    }
}
