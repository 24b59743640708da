//! Work that is left for later: in the process, and on Redis by apalis.

use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use hitmark_testbed::TestbedConfig;
use hitmark_testkit::RedisServer;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::support::{ask, small, start};

/// Reports an incident; the answer.
async fn report(router: &Router, processing: &str) -> Value {
    let new = json!({ "store_id": 1, "user_id": 1, "title": "a spill" });
    let path = format!("/incident/incidents?processing={processing}");
    let request = Request::post(path).body(Body::from(new.to_string())).expect("a request");
    let response = router.clone().oneshot(request).await.expect("a router always answers");
    assert_eq!(response.status(), StatusCode::CREATED);
    let body = response.into_body().collect().await.expect("a body").to_bytes();
    serde_json::from_slice(&body).expect("a JSON body")
}

/// Waits until a task is done; its result.
async fn result(router: &Router, id: &str) -> Value {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let result = ask(router, &format!("/api/tasks/results/{id}"), &[]).await.json();
        if result["status"] != "PENDING" {
            return result;
        }
        assert!(Instant::now() < deadline, "task {id} is never done");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn queue(router: &Router, name: &str) -> Value {
    let status = ask(router, "/api/tasks/status", &[]).await.json();
    let queues = status["queues"].as_array().expect("queues").clone();
    queues.into_iter().find(|queue| queue["queue"] == name).expect("the queue")
}

async fn a_queued_incident_is_printed_and_mailed_after_the_answer(config: TestbedConfig, broker: &str) {
    let router = start(config).await.router();
    let created = report(&router, "queued").await;
    assert_eq!(created["report_bytes"], Value::Null, "{created}");
    let tasks: Vec<&str> =
        created["tasks"].as_array().expect("tasks").iter().map(|id| id.as_str().expect("text")).collect();
    let [printed, mailed] = [result(&router, tasks[0]).await, result(&router, tasks[1]).await];
    assert_eq!((&printed["status"], &mailed["result"]), (&json!("SUCCESS"), &json!({ "sent": true })));
    let bytes = printed["result"]["report_bytes"].as_u64().expect("bytes");

    // The first request for the report finds it printed.
    let pdf = ask(&router, &format!("/incident/incidents/{}/report.pdf", created["id"]), &[]).await;
    assert!(pdf.cache_status.contains("hit"), "{}", pdf.cache_status);
    assert_eq!(pdf.body.len() as u64, bytes);

    let status = ask(&router, "/api/tasks/status", &[]).await.json();
    assert_eq!((&status["status"], &status["broker"]), (&json!("healthy"), &json!(broker)));
    for name in ["reports", "email"] {
        let queue = queue(&router, name).await;
        assert_eq!((&queue["done"], &queue["dead"], &queue["waiting"]), (&json!(1), &json!(0), &json!(0)));
    }
}

#[tokio::test]
async fn in_the_process_a_queued_incident_is_finished_after_the_answer() {
    a_queued_incident_is_printed_and_mailed_after_the_answer(small(), "local").await;
}

#[tokio::test]
async fn on_redis_a_queued_incident_is_finished_after_the_answer() {
    let server = RedisServer::start().await.expect("redis-server starts");
    let config = TestbedConfig { tasks_url: Some(server.url()), ..small() };
    a_queued_incident_is_printed_and_mailed_after_the_answer(config, "apalis").await;
}

#[tokio::test]
async fn an_inline_incident_is_finished_before_the_answer() {
    let router = start(small()).await.router();
    let created = report(&router, "inline").await;
    assert!(created["report_bytes"].as_u64() > Some(1_000) && created["tasks"] == json!([]), "{created}");
    assert_eq!(queue(&router, "reports").await["done"], 0);
}

#[tokio::test]
async fn the_schedule_collects_health_once_however_many_services_share_the_broker() {
    let server = RedisServer::start().await.expect("redis-server starts");
    let config = || TestbedConfig { tasks_url: Some(server.url()), ..small() };
    let routers = [start(config()).await.router(), start(config()).await.router()];
    let deadline = Instant::now() + Duration::from_secs(30);
    let done = async || {
        let mut done = 0;
        for router in &routers {
            done += queue(router, "monitoring").await["done"].as_u64().expect("a number");
        }
        done
    };
    while done().await == 0 {
        assert!(Instant::now() < deadline, "the schedule never began");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    // Both have looked at the clock by now. A minute that begins meanwhile adds one.
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    assert!(done().await <= 2, "each minute once");
}

#[tokio::test]
async fn a_broker_that_cannot_be_reached_is_told_at_the_start_without_its_password() {
    let config = TestbedConfig { tasks_url: Some("redis://:s3cret@127.0.0.1:1/2".to_owned()), ..small() };
    let error = hitmark_testbed::Testbed::start(config, |_| {}).await.expect_err("no broker").to_string();
    assert!(error.contains("127.0.0.1:1") && !error.contains("s3cret"), "{error}");
    for url in ["http://127.0.0.1/", "celery+http://x/", "nonsense"] {
        let config = TestbedConfig { tasks_url: Some(url.to_owned()), ..small() };
        assert!(config.validate().is_err(), "{url}");
    }
}
