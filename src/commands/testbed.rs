//! `hitmark testbed`: the reference service, or the edge, until SIGTERM.

use std::time::{Duration, Instant};

use hitmark_schema::curve::SamplerConfig;
use hitmark_testbed::edge::{Edge, EdgeConfig};
use hitmark_testbed::{CacheChoice, Compression, Indexes, SeedSize, Testbed, TestbedConfig, TestbedError};

use crate::cli_testbed::{CurveArgs, EdgeArgs, TestbedArgs, TestbedCommand};
use crate::exit::{Exit, usage};
use crate::interrupt::Shutdown;
use crate::logging;

pub(super) fn run(args: &TestbedArgs) -> anyhow::Result<Exit> {
    match &args.command {
        None => {}
        Some(TestbedCommand::Cdn(args)) => return super::cdn::run(args),
        Some(TestbedCommand::Edge(args)) => {
            let config = edge_config(args)?;
            return super::runtime()?.block_on(serve_edge(config));
        }
    }
    let config = config(args)?;
    super::runtime()?.block_on(serve(config))
}

async fn serve_edge(config: EdgeConfig) -> anyhow::Result<Exit> {
    let started = Instant::now();
    let mut shutdown = Shutdown::listen()?;
    let origin = hitmark_schema::redact::url(&config.origin);
    let edge = tokio::select! {
        edge = Edge::start(config) => edge.map_err(of_start)?,
        () = shutdown.wait() => return Ok(Exit::Done),
    };
    let url = format!("{} before {origin}", edge.url());
    logging::serving("hitmark testbed edge", &url, started.elapsed().as_secs_f64());
    edge.serve(shutdown.wait()).await;
    Ok(Exit::Done)
}

fn edge_config(args: &EdgeArgs) -> anyhow::Result<EdgeConfig> {
    let cache = args.cache.parse::<CacheChoice>().map_err(|error| usage(format!("--cache: {error}")))?;
    Ok(EdgeConfig {
        listen: args.listen,
        origin: args.origin.clone(),
        cache,
        redis_url: args.redis_url.clone(),
        cache_path: args.cache_path.clone(),
        purge_token: args.purge_token.clone(),
        origin_timeout: Duration::from_secs(args.origin_timeout),
        stale_if_error: Duration::from_secs(args.stale_if_error),
        curve: curve(&args.curve)?,
    })
}

async fn serve(config: TestbedConfig) -> anyhow::Result<Exit> {
    let started = Instant::now();
    let mut shutdown = Shutdown::listen()?;
    let testbed = tokio::select! {
        testbed = Testbed::start(config, |_| {}) => testbed.map_err(of_start)?,
        () = shutdown.wait() => return Ok(Exit::Done),
    };
    logging::serving("hitmark testbed", &testbed.url(), started.elapsed().as_secs_f64());
    testbed.serve(async move { shutdown.wait().await }).await?;
    Ok(Exit::Done)
}

/// A configuration that cannot be is the user's mistake; a server that fails is not.
pub(super) fn of_start(error: TestbedError) -> anyhow::Error {
    match error {
        TestbedError::Config(_) | TestbedError::Assets(_) => usage(error),
        error => error.into(),
    }
}

fn curve(args: &CurveArgs) -> anyhow::Result<Option<SamplerConfig>> {
    let rate = args.curve_rate;
    if !(rate > 0.0 && rate <= 1.0) {
        return Err(usage(format!("--curve-rate: must be above 0 and at most 1, not {rate}")));
    }
    Ok((!args.no_curve).then(|| SamplerConfig { rate, ..SamplerConfig::default() }))
}

fn config(args: &TestbedArgs) -> anyhow::Result<TestbedConfig> {
    let cache = args.cache.parse::<CacheChoice>();
    let seed_size = args.seed_size.parse::<SeedSize>();
    match (cache, seed_size) {
        (Ok(cache), Ok(seed_size)) => Ok(TestbedConfig {
            listen: args.listen,
            database_url: args.database_url.clone(),
            // A Redis in the environment is used only where it is asked for.
            tasks_url: args.tasks.clone(),
            task_results_url: args.task_results.clone(),
            sessions_url: args.sessions.clone(),
            redis_url: args.redis_url.clone().filter(|_| cache.needs_redis()),
            cache,
            cache_path: args.cache_path.clone(),
            seed_size,
            indexes: if args.without_indexes { Indexes::Absent } else { Indexes::Present },
            admin_token: args.admin_token.clone(),
            jwt_secret: args.jwt_secret.clone(),
            rate_limit: args.rate_limit,
            slow_after: Duration::from_millis(args.slow_after_ms),
            compression: Compression { min_bytes: args.compression_min_bytes, level: args.compression_level },
            warm: args.warm,
            listen_writes: args.listen_writes,
            curve: curve(&args.curve)?,
            cdn: super::cdn::config(&args.network)?,
        }),
        (cache, seed_size) => {
            let mistakes: Vec<String> = [
                cache.err().map(|error| format!("--cache: {error}")),
                seed_size.err().map(|error| format!("--seed-size: {error}")),
            ]
            .into_iter()
            .flatten()
            .collect();
            Err(usage(mistakes.join("\n")))
        }
    }
}
