//! The incident service: what each user sees, what a write removes, photos and printed reports.

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use hitmark_testbed::{CacheChoice, TestbedConfig};
use hitmark_testkit::{PostgresServer, RedisServer};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::support::{UNCACHED, ask, small, start};

const STAFF: &[(&str, &str)] = &[("hitmark-user", "1")];
const MANAGER: &[(&str, &str)] = &[("hitmark-user", "2")];
const LIST: &str = "/incident/stores/1/incidents";

/// Sends a body; the status, the headers that matter, and the bytes of the answer.
async fn post(router: &Router, path: &str, body: impl Into<Body>) -> (StatusCode, Value) {
    let request = Request::post(path).body(body.into()).expect("a request");
    let response = router.clone().oneshot(request).await.expect("a router always answers");
    let status = response.status();
    let body = response.into_body().collect().await.expect("a body").to_bytes();
    (status, serde_json::from_slice(&body).expect("a JSON body"))
}

async fn header(router: &Router, path: &str, headers: &[(&str, &str)], wanted: &str) -> String {
    let mut request = Request::get(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Body::empty()).expect("a request");
    let response = router.clone().oneshot(request).await.expect("a router always answers");
    response.headers().get(wanted).map(|value| value.to_str().expect("text").to_owned()).unwrap_or_default()
}

#[tokio::test]
async fn both_databases_and_both_ways_of_loading_give_the_same_bytes() {
    let server = PostgresServer::start().await.expect("a server");
    let sqlite = start(small()).await.router();
    let postgres = start(TestbedConfig { database_url: Some(server.url()), ..small() }).await.router();
    let own: &[(&str, &str)] = &[("hitmark-user", "2"), ("hitmark-variant", "uncached")];
    for path in [
        "/incident/stores/1",
        "/incident/stores/20",
        "/incident/stores/21",
        "/incident/users/1/permissions",
        "/incident/users/4/permissions",
        "/incident/users/401/permissions",
        "/incident/stores/1/incidents?page=2",
        "/incident/stores/20/incidents",
        "/incident/stores/999/incidents",
        "/incident/incidents/7/report.pdf",
        "/incident/incidents/99999/report.pdf",
    ] {
        let first = ask(&sqlite, path, own).await;
        assert!(matches!(first.status, StatusCode::OK | StatusCode::NOT_FOUND), "{path}: {first:?}");
        assert_eq!(first, ask(&postgres, path, own).await, "{path}");
        if path.contains("/stores/") && path.contains("incidents") {
            let each = format!("{path}{}loading=each", if path.contains('?') { '&' } else { '?' });
            assert_eq!(first, ask(&sqlite, &each, own).await, "{each}");
        }
    }
}

#[tokio::test]
async fn loading_each_row_apart_costs_two_queries_for_each_incident() {
    let router = start(small()).await.router();
    let queries = async || {
        let page = ask(&router, "/metrics", &[]).await;
        let line = page.text().lines().find(|line| {
            line.starts_with("testbed_database_queries_total")
                && line.contains("/incident/stores/{id}/incidents")
        });
        let line = line.expect("a count of queries").to_owned();
        line.rsplit(' ').next().and_then(|count| count.parse::<f64>().ok()).expect("a number") as u64
    };
    let own: &[(&str, &str)] = &[("hitmark-user", "1"), ("hitmark-variant", "uncached")];
    assert_eq!(ask(&router, LIST, own).await.status, StatusCode::OK);
    let joined = queries().await;
    assert_eq!(ask(&router, &format!("{LIST}?loading=each"), own).await.status, StatusCode::OK);
    assert_eq!((joined, queries().await - joined), (3, 3 + 2 * 50));
}

#[tokio::test]
async fn a_list_is_for_its_reader_alone() {
    let router = start(small()).await.router();
    let (staff, manager) = (ask(&router, LIST, STAFF).await, ask(&router, LIST, MANAGER).await);
    assert_eq!((staff.status, manager.status), (StatusCode::OK, StatusCode::OK));
    assert_ne!(staff.body, manager.body, "a manager may edit all");
    let may = |answer: &Value| {
        answer["incidents"].as_array().expect("a list").iter().filter(|one| one["can_edit"] == true).count()
    };
    assert_eq!(may(&manager.json()), 50);
    assert!(may(&staff.json()) < 50);
    // From the cache each still gets the own one.
    assert_eq!(ask(&router, LIST, STAFF).await.body, staff.body);
    assert_eq!(ask(&router, LIST, MANAGER).await.body, manager.body);
    assert_eq!(ask(&router, LIST, &[]).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(ask(&router, LIST, &[("hitmark-user", "x")]).await.status, StatusCode::UNAUTHORIZED);
    let public = header(&router, LIST, STAFF, "cache-control").await;
    assert_eq!(public, "private, max-age=300");
}

#[tokio::test]
async fn a_guest_may_do_nothing_and_that_is_a_hit() {
    let router = start(small()).await.router();
    let path = "/incident/users/4/permissions";
    assert_eq!(ask(&router, path, &[]).await.text(), "[]");
    let again = ask(&router, path, &[]).await;
    assert!(again.text() == "[]" && again.cache_status.contains("hit"), "{again:?}");
}

#[tokio::test]
async fn a_revoked_role_is_not_served_again() {
    let server = RedisServer::start().await.expect("redis-server starts");
    let on_redis = TestbedConfig { cache: CacheChoice::Redis, redis_url: Some(server.url()), ..small() };
    for config in [small(), on_redis] {
        let router = start(config).await.router();
        let path = "/incident/users/2/permissions";
        assert!(ask(&router, path, &[]).await.text().contains("edit_any"));
        let (status, told) = post(&router, "/incident/users/2/role?role=guest", Body::empty()).await;
        assert_eq!((status, &told["invalidated"]), (StatusCode::OK, &json!(1)));
        assert_eq!(ask(&router, path, &[]).await.text(), "[]");
        let (status, _) = post(&router, "/incident/users/999/role?role=guest", Body::empty()).await;
        assert_eq!(status, StatusCode::NOT_FOUND);
        let (status, _) = post(&router, "/incident/users/2/role?role=king", Body::empty()).await;
        assert_eq!(status, StatusCode::BAD_REQUEST);
    }
}

#[tokio::test]
async fn a_new_incident_is_in_the_next_list_of_every_reader() {
    let router = start(small()).await.router();
    for reader in [STAFF, MANAGER] {
        ask(&router, LIST, reader).await;
    }
    let other = ask(&router, "/incident/stores/2/incidents", STAFF).await;
    ask(&router, "/incident/stores/1", &[]).await;
    let new = json!({ "store_id": 1, "user_id": 1, "title": "spill in aisle 7", "details": "Oil. Cleaned." });
    let (status, created) = post(&router, "/incident/incidents", new.to_string()).await;
    assert_eq!((status, &created["invalidated"]), (StatusCode::CREATED, &json!(3)), "{created}");
    assert!(created["report_bytes"].as_u64() > Some(1_000));
    for reader in [STAFF, MANAGER] {
        let list = ask(&router, LIST, reader).await;
        assert!(list.cache_status.contains("fwd"), "{}", list.cache_status);
        assert_eq!(list.json()["incidents"][0]["title"], "spill in aisle 7");
    }
    let same = ask(&router, "/incident/stores/2/incidents", STAFF).await;
    assert!(same.cache_status.contains("hit") && same.body == other.body, "another store's list stays");
}

#[tokio::test]
async fn a_bad_incident_is_refused_with_what_is_wrong() {
    let router = start(small()).await.router();
    for (body, status, says) in [
        ("{", StatusCode::BAD_REQUEST, "no incident"),
        (r#"{"store_id":1,"user_id":1,"title":""}"#, StatusCode::BAD_REQUEST, "title"),
        (r#"{"store_id":1,"user_id":1,"title":"x","x":1}"#, StatusCode::BAD_REQUEST, "unknown field"),
        (r#"{"store_id":999,"user_id":1,"title":"x"}"#, StatusCode::NOT_FOUND, "store"),
    ] {
        let (answered, told) = post(&router, "/incident/incidents", body).await;
        assert!(answered == status && told.to_string().contains(says), "{body}: {answered} {told}");
    }
}

#[tokio::test]
async fn a_photo_is_given_as_the_client_takes_it_and_cached_for_each_format() {
    let router = start(small()).await.router();
    let path = "/incident/incidents/7/photo";
    let webp: &[(&str, &str)] = &[("accept", "image/webp,*/*")];
    let (as_jpeg, as_webp) = (ask(&router, path, &[]).await, ask(&router, path, webp).await);
    assert_eq!((&as_jpeg.body[..3], &as_webp.body[8..12]), (&b"\xFF\xD8\xFF"[..], &b"WEBP"[..]));
    assert!(as_webp.body.len() < as_jpeg.body.len());
    assert_eq!(header(&router, path, webp, "content-type").await, "image/webp");
    assert_eq!(header(&router, path, &[], "content-type").await, "image/jpeg");
    assert_eq!(header(&router, path, &[], "vary").await, "accept");
    let again = ask(&router, path, webp).await;
    assert!(again.body == as_webp.body && again.cache_status.contains("hit"));
    let uncached: Vec<_> = webp.iter().chain(UNCACHED).copied().collect();
    assert_eq!(ask(&router, path, &uncached).await.body, as_webp.body);
    assert_eq!(ask(&router, "/incident/incidents/999999/photo", webp).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_thumbnail_is_a_small_answer_with_a_key_of_its_own() {
    let router = start(small()).await.router();
    let path = "/incident/incidents/7/photo";
    let main = ask(&router, path, &[]).await.body;
    let first = ask(&router, &format!("{path}?size=thumbnail"), &[]).await;
    assert!(first.body.len() * 8 < main.len(), "{} against {}", first.body.len(), main.len());
    assert_eq!(first.cache_status, "hitmark; fwd=uri-miss; stored");
    let again = ask(&router, &format!("{path}?size=thumbnail"), &[]).await;
    assert!(again.cache_status.starts_with("hitmark; hit") && again.body == first.body);
    let wrong = ask(&router, &format!("{path}?size=huge"), &[]).await;
    assert_eq!(wrong.status, StatusCode::BAD_REQUEST);
    assert!(wrong.text().contains("main") && wrong.text().contains("thumbnail"), "{}", wrong.text());
}

#[tokio::test]
async fn an_upload_is_made_fit_and_what_is_no_photo_is_refused() {
    let router = start(small()).await.router();
    let photo = ask(&router, "/incident/incidents/7/photo", &[]).await.body;
    let bytes_in = photo.len();
    let (status, told) = post(&router, "/incident/photos", photo).await;
    assert_eq!((status, &told["bytes_in"]), (StatusCode::OK, &json!(bytes_in)));
    let (status, told) = post(&router, "/incident/photos", "no photo").await;
    assert_eq!(status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{told}");
    let request = Request::post("/incident/photos").body(Body::from(vec![0; 12 << 20])).expect("a request");
    let response = router.clone().oneshot(request).await.expect("an answer");
    assert_eq!(response.status(), StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn that_there_was_nothing_under_a_number_is_forgotten_when_there_is_something() {
    let router = start(small()).await.router();
    let new = || json!({ "store_id": 1, "user_id": 1, "title": "a spill" }).to_string();
    let (_, first) = post(&router, "/incident/incidents", new()).await;
    let next = first["id"].as_i64().expect("a number") + 1;
    let (photo, report) =
        (format!("/incident/incidents/{next}/photo"), format!("/incident/incidents/{next}/report.pdf"));
    for path in [&photo, &report, &photo, &report] {
        assert_eq!(ask(&router, path, &[]).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    let (_, created) = post(&router, "/incident/incidents?processing=queued", new()).await;
    assert_eq!((&created["id"], &created["cache_is_fresh"]), (&json!(next), &json!(true)), "{created}");
    for path in [&photo, &report] {
        assert_eq!(ask(&router, path, &[]).await.status, StatusCode::OK, "{path}");
    }
}

#[tokio::test]
async fn a_changed_role_shows_in_lists_that_were_read_before() {
    let router = start(small()).await.router();
    let may = async || {
        let list = ask(&router, LIST, MANAGER).await.json();
        list["incidents"].as_array().expect("a list").iter().filter(|one| one["can_edit"] == true).count()
    };
    assert_eq!(may().await, 50);
    let (status, told) = post(&router, "/incident/users/2/role?role=guest", Body::empty()).await;
    assert_eq!((status, &told["invalidated"]), (StatusCode::OK, &json!(1)));
    assert_eq!(may().await, 0, "a guest may edit nothing");
}

#[tokio::test]
async fn incidents_that_are_reported_at_once_get_a_number_each() {
    let router = start(small()).await.router();
    let new = json!({ "store_id": 1, "user_id": 1, "title": "a spill" }).to_string();
    let reports = (0..4).map(|_| post(&router, "/incident/incidents?processing=queued", new.clone()));
    let answers = futures::future::join_all(reports).await;
    let numbers: std::collections::BTreeSet<_> =
        answers.iter().map(|(_, told)| told["id"].as_i64()).collect();
    assert!(numbers.len() == 4 && !numbers.contains(&None), "{answers:?}");
}
