//! A stand-in for AWS on a free port: moto's server, from PyPI, with S3 and CloudFront.
//!
//! The environment is built once, under the target directory, and found again later. What is in the
//! cloud goes with the server.

use rustix::process::Signal;

use crate::daemon::{self, Daemon, Recipe};
use crate::{TestkitError, blocking, installed, ports, raw};

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
            let program = installed::python("moto", &["moto[s3,cloudfront,server]"])?.join("moto_server");
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
