//! What the engine reports beside what the server itself took: `truth_table [SECONDS]`.
//!
//! For each delay, and for 99 hits to 1 miss, it prints the median, the 99th and the 99.9th
//! percentile of both, and what the way there and back costs: the same quantile of an answer
//! without delay, from the alternate slices of the same run. A line is right where the report is
//! at least the server's time and at most 5 % and that floor above it.

use hitmark_loadtests::{Plan, RunOptions, Stop};
use hitmark_schema::measurement::latency_histogram;
use hitmark_schema::{Outcome, Run, Timing, Variant};
use hitmark_testkit::{TruthConfig, TruthServer};

type Failed = Box<dyn std::error::Error>;

const QUANTILES: [f64; 3] = [0.5, 0.99, 0.999];
/// A line of the table: its name, the server's path, the outcome that it is reported under.
type Line<'l> = (&'l str, String, Outcome);

async fn table(name: &str, requests: &str, lines: &[Line<'_>], seconds: f64) -> Result<(), Failed> {
    let server = TruthServer::start(TruthConfig::default()).await?;
    let url = server.url();
    let text = format!(
        "[run]\npairs = 1\nsuperblock_s = {seconds}\nwarmup_s = 0\n[[experiment]]\nname = \"x\"\ndiffers = \"work\"\n\
         users = 1\ncompare_bodies = false\n{requests}\
         [experiment.baseline]\nname = \"floor\"\nbase_url = \"{url}\"\n\
         [experiment.candidate]\nname = \"spin\"\nbase_url = \"{url}/spin\"\n"
    );
    let dir = tempfile::tempdir()?;
    let out = dir.path().join("run");
    hitmark_loadtests::run(&Plan::parse(&text, "truth")?, RunOptions::new(out.clone(), Stop::default()))
        .await?;
    let run = Run::read(&out)?;
    let quantiles = |variant: Variant, outcome: Option<Outcome>| {
        let mut all = latency_histogram();
        for block in run.side("x", variant).values() {
            let _ =
                all.add(block.merged(Timing::Body, |found| outcome.is_none_or(|outcome| outcome == found)));
        }
        QUANTILES.map(|quantile| all.value_at_quantile(quantile) as f64 / 1e3)
    };
    let floor = quantiles(Variant::Baseline, None);
    for (line, path, outcome) in lines {
        let reported = quantiles(Variant::Candidate, Some(*outcome));
        for (place, quantile) in QUANTILES.into_iter().enumerate() {
            let truth = server.quantile_ns(path, quantile).unwrap_or_default() as f64 / 1e3;
            show(&format!("{name} {line}"), quantile, reported[place], truth, floor[place]);
        }
    }
    Ok(())
}

#[expect(clippy::print_stdout, reason = "this is what the program is for")]
fn show(name: &str, quantile: f64, reported: f64, truth: f64, floor: f64) {
    let is_right = reported >= truth * 0.999 && reported <= truth * 1.05 + floor;
    let verdict = if is_right { "right" } else { "WRONG" };
    println!(
        "{name:<22} p{:<5} reported {reported:>9.1} µs, server {truth:>9.1} µs, floor {floor:>8.1} µs: {verdict}",
        quantile * 100.0
    );
}

#[tokio::main]
async fn main() -> Result<(), Failed> {
    let seconds = std::env::args().nth(1).map_or(Ok(2.0), |text| text.parse::<f64>())?;
    for micros in [20_u32, 50, 200, 1_000, 5_000] {
        let requests = format!("path = \"/{micros}\"\nexpect_status = [200, 404]\n");
        let lines = [("alone", format!("/spin/{micros}"), Outcome::Unknown)];
        table(&format!("{micros} µs"), &requests, &lines, seconds).await?;
    }
    let step = |weight: u32, path: &str| {
        format!(
            "[[experiment.journey]]\nweight = {weight}\n[[experiment.journey.step]]\nname = \"s{weight}\"\npath = \"{path}\"\nexpect_status = [200, 404]\n"
        )
    };
    let mix = step(99, "/50?cs=hit") + &step(1, "/1000?cs=miss");
    let lines =
        [("hit", "/spin/50".to_owned(), Outcome::Hit), ("miss", "/spin/1000".to_owned(), Outcome::Miss)];
    table("99 : 1", &mix, &lines, seconds * 4.0).await
}
