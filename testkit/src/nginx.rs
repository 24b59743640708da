//! A real nginx on a free port, with a configuration of the test's own.

use std::ffi::OsString;

use rustix::process::Signal;

use crate::daemon::{Daemon, Recipe};
use crate::{TestkitError, blocking, ports, programs, raw};

/// An `nginx` of a single process that lives as long as this value.
#[derive(Debug)]
pub struct NginxServer {
    _daemon: Daemon,
    port: u16,
}

impl NginxServer {
    /// Starts nginx with the given directives of its `http` and of its only `server` block. In both,
    /// `{dir}` stands for a directory of its own.
    ///
    /// # Errors
    /// If `nginx` is not installed, refuses the configuration or does not get ready.
    pub async fn start(http: &str, server: &str) -> Result<Self, TestkitError> {
        let (http, server) = (http.to_owned(), server.to_owned());
        blocking(move || ports::on_free_port(|port| Self::start_on(port, &http, &server))).await
    }

    /// `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    fn start_on(port: u16, http: &str, server: &str) -> Result<Self, TestkitError> {
        let program = programs::find("nginx", "nginx")?;
        let directory = tempfile::Builder::new()
            .prefix("hitmark-nginx-")
            .tempdir()
            .map_err(TestkitError::io("making a directory for nginx"))?;
        let path = directory.path().display().to_string();
        let file = directory.path().join("nginx.conf");
        let text = configuration(port, http, server).replace("{dir}", &path);
        std::fs::write(&file, text).map_err(TestkitError::io("writing nginx.conf"))?;
        let args: Vec<OsString> =
            vec!["-p".into(), path.into(), "-e".into(), "stderr".into(), "-c".into(), file.into()];
        let recipe = Recipe { server: "nginx", program, args, user: None, stop: Signal::KILL };
        let daemon = Daemon::start(recipe, directory, |pid| is_ready(port, pid))?;
        Ok(Self { _daemon: daemon, port })
    }
}

/// One process, so that it dies at once and leaves no workers; it has no need of another user.
fn configuration(port: u16, http: &str, server: &str) -> String {
    format!(
        "daemon off;\nmaster_process off;\nerror_log stderr;\npid {{dir}}/nginx.pid;\n\
         events {{ worker_connections 2048; }}\nhttp {{\naccess_log off;\n\
         client_body_temp_path {{dir}}/body;\nproxy_temp_path {{dir}}/proxy;\nfastcgi_temp_path {{dir}}/fastcgi;\n\
         uwsgi_temp_path {{dir}}/uwsgi;\nscgi_temp_path {{dir}}/scgi;\n{http}\n\
         server {{\nlisten 127.0.0.1:{port};\nlocation = /hitmark-ready {{ return 200 $pid; }}\n{server}\n}}\n}}\n"
    )
}

/// It answers, and it is ours: the process id that it tells is the child's.
fn is_ready(port: u16, pid: u32) -> bool {
    raw::http_get(port, "/hitmark-ready").is_ok_and(|(status, body)| status == 200 && body == pid.to_string())
}
