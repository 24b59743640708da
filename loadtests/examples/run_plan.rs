//! The load engine as a library: runs a plan file into a new run directory and prints the counts.
//! `run_plan PLAN OUT`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hitmark_loadtests::{Plan, RunOptions, Stop};

#[tokio::main]
#[expect(clippy::print_stdout, reason = "this is what the program is for")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [plan, out] = arguments.as_slice() else { return Err("usage: run_plan PLAN OUT".into()) };
    let plan = Plan::read(Path::new(plan))?;
    let options = RunOptions {
        out: PathBuf::from(out),
        command: "run_plan".to_owned(),
        servers: BTreeMap::new(),
        progress: Arc::new(|_| {}),
        stop: Stop::default(),
    };
    let report = hitmark_loadtests::run(&plan, options).await?;
    println!("{} requests, {} errors, {} wrong bodies", report.requests, report.errors, report.mismatches);
    Ok(())
}
