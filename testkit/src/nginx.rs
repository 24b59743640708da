//! A real nginx on a free port that can be killed, restarted and frozen.

use std::ffi::OsString;
use std::path::Path;
use std::sync::Arc;

use rustix::process::Signal;

use crate::daemon::{self, Daemon, Recipe};
use crate::{TestkitError, blocking, ports, programs};

/// Where Debian puts the module for `PURGE`.
const PURGE_MODULE: &str = "/usr/lib/nginx/modules/ngx_http_cache_purge_module.so";

/// An `nginx` that lives as long as this value. It is one process without workers, so that a pause
/// stands all of it still.
#[derive(Debug)]
pub struct NginxServer {
    daemon: Arc<Daemon>,
    port: u16,
}

impl NginxServer {
    /// Starts a server with these directives in its `http` block, in which `{port}` is the port and
    /// `{dir}` the server's own folder, and waits until it listens.
    ///
    /// # Errors
    /// If `nginx` is not installed, refuses the directives or does not get ready.
    pub async fn start(http: &str) -> Result<Self, TestkitError> {
        let http = http.to_owned();
        blocking(move || ports::on_free_port(|port| Self::start_on(port, &http, ""))).await
    }

    /// The same with the module that answers `PURGE`.
    ///
    /// # Errors
    /// As for [`start`](Self::start), and if the module is not installed.
    pub async fn start_with_purge(http: &str) -> Result<Self, TestkitError> {
        if !Path::new(PURGE_MODULE).is_file() {
            let package = "libnginx-mod-http-cache-purge";
            return Err(TestkitError::Missing { program: PURGE_MODULE.to_owned(), package });
        }
        let (http, module) = (http.to_owned(), format!("load_module {PURGE_MODULE};\n"));
        blocking(move || ports::on_free_port(|port| Self::start_on(port, &http, &module))).await
    }

    /// `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The TCP port; a restart keeps it.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Kills the server by SIGKILL and waits until it is gone: its port then refuses connections.
    pub fn kill(&self) {
        self.daemon.kill();
    }

    /// Starts it again on the same port; kills it first if it runs.
    ///
    /// # Errors
    /// If the server does not get ready, for instance because somebody else took the port.
    pub async fn restart(&self) -> Result<(), TestkitError> {
        let (daemon, port) = (self.daemon.clone(), self.port);
        blocking(move || daemon.restart(|_| ports::is_listening(port))).await
    }

    /// Freezes the server by SIGSTOP: connections are still accepted by the kernel, nothing answers.
    ///
    /// # Panics
    /// If the server is not running.
    pub fn pause(&self) {
        self.daemon.pause().unwrap_or_else(|error| panic!("{error}"));
    }

    /// Lets a paused server go on (SIGCONT).
    ///
    /// # Panics
    /// If the server is not running.
    pub fn resume(&self) {
        self.daemon.resume().unwrap_or_else(|error| panic!("{error}"));
    }

    fn start_on(port: u16, http: &str, modules: &str) -> Result<Self, TestkitError> {
        let program = programs::find("nginx", "nginx")?;
        let directory = daemon::directory("nginx")?;
        let file = directory.path().join("nginx.conf");
        std::fs::write(&file, configuration(port, directory.path(), http, modules))
            .map_err(TestkitError::io("writing nginx.conf"))?;
        let args: Vec<OsString> = vec![
            "-p".into(),
            directory.path().into(),
            "-e".into(),
            "stderr".into(),
            "-c".into(),
            file.into(),
        ];
        let recipe = Recipe { server: "nginx", program, args, user: None, stop: Signal::KILL };
        let daemon = Daemon::start(recipe, directory, |_| ports::is_listening(port))?;
        Ok(Self { daemon: Arc::new(daemon), port })
    }
}

/// Everything that nginx writes stays in its own folder.
fn configuration(port: u16, directory: &Path, http: &str, modules: &str) -> String {
    let dir = directory.display().to_string();
    let paths: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|name| format!("  {name}_temp_path {dir}/{name};\n"))
        .concat();
    let http = http.replace("{port}", &port.to_string()).replace("{dir}", &dir);
    format!(
        "{modules}daemon off;\nmaster_process off;\npid {dir}/nginx.pid;\nerror_log stderr;\n\
         events {{ worker_connections 2048; }}\nhttp {{\n  access_log off;\n{paths}{http}\n}}\n"
    )
}
