//! A server that answers, but late: behind a line of 25 or 50 ms each way.

use std::time::Duration;

use hitmark_cache::{CacheLayer, Key, RedisConfig, Source, TieredConfig};
use hitmark_testkit::{DelayProxy, RedisServer};

use crate::redis::patience;
use crate::support::{LONG, Origin, eventually, operations};

/// By layers whose patience is shorter and longer than the delay: neither may fail a request.
async fn layers(proxy: &DelayProxy) -> Vec<CacheLayer> {
    let url = format!("redis://127.0.0.1:{}/0", proxy.port());
    let mut impatient = RedisConfig::new(&url);
    impatient.connect_timeout = Duration::from_secs(5);
    let mut patient = impatient.clone();
    patient.response_timeout = Duration::from_secs(5);
    vec![
        CacheLayer::redis(impatient.clone()).await.expect("a usable URL"),
        CacheLayer::tiered(TieredConfig::new(impatient)).await.expect("a usable URL"),
        CacheLayer::redis_with(patient.clone(), patience()).await.expect("a usable URL"),
        CacheLayer::tiered_with(TieredConfig::new(patient), patience()).await.expect("a usable URL"),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_slow_by_50_ms_causes_no_error() {
    let server = RedisServer::start().await.expect("redis-server starts");
    let proxy = DelayProxy::start(server.port()).await.expect("the proxy starts");
    for (at, cache) in layers(&proxy).await.into_iter().enumerate() {
        let (origin, prefix) = (Origin::default(), Key::new("slow").id(at));
        let mut late = 0;
        for each_way in [25, 50] {
            proxy.set_delay(Duration::from_millis(each_way));
            for id in 0..10 {
                let key = prefix.clone().id(each_way).id(id % 3);
                let served = cache.get_or_set(&key, LONG, || origin.returns("x")).await.expect("no error");
                assert_eq!(served.value, "x");
                late += u32::from(served.source == Source::Unreachable);
            }
        }
        if at < 2 {
            assert!(late > 0, "50 ms of patience do not reach over 100 ms");
        } else {
            assert_eq!(late, 0, "it answers in time");
            assert_eq!(operations(&cache, "get", "timeout"), 0);
        }
        proxy.set_delay(Duration::ZERO);
        let is_hit = || async {
            let served = cache.get_or_set(&prefix, LONG, || origin.returns("x")).await.expect("no error");
            served.source == Source::Hit
        };
        eventually("hits return", is_hit).await;
    }
}
