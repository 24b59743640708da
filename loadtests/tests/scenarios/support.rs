//! Plans of one scenario, run to their results.

use hitmark_loadtests::{Plan, RunOptions, RunReport, Stop};
use hitmark_schema::{Run, ScenarioResult, Variant};

/// A plan of one experiment 'x'; `sides` holds the tables of baseline and candidate.
pub(crate) fn plan(experiment: &str, sides: &str) -> Plan {
    let text = format!(
        "[run]\nslice_ms = 5\n[[experiment]]\nname = \"x\"\ndiffers = \"protection\"\n{experiment}\n{sides}\n"
    );
    Plan::parse(&text, "test").unwrap_or_else(|mistakes| panic!("{mistakes}\n{text}"))
}

/// A baseline at a URL, with more lines of its table.
pub(crate) fn baseline(url: &str, more: &str) -> String {
    format!("[experiment.baseline]\nname = \"old\"\nbase_url = \"{url}\"\n{more}\n")
}

/// A candidate at a URL, with more lines of its table.
pub(crate) fn candidate(url: &str, more: &str) -> String {
    format!("[experiment.candidate]\nname = \"new\"\nbase_url = \"{url}\"\n{more}\n")
}

/// Runs a plan and reads its run directory back.
pub(crate) async fn run(plan: &Plan) -> (Run, RunReport) {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("run");
    let report = hitmark_loadtests::run(plan, RunOptions::new(out.clone(), Stop::default())).await.unwrap();
    (Run::read(&out).unwrap(), report)
}

/// What the scenario found on one side.
pub(crate) fn found(run: &Run, variant: Variant) -> &ScenarioResult {
    run.scenarios.iter().find(|result| result.variant == variant).expect("the side has a result")
}

/// A figure that must have been measured.
pub(crate) fn value(run: &Run, variant: Variant, figure: &str) -> f64 {
    let result = found(run, variant);
    result.value(figure).unwrap_or_else(|| panic!("no figure '{figure}' in {result:#?}"))
}
