//! Real HTTP caches on a free port: Varnish and nginx with a configuration that a test gives, as the
//! files in `deploy/`.

use std::ffi::OsString;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::Path;
use std::time::Duration;

use rustix::process::Signal;
use tempfile::TempDir;

use crate::daemon::{Daemon, Recipe};
use crate::{TestkitError, blocking, ports, programs};

/// Where Debian puts nginx's module for `PURGE`.
const PURGE_MODULE: &str = "/usr/lib/nginx/modules/ngx_http_cache_purge_module.so";

/// A cache that lives as long as this value.
#[derive(Debug)]
pub struct EdgeServer {
    _daemon: Daemon,
    port: u16,
}

impl EdgeServer {
    /// The text that stands for the port in nginx's configuration.
    pub const PORT: &str = "@PORT@";
    /// The text that stands for a folder of the server's own in nginx's configuration.
    pub const FOLDER: &str = "@FOLDER@";

    /// Starts Varnish with this VCL, a few megabytes of memory, and these variables in its environment.
    ///
    /// # Errors
    /// If `varnishd` is not installed or refuses the VCL.
    pub async fn varnish(vcl: &str, environment: &[(&str, &str)]) -> Result<Self, TestkitError> {
        let vcl = vcl.to_owned();
        let environment: Vec<OsString> =
            environment.iter().map(|(name, value)| format!("{name}={value}").into()).collect();
        blocking(move || ports::on_free_port(|port| varnish(port, &vcl, &environment))).await
    }

    /// Starts nginx with this text in its `http` block, where [`Self::PORT`] and [`Self::FOLDER`] are
    /// replaced, and with the module for `PURGE`.
    ///
    /// # Errors
    /// If `nginx` or the module is not installed, or it refuses the configuration.
    pub async fn nginx(http: &str) -> Result<Self, TestkitError> {
        let http = http.to_owned();
        blocking(move || ports::on_free_port(|port| nginx(port, &http))).await
    }

    /// `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

fn varnish(port: u16, vcl: &str, environment: &[OsString]) -> Result<EdgeServer, TestkitError> {
    let program = programs::find("varnishd", "varnish")?;
    let directory = directory("varnish")?;
    let file = directory.path().join("test.vcl");
    write(&file, vcl)?;
    let mut args = environment.to_vec();
    args.push(program.into());
    let listen = format!("127.0.0.1:{port}");
    // No jail: it would not let the worker into our folder.
    args.extend(["-j", "none", "-F", "-a", &listen, "-s", "malloc,16m", "-n"].map(OsString::from));
    args.extend([directory.path().join("work").into(), "-f".into(), file.into()]);
    let recipe = Recipe {
        server: "varnishd",
        program: programs::find("env", "coreutils")?,
        args,
        user: None,
        // It ends its worker first.
        stop: Signal::TERM,
    };
    start(recipe, directory, port)
}

fn nginx(port: u16, http: &str) -> Result<EdgeServer, TestkitError> {
    let program = programs::find("nginx", "nginx")?;
    if !Path::new(PURGE_MODULE).is_file() {
        let package = "libnginx-mod-http-cache-purge";
        return Err(TestkitError::Missing { program: PURGE_MODULE.to_owned(), package });
    }
    let directory = directory("nginx")?;
    let folder = directory.path().display().to_string();
    let http = http.replace(EdgeServer::PORT, &port.to_string()).replace(EdgeServer::FOLDER, &folder);
    let user = if rustix::process::geteuid().is_root() { "user root;" } else { "" };
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .iter()
        .map(|name| format!("{name}_temp_path {folder}/{name};\n"))
        .collect();
    // One process, so that nothing is left when it is killed.
    let text = format!(
        "load_module {PURGE_MODULE};\n{user}\ndaemon off;\nmaster_process off;\npid {folder}/nginx.pid;\n\
         error_log stderr warn;\nevents {{}}\nhttp {{\naccess_log off;\n{temporary}{http}\n}}\n"
    );
    let file = directory.path().join("nginx.conf");
    write(&file, &text)?;
    let args = vec!["-p".into(), directory.path().into(), "-c".into(), file.into()];
    let recipe = Recipe { server: "nginx", program, args, user: None, stop: Signal::KILL };
    start(recipe, directory, port)
}

fn start(recipe: Recipe, directory: TempDir, port: u16) -> Result<EdgeServer, TestkitError> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    // No request: it would be the origin's first.
    let is_ready = |_| TcpStream::connect_timeout(&address, Duration::from_secs(1)).is_ok();
    Daemon::start(recipe, directory, is_ready).map(|daemon| EdgeServer { _daemon: daemon, port })
}

fn directory(name: &str) -> Result<TempDir, TestkitError> {
    tempfile::Builder::new()
        .prefix(&format!("hitmark-{name}-"))
        .tempdir()
        .map_err(TestkitError::io(format!("making a directory for {name}")))
}

fn write(file: &Path, text: &str) -> Result<(), TestkitError> {
    std::fs::write(file, text).map_err(TestkitError::io(format!("writing {}", file.display())))
}
