//! What all requests share, and how a route is made: a handler with its own counts, measured.

use std::sync::Arc;

use axum::Router;
use axum::handler::Handler;
use axum::middleware::from_fn_with_state;
use axum::routing::get;
use hitmark_cache::CacheLayer;
use tempfile::TempDir;

use crate::database::{Database, Session};
use crate::telemetry::{RouteStats, Telemetry, observe};

/// The label of requests that match no route.
const OTHER: &str = "other";

/// What all requests share.
#[derive(Debug)]
pub(crate) struct App {
    pub(crate) database: Database,
    pub(crate) cache: CacheLayer,
    pub(crate) telemetry: Telemetry,
    /// Holds database and cache where no place was named, and goes with the last router. Declared after
    /// both, so that their files are closed before they are removed.
    pub(crate) _folder: Option<TempDir>,
}

/// What one endpoint's handler is given: what all share, and its own counts.
#[derive(Debug, Clone)]
pub(crate) struct Endpoint {
    pub(crate) app: Arc<App>,
    pub(crate) stats: Arc<RouteStats>,
}

impl App {
    /// A measured route that answers GET and HEAD.
    pub(crate) fn route<H, T>(self: &Arc<Self>, path: &'static str, handler: H) -> Router
    where
        H: Handler<T, Endpoint>,
        T: 'static,
    {
        let stats = self.telemetry.route(path);
        let endpoint = Endpoint { app: Arc::clone(self), stats: Arc::clone(&stats) };
        Router::new().route(path, get(handler).layer(from_fn_with_state(stats, observe))).with_state(endpoint)
    }

    /// Adds the answer for requests that match no route.
    pub(crate) fn fallback<H, T>(self: &Arc<Self>, router: Router, handler: H) -> Router
    where
        H: Handler<T, ()>,
        T: 'static,
    {
        let stats = self.telemetry.route(OTHER);
        router.fallback_service(handler.layer(from_fn_with_state(stats, observe)).with_state(()))
    }
}

impl Endpoint {
    /// A database connection whose queries count for this endpoint.
    pub(crate) async fn session(&self) -> sqlx::Result<Session<'_>> {
        self.app.database.session(&self.stats).await
    }
}
