//! `hitmark gate`: a run, a budget, a verdict as exit code.

use anyhow::Context as _;
use hitmark_reports::gate::{Budget, Format, judge};
use hitmark_schema::{Run, RunError};

use crate::cli::GateArgs;
use crate::exit::{Exit, usage};

pub(super) fn run(args: &GateArgs) -> anyhow::Result<Exit> {
    let format: Format = args.format.parse().map_err(|error| usage(format!("--format: {error}")))?;
    let text = std::fs::read_to_string(&args.budget)
        .with_context(|| format!("cannot read the budget {}", args.budget.display()))
        .map_err(|error| usage(format!("{error:#}")))?;
    let budget = Budget::parse(&text, &args.budget).map_err(usage)?;
    // Without data to judge the gate is never green, and says so by a code of its own.
    let run = match Run::read(&args.run) {
        Err(error @ RunError::NotARun(_)) => return no_data(&error),
        run => run?,
    };
    let baseline = match args.baseline.as_ref().map(|dir| Run::read(dir)).transpose() {
        Err(error @ RunError::NotARun(_)) => return no_data(&error),
        baseline => baseline?,
    };
    let report = judge(&run, baseline.as_ref(), &budget);
    let shown = report.render(format);
    match &args.out {
        Some(path) => super::write_file(path, &shown)?,
        None => super::print(&shown)?,
    }
    Ok(Exit::from_code(report.exit_code()))
}

fn no_data(error: &RunError) -> anyhow::Result<Exit> {
    crate::exit::print_error(&anyhow::anyhow!("{error}"));
    Ok(Exit::NoData)
}
