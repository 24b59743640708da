//! The score report generator: queries invalidated by tables, sessions apart from the cache, documents.

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use hitmark_testbed::{CacheChoice, Testbed, TestbedConfig};
use hitmark_testkit::{PostgresServer, RedisServer};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::support::{UNCACHED, ask, small, start};

const LIST: &str = "/score/users/1/reports";
const DETAILS: &str = "/score/reports/7";

/// Sends a body; the status, the cookie that is set, and the answer.
async fn post(router: &Router, path: &str, body: &Value, cookie: &str) -> (StatusCode, String, Value) {
    let request = Request::post(path).header("cookie", cookie);
    let request = request.body(Body::from(body.to_string())).expect("a request");
    let response = router.clone().oneshot(request).await.expect("a router always answers");
    let (status, headers) = (response.status(), response.headers().clone());
    let body = response.into_body().collect().await.expect("a body").to_bytes();
    let cookie = headers.get("set-cookie").map(|value| value.to_str().expect("text").to_owned());
    (status, cookie.unwrap_or_default(), serde_json::from_slice(&body).expect("a JSON body"))
}

fn new_report(user: i64, correct: i64) -> Value {
    let section = |name: &str| json!({ "name": name, "questions": 40, "correct": correct });
    json!({ "user_id": user, "title": "A test", "sections": [section("reading"), section("writing")] })
}

#[tokio::test]
async fn both_databases_give_the_same_bytes_and_so_do_both_ways() {
    let server = PostgresServer::start().await.expect("a server");
    let sqlite = start(small()).await.router();
    let postgres = start(TestbedConfig { database_url: Some(server.url()), ..small() }).await.router();
    for path in
        [LIST, DETAILS, "/score/users/999/reports", "/score/reports/9999", "/score/reports/7/document.pdf"]
    {
        let first = ask(&sqlite, path, UNCACHED).await;
        assert!(matches!(first.status, StatusCode::OK | StatusCode::NOT_FOUND), "{path}: {first:?}");
        assert_eq!(first, ask(&postgres, path, UNCACHED).await, "{path}");
        for _ in 0..2 {
            let cached = ask(&postgres, path, &[]).await;
            assert_eq!((cached.status, &cached.body), (first.status, &first.body), "{path}");
        }
    }
    assert!(ask(&sqlite, "/score/reports/7/document.pdf", &[]).await.body.starts_with(b"%PDF-"));
}

#[tokio::test]
async fn two_students_never_share_a_list() {
    let router = start(small()).await.router();
    let (one, two) = (ask(&router, LIST, &[]).await, ask(&router, "/score/users/2/reports", &[]).await);
    assert_eq!((one.json()["user_id"].as_i64(), two.json()["user_id"].as_i64()), (Some(1), Some(2)));
    assert_eq!(ask(&router, LIST, &[]).await.body, one.body, "from the cache too");
    assert_eq!(ask(&router, "/score/users/0/reports", &[]).await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_commit_clears_what_read_its_tables_and_a_rollback_nothing() {
    let redis = RedisServer::start().await.expect("redis-server starts");
    let postgres = PostgresServer::start().await.expect("a server");
    let on_servers = TestbedConfig {
        database_url: Some(postgres.url()),
        cache: CacheChoice::Redis,
        redis_url: Some(redis.url()),
        ..small()
    };
    for config in [small(), on_servers] {
        let router = start(config).await.router();
        let before = ask(&router, LIST, &[]).await;
        let other = "/score/reports/7/document.pdf";
        ask(&router, other, &[]).await;
        let (status, _, refused) = post(&router, "/score/reports", &new_report(1, 41), "").await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{refused}");
        assert!(refused.to_string().contains("more right answers than questions"), "{refused}");
        let kept = ask(&router, LIST, &[]).await;
        assert!(kept.cache_status.contains("hit") && kept.body == before.body, "a rollback: {kept:?}");

        let (status, _, created) = post(&router, "/score/reports", &new_report(1, 40), "").await;
        assert_eq!((status, &created["invalidated"]), (StatusCode::CREATED, &json!(1)), "{created}");
        let after = ask(&router, LIST, &[]).await;
        assert_eq!(after.json()["reports"][0]["id"], created["id"], "newest first");
        assert_eq!(after.json()["reports"][0]["total"], 1_600);
        assert_eq!(after.body, ask(&router, LIST, UNCACHED).await.body);
        assert!(ask(&router, other, &[]).await.cache_status.contains("hit"), "a document stays");
        let (status, ..) = post(&router, "/score/reports", &new_report(999_999, 1), "").await;
        assert_eq!(status, StatusCode::NOT_FOUND);
    }
}

async fn sessions_work(router: &Router) {
    assert_eq!(ask(router, "/score/me", &[]).await.status, StatusCode::UNAUTHORIZED);
    let nobody = post(router, "/score/login", &json!({ "email": "nobody@example.com" }), "").await;
    assert_eq!((nobody.0, nobody.1.as_str()), (StatusCode::UNAUTHORIZED, ""));
    let (status, cookie, body) =
        post(router, "/score/login", &json!({ "email": "student2@example.com" }), "").await;
    assert_eq!((status, &body["user_id"]), (StatusCode::OK, &json!(2)));
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"), "{cookie}");
    let cookie = cookie.split(';').next().expect("a pair").to_owned();
    let mine = ask(router, "/score/me", &[("cookie", cookie.as_str())]).await;
    assert_eq!(mine.json()["user_id"], 2);
    assert_eq!(mine.body, ask(router, "/score/users/2/reports", UNCACHED).await.body);
    post(router, "/score/logout", &json!({}), &cookie).await;
    let after = ask(router, "/score/me", &[("cookie", cookie.as_str())]).await;
    assert_eq!(after.status, StatusCode::UNAUTHORIZED, "whatever the cache still holds");
}

#[tokio::test]
async fn a_session_begins_with_a_login_and_ends_with_a_logout() {
    sessions_work(&start(small()).await.router()).await;
    let server = RedisServer::start().await.expect("redis-server starts");
    let url = server.url().replace("/0", "/1");
    sessions_work(&start(TestbedConfig { sessions_url: Some(url), ..small() }).await.router()).await;
}

#[tokio::test]
async fn clearing_the_cache_logs_nobody_out_and_two_processes_share_sessions() {
    let server = RedisServer::start().await.expect("redis-server starts");
    let config = || TestbedConfig {
        cache: CacheChoice::Redis,
        redis_url: Some(server.url()),
        sessions_url: Some(server.url().replace("/0", "/1")),
        admin_token: Some("t".to_owned()),
        ..small()
    };
    let (one, other) = (start(config()).await.router(), start(config()).await.router());
    let (_, cookie, _) = post(&one, "/score/login", &json!({ "email": "student3@example.com" }), "").await;
    let cookie = cookie.split(';').next().expect("a pair").to_owned();
    let clear = Request::post("/api/v1/cache/invalidate/all").header("authorization", "Bearer t");
    let clear = clear.body(Body::empty()).expect("a request");
    let cleared = one.clone().oneshot(clear).await.expect("a router always answers");
    assert_eq!(cleared.status(), StatusCode::OK);
    assert_eq!(ask(&other, "/score/me", &[("cookie", cookie.as_str())]).await.json()["user_id"], 3);
    server.kill();
    let without = ask(&other, "/score/me", &[("cookie", cookie.as_str())]).await;
    assert_eq!(without.status, StatusCode::SERVICE_UNAVAILABLE, "not logged out: it cannot be known");
}

#[tokio::test]
async fn a_server_that_may_evict_sessions_is_refused() {
    let server = RedisServer::start_with(&["--maxmemory", "64mb", "--maxmemory-policy", "allkeys-lru"]).await;
    let server = server.expect("redis-server starts");
    let config = TestbedConfig { sessions_url: Some(server.url()), ..small() };
    let error = Testbed::start(config, |_| {}).await.expect_err("it evicts").to_string();
    assert!(error.contains("allkeys-lru") && error.contains("noeviction"), "{error}");
}

#[tokio::test]
async fn a_document_is_printed_in_the_request_or_by_a_task() {
    let router = start(small()).await.router();
    let (status, _, inline) = post(&router, "/score/reports/8/document", &json!({}), "").await;
    assert_eq!(status, StatusCode::OK);
    assert!(inline["document_bytes"].as_u64().expect("a size") > 1_000);
    let (status, _, queued) =
        post(&router, "/score/reports/9/document?processing=queued", &json!({}), "").await;
    assert_eq!(status, StatusCode::ACCEPTED);
    let result = format!("/api/tasks/results/{}", queued["task"].as_str().expect("a number"));
    let mut done = Value::Null;
    for _ in 0..200 {
        done = ask(&router, &result, &[]).await.json();
        if done["status"] == "SUCCESS" {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert_eq!((&done["status"], &done["result"]["report"]), (&json!("SUCCESS"), &json!(9)), "{done}");
    let printed = ask(&router, "/score/reports/9/document.pdf", &[]).await;
    assert!(printed.cache_status.contains("hit"), "{printed:?}");
    let none = post(&router, "/score/reports/99999/document", &json!({}), "").await;
    assert_eq!(none.0, StatusCode::NOT_FOUND);
}
