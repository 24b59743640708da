//! What the caches of others are told: how long the marketplace's answers may be kept, and by whom.

use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use tower::ServiceExt;

use crate::support::{small, start};

/// `Cache-Control` of an answer, and the answer's status.
async fn told(router: &axum::Router, path: &str, variant: &str) -> (StatusCode, String) {
    let request = Request::builder().uri(path).header("hitmark-variant", variant);
    let request = request.body(Body::empty()).expect("a request");
    let response = router.clone().oneshot(request).await.expect("an answer");
    let header =
        response.headers().get("cache-control").map(|value| value.to_str().expect("text").to_owned());
    (response.status(), header.unwrap_or_default())
}

#[tokio::test]
async fn public_answers_are_kept_for_their_lifetime_private_ones_by_their_reader_and_errors_by_nobody() {
    let router = start(small()).await.router();
    for (path, status, expected) in [
        ("/market/products", StatusCode::OK, "public, max-age=3600"),
        ("/market/products/7", StatusCode::OK, "public, max-age=3600"),
        ("/market/search?q=oak", StatusCode::OK, "public, max-age=300"),
        ("/market/users/1/orders", StatusCode::OK, "private, max-age=300"),
        ("/market/products/999999", StatusCode::NOT_FOUND, "no-store"),
    ] {
        for variant in ["uncached", "cached"] {
            assert_eq!(told(&router, path, variant).await, (status, expected.to_owned()), "{path} {variant}");
        }
    }
}

#[tokio::test]
async fn a_hit_may_be_kept_for_what_is_left_of_it() {
    let router = start(small()).await.router();
    let path = "/market/products/7";
    assert_eq!(told(&router, path, "cached").await.1, "public, max-age=3600");
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    let (_, left) = told(&router, path, "cached").await;
    let seconds: u64 = left.strip_prefix("public, max-age=").and_then(|text| text.parse().ok()).expect(&left);
    assert!(seconds < 3_600, "a second of its lifetime is gone: {left}");
    assert_eq!(told(&router, path, "uncached").await.1, "public, max-age=3600");
}
