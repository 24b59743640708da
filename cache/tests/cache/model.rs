//! Random operations by many tasks against a model: no value older than its last invalidation is ever
//! served, whatever else happens at the same time.
//!
//! The model is a version for each key. A writer raises it, invalidates, and only then notes it as
//! the floor; a reader notes the floor before it asks, and whatever it gets, fresh or stale, must not
//! be below. `HITMARK_MODEL_OPERATIONS=1000000` runs the full count.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use hitmark_cache::{
    CacheLayer, Invalidation, Key, LayerOptions, MemoryConfig, Pattern, Policy, Randomness, Served, Tag,
};
use hitmark_testkit::{RedisCluster, RedisServer};
use tokio::sync::Mutex;

use crate::support::DatabaseSaidNo;

const KEYS: usize = 24;
const GROUPS: usize = 4;
const TASKS: u64 = 8;

#[derive(Default)]
struct Model {
    truth: [AtomicU64; KEYS],
    floor: [AtomicU64; KEYS],
    /// The lock of a row: two values of one key are written in the order of their versions.
    rows: [Mutex<()>; KEYS],
}

/// What invalidations name.
#[derive(Clone, Copy, PartialEq, Eq)]
enum By {
    AllScopes,
    KeysAndPatterns,
}

/// Whether the server refuses at times. What it did not take must not be served by this layer either.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Server {
    Steady,
    Moving,
}

/// What the tasks do and where.
#[derive(Clone)]
struct Round {
    cache: CacheLayer,
    by: By,
    server: Server,
}

/// A task's own chance.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

fn key(id: usize) -> Key {
    Key::new("group").id(id % GROUPS).id(id)
}

fn tag(id: usize) -> Tag {
    Tag::new("group").id(id % GROUPS)
}

fn policy(id: usize, dice: &mut Dice) -> Policy {
    let ms = Duration::from_millis;
    let policy = Policy::ttl(ms(1 + dice.roll(8))).tag(tag(id));
    match dice.roll(6) {
        0 => policy.stale_while_revalidate(ms(20)),
        1 => policy.stale_if_error(ms(50)).retry_after(ms(2)),
        2 => policy.stale_if_error(ms(50)).soft_timeout(ms(1)),
        3 => policy.eager(0.5).stale_while_revalidate(ms(5)).jitter(0.5),
        4 => policy.xfetch(1.0),
        _ => policy,
    }
}

impl Model {
    /// What the origin says: the version as it was before it took its time. Sometimes it fails.
    async fn read(self: Arc<Self>, id: usize, pause: u64) -> Result<Bytes, DatabaseSaidNo> {
        let version = self.truth[id].load(Ordering::SeqCst);
        match pause {
            0 => tokio::time::sleep(Duration::from_millis(2)).await,
            1..4 => tokio::task::yield_now().await,
            4 => return Err(DatabaseSaidNo(version)),
            _ => {}
        }
        Ok(Bytes::copy_from_slice(&version.to_be_bytes()))
    }

    fn check(floor: u64, value: &Bytes, how: &str) {
        let version = u64::from_be_bytes(value[..].try_into().expect("eight bytes"));
        assert!(version >= floor, "{how}: version {version} was served after {floor} was announced");
    }

    async fn fetch(self: &Arc<Self>, cache: &CacheLayer, id: usize, dice: &mut Dice) {
        let (policy, pause) = (policy(id, dice), dice.roll(16));
        let floor = self.floor[id].load(Ordering::SeqCst);
        let model = Arc::clone(self);
        let served = cache.fetch(&key(id), &policy, || model.read(id, pause)).await;
        if let Ok(Served { value, source, .. }) = served {
            Self::check(floor, &value, &format!("{source:?}"));
        }
    }

    async fn get(&self, cache: &CacheLayer, id: usize) {
        let floor = self.floor[id].load(Ordering::SeqCst);
        if let Ok(Some(value)) = cache.get(&key(id)).await {
            Self::check(floor, &value, "get");
        }
    }

    /// Writes the keys that an invalidation covers, then invalidates, then announces.
    async fn invalidate(&self, round: &Round, id: usize, dice: &mut Dice) {
        let what = match dice.roll(40) {
            0 => Invalidation::All,
            1..10 => Invalidation::Pattern(Pattern::under(&Key::new("group").id(id % GROUPS))),
            10..20 if round.by == By::AllScopes => Invalidation::Tag(tag(id)),
            _ => Invalidation::Key(key(id)),
        };
        let mut written = Vec::new();
        for id in (0..KEYS).filter(|id| what.covers(&key(*id), &[tag(*id)])) {
            let _row = self.rows[id].lock().await;
            written.push((id, self.truth[id].fetch_add(1, Ordering::SeqCst) + 1));
        }
        let answer = round.cache.invalidate(&what).await;
        assert!(answer.is_ok() || round.server == Server::Moving, "{answer:?}");
        for (id, version) in written {
            self.floor[id].fetch_max(version, Ordering::SeqCst);
        }
    }

    async fn put(&self, round: &Round, id: usize, dice: &mut Dice) {
        let _row = self.rows[id].lock().await;
        let version = self.truth[id].fetch_add(1, Ordering::SeqCst) + 1;
        let value = Bytes::copy_from_slice(&version.to_be_bytes());
        let answer = round.cache.put(&key(id), value, &policy(id, dice)).await;
        assert!(answer.is_ok() || round.server == Server::Moving, "{answer:?}");
        self.floor[id].fetch_max(version, Ordering::SeqCst);
    }
}

async fn hammer(cache: CacheLayer, by: By, operations: u64) {
    hammer_on(Round { cache, by, server: Server::Steady }, operations).await;
}

async fn hammer_on(round: Round, operations: u64) {
    let model = Arc::new(Model::default());
    let tasks: Vec<_> = (0..TASKS)
        .map(|task| {
            let (round, model) = (round.clone(), Arc::clone(&model));
            tokio::spawn(async move {
                let mut dice = Dice(task + 1);
                for _ in 0..operations / TASKS {
                    let id = dice.roll(KEYS as u64) as usize;
                    match dice.roll(20) {
                        0..2 => model.invalidate(&round, id, &mut dice).await,
                        2 => model.put(&round, id, &mut dice).await,
                        3..6 => model.get(&round.cache, id).await,
                        _ => model.fetch(&round.cache, id, &mut dice).await,
                    }
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.expect("the model holds");
    }
}

fn operations(usual: u64) -> u64 {
    std::env::var("HITMARK_MODEL_OPERATIONS").ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

fn memory() -> CacheLayer {
    let mut options = LayerOptions::default();
    options.random = Randomness::seeded(1);
    CacheLayer::memory_with(MemoryConfig::default(), options)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn memory_never_serves_what_was_invalidated() {
    hammer(memory(), By::KeysAndPatterns, operations(20_000)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn memory_never_serves_what_was_invalidated_by_tag() {
    hammer(memory(), By::AllScopes, operations(20_000)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn redis_never_serves_what_was_invalidated() {
    let server = RedisServer::start().await.expect("redis-server starts");
    hammer(crate::redis::patient(&server).await, By::KeysAndPatterns, operations(2_000)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn redis_never_serves_what_was_invalidated_by_tag() {
    let server = RedisServer::start().await.expect("redis-server starts");
    hammer(crate::redis::patient(&server).await, By::AllScopes, operations(2_000)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn copies_before_redis_never_serve_what_was_invalidated() {
    let server = RedisServer::start().await.expect("redis-server starts");
    hammer(crate::tiered::patient(&server).await, By::AllScopes, operations(2_000)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_cluster_never_serves_what_was_invalidated_by_key_or_tag() {
    let cluster = RedisCluster::start().await.expect("redis-server starts");
    hammer(crate::cluster::patient(&cluster, "model").await, By::AllScopes, operations(1_000)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn copies_before_a_cluster_never_serve_what_was_invalidated() {
    let cluster = RedisCluster::start().await.expect("redis-server starts");
    hammer(crate::cluster::patient_tiered(&cluster, "model").await, By::AllScopes, operations(1_000)).await;
}

/// A slot of four is nearly always on its way to another node.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_cluster_whose_slots_move_never_serves_what_was_invalidated() {
    let cluster = RedisCluster::start().await.expect("redis-server starts");
    let cache = crate::cluster::restless(&cluster, 4).await;
    let round = Round { cache: cache.clone(), by: By::AllScopes, server: Server::Moving };
    let work = tokio::spawn(hammer_on(round, operations(20_000)));
    let moves = crate::cluster::move_until(&cluster, || work.is_finished()).await;
    work.await.expect("the model holds");
    let hits = crate::support::operations(&cache, "get", "hit");
    assert!(moves >= 4 && hits > 100, "{moves} moves, {hits} hits");
}
