//! The pages about the service itself: `/metrics`, `/healthz`, `/openapi.json`. They are not counted
//! among the requests, so that watching does not move what is watched.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use hitmark_schema::exposition::{self, Family, Value};
use hitmark_schema::metrics::CACHE_BACKEND_UP;
use hitmark_schema::process;
use serde_json::json;

use crate::app::App;
use crate::{openapi, reply};

/// The routes of the probes.
pub(crate) fn routes(app: &Arc<App>) -> Router {
    Router::new()
        .route("/metrics", get(metrics))
        .route("/healthz", get(healthz))
        .route("/openapi.json", get(async || reply::respond(StatusCode::OK, openapi::document())))
        .with_state(Arc::clone(app))
}

async fn metrics(State(app): State<Arc<App>>) -> Response {
    let mut page = String::with_capacity(16 * 1024);
    exposition::encode(&app.telemetry.families(), &mut page);
    exposition::encode(&process::families(), &mut page);
    exposition::encode(&app.cache.families(), &mut page);
    if let Some(foreign) = &app.foreign {
        exposition::encode(&foreign.families(), &mut page);
    }
    ([(CONTENT_TYPE, HeaderValue::from_static(exposition::CONTENT_TYPE))], page).into_response()
}

/// 503 only if the database does not answer: without its cache the service is slow, not broken.
async fn healthz(State(app): State<Arc<App>>) -> Response {
    let database = app.database.answers().await;
    let cache = is_cache_up(&app.cache.families());
    let (code, status) = match (database, cache) {
        (true, true) => (StatusCode::OK, "ok"),
        (true, false) => (StatusCode::OK, "degraded"),
        (false, _) => (StatusCode::SERVICE_UNAVAILABLE, "down"),
    };
    let word = |is_up| if is_up { "up" } else { "down" };
    let body = json!({
        "status": status,
        "database": { "kind": app.database.kind.as_str(), "state": word(database) },
        "cache": { "kind": app.cache.backend_name(), "state": word(cache) },
    });
    reply::respond(code, body.to_string().into())
}

/// Up unless the last operation found the cache down.
pub(crate) fn is_cache_up(families: &[Family]) -> bool {
    let up = families.iter().filter(|family| family.metric == CACHE_BACKEND_UP);
    up.flat_map(|family| &family.samples).all(|sample| sample.value != Value::Number(0.0))
}
