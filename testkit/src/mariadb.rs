//! A real MariaDB of its own on a free port, with `performance_schema` on.
//!
//! Like the PostgreSQL here it gives up durability for speed of starting, so no figure of its write
//! path is a claim.

use std::ffi::OsString;
use std::path::Path;
use std::sync::Arc;

use rustix::process::Signal;
use tempfile::TempDir;

use crate::daemon::{Daemon, Recipe};
use crate::unprivileged::{self, User};
use crate::{TestkitError, blocking, ports, programs, raw};

const PACKAGE: &str = "mariadb-server";
/// The user that may do everything, without a password, from the loopback address only.
const INIT: &str = "CREATE OR REPLACE USER tester@127.0.0.1;\n\
                    GRANT ALL ON *.* TO tester@127.0.0.1 WITH GRANT OPTION;\n\
                    CREATE DATABASE IF NOT EXISTS shop;\n";

/// A `mariadbd` that lives as long as this value.
#[derive(Debug)]
pub struct MariaDb {
    daemon: Arc<Daemon>,
    port: u16,
}

impl MariaDb {
    /// Makes an empty server with the database `shop`, starts it, and waits until it listens.
    ///
    /// # Errors
    /// If MariaDB is not installed or does not get ready.
    pub async fn start() -> Result<Self, TestkitError> {
        Self::start_with(&[]).await
    }

    /// The same with further arguments of `mariadbd`, such as `["--performance-schema=OFF"]`.
    ///
    /// # Errors
    /// If MariaDB is not installed, refuses an argument or does not get ready.
    pub async fn start_with(args: &[&str]) -> Result<Self, TestkitError> {
        let args: Vec<OsString> = args.iter().map(Into::into).collect();
        blocking(move || ports::on_free_port(|port| Self::start_on(port, &args))).await
    }

    /// `mysql://tester@127.0.0.1:PORT/shop`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("mysql://tester@127.0.0.1:{}/shop", self.port)
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

    /// Starts it again on the same port with the data it had; kills it first if it runs.
    ///
    /// # Errors
    /// If the server does not get ready.
    pub async fn restart(&self) -> Result<(), TestkitError> {
        let (daemon, port) = (self.daemon.clone(), self.port);
        blocking(move || {
            let socket = daemon.directory().join("socket");
            daemon.restart(|_| listens(&socket, port))
        })
        .await
    }

    fn start_on(port: u16, more: &[OsString]) -> Result<Self, TestkitError> {
        let program = programs::find_or_in("mariadbd", "/usr/sbin", PACKAGE)?;
        let user = User::instead_of_root("mysql")?;
        let directory = unprivileged::directory("hitmark-mariadb-", user)?;
        make_tables(&directory, user)?;
        let recipe = Recipe {
            server: "mariadbd",
            program,
            args: arguments(port, directory.path(), more),
            user,
            stop: Signal::KILL,
        };
        let socket = directory.path().join("socket");
        let daemon = Daemon::start(recipe, directory, |_| listens(&socket, port))?;
        Ok(Self { daemon: Arc::new(daemon), port })
    }
}

fn make_tables(directory: &TempDir, user: Option<User>) -> Result<(), TestkitError> {
    let path = directory.path();
    let mut data = OsString::from("--datadir=");
    data.push(path.join("data"));
    let install = programs::find("mariadb-install-db", PACKAGE)?;
    let words = ["--no-defaults", "--auth-root-authentication-method=normal", "--skip-test-db"];
    // Two installations at once would meet in the common directory for temporary files.
    let mut temporary = OsString::from("--tmpdir=");
    temporary.push(path);
    let args: Vec<OsString> = words.iter().map(Into::into).chain([data, temporary]).collect();
    unprivileged::run(&install, &args, path, user)?;
    std::fs::write(path.join("init.sql"), INIT)
        .map_err(TestkitError::io("writing MariaDB's first statements"))
}

fn arguments(port: u16, home: &Path, more: &[OsString]) -> Vec<OsString> {
    let of = |option: &str, file: &str| {
        let mut word = OsString::from(option);
        word.push(home.join(file));
        word
    };
    let mut args: Vec<OsString> = vec!["--no-defaults".into(), of("--datadir=", "data")];
    args.extend([
        of("--socket=", "socket"),
        of("--pid-file=", "pid"),
        of("--init-file=", "init.sql"),
        of("--tmpdir=", ""),
    ]);
    args.push(format!("--port={port}").into());
    let fixed = ["--bind-address=127.0.0.1", "--skip-name-resolve", "--performance-schema=ON"];
    let fast = ["--innodb-flush-log-at-trx-commit=0", "--innodb-buffer-pool-size=32M", "--skip-log-bin"];
    args.extend(fixed.iter().chain(&fast).map(Into::into));
    args.extend_from_slice(more);
    args
}

/// Our server listens (its socket file is there) and greets at the port, by version 10 of its
/// protocol: the fifth byte.
fn listens(socket: &Path, port: u16) -> bool {
    socket.exists()
        && raw::exchange(port, b"", |greeting| greeting.len() > 4)
            .is_ok_and(|greeting| greeting.get(4) == Some(&10))
}
