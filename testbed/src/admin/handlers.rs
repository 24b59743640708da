//! The administrative endpoints.

use std::sync::Arc;

use axum::Router;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::middleware::from_fn_with_state;
use axum::response::Response;
use axum::routing::{get, post};
use hitmark_cache::backend::{Redis, Tiered};
use hitmark_cache::{CacheError, Pattern};
use serde_json::{Value, json};

use super::guard::guard;
use super::invalidation::{family, invalidate, invalidate_all};
use super::server::ServerInfo;
use super::stats;
use crate::analytics::keys as analytics;
use crate::app::App;
use crate::parameters::{Mistakes, Parameters};
use crate::probes::is_cache_up;
use crate::reply;

const LIMIT: u32 = 100;
const LIMIT_MAX: u32 = 1_000;
const PATTERN_CHARS_MAX: usize = 256;
const NOT_LISTED: &str = "only a cache on one Redis server can list its keys; this one is \
     in the process, off, behind Sentinels or in a Cluster";

/// A family of keys that is invalidated as one, and what its clients would notice.
struct Scope {
    path: &'static str,
    name: &'static str,
    prefix: &'static str,
    affected: &'static [&'static str],
}

const SCOPES: [Scope; 4] = [
    Scope {
        path: "/api/v1/cache/invalidate/analytics",
        name: "Analytics",
        prefix: analytics::ANALYTICS,
        affected: &[
            "revenue analytics",
            "customer segmentation",
            "product performance",
            "cohort analysis",
            "funnel analysis",
        ],
    },
    Scope {
        path: "/api/v1/cache/invalidate/customers",
        name: "Customer",
        prefix: analytics::CUSTOMERS,
        affected: &["customer list", "customer details", "customer recommendations"],
    },
    Scope {
        path: "/api/v1/cache/invalidate/fraud",
        name: "Fraud",
        prefix: analytics::FRAUD,
        affected: &["fraud alerts", "fraud dashboard"],
    },
    Scope {
        path: "/api/v1/cache/invalidate/realtime",
        name: "Real-time",
        prefix: analytics::REALTIME,
        affected: &["realtime health", "realtime metrics"],
    },
];

/// The administration's routes: all guarded but the health, which a balancer asks.
pub(crate) fn routes(app: &Arc<App>) -> Router {
    let mut guarded = Router::new()
        .route("/api/v1/cache/stats", get(full_stats))
        .route("/api/cache/stats", get(short_stats))
        .route("/api/v1/cache/health", get(health))
        .route("/api/v1/cache/keys", get(keys))
        .route("/api/v1/cache/invalidate/all", post(clear))
        .route("/api/v1/cache/invalidate/pattern", post(clear_pattern));
    for scope in &SCOPES {
        let handler = async move |State(app): State<Arc<App>>| clear_scope(&app, scope).await;
        guarded = guarded.route(scope.path, post(handler));
    }
    guarded
        .route_layer(from_fn_with_state(Arc::clone(app), guard))
        .route("/api/cache/health", get(health))
        .with_state(Arc::clone(app))
}

async fn full_stats(State(app): State<Arc<App>>) -> Response {
    page(&stats::full(&app.cache.families(), server(&app).await.as_ref()))
}

async fn short_stats(State(app): State<Arc<App>>) -> Response {
    page(&stats::short(&app.cache.families(), server(&app).await.as_ref()))
}

async fn health(State(app): State<Arc<App>>) -> Response {
    let server = server(&app).await;
    let is_connected = match (&app.server, app.cache.backend_name()) {
        (Some(_), _) => Some(server.is_some()),
        // Several servers: the cache itself knows.
        (None, Redis::NAME | Tiered::NAME) => Some(is_cache_up(&app.cache.families())),
        (None, _) => None,
    };
    page(&stats::health(&jiff::Timestamp::now().to_string(), is_connected, server.as_ref()))
}

async fn keys(State(app): State<Arc<App>>, RawQuery(query): RawQuery) -> Result<Response, Response> {
    let mut parameters = Parameters::read(query.as_deref(), &["pattern", "limit"]);
    let limit = parameters.number("limit", LIMIT, 1..=LIMIT_MAX);
    let text = match parameters.has("pattern") {
        true => parameters.text("pattern", PATTERN_CHARS_MAX),
        false => "*".to_owned(),
    };
    parameters.finish(()).map_err(|mistakes| reply::bad_request(&mistakes))?;
    let pattern = parsed(&text).map_err(|mistakes| reply::bad_request(&mistakes))?;
    let Some(server) = &app.server else { return Err(reply::error(StatusCode::NOT_IMPLEMENTED, NOT_LISTED)) };
    let found = server.keys(pattern.as_str(), limit as usize).await.map_err(|error| {
        tracing::warn!(%error, "the cache's keys could not be listed");
        unreachable()
    })?;
    let keys: Vec<Value> = found
        .keys
        .iter()
        .map(|(key, ttl)| json!({ "key": key, "ttl": ttl, "expires": format!("{ttl}s") }))
        .collect();
    Ok(page(&json!({ "pattern": text, "total_found": found.total, "limit": limit, "keys": keys })))
}

async fn clear_scope(app: &App, scope: &Scope) -> Response {
    let cleared = invalidate(app, &family(scope.prefix), "admin").await;
    told(&cleared, |cleared| {
        json!({
            "message": format!("{} cache invalidated successfully", scope.name),
            "cleared_entries": cleared,
            "affected_endpoints": scope.affected,
        })
    })
}

async fn clear(State(app): State<Arc<App>>) -> Response {
    told(&invalidate_all(&app, "admin").await, |cleared| {
        json!({
            "message": "All cache invalidated successfully",
            "cleared_entries": cleared,
            "affected_endpoints": ["all"],
        })
    })
}

async fn clear_pattern(State(app): State<Arc<App>>, RawQuery(query): RawQuery) -> Result<Response, Response> {
    let mut parameters = Parameters::read(query.as_deref(), &["pattern"]);
    let text = parameters.text("pattern", PATTERN_CHARS_MAX);
    parameters.finish(()).map_err(|mistakes| reply::bad_request(&mistakes))?;
    let pattern = parsed(&text).map_err(|mistakes| reply::bad_request(&mistakes))?;
    let cleared = invalidate(&app, &pattern, "admin").await;
    Ok(told(&cleared, |cleared| json!({ "pattern": text, "cleared_entries": cleared })))
}

fn parsed(text: &str) -> Result<Pattern, Mistakes> {
    text.parse().map_err(|error| Mistakes::one("pattern", error))
}

fn told(cleared: &Result<u64, CacheError>, body: impl FnOnce(u64) -> Value) -> Response {
    match cleared {
        Ok(cleared) => page(&body(*cleared)),
        Err(_) => unreachable(),
    }
}

fn unreachable() -> Response {
    reply::error(
        StatusCode::SERVICE_UNAVAILABLE,
        "the cache server did not answer; part of it may be cleared",
    )
}

fn page(body: &Value) -> Response {
    reply::respond(StatusCode::OK, body.to_string().into())
}

/// What the server says; `None` if there is none or it does not answer.
async fn server(app: &App) -> Option<ServerInfo> {
    let info = app.server.as_ref()?.info().await;
    info.inspect_err(|error| tracing::warn!(%error, "the cache server does not answer")).ok()
}
