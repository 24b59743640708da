//! Runs the built command, to its end or in the background.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// What a finished command left.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Runs the command to its end, in the folder of the sources.
pub(crate) fn hitmark(arguments: &[&str]) -> Finished {
    let output = command(arguments).output().expect("the command runs");
    Finished {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hitmark"));
    command.args(arguments).current_dir(env!("CARGO_MANIFEST_DIR")).stdin(Stdio::null());
    // A developer's own servers must not take part.
    for name in ["REDIS_URL", "DATABASE_URL", "RUST_LOG", "CDN_CONFIG", "CDN_BASE_URL", "CDN_STORE"] {
        command.env_remove(name);
    }
    command
}

/// A command in the background, killed when dropped.
pub(crate) struct Service {
    child: Child,
    pub(crate) url: String,
}

impl Service {
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let child = command(arguments)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the command starts");
        Self { child, url: String::new() }
    }

    /// Starts a command whose standard error goes into a file, with these variables in its environment.
    #[allow(dead_code, reason = "only the test of logs reads them")]
    pub(crate) fn logged(arguments: &[&str], variables: &[(&str, &str)], file: &Path) -> Self {
        let file = std::fs::File::create(file).expect("a file can be made");
        let mut command = command(arguments);
        let child = command.envs(variables.iter().copied()).stdout(Stdio::null()).stderr(file).spawn();
        Self { child: child.expect("the command starts"), url: String::new() }
    }

    /// Starts the reference service on a free port and waits until it answers.
    pub(crate) async fn testbed(arguments: &[&str]) -> Self {
        let port = hitmark_testkit::free_port();
        let listen = format!("127.0.0.1:{port}");
        let mut all = vec!["testbed", "--listen", &listen];
        all.extend(arguments);
        let mut service = Self::start(&all);
        until_answers(port).await;
        service.url = format!("http://{listen}");
        service
    }

    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("the command is there to kill");
        self.child.wait().expect("the command has ended");
    }

    /// The process id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn terminate(&self) {
        let pid = self.pid().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().is_ok_and(|status| status.success()));
    }

    /// The exit code, once the command has ended by itself.
    pub(crate) async fn wait(&mut self, limit: Duration) -> Option<i32> {
        let deadline = Instant::now() + limit;
        while Instant::now() < deadline {
            if let Some(status) = self.child.try_wait().expect("a child can be asked") {
                return status.code();
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        None
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits until something holds, for a minute at most.
pub(crate) async fn until(what: &str, holds: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !holds() {
        assert!(Instant::now() < deadline, "waited a minute until {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Waits until something listens on a port.
pub(crate) async fn until_answers(port: u16) {
    until("the service answers", || std::net::TcpStream::connect(("127.0.0.1", port)).is_ok()).await;
}

/// A plan of one experiment 'x' whose sides are alike.
pub(crate) fn plan(dir: &Path, url: &str, run: &str, experiment: &str) -> PathBuf {
    write(dir, url, run, experiment, "", "")
}

/// A plan of one experiment 'x' whose sides ask the reference service uncached and cached.
pub(crate) fn plan_of_variants(dir: &Path, url: &str, run: &str, experiment: &str) -> PathBuf {
    let header = |value: &str| format!("headers = {{ \"hitmark-variant\" = \"{value}\" }}");
    write(dir, url, run, experiment, &header("uncached"), &header("cached"))
}

fn write(dir: &Path, url: &str, run: &str, experiment: &str, baseline: &str, candidate: &str) -> PathBuf {
    let path = dir.join("plan.toml");
    let text = format!(
        "[run]\n{run}\n[[experiment]]\nname = \"x\"\ndiffers = \"response cache\"\n{experiment}\n\
         [experiment.baseline]\nname = \"uncached\"\nbase_url = \"{url}\"\n{baseline}\n\
         [experiment.candidate]\nname = \"cached\"\nbase_url = \"{url}\"\n{candidate}\n"
    );
    std::fs::write(&path, text).expect("a plan can be written");
    path
}
