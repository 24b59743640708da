//! `hitmark report`: one page from one or more runs.

use std::path::PathBuf;

use hitmark_reports::{compare_run, page, summary_markdown};
use hitmark_schema::Run;

use crate::cli::ReportArgs;
use crate::exit::Exit;

pub(super) fn run(args: &ReportArgs) -> anyhow::Result<Exit> {
    let runs = read(&args.runs)?;
    super::write_file(&args.out, &page(&runs))?;
    let mut written = format!("{}\n", args.out.display());
    if let Some(markdown) = &args.markdown {
        let text: String =
            runs.iter().map(|run| summary_markdown(&compare_run(run))).collect::<Vec<_>>().join("\n");
        super::write_file(markdown, &text)?;
        written.push_str(&format!("{}\n", markdown.display()));
    }
    super::print(&written)?;
    let empty = runs.iter().all(|run| run.blocks.is_empty());
    Ok(if empty { Exit::NoData } else { Exit::Done })
}

fn read(dirs: &[PathBuf]) -> anyhow::Result<Vec<Run>> {
    Ok(dirs.iter().map(|dir| Run::read(dir)).collect::<Result<Vec<_>, _>>()?)
}
