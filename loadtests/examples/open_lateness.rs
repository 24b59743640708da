//! How late the open model sends at 80 % of what the closed model reaches: `open_lateness URL [SECONDS]`
//! (`noop_server` is a service for it).

use hitmark_loadtests::{Plan, RunOptions, RunReport, Stop};
use hitmark_schema::{Run, Variant};

type Failed = Box<dyn std::error::Error>;

const USERS: u32 = 20;

async fn run(url: &str, load: &str, seconds: f64) -> Result<(Run, RunReport), Failed> {
    let text = format!(
        "[run]\npairs = 1\nsuperblock_s = {seconds}\nwarmup_s = 0.2\n[[experiment]]\nname = \"x\"\ndiffers = \"nothing\"\n\
         path = \"/noop\"\n{load}\n[experiment.baseline]\nname = \"a\"\nbase_url = \"{url}\"\n"
    );
    let dir = tempfile::tempdir()?;
    let out = dir.path().join("run");
    let options = RunOptions::new(out.clone(), Stop::default());
    let report = hitmark_loadtests::run(&Plan::parse(&text, "lateness")?, options).await?;
    Ok((Run::read(&out)?, report))
}

#[tokio::main]
#[expect(clippy::print_stdout, reason = "this is what the program is for")]
async fn main() -> Result<(), Failed> {
    let mut arguments = std::env::args().skip(1);
    let url = arguments.next().ok_or("usage: open_lateness URL [SECONDS]")?;
    let seconds = arguments.next().map_or(Ok(3.0), |text| text.parse::<f64>())?;
    let (closed, _) = run(&url, &format!("users = {USERS}"), seconds).await?;
    let sides = closed.side("x", Variant::Baseline);
    let requests: u64 = sides.values().map(|block| block.counters.requests).sum();
    let active_ns: u64 = sides.values().map(|block| block.active_ns).sum();
    let reached = requests as f64 / (active_ns as f64 / 1e9);
    println!("closed, {USERS} users: {reached:.0} requests per second");
    for share in [0.2, 0.5, 0.8] {
        let load = format!("rate = {:.1}\nmax_in_flight = {USERS}", reached * share);
        let (_, report) = run(&url, &load, seconds).await?;
        for (_, late) in &report.lateness {
            println!(
                "open at {:.0} %: sent {:?} late at the median, {:?} at the 99th percentile",
                share * 100.0,
                late.p50,
                late.p99
            );
        }
        report.invalid.iter().for_each(|(_, why)| println!("  invalid: {why}"));
    }
    Ok(())
}
