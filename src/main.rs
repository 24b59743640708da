//! The `hitmark` command: does a cache pay for itself, is it healthy, will a change break it?
//!
//! This package has no logic of its own: it reads the command line, calls a room, and prints.

mod cli;
mod cli_cdn;
mod cli_testbed;
mod commands;
mod exit;
mod interrupt;
mod logging;
mod progress;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    logging::start(cli.log_format);
    match commands::run(cli.command) {
        Ok(exit) => exit,
        Err(error) => {
            exit::print_error(&error);
            exit::of_error(&error).into()
        }
    }
}
