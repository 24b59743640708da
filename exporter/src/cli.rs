//! The command line, shared by `hitmark exporter` and the small binary `hitmark-exporter`.
//!
//! Values are read as texts and checked together, so that one start tells every mistake.

use std::future::Future;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, Subcommand};
use tokio::signal::unix::{SignalKind, signal};

use crate::config::{ConfigError, ExporterConfig};
use crate::settings::{Given, Settings};
use crate::{Exporter, ExporterError, config_file};

/// The exit code for bad configuration.
const EXIT_CONFIG: u8 = 2;

/// The flags of the exporter.
#[derive(Debug, Clone, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Example:\n  hitmark exporter --redis redis://127.0.0.1:6379 --http-stats http://127.0.0.1:8080/metrics\n\n\
                  Without a target it asks redis://127.0.0.1:6379. REDIS_URL stands in for --redis."
)]
pub struct ExporterArgs {
    #[command(subcommand)]
    command: Option<ExporterCommand>,

    /// TOML file with these flags' names as keys; flags and environment stand over it
    #[arg(long, value_name = "FILE", env = "HITMARK_EXPORTER_CONFIG")]
    config: Option<PathBuf>,

    /// Where the page is served [default: 127.0.0.1:9121]
    #[arg(long, value_name = "ADDR", env = "HITMARK_EXPORTER_LISTEN")]
    listen: Option<String>,

    /// A Redis or Valkey server to ask; may be given again
    #[arg(
        long,
        value_name = "URL",
        env = "HITMARK_EXPORTER_REDIS",
        value_delimiter = ' ',
        hide_env_values = true
    )]
    redis: Vec<String>,

    /// A service's own metrics page, whose cache_* families are passed on; may be given again
    #[arg(
        long,
        value_name = "URL",
        env = "HITMARK_EXPORTER_HTTP_STATS",
        value_delimiter = ' ',
        hide_env_values = true
    )]
    http_stats: Vec<String>,

    /// A Redis that Celery uses as its broker; may be given again
    #[arg(long, value_name = "URL", value_delimiter = ' ')]
    celery: Vec<String>,

    /// A PostgreSQL server, as postgres://user:password@host/database; may be given again
    #[arg(
        long,
        value_name = "URL",
        env = "HITMARK_EXPORTER_POSTGRES",
        value_delimiter = ' ',
        hide_env_values = true
    )]
    postgres: Vec<String>,

    /// A MySQL or MariaDB server, as mysql://user:password@host; may be given again
    #[arg(
        long,
        value_name = "URL",
        env = "HITMARK_EXPORTER_MYSQL",
        value_delimiter = ' ',
        hide_env_values = true
    )]
    mysql: Vec<String>,

    /// A memcached server; may be given again
    #[arg(long, value_name = "ADDR", value_delimiter = ' ')]
    memcached: Vec<String>,

    /// What /probe and /scrape may ask beside these, such as redis://cache-*:6379
    #[arg(long, value_name = "PATTERN", env = "HITMARK_EXPORTER_PROBE_ALLOW", value_delimiter = ' ')]
    probe_allow: Vec<String>,

    /// JSON map from target to password, for /scrape and /probe
    #[arg(long, value_name = "FILE", env = "HITMARK_EXPORTER_PASSWORD_FILE")]
    password_file: Option<String>,

    /// TLS and passwords for our own port
    #[arg(long, value_name = "FILE")]
    web_config: Option<String>,

    /// How long one target may take, such as 5s or 500ms [default: 5s]
    #[arg(long, value_name = "DURATION", env = "HITMARK_EXPORTER_TIMEOUT")]
    timeout: Option<String>,

    /// The usual variable of services, read when no --redis is given.
    #[arg(long = "redis-url", env = "REDIS_URL", hide = true, hide_env_values = true)]
    redis_url: Option<String>,
}

/// What the exporter can do beside serving.
#[derive(Debug, Clone, Subcommand)]
enum ExporterCommand {
    /// Checks a configuration file and prints every mistake
    CheckConfig {
        /// The file
        file: PathBuf,
    },
}

/// Runs the exporter until SIGTERM or SIGINT, or checks a file.
///
/// The code is 0 after a clean end and 2 for bad configuration, with every mistake on standard
/// error.
///
/// # Errors
/// Anything that is not the user's configuration: the caller's exit code is 70.
pub async fn run(args: ExporterArgs) -> anyhow::Result<ExitCode> {
    if let Some(ExporterCommand::CheckConfig { file }) = &args.command {
        return check_config(file);
    }
    let config = match args.into_config() {
        Ok(config) => config,
        Err(error) => return refuse(&error),
    };
    let exporter = match Exporter::bind(config).await {
        Ok(exporter) => exporter,
        Err(error @ ExporterError::Bind { .. }) => {
            return refuse(&format_args!("--listen: {:#}", anyhow::Error::new(error)));
        }
        Err(error) => return Err(error.into()),
    };
    let shutdown = shutdown_signal()?;
    tracing::info!(url = exporter.url(), "the exporter listens");
    exporter.serve(shutdown).await?;
    tracing::info!("the exporter has ended");
    Ok(ExitCode::SUCCESS)
}

impl ExporterArgs {
    /// What is to run, from flags, environment, file and defaults.
    ///
    /// # Errors
    /// [`ConfigError`] with every mistake of every source.
    pub fn into_config(self) -> Result<ExporterConfig, ConfigError> {
        let (file, mistakes) = match &self.config {
            Some(path) => config_file::read(path),
            None => (Settings::default(), Vec::new()),
        };
        self.into_settings().over(file).resolve(mistakes)
    }

    fn into_settings(self) -> Settings {
        let given = |text: Option<String>, flag| text.map(|text| Given::new(text, flag));
        let all = |texts: Vec<String>, flag| -> Option<Vec<Given>> {
            let texts: Vec<Given> = texts.into_iter().map(|text| Given::new(text, flag)).collect();
            (!texts.is_empty()).then_some(texts)
        };
        let from_service = given(self.redis_url, "REDIS_URL").map(|given| vec![given]);
        let others = [
            ("celery", all(self.celery, "--celery")),
            ("postgres", all(self.postgres, "--postgres")),
            ("mysql", all(self.mysql, "--mysql")),
            ("memcached", all(self.memcached, "--memcached")),
        ];
        Settings {
            listen: given(self.listen, "--listen"),
            redis: all(self.redis, "--redis").or(from_service),
            http_stats: all(self.http_stats, "--http-stats"),
            timeout: given(self.timeout, "--timeout"),
            others: others.into_iter().filter_map(|(kind, given)| Some((kind, given?))).collect(),
            probe_allow: all(self.probe_allow, "--probe-allow"),
            password_file: given(self.password_file, "--password-file"),
            web_config: given(self.web_config, "--web-config"),
            ..Settings::default()
        }
    }
}

fn check_config(file: &Path) -> anyhow::Result<ExitCode> {
    let (settings, mistakes) = config_file::read(file);
    match settings.resolve(mistakes) {
        Ok(_) => {
            writeln!(io::stdout(), "{}: the configuration is valid", file.display())?;
            Ok(ExitCode::SUCCESS)
        }
        Err(error) => refuse(&error),
    }
}

fn refuse(error: &impl std::fmt::Display) -> anyhow::Result<ExitCode> {
    writeln!(io::stderr(), "error: {error}")?;
    Ok(ExitCode::from(EXIT_CONFIG))
}

/// Ready at SIGTERM, which service managers send, or SIGINT.
fn shutdown_signal() -> anyhow::Result<impl Future<Output = ()> + Send + 'static> {
    let mut terminate = signal(SignalKind::terminate()).context("cannot wait for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot wait for SIGINT")?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}
