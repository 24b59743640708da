//! What is kept at the edge, and for whom.

use std::time::Duration;

use futures::future::join_all;
use hitmark_testbed::CacheChoice;
use hitmark_testkit::RedisServer;

use crate::support::{Client, Origin, edge};

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_clients_on_a_cold_page_make_one_origin_call() {
    let origin = Origin::start().await;
    origin.script.set_slow("/hot", 200, &["cache-control: max-age=60"], "page", Duration::from_millis(200));
    let edge = edge(&origin.url, |_| {}).await;
    let clients = (0..100).map(|_| {
        let client = Client::of(&edge.url);
        async move { client.get("/hot", &[]).await }
    });
    let answers = join_all(clients).await;
    assert!(answers.iter().all(|got| got.status == 200 && got.body == "page"));
    assert_eq!(origin.script.calls(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_private_page_of_one_client_never_reaches_another() {
    let origin = Origin::start().await;
    let edge = edge(&origin.url, |_| {}).await;
    for lines in [
        &["cache-control: private, max-age=60"][..],
        &["cache-control: no-store"],
        &["cdn-cache-control: private", "cache-control: max-age=60"],
        &["cache-control: max-age=60", "vary: cookie"],
    ] {
        origin.script.set("/account", 200, lines, "canary of {cookie}");
        let (alice, bob) = (Client::of(&edge.url), Client::of(&edge.url));
        for _ in 0..2 {
            let (of_alice, of_bob) = tokio::join!(
                alice.get("/account", &["cookie: alice"]),
                bob.get("/account", &["cookie: bob"])
            );
            assert_eq!((of_alice.body.as_str(), of_bob.body.as_str()), ("canary of alice", "canary of bob"));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_language_is_a_representation() {
    let origin = Origin::start().await;
    origin.script.set("/", 200, &["cache-control: max-age=60", "vary: Accept-Language"], "in {language}");
    let edge = edge(&origin.url, |_| {}).await;
    let client = Client::of(&edge.url);
    for round in 0..2 {
        for language in ["de", "en", "none"] {
            let line = format!("accept-language: {language}");
            let lines: &[&str] = if language == "none" { &[] } else { &[&line] };
            let got = client.get("/", lines).await;
            assert_eq!(
                (got.body, got.headers["cache-status"].to_str().unwrap().contains("hit;")),
                (format!("in {language}"), round == 1)
            );
        }
    }
    assert_eq!(origin.script.calls(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_304_of_the_origin_updates_the_page_and_its_fields() {
    let origin = Origin::start().await;
    origin.script.set("/", 200, &["cache-control: max-age=1", "etag: \"v1\"", "x-a: old"], "page");
    let edge = edge(&origin.url, |_| {}).await;
    let client = Client::of(&edge.url);
    client.get("/", &[]).await;
    origin.script.set("/", 200, &["cache-control: max-age=60", "etag: \"v1\"", "x-a: new"], "never sent");
    let mut got = client.get("/", &["cache-control: no-cache"]).await;
    assert_eq!((got.body.as_str(), got.header("x-a")), ("page", "new"));
    assert!(got.header("cache-status").contains("fwd-status=304"), "{got:?}");
    got = client.get("/", &[]).await;
    assert!(got.is_hit() && got.header("x-a") == "new", "{got:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_edges_share_a_redis_and_go_on_without_it() {
    let origin = Origin::start().await;
    origin.script.set("/", 200, &["cache-control: max-age=60"], "page");
    let redis = RedisServer::start().await.unwrap();
    let url = redis.url();
    let with_redis = |config: &mut hitmark_testbed::edge::EdgeConfig| {
        config.cache = CacheChoice::Redis;
        config.redis_url = Some(url.clone());
    };
    let (one, two) = (edge(&origin.url, with_redis).await, edge(&origin.url, with_redis).await);
    // The same Host, so that both mean the same resource.
    let host = ["host: shop.test"];
    assert!(!Client::of(&one.url).get("/", &host).await.is_hit());
    let shared = Client::of(&two.url).get("/", &host).await;
    assert!(shared.is_hit() && shared.body == "page", "{shared:?}");
    Client::of(&one.url).send("DELETE", "/", &host).await;
    assert!(!Client::of(&two.url).get("/", &host).await.is_hit(), "a write through one edge is one for both");
    redis.kill();
    let without = Client::of(&two.url).get("/", &host).await;
    assert_eq!((without.status.as_u16(), without.body.as_str()), (200, "page"));
}
