//! Logs go to standard error, as text or JSON lines, filtered by `RUST_LOG`. With JSON every line is an object,
//! those of the command itself too.

use std::io::IsTerminal;
use std::sync::OnceLock;

use tracing_subscriber::EnvFilter;

use crate::cli::LogFormat;

/// Without `RUST_LOG`: warnings, what was administered, and the course of a service; of the database library
/// only errors, since it warns of any statement over a second, such as the making of indexes.
const DEFAULT: &str = "warn,sqlx=error,audit=info,service=info";

/// Chosen once, at the start.
static FORMAT: OnceLock<LogFormat> = OnceLock::new();

/// Starts logging.
pub(crate) fn start(format: LogFormat) {
    let _ = FORMAT.set(format);
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(DEFAULT));
    let logs = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // A second start, which only tests could bring about, is no reason to fail.
    let _ = match format {
        LogFormat::Text => logs.with_ansi(std::io::stderr().is_terminal()).try_init(),
        LogFormat::Json => logs.json().flatten_event(true).with_span_list(false).try_init(),
    };
}

/// How lines are written.
pub(crate) fn format() -> LogFormat {
    FORMAT.get().copied().unwrap_or(LogFormat::Text)
}

/// Tells that a service answers: a plain line for people, an object for machines.
#[expect(clippy::print_stderr, reason = "progress of a server's start")]
pub(crate) fn serving(service: &str, url: &str, seconds: f64) {
    match format() {
        LogFormat::Text => eprintln!("{service}: {url} after {seconds:.1} s"),
        LogFormat::Json => tracing::info!(target: "service", service, url, seconds, "serving"),
    }
}
