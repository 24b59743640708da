//! The marketplace's writes: what each takes out of the cache, and that a refused one takes nothing.

use axum::Router;
use axum::http::{Method, StatusCode};
use hitmark_testbed::{CacheChoice, TestbedConfig};
use hitmark_testkit::{PostgresServer, RedisServer};

use crate::support::{Answer, UNCACHED, ask, ask_with, small, start};

const PRODUCT: &str = "/market/products/7";
const OTHER: &str = "/market/products/8";
const LIST: &str = "/market/products";
const SEARCH: &str = "/market/search?q=oak";
/// Analytics know other tables.
const APART: &str = "/api/v1/analytics/funnel";

async fn put(router: &Router, path: &str) -> Answer {
    ask_with(router, Method::PUT, path, &[]).await
}

async fn post(router: &Router, path: &str) -> Answer {
    ask_with(router, Method::POST, path, &[]).await
}

async fn is_hit(router: &Router, path: &str) -> bool {
    ask(router, path, &[]).await.cache_status.starts_with("hitmark; hit")
}

async fn warm(router: &Router) {
    for path in [PRODUCT, OTHER, LIST, SEARCH, APART] {
        ask(router, path, &[]).await;
        assert!(is_hit(router, path).await, "{path}");
    }
}

#[tokio::test]
async fn a_new_price_is_in_every_answer_that_was_read_from_products_and_in_no_other() {
    let server = PostgresServer::start().await.expect("a server");
    for database_url in [None, Some(server.url())] {
        let router = start(TestbedConfig { database_url, ..small() }).await.router();
        warm(&router).await;
        let told = put(&router, "/market/products/7?price_cents=4711").await;
        assert_eq!((told.status, &told.json()["cleared_entries"]), (StatusCode::OK, &4.into()), "{told:?}");
        assert!(is_hit(&router, APART).await, "another system's answers stay");
        let fresh = ask(&router, PRODUCT, &[]).await;
        assert_eq!(fresh.json()["price_cents"], 4_711);
        for path in [PRODUCT, OTHER, LIST, SEARCH] {
            let cached = ask(&router, path, &[]).await;
            assert_eq!(cached.body, ask(&router, path, UNCACHED).await.body, "{path}");
        }
    }
}

#[tokio::test]
async fn a_new_name_is_found_and_the_old_one_is_not() {
    let router = start(small()).await.router();
    let search = "/market/search?q=quaggawood";
    assert_eq!(ask(&router, search, &[]).await.json()["total_products"], 0);
    assert_eq!(put(&router, "/market/products/7?name=Quaggawood+Plank").await.status, StatusCode::OK);
    let found = ask(&router, search, &[]).await.json();
    assert_eq!((&found["total_products"], &found["products"][0]["id"]), (&1.into(), &7.into()));
    assert_eq!(put(&router, "/market/products/7?available=false").await.status, StatusCode::OK);
    assert_eq!(ask(&router, search, &[]).await.json()["total_products"], 0);
}

#[tokio::test]
async fn an_order_shows_in_the_sales_and_the_same_order_again_changes_nothing() {
    let server = PostgresServer::start().await.expect("a server");
    for database_url in [None, Some(server.url())] {
        let router = start(TestbedConfig { database_url, ..small() }).await.router();
        warm(&router).await;
        let orders = ask(&router, PRODUCT, &[]).await.json()["sales"]["orders"].as_i64().expect("a number");
        let order = "/market/orders?order=9000001&product=7&customer=1&quantity=2";
        assert_eq!(post(&router, order).await.status, StatusCode::CREATED);
        warm(&router).await;
        assert_eq!(ask(&router, PRODUCT, &[]).await.json()["sales"]["orders"], orders + 1);

        // The product is taken off sale first, and then the number is refused: both are taken back.
        let before = ask(&router, PRODUCT, &[]).await;
        let again = post(&router, &format!("{order}&last=true")).await;
        assert_eq!(again.status, StatusCode::CONFLICT, "{again:?}");
        for path in [PRODUCT, OTHER, LIST, SEARCH, APART] {
            assert!(is_hit(&router, path).await, "{path}: a rollback takes out nothing");
        }
        assert_eq!(ask(&router, PRODUCT, UNCACHED).await.body, before.body, "nor does it change a row");
    }
}

#[tokio::test]
async fn a_write_to_nothing_takes_out_nothing() {
    let router = start(small()).await.router();
    warm(&router).await;
    for (answer, status) in [
        (put(&router, "/market/products/999999?price_cents=1").await, StatusCode::NOT_FOUND),
        (post(&router, "/market/orders?order=1&product=999999&customer=1").await, StatusCode::NOT_FOUND),
        (put(&router, "/market/products/7").await, StatusCode::BAD_REQUEST),
        (put(&router, "/market/products/7?price_cents=0").await, StatusCode::BAD_REQUEST),
        (post(&router, "/market/orders?order=1").await, StatusCode::BAD_REQUEST),
    ] {
        assert_eq!(answer.status, status, "{answer:?}");
    }
    for path in [PRODUCT, LIST, SEARCH] {
        assert!(is_hit(&router, path).await, "{path}");
    }
}

#[tokio::test]
async fn the_documents_rules_spare_other_products_and_leave_neighbours_and_sales_stale() {
    let redis = RedisServer::start().await.expect("a server");
    for cache in [CacheChoice::Memory, CacheChoice::Redis] {
        let router = start(TestbedConfig { cache, redis_url: Some(redis.url()), ..small() }).await.router();
        warm(&router).await;
        let neighbour = ask(&router, PRODUCT, &[]).await.json()["similar"][0]["id"].as_i64().expect("one");
        let price = format!("/market/products/{neighbour}?price_cents=999999999&invalidating=rules");
        assert_eq!(put(&router, &price).await.status, StatusCode::OK);
        for (path, stays) in [(PRODUCT, true), (LIST, false), (SEARCH, false), (APART, true)] {
            assert_eq!(is_hit(&router, path).await, stays, "{cache} {path}");
        }
        // No rule leads from a product to those that show it as similar.
        let (cached, true_one) = (ask(&router, PRODUCT, &[]).await, ask(&router, PRODUCT, UNCACHED).await);
        assert_ne!(cached.body, true_one.body, "the defect of the document's table is still in it");
        // Nor from an order to its product.
        let number = if cache == CacheChoice::Memory { 9_000_001 } else { 9_000_002 };
        let order = format!("/market/orders?order={number}&product=8&customer=1&invalidating=rules");
        ask(&router, OTHER, &[]).await;
        assert_eq!(post(&router, &order).await.status, StatusCode::CREATED);
        assert!(is_hit(&router, OTHER).await);
        // By tables, both are right.
        assert_eq!(put(&router, "/market/products/9?price_cents=1").await.status, StatusCode::OK);
        for path in [PRODUCT, OTHER] {
            assert_eq!(ask(&router, path, &[]).await.body, ask(&router, path, UNCACHED).await.body);
        }
    }
}

#[tokio::test]
async fn shops_categories_and_users_clear_what_shows_them_by_tables_and_by_rules() {
    const ORDERS: &str = "/market/users/7/orders";
    let redis = RedisServer::start().await.expect("a server");
    for cache in [CacheChoice::Memory, CacheChoice::Redis] {
        let router = start(TestbedConfig { cache, redis_url: Some(redis.url()), ..small() }).await.router();
        let product = ask(&router, PRODUCT, UNCACHED).await.json();
        let (shop, category) = (&product["shop"]["id"], &product["category"]["id"]);
        let pages = [PRODUCT, LIST, SEARCH];
        for invalidating in ["tables", "rules"] {
            for change in [
                format!("/market/shops/{shop}?verified=0&invalidating={invalidating}"),
                format!("/market/categories/{category}?name=renamed&invalidating={invalidating}"),
            ] {
                warm(&router).await;
                ask(&router, ORDERS, &[]).await;
                assert_eq!(put(&router, &change).await.status, StatusCode::OK, "{change}");
                for page in pages {
                    assert!(!is_hit(&router, page).await, "{change}: {page}");
                    assert_eq!(ask(&router, page, &[]).await.body, ask(&router, page, UNCACHED).await.body);
                }
                assert!(is_hit(&router, ORDERS).await, "{change}: orders show neither");
            }
            warm(&router).await;
            let rename = format!("/market/users/7?name={invalidating}&invalidating={invalidating}");
            assert_eq!(put(&router, &rename).await.status, StatusCode::OK);
            assert_eq!(ask(&router, ORDERS, &[]).await.json()["username"], invalidating);
            assert!(is_hit(&router, PRODUCT).await, "a product shows no customer");
        }
        for (change, status) in [
            ("/market/shops/999999?verified=1", StatusCode::NOT_FOUND),
            ("/market/shops/1", StatusCode::BAD_REQUEST),
            ("/market/users/x?name=a", StatusCode::BAD_REQUEST),
        ] {
            assert_eq!(put(&router, change).await.status, status, "{change}");
        }
    }
}
