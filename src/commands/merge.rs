//! `hitmark merge`: several runs of the same plan become one.

use hitmark_schema::Run;
use hitmark_schema::run::{MergeError, merge};

use crate::cli::MergeArgs;
use crate::exit::{Exit, usage};

pub(super) fn run(args: &MergeArgs) -> anyhow::Result<Exit> {
    let runs = args.runs.iter().map(|dir| Run::read(dir)).collect::<Result<Vec<_>, _>>()?;
    merge(&runs, &args.out, super::command_line()).map_err(|error| match error {
        MergeError::Differ(_) => usage(error),
        MergeError::Run(error) => error.into(),
    })?;
    let merged = Run::read(&args.out)?;
    let experiments = merged.document.experiments.iter();
    let line = |name: &str, slug: &str| format!("  {name}: {} pairs\n", merged.pairs(slug).len());
    let pairs: String = experiments.map(|experiment| line(&experiment.name, &experiment.slug)).collect();
    super::print(&format!("{} runs became {}\n{pairs}", runs.len(), args.out.display()))?;
    Ok(Exit::Done)
}
