//! A real Prometheus on a free port, and `promtool`, which checks what we print for it.

use std::ffi::OsStr;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use rustix::process::Signal;

use crate::daemon::{self, Daemon, Recipe};
use crate::{TestkitError, blocking, ports, programs, raw};

/// A `prometheus` that lives as long as this value.
#[derive(Debug)]
pub struct PrometheusServer {
    daemon: Arc<Daemon>,
    port: u16,
}

impl PrometheusServer {
    /// Starts a server with this configuration file and waits until it is ready. Paths within the
    /// configuration should be absolute.
    ///
    /// # Errors
    /// If `prometheus` is not installed, refuses the configuration or does not get ready.
    pub async fn start(config_yaml: &str) -> Result<Self, TestkitError> {
        let config = config_yaml.to_owned();
        blocking(move || ports::on_free_port(|port| Self::start_on(port, &config))).await
    }

    /// `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The TCP port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The process id, while the server runs.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.daemon.pid()
    }

    /// Asks an HTTP path of the server, such as `/api/v1/targets`, and returns the body.
    ///
    /// # Errors
    /// If the server does not answer with status 200.
    pub async fn get(&self, path: &str) -> Result<String, TestkitError> {
        let (port, path) = (self.port, path.to_owned());
        blocking(move || match raw::http_get(port, &path) {
            Ok((200, body)) => Ok(body),
            Ok((status, body)) => {
                Err(TestkitError::Failed { what: format!("GET {path}"), output: format!("{status}: {body}") })
            }
            Err(error) => Err(TestkitError::io(format!("GET {path}"))(error)),
        })
        .await
    }

    /// Evaluates a PromQL expression now; the answer is the JSON of `/api/v1/query`.
    ///
    /// # Errors
    /// If the expression is refused or the server does not answer.
    pub async fn query(&self, expression: &str) -> Result<String, TestkitError> {
        self.get(&format!("/api/v1/query?query={}", percent_encoded(expression))).await
    }

    fn start_on(port: u16, config: &str) -> Result<Self, TestkitError> {
        let program = programs::find("prometheus", "prometheus")?;
        let directory = daemon::directory("prometheus")?;
        let file = directory.path().join("prometheus.yml");
        std::fs::write(&file, config).map_err(TestkitError::io(format!("writing {}", file.display())))?;
        let args = arguments(port, &file, directory.path());
        let recipe = Recipe { server: "prometheus", program, args, user: None, stop: Signal::KILL };
        let is_ready = |_| raw::http_get(port, "/-/ready").is_ok_and(|(status, _)| status == 200);
        let daemon = Daemon::start(recipe, directory, is_ready)?;
        Ok(Self { daemon: Arc::new(daemon), port })
    }
}

fn arguments(port: u16, config: &Path, directory: &Path) -> Vec<std::ffi::OsString> {
    vec![
        format!("--config.file={}", config.display()).into(),
        format!("--storage.tsdb.path={}", directory.join("data").display()).into(),
        format!("--web.listen-address=127.0.0.1:{port}").into(),
        "--log.level=warn".into(),
    ]
}

fn percent_encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                char::from(byte).to_string()
            }
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

/// Runs `promtool` and returns what it printed on standard output. Blocks; it is meant for tests.
///
/// ```no_run
/// hitmark_testkit::promtool(["check", "rules", "rules.yml"])?;
/// # Ok::<(), hitmark_testkit::TestkitError>(())
/// ```
///
/// # Errors
/// If it is not installed, or if it ends with another status than 0; the error then holds all that
/// it printed.
pub fn promtool<A: AsRef<OsStr>>(args: impl IntoIterator<Item = A>) -> Result<String, TestkitError> {
    promtool_with_input(args, "")
}

/// The same with text on standard input, which `promtool check metrics` reads.
///
/// # Errors
/// As [`promtool`].
pub fn promtool_with_input<A: AsRef<OsStr>>(
    args: impl IntoIterator<Item = A>,
    input: &str,
) -> Result<String, TestkitError> {
    let mut command = Command::new(programs::find("promtool", "prometheus")?);
    command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let what = format!("{command:?}");
    let mut child = command.spawn().map_err(TestkitError::io(what.clone()))?;
    let stdin = child.stdin.take();
    let output = std::thread::scope(|scope| {
        // Written beside the reading: a long input and a long output would block each other.
        scope.spawn(move || stdin.map(|mut pipe| pipe.write_all(input.as_bytes())));
        child.wait_with_output()
    })
    .map_err(TestkitError::io(what.clone()))?;
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() {
        return Ok(stdout);
    }
    Err(TestkitError::Failed { what, output: stdout + &String::from_utf8_lossy(&output.stderr) })
}
