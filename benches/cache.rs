//! What the caching layer costs: its operations beside the bare ones that they are made of.
//!
//! The bare rows are the floor. What lies between them and the layer's rows is the price of keys,
//! coalescing and metrics. Every row proves its answer once before it is timed. The Redis rows need
//! `redis-server` and are skipped without it.

#![expect(clippy::borrowed_box, reason = "the weigher of moka is given a reference to the key type")]
#![allow(
    clippy::expect_used,
    clippy::print_stderr,
    reason = "a bench stops at the first surprise and says why"
)]

use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, BenchmarkId, Criterion};
use hitmark_cache::backend::{Lookup, Memory};
use hitmark_cache::{Cache, CacheLayer, Entry, Key, MemoryConfig, RedisConfig, Source};
use hitmark_testkit::RedisServer;
use redis::AsyncCommands;
use redis::aio::MultiplexedConnection;
use tokio::runtime::Runtime;

const SIZES_BYTES: [usize; 3] = [100, 1_000, 10_000];
const TTL: Duration = Duration::from_secs(3600);

type Moka = moka::future::Cache<Box<str>, Bytes>;
type Group<'a> = BenchmarkGroup<'a, WallTime>;

/// The rows of misses store a new key each time: the server drops old ones before it takes the memory
/// of the machine.
const SERVER_LIMITS: [&str; 4] = ["--maxmemory", "256mb", "--maxmemory-policy", "allkeys-random"];

/// What is measured: the layer on each backend, and each backend without the layer.
struct Subjects {
    runtime: Runtime,
    memory: CacheLayer,
    moka: Moka,
    redis: Option<RedisSubject>,
}

/// The layer on a real server, a connection of its own to the same, and the server.
struct RedisSubject {
    layer: CacheLayer,
    bare: MultiplexedConnection,
    _server: RedisServer,
}

fn main() {
    let subjects = Subjects::start();
    let mut criterion = Criterion::default().configure_from_args();
    get_hit(&mut criterion, &subjects);
    get_miss(&mut criterion, &subjects);
    get_or_set(&mut criterion, &subjects);
    criterion.final_summary();
}

impl Subjects {
    fn start() -> Self {
        // One thread: with several, a row of Redis depends on which of them the connection's task
        // happens to be woken on, and is four times slower or not.
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let redis = runtime.block_on(RedisSubject::start());
        Self {
            runtime,
            memory: CacheLayer::memory(MemoryConfig::default()),
            moka: Moka::builder()
                .max_capacity(64 * 1024 * 1024)
                .weigher(|key: &Box<str>, value: &Bytes| {
                    u32::try_from(key.len() + value.len()).unwrap_or(u32::MAX)
                })
                .build(),
            redis,
        }
    }

    /// The layers with their names, the one on Redis only if there is a server.
    fn layers(&self) -> impl Iterator<Item = (&'static str, &CacheLayer)> {
        let redis = self.redis.iter().map(|redis| ("redis", &redis.layer));
        std::iter::once(("memory", &self.memory)).chain(redis)
    }
}

impl RedisSubject {
    async fn start() -> Option<Self> {
        let server = match RedisServer::start_with(&SERVER_LIMITS).await {
            Ok(server) => server,
            Err(error) => {
                eprintln!("skipped the rows of Redis: {error}");
                return None;
            }
        };
        // A bench that starves the server for a moment must not be served by the origin.
        let mut config = RedisConfig::new(server.url());
        config.response_timeout = Duration::from_secs(5);
        let layer = CacheLayer::redis(config).await.expect("a usable URL");
        let client = redis::Client::open(server.url()).expect("a usable URL");
        let bare = client.get_multiplexed_async_connection().await.expect("a connection");
        Some(Self { layer, bare, _server: server })
    }
}

/// A key and a value of one size.
fn sized(size_bytes: usize) -> (Key, Bytes) {
    (Key::new("product").id(456).and("size", size_bytes), Bytes::from(vec![b'x'; size_bytes]))
}

/// `get` of a key that is there.
fn get_hit(criterion: &mut Criterion, subjects: &Subjects) {
    let mut group = criterion.benchmark_group("cache_get_hit");
    for size_bytes in SIZES_BYTES {
        let (key, value) = sized(size_bytes);
        for (name, layer) in subjects.layers() {
            subjects.runtime.block_on(store(layer, &key, &value));
            group.bench_function(BenchmarkId::new(name, size_bytes), |bencher| {
                bencher.to_async(&subjects.runtime).iter(|| async { black_box(layer.get(&key).await) });
            });
        }
        backend_get(&mut group, subjects, size_bytes);
        bare_gets(&mut group, subjects, size_bytes);
    }
    group.finish();
}

/// `get` of the memory backend without the layer: what is left is the price of coalescing and metrics.
fn backend_get(group: &mut Group<'_>, subjects: &Subjects, size_bytes: usize) {
    let (key, value) = sized(size_bytes);
    let memory = Memory::new(&MemoryConfig::default());
    let runtime = &subjects.runtime;
    runtime.block_on(memory.set(&key, &Entry::fresh_for(value.clone(), TTL), &[])).expect("stored");
    let found = runtime.block_on(memory.get(&key)).expect("asked");
    assert!(matches!(found, Lookup::Hit(entry) if entry.value == value));
    group.bench_function(BenchmarkId::new("memory backend", size_bytes), |bencher| {
        bencher.to_async(runtime).iter(|| async { black_box(memory.get(&key).await) });
    });
}

/// `get` of a key that is not there. There is no value, so there is no size.
fn get_miss(criterion: &mut Criterion, subjects: &Subjects) {
    let mut group = criterion.benchmark_group("cache_get_miss");
    let key = Key::new("absent").id(1);
    for (name, layer) in subjects.layers() {
        assert_eq!(subjects.runtime.block_on(layer.get(&key)), Ok(None));
        group.bench_function(name, |bencher| {
            bencher.to_async(&subjects.runtime).iter(|| async { black_box(layer.get(&key).await) });
        });
    }
    group.bench_function("bare moka get", |bencher| {
        bencher
            .to_async(&subjects.runtime)
            .iter(|| async { black_box(subjects.moka.get(key.as_str()).await) });
    });
    if let Some(redis) = &subjects.redis {
        group.bench_function("bare redis GET", |bencher| {
            bencher.to_async(&subjects.runtime).iter(|| bare_get(&redis.bare, key.as_str()));
        });
    }
    group.finish();
}

/// `get_or_set` of a key that is there, and of a new key each time with an origin that costs nothing.
fn get_or_set(criterion: &mut Criterion, subjects: &Subjects) {
    let mut group = criterion.benchmark_group("cache_get_or_set");
    let fresh = AtomicU64::new(0);
    for size_bytes in SIZES_BYTES {
        let (key, value) = sized(size_bytes);
        for (name, layer) in subjects.layers() {
            subjects.runtime.block_on(store(layer, &key, &value));
            group.bench_function(BenchmarkId::new(format!("{name} hit"), size_bytes), |bencher| {
                bencher.to_async(&subjects.runtime).iter(|| get_or_set_once(layer, &key, &value));
            });
            group.bench_function(BenchmarkId::new(format!("{name} miss"), size_bytes), |bencher| {
                bencher.to_async(&subjects.runtime).iter(|| async {
                    let key = Key::new("fresh").id(fresh.fetch_add(1, Ordering::Relaxed));
                    get_or_set_once(layer, &key, &value).await
                });
            });
            subjects.runtime.block_on(layer.clear()).expect("cleared");
        }
        bare_gets(&mut group, subjects, size_bytes);
    }
    group.finish();
}

/// The same value from moka and from Redis, without the layer.
fn bare_gets(group: &mut Group<'_>, subjects: &Subjects, size_bytes: usize) {
    let (key, value) = sized(size_bytes);
    let runtime = &subjects.runtime;
    runtime.block_on(subjects.moka.insert(key.as_str().into(), value.clone()));
    assert_eq!(runtime.block_on(subjects.moka.get(key.as_str())), Some(value.clone()));
    group.bench_function(BenchmarkId::new("bare moka get", size_bytes), |bencher| {
        bencher.to_async(runtime).iter(|| async { black_box(subjects.moka.get(key.as_str()).await) });
    });
    let Some(redis) = &subjects.redis else { return };
    runtime.block_on(async {
        let mut bare = redis.bare.clone();
        let () = bare.set(key.as_str(), &value[..]).await.expect("stored");
        assert_eq!(bare_get(&bare, key.as_str()).await, Some(value));
    });
    group.bench_function(BenchmarkId::new("bare redis GET", size_bytes), |bencher| {
        bencher.to_async(runtime).iter(|| bare_get(&redis.bare, key.as_str()));
    });
}

async fn bare_get(connection: &MultiplexedConnection, key: &str) -> Option<Bytes> {
    connection.clone().get(key).await.expect("an answer")
}

async fn get_or_set_once(layer: &CacheLayer, key: &Key, value: &Bytes) -> Bytes {
    let origin = || std::future::ready(Ok::<_, std::io::Error>(value.clone()));
    layer.get_or_set(key, TTL, origin).await.expect("a value").value
}

/// Stores a value and proves that it is a hit.
async fn store(layer: &CacheLayer, key: &Key, value: &Bytes) {
    layer.set(key, value.clone(), TTL).await.expect("stored");
    let origin = || std::future::ready(Err(std::io::Error::other("a hit was expected")));
    let served = layer.get_or_set(key, TTL, origin).await.expect("a hit");
    assert_eq!((served.source, &served.value), (Source::Hit, value));
}
