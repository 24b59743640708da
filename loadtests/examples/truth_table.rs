//! What the engine reports beside what the server itself took: `truth_table [ROUNDS]` (20).
//!
//! For each delay, and for 99 hits to 1 miss, it prints the median, the 99th and the 99.9th percentile
//! as the engine reports them, as the server took them, and as the simplest possible client sees them
//! at that same delay: what that one sees beyond the server's own time is the loopback floor. The two
//! clients take turns, round by round, in one process, so that a busy neighbour falls on both alike.
//! A line is right where the report is at least the server's time, and at most 5 % and the floor above it.

use std::time::Duration;

use hdrhistogram::Histogram;
use hitmark_loadtests::{Plan, RunOptions, Stop};
use hitmark_schema::measurement::latency_histogram;
use hitmark_schema::{Outcome, Run, Timing, Variant};
use hitmark_testkit::{SimplestClient, TruthConfig, TruthServer, Verdict, Witnesses};

type Failed = Box<dyn std::error::Error>;

const QUANTILES: [f64; 3] = [0.5, 0.99, 0.999];
/// Answers of a round for each line, about: what a round's length follows from.
const ANSWERS_PER_ROUND: u64 = 300;
/// A round is not shorter, whatever the delay.
const ROUND_MIN: Duration = Duration::from_millis(250);
/// The way there and back, roughly, for the length of a round.
const WAY: Duration = Duration::from_micros(60);
/// The 99.9th percentile of fewer answers is the fifth longest or less: too few to judge by.
const ANSWERS_MIN: u64 = 5_000;
const ENGINE: &str = "engine";
const SIMPLEST: &str = "simplest";

/// What is asked for: the delay, how often, and how the answer is marked.
#[derive(Clone, Copy)]
struct Line {
    name: &'static str,
    micros: u64,
    weight: u64,
    outcome: Outcome,
}

/// What one client saw of a line, over all rounds.
struct Seen {
    by_engine: Histogram<u64>,
    by_simplest: Histogram<u64>,
}

impl Line {
    fn path(&self, asker: &str) -> String {
        let mark = match self.outcome {
            Outcome::Hit => "&cs=hit",
            Outcome::Miss => "&cs=miss",
            _ => "",
        };
        format!("/spin/{}?by={asker}{mark}", self.micros)
    }

    fn journey(&self) -> String {
        let (weight, path) = (self.weight, self.path(ENGINE));
        format!(
            "[[experiment.journey]]\nweight = {weight}\n[[experiment.journey.step]]\nname = \"{0}\"\npath = \"{path}\"\n",
            self.micros
        )
    }
}

/// How long a round is for the rarest of the lines to have its answers.
fn round_length(lines: &[Line]) -> Duration {
    let weights: u64 = lines.iter().map(|line| line.weight).sum();
    let nanoseconds = |line: &Line| (Duration::from_micros(line.micros) + WAY) * line.weight as u32;
    let of_all: Duration = lines.iter().map(nanoseconds).sum();
    let rarest = lines.iter().map(|line| line.weight).min().unwrap_or(1);
    let length = of_all / weights as u32 * (ANSWERS_PER_ROUND * weights / rarest) as u32;
    Duration::from_millis(length.max(ROUND_MIN).as_millis() as u64)
}

/// A round of the engine: a super-block of one slice.
async fn engine(
    server: &TruthServer,
    lines: &[Line],
    length: Duration,
    seen: &mut [Seen],
) -> Result<(), Failed> {
    let journeys: String = lines.iter().map(Line::journey).collect();
    let text = format!(
        "[run]\npairs = 1\nsuperblock_s = {0}\nslice_ms = {2}\nwarmup_s = 0\n[[experiment]]\nname = \"x\"\ndiffers = \"nothing\"\n\
         users = 1\ncompare_bodies = false\n{journeys}[experiment.baseline]\nname = \"spin\"\nbase_url = \"{1}\"\n",
        length.as_secs_f64(),
        server.url(),
        length.as_millis()
    );
    let dir = tempfile::tempdir()?;
    let out = dir.path().join("run");
    hitmark_loadtests::run(&Plan::parse(&text, "truth")?, RunOptions::new(out.clone(), Stop::default()))
        .await?;
    for block in Run::read(&out)?.side("x", Variant::Baseline).values() {
        for (line, seen) in lines.iter().zip(&mut *seen) {
            seen.by_engine.add(block.merged(Timing::Body, |outcome| outcome == line.outcome))?;
        }
    }
    Ok(())
}

/// A round of the simplest client: the same requests, drawn by the same weights.
async fn simplest(
    server: &TruthServer,
    lines: &[Line],
    length: Duration,
    round: u64,
    seen: &mut [Seen],
) -> Result<(), Failed> {
    let paths: Vec<String> = lines.iter().map(|line| line.path(SIMPLEST)).collect();
    let weights: Vec<u64> = lines.iter().map(|line| line.weight).collect();
    let choose = move |nth| drawn(&weights, round << 32 | nth);
    let latencies_ns = SimplestClient::new(server.port(), &paths).ask_for(length, choose).await?;
    for (latencies_ns, seen) in latencies_ns.into_iter().zip(seen) {
        latencies_ns.into_iter().for_each(|ns| seen.by_simplest.saturating_record(ns));
    }
    Ok(())
}

/// The place that a draw falls on, by weight (the number is spread by the finaliser of SplitMix64).
fn drawn(weights: &[u64], number: u64) -> usize {
    let mut spread = number.wrapping_add(0x9E37_79B9_7F4A_7C15);
    spread = (spread ^ spread >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    spread = (spread ^ spread >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
    let mut left = (spread ^ spread >> 31) % weights.iter().sum::<u64>().max(1);
    let is_chosen = |weight: &u64| {
        let is_chosen = left < *weight;
        left = left.saturating_sub(*weight);
        is_chosen
    };
    weights.iter().position(is_chosen).unwrap_or(0)
}

/// Measures lines together and prints them; says how many verdicts were not right.
async fn table(lines: &[Line], rounds: u64) -> Result<u32, Failed> {
    let server = TruthServer::start(TruthConfig::default()).await?;
    let empty = || Seen { by_engine: latency_histogram(), by_simplest: latency_histogram() };
    let mut seen: Vec<Seen> = lines.iter().map(|_| empty()).collect();
    let length = round_length(lines);
    for round in 0..rounds {
        // Who begins alternates too.
        for turn in [round % 2, 1 - round % 2] {
            if turn == 0 {
                engine(&server, lines, length, &mut seen).await?;
            } else {
                simplest(&server, lines, length, round, &mut seen).await?;
            }
        }
    }
    let mut wrong = 0;
    for (line, seen) in lines.iter().zip(&seen) {
        for quantile in QUANTILES {
            let server_ns = |asker| {
                let path = format!("/spin/{}?by={asker}", line.micros);
                server.quantile_ns(&path, quantile).unwrap_or_default() as f64
            };
            let witnesses = Witnesses {
                reported_ns: seen.by_engine.value_at_quantile(quantile) as f64,
                server_ns: server_ns(ENGINE),
                simplest_ns: seen.by_simplest.value_at_quantile(quantile) as f64,
                server_of_simplest_ns: server_ns(SIMPLEST),
            };
            let told = told(&witnesses, quantile, seen);
            wrong += u32::from(told.starts_with("WRONG"));
            show(line, quantile, &witnesses, seen, told);
        }
    }
    Ok(wrong)
}

/// The verdict in words. Both clients' far tails rest on a few answers: an excess that vanishes within
/// the 95 % limits of the two quantiles (by the ranks of their answers) says nothing.
fn told(witnesses: &Witnesses, quantile: f64, seen: &Seen) -> &'static str {
    let limit = |of: &Histogram<u64>, sign: f64| {
        let answers = of.len().max(1) as f64;
        let ranks = 1.96 * (quantile * (1.0 - quantile) / answers).sqrt();
        of.value_at_quantile((quantile + sign * ranks).clamp(0.0, 1.0)) as f64
    };
    let reported_ns = limit(&seen.by_engine, -1.0);
    let at_best = Witnesses { reported_ns, simplest_ns: limit(&seen.by_simplest, 1.0), ..*witnesses };
    match (witnesses.verdict(), at_best.longest_right_ns() >= reported_ns) {
        (Verdict::Right, _) => "right",
        (Verdict::TooShort, _) => "WRONG: less than the server took",
        (Verdict::TooLong, true) => "longer, within the tails' scatter",
        (Verdict::TooLong, false) => "WRONG: more than the floor explains",
    }
}

#[expect(clippy::print_stdout, reason = "this is what the program is for")]
fn show(line: &Line, quantile: f64, witnesses: &Witnesses, seen: &Seen, told: &str) {
    let us = |ns: f64| ns / 1e3;
    let answers = (seen.by_engine.len(), seen.by_simplest.len());
    let few = if answers.0.min(answers.1) < ANSWERS_MIN { " (few answers)" } else { "" };
    println!(
        "{:<16} p{:<5} reported {:>8.1} µs of {:>6}, server {:>8.1} | simplest {:>8.1} of {:>6}, server {:>8.1}, floor {:>7.1} | at most {:>8.1}: {told}{few}",
        line.name,
        quantile * 100.0,
        us(witnesses.reported_ns),
        answers.0,
        us(witnesses.server_ns),
        us(witnesses.simplest_ns),
        answers.1,
        us(witnesses.server_of_simplest_ns),
        us(witnesses.floor_ns()),
        us(witnesses.longest_right_ns())
    );
}

#[tokio::main]
async fn main() -> Result<(), Failed> {
    let rounds = std::env::args().nth(1).map_or(Ok(20), |text| text.parse::<u64>())?;
    let alone = |name, micros| Line { name, micros, weight: 1, outcome: Outcome::Unknown };
    let mut wrong = 0;
    for line in [
        alone("20 µs", 20),
        alone("50 µs", 50),
        alone("200 µs", 200),
        alone("1 ms", 1_000),
        alone("5 ms", 5_000),
    ] {
        wrong += table(&[line], rounds).await?;
    }
    let mix = [
        Line { name: "99 : 1 hit", micros: 50, weight: 99, outcome: Outcome::Hit },
        Line { name: "99 : 1 miss", micros: 1_000, weight: 1, outcome: Outcome::Miss },
    ];
    wrong += table(&mix, rounds).await?;
    if wrong > 0 { Err(format!("{wrong} figures are not right").into()) } else { Ok(()) }
}
