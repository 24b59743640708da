//! A real RabbitMQ with its management plugin, on free ports, in a temporary folder.
//!
//! Erlang registers its nodes with `epmd`, which it would start as a daemon that outlives the test;
//! so each broker gets one of its own, started first and ended last. Starting takes some seconds.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use rustix::process::Signal;

use crate::daemon::{self, Daemon, Recipe};
use crate::{TestkitError, blocking, ports, programs, raw};

/// Where Debian keeps the script that is not bound to one user.
const DEBIAN: &str = "/usr/lib/rabbitmq/bin/rabbitmq-server";

/// A `rabbitmq-server` that lives as long as this value.
#[derive(Debug)]
pub struct RabbitMq {
    // The broker stands first: it is dropped before what it is registered with.
    broker: Daemon,
    _names: Daemon,
    port: u16,
    api: u16,
}

impl RabbitMq {
    /// Starts it and waits until its management API answers.
    ///
    /// # Errors
    /// If RabbitMQ is not installed or does not get ready.
    pub async fn start() -> Result<Self, TestkitError> {
        blocking(|| {
            let (names, api) = (ports::free_port(), ports::free_port());
            let (epmd, names) = (start_epmd(names)?, names);
            let distribution = ports::free_port();
            let directory = daemon::directory("rabbitmq")?;
            let port = ports::free_port();
            let recipe = Recipe {
                server: "rabbitmq-server",
                program: programs::find("env", "coreutils")?,
                args: arguments(directory.path(), [port, api, distribution, names])?,
                user: None,
                stop: Signal::KILL,
            };
            let broker = Daemon::start(recipe, directory, |_| is_ready(api))?;
            Ok(Self { broker, _names: epmd, port, api })
        })
        .await
    }

    /// `amqp://guest:guest@127.0.0.1:PORT//`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("amqp://guest:guest@127.0.0.1:{}//", self.port)
    }

    /// `http://guest:guest@127.0.0.1:PORT`, the management API.
    #[must_use]
    pub fn api_url(&self) -> String {
        format!("http://guest:guest@127.0.0.1:{}", self.api)
    }

    /// Kills it by SIGKILL.
    pub fn kill(&self) {
        self.broker.kill();
    }
}

fn start_epmd(port: u16) -> Result<Daemon, TestkitError> {
    let recipe = Recipe {
        server: "epmd",
        program: programs::find("epmd", "rabbitmq-server")?,
        args: ["-address", "127.0.0.1", "-port", &port.to_string()].map(OsString::from).to_vec(),
        user: None,
        stop: Signal::KILL,
    };
    let listens = move |_| std::net::TcpStream::connect(("127.0.0.1", port)).is_ok();
    Daemon::start(recipe, daemon::directory("epmd")?, listens)
}

/// The words behind `env`: settings, then the script, which becomes the Erlang machine itself.
fn arguments(home: &Path, [port, api, distribution, names]: [u16; 4]) -> Result<Vec<OsString>, TestkitError> {
    let write = |name: &str, text: String| -> Result<PathBuf, TestkitError> {
        let path = home.join(name);
        std::fs::write(&path, text).map_err(TestkitError::io(format!("writing {name}")))?;
        Ok(path)
    };
    let plugins = write("enabled_plugins", "[rabbitmq_management].\n".to_owned())?;
    let config = write(
        "rabbitmq.conf",
        format!(
            "management.tcp.ip = 127.0.0.1\nmanagement.tcp.port = {api}\ncollect_statistics_interval = 500\n"
        ),
    )?;
    let script = [PathBuf::from(DEBIAN)].into_iter().find(|path| path.is_file());
    let script = script.map_or_else(|| programs::find("rabbitmq-server", "rabbitmq-server"), Ok)?;
    let setting = |name: &str, value: OsString| {
        let mut word = OsString::from(format!("{name}="));
        word.push(value);
        word
    };
    let mut words = vec![
        setting("HOME", home.into()),
        setting("ERL_EPMD_PORT", names.to_string().into()),
        setting("ERL_EPMD_ADDRESS", "127.0.0.1".into()),
        // Without it the script stays as a parent that a SIGKILL would not get past.
        setting("RUNNING_UNDER_SYSTEMD", "true".into()),
        setting("RABBITMQ_NODENAME", format!("hitmark{port}@localhost").into()),
        setting("RABBITMQ_NODE_IP_ADDRESS", "127.0.0.1".into()),
        setting("RABBITMQ_NODE_PORT", port.to_string().into()),
        setting("RABBITMQ_DIST_PORT", distribution.to_string().into()),
        setting("RABBITMQ_LOGS", "-".into()),
        setting("RABBITMQ_CONFIG_FILE", config.into()),
        setting("RABBITMQ_ENABLED_PLUGINS_FILE", plugins.into()),
    ];
    for (name, part) in [("MNESIA_BASE", "data"), ("LOG_BASE", "log"), ("CONF_ENV_FILE", "no-env.conf")] {
        words.push(setting(&format!("RABBITMQ_{name}"), home.join(part).into()));
    }
    words.push(script.into());
    Ok(words)
}

/// The API answers that a user is needed, which it does once it is there.
fn is_ready(api: u16) -> bool {
    raw::http_get(api, "/api/overview").is_ok_and(|(status, _)| status == 401)
}
