//! Exit codes, the same for every command, and the one place that prints an error.

use std::process::ExitCode;

use crate::cli::LogFormat;
use crate::logging;

/// How the command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done, or every budget passed.
    Done = 0,
    /// A budget failed.
    Failed = 1,
    /// Bad usage, configuration or plan.
    Usage = 2,
    /// Inconclusive, where the budget file says that this fails.
    Inconclusive = 3,
    /// No baseline or no data to judge.
    NoData = 5,
    /// Wrong bodies, stale reads, or error responses over their limit: the timing is void.
    Functional = 6,
    /// hitmark itself broke.
    Broken = 70,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

impl Exit {
    /// The exit of a code that a room gives.
    pub(crate) fn from_code(code: u8) -> Self {
        [Self::Done, Self::Failed, Self::Usage, Self::Inconclusive, Self::NoData, Self::Functional]
            .into_iter()
            .find(|exit| *exit as u8 == code)
            .unwrap_or(Self::Broken)
    }
}

/// A mistake of the user, which the message tells how to mend.
#[derive(Debug)]
pub(crate) struct UsageError(pub(crate) String);

impl std::fmt::Display for UsageError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for UsageError {}

/// A usage error from anything that can be shown.
pub(crate) fn usage(error: impl std::fmt::Display) -> anyhow::Error {
    UsageError(error.to_string()).into()
}

/// The exit that an error asks for: bad input is 2, everything else is ours.
pub(crate) fn of_error(error: &anyhow::Error) -> Exit {
    use hitmark_schema::RunError;
    if error.downcast_ref::<UsageError>().is_some() {
        return Exit::Usage;
    }
    match error.downcast_ref::<RunError>() {
        Some(RunError::Io { .. }) | None => Exit::Broken,
        Some(_) => Exit::Usage,
    }
}

/// Prints an error with its causes. A broken pipe is not ours to complain about.
#[expect(clippy::print_stderr, reason = "this is the command's voice")]
pub(crate) fn print_error(error: &anyhow::Error) {
    match logging::format() {
        LogFormat::Text => eprintln!("hitmark: {error:#}"),
        LogFormat::Json => tracing::error!(target: "service", error = format!("{error:#}"), "failed"),
    }
}
