//! How long an invalidation of 100 of 300,000 keys takes, and what it does to other clients' GETs.
//!
//! `cargo run --release -p hitmark-cache --example invalidation`; needs `redis-server`. With `-- --cluster` the
//! keys are in the 16 shards of a Cluster of three masters on this machine.

#![allow(clippy::print_stdout, reason = "the result of an example is what it prints")]

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::StreamExt;
use hitmark_cache::backend::Redis;
use hitmark_cache::{Cache, Entry, Key, Pattern, RedisConfig, Tag};
use hitmark_testkit::{RedisCluster, RedisServer};

const KEYS: u64 = 300_000;
const TAGGED: u64 = 100;
const ROUNDS: usize = 15;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (mut server, mut cluster) = (None, None);
    let url = if std::env::args().any(|argument| argument == "--cluster") {
        cluster.insert(RedisCluster::start().await?).url()
    } else {
        server.insert(RedisServer::start().await?).url()
    };
    let mut config = RedisConfig::new(url);
    config.response_timeout = Duration::from_secs(5);
    let cache = Redis::connect(config.clone()).await?;
    let other = Arc::new(Redis::connect(config).await?);
    let entry = Entry::fresh_for(Bytes::from(vec![b'x'; 100]), Duration::from_secs(3600));
    let fills = (TAGGED..KEYS).map(|id| {
        let (cache, entry) = (&cache, &entry);
        async move { cache.set(&Key::new("bulk").id(id), entry, &[]).await }
    });
    let failed =
        futures::stream::iter(fills).buffer_unordered(128).filter(|set| std::future::ready(set.is_err()));
    println!(
        "{KEYS} keys, {} could not be stored; {TAGGED} are invalidated, {ROUNDS} rounds",
        failed.count().await
    );
    let (tag, pattern) = (Tag::new("some"), Pattern::under(&Key::new("some")));
    for how in ["tag", "pattern"] {
        let (mut times, mut worst) = (Vec::new(), Duration::ZERO);
        for _ in 0..ROUNDS {
            for id in 0..TAGGED {
                cache.set(&Key::new("some").id(id), &entry, std::slice::from_ref(&tag)).await?;
            }
            let (stop, worst_ns) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
            let getter = tokio::spawn(gets(Arc::clone(&other), Arc::clone(&stop), Arc::clone(&worst_ns)));
            tokio::time::sleep(Duration::from_millis(20)).await;
            worst_ns.store(0, Ordering::SeqCst);
            let started = Instant::now();
            let removed = match how {
                "tag" => cache.delete_tag(&tag).await?,
                _ => cache.delete_pattern(&pattern).await?,
            };
            times.push(started.elapsed());
            stop.store(true, Ordering::SeqCst);
            getter.await??;
            worst = worst.max(Duration::from_nanos(worst_ns.load(Ordering::SeqCst)));
            assert_eq!(removed, TAGGED, "exactly the tagged ones");
        }
        times.sort_unstable();
        let (median, slowest) = (times[ROUNDS / 2], times[ROUNDS - 1]);
        println!(
            "{how:8} median {median:?}, slowest {slowest:?}; another client's worst GET meanwhile {worst:?}"
        );
    }
    Ok(())
}

/// GETs one after the other; the slowest since it was last set to zero.
async fn gets(
    cache: Arc<Redis>,
    stop: Arc<AtomicBool>,
    worst_ns: Arc<AtomicU64>,
) -> Result<(), hitmark_cache::CacheError> {
    let key = Key::new("bulk").id(KEYS - 1);
    while !stop.load(Ordering::SeqCst) {
        let started = Instant::now();
        cache.get(&key).await?;
        let took_ns = u64::try_from(started.elapsed().as_nanos()).unwrap_or(u64::MAX);
        worst_ns.fetch_max(took_ns, Ordering::SeqCst);
    }
    Ok(())
}
