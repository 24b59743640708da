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
use hitmark_schema::metrics::{CACHE_BACKEND_UP, TESTBED_CPU};
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
    if let Some(cpu) = processor_seconds() {
        let mut family = Family::new(TESTBED_CPU);
        family.push(&[], cpu);
        exposition::encode(&[family], &mut page);
    }
    exposition::encode(&app.cache.families(), &mut page);
    if let Some(foreign) = &app.foreign {
        exposition::encode(&foreign.families(), &mut page);
    }
    ([(CONTENT_TYPE, HeaderValue::from_static(exposition::CONTENT_TYPE))], page).into_response()
}

/// The processor time of this process, from `/proc/self/stat` (proc(5), fields 14 and 15), which counts in
/// hundredths of a second; none where there is no such file.
fn processor_seconds() -> Option<f64> {
    const TICKS_PER_S: f64 = 100.0;
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    ticks(&stat).map(|ticks| ticks as f64 / TICKS_PER_S)
}

/// User and system time in ticks. The name of the process stands in brackets and may hold any sign.
fn ticks(stat: &str) -> Option<u64> {
    let (_, after_name) = stat.rsplit_once(") ")?;
    let mut fields = after_name.split(' ').skip(11).map(|field| field.parse::<u64>().ok());
    Some(fields.next()?? + fields.next()??)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processor_time_is_read_behind_a_name_of_any_kind() {
        let stat = "7 (a) b) S 1 7 7 0 -1 4194304 100 0 0 0 25 17 0 0 20 0 9 0 1 2 3";
        assert_eq!(ticks(stat), Some(42));
        assert_eq!((ticks("7 (a) S 1"), ticks("")), (None, None));
        assert!(processor_seconds().is_some(), "this system has the file");
    }
}
