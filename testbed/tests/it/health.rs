//! The health system: figures, languages, and that each write clears what it changes.

use axum::http::{Method, StatusCode};
use hitmark_testbed::TestbedConfig;
use hitmark_testkit::PostgresServer;

use crate::support::{UNCACHED, ask, ask_with, small, start};

const PATHS: &[&str] = &[
    "/api/recommendations/1",
    "/api/recommendations/501",
    "/api/recommendations/trending",
    "/api/predictions/diagnosis/7/predict",
    "/api/predictions/diagnosis/401/predict",
    "/api/analytics/recommendation/1",
    "/api/analytics/recommendation/500",
    "/api/feedback/recommendation/1/summary",
    "/api/feedback/recommendation/9999/summary",
    "/api/users/3/profile",
    "/api/users/401/profile",
    "/api/health",
];

fn is_hit(answer: &crate::support::Answer) -> bool {
    answer.cache_status.starts_with("hitmark; hit")
}

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
        assert_eq!((stored.status, &stored.body), (uncached.status, &uncached.body), "{path}");
        let hit = ask(&sqlite, path, &[]).await;
        assert!(is_hit(&hit), "{path}: {}", hit.cache_status);
        assert_eq!(hit.body, uncached.body, "{path}");
    }
    // The writes too, on both.
    for router in [&sqlite, &postgres] {
        let path = "/api/feedback/submit?recommendation=1&patient=3&rating=4";
        assert_eq!(ask_with(router, Method::POST, path, &[]).await.status, StatusCode::OK);
        let path = "/api/predictions/optimize?diagnosis=7";
        assert_eq!(ask_with(router, Method::POST, path, &[]).await.status, StatusCode::OK);
    }
    for path in PATHS {
        assert_eq!(ask(&sqlite, path, UNCACHED).await, ask(&postgres, path, UNCACHED).await, "{path}");
    }
}

#[tokio::test]
async fn a_prediction_comes_from_twenty_similar_patients_nearest_first() {
    let router = start(small()).await.router();
    let prediction = ask(&router, "/api/predictions/diagnosis/7/predict", UNCACHED).await.json();
    let similar = prediction["similar_patients"].as_array().expect("a list");
    assert_eq!(similar.len(), 20);
    assert!(similar.windows(2).all(|pair| pair[0]["distance"].as_i64() <= pair[1]["distance"].as_i64()));
    assert!(similar.iter().all(|patient| patient["patient_id"] != prediction["patient_id"]));
}

#[tokio::test]
async fn feedback_clears_analytics_and_is_seen_at_once_and_counts_once() {
    let router = start(small()).await.router();
    let summary = "/api/feedback/recommendation/2/summary";
    let before = ask(&router, summary, &[]).await.json();
    let prediction = "/api/predictions/diagnosis/7/predict";
    ask(&router, prediction, &[]).await;
    let submit = "/api/feedback/submit?recommendation=2&patient=5&rating=1";
    let told = ask_with(&router, Method::POST, submit, &[]).await.json();
    assert_eq!(told, serde_json::json!({ "cleared_entries": 1, "cache_is_fresh": true }));
    let after = ask(&router, summary, &[]).await.json();
    assert_eq!(after["feedback"].as_i64(), before["feedback"].as_i64().map(|count| count + 1));
    ask_with(&router, Method::POST, submit, &[]).await;
    assert_eq!(ask(&router, summary, &[]).await.json(), after, "the same feedback twice counts once");
    assert!(is_hit(&ask(&router, prediction, &[]).await), "predictions are not analytics");
}

#[tokio::test]
async fn a_changed_recommendation_is_seen_at_once_and_a_refused_write_clears_nothing() {
    let router = start(small()).await.router();
    let path = "/api/recommendations/9";
    ask(&router, path, &[]).await;
    for refused in ["/api/recommendations/9?effectiveness=1001", "/api/recommendations/501?effectiveness=7"] {
        let answer = ask_with(&router, Method::PUT, refused, &[]).await;
        assert!(answer.status.is_client_error(), "{refused}: {answer:?}");
    }
    assert!(is_hit(&ask(&router, path, &[]).await));
    let told = ask_with(&router, Method::PUT, "/api/recommendations/9?effectiveness=7", &[]).await;
    assert_eq!(told.json()["cleared_entries"], 1);
    let fresh = ask(&router, path, &[]).await;
    assert!(!is_hit(&fresh));
    assert_eq!(fresh.json()["effectiveness_score"], 7);
}

#[tokio::test]
async fn a_language_is_never_answered_in_another() {
    let router = start(small()).await.router();
    let mut names = Vec::new();
    for (language, locale, direction) in [("fa-IR", "fa", "rtl"), ("en", "en", "ltr"), ("ar", "ar", "rtl")] {
        for _ in 0..2 {
            let answer =
                ask(&router, "/api/recommendations/1", &[("accept-language", language)]).await.json();
            assert_eq!((&answer["locale"], &answer["direction"]), (&locale.into(), &direction.into()));
            names.push(answer["name"].clone());
        }
    }
    assert!(names[0] == names[1] && names[2] == names[3] && names[0] != names[2], "{names:?}");
}

#[tokio::test]
async fn a_logout_leaves_nothing_of_the_user_and_all_of_others() {
    let router = start(small()).await.router();
    for (user, language) in [(1, "en"), (1, "fa"), (11, "en")] {
        ask(&router, &format!("/api/users/{user}/profile"), &[("accept-language", language)]).await;
    }
    let told = ask_with(&router, Method::POST, "/api/auth/logout/1", &[]).await.json();
    assert_eq!(told["cleared_entries"], 2);
    assert!(!is_hit(&ask(&router, "/api/users/1/profile", &[]).await));
    assert!(is_hit(&ask(&router, "/api/users/11/profile", &[]).await));
}

#[tokio::test]
async fn a_warmed_testbed_answers_its_first_request_from_the_cache() {
    let cold = start(small()).await.router();
    let path = "/api/recommendations/3";
    assert!(!is_hit(&ask(&cold, path, &[]).await));
    let warm = start(TestbedConfig { warm: true, ..small() }).await.router();
    for path in [path, "/api/recommendations/trending", "/api/analytics/recommendation/20"] {
        assert!(is_hit(&ask(&warm, path, &[]).await), "{path}");
    }
}

#[tokio::test]
async fn the_rules_leave_a_prediction_of_old_rows_and_the_tables_do_not() {
    let router = start(small()).await.router();
    let prediction = "/api/predictions/diagnosis/7/predict";
    for (invalidating, stays) in [("rules", true), ("tables", false)] {
        ask(&router, prediction, &[]).await;
        let path = format!("/api/recommendations/9?effectiveness=7&invalidating={invalidating}");
        assert_eq!(ask_with(&router, Method::PUT, &path, &[]).await.status, StatusCode::OK);
        assert_eq!(is_hit(&ask(&router, prediction, &[]).await), stays, "{invalidating}");
    }
    let path = "/api/recommendations/9?effectiveness=7&invalidating=nothing";
    assert_eq!(ask_with(&router, Method::PUT, path, &[]).await.status, StatusCode::BAD_REQUEST);
}
