//! The administration: who may, what is told, what is cleared; and the limit of requests.

use std::num::NonZeroU32;

use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use hitmark_testbed::{CacheChoice, TestbedConfig};
use hitmark_testkit::RedisServer;
use serde_json::json;
use tower::ServiceExt;

use crate::support::{Answer, ask, ask_with, small, start};

const TOKEN: &[(&str, &str)] = &[("authorization", "Bearer secret")];

fn guarded() -> TestbedConfig {
    TestbedConfig { admin_token: Some("secret".to_owned()), ..small() }
}

async fn post(router: &axum::Router, path: &str) -> Answer {
    ask_with(router, Method::POST, path, TOKEN).await
}

#[tokio::test]
async fn without_the_token_nothing_is_told_or_cleared() {
    let router = start(guarded()).await.router();
    ask(&router, "/api/v1/customers/1", &[]).await;
    let paths = [
        (Method::GET, "/api/v1/cache/stats"),
        (Method::GET, "/api/v1/cache/keys"),
        (Method::GET, "/api/cache/stats"),
        (Method::POST, "/api/v1/cache/invalidate/all"),
        (Method::POST, "/api/v1/cache/invalidate/customers"),
        (Method::POST, "/api/v1/cache/invalidate/pattern?pattern=*"),
    ];
    for (method, path) in &paths {
        for headers in [&[][..], &[("authorization", "Bearer wrong")], &[("authorization", "Basic secret")]] {
            let answer = ask_with(&router, method.clone(), path, headers).await;
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{path} {headers:?}");
        }
    }
    let closed = start(small()).await.router();
    for (method, path) in paths {
        assert_eq!(ask_with(&closed, method, path, TOKEN).await.status, StatusCode::FORBIDDEN, "{path}");
    }
    assert!(ask(&router, "/api/v1/customers/1", &[]).await.cache_status.starts_with("hitmark; hit"));
    assert_eq!(ask(&router, "/api/cache/health", &[]).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_family_is_cleared_exactly_and_told_as_the_seed_shows() {
    let router = start(guarded()).await.router();
    for path in [
        "/api/v1/analytics/revenue",
        "/api/v1/analytics/funnel",
        "/api/v1/customers/1",
        "/api/v1/fraud/alerts",
        "/api/v1/realtime/health",
        "/api/analytics/recommendation/1",
    ] {
        ask(&router, path, &[]).await;
    }
    let told = post(&router, "/api/v1/cache/invalidate/analytics").await.json();
    assert_eq!(told["message"], "Analytics cache invalidated successfully");
    assert_eq!(told["cleared_entries"], 2);
    assert_eq!(told["affected_endpoints"].as_array().expect("a list").len(), 5);
    let health = ask(&router, "/api/analytics/recommendation/1", &[]).await;
    assert!(health.cache_status.starts_with("hitmark; hit"), "another system's analytics stay");
    assert_eq!(post(&router, "/api/v1/cache/invalidate/fraud").await.json()["cleared_entries"], 1);
    let told = post(&router, "/api/v1/cache/invalidate/pattern?pattern=customers:*").await.json();
    assert_eq!(told, json!({ "pattern": "customers:*", "cleared_entries": 1 }));
    assert_eq!(post(&router, "/api/v1/cache/invalidate/all").await.json()["cleared_entries"], 2);
    let refused = post(&router, "/api/v1/cache/invalidate/pattern").await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn keys_figures_and_health_come_from_the_redis_server() {
    let redis = RedisServer::start().await.expect("a server");
    let config = TestbedConfig { cache: CacheChoice::Redis, redis_url: Some(redis.url()), ..guarded() };
    let router = start(config).await.router();
    for id in 1..=5 {
        ask(&router, &format!("/api/v1/customers/{id}"), &[]).await;
    }
    ask(&router, "/api/v1/customers/1", &[]).await;
    let keys = ask(&router, "/api/v1/cache/keys?pattern=customers:*&limit=3", TOKEN).await.json();
    assert_eq!((&keys["total_found"], &keys["limit"]), (&json!(5), &json!(3)));
    let listed = keys["keys"].as_array().expect("a list");
    assert_eq!(listed.len(), 3);
    for key in listed {
        assert!(key["key"].as_str().expect("a key").starts_with("customers:details:"), "{key}");
        let ttl = key["ttl"].as_i64().expect("seconds");
        assert!((200..=300).contains(&ttl), "{key}");
        assert_eq!(key["expires"], format!("{ttl}s"));
    }
    let stats = ask(&router, "/api/v1/cache/stats", TOKEN).await.json();
    assert_eq!(stats["connected"], true);
    assert_eq!(stats["client"], json!({ "hits": 1.0, "misses": 5.0, "hit_rate": 16.7 }));
    assert_eq!(stats["performance_insights"]["hit_rate_category"], "poor");
    let short = ask(&router, "/api/cache/stats", TOKEN).await.json();
    assert!(
        short["used_memory_mb"].as_f64().expect("a number") > 0.0 && short["active_keys"] == 5,
        "{short}"
    );
    let health = ask(&router, "/api/v1/cache/health", TOKEN).await.json();
    assert_eq!((&health["redis_connected"], &health["status"]), (&json!(true), &json!("healthy")));
    assert_eq!(post(&router, "/api/v1/cache/invalidate/customers").await.json()["cleared_entries"], 5);

    redis.kill();
    let health = ask(&router, "/api/cache/health", &[]).await.json();
    assert_eq!((&health["redis_connected"], &health["status"]), (&json!(false), &json!("degraded")));
    let refused = post(&router, "/api/v1/cache/invalidate/customers").await;
    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(!refused.text().contains("127.0.0.1"), "{refused:?}");
}

#[tokio::test]
async fn beyond_the_limit_a_client_is_told_how_long_to_wait() {
    let config = TestbedConfig { rate_limit: NonZeroU32::new(5), ..small() };
    let router = start(config).await.router();
    for _ in 0..5 {
        assert_eq!(ask(&router, "/api/v1/customers/1", &[]).await.status, StatusCode::OK);
    }
    let request = Request::get("/api/v1/customers/1").body(Body::empty()).expect("a request");
    let refused = router.oneshot(request).await.expect("an answer");
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    let wait: u64 = refused.headers()["retry-after"].to_str().expect("text").parse().expect("seconds");
    assert!((1..=12).contains(&wait), "five a minute: one every twelve seconds, not {wait}");
}

#[tokio::test]
async fn a_signed_token_may_do_what_it_says_and_no_more() {
    let secret = "0123456789abcdef0123456789abcdef";
    let config = TestbedConfig { jwt_secret: Some(secret.to_owned()), ..small() };
    let router = start(config).await.router();
    let signed = |permissions: &[&str], exp: u64| {
        let claims = serde_json::json!({ "sub": "ann", "exp": exp, "permissions": permissions });
        let key = jsonwebtoken::EncodingKey::from_secret(secret.as_bytes());
        let token = jsonwebtoken::encode(&jsonwebtoken::Header::default(), &claims, &key).expect("signed");
        format!("Bearer {token}")
    };
    let (stats, clear) = ("/api/v1/cache/stats", "/api/v1/cache/invalidate/analytics");
    let later = 4_102_444_800;
    for (token, read, invalidated) in [
        (signed(&["READ_ANALYTICS"], later), StatusCode::OK, StatusCode::FORBIDDEN),
        (signed(&["MANAGE_CACHE"], later), StatusCode::FORBIDDEN, StatusCode::OK),
        (signed(&[], later), StatusCode::FORBIDDEN, StatusCode::FORBIDDEN),
        (signed(&["READ_ANALYTICS", "MANAGE_CACHE"], 1), StatusCode::UNAUTHORIZED, StatusCode::UNAUTHORIZED),
        ("Bearer nothing".to_owned(), StatusCode::UNAUTHORIZED, StatusCode::UNAUTHORIZED),
    ] {
        let headers = [("authorization", token.as_str())];
        assert_eq!(ask(&router, stats, &headers).await.status, read, "{token}");
        assert_eq!(ask_with(&router, Method::POST, clear, &headers).await.status, invalidated, "{token}");
    }
}
