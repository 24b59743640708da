//! One file per subcommand: each turns its flags into calls of a room, and prints what came of it.

mod cdn;
mod claims;
mod compare;
mod completions;
mod dashboards;
mod demo;
mod exporter;
mod gate;
mod load;
mod load_new;
mod load_verify;
mod merge;
mod report;
mod results;
mod testbed;
mod whatif;

use std::process::ExitCode;

use anyhow::Context as _;
use tokio::runtime::Runtime;

use crate::cli::{Command, DashboardsCommand, LoadCommand};

/// Runs a subcommand.
pub(crate) fn run(command: Command) -> anyhow::Result<ExitCode> {
    let exit = match command {
        Command::Demo(args) => demo::run(&args),
        Command::Testbed(args) => testbed::run(&args),
        Command::Exporter(args) => return exporter::run(*args),
        Command::Load(LoadCommand::Run(args)) => load::run(&args),
        Command::Load(LoadCommand::Check { plan }) => load::check(&plan),
        Command::Load(LoadCommand::New(args)) => load_new::run(&args),
        Command::Load(LoadCommand::List) => load::list(),
        Command::Whatif(args) => whatif::run(&args),
        Command::Report(args) => report::run(&args),
        Command::Compare(args) => compare::run(&args),
        Command::Gate(args) => gate::run(&args),
        Command::Claims(args) => claims::run(&args),
        Command::Merge(args) => merge::run(&args),
        Command::Dashboards(DashboardsCommand::Export { dir }) => dashboards::export(&dir),
        Command::Completions { shell } => completions::shell(shell),
        Command::Man => completions::man(),
    };
    exit.map(Into::into)
}

/// A runtime with a worker thread for each core.
fn runtime() -> anyhow::Result<Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().context("cannot start the runtime")
}

/// Prints to standard output. A reader that has gone away, as `head` does, is no error.
fn print(text: &str) -> anyhow::Result<()> {
    use std::io::Write as _;
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        result => result.context("cannot write to standard output"),
    }
}

/// Writes a file and names it if that fails.
fn write_file(path: &std::path::Path, text: &str) -> anyhow::Result<()> {
    std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}

/// This process's command line, without secrets.
fn command_line() -> String {
    let mut arguments: Vec<String> = std::env::args().collect();
    if let Some(program) = arguments.first_mut() {
        "hitmark".clone_into(program);
    }
    hitmark_schema::redact::command_line(arguments)
}
