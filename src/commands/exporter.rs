//! `hitmark exporter`: the same code as the small `hitmark-exporter` binary.

use std::process::ExitCode;

use hitmark_exporter::cli::ExporterArgs;

pub(super) fn run(args: ExporterArgs) -> anyhow::Result<ExitCode> {
    hitmark_exporter::cli::start(args)
}
