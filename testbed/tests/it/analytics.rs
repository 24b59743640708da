//! The analytics system: figures that agree, pages and cursors, compression.

use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use bytes::Bytes;
use hitmark_testbed::{Compression, Testbed, TestbedConfig};
use hitmark_testkit::PostgresServer;
use http_body_util::BodyExt;
use tower::ServiceExt;

use crate::support::{UNCACHED, ask, small, start};

const PATHS: &[&str] = &[
    "/api/v1/analytics/revenue",
    "/api/v1/analytics/revenue?granularity=daily&start_date=2024-02-01&end_date=2024-03-01",
    "/api/v1/analytics/revenue?granularity=weekly&region=asia&category=toys",
    "/api/v1/analytics/segments",
    "/api/v1/analytics/segments?segment_type=region&include_predictions=true",
    "/api/v1/analytics/segments?segment_type=risk",
    "/api/v1/analytics/products",
    "/api/v1/analytics/products?category=books&sort_by=units&time_range=365d&include_recommendations=true",
    "/api/v1/analytics/products?sort_by=buyers&time_range=7d",
    "/api/v1/analytics/cohorts",
    "/api/v1/analytics/funnel",
    "/api/v1/analytics/funnel?stream_type=orders",
    "/api/v1/customers",
    "/api/v1/customers?segment=vip&risk_level=high&sort_by=lifetime&size=10",
    "/api/v1/customers?page=20&size=100",
    "/api/v1/customers?page=21",
    "/api/v1/customers?after=1990&size=5",
    "/api/v1/customers?after=999999",
    "/api/v1/customers/1",
    "/api/v1/customers/2000",
    "/api/v1/customers/2001",
    "/api/v1/customers/7/recommendations",
    "/api/v1/customers/7/recommendations?type=popular",
    "/api/v1/customers/2001/recommendations",
    "/api/v1/fraud/alerts",
    "/api/v1/fraud/alerts?status=open&priority=high&alert_type=velocity&size=5",
    "/api/v1/fraud/dashboard",
    "/api/v1/fraud/dashboard?time_range=30d",
    "/api/v1/realtime/health",
    "/api/v1/realtime/metrics",
    "/api/v1/realtime/metrics?stream_type=clicks&time_window=7d",
];

#[tokio::test]
async fn both_databases_and_both_variants_answer_with_the_same_bytes() {
    let server = PostgresServer::start().await.expect("a server");
    let postgres = start(TestbedConfig { database_url: Some(server.url()), ..small() }).await.router();
    let sqlite = start(small()).await.router();
    for path in PATHS {
        let uncached = ask(&sqlite, path, UNCACHED).await;
        assert!(matches!(uncached.status, StatusCode::OK | StatusCode::NOT_FOUND), "{path}: {uncached:?}");
        assert_eq!(uncached, ask(&postgres, path, UNCACHED).await, "{path}");
        let stored = ask(&sqlite, path, &[]).await;
        assert_eq!(
            (&stored.body, stored.cache_status.as_str()),
            (&uncached.body, "hitmark; fwd=uri-miss; stored"),
            "{path}"
        );
        let hit = ask(&sqlite, path, &[]).await;
        assert!(hit.cache_status.starts_with("hitmark; hit; ttl="), "{path}: {}", hit.cache_status);
        assert_eq!(hit.body, uncached.body, "{path}");
    }
}

#[tokio::test]
async fn revenue_is_the_same_whatever_it_is_summed_by() {
    let router = start(small()).await.router();
    let total = async |query: &str| {
        let answer = ask(&router, &format!("/api/v1/analytics/revenue{query}"), UNCACHED).await.json();
        answer["total_revenue_cents"].as_i64().expect("a number")
    };
    let monthly = total("").await;
    assert!(monthly > 0);
    assert_eq!(total("?granularity=daily").await, monthly);
    assert_eq!(total("?granularity=weekly").await, monthly);
    let mut by_region = 0;
    for region in ["africa", "america", "asia", "europe", "oceania"] {
        by_region += total(&format!("?region={region}")).await;
    }
    assert_eq!(by_region, monthly);
}

#[tokio::test]
async fn pages_are_told_as_the_seed_shows_and_their_edges_hold() {
    let router = start(small()).await.router();
    for (query, bad) in
        [("page=0", "page"), ("size=0", "size"), ("size=1001", "size"), ("after=5&page=2", "after")]
    {
        let refused = ask(&router, &format!("/api/v1/customers?{query}"), &[]).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{query}");
        assert_eq!(refused.json()["mistakes"][0]["parameter"], bad, "{query}");
    }
    let last = ask(&router, "/api/v1/customers?page=20&size=100", &[]).await.json();
    let meta = serde_json::json!({
        "page": 20, "size": 100, "total_items": 2000, "total_pages": 20, "has_next": false,
        "has_previous": true, "next_page": null, "previous_page": 19,
    });
    assert_eq!(last["pagination"], meta);
    assert_eq!(last["summary"]["current_page_items"], 100);
    assert_eq!(last.get("warning"), None, "a null field at the top is left out");
    let past = ask(&router, "/api/v1/customers?page=101", &[]).await.json();
    assert_eq!(past["items"], serde_json::json!([]));
    assert!(past["warning"].as_str().expect("advice").contains("after="), "{past}");
    let largest = ask(&router, "/api/v1/customers?size=1000", &[]).await.json();
    assert_eq!(largest["items"].as_array().expect("a list").len(), 1_000);
}

#[tokio::test]
async fn a_cursor_leads_to_the_same_customers_as_the_page() {
    let router = start(small()).await.router();
    let page = ask(&router, "/api/v1/customers?page=11&size=50", UNCACHED).await.json();
    let cursor = ask(&router, "/api/v1/customers?after=500&size=50", UNCACHED).await.json();
    assert_eq!(page["items"], cursor["items"]);
    assert_eq!(cursor["next_after"], 550);
    let end = ask(&router, "/api/v1/customers?after=1990&size=50", UNCACHED).await.json();
    assert_eq!(end.get("next_after"), None, "the end has nothing behind it");
}

async fn raw(router: &axum::Router, path: &str, accept: Option<&str>) -> (HeaderMap, Bytes) {
    let mut request = Request::builder().uri(path);
    if let Some(accept) = accept {
        request = request.header("accept-encoding", accept);
    }
    let response = router.clone().oneshot(request.body(Body::empty()).expect("a request")).await;
    let (parts, body) = response.expect("an answer").into_parts();
    (parts.headers, body.collect().await.expect("a body").to_bytes())
}

#[tokio::test]
async fn answers_are_compressed_for_those_who_accept_it_from_1024_bytes_on() {
    let router = start(small()).await.router();
    let long = "/api/v1/customers?size=500";
    let (headers, identity) = raw(&router, long, None).await;
    assert_eq!(headers.get("content-encoding"), None);
    assert_eq!(headers["vary"], "accept-encoding");
    for (accept, encoding) in [("gzip", "gzip"), ("br", "br"), ("gzip;q=0.5, br", "br")] {
        let (headers, body) = raw(&router, long, Some(accept)).await;
        assert_eq!(headers["content-encoding"], encoding, "{accept}");
        assert_eq!(headers["vary"], "accept-encoding", "{accept}");
        assert!(
            headers["cache-status"].to_str().expect("text").starts_with("hitmark; hit"),
            "one entry serves all"
        );
        // The seed states 60 to 80 % for JSON.
        assert!(body.len() * 10 < identity.len() * 4, "{accept}: {} of {}", body.len(), identity.len());
    }
    let (headers, _) = raw(&router, long, Some("identity")).await;
    assert_eq!(headers.get("content-encoding"), None);
    let (headers, short) = raw(&router, "/api/v1/realtime/health", Some("gzip")).await;
    assert!(short.len() < 1_024);
    assert_eq!(headers.get("content-encoding"), None, "a short answer is not worth the work");
}

#[tokio::test]
async fn how_hard_and_from_which_size_answers_are_compressed_is_a_setting() {
    let of = async |min_bytes, level| {
        let config = TestbedConfig { compression: Compression { min_bytes, level }, ..small() };
        let router = start(config).await.router();
        let (headers, body) = raw(&router, "/api/v1/customers?size=3", Some("gzip")).await;
        (headers.contains_key("content-encoding"), body.len())
    };
    let ((fast, long), (hard, short)) = (of(100, 1).await, of(100, 9).await);
    assert!(fast && hard && short < long, "{short} against {long}");
    assert!(!of(u16::MAX, 9).await.0, "below the smallest size");
    let config = TestbedConfig { compression: Compression { min_bytes: 0, level: 11 }, ..small() };
    let told = Testbed::start(config, |_| {}).await.expect_err("gzip has nine levels").to_string();
    assert!(told.contains("compression level 11: write a number from 1 to 9"), "{told}");
}

#[tokio::test]
async fn falsy_values_are_answers_and_are_cached() {
    let router = start(small()).await.router();
    // An empty list: no customer is that far behind.
    let path = "/api/v1/customers?after=999999";
    assert_eq!(ask(&router, path, &[]).await.json(), serde_json::json!({ "items": [] }));
    assert!(ask(&router, path, &[]).await.cache_status.starts_with("hitmark; hit"));
    // No such thing: an empty value.
    let path = "/api/v1/customers/999999";
    assert_eq!(ask(&router, path, &[]).await.status, StatusCode::NOT_FOUND);
    assert!(ask(&router, path, &[]).await.cache_status.starts_with("hitmark; hit"));
}
