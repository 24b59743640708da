//! The pages about the service itself.

use axum::http::StatusCode;
use hitmark_testbed::TestbedConfig;
use hitmark_testkit::PostgresServer;

use crate::support::{UNCACHED, ask, small, start};

#[tokio::test]
async fn the_metrics_page_counts_every_request_and_query_exactly() {
    let testbed = start(small()).await;
    let router = testbed.router();
    for _ in 0..3 {
        ask(&router, "/market/products", UNCACHED).await;
    }
    for _ in 0..5 {
        ask(&router, "/market/products", &[]).await;
    }
    ask(&router, "/market/products/7", &[]).await;
    ask(&router, "/market/products/999999", &[]).await;
    ask(&router, "/market/products/999999", &[]).await;
    ask(&router, "/market/search", &[]).await;
    ask(&router, "/nowhere/at/all", &[]).await;
    // Watching is not counted, and a second router goes on with the same counts.
    ask(&router, "/healthz", &[]).await;
    let page = ask(&testbed.router(), "/metrics", &[]).await;
    for line in [
        "testbed_http_requests_total{route=\"/market/products\",status=\"2xx\",outcome=\"hit\"} 4",
        "testbed_http_requests_total{route=\"/market/products\",status=\"2xx\",outcome=\"miss\"} 1",
        "testbed_http_requests_total{route=\"/market/products\",status=\"2xx\",outcome=\"bypass\"} 3",
        "testbed_http_requests_total{route=\"/market/products/{id}\",status=\"2xx\",outcome=\"miss\"} 1",
        "testbed_http_requests_total{route=\"/market/products/{id}\",status=\"4xx\",outcome=\"miss\"} 1",
        "testbed_http_requests_total{route=\"/market/products/{id}\",status=\"4xx\",outcome=\"hit\"} 1",
        "testbed_http_requests_total{route=\"/market/search\",status=\"4xx\",outcome=\"error\"} 1",
        "testbed_http_requests_total{route=\"other\",status=\"4xx\",outcome=\"error\"} 1",
        "testbed_http_request_duration_seconds_count{route=\"/market/products\"} 8",
        // A list is two queries, made by three bypasses and one miss; a product is four, its absence one.
        "testbed_database_queries_total{route=\"/market/products\"} 8",
        "testbed_database_queries_total{route=\"/market/products/{id}\"} 5",
        "testbed_database_queries_total{route=\"/market/search\"} 0",
        "cache_origin_calls_total{backend=\"memory\",result=\"ok\"} 3",
    ] {
        assert!(page.text().lines().any(|found| found == line), "{line}\nis not in\n{}", page.text());
    }
    let requests = page.text().lines().filter(|line| line.starts_with("testbed_http_requests_total{"));
    assert_eq!(requests.count(), 8, "{}", page.text());
}

#[tokio::test]
async fn health_is_told_and_a_dead_database_is_not_healthy() {
    let server = PostgresServer::start().await.expect("a server");
    let router = start(TestbedConfig { database_url: Some(server.url()), ..small() }).await.router();
    let health = ask(&router, "/healthz", &[]).await;
    assert_eq!(health.status, StatusCode::OK);
    assert_eq!(
        health.text(),
        r#"{"status":"ok","database":{"kind":"postgresql","state":"up"},"cache":{"kind":"memory","state":"up"}}"#
    );
    let stored = ask(&router, "/market/products/7", &[]).await;

    server.kill();
    let health = ask(&router, "/healthz", &[]).await;
    assert_eq!((health.status, &health.json()["status"]), (StatusCode::SERVICE_UNAVAILABLE, &"down".into()));
    let uncached = ask(&router, "/market/products/7", UNCACHED).await;
    assert!(uncached.status.is_server_error(), "{uncached:?}");
    assert!(!uncached.text().contains("127.0.0.1"), "nothing of the inside is shown: {uncached:?}");
    let hit = ask(&router, "/market/products/7", &[]).await;
    assert_eq!((hit.status, hit.body), (StatusCode::OK, stored.body), "what is cached is still served");
}

#[tokio::test]
async fn the_document_names_every_path_that_is_served() {
    let router = start(TestbedConfig { admin_token: Some("secret".to_owned()), ..small() }).await.router();
    let document = ask(&router, "/openapi.json", &[]).await.json();
    let paths = document["paths"].as_object().expect("paths");
    assert!(paths.len() > 20, "{}", paths.len());
    for (path, operations) in paths.iter().filter(|(_, operations)| operations.get("get").is_some()) {
        let path = path.replace("{id}", "1");
        let query = if path == "/market/search" { "?q=oak" } else { "" };
        let headers: &[_] = match operations["get"].get("security") {
            Some(_) => &[("authorization", "Bearer secret")],
            None => &[("hitmark-user", "1")],
        };
        let status = match path.as_str() {
            // A cache in memory cannot list its keys, and says so.
            path if path.ends_with("/keys") => StatusCode::NOT_IMPLEMENTED,
            // Nobody has logged in.
            "/score/me" => StatusCode::UNAUTHORIZED,
            _ => StatusCode::OK,
        };
        assert_eq!(ask(&router, &format!("{path}{query}"), headers).await.status, status, "{path}");
    }
}
