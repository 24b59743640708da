//! Four faults of a cache server under load: refused, hung, slow, flushed. None is an error of a
//! request, and none needs a restart.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use hitmark_cache::{BreakerConfig, BreakerState, CacheLayer, Key, LayerOptions, RedisConfig, Source};
use hitmark_testkit::{DelayProxy, RedisServer};

use crate::support::{LONG, Origin, eventually, metric, operations};

const KEYS: u64 = 40;

#[derive(Debug, Clone, Copy, PartialEq)]
enum Fault {
    Refused,
    Hung,
    Slow,
    Flushed,
}

struct Scene {
    server: RedisServer,
    proxy: DelayProxy,
}

impl Scene {
    async fn begin(&self, fault: Fault) {
        match fault {
            Fault::Refused => self.server.kill(),
            Fault::Hung => self.server.pause(),
            Fault::Slow => self.proxy.set_delay(Duration::from_millis(25)),
            Fault::Flushed => {
                let client = redis::Client::open(self.server.url()).expect("a usable URL");
                let mut admin = client.get_multiplexed_async_connection().await.expect("a connection");
                redis::cmd("FLUSHALL").exec_async(&mut admin).await.expect("flushed");
            }
        }
    }

    async fn end(&self, fault: Fault) {
        match fault {
            Fault::Refused => self.server.restart().await.expect("redis-server starts again"),
            Fault::Hung => self.server.resume(),
            Fault::Slow => self.proxy.set_delay(Duration::ZERO),
            Fault::Flushed => {}
        }
    }
}

/// Requests without a pause, until told to stop; how many there were.
fn load(
    cache: &CacheLayer,
    stop: &Arc<AtomicBool>,
    served: &Arc<AtomicU64>,
) -> Vec<tokio::task::JoinHandle<()>> {
    let worker = |worker: u64| {
        let (cache, stop, served) = (cache.clone(), Arc::clone(stop), Arc::clone(served));
        tokio::spawn(async move {
            let origin = Origin::default();
            for round in worker.. {
                if stop.load(Ordering::Relaxed) {
                    break;
                }
                let key = Key::new("k").id(round % KEYS);
                let answer = cache.get_or_set(&key, LONG, || origin.returns("x")).await;
                assert_eq!(answer.expect("no fault of the cache is an error").value, "x");
                served.fetch_add(1, Ordering::Relaxed);
                tokio::time::sleep(Duration::from_micros(500)).await;
            }
        })
    };
    (0..6).map(worker).collect()
}

/// Whether every key is a hit again, seen by a caller.
async fn all_hits(cache: &CacheLayer) -> bool {
    let origin = Origin::default();
    for id in 0..KEYS {
        let served = cache.get_or_set(&Key::new("k").id(id), LONG, || origin.returns("x")).await;
        if served.expect("no error").source != Source::Hit {
            return false;
        }
    }
    true
}

/// Breaks the server under load, and mends it.
async fn survives(fault: Fault) {
    let server = RedisServer::start().await.expect("redis-server starts");
    let proxy = DelayProxy::start(server.port()).await.expect("the proxy starts");
    let mut config = RedisConfig::new(format!("redis://127.0.0.1:{}/0", proxy.port()));
    // Patient enough for a busy machine, except where patience is what is tested.
    config.response_timeout = Duration::from_millis(if fault == Fault::Slow { 5000 } else { 200 });
    let mut options = LayerOptions::default();
    let slow_after = Duration::from_millis(if fault == Fault::Slow { 40 } else { 5000 });
    options.breaker = BreakerConfig { slow_after, open_for: Duration::from_millis(200), bad_answers: 5 };
    let cache = CacheLayer::redis_with(config, options).await.expect("a usable URL");
    let (scene, stop, served) = (Scene { server, proxy }, Arc::default(), Arc::default());
    eventually("all are hits", || all_hits(&cache)).await;
    let workers = load(&cache, &stop, &served);

    scene.begin(fault).await;
    if fault == Fault::Flushed {
        eventually("it refills", || all_hits(&cache)).await;
        assert_eq!(operations(&cache, "get", "unreachable"), 0, "a flush is no outage");
    } else {
        eventually("the server is left alone", || async {
            cache.breaker_state() == BreakerState::Open || metric(&cache, "cache_backend_up", &[]) == 0
        })
        .await;
        let before = served.load(Ordering::Relaxed);
        eventually("requests go on", || async { served.load(Ordering::Relaxed) > before + 200 }).await;
        assert!(operations(&cache, "get", "unreachable") > 0, "they did not ask the sick server");
    }
    if fault == Fault::Slow {
        assert!(metric(&cache, "cache_breaker_opened_total", &[]) >= 1);
    }
    scene.end(fault).await;
    eventually("all are hits again", || all_hits(&cache)).await;
    eventually("the breaker is closed", || async { cache.breaker_state() == BreakerState::Closed }).await;
    stop.store(true, Ordering::Relaxed);
    for worker in workers {
        worker.await.expect("no request failed");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_refuses_under_load_fails_no_request() {
    survives(Fault::Refused).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_hangs_under_load_fails_no_request() {
    survives(Fault::Hung).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_becomes_slow_under_load_fails_no_request() {
    survives(Fault::Slow).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_flushed_under_load_fails_no_request() {
    survives(Fault::Flushed).await;
}
