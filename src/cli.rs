//! The command line as clap sees it. What the flags mean is decided in `commands`.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use hitmark_exporter::cli::ExporterArgs;

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
    Testbed(TestbedArgs),
    /// Answer Prometheus for Redis servers and for services that speak of their caches.
    #[command(after_help = "Example: hitmark exporter --redis redis://127.0.0.1:6379/0")]
    Exporter(ExporterArgs),
    /// Run load tests from plan files.
    #[command(
        subcommand,
        after_help = "Example: hitmark load run loadtests/plans/marketplace.toml --out my-run"
    )]
    Load(LoadCommand),
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

/// `hitmark testbed`
#[derive(Debug, Args)]
pub(crate) struct TestbedArgs {
    /// Where to listen.
    #[arg(long, default_value = "127.0.0.1:8080", env = "HITMARK_TESTBED_LISTEN")]
    pub(crate) listen: SocketAddr,
    /// The Redis of the cache; needed by --cache redis and --cache tiered.
    #[arg(long, value_name = "URL", env = "REDIS_URL", hide_env_values = true)]
    pub(crate) redis_url: Option<String>,
    /// postgres://… or sqlite://…; by default a SQLite file in a temporary folder.
    #[arg(long, value_name = "URL", env = "DATABASE_URL", hide_env_values = true)]
    pub(crate) database_url: Option<String>,
    /// The cache backend: memory, redis, tiered (memory before redis), sqlite, file or off.
    #[arg(long, env = "HITMARK_CACHE", default_value = "memory")]
    pub(crate) cache: String,
    /// The folder of the caches sqlite and file, kept over restarts; by default a temporary one.
    #[arg(long, value_name = "FOLDER", env = "HITMARK_CACHE_PATH")]
    pub(crate) cache_path: Option<PathBuf>,
    /// How much data: small, medium or large.
    #[arg(long, env = "HITMARK_SEED_SIZE", default_value = "medium")]
    pub(crate) seed_size: String,
    /// The token that administrative requests must carry.
    #[arg(long, value_name = "TOKEN", env = "HITMARK_ADMIN_TOKEN", hide_env_values = true)]
    pub(crate) admin_token: Option<String>,
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
    /// How the summary is printed.
    #[arg(long, value_enum, default_value_t = SummaryFormat::Text)]
    pub(crate) format: SummaryFormat,
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
