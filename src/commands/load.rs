//! `hitmark load run`, `check` and `list`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hitmark_loadtests::{Plan, RunOptions, live, scenarios};

use super::results;
use crate::cli::{LoadRunArgs, SummaryFormat};
use crate::exit::{Exit, usage};
use crate::progress::RunProgress;

/// Where plans that come with hitmark are looked for.
const PLANS: &str = "loadtests/plans";

pub(super) fn run(args: &LoadRunArgs) -> anyhow::Result<Exit> {
    let mut plan = Plan::read(&args.plan).map_err(usage)?.only(&args.only).map_err(usage)?;
    if let Some(seed) = args.seed {
        plan.run.seed = seed;
    }
    if args.verify {
        return super::load_verify::run(&plan);
    }
    if args.quick {
        plan.quicken();
    }
    let out = results::new_run_dir(args.out.as_ref());
    let stop = crate::interrupt::stop_on_ctrl_c()?;
    let compared = plan.experiments.iter().filter(|experiment| experiment.scenario.is_none()).count();
    let progress = RunProgress::new(u64::from(plan.run.pairs) * compared as u64);
    let steps = progress.clone();
    let runtime = super::runtime()?;
    if let Some(address) = args.metrics_listen {
        let listener = runtime.block_on(tokio::net::TcpListener::bind(address));
        let listener = listener
            .map_err(|error| usage(format!("--metrics-listen: cannot listen on {address}: {error}")))?;
        progress.say(&format!("figures at http://{}/metrics", listener.local_addr()?));
        runtime.spawn(live::serve(listener, progress.live()));
    }
    let options = RunOptions {
        out: out.clone(),
        command: super::command_line(),
        servers: BTreeMap::new(),
        progress: Arc::new(move |step| steps.step(step)),
        stop,
    };
    let report = runtime.block_on(hitmark_loadtests::run(&plan, options));
    progress.finish();
    let report = report.map_err(of_load)?;
    let comparison = results::publish(&out, args.format)?;
    if args.format == SummaryFormat::Text {
        super::print(&format!(
            "\nreport   {}\nsummary  {}\n",
            out.join("report.html").display(),
            out.join("summary.json").display()
        ))?;
    }
    results::print_notes(&report);
    Ok(results::exit_of(&comparison))
}

/// A run directory that is taken, or a service that does not start, is for the user to mend.
pub(super) fn of_load(error: hitmark_loadtests::runner::LoadError) -> anyhow::Error {
    use hitmark_loadtests::runner::LoadError;
    match error {
        LoadError::Run(error) => error.into(),
        LoadError::Service { .. } | LoadError::Tls { .. } | LoadError::Scenario { .. } => usage(error),
        error => error.into(),
    }
}

pub(super) fn check(path: &Path) -> anyhow::Result<Exit> {
    let plan = Plan::read(path).map_err(usage)?;
    let mut text = String::new();
    for experiment in &plan.experiments {
        let keys = experiment.keys.as_ref().map_or_else(|| "fixed keys".to_owned(), |keys| keys.describe());
        text.push_str(&format!(
            "{}: {}, {}{}, {keys}\n",
            experiment.name,
            experiment.describe_requests(),
            experiment.load.describe(),
            experiment.pace.describe() + &experiment.describe_scenario()
        ));
    }
    super::print(&format!(
        "{}: {} experiments, no mistakes\n{text}",
        path.display(),
        plan.experiments.len()
    ))?;
    Ok(Exit::Done)
}

pub(super) fn list() -> anyhow::Result<Exit> {
    let mut text = format!("{:<20}{}\n", scenarios::COMPARE, scenarios::COMPARE_ABOUT);
    for entry in scenarios::SCENARIOS {
        text.push_str(&format!("{:<20}{}\n", entry.name, entry.about));
    }
    let folders = [PathBuf::from(PLANS), Path::new(PLANS).join("scenarios")];
    let mut paths: Vec<PathBuf> = folders.iter().flat_map(|folder| plans(folder)).collect();
    paths.sort();
    if paths.is_empty() {
        text.push_str(&format!("no plans in {PLANS}: run this in the folder of hitmark's sources\n"));
    }
    for path in &paths {
        let names = Plan::read(path).map_or_else(
            |_| "has mistakes: hitmark load check tells them".to_owned(),
            |plan| {
                plan.experiments
                    .iter()
                    .map(|experiment| experiment.name.as_str())
                    .collect::<Vec<_>>()
                    .join(", ")
            },
        );
        text.push_str(&format!("{}  {names}\n", path.display()));
    }
    super::print(&text)?;
    Ok(Exit::Done)
}

/// The plan files of a folder.
fn plans(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten();
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    paths.filter(|path| path.extension().is_some_and(|extension| extension == "toml")).collect()
}
