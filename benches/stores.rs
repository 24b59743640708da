//! What the stores on disk cost, holding a thousand and a hundred thousand entries: lookup, store,
//! deletion by tag, and the removal of what has expired.

#![allow(
    clippy::expect_used,
    clippy::print_stderr,
    reason = "a bench stops at the first surprise and says why"
)]

use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use criterion::measurement::WallTime;
use criterion::{BatchSize, BenchmarkGroup, BenchmarkId, Criterion};
use hitmark_cache::backend::{File, FileConfig, Lookup, Sqlite, SqliteConfig};
use hitmark_cache::{Cache, Entry, Key, Tag};
use tempfile::TempDir;
use tokio::runtime::Runtime;

const ROWS: [u64; 2] = [1_000, 100_000];
const LONG: Duration = Duration::from_secs(36_000);
/// Below the size from which values are compressed.
const VALUE: &[u8] = &[b'x'; 1_000];
const TAGGED: u64 = 100;
const EXPIRED: u64 = 1_000;
const CAPACITY_BYTES: u64 = 4 * 1024 * 1024 * 1024;
/// A bench that starves a thread for a moment must not fail.
const TIMEOUT: Duration = Duration::from_secs(60);

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .expect("a runtime");
    let mut criterion = Criterion::default().configure_from_args();
    for rows in ROWS {
        let folder = TempDir::new().expect("a folder");
        let config = SqliteConfig {
            capacity_bytes: CAPACITY_BYTES,
            timeout: TIMEOUT,
            ..SqliteConfig::new(folder.path().join("cache.db"))
        };
        let sqlite = runtime.block_on(Sqlite::open(config)).expect("opened");
        measure(&mut criterion, &runtime, "sqlite", rows, &sqlite, async || {
            sqlite.remove_expired().await.expect("removed")
        });
        drop(sqlite);

        let config = FileConfig {
            capacity_bytes: CAPACITY_BYTES,
            timeout: TIMEOUT,
            ..FileConfig::new(folder.path().join("files"))
        };
        let file = runtime.block_on(File::open(config.clone())).expect("opened");
        measure(&mut criterion, &runtime, "file", rows, &file, async || {
            file.remove_expired().await.expect("removed")
        });
        drop(file);
        let begun = Instant::now();
        let file = runtime.block_on(File::open(config)).expect("opened again");
        eprintln!("file: {:?} entries read back in {:?}", file.state().entries, begun.elapsed());
    }
    criterion.final_summary();
}

/// All rows of one store that holds `rows` entries.
fn measure(
    criterion: &mut Criterion,
    runtime: &Runtime,
    name: &str,
    rows: u64,
    store: &impl Cache,
    remove_expired: impl AsyncFn() -> u64,
) {
    let begun = Instant::now();
    runtime.block_on(async {
        for id in 0..rows {
            set(store, id, LONG, &[]).await;
        }
    });
    eprintln!("{name}: {rows} entries stored in {:?}", begun.elapsed());
    let mut group = criterion.benchmark_group(format!("store_{name}"));
    group.sample_size(20);
    get_and_set(&mut group, runtime, rows, store);
    group.bench_function(BenchmarkId::new("delete_tag of 100", rows), |bencher| {
        let tag = Tag::new("few");
        let store_tagged = || {
            runtime.block_on(async {
                for id in 0..TAGGED {
                    set(store, rows * 2 + id, LONG, std::slice::from_ref(&tag)).await;
                }
            });
        };
        let delete = |()| assert_eq!(runtime.block_on(store.delete_tag(&tag)), Ok(TAGGED));
        bencher.iter_batched(store_tagged, delete, BatchSize::PerIteration);
    });
    group.bench_function(BenchmarkId::new("remove_expired of 1000", rows), |bencher| {
        bencher.iter_custom(|times| {
            (0..times).map(|_| runtime.block_on(expiry(store, rows, &remove_expired))).sum()
        });
    });
    group.finish();
}

fn get_and_set(group: &mut BenchmarkGroup<'_, WallTime>, runtime: &Runtime, rows: u64, store: &impl Cache) {
    let next = AtomicU64::new(0);
    // A prime step, so that neighbours are not asked one after the other.
    let any = || key(next.fetch_add(7_919, Ordering::Relaxed) % rows);
    let found = runtime.block_on(store.get(&any())).expect("asked");
    assert!(matches!(found, Lookup::Hit(entry) if entry.value == VALUE));
    group.bench_function(BenchmarkId::new("get hit", rows), |bencher| {
        bencher.to_async(runtime).iter(|| async { black_box(store.get(&any()).await) });
    });
    let absent = Key::new("absent");
    group.bench_function(BenchmarkId::new("get miss", rows), |bencher| {
        bencher.to_async(runtime).iter(|| async { black_box(store.get(&absent).await) });
    });
    group.bench_function(BenchmarkId::new("set over", rows), |bencher| {
        bencher.to_async(runtime).iter(|| async {
            let entry = Entry::fresh_for(Bytes::from_static(VALUE), LONG);
            store.set(&any(), &entry, &[]).await.expect("stored");
        });
    });
}

/// The time to remove a thousand expired entries. What the store's own upkeep took before is not
/// timed, so the rest stands for the whole.
async fn expiry(store: &impl Cache, rows: u64, remove_expired: &impl AsyncFn() -> u64) -> Duration {
    loop {
        let ttl = Duration::from_millis(300);
        for id in 0..EXPIRED {
            set(store, rows * 2 + id, ttl, &[]).await;
        }
        tokio::time::sleep(ttl).await;
        let begun = Instant::now();
        let removed = remove_expired().await;
        if removed > EXPIRED / 2 {
            return begun.elapsed().mul_f64(EXPIRED as f64 / removed as f64);
        }
    }
}

fn key(id: u64) -> Key {
    Key::new("product").id(id)
}

async fn set(store: &impl Cache, id: u64, ttl: Duration, tags: &[Tag]) {
    let entry = Entry::fresh_for(Bytes::from_static(VALUE), ttl);
    store.set(&key(id), &entry, tags).await.expect("stored");
}
