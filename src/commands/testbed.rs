//! `hitmark testbed`: the reference service, until SIGTERM.

use std::time::Instant;

use hitmark_testbed::{CacheChoice, SeedSize, Testbed, TestbedConfig, TestbedError};

use crate::cli::TestbedArgs;
use crate::exit::{Exit, usage};
use crate::interrupt::Shutdown;

pub(super) fn run(args: &TestbedArgs) -> anyhow::Result<Exit> {
    let config = config(args)?;
    super::runtime()?.block_on(serve(config))
}

#[expect(clippy::print_stderr, reason = "progress of a server's start")]
async fn serve(config: TestbedConfig) -> anyhow::Result<Exit> {
    let started = Instant::now();
    let mut shutdown = Shutdown::listen()?;
    let testbed = tokio::select! {
        testbed = Testbed::start(config, |_| {}) => testbed.map_err(of_start)?,
        () = shutdown.wait() => return Ok(Exit::Done),
    };
    eprintln!("hitmark testbed: {} after {:.1} s", testbed.url(), started.elapsed().as_secs_f64());
    testbed.serve(async move { shutdown.wait().await }).await?;
    Ok(Exit::Done)
}

/// A configuration that cannot be is the user's mistake; a server that fails is not.
pub(super) fn of_start(error: TestbedError) -> anyhow::Error {
    match error {
        TestbedError::Config(_) => usage(error),
        error => error.into(),
    }
}

fn config(args: &TestbedArgs) -> anyhow::Result<TestbedConfig> {
    let cache = args.cache.parse::<CacheChoice>();
    let seed_size = args.seed_size.parse::<SeedSize>();
    match (cache, seed_size) {
        (Ok(cache), Ok(seed_size)) => Ok(TestbedConfig {
            listen: args.listen,
            database_url: args.database_url.clone(),
            // A Redis in the environment is used only where it is asked for.
            redis_url: args.redis_url.clone().filter(|_| cache.needs_redis()),
            cache,
            cache_path: args.cache_path.clone(),
            seed_size,
            admin_token: args.admin_token.clone(),
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
