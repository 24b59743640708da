//! `hitmark claims`: runs against stated figures. A refuted claim is a result, and exits with 0.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use hitmark_reports::claims::{Claims, Format, hold, shipped};
use hitmark_schema::Run;
use hitmark_schema::run::RUN_FILE;

use crate::cli::ClaimsArgs;
use crate::exit::{Exit, usage};

pub(super) fn run(args: &ClaimsArgs) -> anyhow::Result<Exit> {
    let format: Format = args.format.parse().map_err(|error| usage(format!("--format: {error}")))?;
    let claims = if args.claims.is_empty() { shipped()? } else { read(&args.claims)? };
    let dirs = run_dirs(&args.runs)?;
    let runs = dirs.iter().map(|dir| Run::read(dir)).collect::<Result<Vec<_>, _>>()?;
    let shown = hold(&runs, &claims).render(format);
    match &args.out {
        Some(path) => super::write_file(path, &shown)?,
        None => super::print(&shown)?,
    }
    Ok(Exit::Done)
}

/// The runs that are meant: a folder that is no run itself stands for the runs in it, by name.
fn run_dirs(named: &[PathBuf]) -> anyhow::Result<Vec<PathBuf>> {
    let is_run = |dir: &Path| dir.join(RUN_FILE).exists();
    let mut dirs = Vec::new();
    for dir in named {
        let mut inside = Vec::new();
        if !is_run(dir) && dir.is_dir() {
            let entries = std::fs::read_dir(dir).with_context(|| format!("cannot read {}", dir.display()))?;
            inside.extend(entries.filter_map(Result::ok).map(|entry| entry.path()).filter(|dir| is_run(dir)));
            inside.sort();
        }
        // Without a run inside, the reader says what a run directory is.
        if inside.is_empty() { dirs.push(dir.clone()) } else { dirs.append(&mut inside) }
    }
    Ok(dirs)
}

/// Reads every file, and tells the mistakes of all of them at once.
fn read(paths: &[PathBuf]) -> anyhow::Result<Vec<Claims>> {
    let (mut claims, mut mistakes) = (Vec::new(), Vec::new());
    for path in paths {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("cannot read the claims {}", path.display()));
        match text.map(|text| Claims::parse(&text, path)) {
            Ok(Ok(read)) => claims.push(read),
            Ok(Err(errors)) => mistakes.push(errors.to_string()),
            Err(error) => mistakes.push(format!("{error:#}")),
        }
    }
    if mistakes.is_empty() { Ok(claims) } else { Err(usage(mistakes.join("\n"))) }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use hitmark_loadtests::Plan;
    use hitmark_reports::claims::How;

    use super::*;

    /// The names of all experiments of the plans that are shipped; each plan must be right.
    fn experiments() -> BTreeSet<String> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("loadtests/plans");
        let plans = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        let plans = plans.filter(|path| path.extension().is_some_and(|extension| extension == "toml"));
        let parsed = plans.map(|path| {
            let text = std::fs::read_to_string(&path).unwrap();
            Plan::parse(&text, &path.display().to_string()).unwrap_or_else(|mistakes| panic!("{mistakes}"))
        });
        parsed.flat_map(|plan| plan.experiments).map(|experiment| experiment.name).collect()
    }

    #[test]
    fn a_folder_of_runs_stands_for_the_runs_in_it_and_a_run_for_itself() {
        let folder = tempfile::tempdir().unwrap();
        let [health, market, other] = ["health", "market", "no run"].map(|name| folder.path().join(name));
        for dir in [&health, &market, &other] {
            std::fs::create_dir(dir).unwrap();
        }
        for dir in [&market, &health] {
            std::fs::write(dir.join(RUN_FILE), "{}").unwrap();
        }
        let named = [folder.path().to_owned(), market.clone(), other.clone()];
        assert_eq!(run_dirs(&named).unwrap(), [health, market.clone(), market, other]);
    }

    #[test]
    fn every_shipped_claim_that_is_measured_names_an_experiment_of_a_shipped_plan() {
        let experiments = experiments();
        let bars = Path::new(env!("CARGO_MANIFEST_DIR")).join("reports/claims/bars.toml");
        let files = shipped().unwrap().into_iter().chain(read(&[bars]).unwrap());
        for claim in files.flat_map(|claims| claims.claims) {
            if let How::Measured { experiment, .. } = &claim.how {
                assert!(experiments.contains(experiment), "{}: no plan has '{experiment}'", claim.id);
            }
        }
    }
}
