//! The Redis backend on a real Cluster of three masters: slots move and nodes die while it is used.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use hitmark_cache::backend::{Lookup, Redis, Tiered};
use hitmark_cache::{
    Cache, CacheLayer, Coherence, Entry, Key, Pattern, Policy, RedisConfig, Source, Tag, TieredConfig,
};
use hitmark_testkit::{RedisCluster, RedisServer};

use crate::redis::patience;
use crate::support::{LONG, Origin, eventually, metric, operations};

/// Waits long for an answer, for tests whose machine may be busy.
fn config(cluster: &RedisCluster, namespace: &str) -> RedisConfig {
    let mut config = RedisConfig::new(cluster.url());
    config.namespace = format!("{namespace}:");
    config.response_timeout = Duration::from_secs(5);
    config.invalidation_timeout = Duration::from_secs(5);
    config.connect_timeout = Duration::from_secs(5);
    config
}

pub(crate) async fn patient(cluster: &RedisCluster, namespace: &str) -> CacheLayer {
    CacheLayer::redis_with(config(cluster, namespace), patience()).await.expect("a usable URL")
}

pub(crate) async fn patient_tiered(cluster: &RedisCluster, namespace: &str) -> CacheLayer {
    let tiered = tiered(config(cluster, namespace));
    CacheLayer::tiered_with(tiered, patience()).await.expect("a usable URL")
}

fn tiered(redis: RedisConfig) -> TieredConfig {
    let mut config = TieredConfig::new(redis);
    // So that no test passes because a copy expired.
    config.copy_ttl = LONG;
    config
}

fn entry(text: impl Into<String>) -> Entry {
    Entry::fresh_for(Bytes::from(text.into()), LONG)
}

async fn bystander(server: &RedisServer) -> redis::aio::MultiplexedConnection {
    let client = redis::Client::open(server.url()).expect("a usable URL");
    client.get_multiplexed_async_connection().await.expect("a connection")
}

async fn names(server: &RedisServer) -> Vec<String> {
    let mut keys = redis::cmd("KEYS");
    keys.arg("*").query_async(&mut bystander(server).await).await.expect("asked")
}

/// The slot of the shard that keeps the key, and the node that owns it now.
async fn place_of(cluster: &RedisCluster, key: &Key) -> (u16, usize) {
    for (number, node) in cluster.nodes().iter().enumerate() {
        if let Some(name) = names(node).await.iter().find(|name| name.ends_with(&format!("}}{key}"))) {
            let mut ask = redis::cmd("CLUSTER");
            ask.arg("KEYSLOT").arg(name);
            return (ask.query_async(&mut bystander(node).await).await.expect("asked"), number);
        }
    }
    panic!("no node has {key}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_keys_spread_over_all_masters_and_every_removal_finds_them() {
    let cluster = RedisCluster::start().await.expect("redis-server starts");
    let cache = Redis::connect(config(&cluster, "hitmark")).await.expect("a usable URL");
    let (tag, key) = (Tag::new("all"), |id: u32| Key::new("product").id(id));
    let fill = async || {
        for id in 0..300 {
            cache.set(&key(id), &entry("x"), std::slice::from_ref(&tag)).await.expect("stored");
        }
    };
    fill().await;
    for node in cluster.nodes() {
        let values = names(node).await.into_iter().filter(|name| !name.contains('%')).count();
        assert!((60..=140).contains(&values), "{values} of 300 values on one of three nodes");
    }
    assert_eq!(cache.delete(&key(7)).await, Ok(true));
    assert_eq!(cache.delete_tag(&tag).await, Ok(299));
    fill().await;
    assert_eq!(cache.delete_pattern(&Pattern::under(&Key::new("product"))).await, Ok(300));
    fill().await;
    assert_eq!(cache.clear().await, Ok(300));
    assert_eq!(cache.state().up, Some(true));
    for node in cluster.nodes() {
        let left = names(node).await;
        assert!(left.iter().all(|name| name.ends_with("%epoch")), "{left:?}");
    }
}

/// Deletions are checked at every step of the move: whatever was invalidated is never served.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slot_moved_while_in_use_loses_no_invalidation_and_fails_no_caller() {
    let cluster = RedisCluster::start().await.expect("redis-server starts");
    let (cache, other) = (patient(&cluster, "hitmark").await, patient_tiered(&cluster, "hitmark").await);
    let (origin, key, tag) = (Origin::default(), Key::new("hot").id(1), Tag::new("hot"));
    let policy = Policy::ttl(LONG).tag(tag.clone());
    for id in 0..400 {
        cache.put(&Key::new("hot").id(id), Bytes::from("old"), &policy).await.expect("stored");
    }
    let (slot, from) = place_of(&cluster, &key).await;
    let to = (from + 1) % 3;
    let stop = Arc::new(AtomicBool::new(false));
    let readers: Vec<_> =
        [cache.clone(), other.clone()].into_iter().map(|cache| read_on(cache, &stop)).collect();
    let calm = async || tokio::time::sleep(Duration::from_millis(150)).await;

    cluster.begin_move(slot, from, to).await.expect("begun");
    calm().await;
    assert!(cluster.move_some(slot, from, to).await.expect("moved") > 0);
    calm().await;
    // The deletion fails or is done; what was deleted is not served in either case.
    let _ = cache.delete_tag(&tag).await;
    for id in 0..400 {
        let key = Key::new("hot").id(id);
        let served = cache.fetch(&key, &policy, || origin.returns("new")).await.expect("never an error");
        assert_eq!(served.value, "new", "{key}: {:?}", served.source);
    }
    cluster.finish_move(slot, from, to).await.expect("moved");
    for layer in [&cache, &other] {
        let is_hit = || async {
            let served = layer.fetch(&key, &policy, || origin.returns("new")).await.expect("never an error");
            served.source == Source::Hit
        };
        eventually("hits return", is_hit).await;
    }
    stop.store(true, Ordering::Relaxed);
    for reader in readers {
        assert!(reader.await.expect("no request failed") > 0);
    }
    assert_eq!(place_of(&cluster, &key).await, (slot, to));
    for id in 0..400 {
        let key = Key::new("hot").id(id);
        let served = other.fetch(&key, &policy, || origin.returns("new")).await.expect("never an error");
        assert_eq!(served.value, "new", "{key}: the replayed deletion reached every shard");
    }
}

/// The worst moment: an earlier sweep broke off, values of its members are at the new owner already,
/// and both sets are still at the old one, so that a script may begin there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sweep_that_breaks_off_amid_a_move_forgets_no_value() {
    let cluster = RedisCluster::start().await.expect("redis-server starts");
    let mut settings = config(&cluster, "hitmark");
    settings.url += "?shards=1";
    let cache = Redis::connect(settings).await.expect("a usable URL");
    let (tag, key) = (Tag::new("t"), |id: u32| Key::new("product").id(id));
    let store =
        async |id| cache.set(&key(id), &entry("x"), std::slice::from_ref(&tag)).await.expect("stored");
    for id in 0..20 {
        store(id).await;
    }
    let (slot, from) = place_of(&cluster, &key(0)).await;
    let (to, mut node) = ((from + 1) % 3, bystander(&cluster.nodes()[from]).await);
    let values = names(&cluster.nodes()[from]).await.into_iter().filter(|name| !name.contains('%'));
    let values: Vec<String> = values.collect();
    let mut begin = redis::cmd("RENAME");
    begin.arg("{hitmark:00}%tag:t").arg("{hitmark:00}%swept:t").exec_async(&mut node).await.expect("renamed");
    store(100).await;
    cluster.begin_move(slot, from, to).await.expect("begun");
    let mut migrate = redis::cmd("MIGRATE");
    migrate.arg("127.0.0.1").arg(cluster.nodes()[to].port()).arg("").arg(0).arg(5000).arg("KEYS");
    migrate.arg(&values[..10]).exec_async(&mut node).await.expect("moved");
    let error = cache.delete_tag(&tag).await.expect_err("half of the values are elsewhere");
    assert!(error.to_string().contains("non local key"), "the sweep began and broke off: {error}");
    cluster.finish_move(slot, from, to).await.expect("moved");
    eventually("the tag is removed", || async { cache.delete_tag(&tag).await.is_ok() }).await;
    for id in (0..20).chain([100]) {
        assert_eq!(cache.get(&key(id)).await, Ok(Lookup::Miss), "{id}");
    }
}

/// A layer on few shards that comes back at once after a move.
pub(crate) async fn restless(cluster: &RedisCluster, shards: u16) -> CacheLayer {
    let mut config = config(cluster, "hitmark");
    config.url += &format!("?shards={shards}");
    config.pause_min = Duration::from_millis(1);
    config.pause_max = Duration::from_millis(5);
    let mut options = patience();
    options.breaker.open_for = Duration::from_millis(5);
    CacheLayer::redis_with(config, options).await.expect("a usable URL")
}

/// Moves the slots of the names in the Cluster around until told to stop; how many moves it made.
pub(crate) async fn move_until(cluster: &RedisCluster, is_over: impl Fn() -> bool) -> u32 {
    let (mut moves, pause) = (0, Duration::from_millis(5));
    while !is_over() {
        for from in 0..3 {
            let Some(name) = names(&cluster.nodes()[from]).await.pop() else { continue };
            let mut ask = redis::cmd("CLUSTER");
            ask.arg("KEYSLOT").arg(name);
            let mut node = bystander(&cluster.nodes()[from]).await;
            let slot = ask.query_async(&mut node).await.expect("asked");
            let to = (from + 1) % 3;
            cluster.begin_move(slot, from, to).await.expect("begun");
            tokio::time::sleep(pause).await;
            cluster.move_some(slot, from, to).await.expect("moved");
            tokio::time::sleep(pause).await;
            cluster.finish_move(slot, from, to).await.expect("moved");
            tokio::time::sleep(pause * 4).await;
            moves += 1;
        }
    }
    moves
}

/// Calls `get_or_set` until told to stop; how often it was a hit.
fn read_on(cache: CacheLayer, stop: &Arc<AtomicBool>) -> tokio::task::JoinHandle<u64> {
    let stop = Arc::clone(stop);
    tokio::spawn(async move {
        let (origin, mut hits) = (Origin::default(), 0);
        for round in 0_u32.. {
            if stop.load(Ordering::Relaxed) {
                break;
            }
            let key = Key::new("read").id(round % 100);
            let served = cache.get_or_set(&key, LONG, || origin.returns("x")).await.expect("never an error");
            assert_eq!(served.value, "x");
            hits += u64::from(served.source == Source::Hit);
            tokio::task::yield_now().await;
        }
        hits
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn copies_hear_of_changes_in_every_shard_also_after_a_move() {
    let cluster = RedisCluster::start().await.expect("redis-server starts");
    for (name, coherence) in [("tracking", Coherence::Tracking), ("pubsub", Coherence::PubSub)] {
        let mut settings = tiered(config(&cluster, name));
        settings.coherence = coherence;
        let here = Tiered::connect(settings.clone()).await.expect("a usable URL");
        let there = Tiered::connect(settings).await.expect("a usable URL");
        let key = |id: u32| Key::new("product").id(id);
        let sees = async |id: u32, text: Option<&'static str>| {
            eventually("the other's change is seen", || async {
                match here.get(&key(id)).await {
                    Ok(Lookup::Hit(entry)) => text.is_some_and(|text| entry.value == text),
                    Ok(_) => text.is_none(),
                    Err(_) => false,
                }
            })
            .await;
        };
        let copied = async |id: u32| {
            eventually("a copy answers", || async {
                let before = here.copy_hits();
                here.get(&key(id)).await.is_ok() && here.copy_hits() > before
            })
            .await;
        };
        for id in 0..40 {
            there.set(&key(id), &entry("old"), &[]).await.expect("stored");
            copied(id).await;
        }
        let (slot, from) = place_of(&cluster, &key(0)).await;
        let to = (from + 1) % 3;
        cluster.begin_move(slot, from, to).await.expect("begun");
        cluster.finish_move(slot, from, to).await.expect("moved");
        for id in 0..40 {
            eventually("stored", || async { there.set(&key(id), &entry("new"), &[]).await.is_ok() }).await;
            sees(id, Some("new")).await;
            copied(id).await;
        }
        eventually("removed", || async {
            there.delete_pattern(&Pattern::under(&Key::new("product"))).await.is_ok()
        })
        .await;
        for id in 0..40 {
            sees(id, None).await;
        }
        assert!(here.is_listening());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dead_node_takes_only_its_own_keys_with_it() {
    let cluster = RedisCluster::start().await.expect("redis-server starts");
    let cache = patient(&cluster, "hitmark").await;
    let (origin, key) = (Origin::default(), |id: u32| Key::new("product").id(id));
    let mut home = Vec::new();
    for id in 0..60 {
        cache.set(&key(id), Bytes::from("x"), LONG).await.expect("stored");
    }
    for id in 0..60 {
        home.push(place_of(&cluster, &key(id)).await.1);
    }
    cluster.nodes()[1].kill();
    let (mut hits, mut of_the_dead) = (0, 0);
    for round in 0..20 {
        for id in 0..60 {
            let served =
                cache.get_or_set(&key(id), LONG, || origin.returns("x")).await.expect("never an error");
            if home[id as usize] == 1 {
                of_the_dead += 1;
                assert_ne!(served.source, Source::Hit);
            } else {
                hits += 1;
                assert_eq!(served.source, Source::Hit, "round {round}: {id} lives elsewhere");
            }
        }
        if round == 10 {
            // What the dead node cannot take waits for it, and for it alone.
            cache.delete_pattern(&Pattern::under(&Key::new("unheard"))).await.expect_err("one node is dead");
            assert!(metric(&cache, "cache_invalidations_pending", &[]) >= 1);
        }
    }
    assert!(hits > 400 && of_the_dead > 200, "{hits} hits, {of_the_dead} of the dead node");
    assert_eq!(metric(&cache, "cache_backend_up", &[]), 0, "up is all of it");
    cluster.nodes()[1].restart().await.expect("redis-server starts again");
    for id in 0..60 {
        let is_hit = || async {
            let served =
                cache.get_or_set(&key(id), LONG, || origin.returns("x")).await.expect("never an error");
            served.source == Source::Hit
        };
        eventually("hits return", is_hit).await;
    }
    assert_eq!(metric(&cache, "cache_invalidations_pending", &[]), 0);
    assert_eq!(metric(&cache, "cache_backend_up", &[]), 1);
}

/// The default of a Cluster: with a third of its slots gone it answers nobody.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_that_is_down_is_served_by_the_origin_until_it_is_well() {
    let whole = ["--cluster-require-full-coverage", "yes"];
    let cluster = RedisCluster::start_with(&whole).await.expect("redis-server starts");
    // A seed that is dead later, and one that never lived.
    let mut settings = config(&cluster, "hitmark");
    settings.url = format!("redis+cluster://127.0.0.1:1,127.0.0.1:{}", cluster.nodes()[2].port());
    let cache = CacheLayer::redis_with(settings, patience()).await.expect("a usable URL");
    let (origin, key) = (Origin::default(), Key::new("a"));
    let is_hit = || async {
        let served = cache.get_or_set(&key, LONG, || origin.returns("x")).await.expect("never an error");
        served.source == Source::Hit
    };
    eventually("hits come", is_hit).await;
    cluster.nodes()[2].kill();
    let refused = || async {
        let keys = (0..32).map(|id| Key::new("b").id(id));
        for key in keys {
            cache.get_or_set(&key, LONG, || origin.returns("x")).await.expect("never an error");
        }
        operations(&cache, "get", "unreachable") > 200
    };
    eventually("nobody is answered", refused).await;
    cluster.nodes()[2].restart().await.expect("redis-server starts again");
    eventually("hits return", is_hit).await;
    eventually("every shard is up", || async { metric(&cache, "cache_backend_up", &[]) == 1 }).await;
}
