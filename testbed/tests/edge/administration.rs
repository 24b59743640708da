//! `PURGE` with a token, and the edge's own pages.

use crate::support::{Client, Origin, edge};

#[tokio::test(flavor = "multi_thread")]
async fn a_purge_needs_the_token_and_tells_whether_something_was_stored() {
    let origin = Origin::start().await;
    origin.script.set("/page", 200, &["cache-control: max-age=60", "vary: accept"], "page");
    let edge = edge(&origin.url, |config| config.purge_token = Some("s3cret".to_owned())).await;
    let client = Client::of(&edge.url);
    client.get("/page", &["accept: a"]).await;
    client.get("/page", &["accept: b"]).await;
    for (lines, status) in [
        (&[][..], 401),
        (&["authorization: Basic czNjcmV0"], 401),
        (&["authorization: Bearer s3cre"], 403),
        (&["authorization: Bearer s3creT"], 403),
        (&["authorization: Bearer s3cret"], 200),
        (&["authorization: Bearer s3cret"], 404),
    ] {
        let got = client.send("PURGE", "/page", lines).await;
        assert_eq!(got.status, status, "{lines:?}");
        assert_eq!(status == 401, got.headers.contains_key("www-authenticate"));
    }
    assert!(!client.get("/page", &["accept: a"]).await.is_hit());
    assert!(!client.get("/page", &["accept: b"]).await.is_hit());
    assert_eq!(origin.script.calls(), 4, "no purge reached the origin");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_token_nothing_can_be_purged() {
    let origin = Origin::start().await;
    let edge = edge(&origin.url, |_| {}).await;
    let got = Client::of(&edge.url).send("PURGE", "/", &["authorization: Bearer "]).await;
    assert_eq!(got.status, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_edge_counts_what_it_did() {
    let origin = Origin::start().await;
    origin.script.set("/", 200, &["cache-control: max-age=60"], "page");
    origin.script.set("/private", 200, &["cache-control: private"], "page");
    let edge = edge(&origin.url, |_| {}).await;
    let client = Client::of(&edge.url);
    for path in ["/", "/", "/", "/private"] {
        client.get(path, &[]).await;
    }
    let page = client.get("/.hitmark/metrics", &[]).await;
    for line in [
        "response_cache_answers_total{outcome=\"hit\"} 2",
        "response_cache_answers_total{outcome=\"miss\"} 2",
        "response_cache_stored_total 1",
        "response_cache_not_stored_total{reason=\"private\"} 1",
        "cache_operations_total{backend=\"memory\"",
    ] {
        assert!(page.body.contains(line), "{line} is not in\n{}", page.body);
    }
    assert_eq!(client.get("/.hitmark/healthz", &[]).await.status, 200);
    assert_eq!(client.get("/.hitmark/other", &[]).await.status, 404);
    assert_eq!(client.send("DELETE", "/.hitmark/metrics", &[]).await.status, 405);
}
