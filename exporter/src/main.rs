//! The exporter alone, for hosts that need nothing else of hitmark.

use std::io::{self, Write};
use std::process::ExitCode;

use clap::{Parser, ValueEnum};
use hitmark_exporter::cli::{self, ExporterArgs};
use tracing_subscriber::EnvFilter;

/// Asks caches and services and answers Prometheus.
#[derive(Debug, Parser)]
#[command(name = "hitmark-exporter", version)]
struct Cli {
    /// How log lines look, on standard error; RUST_LOG chooses which
    #[arg(long, value_enum, default_value_t = LogFormat::Text)]
    log_format: LogFormat,
    #[command(flatten)]
    exporter: ExporterArgs,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum LogFormat {
    Text,
    Json,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    start_log(cli.log_format);
    match cli::start(cli.exporter) {
        Ok(code) => code,
        Err(error) => {
            let _ = writeln!(io::stderr(), "error: {error:#}");
            ExitCode::from(70)
        }
    }
}

fn start_log(format: LogFormat) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr);
    match format {
        LogFormat::Text => log.init(),
        LogFormat::Json => log.json().init(),
    }
}
