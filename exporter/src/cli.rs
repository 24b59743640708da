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

use crate::config::{ConfigError, ExporterConfig, Lifecycle};
use crate::settings::{Given, Settings};
use crate::tls::{TLS_SKIP, TLS_TEXTS};
use crate::{Exporter, ExporterError, Reloader, config_file, reload};

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

    /// A JSON page of a service, by a mapping of the configuration or a shipped one; may be given again
    #[arg(long, value_name = "URL", value_delimiter = ' ')]
    http_json: Vec<String>,

    /// An edge or CDN to ask for pages, classified by its cache headers; may be given again
    #[arg(long, value_name = "URL", value_delimiter = ' ')]
    edge: Vec<String>,

    /// nginx' stub_status page; may be given again
    #[arg(long, value_name = "URL", value_delimiter = ' ')]
    nginx: Vec<String>,

    /// A Varnish instance on this machine, such as varnish://NAME or varnish:///FOLDER; may be given again
    #[arg(long, value_name = "INSTANCE", value_delimiter = ' ')]
    varnish: Vec<String>,

    /// What /probe and /scrape may ask beside these, such as redis://cache-*:6379
    #[arg(long, value_name = "PATTERN", env = "HITMARK_EXPORTER_PROBE_ALLOW", value_delimiter = ' ')]
    probe_allow: Vec<String>,

    /// JSON map from target to password, for /scrape and /probe
    #[arg(long, value_name = "FILE", env = "HITMARK_EXPORTER_PASSWORD_FILE")]
    password_file: Option<String>,

    /// TLS and passwords for our own port, in the form of Prometheus' exporter-toolkit
    #[arg(long, alias = "web.config.file", value_name = "FILE", env = "HITMARK_EXPORTER_WEB_CONFIG")]
    web_config: Option<String>,

    /// Obey POST /-/reload; SIGHUP is always obeyed
    #[arg(long, alias = "web.enable-lifecycle", env = "HITMARK_EXPORTER_WEB_ENABLE_LIFECYCLE")]
    web_enable_lifecycle: bool,

    /// PEM file of the authority for rediss:// targets [default: the system's]
    #[arg(long, value_name = "FILE", env = "HITMARK_EXPORTER_TLS_CA_CERT_FILE")]
    tls_ca_cert_file: Option<String>,

    /// PEM file of our certificate for rediss:// targets that ask for one
    #[arg(long, value_name = "FILE", env = "HITMARK_EXPORTER_TLS_CLIENT_CERT_FILE")]
    tls_client_cert_file: Option<String>,

    /// PEM file of that certificate's key
    #[arg(long, value_name = "FILE", env = "HITMARK_EXPORTER_TLS_CLIENT_KEY_FILE")]
    tls_client_key_file: Option<String>,

    /// The name that rediss:// targets' certificates must hold [default: the URL's host]
    #[arg(long, value_name = "NAME", env = "HITMARK_EXPORTER_TLS_SERVER_NAME")]
    tls_server_name: Option<String>,

    /// Accept any certificate of rediss:// targets
    #[arg(long, env = "HITMARK_EXPORTER_SKIP_TLS_VERIFICATION")]
    skip_tls_verification: bool,

    /// How long one target may take, such as 5s or 500ms [default: 5s]
    #[arg(long, value_name = "DURATION", env = "HITMARK_EXPORTER_TIMEOUT")]
    timeout: Option<String>,

    /// redis_exporter's variable for the same, read when no --password-file is given.
    #[arg(
        long = "redis-password-file",
        alias = "redis.password-file",
        env = "REDIS_PASSWORD_FILE",
        hide = true
    )]
    redis_password_file: Option<String>,

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

/// Runs the exporter on a runtime of its own until a signal ends it. One thread: a scrape waits for its servers
/// most of the time, and each step that another thread would take costs it a wake-up; what may block
/// (passwords, files, names) has threads of its own.
///
/// # Errors
/// As [`run`], or if there can be no runtime.
pub fn start(args: ExporterArgs) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.context("cannot start the runtime")?.block_on(run(args))
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
    let config = match args.clone().into_config() {
        Ok(config) => config,
        Err(error) => return refuse(&error),
    };
    let source = move || args.clone().into_config();
    let exporter = match Exporter::bind_with_source(config, source).await {
        Ok(exporter) => exporter,
        Err(ExporterError::Config(error)) => return refuse(&error),
        Err(error @ ExporterError::Bind { .. }) => {
            return refuse(&format_args!("--listen: {:#}", anyhow::Error::new(error)));
        }
        Err(error) => return Err(error.into()),
    };
    let shutdown = shutdown_signal()?;
    reload_on_hangup(exporter.reloader())?;
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
        let skip = self.skip_tls_verification.then(|| "true".to_owned());
        let tls = [
            (TLS_TEXTS[0], given(self.tls_ca_cert_file, "--tls-ca-cert-file")),
            (TLS_TEXTS[1], given(self.tls_client_cert_file, "--tls-client-cert-file")),
            (TLS_TEXTS[2], given(self.tls_client_key_file, "--tls-client-key-file")),
            (TLS_TEXTS[3], given(self.tls_server_name, "--tls-server-name")),
            (TLS_SKIP, given(skip, "--skip-tls-verification")),
        ];
        let others = [
            ("celery", all(self.celery, "--celery")),
            ("postgres", all(self.postgres, "--postgres")),
            ("mysql", all(self.mysql, "--mysql")),
            ("memcached", all(self.memcached, "--memcached")),
            ("http_json", all(self.http_json, "--http-json")),
            ("edge", all(self.edge, "--edge")),
            ("nginx", all(self.nginx, "--nginx")),
            ("varnish", all(self.varnish, "--varnish")),
        ];
        Settings {
            listen: given(self.listen, "--listen"),
            redis: all(self.redis, "--redis").or(from_service),
            http_stats: all(self.http_stats, "--http-stats"),
            timeout: given(self.timeout, "--timeout"),
            others: others.into_iter().filter_map(|(kind, given)| Some((kind, given?))).collect(),
            probe_allow: all(self.probe_allow, "--probe-allow"),
            password_file: given(self.password_file, "--password-file")
                .or(given(self.redis_password_file, "REDIS_PASSWORD_FILE")),
            web_config: given(self.web_config, "--web-config"),
            lifecycle: self.web_enable_lifecycle.then_some(Lifecycle::Requests),
            tls: tls.into_iter().filter_map(|(name, given)| Some((name, given?))).collect(),
            ..Settings::default()
        }
    }
}

fn check_config(file: &Path) -> anyhow::Result<ExitCode> {
    let (settings, mistakes) = config_file::read(file);
    match settings.resolve(mistakes).and_then(reload::check) {
        Ok(()) => {
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

/// Reloads at every SIGHUP, as long as the process lives. What goes wrong is logged there.
fn reload_on_hangup(reloader: Reloader) -> anyhow::Result<()> {
    let mut hangup = signal(SignalKind::hangup()).context("cannot wait for SIGHUP")?;
    tokio::spawn(async move {
        while hangup.recv().await.is_some() {
            let reloader = reloader.clone();
            let _ = tokio::task::spawn_blocking(move || reloader.reload()).await;
        }
    });
    Ok(())
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
