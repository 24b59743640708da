//! The flags of the reference service and of the edge.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::cli_cdn::{CdnArgs, CdnCommandArgs};

/// `hitmark testbed`
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct TestbedArgs {
    /// What to run instead of the service.
    #[command(subcommand)]
    pub(crate) command: Option<TestbedCommand>,
    /// Where to listen.
    #[arg(long, default_value = "127.0.0.1:8080", env = "HITMARK_TESTBED_LISTEN")]
    pub(crate) listen: SocketAddr,
    /// The Redis of the cache, needed by --cache redis and --cache tiered: redis://host:port/db,
    /// redis+sentinel://host:port/master-name or redis+cluster://host:port,host:port.
    #[arg(long, value_name = "URL", env = "REDIS_URL", hide_env_values = true)]
    pub(crate) redis_url: Option<String>,
    /// postgres://… or sqlite://…; by default a SQLite file in a temporary folder.
    #[arg(long, value_name = "URL", env = "DATABASE_URL", hide_env_values = true)]
    pub(crate) database_url: Option<String>,
    /// Where tasks wait: redis://…, or celery+redis://… for a Celery worker; by default in the process.
    #[arg(long, value_name = "URL", env = "HITMARK_TASKS", hide_env_values = true)]
    pub(crate) tasks: Option<String>,
    /// The Redis database in which a Celery worker leaves results; by default that of the tasks.
    #[arg(long, value_name = "URL", env = "CELERY_RESULT_BACKEND", hide_env_values = true)]
    pub(crate) task_results: Option<String>,
    /// The Redis database of sessions, which holds nothing else; by default in the process.
    #[arg(long, value_name = "URL", env = "REDIS_SESSION_URL", hide_env_values = true)]
    pub(crate) sessions: Option<String>,
    /// The cache backend: memory, redis, tiered (memory before redis), sqlite, file or off.
    #[arg(long, env = "HITMARK_CACHE", default_value = "memory")]
    pub(crate) cache: String,
    /// The folder of the caches sqlite and file, kept over restarts; by default a temporary one.
    #[arg(long, value_name = "FOLDER", env = "HITMARK_CACHE_PATH")]
    pub(crate) cache_path: Option<PathBuf>,
    /// How much data: small, medium or large.
    #[arg(long, env = "HITMARK_SEED_SIZE", default_value = "medium")]
    pub(crate) seed_size: String,
    /// Take the secondary indexes out of the database: the baseline of an experiment with them.
    #[arg(long, env = "HITMARK_WITHOUT_INDEXES")]
    pub(crate) without_indexes: bool,
    /// The token that administrative requests must carry.
    #[arg(long, value_name = "TOKEN", env = "HITMARK_ADMIN_TOKEN", hide_env_values = true)]
    pub(crate) admin_token: Option<String>,
    /// The secret of signed tokens (JWT, HS256) whose permissions READ_ANALYTICS and MANAGE_CACHE count too.
    #[arg(long, value_name = "SECRET", env = "HITMARK_JWT_SECRET", hide_env_values = true)]
    pub(crate) jwt_secret: Option<String>,
    /// From how many milliseconds on a request is told in the log as slow.
    #[arg(long, value_name = "MS", default_value_t = 5_000, env = "HITMARK_SLOW_AFTER_MS")]
    pub(crate) slow_after_ms: u64,
    /// Answer at most this many requests a minute, and 429 beyond.
    #[arg(long, value_name = "REQUESTS", env = "HITMARK_RATE_LIMIT")]
    pub(crate) rate_limit: Option<std::num::NonZeroU32>,
    /// How hard gzip and brotli work: 1 (fast) to 9 (small).
    #[arg(long, value_name = "LEVEL", default_value_t = 6, env = "HITMARK_COMPRESSION_LEVEL")]
    pub(crate) compression_level: u8,
    /// The smallest answer that is compressed.
    #[arg(long, value_name = "BYTES", default_value_t = 1_024, env = "HITMARK_COMPRESSION_MIN_BYTES")]
    pub(crate) compression_min_bytes: u16,
    /// Put the critical answers into the cache before serving.
    #[arg(long, env = "CACHE_WARM_ON_STARTUP")]
    pub(crate) warm: bool,
    /// Take out cached answers when others write to the database; PostgreSQL only.
    #[arg(long, env = "HITMARK_LISTEN_WRITES")]
    pub(crate) listen_writes: bool,
    /// The live miss-ratio curve.
    #[command(flatten)]
    pub(crate) curve: CurveArgs,
    /// The network before the assets.
    #[command(flatten)]
    pub(crate) network: CdnArgs,
}

/// What the live miss-ratio curve is made from.
#[derive(Debug, Args)]
pub(crate) struct CurveArgs {
    /// Leave the live miss-ratio curve out of the metrics page.
    #[arg(long, env = "HITMARK_NO_CURVE", conflicts_with = "curve_rate")]
    pub(crate) no_curve: bool,
    /// The share of keys that the live miss-ratio curve begins with: above 0, at most 1. It falls by itself
    /// above 8,192 keys, and above 10,000 lookups a second.
    #[arg(long, value_name = "SHARE", default_value_t = 1.0, env = "HITMARK_CURVE_RATE")]
    pub(crate) curve_rate: f64,
}

/// `hitmark testbed …`
#[derive(Debug, Subcommand)]
pub(crate) enum TestbedCommand {
    /// Run the response cache as a reverse proxy before any HTTP origin.
    #[command(
        after_help = "Example: hitmark testbed edge --origin http://127.0.0.1:8080 --listen 127.0.0.1:8090\n\
                      Purge:   curl -X PURGE -H 'Authorization: Bearer TOKEN' http://127.0.0.1:8090/path\n\
                      Metrics: GET /.hitmark/metrics"
    )]
    Edge(EdgeArgs),
    /// Operate the network before the assets: tell, synchronise, invalidate, try.
    #[command(after_help = "Example: hitmark testbed cdn --cdn-base-url http://127.0.0.1:8090 test")]
    Cdn(CdnCommandArgs),
}

/// `hitmark testbed edge`
#[derive(Debug, Args)]
pub(crate) struct EdgeArgs {
    /// The origin: http://host:port.
    #[arg(long, value_name = "URL", env = "HITMARK_EDGE_ORIGIN", hide_env_values = true)]
    pub(crate) origin: String,
    /// Where to listen.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8090", env = "HITMARK_EDGE_LISTEN")]
    pub(crate) listen: SocketAddr,
    /// Where responses are kept, as with `hitmark testbed --cache`.
    #[arg(long, env = "HITMARK_CACHE", default_value = "memory")]
    pub(crate) cache: String,
    /// The Redis of the cache, as with `hitmark testbed --redis-url`.
    #[arg(long, value_name = "URL", env = "REDIS_URL", hide_env_values = true)]
    pub(crate) redis_url: Option<String>,
    /// The folder of the caches sqlite and file, kept over restarts; by default a temporary one.
    #[arg(long, value_name = "FOLDER", env = "HITMARK_CACHE_PATH")]
    pub(crate) cache_path: Option<PathBuf>,
    /// The token that PURGE must carry; without it nothing can be purged.
    #[arg(long, value_name = "TOKEN", env = "HITMARK_PURGE_TOKEN", hide_env_values = true)]
    pub(crate) purge_token: Option<String>,
    /// Seconds in which the origin must begin its answer.
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    pub(crate) origin_timeout: u64,
    /// Seconds past its lifetime for which a response stands in for a failing origin, if neither
    /// side speaks of it.
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    pub(crate) stale_if_error: u64,
    /// The live miss-ratio curve.
    #[command(flatten)]
    pub(crate) curve: CurveArgs,
}
