//! Developer commands, called as `cargo xtask <command>`.
//!
//! `check` is the one door: it runs everything that a change has to pass. `ci` is `setup` and then
//! `check`; the continuous integration calls exactly that. Nothing here depends on a room of the
//! workspace, so that these commands work while the rooms do not compile.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command line tool talks to its user")]

mod bless;
mod check;
mod command;
mod repository;
mod setup;
mod tidy;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Debug, Parser)]
#[command(name = "cargo xtask", about = "Developer commands of hitmark")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Installs what the tests need, then checks everything
    Ci,
    /// Formatting, tidy, clippy, tests, doc tests, benches run once, rustdoc: all of them, then the verdict
    Check,
    /// The rules that no compiler knows: arrows, sizes, lists, words
    Tidy,
    /// Writes the generated dashboards and rules
    Gen,
    /// Rewrites snapshots and golden files from what the code does now; read the diff afterwards
    Bless,
    /// Installs the programs that the tests start, those that are missing, with apt-get
    Setup,
}

fn main() -> ExitCode {
    match run(&Arguments::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: &Command) -> anyhow::Result<()> {
    match command {
        Command::Ci => setup::run().and_then(|()| check::run()),
        Command::Check => check::run(),
        Command::Tidy => tidy::run(),
        Command::Gen => bless::generate(),
        Command::Bless => bless::run(),
        Command::Setup => setup::run(),
    }
}
