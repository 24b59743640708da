//! `hitmark demo`: the main job in one process.
//!
//! It starts the service and the exporter, each on a runtime of its own so that the load generator
//! shares no scheduler with what it measures, runs the headline experiment of every system, and
//! publishes the run.

mod plan;
mod servers;

use std::sync::Arc;

use hitmark_loadtests::RunOptions;

use super::results;
use crate::cli::{DemoArgs, SummaryFormat};
use crate::exit::Exit;
use crate::progress::RunProgress;
use servers::Servers;

pub(super) fn run(args: &DemoArgs) -> anyhow::Result<Exit> {
    let out = results::new_run_dir(args.out.as_ref());
    plan::check_systems(&args.systems)?;
    refuse_taken(&out)?;
    let stop = crate::interrupt::stop_on_ctrl_c()?;
    let progress = RunProgress::new(plan::pairs(args)?);
    let servers = Servers::start(args, &progress)?;
    let plan = plan::of(args, &servers.testbed_url)?;
    let steps = progress.clone();
    let options = RunOptions {
        out: out.clone(),
        command: super::command_line(),
        servers: servers.versions.clone(),
        progress: Arc::new(move |step| steps.step(step)),
        stop,
    };
    let report = super::runtime()?.block_on(hitmark_loadtests::run(&plan, options));
    progress.finish();
    let report = report.map_err(super::load::of_load)?;
    super::write_file(&out.join("exporter.prom"), &servers.exporter_page()?)?;
    servers.stop();
    let comparison = results::publish(&out, SummaryFormat::Text)?;
    super::print(&where_next(&out, args))?;
    results::print_notes(&report);
    Ok(results::exit_of(&comparison))
}

/// Says so before the data is made, not after.
fn refuse_taken(out: &std::path::Path) -> anyhow::Result<()> {
    if out.join(hitmark_schema::run::RUN_FILE).exists() {
        return Err(hitmark_schema::RunError::Exists(out.to_owned()).into());
    }
    Ok(())
}

fn where_next(out: &std::path::Path, args: &DemoArgs) -> String {
    let redis_hint = match args.redis_url {
        Some(_) => "",
        None => "\nwith your servers:  hitmark demo --redis-url redis://… --database-url postgres://…",
    };
    format!(
        "\nreport    {}   (open it in a browser)\nsummary   {}, summary.json\nmetrics   {}   (what the exporter said at the end)\n\
         \njudge it:           hitmark gate {} --budget reports/budgets/headline.toml{redis_hint}\nyour own service:   hitmark load run PLAN.toml   (see loadtests/plans)\n",
        out.join("report.html").display(),
        out.join("summary.md").display(),
        out.join("exporter.prom").display(),
        out.display(),
    )
}
