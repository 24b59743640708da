//! A real Varnish on a free port, with a program of the test's own.

use std::ffi::OsString;

use rustix::process::Signal;

use crate::daemon::{Daemon, Recipe};
use crate::{TestkitError, blocking, ports, programs, raw};

/// A `varnishd` that lives as long as this value.
#[derive(Debug)]
pub struct VarnishServer {
    _daemon: Daemon,
    port: u16,
}

impl VarnishServer {
    /// Starts Varnish before an origin on a port of this machine; `vcl` is its program without the
    /// version line and the backend.
    ///
    /// # Errors
    /// If `varnishd` is not installed, refuses the program or does not get ready.
    pub async fn start(origin_port: u16, vcl: &str) -> Result<Self, TestkitError> {
        let vcl = vcl.to_owned();
        blocking(move || ports::on_free_port(|port| Self::start_on(port, origin_port, &vcl))).await
    }

    /// `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    fn start_on(port: u16, origin_port: u16, vcl: &str) -> Result<Self, TestkitError> {
        let program = programs::find("varnishd", "varnish")?;
        let directory = tempfile::Builder::new()
            .prefix("hitmark-varnish-")
            .tempdir()
            .map_err(TestkitError::io("making a directory for varnishd"))?;
        let file = directory.path().join("program.vcl");
        let text = format!(
            "vcl 4.1;\nbackend default {{ .host = \"127.0.0.1\"; .port = \"{origin_port}\"; }}\n\
             sub vcl_recv {{ if (req.url == \"/hitmark-ready\") {{ return (synth(204)); }} }}\n{vcl}\n"
        );
        std::fs::write(&file, text).map_err(TestkitError::io("writing the program of varnishd"))?;
        let mut args: Vec<OsString> =
            ["-F", "-j", "none", "-T", "none", "-s", "malloc,32m", "-a"].iter().map(Into::into).collect();
        args.extend([format!("127.0.0.1:{port}").into(), "-f".into(), file.into()]);
        args.extend(["-n".into(), directory.path().join("work").into()]);
        let recipe = Recipe { server: "varnishd", program, args, user: None, stop: Signal::TERM };
        let daemon = Daemon::start(recipe, directory, |_pid| {
            raw::http_get(port, "/hitmark-ready").is_ok_and(|(status, _)| status == 204)
        })?;
        Ok(Self { _daemon: daemon, port })
    }
}
