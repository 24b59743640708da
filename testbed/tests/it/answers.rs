//! What the endpoints answer, and that both databases answer the same.

use axum::http::StatusCode;
use hitmark_testbed::TestbedConfig;
use hitmark_testkit::PostgresServer;
use serde_json::Value;

use crate::support::{UNCACHED, ask, small, start};

/// Pages at both ends and past them, categories that are full, small and unknown, terms that find
/// much, little and nothing, signs that mean something to LIKE.
fn paths() -> Vec<String> {
    let mut paths: Vec<String> = [1, 2, 3, 4, 50, 399, 1_234, 2_000, 2_001, 987_654_321]
        .iter()
        .map(|id| format!("/market/products/{id}"))
        .collect();
    for query in ["", "?page=2", "?page=86", "?page=87", "?page=1000000&per_page=100", "?per_page=1&page=7"] {
        paths.push(format!("/market/products{query}"));
    }
    for category in [1, 2, 40, 41] {
        paths.push(format!("/market/products?category={category}&per_page=50"));
        paths.push(format!("/market/search?q=oak&category={category}"));
    }
    for query in [
        "M-1",
        "m-123",
        "M-1000",
        "oak+panel",
        "SOLVENTS",
        "%25",
        "_",
        "%5C",
        "nothing+at+all",
        "%C3%A9",
        "'--",
    ] {
        paths.push(format!("/market/search?q={query}"));
        paths.push(format!("/market/search?q={query}&page=2"));
        paths.push(format!("/market/search?q={query}&page=999&category=1"));
    }
    paths
}

#[tokio::test]
async fn sqlite_and_postgresql_answer_every_request_with_the_same_bytes() {
    let server = PostgresServer::start().await.expect("a server");
    let sqlite = start(small()).await;
    let postgres = start(TestbedConfig { database_url: Some(server.url()), ..small() }).await;
    assert_eq!(sqlite.summary().rows, postgres.summary().rows);
    let (on_sqlite, on_postgres) = (sqlite.router(), postgres.router());
    for path in paths() {
        let first = ask(&on_sqlite, &path, UNCACHED).await;
        assert!(matches!(first.status, StatusCode::OK | StatusCode::NOT_FOUND), "{path}: {first:?}");
        assert_eq!(first, ask(&on_postgres, &path, UNCACHED).await, "{path}");
    }
}

#[tokio::test]
async fn cached_and_uncached_bodies_are_the_same_bytes() {
    let router = start(small()).await.router();
    for path in paths() {
        let uncached = ask(&router, &path, UNCACHED).await;
        let stored = ask(&router, &path, &[]).await;
        let hit = ask(&router, &path, &[]).await;
        assert_eq!((stored.status, &stored.body), (uncached.status, &uncached.body), "{path}");
        assert_eq!((hit.status, &hit.body), (uncached.status, &uncached.body), "{path}");
        assert!(hit.cache_status.starts_with("hitmark; hit; ttl="), "{path}: {}", hit.cache_status);
    }
}

#[tokio::test]
async fn the_list_walks_through_every_available_product_once_newest_first() {
    let router = start(small()).await.router();
    let mut seen: Vec<(i64, i64)> = Vec::new();
    let mut total = 0;
    for page in 1.. {
        let answer =
            ask(&router, &format!("/market/products?per_page=100&page={page}"), UNCACHED).await.json();
        total = answer["total_products"].as_i64().expect("a total");
        let products = answer["products"].as_array().expect("a list");
        if products.is_empty() {
            assert_eq!(answer["total_pages"], page - 1);
            break;
        }
        seen.extend(products.iter().map(|product| (number(product, "created_at"), number(product, "id"))));
    }
    assert_eq!(i64::try_from(seen.len()), Ok(total));
    assert!(seen.windows(2).all(|pair| pair[0] > pair[1]), "newest first, no product twice");
}

#[tokio::test]
async fn the_figures_of_a_product_agree_with_each_other() {
    let router = start(small()).await.router();
    let product = ask(&router, "/market/products/1", UNCACHED).await.json();
    let sales = &product["sales"];
    assert!(number(sales, "orders") > 50, "the first product is the most popular: {sales}");
    assert!(number(sales, "customers") <= number(sales, "orders"));
    assert_eq!(number(sales, "revenue_cents"), number(sales, "units") * number(&product, "price_cents"));
    let distance = |other: &Value| (number(other, "price_cents") - number(&product, "price_cents")).abs();
    let similar = product["similar"].as_array().expect("a list");
    assert_eq!(similar.len(), 8);
    assert!(similar.windows(2).all(|pair| distance(&pair[0]) <= distance(&pair[1])));
    assert!(similar.iter().all(|other| other["id"] != product["id"]));
}

#[tokio::test]
async fn a_search_finds_what_the_texts_contain_whatever_the_case() {
    let router = start(small()).await.router();
    let found = ask(&router, "/market/search?q=%20OAK%20", UNCACHED).await.json();
    assert_eq!(found["query"], "oak");
    let products = found["products"].as_array().expect("a list");
    assert_eq!(products.len(), 20);
    for product in products {
        assert!(product["name"].as_str().expect("a name").contains("Oak"), "{product}");
    }
    assert_eq!(found, ask(&router, "/market/search?q=oak", UNCACHED).await.json());
    let past_the_end = ask(&router, "/market/search?q=oak&page=1000", UNCACHED).await.json();
    assert_eq!(past_the_end["total_products"], found["total_products"]);
    // Every text has a blank, none has a percent sign.
    assert_eq!(ask(&router, "/market/search?q=%25", UNCACHED).await.json()["total_products"], 0);
}

#[tokio::test]
async fn model_numbers_from_one_to_a_thousand_are_found_in_every_size() {
    let router = start(small()).await.router();
    for key in [1, 500, 1_000] {
        let found = ask(&router, &format!("/market/search?q=M-{key}"), UNCACHED).await.json();
        assert!(number(&found, "total_products") > 0, "M-{key}");
    }
}

fn number(value: &Value, name: &str) -> i64 {
    value[name].as_i64().unwrap_or_else(|| panic!("{name} in {value}"))
}

#[tokio::test]
async fn every_way_of_loading_a_list_gives_the_same_bytes_at_its_own_price() {
    let server = PostgresServer::start().await.expect("a server");
    let sqlite = start(small()).await.router();
    let postgres = start(TestbedConfig { database_url: Some(server.url()), ..small() }).await.router();
    for router in [&sqlite, &postgres] {
        for (query, products) in
            [("page=1", 20), ("page=3&per_page=100", 100), ("category=2&per_page=7", 7), ("category=41", 0)]
        {
            let path = format!("/market/products?{query}");
            let before = queries(router).await;
            let joined = ask(router, &path, UNCACHED).await;
            assert_eq!(joined.json()["products"].as_array().expect("a list").len(), products, "{path}");
            let mut before = {
                let now = queries(router).await;
                assert_eq!(now - before, 2, "a page and its total");
                now
            };
            let batches = if products == 0 { 0 } else { 3 };
            for (loading, expected) in [("batch", 2 + batches), ("each", 2 + 3 * products as u64)] {
                let path = format!("{path}&loading={loading}");
                assert_eq!(ask(router, &path, UNCACHED).await, joined, "{path}");
                let now = queries(router).await;
                assert_eq!(now - before, expected, "{path}");
                before = now;
            }
            assert_eq!(ask(router, &path, &[]).await.body, joined.body);
            let cached = ask(router, &format!("{path}&loading=each"), &[]).await;
            assert!(cached.cache_status.contains("hit"), "one key for all ways: {cached:?}");
        }
    }
}

/// Database queries of the list so far.
async fn queries(router: &axum::Router) -> u64 {
    let page = ask(router, "/metrics", &[]).await;
    let line = "testbed_database_queries_total{route=\"/market/products\"} ";
    let count = page.text().lines().find_map(|found| found.strip_prefix(line)?.parse().ok());
    count.expect("a count of queries")
}

#[tokio::test]
async fn the_floor_answers_with_the_bytes_of_the_hit_and_is_not_counted() {
    let router = start(small()).await.router();
    let page = ask(&router, "/market/products/1", UNCACHED).await;
    for _ in 0..3 {
        let floor = ask(&router, "/bare/market/products/1", &[]).await;
        assert_eq!((floor.status, &floor.body), (page.status, &page.body));
        assert_eq!(floor.cache_status, "", "nothing but the bytes");
    }
    let metrics = ask(&router, "/metrics", &[]).await;
    let count = |line: &str| metrics.text().lines().filter(|found| found.starts_with(line)).count();
    assert_eq!(count("testbed_database_queries_total{route=\"bare\"} 4"), 1, "asked for once");
    assert_eq!(count("testbed_http_requests_total{route=\"/bare"), 0);
    assert_eq!(count("process_cpu_seconds_total "), 1);
}
