//! What follows a run, the same for `demo` and `load run`: summary, page, table, exit code.

use std::path::{Path, PathBuf};

use hitmark_loadtests::RunReport;
use hitmark_reports::{RunComparison, compare_run, page, summary_json, summary_markdown, table_text};
use hitmark_schema::Run;

use crate::cli::SummaryFormat;
use crate::exit::Exit;

/// Columns of the table when standard output is not a terminal.
const WIDTH: u16 = 120;

/// Reads the run back, writes `summary.json`, `summary.md` and `report.html` beside it, prints the
/// summary.
pub(super) fn publish(dir: &Path, format: SummaryFormat) -> anyhow::Result<RunComparison> {
    let run = Run::read(dir)?;
    let comparison = compare_run(&run);
    let json = serde_json::to_string_pretty(&summary_json(&comparison))? + "\n";
    let markdown = summary_markdown(&comparison);
    super::write_file(&dir.join("summary.json"), &json)?;
    super::write_file(&dir.join("summary.md"), &markdown)?;
    super::write_file(&dir.join("report.html"), &page(&[run]))?;
    super::print(&match format {
        SummaryFormat::Text => table_text(&comparison, WIDTH),
        SummaryFormat::Json => json,
        SummaryFormat::Markdown => markdown,
    })?;
    Ok(comparison)
}

/// The exit that a run asks for: 6 where the comparison, which the table shows, is void by errors, or
/// where a scenario found what is wrong whatever its speed.
pub(super) fn exit_of(comparison: &RunComparison) -> Exit {
    let is_void = comparison.experiments.iter().any(|experiment| experiment.functional_errors);
    let has_failures =
        comparison.scenarios.iter().any(hitmark_reports::scenario::ScenarioFindings::has_failures);
    if is_void || has_failures { Exit::Functional } else { Exit::Done }
}

/// What a person must know of a run beside its table.
#[expect(clippy::print_stderr, reason = "notes to the person at the terminal")]
pub(super) fn print_notes(report: &RunReport) {
    if report.interrupted {
        eprintln!("hitmark: the run was stopped; the pairs that were finished are kept");
    }
    for (experiment, reason) in &report.invalid {
        eprintln!("hitmark: {experiment} is INVALID: {reason}");
    }
    if report.mismatches > 0 {
        eprintln!("hitmark: {} bodies differ between the variants: the timing is void", report.mismatches);
    } else if report.errors > 0 {
        eprintln!("hitmark: {} of {} requests failed", report.errors, report.requests);
    }
}

/// A run directory that does not exist yet, named after the time.
pub(super) fn new_run_dir(given: Option<&PathBuf>) -> PathBuf {
    given.cloned().unwrap_or_else(|| {
        let seconds =
            std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default().as_secs();
        PathBuf::from(format!("hitmark-run-{seconds}"))
    })
}
