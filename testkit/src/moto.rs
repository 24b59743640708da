//! A stand-in for AWS on a free port: moto's server, from PyPI, with S3 and CloudFront.
//!
//! The environment is built once, under the target directory, and found again later. What is in the
//! cloud goes with the server.

use std::path::Path;
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use rustix::process::Signal;

use crate::daemon::{self, Daemon, Recipe};
use crate::{TestkitError, blocking, ports, programs, raw};

/// One build at a time: two would write the same files.
static BUILDING: Mutex<()> = Mutex::new(());

/// A `moto_server` that lives as long as this value.
#[derive(Debug)]
pub struct Moto {
    _daemon: Daemon,
    port: u16,
}

impl Moto {
    /// Finds the environment or builds it, which needs PyPI, and starts an empty cloud.
    ///
    /// # Errors
    /// If Python is missing, the packages cannot be installed or the server does not get ready.
    pub async fn start() -> Result<Self, TestkitError> {
        blocking(|| {
            let program = install()?;
            ports::on_free_port(|port| {
                let directory = daemon::directory("moto")?;
                let args = ["-H", "127.0.0.1", "-p", &port.to_string()].map(Into::into).to_vec();
                let program = program.clone();
                let recipe = Recipe { server: "moto_server", program, args, user: None, stop: Signal::KILL };
                let is_ready = |_| raw::http_get(port, "/moto-api/data.json").is_ok_and(|it| it.0 == 200);
                let daemon = Daemon::start(recipe, directory, is_ready)?;
                Ok(Self { _daemon: daemon, port })
            })
        })
        .await
    }

    /// `http://127.0.0.1:PORT`, the address of every service.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

fn install() -> Result<std::path::PathBuf, TestkitError> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/testkit/moto");
    let _building = BUILDING.lock().unwrap_or_else(PoisonError::into_inner);
    let program = root.join("bin/moto_server");
    if !program.is_file() {
        let python = programs::find("python3", "python3-venv")?;
        run(Command::new(python).args(["-m", "venv"]).arg(&root), "python3 -m venv (python3-venv)")?;
        let packages = ["install", "--quiet", "moto[s3,cloudfront,server]"];
        run(Command::new(root.join("bin/pip")).args(packages), "pip install 'moto[s3,cloudfront,server]'")?;
    }
    Ok(program)
}

fn run(command: &mut Command, what: &str) -> Result<(), TestkitError> {
    let output = command.output().map_err(TestkitError::io(what))?;
    if output.status.success() {
        return Ok(());
    }
    let output = String::from_utf8_lossy(&output.stderr).into_owned();
    Err(TestkitError::Failed { what: what.to_owned(), output })
}
