//! The same cache around a service in this process: an axum router, without the edge.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::body::Body;
use axum::http::{Request, header};
use axum::routing::get;
use hitmark_cache::response::{ResponseCacheConfig, ResponseCacheLayer};
use hitmark_cache::{CacheLayer, MemoryConfig};
use tower::ServiceExt as _;

#[tokio::test]
async fn an_axum_router_takes_the_layer_as_it_is() {
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    let handler = move || {
        counted.fetch_add(1, Ordering::SeqCst);
        async { ([(header::CACHE_CONTROL, "max-age=60")], "page") }
    };
    let layer =
        ResponseCacheLayer::new(CacheLayer::memory(MemoryConfig::default()), ResponseCacheConfig::default());
    let router = Router::new().route("/", get(handler)).layer(layer);
    for status in ["hitmark; fwd=uri-miss; fwd-status=200; ttl=60; stored", "hitmark; hit; ttl=60"] {
        let request = Request::get("/").header("host", "shop.test").body(Body::empty()).unwrap();
        let response = router.clone().oneshot(request).await.unwrap();
        assert_eq!(response.headers()["cache-status"], status);
    }
    assert_eq!(calls.load(Ordering::SeqCst), 1);
}
