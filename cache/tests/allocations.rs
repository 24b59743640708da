//! That a hit allocates nothing beyond its value. A binary of its own, since it counts every allocation
//! of its thread.

#![allow(clippy::expect_used, reason = "helpers of tests fail as tests do")]

use std::future::Future;
use std::hint::black_box;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use allocation_counter::measure;
use bytes::Bytes;
use hitmark_cache::{CacheLayer, Key, LayerOptions, MemoryConfig, Policy, RedisConfig, Source, Tag};
use hitmark_schema::curve::SamplerConfig;
use hitmark_schema::exposition::Value;
use hitmark_schema::metrics::CURVE_SAMPLED;
use hitmark_testkit::RedisServer;
use redis::AsyncCommands;

const HITS: u64 = 1_000;
const VALUE_BYTES: usize = 1_000;
const LONG: Duration = Duration::from_secs(600);

/// The output of a future that is ready when it is first asked, as a hit in memory is.
fn now<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("a hit in memory waited"),
    }
}

async fn never() -> Result<Bytes, std::io::Error> {
    panic!("a hit asks no origin")
}

#[tokio::test]
async fn a_hit_in_memory_allocates_nothing() {
    let cache = CacheLayer::memory(MemoryConfig::default());
    let key = Key::new("product").id(456).and("shop", 123);
    let policy = Policy::ttl(LONG)
        .stale_while_revalidate(LONG)
        .stale_if_error(LONG)
        .jitter(0.1)
        .xfetch(1.0)
        .tag(Tag::new("product").id(456));
    cache.put(&key, Bytes::from(vec![b'x'; VALUE_BYTES]), &policy).await.expect("stored");
    now(cache.get(&key)).expect("asked").expect("a hit");
    let gets = measure(|| {
        for _ in 0..HITS {
            black_box(now(cache.get(&key))).expect("asked").expect("a hit");
        }
    });
    let fetches = measure(|| {
        for _ in 0..HITS {
            let served = black_box(now(cache.fetch(&key, &policy, never))).expect("served");
            assert_eq!(served.source, Source::Hit);
        }
    });
    assert_eq!((gets.count_total, fetches.count_total), (0, 0));
}

#[tokio::test]
async fn a_hit_that_the_curve_samples_allocates_nothing_either() {
    let mut options = LayerOptions::default();
    let every = SamplerConfig { requests_per_second_max: u32::MAX, ..SamplerConfig::default() };
    options.curve = Some(every);
    let cache = CacheLayer::memory_with(MemoryConfig::default(), options);
    let policy = Policy::ttl(LONG);
    let keys: Vec<Key> = (0..100).map(|id| Key::new("product").id(id)).collect();
    for key in &keys {
        cache.put(key, Bytes::from(vec![b'x'; VALUE_BYTES]), &policy).await.expect("stored");
        now(cache.get(key)).expect("asked").expect("a hit");
    }
    // More hits than the sample has slots for, so that closing its row is counted too.
    let hits = measure(|| {
        for round in 0..every.keys_max * 5 {
            let key = &keys[round % keys.len()];
            let served = black_box(now(cache.fetch(key, &policy, never))).expect("served");
            assert_eq!(served.source, Source::Hit);
        }
    });
    assert_eq!(hits.count_total, 0);
    let families = cache.families();
    let sampled = families.iter().find(|family| family.metric == CURVE_SAMPLED).expect("a curve");
    assert_eq!(sampled.samples[0].value, Value::Number((100 + every.keys_max * 5) as f64));
}

#[test]
fn a_hit_in_redis_allocates_less_than_the_client_librarys_own_get_and_one_more_command() {
    // One thread, so that the work of the connection's task is counted too, on both sides alike.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let server = runtime.block_on(RedisServer::start()).expect("redis-server starts");
    let mut config = RedisConfig::new(server.url());
    config.response_timeout = Duration::from_secs(5);
    let cache = runtime.block_on(CacheLayer::redis(config)).expect("a usable URL");
    let client = redis::Client::open(server.url()).expect("a usable URL");
    let mut bare = runtime.block_on(client.get_multiplexed_async_connection()).expect("a connection");
    let key = Key::new("product").id(456);
    let value = Bytes::from(vec![b'x'; VALUE_BYTES]);
    runtime.block_on(cache.set(&key, value, LONG)).expect("stored");

    let layer_gets = || {
        measure(|| {
            runtime.block_on(async {
                for _ in 0..HITS {
                    black_box(cache.get(&key).await).expect("asked").expect("a hit");
                }
            });
        })
    };
    let mut bare_gets = || {
        measure(|| {
            runtime.block_on(async {
                for _ in 0..HITS {
                    let value: Vec<u8> = bare.get("hitmark:product:456").await.expect("asked");
                    assert!(black_box(value).len() > VALUE_BYTES);
                }
            });
        })
    };
    // The first round of each grows buffers that stay.
    let (_, _) = (layer_gets(), bare_gets());
    let (layer, bare) = (layer_gets(), bare_gets());
    // Sharing the value's bytes, which the layer does and the bare client does not, is one more.
    assert!(
        layer.count_total <= bare.count_total + 2 * HITS,
        "the layer allocates {} times in {HITS} gets, the client alone {}",
        layer.count_total,
        bare.count_total
    );
}
