//! `hitmark compare`: one run against another.

use hitmark_reports::compare_runs;
use hitmark_schema::Run;

use crate::cli::{CompareArgs, SummaryFormat};
use crate::exit::Exit;

pub(super) fn run(args: &CompareArgs) -> anyhow::Result<Exit> {
    let baseline = Run::read(&args.baseline)?;
    let candidate = Run::read(&args.candidate)?;
    let comparison = compare_runs(&baseline, &candidate);
    super::print(&match args.format {
        SummaryFormat::Text => comparison.text(),
        SummaryFormat::Json => comparison.json(),
        SummaryFormat::Markdown => comparison.markdown(),
    })?;
    Ok(Exit::Done)
}
