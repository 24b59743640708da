//! The command line as clap sees it. What the flags mean is decided in `commands`.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use hitmark_exporter::cli::ExporterArgs;

use crate::cli_testbed::TestbedArgs;

/// Measures whether a cache pays for itself, watches it, and stops the change that breaks it.
#[derive(Debug, Parser)]
#[command(name = "hitmark", version, about, after_help = "Begin with: hitmark demo")]
pub(crate) struct Cli {
    /// Format of the logs on standard error; RUST_LOG chooses what is logged.
    #[arg(long, global = true, value_enum, default_value_t = LogFormat::Text, env = "HITMARK_LOG_FORMAT")]
    pub(crate) log_format: LogFormat,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// How logs are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// Lines for people.
    Text,
    /// JSON lines for machines.
    Json,
}

/// The subcommands, one file each in `commands`.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Measure cached against uncached on the built-in service, and write a report.
    #[command(after_help = "Example: hitmark demo --quick --out my-run")]
    Demo(DemoArgs),
    /// Run the reference service.
    #[command(after_help = "Example: hitmark testbed --cache redis --redis-url redis://127.0.0.1:6379/0")]
    Testbed(Box<TestbedArgs>),
    /// Answer Prometheus for Redis servers and for services that speak of their caches.
    #[command(after_help = "Example: hitmark exporter --redis redis://127.0.0.1:6379/0")]
    Exporter(Box<ExporterArgs>),
    /// Run load tests from plan files.
    #[command(
        subcommand,
        after_help = "Example: hitmark load run loadtests/plans/marketplace.toml --out my-run"
    )]
    Load(LoadCommand),
    /// Tell what a cache of another size or policy would have made of a trace, or of a running testbed.
    #[command(
        after_help = "Example: hitmark whatif requests.csv.gz --sizes 64MiB,256MiB --policy s3fifo,sieve --out curve\n\n\
        Traces: CSV (key, or key and size, or time, key and size; or a head that names them), one key a line, or\n\
        libCacheSim's oracleGeneral; plain or as .gz, .xz, .zst. Up to 10 million requests the curve is exact;\n\
        above, it is estimated from a share of the keys (SHARDS).\n\n\
        Live: hitmark whatif --from http://127.0.0.1:8080/metrics reads the curve of a running testbed off its page."
    )]
    Whatif(WhatIfArgs),
    /// Draw one page from one or more runs.
    #[command(after_help = "Example: hitmark report my-run --out report.html --markdown summary.md")]
    Report(ReportArgs),
    /// Compare one run with another.
    #[command(after_help = "Example: hitmark compare run-of-main run-of-branch --format markdown")]
    Compare(CompareArgs),
    /// Judge a run by a budget file; the exit code is the verdict.
    #[command(
        after_help = "Example: hitmark gate my-run --budget reports/budgets/marketplace.toml --format github"
    )]
    Gate(GateArgs),
    /// Hold stated figures against runs: proven, refuted, undecided or not measured.
    #[command(after_help = "Example: hitmark claims my-run --format markdown")]
    Claims(ClaimsArgs),
    /// Add runs of the same plan losslessly, such as those of several machines.
    #[command(after_help = "Example: hitmark merge machine-a machine-b --out both")]
    Merge(MergeArgs),
    /// Write dashboards, rules and alerts.
    #[command(subcommand, after_help = "Example: hitmark dashboards export grafana-provisioning")]
    Dashboards(DashboardsCommand),
    /// Write a completion script for a shell to standard output.
    #[command(after_help = "Example: hitmark completions bash > /etc/bash_completion.d/hitmark")]
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
    /// Write the manual page to standard output.
    #[command(after_help = "Example: hitmark man | man -l -")]
    Man,
}

/// `hitmark demo`
#[derive(Debug, Args)]
pub(crate) struct DemoArgs {
    /// The run directory; by default a new one named after the time.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Fewer pairs and less data: done within 30 s, with wider intervals.
    #[arg(long)]
    pub(crate) quick: bool,
    /// Cache in this Redis instead of in the process.
    #[arg(long, value_name = "URL", env = "REDIS_URL", hide_env_values = true)]
    pub(crate) redis_url: Option<String>,
    /// Keep the data in this database instead of a SQLite file: postgres://… or sqlite://…
    #[arg(long, value_name = "URL", env = "DATABASE_URL", hide_env_values = true)]
    pub(crate) database_url: Option<String>,
    /// Only this system; repeatable.
    #[arg(long = "system", value_name = "NAME")]
    pub(crate) systems: Vec<String>,
    /// The seed of key streams and slice order.
    #[arg(long, default_value_t = 42)]
    pub(crate) seed: u64,
}

/// `hitmark load …`
#[derive(Debug, Subcommand)]
pub(crate) enum LoadCommand {
    /// Run a plan.
    #[command(
        after_help = "Example: hitmark load run loadtests/plans/marketplace.toml --only search --out my-run"
    )]
    Run(LoadRunArgs),
    /// Check a plan without sending a request.
    #[command(after_help = "Example: hitmark load check my-plan.toml")]
    Check {
        /// The plan file.
        plan: PathBuf,
    },
    /// Write a commented plan to begin with.
    #[command(after_help = "Example: hitmark load new http://127.0.0.1:8080/items/7 --out plan.toml")]
    New(LoadNewArgs),
    /// List the plans that come with hitmark.
    #[command(after_help = "Example: hitmark load list")]
    List,
}

/// `hitmark load run`
#[derive(Debug, Args)]
pub(crate) struct LoadRunArgs {
    /// The plan file.
    pub(crate) plan: PathBuf,
    /// The run directory; by default a new one named after the time.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Only this experiment, by its name; repeatable.
    #[arg(long = "only", value_name = "EXPERIMENT")]
    pub(crate) only: Vec<String>,
    /// Another seed than the plan's.
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,
    /// Send each request once, check it, print it, and measure nothing.
    #[arg(long, conflicts_with = "quick")]
    pub(crate) verify: bool,
    /// Few short pairs: a look, with wide intervals.
    #[arg(long)]
    pub(crate) quick: bool,
    /// Answer Prometheus with the figures of the run while it goes, for example on 127.0.0.1:9465.
    #[arg(long, value_name = "ADDR")]
    pub(crate) metrics_listen: Option<SocketAddr>,
    /// How the summary is printed.
    #[arg(long, value_enum, default_value_t = SummaryFormat::Text)]
    pub(crate) format: SummaryFormat,
}

/// `hitmark load new`
#[derive(Debug, Args)]
pub(crate) struct LoadNewArgs {
    /// What to measure; one experiment for each.
    #[arg(required = true, value_name = "URL")]
    pub(crate) urls: Vec<String>,
    /// The file to write; by default standard output. An existing file is never replaced.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
}

/// `hitmark whatif`
#[derive(Debug, Args)]
pub(crate) struct WhatIfArgs {
    /// The trace file.
    #[arg(value_name = "TRACE", required_unless_present = "from")]
    pub(crate) trace: Option<PathBuf>,
    /// Instead of a trace, the metrics page of a running testbed: its live curve.
    #[arg(long, value_name = "URL", conflicts_with_all = ["trace", "policies", "rate", "trace_format"])]
    pub(crate) from: Option<String>,
    /// Cache sizes: entries (5000), bytes (64MiB) or a share of all keys (10%).
    #[arg(long, value_name = "SIZE", value_delimiter = ',')]
    pub(crate) sizes: Vec<String>,
    /// Policies to simulate at those sizes: lru, lfu, s3fifo, sieve, tinylfu.
    #[arg(long = "policy", value_name = "NAME", value_delimiter = ',')]
    pub(crate) policies: Vec<String>,
    /// Look at this share of the keys only, for example 0.1.
    #[arg(long, value_name = "SHARE")]
    pub(crate) rate: Option<f64>,
    /// plain, csv or oracleGeneral; by default the file's name tells.
    #[arg(long, value_name = "FORMAT")]
    pub(crate) trace_format: Option<String>,
    /// Write whatif.json and whatif.html into this folder.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// How the answer is printed.
    #[arg(long, value_enum, default_value_t = WhatIfFormat::Text)]
    pub(crate) format: WhatIfFormat,
}

/// How a what-if answer is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum WhatIfFormat {
    /// Tables.
    Text,
    /// `whatif.json`.
    Json,
}

/// How a summary is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum SummaryFormat {
    /// A table.
    Text,
    /// `summary.json`.
    Json,
    /// `summary.md`.
    Markdown,
}

/// `hitmark report`
#[derive(Debug, Args)]
pub(crate) struct ReportArgs {
    /// Run directories.
    #[arg(required = true, value_name = "RUN_DIR")]
    pub(crate) runs: Vec<PathBuf>,
    /// The page.
    #[arg(long, value_name = "FILE", default_value = "report.html")]
    pub(crate) out: PathBuf,
    /// Also a summary in Markdown.
    #[arg(long, value_name = "FILE")]
    pub(crate) markdown: Option<PathBuf>,
}

/// `hitmark compare`
#[derive(Debug, Args)]
pub(crate) struct CompareArgs {
    /// The run to compare with.
    #[arg(value_name = "RUN_A")]
    pub(crate) baseline: PathBuf,
    /// The run to compare.
    #[arg(value_name = "RUN_B")]
    pub(crate) candidate: PathBuf,
    /// How the comparison is printed.
    #[arg(long, value_enum, default_value_t = SummaryFormat::Text)]
    pub(crate) format: SummaryFormat,
}

/// `hitmark gate`
#[derive(Debug, Args)]
pub(crate) struct GateArgs {
    /// The run to judge.
    #[arg(value_name = "RUN_DIR")]
    pub(crate) run: PathBuf,
    /// The budget file.
    #[arg(long, value_name = "FILE")]
    pub(crate) budget: PathBuf,
    /// A run to compare counts with.
    #[arg(long, value_name = "RUN_DIR")]
    pub(crate) baseline: Option<PathBuf>,
    /// text, json, junit, github, markdown or bmf.
    #[arg(long, default_value = "text")]
    pub(crate) format: String,
    /// Write to this file instead of standard output.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
}

/// `hitmark claims`
#[derive(Debug, Args)]
pub(crate) struct ClaimsArgs {
    /// Runs, or folders of runs; each claim is held against the first run that has its experiment.
    #[arg(value_name = "RUN_DIR", required = true)]
    pub(crate) runs: Vec<PathBuf>,
    /// Files of claims; by default those of the five systems of the testbed.
    #[arg(long, value_name = "FILE")]
    pub(crate) claims: Vec<PathBuf>,
    /// text, json or markdown.
    #[arg(long, default_value = "text")]
    pub(crate) format: String,
    /// Write to this file instead of standard output.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
}

/// `hitmark merge`
#[derive(Debug, Args)]
pub(crate) struct MergeArgs {
    /// The runs.
    #[arg(value_name = "RUN_DIR", required = true)]
    pub(crate) runs: Vec<PathBuf>,
    /// The new run.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
}

/// `hitmark dashboards …`
#[derive(Debug, Subcommand)]
pub(crate) enum DashboardsCommand {
    /// Write dashboards, rules, alerts and their tests into a folder.
    #[command(after_help = "Example: hitmark dashboards export ./provisioning")]
    Export {
        /// The folder.
        dir: PathBuf,
    },
}
